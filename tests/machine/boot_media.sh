#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# SeaBIOS starts GRUB from floppy disks, a CD-ROM and a hard disk, and GRUB finds its
# drives; iPXE; and ISOLINUX, MEMDISK and menus. The firmware's screen is the first
# serial port, or the VGA, which is compared with QEMU's.
# timeout: 260
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
boots "a screen, and the terminal as well" "${prompt}send ls\\\\r\nwait (cd)\n" \
	-vga std -cdrom $grub/grub-rescue-cdrom.iso
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

# ISOLINUX with one entry: iso NAME LINES
lib=/usr/lib/syslinux
iso()
{
	local dir=$tmp/iso.$1/isolinux
	mkdir -p "$dir"
	cp /usr/lib/ISOLINUX/isolinux.bin $lib/memdisk $lib/modules/bios/*.c32 \
		$grub/grub-rescue-floppy.img "$dir"
	printf 'DEFAULT x\nPROMPT 0\nLABEL x\n%b' "$2" >"$dir/isolinux.cfg"
	printf 'MENU TITLE Umbra\nLABEL y\nMENU LABEL An entry\nKERNEL x\n' \
		>"$dir/menu.cfg"
	xorriso -as mkisofs -quiet -o "$tmp/$1.iso" -b isolinux/isolinux.bin \
		-c isolinux/boot.cat -no-emul-boot -boot-load-size 4 \
		-boot-info-table "$tmp/iso.$1" 2>"$tmp/log"
}

if [ ! -f /usr/lib/ISOLINUX/isolinux.bin ] || [ ! -f $lib/memdisk ] ||
   ! command -v xorriso >/dev/null; then
	echo "ok ISOLINUX # SKIP isolinux, syslinux-common or xorriso is not" \
		"installed (make deps)"
	exit 0
fi
iso memdisk 'KERNEL memdisk\nINITRD grub-rescue-floppy.img\n'
boots "a floppy image in memory, by ISOLINUX and MEMDISK" \
	"wait GNU GRUB\n" -cdrom "$tmp/memdisk.iso"
iso poweroff 'COM32 poweroff.c32\n'
for engine in bt interp; do
	timeout 60 "$umbra" run --engine $engine --mem 64M --serial null \
		-cdrom "$tmp/poweroff.iso" >"$tmp/log" 2>&1 </dev/null
	rc=$?
	if [ $rc = 0 ]; then
		echo "ok a COM32 program powers off through APM ($engine)"
	else
		echo "not ok a COM32 program powers off through APM ($engine): $rc"
		sed 's/^/# /' "$tmp/log"
	fi
done

# The same picture as in QEMU: a menu in a VBE mode.
iso vesa 'COM32 vesamenu.c32\nAPPEND menu.cfg\n'
"$umbra" run --engine "${ENGINE:-bt}" --mem 64M --serial null \
	-cdrom "$tmp/vesa.iso" --qmp "unix:$tmp/umbra.qmp" \
	>"$tmp/log" 2>&1 </dev/null &
ours=$!
theirs=
if command -v qemu-system-i386 >/dev/null; then
	qemu-system-i386 -m 64 -vga std -display none -serial null \
		-cdrom "$tmp/vesa.iso" -qmp "unix:$tmp/qemu.qmp,server,nowait" &
	theirs=$!
fi
python3 tests/machine/same_screen.py "$tmp" 640x480 "${theirs:+qemu}"
kill $ours $theirs 2>/dev/null
wait
