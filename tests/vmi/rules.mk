# SPDX-License-Identifier: GPL-2.0-or-later
#
# The tiny VMI kernels, on the test kernels' support library.

VMI_OUT := $(BUILD)/tests/vmi
VMI_COMMON := $(GUEST_COMMON) $(VMI_OUT)/vmi.o \
	      $(VMI_OUT)/call.o
VMI_ELF := $(addprefix $(VMI_OUT)/,calls.elf garbage.elf unpaged.elf)
VMI_HIGH := $(VMI_OUT)/people.elf

$(VMI_OUT)/%.o: tests/vmi/%.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -Wno-missing-field-initializers -c -o $@ $<

$(VMI_OUT)/%.o: tests/vmi/%.S
	@mkdir -p $(@D)
	$(CC) -m32 -I. -MMD -MP -c -o $@ $<

$(VMI_OUT)/calls.elf: $(addprefix $(VMI_OUT)/,calls.o insns.o returns.o time.o)

$(VMI_OUT)/garbage.elf: $(VMI_OUT)/garbage.o
$(VMI_OUT)/unpaged.elf: $(VMI_OUT)/unpaged.o $(VMI_OUT)/returns.o

$(VMI_ELF): $(VMI_COMMON) tests/guests/guest.ld
	$(LD) -m elf_i386 -z noexecstack --no-warn-rwx-segments \
		-T tests/guests/guest.ld -o $@ $(filter %.o,$^)

# The same at 64 MiB.
$(VMI_OUT)/high.ld: tests/guests/guest.ld
	sed 's/0x100000/0x4000000/' $< >$@

$(VMI_HIGH): $(VMI_COMMON) $(VMI_OUT)/people.o $(VMI_OUT)/high.ld
	$(LD) -m elf_i386 -z noexecstack --no-warn-rwx-segments \
		-T $(VMI_OUT)/high.ld -o $@ $(filter %.o,$^)

CHECK_BIN += $(VMI_ELF) $(VMI_HIGH)

# misuse.c once for each row of misuse.def.
MISUSE_NAMES := $(shell sed -n 's/^MISUSE.\([a-z_]*\), .*/\1/p' \
		  tests/vmi/misuse.def)
MISUSE_ELF := $(MISUSE_NAMES:%=$(VMI_OUT)/misuse-%.elf)

$(MISUSE_ELF:.elf=.o): $(VMI_OUT)/misuse-%.o: tests/vmi/misuse.c
	@mkdir -p $(@D)
	$(CC) $(GUEST_CFLAGS) -DMISUSE_$* -c -o $@ $<

$(MISUSE_ELF): %.elf: %.o $(VMI_COMMON) tests/guests/guest.ld
	$(LD) -m elf_i386 -z noexecstack --no-warn-rwx-segments \
		-T tests/guests/guest.ld -o $@ $(filter %.o,$^)

.SECONDARY: $(MISUSE_ELF:.elf=.o)
CHECK_BIN += $(MISUSE_ELF)
