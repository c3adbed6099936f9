#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SeaBIOS starts GRUB from floppy disks, a CD-ROM and a hard disk, and GRUB finds
# its drives; the firmware's screen is the first serial port.
# timeout: 150
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
grub=/usr/lib/grub-rescue
[ -f $grub/grub-rescue-floppy.img ] ||
	exec tests/skip.sh "grub-rescue-pc is not installed (make deps)"
[ -f /usr/share/seabios/bios-256k.bin ] ||
	exec tests/skip.sh "seabios is not installed (make deps)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# boots NAME SCRIPT OPTION...
boots()
{
	local name=$1
	printf '%b' "$2" >"$tmp/script"
	shift 2
	if tests/machine/media.py 30 "$tmp/script" -- \
	   "$umbra" run --engine "${ENGINE:-bt}" --mem 64M --vga none --serial stdio \
	   --log "$tmp/log" "$@" >"$tmp/out"; then
		echo "ok $name"
	else
		echo "not ok $name"
		sed 's/^/# /' "$tmp/out" "$tmp/log"
	fi
}

# The menu, then its command line.
prompt='wait GNU GRUB\nsend c\nwait grub> \n'

cp $grub/grub-rescue-floppy.img "$tmp/floppy.img"
dd if=$grub/grub-rescue-cdrom.iso of="$tmp/hd.img" status=none
truncate -s 1440K "$tmp/blank.img"
printf 'second floppy' |
	dd of="$tmp/blank.img" bs=1 seek=512 conv=notrunc status=none

boots floppy "${prompt}send ls\\\\r\nwait (fd0)\n" -fda "$tmp/floppy.img"
boots "second floppy is read" \
	"${prompt}send hexdump -s 512 -n 16 (fd1)0+2\\\\r\nwait second floppy\n" \
	-fda "$tmp/floppy.img" -fdb "$tmp/blank.img"
boots cdrom "${prompt}send ls\\\\r\nwait (cd)\n" \
	-cdrom $grub/grub-rescue-cdrom.iso
boots "hard disk" "${prompt}send ls\\\\r\nwait (hd0)\n" -hda "$tmp/hd.img"
boots "order of firmware" "${prompt}send echo \$root\\\\r\nwait hd0\n" \
	-hda "$tmp/hd.img" -cdrom $grub/grub-rescue-cdrom.iso -boot c
"${BUILD:-build}/umbra" image convert "$tmp/hd.img" "$tmp/hd.vmdk" &&
	boots "hard disk in a VMDK, as a snapshot" \
	"${prompt}send ls\\\\r\nwait (hd0)\n" -hda "$tmp/hd.vmdk" -snapshot

ipxe=/usr/lib/ipxe/ipxe.iso
if [ -f $ipxe ]; then
	boots "iPXE's CD-ROM" "wait Ctrl-B\nsend \\\\x02\nwait iPXE>\nsend help\\\\r\nwait sanboot\n" \
		-cdrom $ipxe
else
	echo "ok iPXE's CD-ROM # SKIP ipxe is not installed (make deps)"
fi
