# SPDX-License-Identifier: GPL-2.0-or-later
#
# make          build/umbra
# make run      build, fetch Debian's i386 kernel, boot it to a shell
# make check    every test (SAN=1: under ASan and UBSan)
# make bench    guest against native and QEMU TCG, one table
# make bench-pc a Debian system on a disk: boot, disks, network, idling, against TCG
# make guest-kernel   the guest kernel with VMI (guest-linux-patches/)
# make deps     install the Debian packages that the above need

SAN ?= 0
BUILD := $(if $(filter 1,$(SAN)),build-san,build)

CC ?= gcc
CFLAGS_BASE := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers \
	-Wmissing-prototypes -Wstrict-prototypes -Wvla \
	-fno-strict-aliasing -mfsgsbase -I. -I$(BUILD) -MMD -MP -pthread
ifeq ($(SAN),1)
CFLAGS_BASE += -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
LDFLAGS += -fsanitize=address,undefined
endif
LDLIBS := -lZydis -lZycore -pthread -lm

# Code that BT calls with the guest's x87/SSE state live in the host registers.
HOT_CFLAGS := -mgeneral-regs-only -fno-tree-loop-distribute-patterns

SRC_HOT  := $(wildcard fullvirt/x86/*.c fullvirt/bt/*.c)
SRC_COLD := $(wildcard hypervisor/*.c hypervisor/*/*.c fullvirt/hv/*.c \
	      backends/*.c backends/xenstore/*.c backends/xenstore/lib/*.c \
	      tools/lib/*.c)
SRC_MAIN := $(wildcard tools/umbra/*.c)
SRC_ASM  := $(wildcard fullvirt/x86/*.S fullvirt/bt/*.S fullvirt/hv/*.S)

OBJ_LIB  := $(SRC_HOT:%.c=$(BUILD)/%.o) $(SRC_COLD:%.c=$(BUILD)/%.o) \
	    $(SRC_ASM:%.S=$(BUILD)/%.o)
OBJ_MAIN := $(SRC_MAIN:%.c=$(BUILD)/%.o)

all: $(BUILD)/umbra

$(BUILD)/umbra: $(OBJ_MAIN) $(BUILD)/libumbra.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(BUILD)/libumbra.a: $(OBJ_LIB)
	@rm -f $@
	ar rcs $@ $^

$(SRC_HOT:%.c=$(BUILD)/%.o): CFLAGS_X := $(HOT_CFLAGS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_BASE) $(CFLAGS_X) $(CFLAGS) -c -o $@ $<

$(BUILD)/%.o: %.S
	@mkdir -p $(@D)
	$(CC) -I. -MMD -MP -g -c -o $@ $<

# Sub-makefiles: each room that has its own rules brings them here.
include $(wildcard spec/rules.mk vmi-rom/rules.mk tests/rules.mk tools/rules.mk \
	  guest-linux-patches/rules.mk backends/xenstore/rules.mk)

clean:
	rm -rf build build-san

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all clean
