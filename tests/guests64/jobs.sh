#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs for tests/check.sh: the 64-bit test kernels under HV, with our interrupt
# controllers (or what "auto" chooses) and KVM's, and begun in BT, which has one
# processor.
grep -v '^#' tests/guests64/guests.def | while read -r name limit rest; do
	echo "guest64-hv/$name $limit tests/guests64/run.sh $name"
	echo "guest64-irqchip/$name $limit" \
		"tests/guests64/run.sh $name --set hv.irqchip=on"
	case $rest in
	*--cpus*) ;;
	*) echo "guest64-move/$name $limit" \
		"env ENGINE=auto,start=bt tests/guests64/run.sh $name" ;;
	esac
done
