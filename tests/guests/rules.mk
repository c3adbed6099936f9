# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test kernels: 32-bit, freestanding; no 32-bit libraries needed.

GUEST_OUT := $(BUILD)/tests/guests
GUEST_SRC := $(filter-out tests/guests/guest.c,$(wildcard tests/guests/*.c))
GUEST_ELF := $(GUEST_SRC:tests/guests/%.c=$(GUEST_OUT)/%.elf)
GUEST_CFLAGS := -m32 -march=i686 -std=gnu11 -O1 -g -Wall -Wextra \
	-Wno-unused-parameter -Wno-clobbered -ffreestanding -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -mgeneral-regs-only \
	-fno-tree-loop-distribute-patterns -I. -MMD -MP

$(GUEST_OUT)/%.o: tests/guests/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OUT)/%.o: tools/bare/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_OUT)/%.o: tests/guests/%.S
	@mkdir -p $(@D)
	$(CC) -m32 -I. -MMD -MP -c -o $@ $<

GUEST_COMMON := $(addprefix $(GUEST_OUT)/,start.o guest.o bare.o timer.o)
$(GUEST_OUT)/%.elf: $(GUEST_COMMON) $(GUEST_OUT)/%.o tests/guests/guest.ld
	$(LD) -m elf_i386 -z noexecstack --no-warn-rwx-segments \
		-T tests/guests/guest.ld -o $@ $(filter %.o,$^)

.PRECIOUS: $(GUEST_OUT)/%.o
CHECK_BIN += $(GUEST_ELF)
