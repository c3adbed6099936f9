#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's pcnet32 driver on our PCnet card: an address by DHCP, ping, and a
# file over TCP.
# timeout: 120
. "$(dirname "$0")/linux.sh.inc"
. "$(dirname "$0")/modules.sh.inc"

command -v python3 >/dev/null ||
	exec tests/skip.sh "python3 is missing (it serves a file to the guest)"
initrd_with pcnet pcnet32 mii

mkdir "$tmp/www"
head -c 4M /dev/urandom >"$tmp/www/file"
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

timeout -k 5 100 "$umbra" run --kernel "$cache/vmlinuz-686" \
	--initrd "$tmp/initrd.gz" --no-reboot --engine "${ENGINE:-bt}" \
	--append "console=ttyS0 quiet panic=-1 umbra.script=/test \
umbra.port=$port umbra.sum=$sum" \
	--nic "user,model=pcnet,mac=52:54:00:ab:cd:ef" \
	</dev/null >"$tmp/log" 2>&1
verdict "pcnet32: DHCP, ping and a file over TCP" "$tmp/log" $?
