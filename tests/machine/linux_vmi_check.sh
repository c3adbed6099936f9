#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra vmi check finds nothing in the guest kernel (make guest-kernel) while it
# runs the script of linux_script.sh, and a trace of it has calls of every kind.
# timeout: 180
. "$(dirname "$0")/linux.sh.inc"
dir=$cache/../guest-kernel/up
append="console=ttyS0 quiet panic=-1 umbra.script=/test"

[ -f "$dir/bzImage" ] ||
	exec tests/skip.sh "$dir/bzImage is missing (make guest-kernel)"
make_initrd hello

timeout -k 5 120 "$umbra" vmi check -q 0 -S "$dir/System.map" \
	-C "$tmp/console" "$dir/bzImage" -- --initrd "$tmp/initrd.gz" --mem 128M \
	--log /dev/null --append "$append" </dev/null >"$tmp/report" 2>&1
status=$?
if [ $status = 0 ] && grep -q 'bzImage: clean$' "$tmp/report"; then
	echo "ok the guest kernel is clean"
else
	echo "not ok the guest kernel is clean"
	sed 's/^/#   /' "$tmp/report"
fi
verdict "it ran its script meanwhile" "$tmp/console" 0

# Without an initrd it panics, and that is the end of it.
timeout -k 5 60 "$umbra" vmi check -q 0 -l 50 "$dir/bzImage" -- --mem 128M \
	--log /dev/null </dev/null >"$tmp/report" 2>&1
if [ $? = 0 ] && grep -q '^ended: guest asked for a reset' "$tmp/report"; then
	echo "ok a kernel that panics is ended"
else
	echo "not ok a kernel that panics is ended"
	sed 's/^/#   /' "$tmp/report"
fi

timeout -k 5 60 "$umbra" vmi trace -c -S "$dir/System.map" -o "$tmp/trace" \
	--kernel "$dir/bzImage" --initrd "$tmp/initrd.gz" --mem 128M \
	--no-reboot --serial null --log /dev/null --append "$append" \
	</dev/null >"$tmp/log" 2>&1
for call in SetCR3 WriteIDTEntry InvalPage SetAlarm APICWrite; do
	if grep -qE "^ +[1-9][0-9]* +[0-9.]+  [A-Z]+ +$call " "$tmp/trace"
	then
		echo "ok the trace counts $call"
	else
		echo "not ok the trace counts $call"
	fi
done
grep -qE 'SetAlarm +[0-9a-f]{8} vmi_' "$tmp/trace" &&
	echo "ok the trace names the backend's functions" ||
	echo "not ok the trace names the backend's functions"
