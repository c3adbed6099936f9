# SPDX-License-Identifier: GPL-2.0-or-later
#
# make compare-files   what `umbra compare' runs in guests
# make compare         umbra compare (COMPARE_ARGS: options, kernels)

COMPARE_TCC := $(BUILD)/compare-tcc
# C files that tcc can compile: no SSE intrinsics.
COMPARE_SRC := $(filter-out tools/bench/matmul_sse2.c,$(BENCH_SRC))

# The compiler cannot always be fetched; then there is no build row.
$(BUILD)/compare-tcc.tar: tools/compare/fetch-tcc.sh $(COMPARE_SRC) \
		$(wildcard tools/bench/*.h tools/bench/*.def)
	if tools/compare/fetch-tcc.sh $(COMPARE_TCC); then \
		mkdir -p $(COMPARE_TCC)/src $(COMPARE_TCC)/tools/bench && \
		cp $(COMPARE_SRC) $(COMPARE_TCC)/src && \
		cp $(filter %.h %.def,$^) $(COMPARE_TCC)/tools/bench && \
		tar cf $@ --transform 's,^\.,tcc,' -C $(COMPARE_TCC) .; \
	else \
		tar cf $@ -T /dev/null; \
	fi

$(BUILD)/compare-initrd.gz: $(BUILD)/umbra-bench $(BUILD)/compare-tcc.tar \
		tools/compare/guest.sh tools/compare/build.sh \
		tools/mkinitrd.sh tools/fetch-guest.sh
	tools/fetch-guest.sh
	tools/mkinitrd.sh -a $(BUILD)/umbra-bench:/bin/umbra-bench \
		-a $(BUILD)/compare-tcc.tar:/tcc.tar \
		-a tools/compare/guest.sh:/compare \
		-a tools/compare/build.sh:/build.sh $@

compare-files: $(BUILD)/umbra $(BUILD)/nano.elf $(BUILD)/umbra-nano \
	       $(BUILD)/umbra-bench $(BUILD)/compare-initrd.gz

compare: compare-files
	UMBRA_BUILD=$(BUILD) $(BUILD)/umbra compare $(COMPARE_ARGS)

.PHONY: compare compare-files
