#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# A job that is skipped; the arguments are the reason.
echo "$*"
exit 77
