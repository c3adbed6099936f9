# SPDX-License-Identifier: GPL-2.0-or-later
#
# umbra-diff, and the 32-bit process that is its oracle.

DIFF_SRC := $(filter-out tests/diff/runner32.c,$(wildcard tests/diff/*.c))
DIFF_BIN := $(BUILD)/tests/diff/umbra-diff $(BUILD)/tests/diff/runner32

# -u: the engines are found by weak reference, which takes nothing out of a
# library by itself.
$(BUILD)/tests/diff/umbra-diff: $(DIFF_SRC:%.c=$(BUILD)/%.o) $(BUILD)/libumbra.a
	$(CC) $(LDFLAGS) -o $@ -Wl,-u,bt_engine_ops -Wl,-u,interp_engine_ops \
		$^ $(LDLIBS)

# No sanitizers, no thread storage, no SSE: its handler runs in the middle of
# a case.
$(BUILD)/tests/diff/runner32: tests/diff/runner32.c tests/diff/layout.h
	@mkdir -p $(@D)
	$(CC) -m32 -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter \
		-static -no-pie -fno-pic -fno-stack-protector -fcf-protection=none \
		-mgeneral-regs-only -I. -MMD -MP -o $@ $<

CHECK_BIN += $(DIFF_BIN)
