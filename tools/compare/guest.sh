# SPDX-License-Identifier: GPL-2.0-or-later
# /compare of the guest: what the word compare= of the command line says.
what=$(sed -n 's/.*\bcompare=\([^ ]*\).*/\1/p' /proc/cmdline)
n=${what#*:}
case $what in
build:*)
	tar xf /tcc.tar -C / && mkdir -p /tmp/out &&
		sh /build.sh /tcc "$n" /tmp/out
	;;
idle:*)
	sleep 1
	printf '#begin\tidle\n'
	sleep "$n"
	printf '#end\tidle\n'
	;;
*)
	printf '#begin\tnothing\n'
	printf '#end\tnothing\n'
	;;
esac
