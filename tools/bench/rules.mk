# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest benchmark (32-bit, static: the same file runs natively and in the
# guests) and `make bench`.

BENCH_CFLAGS := -m32 -std=gnu11 -O2 -march=i686 -mfpmath=387 -mno-sse \
	-fno-pie -fno-stack-protector -fcf-protection=none \
	-fno-tree-loop-distribute-patterns -Wall -Wextra \
	-Wno-unused-parameter -I. -MMD -MP
BENCH_SRC := $(wildcard tools/bench/*.c)
BENCH_OBJ := $(BENCH_SRC:%.c=$(BUILD)/%.o)
PYTHON ?= python3

$(BENCH_OBJ): $(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) $(BENCH_CFLAGS_X) -c -o $@ $<

$(BUILD)/tools/bench/matmul_sse2.o: BENCH_CFLAGS_X := -msse2 -mfpmath=sse

$(BUILD)/umbra-bench: $(BENCH_OBJ)
	$(CC) -m32 -static -no-pie -o $@ $^

# The same driver with rows of input and output.
BENCH_IO_OBJ := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tools/bench/io/*.c)) \
	$(BUILD)/tools/bench/io/umbra-bench.o

$(BUILD)/tools/bench/io/umbra-bench.o: tools/bench/umbra-bench.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -DBENCH_ROWS_DEF='"tools/bench/io/rows.def"' \
		-c -o $@ $<

$(BUILD)/tools/bench/io/%.o: tools/bench/io/%.c
	@mkdir -p $(@D)
	$(CC) $(BENCH_CFLAGS) -c -o $@ $<

$(BUILD)/umbra-bench-io: $(BENCH_IO_OBJ)
	$(CC) -m32 -static -no-pie -o $@ $^

# The guest's ordinary initrd plus the benchmark: one archive for the rows
# (rdinit=/bin/umbra-bench) and for the boot to the prompt (/init).
$(BUILD)/bench-initrd.gz: $(BUILD)/umbra-bench tools/mkinitrd.sh \
		tools/fetch-guest.sh
	tools/fetch-guest.sh
	tools/mkinitrd.sh -a $(BUILD)/umbra-bench:/bin/umbra-bench $@

# BENCH_ARGS: see tools/bench/bench.py --help.
bench: $(BUILD)/umbra $(BUILD)/umbra-bench $(BUILD)/bench-initrd.gz
	$(PYTHON) tools/bench/bench.py --build $(BUILD) $(BENCH_ARGS)

# A whole Debian system on a disk: BENCH_PC_ARGS, see tools/bench/pc.py --help.
DEBIAN_DISK := $(UMBRA_CACHE)/debian/disk.img

$(DEBIAN_DISK): tools/mkdebian.sh
	tools/mkdebian.sh $@

bench-pc: $(BUILD)/umbra $(BUILD)/umbra-bench-io $(DEBIAN_DISK)
	$(PYTHON) tools/bench/pc.py --build $(BUILD) --disk $(DEBIAN_DISK) \
		$(BENCH_PC_ARGS)

.PHONY: bench bench-pc
