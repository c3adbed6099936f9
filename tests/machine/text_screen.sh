#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# --display text and --monitor stdio on a terminal: SeaBIOS's boot menu as the
# terminal shows it against the screendump, keys that reach it, the monitor over
# it (text_screen.py).
# timeout: 120
set -u
cd "$(dirname "$0")/../.." || exit 1
[ -e /usr/share/seabios/vgabios-stdvga.bin ] ||
	exec tests/skip.sh "no SeaBIOS (make deps installs it)"
command -v python3 >/dev/null || exec tests/skip.sh "no python3"
exec python3 tests/machine/text_screen.py "${BUILD:-build}/umbra"
