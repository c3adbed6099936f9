#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Build the small guest kernel from Debian's linux-source-6.1, the patches in
# this folder and a configuration in config/.
#
#	guest-linux-patches/build.sh [VARIANT]
#
# VARIANT  up (default)	one processor, two-level page tables
#	   smp-pae	eight processors, three-level page tables
#	   up-pae, smp	the other two of the four
#	   NAME-novmi	the same with CONFIG_VMI=n
#
# Result, in ${UMBRA_CACHE:-$HOME/.cache/umbra}/guest-kernel/VARIANT: bzImage,
# vmlinux, System.map, config, and `key', a hash of what they were made from;
# nothing is done when that hash is right.  JOBS says how many compilers run
# at once (2).  The package is fetched once; a newer one only when that copy
# (linux-source-*.deb beside the results) has been removed.
#
# Exit status: 0, 1 when the build fails, 77 when the source cannot be had.
set -euo pipefail
cd "$(dirname "$0")"

VARIANT=${1:-up}
JOBS=${JOBS:-2}
PACKAGE=linux-source-6.1
CACHE=${UMBRA_CACHE:-${HOME:?}/.cache/umbra}
APT=$CACHE/apt
TOP=$CACHE/guest-kernel
SRC=$TOP/src
OBJ=$TOP/obj-$VARIANT
OUT=$TOP/$VARIANT
me=guest-kernel

fail()
{
	echo "$me: $*" >&2
	exit 1
}

no_source()
{
	echo "$me: $*" >&2
	exit 77
}

say()
{
	echo "$me: $*"
}

# The fragments of a variant; the first mention of a symbol wins.
fragments()
{
	local f=config/vmi.config
	case $VARIANT in
	up|up-pae|smp|smp-pae) ;;
	up-novmi|up-pae-novmi|smp-novmi|smp-pae-novmi) f=config/novmi.config ;;
	*) fail "$VARIANT: no such variant (up, up-pae, smp, smp-pae, or one" \
		"of these with -novmi)" ;;
	esac
	echo "$f" "config/${VARIANT%-novmi}.config" config/base.config
}

series()
{
	find . -maxdepth 1 -name '[0-9]*.patch' | LC_ALL=C sort
}

need()
{
	local tool
	for tool; do
		command -v "$tool" >/dev/null ||
			fail "$tool: not found (run \`make deps')"
	done
}

# ---- the source package ------------------------------------------------------

deb()
{
	find "$TOP" -maxdepth 1 -name "$PACKAGE"_'*.deb' | LC_ALL=C sort -V |
		tail -n 1
}

# fetch-guest.sh and apt.sh.inc stop by fail(); here that means "no source".
fetch()
{
	[ -z "$(deb)" ] || return 0
	command -v apt-get >/dev/null ||
		no_source "apt-get: not found; put $PACKAGE's .deb into $TOP"
	(
		fail()
		{
			no_source "$@"
		}
		. ../tools/apt.sh.inc
		apt_private
		[ -n "$(apt-cache show --no-all-versions $PACKAGE \
			2>/dev/null)" ] ||
			no_source "$PACKAGE: not found: $no_package"
		say "fetching $PACKAGE (about 140 MB)"
		mkdir -p "$TOP/fetch"
		cd "$TOP/fetch"
		apt-get -q download $PACKAGE >"$TOP/fetch.log" 2>&1 || {
			cat "$TOP/fetch.log" >&2
			no_source "$PACKAGE: download failed (check the" \
				"network and http_proxy, then try again)"
		}
		mv ./$PACKAGE*.deb "$TOP/"
	)
}

# What a kernel is made from, in one word.
key_of()
{
	{
		basename "$(deb)"
		gcc --version | head -n 1
		# shellcheck disable=SC2046 # a list of names
		cat build.sh $(fragments) $(series)
	} | sha256sum | cut -c 1-16
}

# The source as Debian has it, in $SRC.
extract()
{
	say "unpacking $(basename "$(deb)")"
	rm -rf "$SRC"
	mkdir -p "$SRC"
	dpkg-deb --fsys-tarfile "$(deb)" |
		tar -xOf - ./usr/src/$PACKAGE.tar.xz | xz -T2 -dc |
		tar -xf - -C "$SRC" --strip-components=1 \
			--wildcards --wildcards-match-slash -X unneeded ||
		fail "$(deb): cannot unpack"
}

apply()	# PATCH
{
	say "applying ${1#./}"
	patch -s -d "$SRC" -p1 --no-backup-if-mismatch -f <"$1" ||
		fail "$1: does not apply to $(basename "$(deb)")"
}

# One source tree with the whole series applied serves all variants.
unpack()
{
	local p want

	want=$({ basename "$(deb)"; cat unneeded; series | xargs -r cat; } |
		sha256sum)
	[ "$(cat "$SRC/.umbra" 2>/dev/null)" != "$want" ] || return 0
	rm -rf "$TOP"/obj-*
	extract
	for p in $(series); do
		apply "$p"
	done
	echo "$want" >"$SRC/.umbra"
}

# ---- configure, compile ------------------------------------------------------

kmake()
{
	# The same input gives the same kernel: no build date, no host name.
	make -s -C "$SRC" O="$OBJ" ARCH=i386 KBUILD_BUILD_USER=umbra \
		KBUILD_BUILD_HOST=guest-linux-patches \
		KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' "$@"
}

# A line that Kconfig dropped (a dependency is missing) is a mistake here.
configure()
{
	local line name lost=

	mkdir -p "$OBJ"
	# shellcheck disable=SC2046
	awk -F= '!/^CONFIG_/ { next } !($1 in seen) { seen[$1] = 1; print }' \
		$(fragments) >"$OBJ/wanted"
	kmake KCONFIG_ALLCONFIG="$OBJ/wanted" allnoconfig >"$OBJ/log" 2>&1 || {
		cat "$OBJ/log" >&2
		fail "cannot configure"
	}
	while read -r line; do
		name=${line%%=*}
		case $line in
		*=n) ! grep -q "^$name=" "$OBJ/.config" || lost="$lost $line" ;;
		*) grep -qxF "$line" "$OBJ/.config" || lost="$lost $line" ;;
		esac
	done <"$OBJ/wanted"
	[ -z "$lost" ] || fail "$VARIANT: Kconfig did not take:$lost"
}

# The compiler's lines become one line of progress in twenty.
compile()
{
	local total

	say "compiling $VARIANT with $JOBS jobs (a few minutes)"
	total=$(cat "$TOP/objects-$VARIANT" 2>/dev/null || echo "some 900")
	make -C "$SRC" O="$OBJ" ARCH=i386 KBUILD_BUILD_USER=umbra \
		KBUILD_BUILD_HOST=guest-linux-patches \
		KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970' \
		-j "$JOBS" bzImage 2>"$OBJ/errors" | tee "$OBJ/log" |
		awk -v total="$total" -v out="$TOP/objects-$VARIANT" '
			/^  (CC|AS) / && ++n % 100 == 0 {
				print "guest-kernel: " n " of " total " files"
				fflush()
			}
			END { if (n > 300) print n >out }' || {
		tail -n 20 "$OBJ/errors" >&2
		fail "$VARIANT: the build failed ($OBJ/log, $OBJ/errors)"
	}
}

install_result()
{
	rm -rf "$OUT.new"
	mkdir -p "$OUT.new"
	cp "$OBJ/arch/x86/boot/bzImage" "$OBJ/vmlinux" "$OBJ/System.map" \
		"$OUT.new/"
	cp "$OBJ/.config" "$OUT.new/config"
	key_of >"$OUT.new/key"
	rm -rf "$OUT"
	mv "$OUT.new" "$OUT"
	say "$OUT/bzImage ($(stat -c %s "$OUT/bzImage") bytes)"
}

# steps.sh takes the functions alone.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

fragments >/dev/null
mkdir -p "$TOP" || fail "$TOP: cannot create"
exec 9>"$TOP/lock"
flock 9
fetch
if [ "$(cat "$OUT/key" 2>/dev/null)" = "$(key_of)" ]; then
	say "$OUT/bzImage is up to date"
	exit 0
fi
need gcc ld make flex bison bc xz patch dpkg-deb awk
unpack
configure
compile
install_result
