#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One program, linked with our libxenstore and with Debian's: the same results;
# our library in the place of Debian's; the same symbols.
# shellcheck source=tests/xenstore/store.sh.inc
. "$(dirname "$0")/store.sh.inc"
lib=$PWD/${BUILD:-build}/libxenstore.so.4

# run NAME [COMMAND...]: one transcript, in a store of its own.
run()
{
	local out=$tmp/$1
	shift
	"$umbra" xenstored || return 1
	timeout 60 "$@" >"$out" 2>"$out.err"
	local rc=$?
	xs_left=$("$umbra" xenstored --stop 2>&1)
	[ -z "$xs_left" ] || echo "# $xs_left"
	return $rc
}

check our_library_serves_a_program run ours "$bin/api-ours"
grep -aE '^(ok|not ok) ' "$tmp/ours"

symbols()
{
	nm -D --defined-only "$1" | awk '{ print $2, $3 }' | sort
}

check exports_37_functions_at_VERS_4.0 \
	[ "$(symbols "$lib" | grep -c '^T xs_.*@@VERS_4.0$')" = 37 ]
debian=$(echo /usr/lib/*/libxenstore.so.4)
if [ -e "$debian" ]; then
	symbols "$debian" >"$tmp/symbols"
	check exports_what_debians_does \
		diff "$tmp/symbols" <(symbols "$lib")
else
	echo "ok exports_what_debians_does # SKIP libxenstore4 is not installed"
fi
if [ -x "$bin/api-debian" ]; then
	check debians_library_serves_the_program run debian "$bin/api-debian"
	check results_are_the_same diff "$tmp/debian" "$tmp/ours"
	# The sanitizers' runtime does not preload into a plain program.
	if [ "${SAN:-0}" = 0 ]; then
		check is_a_drop_in run dropin env \
			LD_LIBRARY_PATH="${lib%/*}" "$bin/api-debian"
		check results_of_the_drop_in_are_the_same \
			diff "$tmp/debian" "$tmp/dropin"
	fi
else
	echo "ok results_are_the_same # SKIP libxen-dev is not installed (make deps)"
fi
if [ "${SAN:-0}" = 0 ] && command -v xenstore-ls >/dev/null; then
	"$umbra" xenstored
	check debians_clients_run_with_it env LD_LIBRARY_PATH="${lib%/*}" \
		sh -c 'xenstore-write /a/b 1 && xenstore-ls -fp /a'
fi
