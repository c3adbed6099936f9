/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCI base address registers: where they are mapped.
 *
 * After each write that matters the whole bus is looked at: first every
 * mapping that is no longer wanted goes, then every one that is wanted and
 * missing is tried.  So functions may swap places, and a BAR that was in
 * the way of another lets it in when it leaves.  A BAR on top of RAM, ROM or
 * another device stays unmapped: the older owner answers.
 *
 * PCI 2.3, 6.2.2 (command), 6.2.5 (BARs).
 */
#include <assert.h>
#include <string.h>

#include "hypervisor/mem.h"
#include "hypervisor/pci_priv.h"
#include "hypervisor/ports.h"

#define BAR_IO		0x1u
#define BAR_64		0x4u
#define BAR_PREFETCH	0x8u
#define ROM_ENABLE	0x1u
#define IO_TOP		0x10000u

static unsigned bar_offset(unsigned n)
{
	return n == PCI_BAR_ROM ? PCI_ROM : PCI_BAR0 + 4 * n;
}

static bool overlaps(unsigned off, unsigned size, unsigned at, unsigned len)
{
	return off < at + len && at < off + size;
}

bool pci_bar_touched(unsigned off, unsigned size)
{
	return overlaps(off, size, PCI_COMMAND, 2) ||
	       overlaps(off, size, PCI_BAR0, 4 * PCI_BARS) ||
	       overlaps(off, size, PCI_ROM, 4);
}

/*
 * Declaring.
 */

static uint32_t type_bits(const struct pci_bar *b)
{
	if (b->kind == PCI_BAR_IO)
		return BAR_IO;
	return (b->flags & PCI_BAR_64 ? BAR_64 : 0) |
	       (b->flags & PCI_BAR_PREFETCH ? BAR_PREFETCH : 0);
}

static void put_mask(struct pci_func *f, unsigned off, uint32_t mask)
{
	for (unsigned i = 0; i < 4; i++)
		f->writable[off + i] = mask >> i * 8;
}

static struct pci_bar *declare(struct pci_func *f, unsigned n,
			       enum pci_bar_kind kind, uint64_t size,
			       unsigned flags, uint16_t command)
{
	struct pci_bar *b = &f->bars[n];
	uint64_t mask = ~(size - 1);

	assert(n < PCI_BAR_COUNT && b->kind == PCI_BAR_NONE);
	assert(size >= 4 && !(size & (size - 1)) && size <= 2 * GIB);
	*b = (struct pci_bar){ .kind = kind, .size = size, .flags = flags };
	f->writable[PCI_COMMAND] |= command | PCI_COMMAND_MASTER;
	f->writable[PCI_COMMAND + 1] |= PCI_COMMAND_INTX_OFF >> 8;
	put_mask(f, bar_offset(n),
		 n == PCI_BAR_ROM ? mask | ROM_ENABLE : mask);
	if (flags & PCI_BAR_64) {
		assert(n < PCI_BARS - 1);
		put_mask(f, bar_offset(n + 1), mask >> 32);
	}
	if (n != PCI_BAR_ROM)
		pci_put32(f, bar_offset(n), type_bits(b));
	return b;
}

void pci_bar_io(struct pci_func *f, unsigned n, unsigned size,
		const struct pio_ops *ops, void *opaque, const char *name)
{
	struct pci_bar *b = declare(f, n, PCI_BAR_IO, size, 0,
				    PCI_COMMAND_IO);

	b->pio = ops;
	b->opaque = opaque;
	b->name = name;
}

void pci_bar_mem(struct pci_func *f, unsigned n, uint64_t size,
		 unsigned flags, const struct mmio_ops *ops, void *opaque,
		 const char *name)
{
	struct pci_bar *b = declare(f, n, PCI_BAR_MEM, size, flags,
				    PCI_COMMAND_MEM);

	assert(size >= 16);
	b->mmio = ops;
	b->opaque = opaque;
	b->name = name;
}

void pci_bar_block(struct pci_func *f, unsigned n, unsigned flags,
		   const struct mem_block *block, const char *name)
{
	struct pci_bar *b = declare(f, n, PCI_BAR_BLOCK, block->size, flags,
				    PCI_COMMAND_MEM);

	b->block = block;
	b->name = name;
}

void pci_bar_rom(struct pci_func *f, const struct mem_block *block,
		 const char *name)
{
	struct pci_bar *b = declare(f, PCI_BAR_ROM, PCI_BAR_BLOCK_ROM,
				    block->size, 0, PCI_COMMAND_MEM);

	b->block = block;
	b->name = name;
}

void pci_bars_reset(struct pci_func *f)
{
	for (unsigned n = 0; n < PCI_BARS; n++)
		if (f->bars[n].kind)
			pci_put32(f, bar_offset(n), type_bits(&f->bars[n]));
}

/*
 * Mapping.
 */

/* Where configuration space wants BAR @n; 0: nowhere. */
static uint64_t wanted(const struct pci_func *f, unsigned n)
{
	const struct pci_bar *b = &f->bars[n];
	uint16_t command = pci_get16(f, PCI_COMMAND);
	uint64_t at = pci_get32(f, bar_offset(n));

	if (!(command & (b->kind == PCI_BAR_IO ? PCI_COMMAND_IO :
			 PCI_COMMAND_MEM)))
		return 0;
	if (n == PCI_BAR_ROM && !(at & ROM_ENABLE))
		return 0;
	if (b->flags & PCI_BAR_64)
		at |= (uint64_t)pci_get32(f, bar_offset(n + 1)) << 32;
	at &= ~(b->size - 1);
	if (at + b->size - 1 < at)
		return 0;
	return b->kind == PCI_BAR_IO && at >= IO_TOP ? 0 : at;
}

static void bar_unmap(struct pci *p, struct pci_bar *b)
{
	if (!b->at)
		return;
	switch (b->kind) {
	case PCI_BAR_IO:
		ports_del(p->cfg.ports, b->at);
		break;
	case PCI_BAR_MEM:
		mem_del_mmio(p->cfg.mem, b->at);
		break;
	case PCI_BAR_BLOCK:
	case PCI_BAR_BLOCK_ROM:
		mem_unmap_block(p->cfg.mem, b->at, b->size);
		break;
	case PCI_BAR_NONE:
		break;
	}
	b->at = 0;
}

static int bar_map(struct pci *p, const struct pci_bar *b, uint64_t at)
{
	switch (b->kind) {
	case PCI_BAR_IO:
		return ports_add(p->cfg.ports, at, b->size, b->pio, b->opaque,
				 b->name);
	case PCI_BAR_MEM:
		return mem_add_mmio(p->cfg.mem, at, b->size, b->mmio,
				    b->opaque, b->name);
	case PCI_BAR_BLOCK:
		return mem_map_block(p->cfg.mem, at, b->block, MEM_RAM);
	case PCI_BAR_BLOCK_ROM:
		return mem_map_block(p->cfg.mem, at, b->block, MEM_ROM);
	case PCI_BAR_NONE:
		break;
	}
	return -1;
}

void pci_bars_unmap(struct pci_func *f)
{
	for (unsigned n = 0; n < PCI_BAR_COUNT; n++)
		bar_unmap(f->bus, &f->bars[n]);
}

static void each_bar(struct pci *p, void (*fn)(struct pci *p,
					       struct pci_bar *b,
					       uint64_t want))
{
	for (unsigned i = 0; i < PCI_DEVFNS; i++) {
		struct pci_func *f = p->funcs[i];

		for (unsigned n = 0; f && n < PCI_BAR_COUNT; n++)
			if (f->bars[n].kind)
				fn(p, &f->bars[n], wanted(f, n));
	}
}

static void leave(struct pci *p, struct pci_bar *b, uint64_t want)
{
	if (b->at != want)
		bar_unmap(p, b);
}

static void enter(struct pci *p, struct pci_bar *b, uint64_t want)
{
	if (want && !b->at && !bar_map(p, b, want))
		b->at = want;
}

void pci_bars_update(struct pci *p)
{
	each_bar(p, leave);
	each_bar(p, enter);
}
