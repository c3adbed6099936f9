#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Run the tests that make check built and count the results.
#
#	BUILD=build tests/check.sh [FILTER]
#
#	LONG=1 tests/check.sh		# the long jobs, and no others
#
# FILTER keeps the jobs whose name (kind/name) contains it.
#
# A job is one line of the list: "name timeout-in-seconds command ...".  It
# prints TAP lines ("ok name", "not ok name", "ok name # SKIP reason").  Exit
# status 77 skips the whole job (its last line of output is the reason); any
# other status with no "not ok" line, and a timeout, count as one failure.
# Output is kept in $BUILD/check/.  JOBS sets how many run at once.

set -u
cd "$(dirname "$0")/.." || exit 1
export BUILD=${BUILD:-build}
OUT=$BUILD/check

# Sanitizers make everything slower; the limits are for the plain build.
slow=1
[ "${SAN:-0}" = 1 ] && slow=4

# Tests end without taking apart what they built, and so does Check.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}

# ---- one job, in a process of its own -------------------------------------

# libcheck writes TAP to a file when told so.
run_unit()
{
	local tap rc
	tap=$(mktemp)
	CK_TAP_LOG_FILE_NAME=$tap "$1"
	rc=$?
	# Keep one line for each test; Check's own summary is noise here.
	sed -E 's/^(ok|not ok) [0-9]* - ([^:]*:)?([^:]*:)?/\1 /; s/: Passed$//' "$tap"
	rm -f "$tap"
	return $rc
}

run_job()
{
	local name=$1 limit=$2 log rc
	shift 2
	log=$OUT/${name//\//-}
	if [ "$1" = unit ]; then
		timeout -k 5 $((limit * slow)) tests/check.sh --unit "$2" \
			>"$log.log" 2>&1 </dev/null
	else
		timeout -k 5 $((limit * slow)) "$@" >"$log.log" 2>&1 </dev/null
	fi
	rc=$?
	{
		grep -aE '^(ok|not ok)( |$)' "$log.log" |
			sed -E "s,^(ok|not ok) *,\1 $name: ,"
		if [ $rc = 77 ]; then
			echo "ok $name # SKIP $(tail -n 1 "$log.log")"
		elif [ $rc = 124 ] || [ $rc = 137 ]; then
			echo "not ok $name: timed out after $limit s"
		elif [ $rc != 0 ] && ! grep -aq '^not ok' "$log.log"; then
			echo "not ok $name: exit status $rc"
		elif ! grep -aqE '^(ok|not ok)( |$)' "$log.log"; then
			echo "ok $name"
		fi
	} >"$log.tap"
	cat "$log.tap"
	if grep -q '^not ok' "$log.tap"; then
		grep -avE '^ok' "$log.log" | tail -n 25 | sed 's/^/# /'
		echo "# whole output: $log.log"
	fi
}

case "${1-}" in
--unit)	run_unit "$2"; exit ;;
--job)	shift; run_job "$@"; exit ;;
esac

# Machines under test are in a store of their own, not in the user's.
XENSTORED_RUNDIR=$(mktemp -d) && export XENSTORED_RUNDIR
unset XENSTORED_PATH
end_store()
{
	[ ! -S "$XENSTORED_RUNDIR/socket" ] ||
		"$BUILD/umbra" xenstored --stop 2>/dev/null
	rm -rf "$XENSTORED_RUNDIR"
}
trap end_store EXIT

# ---- the list --------------------------------------------------------------

# Those that take minutes each are in long.sh; LONG=1 runs them alone.
list_long_jobs()
{
	local f

	for f in tests/*/long.sh; do
		[ -x "$f" ] && "$f"
	done
}

list_jobs()
{
	local f t

	[ "${LONG:-0}" = 0 ] || { list_long_jobs; return; }
	for f in "$BUILD"/tests/unit/test_*; do
		[ -x "$f" ] && [ -f "$f" ] && [ "${f##*.}" = "$f" ] &&
			echo "unit/${f##*/test_} 60 unit $f"
	done
	pkg-config --exists check 2>/dev/null ||
		echo "unit/all 5 tests/skip.sh libcheck is not installed (make deps)"
	for f in tests/*/jobs.sh; do
		[ -x "$f" ] && "$f"
	done
	# A scenario states its time limit in a line "# timeout: seconds".
	for f in tests/machine/*.sh; do
		t=$(sed -n 's/^# timeout: //p' "$f" 2>/dev/null)
		[ -n "$t" ] && f=${f##*/} &&
			echo "machine/${f%.sh} $t tests/machine/$f"
	done
}

rm -rf "$OUT"
mkdir -p "$OUT"
list_jobs | grep -F -- "${1-}" >"$OUT/jobs"
start=$SECONDS
xargs -a "$OUT/jobs" -d '\n' -P "${JOBS:-$(nproc)}" -I{} \
	bash -c "tests/check.sh --job {}" | tee "$OUT/result"

count()
{
	grep -acE "$1" "$OUT/result"
}
failed=$(count '^not ok')
skipped=$(count '^ok .*# SKIP')
passed=$(($(count '^ok') - skipped))
echo "# $(wc -l <"$OUT/jobs") jobs, $((SECONDS - start)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]
