#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's floppy driver: two drives of different types, by DMA.
# timeout: 90
. "$(dirname "$0")/linux.sh.inc"
. "$(dirname "$0")/modules.sh.inc"

initrd_with floppy floppy
head -c 1440K /dev/urandom >"$tmp/fd0.img"
head -c 720K /dev/urandom >"$tmp/fd1.img"
sums=
for d in fd0 fd1; do
	sums="$sums umbra.$d=$(md5sum <"$tmp/$d.img" | cut -d' ' -f1)"
done
timeout -k 5 70 "$umbra" run --kernel "$cache/vmlinuz-686" \
	--initrd "$tmp/initrd.gz" --mem 128M --no-reboot \
	--engine "${ENGINE:-bt}" \
	--append "console=ttyS0 quiet panic=-1 umbra.script=/test $sums" \
	-fda "$tmp/fd0.img" \
	-drive "if=floppy,index=1,readonly=on,file=$tmp/fd1.img" \
	</dev/null >"$tmp/log" 2>&1
verdict "the guest reads and writes floppy disks" "$tmp/log" $? || exit 1
want=$(tr -d '\r' <"$tmp/log" | sed -n 's/^pattern \([0-9a-f]*\).*/\1/p')
got=$(dd if="$tmp/fd0.img" bs=18k skip=10 count=20 status=none | md5sum |
	cut -d' ' -f1)
if [ "$want" = "$got" ]; then
	echo "ok what it wrote is in the image"
else
	echo "not ok what it wrote is in the image"
	echo "# wrote $want, found $got"
fi
