#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's virtio drivers on our devices, in both memory modes of BT; what the
# guest wrote is on the disk image afterwards, and what passed is in the
# recording.
# timeout: 120
. "$(dirname "$0")/linux.sh.inc"

command -v python3 >/dev/null ||
	exec tests/skip.sh "python3 is missing (it serves a file to the guest)"
deb=$(ls "${UMBRA_CACHE:-$HOME/.cache/umbra}"/apt/archives/"$(cat \
	"$cache/vmlinuz-686.package")" 2>/dev/null) ||
	exec tests/skip.sh "the kernel's package is not in the cache (make guest)"

# The modules that the guest script loads.
mkdir "$tmp/root" "$tmp/www"
dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp/root" --wildcards \
	'*/drivers/virtio/*.ko' '*/virtio_blk.ko' '*/virtio_net.ko' \
	'*/failover.ko' '*/net_failover.ko' '*/virtio_console.ko' \
	'*/virtio-rng.ko'
add=
for m in $(find "$tmp/root" -name '*.ko'); do
	add="$add -a $m:/m/${m##*/}"
done
# shellcheck disable=SC2086 -- one word for each option
tools/mkinitrd.sh $add -a tests/machine/guest/virtio:/test "$tmp/initrd.gz" \
	>"$tmp/mkinitrd.log" 2>&1 || { cat "$tmp/mkinitrd.log"; exit 1; }

dd if=/dev/urandom of="$tmp/www/file" bs=64k count=64 2>/dev/null
sum=$(md5sum <"$tmp/www/file" | cut -c1-32)
python3 -u -m http.server --bind 127.0.0.1 --directory "$tmp/www" 0 \
	>"$tmp/server" 2>&1 &
server=$!
trap 'kill $server; rm -rf "$tmp"' EXIT
for _ in $(seq 50); do
	port=$(sed -n 's/.*port \([0-9]*\) .*/\1/p' "$tmp/server")
	[ -n "$port" ] && break
	sleep 0.1
done

for memory in auto soft; do
	cp "$tmp/www/file" "$tmp/disk"
	truncate -s 16M "$tmp/disk"
	timeout -k 5 50 "$umbra" run --kernel "$cache/vmlinuz-686" \
		--initrd "$tmp/initrd.gz" --no-reboot --engine bt \
		--set bt.memory=$memory \
		--append "console=ttyS0 quiet panic=-1 umbra.script=/test \
umbra.port=$port umbra.sum=$sum" \
		--drive "file=$tmp/disk,if=virtio,format=raw,serial=UMBRA" \
		--nic "user,mac=52:54:00:ab:cd:ef,pcap=$tmp/pcap" \
		--device virtio-rng-pci --device virtio-balloon-pci \
		--device "virtio-console,chardev=file:$tmp/hvc0" \
		</dev/null >"$tmp/log" 2>&1
	verdict "virtio disk, network, entropy and console, bt.memory=$memory" \
		"$tmp/log" $?
	if tail -c +4194305 "$tmp/disk" | head -c 4194304 |
		cmp -s - "$tmp/www/file"
	then
		echo "ok what the guest wrote is on the image, bt.memory=$memory"
	else
		echo "not ok what the guest wrote is on the image, bt.memory=$memory"
	fi
	if grep -q "hello from hvc0" "$tmp/hvc0" &&
		[ "$(stat -c %s "$tmp/pcap")" -gt 4194304 ]
	then
		echo "ok console output and recorded frames, bt.memory=$memory"
	else
		echo "not ok console output and recorded frames, bt.memory=$memory"
	fi
done
