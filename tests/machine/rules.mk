# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers of the machine tests.

MACHINE_BIN := $(BUILD)/tests/machine/mkgarbage

$(BUILD)/tests/machine/mkgarbage: tests/machine/mkgarbage.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -o $@ $<

CHECK_BIN += $(MACHINE_BIN)

# The guest kernels, if they can be had; without them their tests are skipped.
check-guest:
	@[ -f $(GUEST)/vmlinuz-686-pae ] || tools/fetch-guest.sh || :
	@[ -f $(GUEST)/vmlinuz-amd64 ] || [ ! -e /dev/kvm ] || \
		tools/fetch-guest.sh --amd64 || :

.PHONY: check-guest
