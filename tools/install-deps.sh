#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Install the named Debian packages, those that are not installed yet; with
# sudo where not root.  Does nothing, offline, when all are there.
set -eu

fail()
{
	echo "deps: $*" >&2
	exit 1
}

missing=
for package; do
	# Every installed package has status "ii" or "hi".
	dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null |
		grep -q '^.i' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null ||
	fail "missing:$missing (no apt-get here: install them by hand)"
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null ||
		fail "missing:$missing (neither root nor sudo: install them" \
		     "by hand)"
	sudo=sudo
fi

echo "deps: installing$missing"
# A stale or failing index need not matter; the installation decides.
$sudo apt-get -q update || :
# shellcheck disable=SC2086 # a list of words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
	--no-install-recommends install $missing ||
	fail "missing:$missing (apt-get could not install them)"
