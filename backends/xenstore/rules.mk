# SPDX-License-Identifier: GPL-2.0-or-later
#
# libxenstore.so.4, for programs written for Xen's.

XS_SRC := $(wildcard backends/xenstore/lib/*.c)
XS_PIC := $(XS_SRC:%.c=$(BUILD)/%.pic.o)

$(XS_PIC): $(BUILD)/%.pic.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_BASE) $(CFLAGS) -fPIC -c -o $@ $<

$(BUILD)/libxenstore.so.4: $(XS_PIC) backends/xenstore/lib/libxenstore.map
	$(CC) $(LDFLAGS) -shared -Wl,-soname,libxenstore.so.4 -Wl,-z,defs \
		-Wl,--version-script=backends/xenstore/lib/libxenstore.map \
		-o $@ $(XS_PIC) -pthread

all: $(BUILD)/libxenstore.so.4
