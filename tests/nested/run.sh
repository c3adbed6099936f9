#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The HV engine on a complete KVM, wherever this host's may be lacking: QEMU
# emulates a processor with SVM and nested paging, Debian's amd64 kernel runs on
# it with its own kvm modules, and umbra on that.  Takes some minutes.
#
# QEMU 7.2 has one processor here: with two, on two threads, its SVM fails now and
# then, whoever uses KVM in it.  With SMP Linux under load in turn on QEMU's own
# KVM and on umbra, 2 of 20 of the former and 1 of 39 of the latter ended in a
# triple fault, all in the same way: a VMRUN, and at its first instruction, in
# kernel text that has just run, a page fault (not present, fetch) that cannot be
# delivered.  The outer machine itself stood still during a run of QEMU's.
#
# All of QEMU's threads share one of the host's processors: its VMRUN changes the
# word of pending interrupts without the lock that its timers hold for that, and
# the outer machine can lose its own timer's interrupt and stand for good.
#
#	tests/nested/run.sh [PART]	# vmi: the VMI kernels; moves: states, firmware,
#					# the monitor's moves; hv: the rest
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
cache=${UMBRA_CACHE:-$HOME/.cache/umbra}
kernel=$cache/guest/vmlinuz-amd64
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

skip()
{
	exec tests/skip.sh "$@"
}

command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
[ -f "$kernel" ] ||
	skip "$kernel is missing (tools/fetch-guest.sh --amd64)"
package=$cache/apt-amd64/archives/$(cat "$kernel.package")
[ -f "$package" ] || skip "$package is missing, which has the kvm modules"

dpkg-deb --fsys-tarfile "$package" | tar -x -C "$tmp" --wildcards \
	'./lib/modules/*/arch/x86/kvm/*.ko' './lib/modules/*/irqbypass.ko' \
	'./lib/modules/*/ccp.ko' || skip "$package: no kvm modules in it"

printf 'uname -a\ngrep -c ^processor /proc/cpuinfo\nps >/dev/null\n%s\n' \
	'echo TEST PASSED' >"$tmp/small.sh"
tools/mkinitrd.sh -a "$tmp/small.sh:/test" "$tmp/small.gz" >"$tmp/log" ||
	{ cat "$tmp/log"; exit 1; }

cat >"$tmp/smp.sh" <<-'END'
	dmesg | grep -E 'VMI|paravirtualized|CPUs' | sed 's/^/LOG /'
	[ "$(grep -c ^processor /proc/cpuinfo)" = 2 ] || exit 1
	# Many small system calls at once: locks are wanted by both.
	for n in 1 2 3 4; do
		(i=0; while [ $i -lt 300 ]; do
			echo $i | cat >/tmp/f$n; rm /tmp/f$n; i=$((i + 1))
		done) &
	done
	wait
	echo TEST PASSED
END
tools/mkinitrd.sh -a "$tmp/smp.sh:/test" "$tmp/smp.gz" >"$tmp/log" ||
	{ cat "$tmp/log"; exit 1; }

args=(-a tests/nested/guest.sh:/test -a "$BUILD/umbra:/nest/umbra"
      -a "$kernel:/nest/vmlinuz-amd64" -a "$tmp/small.gz:/nest/initrd.gz")
units=(test_hv_irqchip test_hv_dirty test_hv_once test_move test_vm test_state)
for u in "${units[@]}"; do
	args+=(-a "$BUILD/tests/unit/$u:/nest/unit/$u")
done
bios=/usr/share/seabios
if [ -f $bios/bios-256k.bin ]; then
	args+=(-a "$bios/bios-256k.bin:$bios/bios-256k.bin"
	       -a "$bios/vgabios-stdvga.bin:$bios/vgabios-stdvga.bin")
else
	echo "ok SeaBIOS under HV # SKIP no $bios/bios-256k.bin"
fi
while read -r f; do
	args+=(-a "$f:$f")
done < <(ldd "$BUILD/umbra" "${units[@]/#/$BUILD/tests/unit/}" |
	 grep -o '/lib[^ ]*' | sort -u)
for k in vmlinuz-686 vmlinuz-686-pae; do
	[ -f "$cache/guest/$k" ] && args+=(-a "$cache/guest/$k:/nest/$k") ||
		echo "ok Linux on nested KVM: $k # SKIP not there"
done
while read -r f; do
	args+=(-a "$f:/nest/${f##*/}")
done < <(find "$tmp/lib" -name '*.ko')
echo "${1-}" >"$tmp/only"
args+=(-a "$tmp/only:/nest/only")
smp=$cache/guest-kernel/smp-pae/bzImage
if [ -f "$smp" ]; then
	args+=(-a "$smp:/nest/smp/bzImage" -a "$tmp/smp.gz:/nest/smp/initrd.gz")
else
	echo "ok Linux by VMI on two processors # SKIP $smp is missing" \
		"(make guest-kernel VARIANT=smp-pae)"
fi
for f in "$BUILD"/tests/vmi/{calls,people,garbage,unpaged}.elf; do
	args+=(-a "$f:/nest/vmi/${f##*/}")
done
for f in "$BUILD"/tests/guests64/*.elf; do
	args+=(-a "$f:/nest/g64/${f##*/}")
done
for f in "$BUILD"/tests/guests/*.elf; do
	args+=(-a "$f:/nest/g32/${f##*/}")
done
tools/mkinitrd.sh "${args[@]}" "$tmp/initrd.gz" >"$tmp/log" ||
	{ cat "$tmp/log"; exit 1; }

host_cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' \
	/proc/self/status)
taskset -c "$host_cpu" timeout "${LIMIT:-1500}" qemu-system-x86_64 -accel tcg \
	-cpu max,+svm,+npt -smp 1 -m 1500M -kernel "$kernel" \
	-initrd "$tmp/initrd.gz" -nographic -nic none -no-reboot \
	-append "console=ttyS0 quiet mitigations=off umbra.script=/test" \
	</dev/null >"$tmp/console" 2>&1
tr -d '\r' <"$tmp/console" | grep -aE '^(ok|not ok|#)'
grep -aq '^# the end' "$tmp/console" && exit 0
echo "not ok the script inside comes to its end"
tail -n 30 "$tmp/console" | tr -d '\r' | sed 's/^/# /'
exit 1
