#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Does the series build and boot after each of its patches?
#
#	guest-linux-patches/steps.sh [FIRST [LAST]]
#
# Patches 1 to N are applied for each N from FIRST (1) to LAST (all), one more at
# a time, to a source tree of its own; the kernel is built in one object
# directory, so that a step compiles what its patch touches.  It then runs the
# script of tests/machine/linux_script.sh under BT and powers off: without a ROM,
# and, once the configuration has CONFIG_VMI, with a ROM and with vmi=off.
# VARIANT is one of build.sh's (up).  A tree that has the same first patches
# already goes on from there.  Half an hour on two idle cores.  Exit status 1 when
# a step fails.
. "$(dirname "$0")/build.sh" "${VARIANT:-up}"

umbra=../${BUILD:-build}/umbra
SRC=$TOP/steps/src
OBJ=$TOP/steps/obj-$VARIANT
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# As configure(), but what a later patch will offer may be missing.
configure_step()
{
	mkdir -p "$OBJ"
	# shellcheck disable=SC2046
	awk -F= '!/^CONFIG_/ { next } !($1 in seen) { seen[$1] = 1; print }' \
		$(fragments) >"$OBJ/wanted"
	kmake KCONFIG_ALLCONFIG="$OBJ/wanted" allnoconfig >"$OBJ/log" 2>&1 ||
		{ cat "$OBJ/log" >&2; fail "cannot configure"; }
}

# boot NAME OPTION...: sets status.
boot()
{
	local name=$1
	shift
	timeout -k 5 120 "$umbra" run --kernel "$OBJ/arch/x86/boot/bzImage" \
		--initrd "$tmp/initrd.gz" --mem 128M --no-reboot --engine bt \
		"$@" </dev/null >"$tmp/log" 2>&1 &&
		grep -aq '^TEST PASSED' "$tmp/log" &&
		! grep -aqE '(Oops|BUG:|WARNING:)' "$tmp/log" && return
	tail -n 20 "$tmp/log" >&2
	fail "step $n: $name"
}

# on KIND: what the kernel said of itself in the last boot.
on()
{
	grep -aq "Booting paravirtualized kernel on $1" "$tmp/log" ||
		fail "step $n: not on $1"
}

boots()
{
	local line="console=ttyS0 panic=-1 umbra.script=/test"

	boot "without a ROM" --vmi=off --append "$line"
	grep -q '^CONFIG_VMI=y' "$OBJ/.config" || {
		echo "ok step $n, $(basename "$p" .patch): boots"
		return
	}
	on "bare hardware"
	boot "with a ROM, and vmi=off" --vmi --append "$line vmi=off"
	on "bare hardware"
	boot "with a ROM" --vmi --append "$line"
	on vmi
	echo "ok step $n, $(basename "$p" .patch): boots, also on VMI"
}

# One line for each patch in the tree.
sum()
{
	sha256sum <"$1"
}

# Patches that the tree has, or a new tree without any: sets have.
prepare()
{
	local p i=0

	have=$(wc -l <"$SRC/.steps" 2>/dev/null || echo 0)
	[ ! -e "$SRC/.step" ] || have=0		# ended within one
	for p in $(series); do
		[ $((i += 1)) -le "$have" ] || break
		[ "$(sum "$p")" = "$(sed -n ${i}p "$SRC/.steps")" ] || have=0
	done
	[ "$have" = 0 ] || [ "$have" -gt $i ] || return 0
	have=0
	extract
	: >"$SRC/.steps"
}

first=${1:-1}
last=${2:-$(series | wc -l)}
mkdir -p "$TOP/steps"
exec 9>"$TOP/steps/lock"
flock 9
fetch
../tools/mkinitrd.sh -a ../tests/machine/guest/load:/test \
	"$tmp/initrd.gz" >"$tmp/log" 2>&1 || { cat "$tmp/log"; exit 1; }
[ -x "$umbra" ] || fail "$umbra: not found (make)"
prepare
n=0
for p in $(series); do
	n=$((n + 1))
	[ $n -le "$last" ] || break
	[ $n -gt "$have" ] || continue
	: >"$SRC/.step"
	apply "$p"
	if [ $n -ge "$first" ]; then
		configure_step
		compile
		boots
	fi
	sum "$p" >>"$SRC/.steps"
	rm "$SRC/.step"
done
