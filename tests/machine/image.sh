#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra image against qemu-img: what one writes, the other reads and finds sound.
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=$PWD/${BUILD:-build}/umbra
command -v qemu-img >/dev/null || {
	echo "qemu-img is not installed (make deps)"
	exit 77
}
tmp=$(mktemp -d)
nbd=
trap '[ -z "$nbd" ] || kill "$nbd" 2>/dev/null; rm -rf "$tmp"' EXIT
cd "$tmp" || exit 1

# try NAME COMMAND...
try()
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "ok $name"
	else
		echo "not ok $name"
		printf '# status %s of: %s\n%s\n' $? "$*" "$out" | sed 's/^/# /'
	fi
}

# refused NAME TEXT ARGUMENTS...: umbra image fails with one line that has TEXT.
refused()
{
	local name=$1 text=$2 out rc
	shift 2
	out=$("$umbra" image "$@" 2>&1)
	rc=$?
	if [ $rc = 1 ] && [[ $out == "umbra: "*"$text"* ]] &&
	   [ "$(wc -l <<<"$out")" = 1 ]; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "# status $rc: $out"
	fi
}

same()
{
	qemu-img compare -q -f "$1" -F "$3" "$2" "$4"
}

# Random data here and there, an odd end.
truncate -s $((40 * 1048576 + 512)) disk.raw
dd if=/dev/urandom of=disk.raw bs=1000 count=777 conv=notrunc status=none
dd if=/dev/urandom of=disk.raw bs=4096 count=50 seek=5000 conv=notrunc status=none
printf end | dd of=disk.raw bs=1 seek=$((40 * 1048576 + 500)) conv=notrunc status=none

try convert_to_vmdk "$umbra" image convert disk.raw ours.vmdk
try qemu_finds_vmdk_sound qemu-img check -q -f vmdk ours.vmdk
try qemu_reads_vmdk same raw disk.raw vmdk ours.vmdk
try convert_to_stream "$umbra" image convert -O vmdk \
	-o subformat=streamOptimized ours.vmdk stream.vmdk
try qemu_finds_stream_sound qemu-img check -q -f vmdk stream.vmdk
try qemu_reads_stream same raw disk.raw vmdk stream.vmdk
try stream_back_to_raw "$umbra" image convert stream.vmdk back.raw
try raw_is_the_same cmp disk.raw back.raw
no_check()
{
	"$umbra" image check -f raw disk.raw
	[ $? = 63 ] || return 1
	qemu-img check -f raw disk.raw
	[ $? = 63 ]
}
try raw_has_no_check no_check

# What QEMU makes.
make_and_read()
{
	local name=$1
	shift
	qemu-img convert -f raw "$@" disk.raw "q-$name" &&
		"$umbra" image check "q-$name" &&
		"$umbra" image convert -O raw "q-$name" "q-$name.raw" &&
		cmp disk.raw "q-$name.raw"
}
try qemu_vmdk make_and_read 1.vmdk -O vmdk
try qemu_vmdk_zeroed make_and_read 2.vmdk -O vmdk -o zeroed_grain=on
try qemu_stream make_and_read 3.vmdk -O vmdk -o subformat=streamOptimized
try qemu_qcow2 make_and_read 4.qcow2 -O qcow2
try qemu_qcow2_v2 make_and_read 5.qcow2 -O qcow2 -o compat=0.10
try qemu_qcow2_compressed make_and_read 6.qcow2 -O qcow2 -c
try qemu_qcow2_small_clusters make_and_read 7.qcow2 -O qcow2 \
	-o cluster_size=512
try qemu_qcow2_large_clusters make_and_read 8.qcow2 -O qcow2 -c \
	-o cluster_size=2M

# Children: QEMU writes into ours, we read and commit.
child()
{
	cp ours.vmdk base.vmdk &&
		"$umbra" image create -b base.vmdk child.vmdk &&
		qemu-io -f vmdk -c 'write -P 85 1M 100k' \
			-c 'write -P 86 20M 1k' child.vmdk &&
		qemu-img check -q -f vmdk child.vmdk &&
		"$umbra" image check child.vmdk &&
		"$umbra" image convert child.vmdk child.raw &&
		same raw child.raw vmdk child.vmdk &&
		! same raw disk.raw vmdk child.vmdk
}
commit()
{
	"$umbra" image commit child.vmdk &&
		same raw child.raw vmdk base.vmdk &&
		same raw child.raw vmdk child.vmdk &&
		qemu-img check -q -f vmdk base.vmdk
}
try child_is_read_alike child
try commit_reaches_the_parent commit

backing()
{
	qemu-img create -q -f qcow2 -b q-6.qcow2 -F qcow2 over.qcow2 60M &&
		qemu-io -c 'write -P 7 30M 64k' -c 'write -z 0 64k' \
			over.qcow2 &&
		"$umbra" image convert over.qcow2 over.raw &&
		same qcow2 over.qcow2 raw over.raw
}
try qcow2_backing_files backing

# Damage is found.
cp ours.vmdk bad.vmdk
printf '\xff\xff\xff\x7f' |
	dd of=bad.vmdk bs=1 seek=$((43 * 512 + 8)) conv=notrunc status=none
check_bad()
{
	"$umbra" image check bad.vmdk
	[ $? = 2 ]
}
for sector in 22 23 24 26 27 28; do
	printf '\xff\xff\xff\x7f' | dd of=bad.vmdk bs=1 \
		seek=$((sector * 512 + 8)) conv=notrunc status=none
done
try damaged_table_is_found check_bad

try create_raw "$umbra" image create -f raw new.img 10M
try created_raw_has_its_size test "$(stat -c %s new.img)" = 10485760
refused existing_files_stay "new.img: File exists" create new.img 10M
refused existing_target_stays "new.img: File exists" convert disk.raw new.img
refused missing_size "no size" create x.img
refused bad_size "lots: not a size" create x.img lots
refused unknown_format "qcow2 cannot be made" create -f qcow2 x.img 1M
refused unknown_subformat "twoGbMaxExtentFlat" convert -O vmdk \
	-o subformat=twoGbMaxExtentFlat disk.raw x.vmdk
refused unknown_command "frob: no such command" frob
refused unknown_option "-z: unknown option" info -z disk.raw
refused missing_file "none: No such file" info none
cp q-4.qcow2 hidden.img
refused format_is_not_guessed "say format=qcow2" info hidden.img
refused child_of_raw "not a VMDK" create -f vmdk -b disk.raw x.vmdk
qemu-img create -q -f vmdk -o subformat=monolithicFlat flat.vmdk 1M
refused flat_disks "not a VMDK sparse extent" info flat.vmdk

# The network block device.
if command -v qemu-nbd >/dev/null; then
	cp disk.raw nbd.raw
	qemu-nbd -f raw -k "$tmp/sock" -x disk -t nbd.raw &
	nbd=$!
	for _ in $(seq 100); do
		[ -S sock ] && break
		sleep 0.05
	done
	try nbd_reads "$umbra" image convert -O raw \
		"nbd:unix:$tmp/sock:exportname=disk" nbd-out.raw
	try nbd_is_the_same cmp disk.raw nbd-out.raw
	try nbd_url "$umbra" image info "nbd+unix:///disk?socket=$tmp/sock"
	refused nbd_unknown_export "no such socket or export" \
		info "nbd:unix:$tmp/sock:exportname=none"
else
	echo "ok nbd # SKIP qemu-nbd is not installed (make deps)"
fi
