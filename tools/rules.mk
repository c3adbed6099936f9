# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demo guest inside the program, the fetched guest, the manual page.

# ---- the demo guest: 32-bit, freestanding, needs no 32-bit libraries -------
DEMO_OUT := $(BUILD)/tools/demo
DEMO_OBJ := $(addprefix $(DEMO_OUT)/,start.o console.o main.o paging.o \
	      power.o trap.o bare.o timer.o)
DEMO_CFLAGS := -m32 -march=i686 -std=gnu11 -O2 -g -Wall -Wextra \
	-Wno-unused-parameter -ffreestanding -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-mgeneral-regs-only -fno-tree-loop-distribute-patterns -I. -MMD -MP

$(DEMO_OUT)/%.o: tools/demo/%.c
	@mkdir -p $(@D)
	$(CC) $(DEMO_CFLAGS) -c -o $@ $<

$(DEMO_OUT)/%.o: tools/bare/%.c
	@mkdir -p $(@D)
	$(CC) $(DEMO_CFLAGS) -c -o $@ $<

$(DEMO_OUT)/start.o: tools/demo/start.S
	@mkdir -p $(@D)
	$(CC) -m32 -I. -MMD -MP -c -o $@ $<

$(DEMO_OUT)/demo.elf: $(DEMO_OBJ) tools/demo/demo.ld
	$(LD) -m elf_i386 -z noexecstack -T tools/demo/demo.ld -o $@ $(DEMO_OBJ)

$(DEMO_OUT)/demo.stripped: $(DEMO_OUT)/demo.elf
	objcopy --strip-all $< $@

$(DEMO_OUT)/blob.o: tools/demo/blob.S $(DEMO_OUT)/demo.stripped
	$(CC) -DDEMO_ELF='"$(DEMO_OUT)/demo.stripped"' -c -o $@ $<

$(BUILD)/umbra: $(DEMO_OUT)/blob.o
-include $(wildcard $(DEMO_OUT)/*.d)

# ---- the manual page, out of the same tables as --help ----------------------
$(BUILD)/umbra.1: $(BUILD)/umbra
	$< help man >$@.new && mv $@.new $@

all: $(BUILD)/umbra.1

# ---- the system call filter, where libseccomp is ----------------------------
# The stamp has the answer in its name: another answer, another sandbox.o.
SECCOMP := $(shell pkg-config --exists libseccomp 2>/dev/null && echo yes)
SECCOMP_STAMP := $(BUILD)/tools/seccomp-$(or $(SECCOMP),no)

$(SECCOMP_STAMP):
	@mkdir -p $(@D) && rm -f $(@D)/seccomp-* && touch $@

$(BUILD)/tools/lib/sandbox.o: $(SECCOMP_STAMP)
ifeq ($(SECCOMP),yes)
$(BUILD)/tools/lib/sandbox.o: CFLAGS_X := -DHAVE_SECCOMP \
	$(shell pkg-config --cflags libseccomp)
LDLIBS += $(shell pkg-config --libs libseccomp)
endif

# ---- user networking, where libslirp is --------------------------------------
# Debian's slirp.pc asks for glib's, which a program that uses it does not need.
SLIRP := $(shell echo '\#include <slirp/libslirp.h>' | \
	   $(CC) -E - >/dev/null 2>&1 && echo yes)
SLIRP_STAMP := $(BUILD)/tools/slirp-$(or $(SLIRP),no)

$(SLIRP_STAMP):
	@mkdir -p $(@D) && rm -f $(@D)/slirp-* && touch $@

$(BUILD)/backends/net_user.o: $(SLIRP_STAMP)
ifeq ($(SLIRP),yes)
$(BUILD)/backends/net_user.o: CFLAGS_X := -DHAVE_SLIRP
LDLIBS += -lslirp
endif

# ---- umbra host --json, where jansson is -------------------------------------
JANSSON := $(shell pkg-config --exists jansson 2>/dev/null && echo yes)
JANSSON_STAMP := $(BUILD)/tools/jansson-$(or $(JANSSON),no)

$(JANSSON_STAMP):
	@mkdir -p $(@D) && rm -f $(@D)/jansson-* && touch $@

JANSSON_OBJ := $(BUILD)/tools/umbra/host.o $(BUILD)/tools/lib/qmp.o \
	       $(BUILD)/tools/lib/vmi_check_report.o
$(JANSSON_OBJ): $(JANSSON_STAMP)
ifeq ($(JANSSON),yes)
$(JANSSON_OBJ): CFLAGS_X := -DHAVE_JANSSON \
	$(shell pkg-config --cflags jansson)
LDLIBS += $(shell pkg-config --libs jansson)
endif

# ---- compressed disk images, where zlib is -----------------------------------
ZLIB := $(shell pkg-config --exists zlib 2>/dev/null && echo yes)
ZLIB_STAMP := $(BUILD)/backends/zlib-$(or $(ZLIB),no)

$(ZLIB_STAMP):
	@mkdir -p $(@D) && rm -f $(@D)/zlib-* && touch $@

ZLIB_OBJ := $(BUILD)/backends/zip.o $(BUILD)/backends/vnc_encode.o \
	    $(BUILD)/tests/unit/test_vnc.o
$(ZLIB_OBJ): $(ZLIB_STAMP)
ifeq ($(ZLIB),yes)
$(ZLIB_OBJ): CFLAGS_X := -DHAVE_ZLIB \
	$(shell pkg-config --cflags zlib)
LDLIBS += $(shell pkg-config --libs zlib)
endif

# ---- packages, the fetched guest, a boot to its shell ------------------------
# What building and booting needs; what the tests and benchmarks need besides.
RUN_DEPS := gcc make libc6-dev binutils libzydis-dev cpio gzip \
	pkg-config libseccomp-dev libjansson-dev zlib1g-dev libslirp-dev \
	seabios
DEPS := $(RUN_DEPS) check gcc-multilib qemu-system-x86 qemu-utils nasm \
	grub-rescue-pc grub-pc-bin grub-common xorriso mtools memtest86+ ipxe isolinux syslinux-common \
	python3 curl xenstore-utils libxen-dev gdb
# What building a guest kernel needs besides (make guest-kernel).
DEPS += bc bison flex patch xz-utils
# Plots of umbra compare.
DEPS += gnuplot-nox

export UMBRA_CACHE ?= $(HOME)/.cache/umbra
GUEST := $(UMBRA_CACHE)/guest

deps:
	@tools/install-deps.sh $(DEPS)

guest:
	@tools/fetch-guest.sh
	@tools/mkinitrd.sh $(GUEST)/initrd.gz

# `make run ENGINE=interp KERNEL=... ARGS="--mem 1G"`.  With nobody to type
# (standard input is /dev/null) the guest shows itself and powers off.
KERNEL ?= $(GUEST)/vmlinuz-686
run:
	@tools/install-deps.sh $(RUN_DEPS)
	@$(MAKE) --no-print-directory all guest
	@append="console=ttyS0"; \
	[ "$$(readlink /proc/self/fd/0)" != /dev/null ] || \
		append="$$append umbra.script=/etc/hello"; \
	exec $(BUILD)/umbra run --kernel $(KERNEL) \
		--initrd $(GUEST)/initrd.gz --append "$$append" \
		$(if $(ENGINE),--engine $(ENGINE)) $(ARGS)

# What the long tests need besides: a Debian system on a disk.
deps-long: deps
	@tools/install-deps.sh mmdebstrap fdisk e2fsprogs

.PHONY: deps deps-long guest run

# ---- benchmarks -------------------------------------------------------------
include tools/bench/rules.mk tools/nano/rules.mk tools/compare/rules.mk
