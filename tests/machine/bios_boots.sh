#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's kernel, loaded by GRUB from a CD, through SeaBIOS: what it finds of the
# machine that firmware describes.
# timeout: 200
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
guest=${UMBRA_CACHE:-$HOME/.cache/umbra}/guest
[ -e /usr/share/seabios/bios-256k.bin ] ||
	exec tests/skip.sh "no SeaBIOS (make deps installs it)"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

ok()
{
	if [ "$1" = 0 ]; then
		echo "ok $2"
	else
		echo "not ok $2"
		tail -n 5 "$tmp/out" "$tmp/serial" 2>/dev/null | sed 's/^/# /'
	fi
}

if [ ! -d /usr/lib/grub/i386-pc ] || ! command -v grub-mkrescue >/dev/null ||
   ! command -v xorriso >/dev/null || ! command -v mformat >/dev/null; then
	exec tests/skip.sh "no grub-pc-bin, xorriso or mtools (make deps)"
fi
if [ ! -e "$guest/vmlinuz-686" ] || [ ! -e "$guest/busybox" ]; then
	exec tests/skip.sh "no guest kernel (make guest fetches it)"
fi
mkdir -p "$tmp/iso/boot/grub"
cat >"$tmp/iso/boot/grub/grub.cfg" <<'END'
set timeout=0
menuentry linux {
	linux /vmlinuz console=ttyS0 panic=-1 umbra.script=/test
	initrd /initrd.gz
}
END
cp "$guest/vmlinuz-686" "$tmp/iso/vmlinuz"
printf '#!/bin/sh\necho "by way of $(cat /sys/class/dmi/id/sys_vendor)"\n' \
	>"$tmp/script"
tools/mkinitrd.sh -a "$tmp/script:/test" "$tmp/iso/initrd.gz" >"$tmp/out" 2>&1 &&
	grub-mkrescue -o "$tmp/cd.iso" "$tmp/iso" >"$tmp/out" 2>&1
ok $? the_cd_is_made
timeout 100 "$umbra" run --cdrom "$tmp/cd.iso" --engine bt --mem 128 \
	--no-reboot --parallel null --debugcon "file:$tmp/debug" --serial "file:$tmp/serial" >"$tmp/out" 2>&1 </dev/null
ok $? linux_powers_off
grep -aq "by way of Umbra" "$tmp/serial"
ok $? grub_boots_linux
grep -aq "ACPI: HPET id: 0x8086a201" "$tmp/serial"
ok $? linux_finds_the_hpet
grep -q "^Found 1 lpt ports" "$tmp/debug"
ok $? seabios_finds_the_parallel_port
