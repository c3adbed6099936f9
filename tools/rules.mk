# SPDX-License-Identifier: GPL-2.0-or-later
#
# The demo guest inside the program, the fetched guest, the manual page.

# ---- the demo guest: 32-bit, freestanding, needs no 32-bit libraries -------
DEMO_OUT := $(BUILD)/tools/demo
DEMO_OBJ := $(addprefix $(DEMO_OUT)/,start.o console.o main.o paging.o \
	      power.o trap.o)
DEMO_CFLAGS := -m32 -march=i686 -std=gnu11 -O2 -g -Wall -Wextra \
	-Wno-unused-parameter -ffreestanding -fno-pic -fno-pie \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-mgeneral-regs-only -fno-tree-loop-distribute-patterns -MMD -MP

$(DEMO_OUT)/%.o: tools/demo/%.c
	@mkdir -p $(@D)
	$(CC) $(DEMO_CFLAGS) -c -o $@ $<

$(DEMO_OUT)/start.o: tools/demo/start.S
	@mkdir -p $(@D)
	$(CC) -m32 -MMD -MP -c -o $@ $<

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

# ---- packages, the fetched guest, a boot to its shell ------------------------
DEPS := gcc make libc6-dev binutils libzydis-dev check gcc-multilib \
	qemu-system-x86 nasm cpio gzip python3 pkg-config curl

SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
export UMBRA_CACHE ?= $(HOME)/.cache/umbra
GUEST := $(UMBRA_CACHE)/guest

# Every installed package has a line "ii" or "hi" in dpkg's list.
deps:
	@missing=$$(for p in $(DEPS); do \
		dpkg-query -W -f '$${db:Status-Abbrev}' $$p 2>/dev/null | \
		grep -q '^.i' || echo $$p; done); \
	if [ -z "$$missing" ]; then echo "deps: all installed"; exit 0; fi; \
	set -x; $(SUDO) apt-get update -q || :; \
	$(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
		--no-install-recommends $$missing

guest:
	@tools/fetch-guest.sh
	@tools/mkinitrd.sh $(GUEST)/initrd.gz

# `make run ENGINE=interp KERNEL=... ARGS="--mem 1G"`.  With nobody to type
# (standard input is /dev/null) the guest shows itself and powers off.
KERNEL ?= $(GUEST)/vmlinuz-686
run: all guest
	@append="console=ttyS0"; \
	[ "$$(readlink /proc/self/fd/0)" != /dev/null ] || \
		append="$$append umbra.script=/etc/hello"; \
	exec $(BUILD)/umbra run --kernel $(KERNEL) \
		--initrd $(GUEST)/initrd.gz --append "$$append" \
		$(if $(ENGINE),--engine $(ENGINE)) $(ARGS)

.PHONY: deps guest run
