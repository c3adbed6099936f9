#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs for tests/check.sh: make bench and make bench-pc.
echo "bench/hv 60 python3 tests/bench/check_bench.py"
echo "bench/pc 60 python3 tests/bench/check_pc.py $BUILD/umbra-bench-io"
