#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra list, attach, detach, eject, balloon and shutdown against a confined
# process that is a machine in all but a processor, and against the store
# itself, as any program would use it.
# shellcheck source=tests/xenstore/store.sh.inc
. "$(dirname "$0")/store.sh.inc"

fails()
{
	"$@" >"$tmp/said" 2>&1 && return 1
	[ $? -lt 100 ]
}

# says TEXT COMMAND...: it fails, and says so.
says()
{
	local text=$1
	shift
	fails "$@"
	grep -qF -- "$text" "$tmp/said" || { cat "$tmp/said"; false; }
}

# saw LINE: the machine said it.
saw()
{
	grep -qxF -- "$1" "$tmp/out"
}

is()
{
	local want=$1 got
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$want" ] || { echo "# $*: '$got'"; false; }
}

export UMBRA=$umbra
"$umbra" xenstored
"$bin/machine" m1 >"$tmp/out" 2>"$tmp/log" &
pid=$!
within 10 sh -c '"$0" list | grep -q "m1 .*running"' "$umbra"
check is_listed [ $? = 0 ]
id=$("$umbra" list | awk '$2 == "m1" { print $1 }')
check name_in_use says "another machine has this name" "$bin/machine" m1
check no_such_machine says "no such machine" "$umbra" list nobody
check by_number "$umbra" list "$id"

# Disks.
printf 'disk one\n' >"$tmp/one.img"
truncate -s 64K "$tmp/one.img"
check attach is "disk 1" "$umbra" attach m1 disk "$tmp/one.img"
check the_machine_reads_it saw "attach 1: disk one"
check is_connected sh -c '"$0" list m1 | grep -q "^vbd .*1 connected"' "$umbra"
check a_missing_image_is_said says "No such file" \
	"$umbra" attach m1 disk "$tmp/absent.img"
check an_unknown_key_is_said says "unknown key" \
	"$umbra" attach m1 disk "$tmp/one.img" colour=red
check a_refusal_is_said says "this one is not wanted" \
	"$umbra" attach m1 disk "$tmp/one.img" serial=no
check a_refusal_leaves_nothing sh -c \
	'! "$0" list m1 | grep -q "^vbd .* 2 "' "$umbra"
check no_network_here says "nothing to attach such a device to" \
	"$umbra" attach m1 nic type=user
check a_slow_one is "disk 2" "$umbra" attach m1 disk "$tmp/one.img" serial=slow
check detach_slow "$umbra" detach m1 disk 2
check detach "$umbra" detach m1 disk 1
check the_machine_lets_go saw "detach 1"
check detach_twice says "no such device" "$umbra" detach m1 disk 1
check one_that_stays is "disk 1" "$umbra" attach m1 disk "$tmp/one.img" \
	serial=stay
check detach_refused says "the guest uses it" "$umbra" detach m1 disk 1
check and_is_still_there sh -c \
	'"$0" list m1 | grep -q "^vbd .*1 connected"' "$umbra"

# The CD-ROM drive.
printf 'a cd\n' >"$tmp/cd.iso"
truncate -s 64K "$tmp/cd.iso"
check insert "$umbra" eject m1 0 "$tmp/cd.iso"
check the_machine_reads_the_cd saw "insert 0: a cd"
check eject "$umbra" eject m1
check the_machine_ejects saw "eject 0"
check insert_again "$umbra" eject m1 0 "$tmp/cd.iso"
check eject_by_force "$umbra" eject --force m1 0
check force_is_passed_on saw "eject 0 by force"
check not_a_cd says "not a CD-ROM drive" "$umbra" eject m1 1

# Memory.
check balloon "$umbra" balloon m1 32M
check balloon_refused says "too little" "$umbra" balloon m1 4M

# What a machine may not write, it has not written.
if command -v xenstore-read >/dev/null; then
	check only_its_own_place is Domain-0 \
		xenstore-read /local/domain/0/name
	check no_wish_of_its_own is "" \
		xenstore-read "/local/domain/$id/control/shutdown"
	# A program that knows the protocol and no umbra.
	back=/local/domain/0/backend/vbd/$id/9
	xenstore-write "$back/params" "$tmp/one.img" "$back/mode" r \
		"$back/state" 1
	check attach_by_hand within 5 saw "attach 9: disk one"
	check connects within 5 is 4 xenstore-read "$back/state"
	xenstore-rm "$back"
	check removal_detaches within 5 saw "detach 9"
	xenstore-write "/local/domain/$id/control/shutdown" nonsense
	check unknown_wishes_are_said within 5 sh -c \
		'xenstore-read "$0" | grep -q unknown' \
		"/local/domain/$id/control/status"
	# Attached and removed faster than anybody looks.
	for i in 1 2 3 4 5 6 7 8 9 10; do
		xenstore-write "$back/params" "$tmp/one.img" "$back/mode" r \
			"$back/state" 1
		xenstore-rm "$back"
	done
	check still_listens is "disk 2" "$umbra" attach m1 disk "$tmp/one.img"
	check still_lets_go "$umbra" detach m1 disk 2
else
	echo "ok attach_by_hand # SKIP xenstore-utils is not installed (make deps)"
fi

# Loops, from two sides at a time.
loop()
{
	local i
	for ((i = 0; i < 25; i++)); do
		n=$("$umbra" attach m1 disk "$tmp/one.img" serial="$1" 2>&1)
		case $n in
		*"same time"*) continue ;;
		"disk "*) "$umbra" detach m1 disk "${n#disk }" || return 1 ;;
		*) echo "# $n"; return 1 ;;
		esac
	done
}
loop a & one=$!
loop b & two=$!
wait $one; r1=$?
wait $two; r2=$?
check attach_and_detach_in_a_loop [ "$r1 $r2" = "0 0" ]
check nothing_is_left sh -c \
	'[ "$("$0" list m1 | grep -c "^vbd")" = 2 ]' "$umbra"

# The store dies: the attendant brings the machine into another.
"$umbra" xenstored --stop
check registers_again within 10 sh -c \
	'"$0" list 2>/dev/null | grep -q "m1 .*running"' "$umbra"
check devices_are_back within 5 sh -c \
	'"$0" list m1 2>/dev/null | grep -q "^vbd .*1 connected"' "$umbra"
check attach_after_that is "disk 2" "$umbra" attach m1 disk "$tmp/one.img"

# Ends.
check reboot "$umbra" shutdown --reboot m1
check reboot_arrives within 5 saw "control reboot"
check shutdown "$umbra" shutdown m1
check poweroff_arrives saw "control poweroff"
check is_gone sh -c '! "$0" list | grep -q m1' "$umbra"
wait $pid
check ends_well [ $? = 0 ]
"$bin/machine" m2 >"$tmp/out" 2>&1 &
pid=$!
within 10 sh -c '"$0" list | grep -q m2' "$umbra"
kill -9 $pid
wait $pid 2>/dev/null
check a_killed_one_is_gone within 5 sh -c '! "$0" list | grep -q m2' "$umbra"
if command -v xenstore-ls >/dev/null; then
	check and_leaves_nothing sh -c \
		'! xenstore-ls -f | grep -E "^/(vm|local/domain/[1-9]|local/domain/0/backend)/"'
fi
