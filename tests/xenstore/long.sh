#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
echo "xenstore/fuzz 900 env ASAN_OPTIONS=detect_leaks=1 $BUILD/tests/xenstore/fuzz 5000000 ${SEED:-2}"
echo "xenstore/linux_hotplug 900 env HOTPLUG_LOOPS=300 tests/xenstore/linux_hotplug.sh"
