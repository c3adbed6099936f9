#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
echo "nested/hv 1600 tests/nested/run.sh"
