# SPDX-License-Identifier: GPL-2.0-or-later
#
# The 64-bit test kernels.  Multiboot wants ELF32, so the linked file is turned
# into one; gdb takes NAME.elf64.

GUEST64_OUT := $(BUILD)/tests/guests64
GUEST64_SRC := $(filter-out tests/guests64/guest.c, \
		 $(wildcard tests/guests64/*.c))
GUEST64_ELF := $(GUEST64_SRC:tests/guests64/%.c=$(GUEST64_OUT)/%.elf)
GUEST64_CFLAGS := -m64 -march=x86-64 -std=gnu11 -O1 -g -Wall -Wextra \
	-Wno-unused-parameter -Wno-clobbered -Wno-array-bounds -ffreestanding \
	-fno-pic -fno-pie -fno-stack-protector -mno-red-zone \
	-fno-asynchronous-unwind-tables -fcf-protection=none \
	-mgeneral-regs-only -fno-tree-loop-distribute-patterns -I. -MMD -MP

$(GUEST64_OUT)/%.o: tests/guests64/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST64_CFLAGS) -c -o $@ $<

$(GUEST64_OUT)/%.o: tools/bare/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST64_CFLAGS) -c -o $@ $<

$(GUEST64_OUT)/%.o: tests/guests64/%.S
	@mkdir -p $(@D)
	$(CC) -m64 -I. -MMD -MP -c -o $@ $<

GUEST64_COMMON := $(addprefix $(GUEST64_OUT)/, \
		  start.o guest.o bare.o timer.o)
$(GUEST64_OUT)/%.elf64: $(GUEST64_COMMON) $(GUEST64_OUT)/%.o tests/guests64/guest.ld
	$(LD) -m elf_x86_64 -z noexecstack --no-warn-rwx-segments \
		-z max-page-size=4096 -T tests/guests64/guest.ld -o $@ \
		$(filter %.o,$^)

$(GUEST64_OUT)/%.elf: $(GUEST64_OUT)/%.elf64
	objcopy --strip-debug -O elf32-i386 $< $@

.PRECIOUS: $(GUEST64_OUT)/%.o $(GUEST64_OUT)/%.elf64
CHECK_BIN += $(GUEST64_ELF)
-include $(wildcard $(GUEST64_OUT)/*.d)
