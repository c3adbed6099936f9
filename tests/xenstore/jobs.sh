#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
echo "xenstore/clients 90 tests/xenstore/clients.sh"
echo "xenstore/library 90 tests/xenstore/library.sh"
echo "xenstore/hotplug 120 tests/xenstore/hotplug.sh"
echo "xenstore/machines 120 tests/xenstore/machines.sh"
echo "xenstore/linux_hotplug 180 tests/xenstore/linux_hotplug.sh"
echo "xenstore/hostile 120 tests/xenstore/hostile.sh"
# Leaks count: the store runs for long, and so does this one.
echo "xenstore/fuzz 180 env ASAN_OPTIONS=detect_leaks=1 $BUILD/tests/xenstore/fuzz 100000 ${SEED:-1}"
