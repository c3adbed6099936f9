#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's kernel on IDE: a raw disk, a VMDK child and a CD-ROM drive, read,
# written, with a file system; afterwards the images are looked at from outside.
# timeout: 120
. "$(dirname "$0")/linux.sh.inc"
. "$(dirname "$0")/modules.sh.inc"

# shellcheck disable=SC2046,SC2086 # lists of words
set -- $(modules vmlinuz-686 $ata_modules)
[ $# -gt 20 ] || exec tests/skip.sh "the kernel's package with its modules" \
	"is not in the cache (make guest)"
tools/mkinitrd.sh "$@" -a tests/machine/guest/disk:/test "$tmp/initrd.gz" \
	>"$tmp/mkinitrd.log" 2>&1 || {
	cat "$tmp/mkinitrd.log"
	echo "not ok the initrd is made"
	exit 1
}

sum()
{
	md5sum <"$1" | cut -d' ' -f1
}

head -c 48M /dev/urandom >"$tmp/base.raw"
head -c 8M /dev/urandom >"$tmp/cd.iso"
truncate -s 64M "$tmp/sda.raw"
head -c 3M /dev/urandom | dd of="$tmp/sda.raw" bs=1M seek=20 conv=notrunc \
	status=none
"$umbra" image convert "$tmp/base.raw" "$tmp/base.vmdk" &&
	"$umbra" image create -b base.vmdk "$tmp/child.vmdk" || {
	echo "not ok the images are made"
	exit 1
}

append="console=ttyS0 quiet panic=-1 umbra.script=/test
	umbra.modules=ata_piix,sd_mod,sr_mod,ext4
	umbra.disk0=$(sum "$tmp/sda.raw") umbra.disk1=$(sum "$tmp/base.raw")
	umbra.cd=$(sum "$tmp/cd.iso")"
timeout -k 5 90 "$umbra" run --kernel "$cache/vmlinuz-686" \
	--initrd "$tmp/initrd.gz" --mem 128M --no-reboot \
	--engine "${ENGINE:-bt}" --append "$(echo $append)" \
	-hda "$tmp/sda.raw" -drive "file=$tmp/child.vmdk,index=1" \
	-cdrom "$tmp/cd.iso" </dev/null >"$tmp/log" 2>&1
verdict "the guest reads and writes its drives" "$tmp/log" $? || exit 1

if [ "$(grep -ac '^mode .*DMA' "$tmp/log")" = 3 ]; then
	echo "ok by DMA"
else
	echo "not ok by DMA"
	grep -a '^mode' "$tmp/log" | sed 's/^/# /'
fi
if "$umbra" image check "$tmp/child.vmdk" >"$tmp/check" 2>&1; then
	echo "ok the child is sound"
else
	echo "not ok the child is sound"
	sed 's/^/# /' "$tmp/check"
fi
"$umbra" image convert "$tmp/child.vmdk" "$tmp/child.raw"
want=$(tr -d '\r' <"$tmp/log" | sed -n 's/^pattern \([0-9a-f]*\).*/\1/p')
got=$(dd if="$tmp/child.raw" bs=60k skip=20 status=none | head -c 4194304 |
	md5sum | cut -d' ' -f1)
if [ "$want" = "$got" ]; then
	echo "ok what the guest wrote is in the image"
else
	echo "not ok what the guest wrote is in the image"
	echo "# wrote $want, found $got"
fi
if ! command -v e2fsck >/dev/null; then
	echo "ok the file system is clean # SKIP e2fsck is not installed"
elif e2fsck -fn "$tmp/sda.raw" >"$tmp/fsck" 2>&1; then
	echo "ok the file system is clean"
else
	echo "not ok the file system is clean"
	sed 's/^/# /' "$tmp/fsck"
fi
