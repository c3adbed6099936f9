#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Firmware, GRUB, Debian's kernel: from a CD-ROM and from a hard disk with the
# same image; the guest runs its script and powers off.
# timeout: 150
. "$(dirname "$0")/linux.sh.inc"

for tool in grub-mkrescue xorriso mformat; do
	command -v $tool >/dev/null ||
		exec tests/skip.sh "$tool is not installed (make deps)"
done
[ -f /usr/share/seabios/bios-256k.bin ] ||
	exec tests/skip.sh "seabios is not installed (make deps)"
make_initrd hello

mkdir -p "$tmp/root/boot/grub"
cp "$cache/vmlinuz-686" "$tmp/initrd.gz" "$tmp/root/boot"
cat >"$tmp/root/boot/grub/grub.cfg" <<-'CFG'
	set timeout=0
	menuentry umbra {
		linux /boot/vmlinuz-686 console=ttyS0 quiet panic=-1 umbra.script=/test
		initrd /boot/initrd.gz
	}
CFG
grub-mkrescue -o "$tmp/boot.iso" "$tmp/root" >"$tmp/mkrescue.log" 2>&1 || {
	echo "not ok the image is made"
	sed 's/^/# /' "$tmp/mkrescue.log"
	exit 1
}

# from NAME OPTION...
from()
{
	local name=$1
	shift
	timeout -k 5 60 "$umbra" run --engine "${ENGINE:-bt}" --mem 128M \
		--no-reboot --vga none "$@" </dev/null >"$tmp/log" 2>&1
	verdict "Linux starts by GRUB from $name" "$tmp/log" $?
}

from "a CD-ROM" --cdrom "$tmp/boot.iso"
from "a hard disk" --hda "$tmp/boot.iso" --snapshot
