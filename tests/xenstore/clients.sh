#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Debian's own xenstore clients, unchanged, against the store.
# shellcheck source=tests/xenstore/store.sh.inc
. "$(dirname "$0")/store.sh.inc"
command -v xenstore-ls >/dev/null ||
	exec tests/skip.sh "xenstore-utils is not installed (make deps)"

# is TEXT COMMAND...: its output is TEXT.
is()
{
	local want=$1 got
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$want" ] || { echo "# $*: '$got'"; false; }
}

not()
{
	! "$@" >/dev/null 2>&1
}

check starts_on_demand "$umbra" xenstored
check starts_once "$umbra" xenstored
check another_daemon_is_refused not "$umbra" xenstored --foreground
check write xenstore-write /a/b hello /a/c "two words" /a/d ""
check read is hello xenstore-read /a/b
check read_several is $'hello\ntwo words' xenstore-read /a/b /a/c
check read_with_prefix is '/a/b: hello' xenstore-read -p /a/b
check read_of_nothing_fails not xenstore-read /a/z
check list is $'b\nc\nd' xenstore-list /a
check ls is $'b = "hello"\nc = "two words"\nd = ""' xenstore-ls /a
check ls_with_paths is $'/a/b = "hello"\n/a/c = "two words"\n/a/d = ""' \
	xenstore-ls -f /a
check ls_of_nothing_fails not xenstore-ls /absent
check exists xenstore-exists /a/b
check exists_not not xenstore-exists /a/z
check permissions_of_a_new_node is '/a/b = "hello"   (n0)' \
	sh -c 'xenstore-ls -fp /a | head -n 1'
check chmod xenstore-chmod /a/b n1 r2 w3 b4
check permissions is '/a/b = "hello"   (n1,r2,w3,b4)' \
	sh -c 'xenstore-ls -fp /a | head -n 1'
xenstore-write /a/b/x/y 1
check chmod_recursive xenstore-chmod -r /a/b r5
check permissions_below is '/a/b/x/y = "1"   (r5)' \
	sh -c 'xenstore-ls -fp /a | grep y'
check rm xenstore-rm /a/b /a/d
check rm_is_recursive not xenstore-exists /a/b/x
check rm_prunes_empty_parents sh -c \
	'xenstore-write /q/r/s 1 && xenstore-rm -t /q/r/s && ! xenstore-exists /q'

# 800 children, whose names fill several messages.
seq -f '/wide/a-child-with-a-rather-long-name-%03g x' 800 |
	xargs -n 200 xenstore-write
check wide_list is 800 sh -c 'xenstore-list /wide | sort -u | wc -l'
check wide_ls is 800 sh -c 'xenstore-ls /wide | grep -c name'
check wide_rm xenstore-rm /wide

# A watch: it starts with an event, then one for each change.
xenstore-watch -n 3 /w >"$tmp/events" &
watcher=$!
within 5 grep -q '^/w$' "$tmp/events"
xenstore-write /w/x 1
xenstore-write /elsewhere 1
within 5 grep -q '^/w/x$' "$tmp/events"
xenstore-rm /w/x
wait $watcher
check watch is $'/w\n/w/x\n/w/x' cat "$tmp/events"

# Writers in transactions, all at once (xenstore-write uses one).
for i in 1 2 3 4 5 6 7 8; do
	(for j in 1 2 3 4 5; do
		xenstore-write /par/$i/$j a /par/$i/x$j b || exit 1
	done) &
	pids[i]=$!
done
failed=0
for i in 1 2 3 4 5 6 7 8; do
	wait ${pids[i]} || failed=1
done
check parallel_transactions [ $failed = 0 ]
check parallel_results is 80 sh -c 'xenstore-ls -f /par | grep -c "/.*/.*/"'

if xenstore-control help >/dev/null 2>&1; then
	check control is OK xenstore-control check
else
	echo "ok control # SKIP xenstore-control does not run here"
fi

# Its end.
check stops "$umbra" xenstored --stop
check is_gone within 5 not xenstore-ls
check forgets sh -c '"$0" xenstored && ! xenstore-exists /a/c' "$umbra"
"$umbra" xenstored --stop
within 5 not xenstore-ls
"$umbra" xenstored --foreground --idle 1 2>"$tmp/log" &
pid=$!
within 5 xenstore-exists / 2>/dev/null
xenstore-write /keep 1
sleep 1.5
check stays_while_there_is_a_node xenstore-read /keep
xenstore-rm /keep
check ends_when_idle_and_empty wait $pid
check takes_its_socket_along [ ! -e "$XENSTORED_RUNDIR/socket" ]

# A killed one is replaced, and many starters agree on one.
"$umbra" xenstored --foreground 2>/dev/null &
pid=$!
within 5 xenstore-exists / 2>/dev/null
kill -9 $pid
wait $pid 2>/dev/null
check leaves_a_socket_when_killed [ -S "$XENSTORED_RUNDIR/socket" ]
for i in 1 2 3 4 5 6 7 8 9 10; do
	"$umbra" xenstored &
	pids[i]=$!
done
failed=0
for i in 1 2 3 4 5 6 7 8 9 10; do
	wait ${pids[i]} || failed=1
done
check many_starters_succeed [ $failed = 0 ]
check and_there_is_one_store sh -c 'xenstore-write /one 1 && xenstore-read /one'
n=0
for p in /proc/[0-9]*; do
	grep -qsa "xenstored.--socket.$XENSTORED_RUNDIR/" "$p/cmdline" &&
		n=$((n + 1))
done
check and_one_daemon [ $n = 1 ]

# Starting and ending all the time, nobody meets a closed door.
"$umbra" xenstored --stop
failed=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	"$umbra" xenstored && xenstore-write /loop $i &&
		[ "$(xenstore-read /loop)" = $i ] || failed=1
	"$umbra" xenstored --stop
done
check restart_loop [ $failed = 0 ]

# A directory in which others can replace the socket.
mkdir -p "$tmp/open" && chmod 777 "$tmp/open"
check unsafe_directory_is_refused not env XENSTORED_RUNDIR="$tmp/open" \
	"$umbra" xenstored
