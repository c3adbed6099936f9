#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Debian i386 system on a disk: boots by GRUB from IDE and from virtio, with
# its root on SCSI, logs in, installs a package over the user network, compiles
# and runs a program, survives stress-ng, shuts down; afterwards its file system
# is clean.  The same on a VMDK child and on a snapshot of a compressed qcow2;
# two such machines on one cable.
#
# PARTS: which (ide virtio scsi vmdk qcow2 cable).  STRESS: seconds for each
# stress-ng on a bus (300).
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
sed 's/^stress-ng for [0-9]* s: .*/stress-ng for 20 s: stress-ng --quiet --cpu 1 --hdd 1 --hdd-bytes 64M --temp-path \/var\/tmp --timeout 20s/' \
	"$tmp/work" >"$tmp/short"

# on_bus NAME OPTION...
on_bus()
{
	local bus=$1
	shift
	cp --sparse=always "$base" "$tmp/disk.img"
	play "$bus" $limit "$tmp/work" "$@" --nic user \
		--drive "file=$tmp/disk.img,if=$bus,format=raw"
	clean "$bus" "$tmp/disk.img"
	rm -f "$tmp/disk.img"
}

part_ide()
{
	on_bus ide --bios bios-256k.bin
}

part_virtio()
{
	on_bus virtio --bios bios-256k.bin
}

# SeaBIOS has no driver for the BT-958: the kernel is started directly.
part_scsi()
{
	mkdir -p "$tmp/boot"
	tar -x -C "$tmp/boot" -f "$cache"/debian/root-*.tar --wildcards './boot/vmlinuz-*' './boot/initrd.img-*'
	on_bus scsi --kernel "$tmp"/boot/boot/vmlinuz-*-686 \
		--initrd "$tmp"/boot/boot/initrd.img-*-686 \
		--append "root=LABEL=root ro console=ttyS0 quiet"
}

# unchanged NAME SUM FILE
unchanged()
{
	[ "$(md5sum <"$3")" = "$2" ] && echo "ok $1: the parent is unchanged" ||
		echo "not ok $1: the parent is unchanged"
}

# On a linked child: the parent stays as it is.
part_vmdk()
{
	local before

	"$umbra" image convert -O vmdk "$base" "$tmp/parent.vmdk" \
		>"$tmp/create" 2>&1 &&
		"$umbra" image create -f vmdk -b "$tmp/parent.vmdk" \
			"$tmp/child.vmdk" >>"$tmp/create" 2>&1 ||
		{ echo "not ok vmdk: the child is made"; sed 's/^/# /' "$tmp/create"; }
	before=$(md5sum <"$tmp/parent.vmdk")
	play vmdk 300 "$tmp/short" --bios bios-256k.bin \
		--drive "file=$tmp/child.vmdk,if=virtio" --nic user
	"$umbra" image convert -O raw "$tmp/child.vmdk" "$tmp/flat.img" &&
		clean vmdk "$tmp/flat.img"
	unchanged vmdk "$before" "$tmp/parent.vmdk"
	rm -f "$tmp/flat.img" "$tmp/child.vmdk" "$tmp/parent.vmdk"
}

# A compressed image that is only read, and what is written thrown away.
part_qcow2()
{
	local before

	command -v qemu-img >/dev/null ||
		{ echo "ok qcow2 # SKIP qemu-img is not installed"; return; }
	qemu-img convert -c -O qcow2 "$base" "$tmp/base.qcow2"
	before=$(md5sum <"$tmp/base.qcow2")
	play qcow2 400 "$tmp/short" --bios bios-256k.bin --snapshot \
		--drive "file=$tmp/base.qcow2,if=virtio" --nic user
	unchanged qcow2 "$before" "$tmp/base.qcow2"
	rm -f "$tmp/base.qcow2"
}

# one_on_cable N COMMANDS NETWORK
one_on_cable()
{
	mkdir "$tmp/$1"
	tests/long/debian.py 200 "$2" -- "$umbra" run --engine bt --mem 512M \
		--no-reboot --vga none --serial stdio --log "$tmp/$1/log" \
		--bios bios-256k.bin \
		--drive "file=$base,if=virtio,format=raw,snapshot=on" \
		--nic "socket,$3=unix:$tmp/cable,mac=52:54:00:00:00:0$1" \
		2>"$tmp/$1/console" >"$tmp/$1/tap"
	sed -E "s/^(ok|not ok) /\1 cable$1: /" "$tmp/$1/tap"
	grep -q '^not ok' "$tmp/$1/tap" &&
		tail -n 25 "$tmp/$1/console" "$tmp/$1/log" | tr -d '\r' | sed 's/^/# /'
}

# Two machines on one cable, both with snapshots of one disk.
part_cable()
{
	local before one

	cat >"$tmp/ping1" <<-'END'
	an address: ip addr add 10.9.9.1/24 dev $(ls /sys/class/net | grep -v lo) && ip link set $(ls /sys/class/net | grep -v lo) up
	the other one answers: for i in $(seq 60); do ping -c 3 -i 0.2 -W 2 10.9.9.2 && break; sleep 1; done; ping -c 20 -i 0.2 10.9.9.2 | grep ' 0% packet loss'
	END
	cat >"$tmp/ping2" <<-'END'
	an address: ip addr add 10.9.9.2/24 dev $(ls /sys/class/net | grep -v lo) && ip link set $(ls /sys/class/net | grep -v lo) up
	the other one answers: seen=1; for i in $(seq 60); do ping -c 3 -i 0.2 -W 2 10.9.9.1 && seen=0 && break; sleep 1; done; sleep 15; [ $seen = 0 ]
	END
	before=$(stat -c '%y %s' "$base")
	one_on_cable 1 "$tmp/ping1" listen >"$tmp/one" &
	one=$!
	for _ in $(seq 50); do
		[ -S "$tmp/cable" ] && break
		sleep 0.1
	done
	one_on_cable 2 "$tmp/ping2" connect
	wait $one
	cat "$tmp/one"
	[ "$(stat -c '%y %s' "$base")" = "$before" ] &&
		echo "ok cable: the disk that both had a snapshot of is unchanged" ||
		echo "not ok cable: the disk that both had a snapshot of is unchanged"
}

for part in ${PARTS-ide virtio scsi vmdk qcow2 cable}; do
	declare -F "part_$part" >/dev/null ||
		{ echo "not ok $part: there is no such part"; continue; }
	"part_$part"
done
