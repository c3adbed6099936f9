#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Debian i386 system on a disk: boots by GRUB from IDE and from virtio, with
# its root on SCSI, logs in, installs a package over the user network, compiles
# and runs a program, survives stress-ng, shuts down; afterwards its file system
# is clean.  The same on a VMDK child; two such machines on one cable.
#
# STRESS: seconds for each stress-ng (300).  BUSES: which (ide virtio scsi).
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
stress=${STRESS:-300}
cache=${UMBRA_CACHE:-$HOME/.cache/umbra}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"; [ -z "${server-}" ] || kill $server' EXIT

for need in /usr/share/seabios/bios-256k.bin /usr/lib/grub/i386-pc/boot.img; do
	[ -f $need ] || exec tests/skip.sh "$need is missing (make deps-long)"
done
[ "$(id -u)" = 0 ] || exec tests/skip.sh "not root: mkdebian.sh needs a chroot"
base=$cache/debian/disk.img
if [ ! -f "$base" ] || [ tools/mkdebian.sh -nt "$base" ]; then
	tools/mkdebian.sh "$base" || exec tests/skip.sh "the system could not be made"
fi

# A repository of one package, and a server for it.
mkdir -p "$tmp/pkg/DEBIAN" "$tmp/pkg/usr/bin" "$tmp/repo"
printf 'Package: umbra-hello\nVersion: 1\nArchitecture: i386\nMaintainer: Umbra\nDescription: says hello\n' \
	>"$tmp/pkg/DEBIAN/control"
printf '#!/bin/sh\necho hello from a package\n' >"$tmp/pkg/usr/bin/umbra-hello"
chmod 755 "$tmp/pkg/usr/bin/umbra-hello"
dpkg-deb -b "$tmp/pkg" "$tmp/repo/umbra-hello_1_i386.deb" >/dev/null
{
	dpkg-deb -f "$tmp/repo/umbra-hello_1_i386.deb"
	echo "Filename: ./umbra-hello_1_i386.deb"
	echo "Size: $(stat -c %s "$tmp/repo/umbra-hello_1_i386.deb")"
	echo "SHA256: $(sha256sum <"$tmp/repo/umbra-hello_1_i386.deb" | cut -d' ' -f1)"
} >"$tmp/repo/Packages"
python3 -u -m http.server --bind 127.0.0.1 --directory "$tmp/repo" 0 \
	>"$tmp/server" 2>&1 &
server=$!
for _ in $(seq 50); do
	port=$(sed -n 's/.*port \([0-9]*\) .*/\1/p' "$tmp/server")
	[ -n "$port" ] && break
	sleep 0.1
done

cat >"$tmp/work" <<END
the system is up: systemctl is-system-running --wait | grep -Eq 'running|degraded'
an address by DHCP: dhclient -1 \$(ls /sys/class/net | grep -v lo)
a package from the network: echo 'deb [trusted=yes] http://10.0.2.2:$port ./' >/etc/apt/sources.list && apt-get -q update && apt-get -qy install umbra-hello && umbra-hello | grep hello
a C program: printf '#include <stdio.h>\nint main(void){double s=0;for(int i=1;i<2000000;i++)s+=1.0/i/i;printf("%%.4f\\\\n",s);return 0;}\n' >/tmp/p.c && tcc -o /tmp/p /tmp/p.c && [ "\$(/tmp/p)" = 1.6449 ]
stress-ng for $stress s: stress-ng --quiet --cpu 1 --vm 1 --vm-bytes 64M --hdd 1 --hdd-bytes 64M --fork 1 --pipe 1 --timer 1 --verify --temp-path /var/tmp --timeout ${stress}s
no complaints by the kernel: ! dmesg --level=emerg,alert,crit,err | grep -iE 'ata|scsi|virtio|ext4|I/O error|BUG|Oops'
the disk is written: dd if=/dev/urandom of=/var/big bs=1M count=64 2>/dev/null && md5sum /var/big >/var/big.md5 && sync && echo 3 >/proc/sys/vm/drop_caches && md5sum -c --quiet /var/big.md5
END

# play NAME LIMIT COMMANDS OPTION...
play()
{
	local name=$1 limit=$2 work=$3
	shift 3
	tests/long/debian.py "$limit" "$work" -- "$umbra" run --engine bt \
		--mem 512M --no-reboot --vga none --serial stdio \
		--log "$tmp/log" "$@" 2>"$tmp/console" >"$tmp/tap"
	sed -E "s/^(ok|not ok) /\1 $name: /" "$tmp/tap"
	grep -q '^not ok' "$tmp/tap" || return 0
	tail -n 25 "$tmp/console" "$tmp/log" | tr -d '\r' | sed 's/^/# /'
}

# clean NAME IMAGE: the file system at 1 MiB of a raw image.
clean()
{
	if e2fsck -fn "$2?offset=1048576" >"$tmp/fsck" 2>&1; then
		echo "ok $1: the file system is clean"
	else
		echo "not ok $1: the file system is clean"
		tail -n 10 "$tmp/fsck" | sed 's/^/# /'
	fi
}

limit=$((240 + stress))
for bus in ${BUSES-ide virtio}; do
	[ $bus != scsi ] || continue
	cp --sparse=always "$base" "$tmp/disk.img"
	play $bus $limit "$tmp/work" --bios bios-256k.bin \
		--drive "file=$tmp/disk.img,if=$bus,format=raw" --nic user
	clean $bus "$tmp/disk.img"
done
rm -f "$tmp/disk.img"

# SeaBIOS has no driver for the BT-958: the kernel is started directly.
if [ -z "${BUSES-}" ] || [[ $BUSES = *scsi* ]]; then
	mkdir -p "$tmp/boot"
	tar -x -C "$tmp/boot" -f "$cache"/debian/root-*.tar --wildcards './boot/vmlinuz-*' './boot/initrd.img-*'
	cp --sparse=always "$base" "$tmp/disk.img"
	play scsi $limit "$tmp/work" --kernel "$tmp"/boot/boot/vmlinuz-*-686 \
		--initrd "$tmp"/boot/boot/initrd.img-*-686 \
		--append "root=LABEL=root ro console=ttyS0 quiet" \
		--drive "file=$tmp/disk.img,if=scsi,format=raw" --nic user
	clean scsi "$tmp/disk.img"
	rm -f "$tmp/disk.img"
fi

# On a linked child: the parent stays as it is.
"$umbra" image convert -O vmdk "$base" "$tmp/parent.vmdk" >"$tmp/create" 2>&1 &&
	"$umbra" image create -f vmdk -b "$tmp/parent.vmdk" "$tmp/child.vmdk" \
	>>"$tmp/create" 2>&1 ||
	{ echo "not ok vmdk: the child is made"; sed 's/^/# /' "$tmp/create"; }
before=$(md5sum <"$tmp/parent.vmdk")
sed 's/^stress-ng for [0-9]* s: .*/stress-ng for 20 s: stress-ng --quiet --cpu 1 --hdd 1 --hdd-bytes 64M --temp-path \/var\/tmp --timeout 20s/' \
	"$tmp/work" >"$tmp/short"
play vmdk 300 "$tmp/short" --bios bios-256k.bin \
	--drive "file=$tmp/child.vmdk,if=virtio" --nic user
"$umbra" image convert -O raw "$tmp/child.vmdk" "$tmp/flat.img" &&
	clean vmdk "$tmp/flat.img"
[ "$(md5sum <"$tmp/parent.vmdk")" = "$before" ] &&
	echo "ok vmdk: the parent is unchanged" ||
	echo "not ok vmdk: the parent is unchanged"
rm -f "$tmp/flat.img" "$tmp/child.vmdk" "$tmp/parent.vmdk"

# Two machines on one cable, both with snapshots of one disk.
before=$(stat -c '%y %s' "$base")
cat >"$tmp/ping1" <<'END'
an address: ip addr add 10.9.9.1/24 dev $(ls /sys/class/net | grep -v lo) && ip link set $(ls /sys/class/net | grep -v lo) up
the other one answers: for i in $(seq 60); do ping -c 3 -i 0.2 -W 2 10.9.9.2 && break; sleep 1; done; ping -c 20 -i 0.2 10.9.9.2 | grep ' 0% packet loss'
END
cat >"$tmp/ping2" <<'END'
an address: ip addr add 10.9.9.2/24 dev $(ls /sys/class/net | grep -v lo) && ip link set $(ls /sys/class/net | grep -v lo) up
the other one answers: for i in $(seq 60); do ping -c 3 -i 0.2 -W 2 10.9.9.1 && break; sleep 1; done; sleep 15; ping -c 1 10.9.9.2
END
(
	play cable1 200 "$tmp/ping1" --bios bios-256k.bin \
		--drive "file=$base,if=virtio,format=raw,snapshot=on" \
		--nic "socket,listen=unix:$tmp/cable,mac=52:54:00:00:00:01"
) >"$tmp/one" &
one=$!
for _ in $(seq 50); do
	[ -S "$tmp/cable" ] && break
	sleep 0.1
done
mkdir "$tmp/two"
tests/long/debian.py 200 "$tmp/ping2" -- "$umbra" run --engine bt --mem 512M \
	--no-reboot --vga none --serial stdio --log "$tmp/two/log" \
	--bios bios-256k.bin \
	--drive "file=$base,if=virtio,format=raw,snapshot=on" \
	--nic "socket,connect=unix:$tmp/cable,mac=52:54:00:00:00:02" \
	2>"$tmp/two/console" | sed -E "s/^(ok|not ok) /\1 cable2: /"
wait $one
cat "$tmp/one"
[ "$(stat -c '%y %s' "$base")" = "$before" ] &&
	echo "ok cable: the disk that both had a snapshot of is unchanged" ||
	echo "not ok cable: the disk that both had a snapshot of is unchanged"
