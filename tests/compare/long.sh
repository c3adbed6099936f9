#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
echo "compare/whole 900 tests/compare/whole.sh"
