# SPDX-License-Identifier: GPL-2.0-or-later
#
# make check              every test; the last line is the count
# make check T=unit       one kind: unit, diff, guests, machine
# make check T=NAME       tests whose name contains NAME
# make check-long         tests that take minutes each
# make check-build        build the test programs, run nothing
#
# Names of tests are kind/name; tests/check.sh collects and runs them.

CHECK_PKG  := $(shell pkg-config --exists check 2>/dev/null && echo check)
CHECK_LIBS := $(if $(CHECK_PKG),$(shell pkg-config --libs check))

UNIT_SRC := $(wildcard tests/unit/test_*.c)
UNIT_BIN := $(if $(CHECK_PKG),$(UNIT_SRC:%.c=$(BUILD)/%))

$(UNIT_BIN): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libumbra.a
	$(CC) $(LDFLAGS) -o $@ $< $(BUILD)/libumbra.a $(LDLIBS) $(CHECK_LIBS)

CHECK_BIN := $(UNIT_BIN)
include $(wildcard tests/*/rules.mk)

check-build: all $(CHECK_BIN)

check: check-build check-guest
	@BUILD=$(BUILD) SAN=$(SAN) tests/check.sh $(T)

check-long: check-build check-guest
	@LONG=1 BUILD=$(BUILD) SAN=$(SAN) tests/check.sh $(T)

.SECONDARY: $(UNIT_SRC:%.c=$(BUILD)/%.o)
.PHONY: check check-long check-build
