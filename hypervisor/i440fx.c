/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82441FX host bridge: configuration space, and PAM (3.2.18): for each of 13
 * segments of C0000h..FFFFFh, whether reads and whether writes go to DRAM or
 * to the ISA bus.  There the last 128 KiB are the end of the BIOS image, and
 * the rest is empty.
 *
 *	RE WE	reads		writes
 *	1  1	DRAM		DRAM
 *	1  0	DRAM		dropped
 *	0  1	ISA		DRAM	(how firmware copies itself)
 *	0  0	ISA		dropped
 *
 * A page of which reads come from memory is mapped; writes to a read-only one
 * and all accesses to an empty one come to an MMIO region under all segments,
 * which writes to DRAM through mem->low where WE says so.
 */
#include "hypervisor/i440fx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/device.h"
#include "hypervisor/mem.h"
#include "hypervisor/pci.h"

#define PMCCFG		0x50
#define PAM0		0x59
#define PAM_COUNT	7
#define SMRAM		0x72
#define SMRAM_DEFAULT	0x02
#define PAM_RE		0x1
#define PAM_WE		0x2
#define PAM_DRAM	0x33	/* read and write, both halves */

#define SHADOW_BASE	0xc0000
#define SHADOW_SIZE	0x40000
#define BIOS_BASE	0xe0000	/* ISA: the last 128 KiB */
#define SEGMENTS	13
#define SEGMENT_LAST	(SEGMENTS - 1)	/* F0000h..FFFFFh */
#define SEGMENT_SIZE	0x4000u
#define SEGMENT_LAST_SIZE 0x10000u

/* QEMU's board: SeaBIOS looks here before it asks for fw_cfg. */
#define SUBSYSTEM_VENDOR 0x1af4
#define SUBSYSTEM	0x1100

struct i440fx {
	struct device dev;
	struct i440fx_config cfg;
	struct pci_func func;
	uint8_t applied[SEGMENTS];	/* PAM_*, as the memory map has it */
};

/* PAM_RE and PAM_WE of a segment: PAM0 high, then PAM1 low, high, ... */
static uint8_t segment_bits(const struct i440fx *h, unsigned n)
{
	const uint8_t *pam = h->func.config + PAM0;

	if (n == SEGMENT_LAST)
		return pam[0] >> 4 & 3;
	return pam[1 + n / 2] >> (n & 1 ? 4 : 0) & 3;
}

static gpa_t segment_base(unsigned n)
{
	return SHADOW_BASE + n * SEGMENT_SIZE;
}

static int map_isa(struct i440fx *h, gpa_t gpa, uint64_t size)
{
	const struct mem_block *bios = h->cfg.bios;

	if (!bios || gpa < BIOS_BASE || bios->size < MIB - gpa)
		return mem_set_hole(h->cfg.mem, gpa, size);
	return mem_cover(h->cfg.mem, gpa, size, bios,
			 bios->size - (MIB - gpa), MEM_ROM);
}

static int map_segment(struct i440fx *h, unsigned n, uint8_t bits)
{
	struct mem *m = h->cfg.mem;
	gpa_t gpa = segment_base(n);
	uint64_t size = n == SEGMENT_LAST ? SEGMENT_LAST_SIZE : SEGMENT_SIZE;

	switch (bits) {
	case PAM_RE | PAM_WE:
		return mem_set_ram(m, gpa, size);
	case PAM_RE:
		return mem_set_rom(m, gpa, size);
	default:
		return map_isa(h, gpa, size);
	}
}

/* Of what is mapped now, change what differs; @all: whatever it is. */
static void update(struct i440fx *h, bool all)
{
	for (unsigned n = 0; n < SEGMENTS; n++) {
		uint8_t bits = segment_bits(h, n);

		if (bits == h->applied[n] && !all)
			continue;
		if (map_segment(h, n, bits))
			abort();	/* the range is ours to map */
		h->applied[n] = bits;
	}
}

static void written(void *opaque, unsigned off, unsigned size)
{
	update(opaque, false);
}

void i440fx_all_dram(struct i440fx *h)
{
	memset(h->func.config + PAM0 + 1, PAM_DRAM, PAM_COUNT - 1);
	h->func.config[PAM0] = PAM_DRAM & 0xf0;
	update(h, false);
}

static uint64_t shadow_read(void *opaque, gpa_t off, unsigned size)
{
	return ~0ULL;
}

static void shadow_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	struct i440fx *h = opaque;
	unsigned n = off / SEGMENT_SIZE;

	if (n > SEGMENT_LAST)
		n = SEGMENT_LAST;
	if (h->applied[n] & PAM_WE)
		memcpy(h->cfg.mem->low + SHADOW_BASE + off, &val, size);
}

static const struct mmio_ops shadow_ops = { shadow_read, shadow_write };

static void reset(struct device *d)
{
	struct i440fx *h = (struct i440fx *)d;
	struct pci_func *f = &h->func;

	memset(f->config, 0, sizeof(f->config));
	pci_identify(f, 0x8086, 0x1237, 2, 0x0600);
	pci_subsystem(f, SUBSYSTEM_VENDOR, SUBSYSTEM);
	pci_put16(f, PCI_COMMAND, 0x0006);
	pci_put16(f, PCI_STATUS, 0x0280);
	f->config[SMRAM] = SMRAM_DEFAULT;
	update(h, false);
}

static int loaded(struct device *d)
{
	update((struct i440fx *)d, true);
	return 0;
}

static void destroy(struct device *d)
{
	free(d);
}

static const struct field fields[] = {
	FIELD(struct i440fx, func.config, 1),
};

static const struct device_class i440fx_class = {
	"i440fx", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int i440fx_create(struct i440fx **out, const struct i440fx_config *cfg)
{
	struct i440fx *h = calloc(1, sizeof(*h));
	int err;

	*out = h;
	if (!h)
		return -ENOMEM;
	h->dev.class = &i440fx_class;
	h->cfg = *cfg;
	h->func.written = written;
	h->func.opaque = h;
	memset(h->func.writable + PAM0, PAM_DRAM, PAM_COUNT);
	h->func.writable[PAM0] = PAM_DRAM & 0xf0;
	h->func.writable[PMCCFG] = 0xff;
	h->func.writable[PMCCFG + 1] = 0xff;
	h->func.writable[SMRAM] = 0x78;
	err = mem_add_mmio(cfg->mem, SHADOW_BASE, SHADOW_SIZE, &shadow_ops, h,
			   "shadow RAM");
	if (err)
		return err;
	reset(&h->dev);
	update(h, true);
	return pci_add(cfg->pci, PCI_DEVFN(0, 0), &h->func);
}
