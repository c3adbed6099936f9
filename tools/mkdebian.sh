#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Make a disk image with a Debian i386 system on it that boots by GRUB, logs in
# on its serial console and powers off: what the long tests install and stress.
# Needs root (mmdebstrap runs the packages' scripts in a chroot).
#
#	mkdebian.sh OUT.img
#
# The unpacked system is cached in ${UMBRA_CACHE:-$HOME/.cache/umbra}/debian and
# made again when this script changes.  Root's password is "umbra".
set -euo pipefail

CACHE=${UMBRA_CACHE:-${HOME:?}/.cache/umbra}/debian
MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
SIZE_MIB=2048
FIRST=2048		# sector of the partition
PACKAGES=systemd-sysv,linux-image-686,initramfs-tools,udev,ifupdown,isc-dhcp-client,iproute2,iputils-ping,e2fsprogs,login,passwd,apt,kmod,netbase,procps,stress-ng,tcc,libc6-dev,wget

fail()
{
	echo "mkdebian: $*" >&2
	exit 1
}

[ $# = 1 ] || fail "usage: mkdebian.sh OUT.img"
[ "$(id -u)" = 0 ] || fail "needs root (mmdebstrap in a chroot)"
for tool in mmdebstrap sfdisk mke2fs grub-mkimage; do
	command -v $tool >/dev/null || PATH=$PATH:/usr/sbin:/sbin
	command -v $tool >/dev/null ||
		fail "$tool: not found (make deps-long installs what is needed)"
done
[ -f /usr/lib/grub/i386-pc/boot.img ] || fail "grub-pc-bin is not installed"

key=$(sha256sum <"$0" | cut -c1-16)
tar=$CACHE/root-$key.tar
mkdir -p "$CACHE"
if [ ! -f "$tar" ]; then
	rm -f "$CACHE"/root-*.tar
	mmdebstrap --architectures=i386 --variant=minbase --mode=root \
		--include=$PACKAGES bookworm "$tar.new" "$MIRROR" \
		>"$CACHE/log" 2>&1 ||
		fail "mmdebstrap failed: $(tail -n 1 "$CACHE/log") (all of it: $CACHE/log)"
	mv "$tar.new" "$tar"
fi

work=$(mktemp -d "$CACHE/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir "$root"
tar -x -C "$root" -f "$tar"

# A system that a test can talk to.
echo umbra-guest >"$root/etc/hostname"
echo "LABEL=root / ext4 errors=remount-ro 0 1" >"$root/etc/fstab"
printf 'auto lo\niface lo inet loopback\n' >"$root/etc/network/interfaces"
printf 'root:umbra\n' | chroot "$root" chpasswd
mkdir -p "$root/etc/systemd/system/serial-getty@ttyS0.service.d"
ln -sf /lib/systemd/system/serial-getty@.service \
	"$root/etc/systemd/system/getty.target.wants/serial-getty@ttyS0.service"
ln -sf /dev/null "$root/etc/systemd/system/apt-daily.timer"
ln -sf /dev/null "$root/etc/systemd/system/apt-daily-upgrade.timer"

kernel=$(basename "$(ls "$root"/boot/vmlinuz-*-686)")
initrd=$(basename "$(ls "$root"/boot/initrd.img-*-686)")
mkdir -p "$root/boot/grub/i386-pc"
cp /usr/lib/grub/i386-pc/*.mod "$root/boot/grub/i386-pc/"
cat >"$root/boot/grub/grub.cfg" <<END
serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=1
menuentry "Debian" {
	search --no-floppy --label root --set root
	linux /boot/$kernel root=LABEL=root ro console=ttyS0 quiet
	initrd /boot/$initrd
}
END

# One partition; GRUB between it and the partition table.
truncate -s ${SIZE_MIB}M "$work/img"
echo "start=$FIRST, type=83, bootable" | sfdisk -q "$work/img"
mke2fs -q -t ext4 -L root -d "$root" -E offset=$((FIRST * 512)) \
	"$work/img" $((SIZE_MIB - FIRST * 512 / 1048576))M 2>"$work/mke2fs.log" ||
	fail "mke2fs: $(cat "$work/mke2fs.log")"
grub-mkimage -O i386-pc -o "$work/core.img" -p '(hd0,msdos1)/boot/grub' \
	biosdisk part_msdos ext2 normal serial terminal search linux
[ "$(stat -c %s "$work/core.img")" -lt $(((FIRST - 1) * 512)) ] ||
	fail "GRUB does not fit in front of the partition"
dd if=/usr/lib/grub/i386-pc/boot.img of="$work/img" bs=440 count=1 \
	conv=notrunc status=none
dd if="$work/core.img" of="$work/img" bs=512 seek=1 conv=notrunc status=none
mv "$work/img" "$1"
