#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Slow, silent, greedy and wrong clients; see hostile.py.
# shellcheck source=tests/xenstore/store.sh.inc
. "$(dirname "$0")/store.sh.inc"
command -v python3 >/dev/null || exec tests/skip.sh "python3 is not installed"
ulimit -n 4096 2>/dev/null
"$umbra" xenstored || exit 1
python3 tests/xenstore/hostile.py "$XENSTORED_RUNDIR/socket"
