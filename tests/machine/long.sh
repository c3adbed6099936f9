#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
echo "machine/memtest 600 tests/machine/long/memtest.sh"
echo "machine/kill-long 900 env ROUNDS=20 tests/machine/kill.sh"
