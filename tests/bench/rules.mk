# SPDX-License-Identifier: GPL-2.0-or-later
CHECK_BIN += $(BUILD)/umbra-bench-io
