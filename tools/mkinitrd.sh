#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Make an initrd from a static busybox, without root.
#
#   mkinitrd.sh [-b BUSYBOX] [-a HOSTFILE:GUESTPATH]... OUT
#
# /init mounts proc, sysfs, devtmpfs and tmpfs, prints "Umbra guest ready" and
# runs a shell with job control on ttyS0; or, with umbra.script=/PATH on the
# kernel command line, runs that script and powers off.
#
# cpio cannot write a device node that the file system does not hold, and
# mknod needs root; but init's stdio is /dev/console.  So the nodes are
# written as an archive of their own in front of cpio's (the kernel unpacks
# concatenated archives, Documentation/driver-api/early-userspace/buffer-format.rst).
set -eu

CACHE=${UMBRA_CACHE:-${HOME:?}/.cache/umbra}
busybox=$CACHE/guest/busybox
extra=

fail()
{
	echo "mkinitrd: $*" >&2
	exit 1
}

while getopts a:b:h opt; do
	case $opt in
	a) extra="$extra
$OPTARG" ;;
	b) busybox=$OPTARG ;;
	*) sed -n 's/^# \{0,1\}//; 5,6p' "$0"; [ "$opt" = h ]; exit ;;
	esac
done
shift $((OPTIND - 1))
[ $# = 1 ] || fail "one output file expected (see -h)"
out=$1

command -v cpio >/dev/null || fail "cpio: not found (run \`make deps')"
[ -f "$busybox" ] || fail "$busybox: not found (run tools/fetch-guest.sh)"

root=$(mktemp -d)
trap 'rm -rf "$root" "$out.new"' EXIT
trap 'exit 1' HUP INT TERM

# One newc record without contents: name mode rdevmajor rdevminor inode.
# Fields: newc format of cpio(5), 8 hex digits each.
record()
{
	size=$(printf '%s\0' "$1" | wc -c)
	printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X' \
		"$5" "$2" 0 0 1 0 0 0 0 "$3" "$4" "$size" 0
	printf '%s\0' "$1"
	# Header (110 bytes) and name are padded together to 4 bytes.
	pad=$(( (4 - (110 + size) % 4) % 4 ))
	head -c $pad /dev/zero
}

nodes()
{
	record dev $((0040755)) 0 0 1
	record dev/console $((0020600)) 5 1 2
	record dev/null $((0020666)) 1 3 3
	record 'TRAILER!!!' 0 0 0 0
}

mkdir -p "$root/bin" "$root/sbin" "$root/usr/bin" "$root/usr/sbin" \
	"$root/proc" "$root/sys" "$root/tmp" "$root/root" "$root/etc"
install -m 755 "$busybox" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"

# Ask busybox itself which applets it has; where the host cannot run it,
# /init installs them.
if list=$("$root/bin/busybox" --list-full 2>/dev/null); then
	for path in $list; do
		[ -e "$root/$path" ] || [ -L "$root/$path" ] ||
			ln -s /bin/busybox "$root/$path" 2>/dev/null || :
	done
fi

cat >"$root/init" <<'END'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=${TERM:-vt100}
[ -x /bin/mount ] || [ -L /bin/mount ] || /bin/busybox --install -s
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts 2>/dev/null
mount -t tmpfs tmpfs /tmp
echo 6 >/proc/sys/kernel/printk
hostname umbra
cd /root

script=
for arg in $(cat /proc/cmdline); do
	case $arg in
	umbra.script=*) script=${arg#umbra.script=} ;;
	esac
done

echo "Umbra guest ready"
if [ -n "$script" ]; then
	sh "$script" </dev/null
	echo "umbra.script: exit status $?"
else
	# cttyhack finds the console's tty and makes it the controlling one.
	setsid cttyhack sh -l
fi
sync
poweroff -f
END
cat >"$root/etc/profile" <<'END'
PS1='umbra:\w# '
END
cat >"$root/etc/hello" <<'END'
# What `make run' does when nobody is there to type.
uname -a
cat /proc/uptime
free
grep -E 'model name|MHz|bogomips' /proc/cpuinfo
echo "no terminal on standard input: powering off"
END
chmod 755 "$root/init"
echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:' >"$root/etc/group"

echo "$extra" | while IFS= read -r pair; do
	[ -n "$pair" ] || continue
	host=${pair%:*} guest=${pair##*:}
	[ -f "$host" ] || fail "$host: not found"
	mkdir -p "$root/$(dirname "$guest")"
	install -m 755 "$host" "$root/$guest"
done

# The same input gives the same archive: sorted names, one date, no owner.
find "$root" -exec touch -h -d @0 {} +
{
	nodes
	(cd "$root" && find . -mindepth 1 | LC_ALL=C sort |
	 cpio --quiet -o -H newc --owner=0:0 --reproducible)
} | gzip -9n >"$out.new"
mv "$out.new" "$out"
