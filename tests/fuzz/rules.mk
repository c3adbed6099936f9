# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fuzzers under ASan and UBSan in every build.  A fuzzer is a test of
# tests/unit with the modules that it is after, compiled once more; what else
# they need comes from the plain library, whose own copies of those modules
# stay in the archive.
#
# FUZZ_NAME: the test's file, then the modules'.  jobs.sh says which of the
# file's tests is run.

FUZZ_virtio   := tests/unit/test_virtio.c $(wildcard hypervisor/virt*.c)
FUZZ_pcnet    := tests/unit/test_pcnet.c $(wildcard hypervisor/pcnet*.c)
FUZZ_buslogic := tests/unit/test_buslogic.c \
	$(wildcard hypervisor/buslogic*.c hypervisor/scsi*.c)
FUZZ_image    := tests/unit/test_block_fuzz.c \
	$(wildcard backends/block*.c backends/vmdk*.c) backends/zip.c
FUZZ_fw_cfg   := tests/unit/test_firmware.c hypervisor/fw_cfg.c
FUZZ_atapi    := tests/unit/test_ide.c \
	$(wildcard hypervisor/ide*.c hypervisor/scsi*.c)
FUZZ_gdb      := tests/unit/test_gdb.c backends/stream.c \
	$(wildcard tools/lib/gdb*.c)
FUZZ_rfb      := tests/unit/test_vnc.c backends/stream.c backends/display.c \
	backends/keys.c $(wildcard backends/vnc*.c)
FUZZ := virtio pcnet buslogic image fw_cfg atapi gdb rfb

SAN_OUT := $(BUILD)/tests/fuzz
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined

# ZLIB is known when the recipe runs.
$(SAN_OUT)/san/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_BASE) $(SAN_FLAGS) $(if $(ZLIB),-DHAVE_ZLIB) \
		$(CFLAGS) -c -o $@ $<

define fuzzer
$(SAN_OUT)/$(1): $(FUZZ_$(1):%.c=$(SAN_OUT)/san/%.o) $(BUILD)/libumbra.a
	$$(CC) $(SAN_FLAGS) -o $$@ $$^ $$(LDLIBS) $(CHECK_LIBS)
endef
$(foreach f,$(FUZZ),$(eval $(call fuzzer,$(f))))

CHECK_BIN += $(if $(CHECK_PKG),$(FUZZ:%=$(SAN_OUT)/%))
.SECONDARY: $(foreach f,$(FUZZ),$(FUZZ_$(f):%.c=$(SAN_OUT)/san/%.o))
