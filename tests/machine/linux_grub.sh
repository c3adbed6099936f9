#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Firmware, GRUB, Debian's kernel: from a CD-ROM and from a hard disk with the
# same image; the guest runs its script and powers off.  The same with the guest
# kernel, which finds the VMI ROM where the firmware has put it.
# timeout: 200
. "$(dirname "$0")/linux.sh.inc"

for tool in grub-mkrescue xorriso mformat; do
	command -v $tool >/dev/null ||
		exec tests/skip.sh "$tool is not installed (make deps)"
done
[ -f /usr/share/seabios/bios-256k.bin ] ||
	exec tests/skip.sh "seabios is not installed (make deps)"
make_initrd hello

# make_iso KERNEL INITRD: $tmp/boot.iso.
make_iso()
{
	rm -rf "$tmp/root" "$tmp/boot.iso"
	mkdir -p "$tmp/root/boot/grub"
	cp "$1" "$tmp/root/boot/vmlinuz"
	cp "$2" "$tmp/root/boot/initrd.gz"
	cat >"$tmp/root/boot/grub/grub.cfg" <<-'CFG'
		set timeout=0
		menuentry umbra {
			linux /boot/vmlinuz console=ttyS0 quiet panic=-1 umbra.script=/test
			initrd /boot/initrd.gz
		}
	CFG
	grub-mkrescue -o "$tmp/boot.iso" "$tmp/root" >"$tmp/mkrescue.log" \
		2>&1 && return
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

make_iso "$cache/vmlinuz-686" "$tmp/initrd.gz"
from "a CD-ROM" --cdrom "$tmp/boot.iso"
from "a hard disk" --hda "$tmp/boot.iso" --snapshot

kernel=$cache/../guest-kernel/up/bzImage
if [ ! -f "$kernel" ]; then
	echo "ok VMI by firmware # SKIP $kernel is missing (make guest-kernel)"
	exit
fi
tools/mkinitrd.sh -a tests/machine/guest/vmi:/test \
	-a tests/machine/guest/load:/load \
	-a "${BUILD:-build}/tests/machine/badcs:/badcs" \
	-a "${BUILD:-build}/tests/machine/forks:/forks" "$tmp/vmi.gz" \
	>"$tmp/mkinitrd.log" 2>&1 || exit 1
make_iso "$kernel" "$tmp/vmi.gz"
for rom in native bt; do
	from "a CD-ROM, with the $rom ROM" --cdrom "$tmp/boot.iso" --vmi=$rom
	if grep -aq "^LOG Booting paravirtualized kernel on vmi" "$tmp/log"
	then
		echo "ok the kernel finds the $rom ROM of a PCI function"
	else
		echo "not ok the kernel finds the $rom ROM of a PCI function"
		grep -a '^LOG' "$tmp/log" | sed 's/^/# /'
	fi
done
