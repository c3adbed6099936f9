# SPDX-License-Identifier: GPL-2.0-or-later
#
# Helpers of the machine tests.

GUEST_PROGRAMS := $(BUILD)/tests/machine/badcs $(BUILD)/tests/machine/forks
MACHINE_BIN := $(BUILD)/tests/machine/mkgarbage \
	$(BUILD)/tests/machine/badkvm.so $(GUEST_PROGRAMS)

$(BUILD)/tests/machine/mkgarbage: tests/machine/mkgarbage.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -o $@ $<

$(BUILD)/tests/machine/badkvm.so: tests/machine/badkvm.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -shared -fPIC -o $@ $<

# Boot sectors: 512 bytes that run at 7C00h.
BOOT_SECTORS := $(BUILD)/tests/machine/vga_boot.bin \
	$(BUILD)/tests/machine/reset286.bin $(BUILD)/tests/machine/a20.bin

$(BOOT_SECTORS): $(BUILD)/tests/machine/%.bin: tests/machine/%.S
	@mkdir -p $(@D)
	$(CC) -m32 -nostdlib -static -no-pie -Wl,--build-id=none \
		-Wl,-Ttext=0x7c00 -Wl,--oformat=binary -Wl,-e,start -o $@ $<

MACHINE_BIN += $(BOOT_SECTORS)

# Programs of the guest's.
$(GUEST_PROGRAMS): $(BUILD)/tests/machine/%: tests/machine/%.c
	@mkdir -p $(@D)
	$(CC) -m32 -O1 -Wall -Wextra -Wno-unused-parameter -ffreestanding \
		-nostdlib -static -fno-pic -fno-pie -no-pie \
		-fno-stack-protector -o $@ $<

CHECK_BIN += $(MACHINE_BIN)

# The guest kernels, if they can be had; without them their tests are skipped.
# The one with VMI is built, which takes minutes: only for the test that wants
# it (or for all).  Status 77: its source cannot be had.
check-guest:
	@[ -f $(GUEST)/vmlinuz-686-pae ] || tools/fetch-guest.sh || :
ifneq ($(findstring $(or $(T),vmi),machine/linux_vmi),)
	@guest-linux-patches/build.sh || [ $$? = 77 ]
endif
	@[ -f $(GUEST)/vmlinuz-amd64 ] || [ ! -e /dev/kvm ] || \
		tools/fetch-guest.sh --amd64 || :

.PHONY: check-guest
