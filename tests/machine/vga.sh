#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Video modes through SeaBIOS's own VGA BIOS, seen in screendumps: a boot sector
# (vga_boot.S) sets each and draws.  All under bt, some under the others.
# timeout: 240
set -u
cd "$(dirname "$0")/../.." || exit 1
umbra=${BUILD:-build}/umbra
sector=${BUILD:-build}/tests/machine/vga_boot.bin
[ -e /usr/share/seabios/vgabios-stdvga.bin ] ||
	exec tests/skip.sh "no SeaBIOS (make deps installs it)"
command -v python3 >/dev/null || exec tests/skip.sh "no python3"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# boot MODE ENGINE DUMP: the disk with MODE in its sector, run to its end.
boot()
{
	truncate -s 1M "$tmp/disk.img"
	dd if="$sector" of="$tmp/disk.img" conv=notrunc status=none
	printf '%b' "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8)))" |
		dd of="$tmp/disk.img" bs=1 seek=4 conv=notrunc status=none
	timeout -k 1 60 "$umbra" run --engine "$2" --mem 64 --serial null \
		--drive "file=$tmp/disk.img,format=raw" \
		--screendump "$3" >"$tmp/out" 2>&1 </dev/null
}

# dumped MODE ENGINE SIZE X,Y=RRGGBB...: status 33 and a picture with these.
dumped()
{
	local mode=$1 engine=$2 rc
	shift 2
	boot "$mode" "$engine" "$tmp/screen.ppm"
	rc=$?
	if [ $rc = 33 ] && python3 - "$tmp/screen.ppm" "$@" >"$tmp/why" <<-'END'
	import sys
	head, rest = open(sys.argv[1], "rb").read().split(b"\n255\n", 1)
	width, height = map(int, head.split()[1:])
	if "%dx%d" % (width, height) != sys.argv[2]:
	    sys.exit(print("size %dx%d" % (width, height)) or 1)
	for want in sys.argv[3:]:
	    place, colour = want.split("=")
	    x, y = map(int, place.split(","))
	    at = 3 * (y * width + x)
	    if rest[at:at + 3].hex() != colour:
	        sys.exit(print(place, "is", rest[at:at + 3].hex()) or 1)
	END
	then
		echo "ok mode_$mode ($engine)"
	else
		echo "not ok mode_$mode ($engine)"
		echo "# exit status $rc; $(cat "$tmp/why" 2>/dev/null)"
		tail -n 3 "$tmp/out" | sed 's/^/# /'
	fi
}

# texted MODE ENGINE COLUMN: "Umbra" in line 13.
texted()
{
	boot "$1" "$2" "$tmp/screen.txt"
	if [ $? = 33 ] && [ "$(sed -n 13p "$tmp/screen.txt")" = \
			    "$(printf '%*sUmbra' "$3" '')" ]; then
		echo "ok mode_$1 ($2)"
	else
		echo "not ok mode_$1 ($2)"
		sed 's/^/# /' "$tmp/screen.txt"
	fi
}

texted 3 bt 37
dumped 4 bt 320x200 10,5=ffffff 11,5=ff55ff 300,150=55ffff 0,0=000000
dumped 6 bt 640x200 10,5=ffffff 300,150=ffffff 12,5=000000
dumped 13 bt 320x200 10,5=00aaaa 11,5=00aa00 300,150=0000aa
dumped 16 bt 640x350 10,5=00aaaa 11,5=00aa00 300,150=0000aa
dumped 18 bt 640x480 10,5=00aaaa 11,5=00aa00 300,150=0000aa
dumped 19 bt 320x200 10,5=00aaaa 11,5=00aa00 300,150=0000aa
dumped $((0x101)) bt 640x480 12,0=000000
dumped $((0x111)) bt 640x480 5,0=ffffff 6,0=000000
dumped $((0x112)) bt 640x480 3,0=ffffff 4,0=000000
dumped $((0x115)) bt 800x600 3,0=ffffff 4,0=000000
dumped $((0x144)) bt 1024x768 2,0=ffffff 3,0=000000
dumped 18 interp 640x480 10,5=00aaaa 11,5=00aa00 300,150=0000aa
dumped $((0x144)) interp 1024x768 2,0=ffffff 3,0=000000
if "$umbra" host | grep -q "^KVM  *usable"; then
	dumped 19 hv 320x200 10,5=00aaaa 11,5=00aa00 300,150=0000aa
else
	echo "ok video modes under hv # SKIP no usable /dev/kvm"
fi
