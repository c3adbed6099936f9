#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
echo "long/debian 3600 tests/long/debian.sh"
