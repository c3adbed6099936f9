# SPDX-License-Identifier: GPL-2.0-or-later
#
# What runs inside QEMU, as root, by tests/nested/run.sh.
#
# Kernels that pass here: those left out meet what QEMU's processor does
# differently (segment limits, reserved bits, error codes of gates, #XM, stores
# to the next instruction under nested paging), or count on timer ticks that are
# not late.
cd /nest
for m in irqbypass kvm ccp kvm-amd; do
	insmod $m.ko || echo "not ok insmod $m"
done
export HOME=/root

# run NAME KERNEL OPTION...: the test kernel leaves with status 33.
run()
{
	name=$1 kernel=$2
	shift 2
	timeout 150 ./umbra run --kernel $kernel --mem 64M --no-reboot \
		--log /tmp/log "$@" </dev/null >/tmp/out 2>&1
	status=$?
	[ $status = 33 ] && echo "ok $name" && return
	echo "not ok $name"
	echo "# status $status"
	cat /tmp/log /tmp/out | grep -v '^ok' | sed 's/^/# /'
}

# unit NAME: the unit tests that this KVM can run, other than the host's.  Not
# test_debugger: QEMU's VMRUN loads DR7 without arming what it enables.
unit()
{
	CK_TAP_LOG_FILE_NAME=/tmp/tap CK_DEFAULT_TIMEOUT=120 \
		timeout 400 unit/$1 >/tmp/out 2>&1
	grep -E '^(ok|not ok)' /tmp/tap | sed -E \
		"s/^(ok|not ok) [0-9]* - ([^:]*:)?([^:]*:)?/\1 $1: /; s/: Passed\$//"
	rm -f /tmp/tap
}

# linux NAME KERNEL OPTION...: Linux runs a script and powers off.  Without
# the 32-bit vDSO programs use INT 80h: QEMU has SYSENTER where KVM for AMD
# expects #UD.
linux()
{
	name=$1 kernel=$2
	shift 2
	[ -f $kernel ] || return
	timeout 400 ./umbra run --kernel $kernel --initrd ${initrd:-initrd.gz} \
		--mem 256M --no-reboot --log /tmp/log --append "console=ttyS0 \
no_timer_check quiet vdso32=0 panic=-1 umbra.script=/test" "$@" \
		</dev/null >/tmp/out 2>&1
	status=$?
	cat /tmp/log >>/tmp/out
	if [ $status = 0 ] && grep -q '^TEST PASSED' /tmp/out; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "# status $status"
		tail -n 30 /tmp/out | sed 's/^/# /'
	fi
}

# vmi NAME STATUS KERNEL OPTION...: a VMI kernel under HV leaves so.
vmi()
{
	name=$1 want=$2 kernel=$3
	shift 3
	timeout 300 ./umbra ${trace:-run} --kernel vmi/$kernel.elf --mem 128M \
		--engine hv --no-reboot --log /tmp/log "$@" </dev/null \
		>/tmp/out 2>&1
	status=$?
	[ $status = $want ] && echo "ok $name" && return
	echo "not ok $name"
	echo "# status $status"
	cat /tmp/log /tmp/out | grep -v '^ok' | tail -n 30 | sed 's/^/# /'
}

# Paged VMI kernels with the ROMs that HV can use.  "qemu": whose processor.
vmi_kernels()
{
	for rom in hv native; do
		vmi "vmi: calls, $rom ROM" 33 calls --vmi=$rom --append qemu
		vmi "vmi: people, $rom ROM" 33 people --vmi=$rom
		vmi "vmi: garbage, $rom ROM" 33 garbage --vmi=$rom \
			--append "7 3000"
		vmi "vmi: reboot, $rom ROM" 2 calls --vmi=$rom --append reboot
	done
	vmi "vmi: shutdown" 0 calls --vmi=hv --append shutdown
	vmi "vmi: two processors" 33 unpaged --vmi=hv --cpus 2 \
		--append "qemu smp"
	trace="vmi trace -c -o /tmp/trace"
	vmi "vmi: every body of the hv ROM" 33 calls --vmi=hv --append qemu
	trace=
	awk '$3 ~ /^[A-Z]+$/ && $1 > 0' /tmp/trace | grep -c . |
		sed 's/^/# calls made: /'
}

# Load kvm-amd anew, with nested paging or not.
npt()
{
	rmmod kvm_amd && insmod kvm-amd.ko npt=$1 || echo "not ok npt=$1"
}

# The guest kernel starts its second processor by SetInitialAPState, and a lock
# that is waited for long calls Yield.  KVM walks the guest's page tables here:
# with nested paging QEMU does, and sets accessed bits in PDPTEs, where they are
# reserved, so that KVM refuses the next load of CR4 by any PAE kernel.
vmi_smp()
{
	[ -f smp/bzImage ] || return
	npt 0
	initrd=smp/initrd.gz
	linux "vmi: Linux on two processors" smp/bzImage --engine hv \
		--vmi=hv --cpus 2 --stats
	grep -q 'LOG .*paravirtualized kernel on vmi' /tmp/out &&
		echo "ok it is paravirtual" || echo "not ok it is paravirtual"
	for call in SetInitialAPState Yield; do
		grep -q "^vmi: $call [1-9]" /tmp/out && echo "ok it uses $call" ||
			echo "not ok it uses $call"
	done
	grep "^LOG\|^vmi:" /tmp/out | sed 's/^/# /'
	initrd=
	npt 1
}

# moves KERNEL: it passes, while the monitor moves it between the engines all the
# time.  Not one with code at CPL 3: KVM keeps a TSS's type as "busy", as
# processors do, and QEMU's ends at the next interrupt from there.
moves()
{
	while echo engine bt && echo engine hv; do
		sleep 0.02
	done 2>/dev/null | timeout 60 ./umbra run --kernel g32/$1.elf \
		--mem 64M --no-reboot --engine auto --monitor stdio \
		--serial file:/tmp/console --log /tmp/log >/tmp/out 2>&1
	status=$?
	there=$(grep -c '^engine bt' /tmp/out)
	back=$(grep -c '^engine hv' /tmp/out)
	echo "# $1: $there moves to BT, $back to HV"
	[ $status = 33 ] && [ $there -ge 5 ] && [ $back -ge 5 ] &&
		echo "ok $1 is moved there and back" && return
	echo "not ok $1 is moved there and back"
	cat /tmp/log /tmp/console | tail -n 20 | sed 's/^/# /'
}

# SeaBIOS: real mode, and unpaged protected mode with calls back to it.
firmware()
{
	[ -d /usr/share/seabios ] || return
	: >/tmp/out
	timeout 60 ./umbra run --bios bios-256k.bin --engine hv --mem 64 \
		--log /tmp/log "$@" </dev/null >/tmp/out 2>&1 &
	pid=$!
	n=0
	until grep -q 'No bootable device' /tmp/out || [ $n -gt 50 ]; do
		sleep 1
		n=$((n + 1))
	done
	kill $pid
	wait $pid
	grep -q 'No bootable device' /tmp/out && echo "ok SeaBIOS under HV" &&
		return
	echo "not ok SeaBIOS under HV"
	cat /tmp/log /tmp/out | tail -n 20 | sed 's/^/# /'
}

part()
{
	[ -z "$ONLY" ] || [ "$ONLY" = "$1" ]
}
ONLY=$(cat only)

./umbra host | sed 's/^/# /'
./umbra host | grep -q '^modes for a 16/32-bit guest .*HV-hwMMU' &&
	echo "ok nested paging is found" || echo "not ok nested paging is found"

if part vmi; then
	vmi_kernels
	vmi_smp
fi
if part moves; then
	unit test_state
	firmware
	firmware --set hv.irqchip=off
	run "hv: v86" g32/v86.elf --engine hv
	moves ptreuse
	moves strings
fi
part hv || { echo "# the end"; exit; }

for k in io user interrupts syscalls shadows move tpr; do
	run "hv: $k" g64/$k.elf --engine hv
	run "from bt: $k" g64/$k.elf --engine auto,start=bt
done
run "hv: smp" g64/smp.elf --engine hv --cpus 3
for k in paging ptreuse roots task sysenter strings iobitmap; do
	run "hv: $k" g32/$k.elf --engine hv
done

linux "amd64 Linux boots" vmlinuz-amd64
grep -q '^umbra: engine hv (HV-hwMMU for a 64-bit guest' /tmp/log &&
	echo "ok auto chose HV-hwMMU" || echo "not ok auto chose HV-hwMMU"
linux "amd64 Linux begins in BT" vmlinuz-amd64 --engine auto,start=bt
grep -q 'moved from bt to hv$' /tmp/log &&
	echo "ok and moves to HV" || echo "not ok and moves to HV"

linux "amd64 Linux on two processors" vmlinuz-amd64 --cpus 2
grep -q '^2' /tmp/out && echo "ok and it sees both" ||
	echo "not ok and it sees both"
linux "amd64 Linux on two processors, our controllers" vmlinuz-amd64 \
	--cpus 2 --set hv.irqchip=off
linux "686 Linux under HV" vmlinuz-686 --engine hv
linux "686 Linux under HV, our controllers" vmlinuz-686 --engine hv \
	--set hv.irqchip=off

for u in test_hv_irqchip test_hv_dirty test_hv_once test_move test_vm; do
	unit $u
done

# KVM's shadow page tables.  Nor would 686-pae do with nested ones here: QEMU's
# processor sets accessed bits in PDPTEs, which are reserved there, so KVM
# refuses MOV to CR4 (AMD APM Vol. 2 5.3.4).
rmmod kvm-amd && insmod kvm-amd.ko npt=0 || echo "not ok insmod npt=0"
linux "686-pae Linux under HV, shadow paging" vmlinuz-686-pae --engine hv
grep -q '^MONITOR MODE: filtered list          : HV-swMMU' /tmp/log &&
	echo "ok in HV-swMMU" || echo "not ok in HV-swMMU"
echo "# the end"
