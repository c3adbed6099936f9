#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's kernel on IDE and on SCSI: a raw disk, a VMDK child and a CD-ROM drive, read,
# written, with a file system; afterwards the images are looked at from outside.
# timeout: 180
. "$(dirname "$0")/linux.sh.inc"
. "$(dirname "$0")/modules.sh.inc"

# shellcheck disable=SC2086 # a list of words
initrd_with disk $ata_modules

sum()
{
	md5sum <"$1" | cut -d' ' -f1
}

head -c 48M /dev/urandom >"$tmp/base.raw"
head -c 8M /dev/urandom >"$tmp/cd.iso"

# A result that is a command's status.
check()
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "ok $name"
	else
		echo "not ok $name"
		sed 's/^/# /' <<<"$out"
	fi
}

same_pattern()
{
	local want got

	"$umbra" image convert "$tmp/child.vmdk" "$tmp/child.raw" || return 1
	want=$(tr -d '\r' <"$tmp/log" |
		sed -n 's/^pattern \([0-9a-f]*\).*/\1/p')
	got=$(dd if="$tmp/child.raw" bs=60k skip=20 status=none |
		head -c 4194304 | md5sum | cut -d' ' -f1)
	rm "$tmp/child.raw"
	echo "wrote $want, found $got"
	[ "$want" = "$got" ]
}

# bus NAME MODULE OPTION...: drives of the images that are made here.
bus()
{
	local name=$1 module=$2 append
	shift 2
	rm -f "$tmp/disk0.raw" "$tmp/base.vmdk" "$tmp/child.vmdk"
	truncate -s 64M "$tmp/disk0.raw"
	head -c 3M /dev/urandom |
		dd of="$tmp/disk0.raw" bs=1M seek=20 conv=notrunc status=none
	"$umbra" image convert "$tmp/base.raw" "$tmp/base.vmdk" &&
		"$umbra" image create -b base.vmdk "$tmp/child.vmdk" || {
		echo "not ok $name: the images are made"
		return
	}
	append="console=ttyS0 quiet panic=-1 umbra.script=/test
		umbra.modules=$module,sd_mod,sr_mod,ext4
		umbra.disk0=$(sum "$tmp/disk0.raw")
		umbra.disk1=$(sum "$tmp/base.raw") umbra.cd=$(sum "$tmp/cd.iso")"
	# shellcheck disable=SC2086 # made one line
	timeout -k 5 90 "$umbra" run --kernel "$cache/vmlinuz-686" \
		--initrd "$tmp/initrd.gz" --mem 128M --no-reboot \
		--engine "${ENGINE:-bt}" --append "$(echo $append)" \
		"$@" </dev/null >"$tmp/log" 2>&1
	verdict "$name: the guest reads and writes its drives" "$tmp/log" $? ||
		return
	check "$name: the child is sound" "$umbra" image check "$tmp/child.vmdk"
	check "$name: what the guest wrote is in the image" same_pattern
	if command -v e2fsck >/dev/null; then
		check "$name: the file system is clean" \
			e2fsck -fn "$tmp/disk0.raw"
	else
		echo "ok $name: the file system is clean # SKIP no e2fsck"
	fi
}

bus ide ata_piix -hda "$tmp/disk0.raw" \
	-drive "file=$tmp/child.vmdk,index=1" -cdrom "$tmp/cd.iso"
check "ide: by DMA" [ "$(grep -ac '^mode .*DMA' "$tmp/log")" = 3 ]
bus scsi BusLogic -drive "if=scsi,file=$tmp/disk0.raw" \
	-drive "if=scsi,file=$tmp/child.vmdk" \
	-drive "if=scsi,media=cdrom,file=$tmp/cd.iso"
