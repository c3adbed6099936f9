#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build.sh ROOT TIMES OUT: compile the C files of ROOT/src with the tcc of
# ROOT, TIMES times.  The same in a guest (ROOT is /tcc) and on the host: the
# compiler runs through ROOT's own loader and libraries, so nothing of the
# system that runs it is used.
root=$1 times=$2 out=$3
lib=$root/lib/i386-linux-gnu
tcc="$root/lib/ld-linux.so.2 --library-path $lib:$root/usr/lib/i386-linux-gnu \
$root/usr/bin/tcc -B$root/usr/lib/i386-linux-gnu/tcc"

compile()
{
	for f in "$root"/src/*.c; do
		$tcc -nostdinc \
			-I"$root/usr/lib/i386-linux-gnu/tcc/include" \
			-I"$root/usr/include/i386-linux-gnu" \
			-I"$root/usr/include" -I"$root" \
			-c -o "$out/$(basename "$f" .c).o" "$f" || exit 1
	done
}

compile		# the first time reads files
printf '#begin\tbuild\n'
while [ "$times" -gt 0 ]; do
	compile
	times=$((times - 1))
done
printf '#end\tbuild\n'
