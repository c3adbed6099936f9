#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's kernel and disks that come and go: attach, the guest reads and writes,
# detach; the image has what was written; many times over.  The balloon.
# shellcheck source=tests/xenstore/store.sh.inc
. "$(dirname "$0")/store.sh.inc"
cache=${UMBRA_CACHE:-$HOME/.cache/umbra}
kernel=$cache/guest/vmlinuz-686
package=$cache/apt/archives/$(cat "$kernel.package" 2>/dev/null)
[ -f "$kernel" ] && [ -f "$package" ] ||
	exec tests/skip.sh "no guest kernel and modules (tools/fetch-guest.sh)"
command -v dpkg-deb >/dev/null || exec tests/skip.sh "dpkg-deb: not found"
loops=${HOTPLUG_LOOPS:-10}

mkdir "$tmp/mod"
dpkg-deb --fsys-tarfile "$package" | tar -C "$tmp/mod" -xf - --wildcards \
	'*/drivers/virtio/virtio*.ko' '*/drivers/block/virtio_blk.ko' \
	'*/drivers/net/virtio_net.ko' '*/drivers/net/net_failover.ko' \
	'*/net/core/failover.ko' '*/ethernet/amd/pcnet32.ko' '*/net/mii.ko' \
	'*/scsi/scsi_common.ko' '*/scsi/scsi_mod.ko' '*/scsi/sd_mod.ko' \
	'*/scsi/BusLogic.ko' '*/lib/crc-t10dif.ko' '*/block/t10-pi.ko' \
	'*/crypto/crct10dif_common.ko' '*/lib/crc64.ko' \
	'*/lib/crc64-rocksoft.ko'
cat >"$tmp/script" <<'GUEST'
#!/bin/sh
for m in virtio virtio_ring virtio_pci_legacy_dev virtio_pci_modern_dev \
	virtio_pci virtio_blk virtio_balloon failover net_failover virtio_net \
	mii pcnet32 scsi_common scsi_mod crct10dif_common crc-t10dif crc64 \
	crc64-rocksoft t10-pi sd_mod BusLogic; do
	insmod /mod/$m.ko || echo "insmod $m failed"
done
echo "guest up"
while :; do
	# Parallel SCSI does not tell of disks that come.
	echo "- - -" >/sys/class/scsi_host/host0/scan
	[ ! -e /tmp/sda ] || [ -e /tmp/gone ] ||
		dd if=/dev/sda of=/tmp/x iflag=direct count=1 2>/dev/null || {
		touch /tmp/gone
		echo "sda is gone"
	}
	for d in /sys/block/[vs]d*; do
		b=${d##*/}
		[ -e "$d" ] && [ ! -e /tmp/$b ] && [ -b /dev/$b ] || continue
		read -r line </dev/$b
		echo "guest wrote" | dd of=/dev/$b bs=512 seek=1 conv=sync,fsync \
			2>/dev/null
		touch /tmp/$b
		echo "came $b: $line"
	done
	if [ -e /sys/class/net/eth0 ] && [ ! -e /tmp/eth0 ]; then
		ip address add 10.0.2.15/24 dev eth0
		ip link set eth0 up
		touch /tmp/eth0
		ping -c 1 -W 5 10.0.2.2 >/dev/null && echo "came eth0: pong"
		driver=$(readlink /sys/class/net/eth0/device/driver)
		echo "driver ${driver##*/}"
	elif [ -e /tmp/eth0 ] && [ ! -e /sys/class/net/eth0 ]; then
		rm /tmp/eth0
		echo "went eth0"
	fi
	for f in /tmp/vd*; do
		b=${f##*/}
		[ -e "$f" ] && [ ! -e /sys/block/$b ] || continue
		rm $f
		echo "went $b"
	done
	usleep 20000
done
GUEST
chmod +x "$tmp/script"
set -- -a "$tmp/script:/etc/hotplug"
while read -r f; do
	set -- "$@" -a "$f:/mod/${f##*/}"
done < <(find "$tmp/mod" -name '*.ko')
tools/mkinitrd.sh "$@" "$tmp/initrd.gz" || exit 1

printf 'zero\n' >"$tmp/zero.img"
truncate -s 256K "$tmp/zero.img"
"$umbra" run --name linux --kernel "$kernel" --initrd "$tmp/initrd.gz" \
	--append "console=ttyS0 quiet umbra.script=/etc/hotplug" \
	--drive "file=$tmp/zero.img,if=virtio,format=raw" \
	--device virtio-balloon --device buslogic --log "$tmp/log" </dev/null >"$tmp/out" 2>&1 &
pid=$!
within 60 grep -aq 'guest up' "$tmp/out"
check the_guest_is_up [ $? = 0 ]

count()
{
	[ "$(grep -ac "$1" "$tmp/out")" -ge "$2" ]
}

new_image()
{
	printf '%s\n' "$1" >"$tmp/$1.img"
	truncate -s 256K "$tmp/$1.img"
}

check a_disk_from_the_start within 10 count 'came vda: zero' 1
check can_leave "$umbra" detach linux disk 0
check and_does within 10 count 'went vda' 1
new_image one
new_image two
check attach "$umbra" attach linux disk "$tmp/one.img" serial=S1
check the_guest_reads_it within 10 count 'came vda: one' 1
check a_second_disk "$umbra" attach linux disk "$tmp/two.img"
check the_guest_reads_that_too within 10 count 'came vdb: two' 1
check an_image_is_locked sh -c \
	'! "$0" attach linux disk "$1" 2>/dev/null' "$umbra" "$tmp/two.img"
check detach "$umbra" detach linux disk 0
check the_guest_lets_go within 10 count 'went vda' 2
check the_image_has_what_the_guest_wrote \
	grep -aq 'guest wrote' "$tmp/one.img"
failed=0
for ((i = 1; i <= loops; i++)); do
	"$umbra" attach linux disk "$tmp/one.img" >/dev/null &&
		within 10 count 'came vda: one' $((i + 1)) &&
		"$umbra" detach linux disk 0 &&
		within 10 count 'went vda' $((i + 2)) || { failed=1; break; }
done
check attach_and_detach_in_a_loop [ $failed = 0 ]
new_image scsi
check attach_to_scsi "$umbra" attach linux disk "$tmp/scsi.img" bus=scsi
check the_guest_finds_it within 20 count 'came sda: scsi' 1
check detach_from_scsi "$umbra" detach linux disk 0
check the_guest_gets_errors_and_lives within 20 count 'sda is gone' 1
check the_image_has_it grep -aq 'guest wrote' "$tmp/scsi.img"
check the_image_is_free qemu-img info "$tmp/scsi.img"
check no_such_bus sh -c \
	'"$0" attach linux disk "$1" bus=ide 2>&1 | grep -q "virtio and scsi"' \
	"$umbra" "$tmp/scsi.img"
check read_only_is_kept "$umbra" attach linux disk "$tmp/one.img" readonly=on
check what_was_there_from_the_start_stays sh -c \
	'! "$0" detach linux nic 0 2>/dev/null' "$umbra"

nic()
{
	"$umbra" attach linux nic type=user "$@" >"$tmp/nic" 2>&1
}

nic
if grep -q 'without libslirp' "$tmp/nic"; then
	echo "ok attach_a_network_card # SKIP $(cat "$tmp/nic")"
else
	check attach_a_network_card grep -qx 'nic 0' "$tmp/nic"
	check the_guest_reaches_the_host within 20 count 'came eth0: pong' 1
	check detach_the_card "$umbra" detach linux nic 0
	check it_is_gone within 10 count 'went eth0' 1
	failed=0
	for i in 2 3 4; do
		nic && within 20 count 'came eth0: pong' $i &&
			"$umbra" detach linux nic 0 &&
			within 10 count 'went eth0' $i || { failed=1; break; }
	done
	check cards_in_a_loop [ $failed = 0 ]
	check attach_a_pcnet nic model=pcnet
	check the_guest_reaches_the_host_through_it \
		within 20 count 'came eth0: pong' 5
	check by_its_own_driver within 5 count 'driver pcnet32' 1
	check detach_the_pcnet "$umbra" detach linux nic 0
	check it_is_gone_too within 10 count 'went eth0' 5
	check no_other_model sh -c \
		'"$0" attach linux nic model=e1000 2>&1 | grep -q "or pcnet"' \
		"$umbra"
	check a_bad_network_is_said sh -c \
		'"$0" attach linux nic type=nonsense 2>&1 | grep -q "user and tap"' \
		"$umbra"
fi
check balloon "$umbra" balloon linux 160M
check deflate "$umbra" balloon linux 256M
check reboot "$umbra" shutdown --reboot linux
check the_disk_is_there_after_it within 60 count 'came vd[ab]: two' 2
check halt "$umbra" shutdown --halt linux
wait $pid
check ends_well [ $? = 0 ]
