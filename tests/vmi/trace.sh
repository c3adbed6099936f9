#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra vmi trace prints calls with their arguments, filters, counts, names
# callers.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
elf=$BUILD/tests/vmi/misuse-none.elf

trace()
{
	"$BUILD/umbra" vmi trace -o "$tmp/out" "$@" --kernel "$elf" --mem 32M \
		--no-reboot --serial null --log /dev/null </dev/null \
		2>"$tmp/err"
}

check()
{
	local name=$1
	shift
	if "$@"; then
		echo "ok $name"
	else
		echo "not ok $name"
		head -n 20 "$tmp/out" "$tmp/err" | sed 's/^/#   /'
	fi
}

has()
{
	grep -qE "$1" "$tmp/out"
}

lacks()
{
	! grep -qE "$1" "$tmp/out"
}

trace
check "the guest's status is kept" [ $? = 33 ]
check "vmi_init is seen" has '^0 vmi_init\(\) of the ROM at 000c0000'
check "get_reloc is seen" has '^0 get_reloc\(38 SetPxE\)'
check "flags and addresses are decoded" \
	has 'SetPxE\(pte=[0-9a-f]+:P\|W, ptep=[0-9a-f]{8}, flags=PT\|CURRENT, va=40000000\)'
check "modes have names" has 'SetLazyMode\(mode=MMU\)'
check "five arguments" has \
	'AllocatePage\(pfn=[0-9a-f]+, flags=PD, source=0, first=0, count=0\)'

trace -e 'TLB,SetCR3'
check "a filter keeps what it names" has 'FlushTLB\(flags=TLB\|GLOBAL\)'
check "by class and by name" has 'SetCR3\(value=[0-9a-f]+\)'
check "and nothing else" lacks 'SetPxE|SetLazyMode'
trace -e '!MMU'
check "a filter can leave out" lacks 'SetPxE'
check "and keeps the rest" has 'SetLazyMode'
trace -e Nonsense
check "an unknown name is an error" [ $? = 1 ]

trace -c
check "counts without symbols" has '^ +[0-9]+  AllocatePage +[0-9a-f]{8}'
check "in a confined process" [ ! -s "$tmp/err" ]
nm "$elf" >"$tmp/map"
trace -S "$tmp/map" -t -e SetCR3
check "lines have times and symbols" \
	has '^ +[0-9]+\.[0-9]{6} 0 [0-9a-f]{8} vmi_raw\+[0-9a-f]+ SetCR3'
trace -c -S "$tmp/map"
check "counts by call" has '^ +[0-9]+ +[0-9.]+  MMU +AllocatePage +1$'
check "counts by caller" has '^ +[0-9]+  AllocatePage +[0-9a-f]{8} vmi_raw'
check "no lines then" lacks 'SetCR3\('
