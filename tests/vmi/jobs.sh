#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
echo "vmi/stale 20 tests/vmi/stale.sh"
