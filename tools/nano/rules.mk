# SPDX-License-Identifier: GPL-2.0-or-later
#
# The nanobenchmark kernel (32-bit, freestanding) and the same rows, as far as
# they go, for an ordinary 32-bit process.

NANO_OUT := $(BUILD)/tools/nano
NANO_CFLAGS := -m32 -march=i686 -std=gnu11 -O2 -g -Wall -Wextra \
	-Wno-unused-parameter -ffreestanding -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables \
	-fcf-protection=none -mgeneral-regs-only \
	-fno-tree-loop-distribute-patterns -I. -MMD -MP
NANO_SRC := main.c measure.c console.c machine.c pv.c ops_cpu.c ops_mmu.c \
	    ops_timer.c
NANO_OBJ := $(NANO_OUT)/traps.o $(NANO_SRC:%.c=$(NANO_OUT)/%.o) \
	    $(NANO_OUT)/bare.o

$(NANO_OUT)/%.o: tools/nano/%.c
	@mkdir -p $(@D)
	$(CC) $(NANO_CFLAGS) -c -o $@ $<

$(NANO_OUT)/%.o: tools/bare/%.c
	@mkdir -p $(@D)
	$(CC) $(NANO_CFLAGS) -c -o $@ $<

$(NANO_OUT)/%.o: tools/nano/%.S
	@mkdir -p $(@D)
	$(CC) -m32 -I. -D__ASSEMBLY__ -MMD -MP -c -o $@ $<

$(BUILD)/nano.elf: $(NANO_OBJ) tools/nano/nano.ld
	$(LD) -m elf_i386 -z noexecstack --no-warn-rwx-segments \
		-T tools/nano/nano.ld -o $@ $(NANO_OBJ)

check-build: $(BUILD)/nano.elf $(BUILD)/umbra-nano
-include $(wildcard $(NANO_OUT)/*.d)

# ---- the host process --------------------------------------------------------
NANO_NATIVE_CFLAGS := -m32 -march=i686 -std=gnu11 -O2 -g -Wall -Wextra \
	-Wno-unused-parameter -fno-pie -fno-stack-protector \
	-fcf-protection=none -I. -MMD -MP

$(NANO_OUT)/process/%.o: tools/nano/%.c
	@mkdir -p $(@D)
	$(CC) $(NANO_NATIVE_CFLAGS) -c -o $@ $<

$(BUILD)/umbra-nano: $(NANO_OUT)/process/native.o $(NANO_OUT)/process/measure.o
	$(CC) -m32 -static -no-pie -o $@ $^

-include $(wildcard $(NANO_OUT)/process/*.d)
