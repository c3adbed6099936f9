#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Several processors: the test kernel that uses them all, and who refuses them.
# timeout: 90
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
umbra=$BUILD/umbra
kernel=$BUILD/tests/guests/smp.elf
. tests/kvm.sh.inc

for engine in bt interp; do
	out=$("$umbra" run --kernel "$kernel" --cpus 2 --engine $engine \
		</dev/null 2>&1)
	if [ $? = 1 ] && [[ $out == *"2 processors: engine $engine runs one"* ]]
	then
		echo "ok two_processors_are_refused ($engine)"
	else
		echo "not ok two_processors_are_refused ($engine)"
		echo "# $out"
	fi
done

kvm_needs smp "unpaged protected mode"
# Ours, and KVM's own interrupt controllers.
for cpus in 2 4 8 4,on; do
	irqchip=off
	[ $cpus = 4,on ] && cpus=4 irqchip=on
	out=$(timeout -k 2 20 "$umbra" run --kernel "$kernel" --mem 16M --engine hv \
		--cpus $cpus --set hv.irqchip=$irqchip --no-reboot </dev/null 2>/dev/null | tr -d '\r')
	sed "s/^\(ok\|not ok\) .*/& ($cpus processors, irqchip $irqchip)/" <<<"$out"
	if [ $irqchip = off ] && grep -q 'higher TPR' <<<"$out"; then
		echo "not ok lowest priority goes by TPR ($cpus processors)"
	fi
	grep -q "^# $cpus processors" <<<"$out" &&
		grep -q '^# end' <<<"$out" && echo "ok $cpus processors" ||
		echo "not ok $cpus processors"
done
