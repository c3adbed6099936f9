#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra on a terminal: keys, the monitor, exit statuses, and a terminal that
# is as before on every way out.
# timeout: 180
cd "$(dirname "$0")/../.." || exit 1
command -v python3 >/dev/null || exec tests/skip.sh "python3 is not installed"
exec python3 tests/machine/terminal.py "${BUILD:-build}/umbra"
