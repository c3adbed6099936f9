#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs for tests/check.sh: umbra compare.
echo "compare/statistics 30 python3 tests/compare/check_results.py"
echo "compare/quick 60 tests/compare/quick.sh"
