#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's amd64 kernel under HV: its first lines everywhere long mode works,
# and a boot to a script where KVM runs all of it at the processor's speed.
# timeout: 180
. "$(dirname "$0")/linux.sh.inc"

kernel=$cache/vmlinuz-amd64
[ -f "$kernel" ] ||
	exec tests/skip.sh "$kernel is missing (tools/fetch-guest.sh --amd64)"
BUILD=${BUILD:-build}
. tests/kvm.sh.inc
kvm_needs linux64 long

# first_line NAME TEXT SECONDS OPTION...: the console shows TEXT.
first_line()
{
	local name=$1 text=$2 limit=$3 pid i
	shift 3

	: >"$tmp/console"
	"$umbra" run --kernel "$kernel" --mem 128M --no-reboot \
		--append "console=ttyS0 earlyprintk=ttyS0 nokaslr" \
		--serial "file:$tmp/console" "$@" </dev/null >"$tmp/log" 2>&1 &
	pid=$!
	for ((i = 0; i < limit * 10; i++)); do
		grep -aq "$text" "$tmp/console" && break
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	kill $pid 2>/dev/null
	wait $pid 2>/dev/null
	if grep -aq "$text" "$tmp/console"; then
		echo "ok $name"
	else
		echo "not ok $name"
		sed 's/^/# /' "$tmp/log"
	fi
}

# The decompressor says so, in 64-bit code that the 64-bit entry leads to.
first_line 64-bit_entry_is_reached "KASLR disabled" 60 --engine hv
first_line auto_chooses_hv "KASLR disabled" 60
[ "$(grep -c '^umbra: engine ' "$tmp/log")" = 1 ] &&
	grep -q '^umbra: engine hv (HV-.*MMU for a 64-bit guest: ' "$tmp/log" &&
	echo "ok auto_says_so" || echo "not ok auto_says_so"
first_line begun_in_bt_it_gets_there "KASLR disabled" 60 --engine auto,start=bt
[ "$(grep -cx 'umbra: the guest enters long mode: moved from bt to hv' \
	"$tmp/log")" = 1 ] &&
	echo "ok the_move_is_logged_once" || echo "not ok the_move_is_logged_once"

# Without HV it does not start, and strictly in BT it stops; both say so.
"$umbra" run --kernel "$kernel" --set hv.device=/none --serial null \
	</dev/null >"$tmp/log" 2>&1
[ $? = 1 ] && grep -q 'no engine can run this 64-bit guest: ' "$tmp/log" &&
	echo "ok without_hv_it_is_refused" || echo "not ok without_hv_it_is_refused"
timeout 20 "$umbra" run --kernel "$kernel" --engine bt --no-reboot \
	--serial null </dev/null >"$tmp/log" 2>&1
[ $? = 6 ] && grep -q 'this 64-bit guest will stop, .*(auto would use HV)' "$tmp/log" &&
	echo "ok strict_bt_says_what_to_do" || {
	echo "not ok strict_bt_says_what_to_do"
	sed 's/^/# /' "$tmp/log"
}

for need in native syscall; do
	[[ $(kvm_fact $need) == *" works"* ]] && continue
	echo "ok boot_to_script # SKIP this host's KVM: $(kvm_fact $need)"
	exit 0
done
make_initrd load
ENGINE=hv boot "$tmp/log" vmlinuz-amd64 256M 120
verdict "boot_to_script" "$tmp/log" $?
