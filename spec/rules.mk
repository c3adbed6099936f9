# SPDX-License-Identifier: GPL-2.0-or-later
#
# make spec     write vmi.h and the tables of vmi.md from the .def files
#
# Both are kept in the repository for readers and for the guest's patches;
# tests/vmi/stale.sh fails when they are not what the .def files say.

SPEC_GEN := $(BUILD)/spec/vmi-gen
SPEC_DEF := spec/vmi-calls.def spec/vmi-values.def

$(SPEC_GEN): spec/gen.c $(SPEC_DEF)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O1 -Wall -Wextra -I. -o $@ $<

spec: $(SPEC_GEN)
	$< header >spec/vmi.h.new && mv spec/vmi.h.new spec/vmi.h
	spec/tables.sh $< <spec/vmi.md >spec/vmi.md.new && \
		mv spec/vmi.md.new spec/vmi.md

check-build: $(SPEC_GEN)

.PHONY: spec
