#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fetch the guest that `make run` and the tests boot: Debian's own i386
# kernels (plain 686 and 686-pae) and its static busybox; with --amd64,
# Debian's amd64 kernel (which runs that busybox, too).
#
# apt does the work, with a private state (apt.sh.inc): the host's package
# configuration is read, never written, and no root is needed.
#
# Result, in ${UMBRA_CACHE:-$HOME/.cache/umbra}/guest: vmlinuz-686,
# vmlinuz-686-pae, busybox, or vmlinuz-amd64, each with a NAME.package file that
# says where it came from.  Nothing is fetched again when all are there, unless
# --update is given.  The modules stay in the cached packages.
set -eu

CACHE=${UMBRA_CACHE:-${HOME:?}/.cache/umbra}
GUEST=$CACHE/guest
APT=$CACHE/apt
APT_ARCH=i386
wanted="vmlinuz-686 vmlinuz-686-pae busybox"
update=no

fail()
{
	echo "fetch-guest: $*" >&2
	echo "fetch-guest: \`umbra demo' works without a fetched guest" >&2
	exit 1
}

usage()
{
	echo "usage: fetch-guest.sh [--amd64] [--update]"
	exit "$1"
}

for arg; do
	case $arg in
	--update) update=yes ;;
	--amd64)
		APT=$CACHE/apt-amd64
		APT_ARCH=amd64
		wanted=vmlinuz-amd64
		;;
	-h|--help) usage 0 ;;
	*) usage 1 >&2 ;;
	esac
done

complete()
{
	for f in $wanted; do
		[ -s "$GUEST/$f" ] || return 1
	done
}

if [ $update = no ] && complete; then
	echo "fetch-guest: $GUEST has $wanted"
	exit 0
fi

for tool in apt-get apt-cache dpkg-deb; do
	command -v $tool >/dev/null ||
		fail "$tool: not found (the guest comes from Debian packages;" \
		     "put $wanted (for i386, static) into $GUEST by hand)"
done

mkdir -p "$GUEST" || fail "$CACHE: cannot create"

. "$(dirname "$0")/apt.sh.inc"

# The package that metapackage $1 names first, or $1 itself.
real_package()
{
	apt-cache show --no-all-versions "$1" 2>/dev/null |
	awk -v me="$1" '
		/^Depends:/ && me ~ /^linux-image/ {
			for (i = 2; i <= NF; i++)
				if ($i ~ /^linux-image-[0-9]/) dep = $i
		}
		/^Package:/ { found = 1 }
		END {
			sub(/,$/, "", dep)
			if (found) print dep == "" ? me : dep
		}'
}

# Unpack the package behind $1 and install its file $2 (a pattern) as $3.
fetch()
{
	pkg=$(real_package "$1")
	[ -n "$pkg" ] || fail "$1: not found: $no_package"
	tmp=$(mktemp -d "$CACHE/unpack.XXXXXX")
	if ! (cd "$tmp" && apt-get -q download "$pkg") >"$APT/download.log" 2>&1
	then
		cat "$APT/download.log" >&2
		rm -rf "$tmp"
		fail "$pkg: download failed (check the network and" \
		     "http_proxy, then try again)"
	fi
	deb=$(ls "$tmp"/*.deb)
	dpkg-deb -x "$deb" "$tmp/root" || fail "$deb: cannot unpack"
	for file in "$tmp"/root/$2; do
		[ -f "$file" ] || fail "$pkg: has no file $2"
		install -m 755 "$file" "$GUEST/$3.new"
	done
	mv "$GUEST/$3.new" "$GUEST/$3"
	basename "$deb" >"$GUEST/$3.package"
	mv "$deb" "$APT/archives/"
	rm -rf "$tmp"
	echo "fetch-guest: $GUEST/$3 from $(cat "$GUEST/$3.package")"
}

apt_private
if [ $APT_ARCH = amd64 ]; then
	fetch linux-image-amd64 'boot/vmlinuz-*-amd64' vmlinuz-amd64
	exit 0
fi
fetch linux-image-686 'boot/vmlinuz-*-686' vmlinuz-686
fetch linux-image-686-pae 'boot/vmlinuz-*-686-pae' vmlinuz-686-pae
fetch busybox-static 'bin/busybox' busybox
