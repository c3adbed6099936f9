/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processor sees at A0000h..BFFFFh: the graphics controller's read
 * and write modes, odd/even addressing of text, chain 4, VBE banks.
 *
 * Four planes are handled at once, as the bytes of a 32-bit word.
 */
#include <string.h>

#include "hypervisor/mem.h"
#include "hypervisor/vga_priv.h"

#define WINDOW_BASE	0xa0000
#define WINDOW_SIZE	0x20000
#define NOWHERE		~0u

/* GR_MISC_MAP: where in the window memory is. */
static const struct {
	uint32_t base, size;
} maps[4] = {
	{ 0x00000, 0x20000 }, { 0x00000, 0x10000 },
	{ 0x10000, 0x08000 }, { 0x18000, 0x08000 },
};

/* A byte in each plane that is selected by the low four bits. */
static uint32_t planes(uint8_t bits)
{
	static const uint32_t mask[16] = {
		0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff,
		0x00ff0000, 0x00ff00ff, 0x00ffff00, 0x00ffffff,
		0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff,
		0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff,
	};

	return mask[bits & 15];
}

static uint32_t everywhere(uint8_t byte)
{
	return byte * 0x01010101u;
}

/* Linear modes: chain 4, or VBE with a pixel in a byte or more. */
static bool linear(const struct vga *v)
{
	if (vga_vbe_on(v))
		return v->vbe[VBE_BPP] >= 8;
	return v->sr[SR_MEMORY] & SR_MEMORY_CHAIN4;
}

/* Offset behind the window's map and bank, or NOWHERE. */
static uint32_t place(const struct vga *v, uint32_t off)
{
	unsigned map = v->gr[GR_MISC] >> GR_MISC_MAP & 3;

	if (off < maps[map].base || off - maps[map].base >= maps[map].size)
		return NOWHERE;
	off -= maps[map].base;
	if (vga_vbe_on(v))
		off += v->vbe[VBE_BANK] * (uint32_t)VBE_BANK_SIZE;
	return off;
}

static bool odd_even(const struct vga *v)
{
	return v->gr[GR_MODE] & GR_MODE_ODD_EVEN;
}

static uint8_t *byte_at(struct vga *v, uint32_t at)
{
	return v->vram->hva + (at & (v->vram->size - 1));
}

static uint32_t *word_at(struct vga *v, uint32_t off)
{
	return (uint32_t *)byte_at(v, off * 4);
}

/* Read mode 1: where the planes that count equal the colour to compare. */
static uint8_t compare(const struct vga *v)
{
	uint32_t diff = (v->latch ^ planes(v->gr[GR_COMPARE])) &
			planes(v->gr[GR_IGNORE]);

	diff |= diff >> 16;
	return ~(diff | diff >> 8);
}

static uint8_t read_byte(struct vga *v, uint32_t off)
{
	uint32_t at = place(v, off);

	if (at == NOWHERE)
		return 0xff;
	if (linear(v))
		return *byte_at(v, at);
	if (odd_even(v))
		return *byte_at(v, (at & ~1u) * 2 + (at & 1));
	v->latch = *word_at(v, at);
	if (v->gr[GR_MODE] & GR_MODE_READ1)
		return compare(v);
	return v->latch >> (v->gr[GR_READ_MAP] & 3) * 8;
}

static uint8_t rotated(const struct vga *v, uint8_t val)
{
	unsigned n = v->gr[GR_ROTATE] & 7;

	return val >> n | val << (8 - n);
}

/* The logical operation with the latch, and the bit mask. */
static uint32_t combined(const struct vga *v, uint32_t val, uint8_t bits)
{
	uint32_t mask = everywhere(bits);

	switch (v->gr[GR_ROTATE] >> 3 & 3) {
	case 1:
		val &= v->latch;
		break;
	case 2:
		val |= v->latch;
		break;
	case 3:
		val ^= v->latch;
		break;
	}
	return (val & mask) | (v->latch & ~mask);
}

/* Write modes 0..3. */
static uint32_t planar_value(const struct vga *v, uint8_t val)
{
	uint8_t bits = v->gr[GR_BIT_MASK];
	uint32_t set = planes(v->gr[GR_SET_RESET]), enable, word;

	switch (v->gr[GR_MODE] & 3) {
	case 0:
		enable = planes(v->gr[GR_ENABLE_SET]);
		word = everywhere(rotated(v, val));
		return combined(v, (word & ~enable) | (set & enable), bits);
	case 1:
		return v->latch;
	case 2:
		return combined(v, planes(val), bits);
	default:
		bits &= rotated(v, val);
		return (set & everywhere(bits)) |
		       (v->latch & ~everywhere(bits));
	}
}

static void write_planar(struct vga *v, uint32_t at, uint8_t val)
{
	uint32_t mask = planes(v->sr[SR_MAP_MASK]);
	uint32_t *word = word_at(v, at);

	*word = (*word & ~mask) | (planar_value(v, val) & mask);
}

static void write_plane(struct vga *v, unsigned plane, uint32_t at,
			uint8_t val)
{
	if (v->sr[SR_MAP_MASK] >> plane & 1)
		*byte_at(v, at) = val;
}

static void write_byte(struct vga *v, uint32_t off, uint8_t val)
{
	uint32_t at = place(v, off);

	if (at == NOWHERE)
		return;
	if (vga_vbe_on(v) && linear(v))
		*byte_at(v, at) = val;
	else if (linear(v))
		write_plane(v, at & 3, at, val);
	else if (odd_even(v))
		write_plane(v, at & 1, (at & ~1u) * 2 + (at & 1), val);
	else
		write_planar(v, at, val);
}

static uint64_t window_read(void *opaque, gpa_t off, unsigned size)
{
	uint64_t val = 0;

	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)read_byte(opaque, off + i) << i * 8;
	return val;
}

static void window_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		write_byte(opaque, off + i, val >> i * 8);
}

static const struct mmio_ops window_ops = { window_read, window_write };

int vga_mem_create(struct vga *v)
{
	return mem_add_mmio(v->cfg.mem, WINDOW_BASE, WINDOW_SIZE, &window_ops,
			    v, "vga");
}
