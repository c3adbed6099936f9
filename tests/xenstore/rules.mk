# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tests of the store and of libxenstore.  api-ours and api-debian are one
# program: with our headers and library, and with those of libxen-dev.

XS_OUT := $(BUILD)/tests/xenstore
XS_TEST_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Wno-unused-parameter -pthread

$(XS_OUT)/api-ours: tests/xenstore/api.c $(BUILD)/libxenstore.so.4
	@mkdir -p $(@D)
	$(CC) $(XS_TEST_CFLAGS) -Ibackends/xenstore/include $(LDFLAGS) -o $@ \
		$< $(BUILD)/libxenstore.so.4 -Wl,-rpath,$(abspath $(BUILD))

CHECK_BIN += $(XS_OUT)/api-ours

# The marker tells whether the package is there without running the compiler.
ifneq ($(wildcard /usr/include/xenstore.h),)
$(XS_OUT)/api-debian: tests/xenstore/api.c
	@mkdir -p $(@D)
	$(CC) $(XS_TEST_CFLAGS) -o $@ $< -lxenstore

CHECK_BIN += $(XS_OUT)/api-debian
endif

# The store once more, under the sanitizers in every build (tests/fuzz).
XS_FUZZ_SRC := tests/xenstore/fuzz.c hypervisor/loop.c \
	backends/xenstore/lib/text.c $(addprefix backends/xenstore/, \
	conn.c control.c domain.c path.c request.c server.c tree.c txn.c watch.c)
XS_FUZZ_OBJ := $(XS_FUZZ_SRC:%.c=$(SAN_OUT)/san/%.o)

$(XS_OUT)/fuzz: $(XS_FUZZ_OBJ)
	$(CC) $(SAN_FLAGS) -o $@ $^ -pthread

CHECK_BIN += $(XS_OUT)/fuzz

$(XS_OUT)/machine: $(BUILD)/tests/xenstore/machine.o $(BUILD)/libumbra.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

CHECK_BIN += $(XS_OUT)/machine
