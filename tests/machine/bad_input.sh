#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a user can get wrong: one line that names the object and the reason,
# exit status 1, nothing on standard output, no crash.
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A kernel that is fine, so that the other files are looked at.
good=${BUILD:-build}/tools/demo/demo.elf

# refused NAME TEXT ARGUMENTS...: the message holds every word of TEXT.
refused()
{
	local name=$1 text=$2 out err rc word why=
	shift 2
	out=$(timeout -k 1 10 "$umbra" "$@" 2>"$tmp/err" </dev/null)
	rc=$?
	err=$(cat "$tmp/err")
	[ $rc = 1 ] || why="exit status $rc"
	[ -z "$out" ] || why="output: $out"
	[ "$(wc -l <"$tmp/err")" = 1 ] || why="not one line: $err"
	[[ $err == "umbra: "* ]] || why="no \"umbra: \": $err"
	[[ $err == *"$text"* ]] || why="lacks \"$text\": $err"
	if [ -z "$why" ]; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "# $why"
	fi
}

: >"$tmp/empty"
head -c 100000 /dev/urandom >"$tmp/random"
head -c 5000 "$good" >"$tmp/short.elf"
head -c 3M /dev/zero >"$tmp/zeros"
head -c 5M /dev/zero >"$tmp/big"
mkdir "$tmp/dir"

refused no_arguments_to_run "no kernel" run
refused unknown_command "frob: no such command" frob
refused unknown_option "--frob: unknown option" run --frob
refused missing_value "--kernel: needs a value" run --kernel
refused missing_kernel "$tmp/none: No such file" run --kernel "$tmp/none"
refused empty_kernel "$tmp/empty: is empty" run --kernel "$tmp/empty"
refused random_kernel "$tmp/random: neither" run --kernel "$tmp/random"
refused zero_kernel "$tmp/zeros: neither" run --kernel "$tmp/zeros"
refused directory_as_kernel "$tmp/dir: is a directory" run --kernel "$tmp/dir"
refused endless_kernel "/dev/zero: larger than" run --mem 16M --kernel /dev/zero
refused truncated_elf "$tmp/short.elf: truncated" run --kernel "$tmp/short.elf"
refused missing_initrd "$tmp/none: No such file" \
	run --kernel "$good" --initrd "$tmp/none"
refused empty_initrd "$tmp/empty: is empty" \
	run --kernel "$good" --initrd "$tmp/empty"
refused initrd_larger_than_memory "$tmp/big: larger than the guest's 4 MiB" \
	run --mem 4M --kernel "$good" --initrd "$tmp/big"
refused initrd_that_does_not_fit "$tmp/zeros: " \
	run --mem 4M --kernel "$good" --initrd "$tmp/zeros"
if [ "$(id -u)" != 0 ]; then
	: >"$tmp/secret" && chmod 0 "$tmp/secret"
	refused unreadable_kernel "$tmp/secret: Permission denied" \
		run --kernel "$tmp/secret"
else
	echo "ok unreadable_kernel # SKIP root reads everything"
fi

refused no_memory "--mem 0: below 1 MiB" run --kernel "$good" --mem 0
refused too_little_memory "--mem 512K: below 1 MiB" \
	run --kernel "$good" --mem 512K
refused odd_memory "--mem 1025K: not a multiple" \
	run --kernel "$good" --mem 1025K
refused too_much_memory "--mem 100000G: above 63 GiB" \
	run --kernel "$good" --mem 100000G
refused negative_memory "--mem -5: not an amount" run --kernel "$good" --mem=-5
refused overflowing_memory "not an amount" \
	run --kernel "$good" --mem 99999999999999G
refused demo_below_a_mebibyte_of_kernel "demo: segment" demo --mem 1M

refused unwritable_log "$tmp/no/log: No such file" \
	run --kernel "$good" --log "$tmp/no/log"
refused log_is_directory "$tmp/dir: Is a directory" \
	run --kernel "$good" --log "$tmp/dir"
refused unwritable_serial "serial0: $tmp/no/out: No such file" \
	run --kernel "$good" --serial "file:$tmp/no/out"
refused unknown_serial "--serial tube: no such serial backend" \
	run --kernel "$good" --serial tube
refused stdio_twice "serial1: stdio: used twice" \
	run --kernel "$good" --serial stdio --serial stdio
refused unwritable_perf_map "$tmp/no/map: No such file" \
	run --kernel "$good" --perf-map "$tmp/no/map"
refused unknown_engine "frob" run --kernel "$good" --engine frob
refused strict_hv_without_kvm "--engine hv: /none: no such device" \
	run --kernel "$good" --engine hv --set hv.device=/none
refused strict_hv_without_a_real_kvm "/dev/null: does not speak the KVM API" \
	run --kernel "$good" --engine hv --set hv.device=/dev/null
refused unknown_monitor_setting "monitor.virtual_x=1: unknown setting" \
	run --kernel "$good" --set monitor.virtual_x=1
refused bad_monitor_setting "must be software, hardware or automatic" \
	run --kernel "$good" --set monitor.virtual_mmu=maybe
refused unknown_option_of_host "host: --frob: unknown option" host --frob
refused unknown_setting "unknown key" run --kernel "$good" --set frob=1
refused unknown_engine_setting "bt.frob" \
	run --kernel "$good" --engine bt --set bt.frob=1
refused neither_on_nor_off "--sandbox maybe: must be on or off" \
	run --kernel "$good" --sandbox maybe
refused demo_with_kernel "demo: brings its own" demo --kernel "$good"

# Drives.
good_disk=$tmp/zeros
refused missing_disk "$tmp/none: No such file" run --hda "$tmp/none"
refused directory_as_disk "$tmp/dir: Is a directory" run --hda "$tmp/dir"
refused empty_disk "an empty disk" run --hda "$tmp/empty"
refused unknown_drive_key "frob: unknown key" \
	run --drive "file=$good_disk,frob=1"
refused unknown_drive_bus "if=usb: must be" run --drive "file=$good_disk,if=usb"
refused one_place_for_two "has a drive already" \
	run --hda "$good_disk" --drive "file=$good_disk,index=0"
refused one_disk_twice "is in use, by another process or twice here" \
	run --hda "$good_disk" --hdb "$good_disk"
refused damaged_vmdk "is not a VMDK sparse extent" \
	run --drive "file=$good_disk,format=vmdk"
refused floppy_too_large "larger than 2.88M" run --fda "$tmp/zeros"
printf 'QFI\373' | cat - "$tmp/zeros" >"$tmp/hidden.img"
refused format_in_disguise "say format=qcow2" run --hda "$tmp/hidden.img"
printf 'ide0:0.frob = "1"\n' >"$tmp/conf"
refused unknown_drive_key_of_file "$tmp/conf:1: ide0:0.frob: unknown key" \
	run --config "$tmp/conf"

refused missing_config "$tmp/none: No such file" run --config "$tmp/none"
refused directory_as_config "$tmp/dir: is a directory" run --config "$tmp/dir"
refused random_config "$tmp/random:" run --config "$tmp/random"
printf 'memsize = "64"\nfrob = "1"\n' >"$tmp/conf"
refused unknown_key "$tmp/conf:2: frob: unknown key" run --config "$tmp/conf"
printf '# x\nkernel = vmlinuz\n' >"$tmp/conf"
refused unquoted_value "$tmp/conf:2: the value must be in double quotes" \
	run --config "$tmp/conf"
printf 'memsize = "lots"\n' >"$tmp/conf"
refused bad_memsize "$tmp/conf:1: memsize: not an amount" \
	run --config "$tmp/conf"
printf 'kernel = "none"\n' >"$tmp/conf"
refused missing_kernel_of_config "$tmp/none: No such file" \
	run --config "$tmp/conf"

# A real kernel cut off at every stage of its file.
real=${UMBRA_CACHE:-$HOME/.cache/umbra}/guest/vmlinuz-686
if [ -s "$real" ]; then
	for len in 1 511 512 600 1000 20000 100000 5000000; do
		head -c $len "$real" >"$tmp/cut"
		refused "linux_cut_at_$len" "$tmp/cut: " run --kernel "$tmp/cut"
	done
	refused linux_in_too_little_memory "MiB of memory to unpack" \
		run --kernel "$real" --mem 16M
else
	echo "ok linux_cut # SKIP no fetched kernel (make guest)"
fi
