#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run one 64-bit test kernel: tests/guests64/run.sh NAME [OPTION...]
#
# ENGINE is hv (default) or qemu for a second opinion.  The kernel prints TAP
# and leaves with status 33, (0x10 << 1) | 1, when all went well.
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
ENGINE=${ENGINE:-hv}
name=$1
shift
elf=$BUILD/tests/guests64/$name.elf
read -r _ _ needs < <(grep "^$name[[:space:]]" tests/guests64/guests.def)

# The line of `umbra host' that says whether $1 is there.
fact()
{
	case $1 in
	long) grep '^long mode' ;;
	user) grep '^64-bit code at CPL 3' ;;
	compat) grep '^32-bit code in long mode' ;;
	syscall) grep '^SYSCALL and SYSRET' ;;
	native) grep '^long mode' | sed 's/works (\(em.*\))/is \1/' ;;
	esac
}

# Skip the kernel if this host's KVM cannot run it.
check_host()
{
	local facts line need

	facts=$("$BUILD/umbra" host)
	if ! grep -q '^KVM  *usable' <<<"$facts"; then
		exec tests/skip.sh "$name: KVM: $(sed -n \
			's/^KVM is not usable  *//p' <<<"$facts")"
	fi
	for need in $needs; do
		line=$(fact "$need" <<<"$facts")
		grep -q ' works' <<<"$line" ||
			exec tests/skip.sh "$name: this host's KVM: $(tr -s ' ' \
				<<<"$line")"
	done
}

case $ENGINE in
qemu)
	qemu-system-x86_64 -cpu max -m 128M -kernel "$elf" -no-reboot \
		-display none -serial stdio \
		-device isa-debug-exit,iobase=0xf4,iosize=0x04
	;;
*)
	check_host
	"$BUILD/umbra" run --kernel "$elf" --mem 128M --engine "$ENGINE" \
		--no-reboot "$@"
	;;
esac </dev/null | tr -d '\r'
status=${PIPESTATUS[0]}
[ "$status" = 33 ] && exit 0
[ "$status" = 77 ] && exit 77
echo "not ok exit status $status"
exit 1
