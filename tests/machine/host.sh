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
if [ ! -e /dev/kvm ]; then
	grep -q '^KVM  *missing$' "$tmp/out"
	verdict missing_kvm_is_said $?
fi

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
	for key in ("kvm", "bmi2", "fsgsbase", "max_map_count"):
	    host[key]
	for kind in ("guest32", "guest64"):
	    assert isinstance(host[kind]["modes"], list)
	    assert host[kind]["auto_engine"] in ("bt", "hv", None)
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
