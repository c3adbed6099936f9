#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# fetch-tcc.sh ROOT: Debian's i386 tcc with the C library and headers it
# needs, unpacked to ROOT for the build workload of `umbra compare'.  apt works
# with the private state that fetch-guest.sh made.  Nothing is done when ROOT
# is complete.
set -eu

CACHE=${UMBRA_CACHE:-${HOME:?}/.cache/umbra}
APT=$CACHE/apt
root=${1:?usage: fetch-tcc.sh ROOT}

fail()
{
	echo "fetch-tcc: $*" >&2
	exit 1
}

if [ -x "$root/usr/bin/tcc" ] && [ -f "$root/usr/include/stdio.h" ]; then
	exit 0
fi
. "$(dirname "$0")/../apt.sh.inc"
apt_private
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for pkg in tcc libc6 libc6-dev linux-libc-dev; do
	(cd "$tmp" && apt-get -q download "$pkg") >"$APT/download.log" 2>&1 ||
		fail "$pkg: download failed: $no_package"
	dpkg-deb -x "$tmp/$pkg"_*.deb "$tmp/root"
done
mkdir -p "$root.new"
# Headers, loader, C library, compiler; not the documentation.
(cd "$tmp/root" && tar cf - usr/bin/*tcc* usr/include \
	usr/lib/i386-linux-gnu/tcc lib/ld-linux.so.2 \
	lib/i386-linux-gnu/ld-linux.so.2 lib/i386-linux-gnu/libc.so.6 \
	lib/i386-linux-gnu/libm.so.6 lib/i386-linux-gnu/libdl.so.2 \
	lib/i386-linux-gnu/libpthread.so.0) |
	tar xf - -C "$root.new" || fail "$root: packages are not as expected"
rm -rf "$root"
mv "$root.new" "$root"
echo "fetch-tcc: $root"
