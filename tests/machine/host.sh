#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra host, and the monitor mode that umbra run chooses by it.
# timeout: 60
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
demo=${BUILD:-build}/tools/demo/demo.elf
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}:verify_asan_link_order=0

quoted()
{
	sed 's/[()]/\\&/g' <<<"$1"
}

verdict()
{
	if [ "$2" = 0 ]; then
		echo "ok $1"
	else
		echo "not ok $1"
		sed 's/^/# /' "$tmp/out"
	fi
}

# Every fact has its line; what is said of /dev/kvm agrees with the file.
"$umbra" host >"$tmp/out" 2>&1
status=$?
for fact in "KVM device" "KVM " "hardware assist" BMI2 FSGSBASE PKU \
	    vm.max_map_count "memfd huge pages" "modes for a 16/32-bit guest" \
	    "auto for a 16/32-bit guest" "modes for a 64-bit guest" \
	    "auto for a 64-bit guest"; do
	grep -q "^$fact " "$tmp/out" || status=1
done
verdict facts_are_printed $status

# Of a usable KVM all that is asked of it, with an answer of the known ones.
if grep -q '^KVM  *usable$' "$tmp/out"; then
	status=0
	grep -q '^KVM API version  *12$' "$tmp/out" || status=1
	for fact in "EPT or NPT (hwMMU)" "unrestricted guest" \
		    "in-kernel irqchip" "guest TSC has an offset"; do
		grep -qE "^$(quoted "$fact") +(yes|no|unknown)$" "$tmp/out" ||
			status=1
	done
	for fact in "real mode" "unpaged protected mode" "32-bit paging" \
		    "PAE paging" "long mode" "64-bit code at CPL 3" \
		    "32-bit code in long mode" "SYSCALL and SYSRET"; do
		grep -qE "^$fact +(works|fails: .|hangs: .|not run)" \
			"$tmp/out" || status=1
	done
	verdict facts_about_kvm_are_printed $status
fi
if [ ! -e /dev/kvm ]; then
	grep -q '^KVM  *missing$' "$tmp/out"
	verdict missing_kvm_is_said $?
fi

# What is wrong with /dev/kvm, and which engines are left.  badkvm.c is the KVM.
bad_kvm()
{
	BADKVM=$1 LD_PRELOAD=${BUILD:-build}/tests/machine/badkvm.so \
		"$umbra" "${@:2}" </dev/null >"$tmp/out" 2>&1
}

while read -r bad state why; do
	name="kvm_that_is_not_usable ($bad)"
	if [[ $bad == create=* ]] && [ ! -w /dev/kvm ]; then
		echo "ok $name # SKIP no /dev/kvm"
		continue
	fi
	bad_kvm $bad host &&
		grep -qE "^KVM +${state//-/ }$" "$tmp/out" &&
		grep -qE "^KVM is not usable +$why" "$tmp/out" &&
		grep -qE "^modes for a 64-bit guest +none$" "$tmp/out" &&
		grep -qE "^auto for a 64-bit guest +none \(no engine can .*$why" \
			"$tmp/out" &&
		grep -qE "^auto for a 16/32-bit guest +bt \(.*$why" "$tmp/out"
	verdict "$name" $?
	# Strictly there is no other engine, and the reason is the same.
	bad_kvm $bad run --kernel "$demo" --engine hv --serial null
	[ $? = 1 ] && grep -q "^umbra: .*--engine hv: .*$why" "$tmp/out" &&
		[ "$(wc -l <"$tmp/out")" = 1 ]
	verdict "strict_hv_fails ($bad)" $?
done <<'END'
open=2 missing no such device
open=13 no-permission permission denied
open=16 busy the processor's virtualization is in use by another hypervisor
create=16 busy the processor's virtualization is in use by another hypervisor
create=12 broken Cannot allocate memory
END

# The same facts for programs.
if ! command -v python3 >/dev/null; then
	echo "ok json_is_json # SKIP no python3"
elif ! "$umbra" host --json >"$tmp/out" 2>&1; then
	grep -q 'built without jansson' "$tmp/out"
	verdict json_needs_jansson $?
else
	python3 - "$tmp/out" <<-'END' >"$tmp/err" 2>&1
	import json, sys
	host = json.load(open(sys.argv[1]))
	def is_answer(x): return x is None or isinstance(x, bool)
	for key in ("kvm_device", "kvm", "hardware"):
	    assert isinstance(host[key], str), key
	for key in ("bmi2", "fsgsbase", "pku", "memfd_huge_pages"):
	    assert isinstance(host[key], bool), key
	assert host["max_map_count"] > 0
	assert ("kvm_reason" in host) == (host["kvm"] != "usable")
	if host["kvm"] == "usable":
	    assert host["kvm_api_version"] == 12
	    for key in ("nested_paging", "unrestricted_guest",
	                "in_kernel_irqchip", "tsc_offset"):
	        assert is_answer(host[key]), key
	    for key in ("real_mode", "unpaged", "paging32", "paging_pae",
	                "long_mode", "long_user", "long_compat",
	                "long_syscall"):
	        probe = host[key]
	        assert probe["result"] in ("works", "fails", "hangs", "not run")
	        assert ("reason" in probe) == (probe["result"] in
	                                       ("fails", "hangs")), key
	        assert isinstance(probe["emulated"], bool)
	for kind in ("guest32", "guest64"):
	    assert isinstance(host[kind]["modes"], list)
	    assert host[kind]["auto_engine"] in ("bt", "hv", None)
	    assert host[kind]["reason"]
	assert (host["kvm"] == "usable") == ("long_mode" in host)
	END
	status=$?
	cat "$tmp/err" >>"$tmp/out"
	verdict json_is_json $status
fi

# Without KVM: BT, in four lines and one that says why.
cat >"$tmp/expected" <<'END'
MONITOR MODE: allowed modes          : BT32-swMMU
MONITOR MODE: user requested modes   : HV-swMMU HV-hwMMU
MONITOR MODE: guestOS preferred modes: HV-hwMMU BT32-swMMU HV-swMMU
MONITOR MODE: filtered list          : BT32-swMMU
umbra: settings ignored: the requested modes are not possible here: /none: no such device (load a kvm module, or pass the device into the container)
umbra: engine bt (BT32-swMMU for a guest of unknown kind: /none: no such device (load a kvm module, or pass the device into the container))
END
"$umbra" run --kernel "$demo" --set hv.device=/none --serial null \
	--set monitor.virtual_exec=hardware --log "$tmp/log" \
	</dev/null >"$tmp/out" 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
	grep -q 'engine bt' "$tmp/log" 2>/dev/null && break
	sleep 0.1
done
kill $pid
wait $pid
# A build with sanitizers says first that it is not confined.
grep -v 'umbra: sandbox:' "$tmp/log" | head -n 6 |
	diff "$tmp/expected" - >>"$tmp/out"
verdict auto_without_kvm_is_bt $?
