# SPDX-License-Identifier: GPL-2.0-or-later
#
# rom.S three times over: build/vmi-rom/{native,bt,hv}.rom, also in the program.

ROM_OUT   := $(BUILD)/vmi-rom
ROM_KINDS := native bt hv
ROMS      := $(ROM_KINDS:%=$(ROM_OUT)/%.rom)

$(ROM_OUT)/mkrom: vmi-rom/mkrom.c hypervisor/vmi_rom.c hypervisor/vmi_rom.h \
		  spec/vmi-calls.def \
		  hypervisor/vmi_private.h spec/vmi.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -Wall -Wextra -I. -o $@ \
		vmi-rom/mkrom.c hypervisor/vmi_rom.c

$(ROM_OUT)/native.o: ROM_KIND := 0
$(ROM_OUT)/bt.o: ROM_KIND := 1
$(ROM_OUT)/hv.o: ROM_KIND := 2
$(ROM_KINDS:%=$(ROM_OUT)/%.o): vmi-rom/rom.S vmi-rom/iret.S.inc \
		vmi-rom/answers.def \
		hypervisor/vmi_private.h spec/vmi.h spec/vmi-calls.def
	@mkdir -p $(@D)
	$(CC) -m32 -I. -DROM_KIND=$(ROM_KIND) -c -o $@ $<

$(ROM_OUT)/%.rom: $(ROM_OUT)/%.o vmi-rom/rom.ld $(ROM_OUT)/mkrom
	$(LD) -m elf_i386 -T vmi-rom/rom.ld -o $@.raw $<
	$(ROM_OUT)/mkrom $@.raw $@

$(ROM_OUT)/builtin.o: vmi-rom/builtin.S $(ROMS)
	$(CC) -Wa,-I$(ROM_OUT) -c -o $@ $<

$(BUILD)/libumbra.a: $(ROM_OUT)/builtin.o

.SECONDARY: $(ROM_KINDS:%=$(ROM_OUT)/%.o)
