/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest-physical memory; see mem.h for the contract.
 *
 * The memfd begins as long as the guest-physical map and sparse, so the offset
 * of a byte of RAM in it is its guest-physical address: holes cost nothing, and
 * a page that turns from RAM into ROM and back (shadow RAM) keeps its place.
 * Blocks follow.  The process sees it through one reservation, and each block
 * a second time through block->hva:
 *
 *	base - GUARD        PROT_NONE
 *	base + gpa          RAM: read-write; ROM: read-only; hole: PROT_NONE
 *	base + top          PROT_NONE, GUARD bytes
 *
 * An engine's access that runs off either end, or whose segment base wraps,
 * meets a guard instead of somebody else's memory.
 */
#define _GNU_SOURCE
#include "hypervisor/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hypervisor/loop.h"

/* Bytes on each side of the map; more than any operand, plus 16-bit wrap. */
#define GUARD		(1 * MIB)
/* Physical addresses have 36 bits for PAE guests; the PCI hole takes 1 GiB. */
#define RAM_MAX		(63 * GIB)

struct mmio_region {
	gpa_t gpa;
	uint64_t size;
	const struct mmio_ops *ops;
	void *opaque;
	const char *name;
};

static void note_change(struct mem *m, gpa_t gpa, uint64_t size)
{
	if (m->changed)
		m->changed(m->changed_opaque, gpa, size);
}

/* @offset: of the first byte in the memfd. */
static int map_range(struct mem *m, gpa_t gpa, uint64_t size, uint64_t offset,
		     uint8_t kind)
{
	uint64_t pn = gpa >> PAGE_SHIFT;
	int prot = kind & MEM_RAM ? PROT_READ | PROT_WRITE :
		   kind & MEM_ROM ? PROT_READ : PROT_NONE;
	int how = kind ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	void *p;

	if ((gpa | size) & ~PAGE_MASK || gpa > m->top || size > m->top - gpa)
		return -EINVAL;
	if (!size)
		return 0;
	p = mmap(m->base + gpa, size, prot, how | MAP_FIXED | MAP_NORESERVE,
		 kind ? m->fd : -1, kind ? (off_t)offset : 0);
	if (p == MAP_FAILED)
		return -errno;
	memset(m->flags + pn, kind, size >> PAGE_SHIFT);
	for (uint64_t i = 0; i < size >> PAGE_SHIFT; i++)
		if (offset != gpa || m->backing[pn + i])
			m->backing[pn + i] = offset == gpa ? 0 :
					     (offset >> PAGE_SHIFT) + i + 1;
	note_change(m, gpa, size);
	return 0;
}

static void *reserve_array(uint64_t n, size_t size)
{
	return mmap(NULL, n * size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static int reserve(struct mem *m)
{
	uint8_t *p = mmap(NULL, m->top + 2 * GUARD, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return -errno;
	m->base = p + GUARD;
	p = reserve_array(m->top >> PAGE_SHIFT, sizeof(*m->flags));
	if (p == MAP_FAILED)
		return -errno;
	m->flags = p;
	p = reserve_array(m->top >> PAGE_SHIFT, sizeof(*m->backing));
	if (p == MAP_FAILED)
		return -errno;
	m->backing = (uint32_t *)p;
	p = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	m->low = p;
	return 0;
}

static int open_memfd(struct mem *m)
{
	m->fd = memfd_create("umbra-ram", MFD_CLOEXEC);
	if (m->fd < 0 || ftruncate(m->fd, m->top))
		return -errno;
	return 0;
}

int mem_create(struct mem **out, uint64_t ram_size)
{
	uint64_t low = ram_size < MEM_LOW_MAX ? ram_size : MEM_LOW_MAX;
	uint64_t high = ram_size - low;
	struct mem *m;
	int err;

	*out = NULL;
	if (ram_size & ~PAGE_MASK || ram_size < MIB || ram_size > RAM_MAX)
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->fd = -1;
	m->ram_size = ram_size;
	m->top = MEM_HIGH_BASE + high;
	m->file_size = m->top;
	m->a20_mask = ~0ULL;
	err = open_memfd(m);
	if (!err)
		err = reserve(m);
	if (!err)
		err = mem_set_ram(m, 0, low);
	if (!err)
		err = mem_set_ram(m, MEM_HIGH_BASE, high);
	if (err) {
		mem_destroy(m);
		return err;
	}
	*out = m;
	return 0;
}

void mem_destroy(struct mem *m)
{
	if (!m)
		return;
	if (m->base)
		munmap(m->base - GUARD, m->top + 2 * GUARD);
	if (m->flags)
		munmap(m->flags, m->top >> PAGE_SHIFT);
	if (m->low)
		munmap(m->low, MIB);
	if (m->backing)
		munmap(m->backing, (m->top >> PAGE_SHIFT) *
		       sizeof(*m->backing));
	if (m->fd >= 0)
		close(m->fd);
	free(m->regions);
	free(m);
}

int mem_set_rom(struct mem *m, gpa_t gpa, uint64_t size)
{
	return map_range(m, gpa, size, gpa, MEM_ROM);
}

int mem_set_hole(struct mem *m, gpa_t gpa, uint64_t size)
{
	return map_range(m, gpa, size, gpa, 0);
}

int mem_set_ram(struct mem *m, gpa_t gpa, uint64_t size)
{
	return map_range(m, gpa, size, gpa, MEM_RAM);
}

uint64_t mem_offset(const struct mem *m, gpa_t gpa)
{
	uint32_t page = m->backing[gpa >> PAGE_SHIFT];

	return page ? ((uint64_t)page - 1) << PAGE_SHIFT | (gpa & ~PAGE_MASK) :
		      gpa;
}

bool mem_contiguous(const struct mem *m, uint64_t gpfn, uint64_t n)
{
	uint64_t first = mem_offset(m, gpfn << PAGE_SHIFT) >> PAGE_SHIFT;

	for (uint64_t i = 0; i < n; i++) {
		gpa_t gpa = (gpfn + i) << PAGE_SHIFT;

		if (!mem_backed(m, gpa) ||
		    mem_offset(m, gpa) >> PAGE_SHIFT != first + i)
			return false;
	}
	return true;
}

void mem_set_a20(struct mem *m, bool open)
{
	gpa_t mask = open ? ~0ULL : ~(gpa_t)MIB;

	if (m->a20_mask == mask)
		return;
	m->a20_mask = mask;
	note_change(m, 0, m->top);
}

/*
 * Blocks.
 */

int mem_block_create(struct mem *m, uint64_t size, struct mem_block **out)
{
	struct mem_block *b;
	int err;

	*out = NULL;
	if (!size || size & ~PAGE_MASK || size > MEM_HIGH_BASE)
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->size = size;
	b->offset = m->file_size;
	if (ftruncate(m->fd, b->offset + size))
		goto fail;
	b->hva = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_NORESERVE, m->fd, b->offset);
	if (b->hva == MAP_FAILED)
		goto fail;
	m->file_size += size;
	*out = b;
	return 0;
fail:
	err = -errno;
	free(b);
	return err;
}

void mem_block_destroy(struct mem_block *b)
{
	if (!b)
		return;
	munmap(b->hva, b->size);
	free(b);
}

/* Nothing in [gpa, gpa+size): neither pages nor MMIO. */
static bool is_hole(const struct mem *m, gpa_t gpa, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += PAGE_SIZE)
		if (mem_backed(m, gpa + at))
			return false;
	for (unsigned i = 0; i < m->nregions; i++)
		if (m->regions[i].gpa < gpa + size &&
		    gpa < m->regions[i].gpa + m->regions[i].size)
			return false;
	return true;
}

int mem_cover(struct mem *m, gpa_t gpa, uint64_t size,
	      const struct mem_block *b, uint64_t offset, uint8_t kind)
{
	if (offset & ~PAGE_MASK || offset > b->size ||
	    size > b->size - offset)
		return -EINVAL;
	return map_range(m, gpa, size, b->offset + offset, kind);
}

int mem_map_block(struct mem *m, gpa_t gpa, const struct mem_block *b,
		  uint8_t kind)
{
	if (gpa > m->top || b->size > m->top - gpa)
		return -EINVAL;
	if (!is_hole(m, gpa, b->size))
		return -EEXIST;
	return mem_cover(m, gpa, b->size, b, 0, kind);
}

/* The reservation is ours: the host cannot refuse to hide a part of it. */
void mem_unmap_block(struct mem *m, gpa_t gpa, uint64_t size)
{
	if (mem_set_hole(m, gpa, size))
		abort();
}

/*
 * MMIO regions: an array sorted by address.
 */

/* The number of regions that begin at or below @gpa. */
static unsigned region_rank(const struct mem *m, gpa_t gpa)
{
	unsigned lo = 0, hi = m->nregions;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (m->regions[mid].gpa <= gpa)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct mmio_region *region_find(struct mem *m, gpa_t gpa)
{
	unsigned n = region_rank(m, gpa);
	struct mmio_region *r;

	if (!n)
		return NULL;
	r = &m->regions[n - 1];
	return gpa - r->gpa < r->size ? r : NULL;
}

int mem_add_mmio(struct mem *m, gpa_t gpa, uint64_t size,
		 const struct mmio_ops *ops, void *opaque, const char *name)
{
	unsigned n = region_rank(m, gpa);
	struct mmio_region *r;

	if (!size || gpa + size < gpa)
		return -EINVAL;
	if (region_find(m, gpa) ||
	    (n < m->nregions && m->regions[n].gpa - gpa < size))
		return -EEXIST;
	r = realloc(m->regions, (m->nregions + 1) * sizeof(*r));
	if (!r)
		return -ENOMEM;
	m->regions = r;
	memmove(r + n + 1, r + n, (m->nregions - n) * sizeof(*r));
	m->nregions++;
	r[n] = (struct mmio_region){ gpa, size, ops, opaque, name };
	return 0;
}

int mem_del_mmio(struct mem *m, gpa_t gpa)
{
	unsigned n = region_rank(m, gpa);
	struct mmio_region *r = m->regions;

	if (!n || r[n - 1].gpa != gpa)
		return -ENOENT;
	memmove(r + n - 1, r + n, (m->nregions - n) * sizeof(*r));
	m->nregions--;
	return 0;
}

static uint64_t all_ones(unsigned size)
{
	return size == 8 ? ~0ULL : (1ULL << size * 8) - 1;
}

static uint64_t read_region(struct mem *m, gpa_t gpa, unsigned size)
{
	struct mmio_region *r = region_find(m, gpa);
	uint64_t val = 0;

	if (!r) {
		m->unowned_reads++;
		return all_ones(size);
	}
	if (gpa - r->gpa + size <= r->size)
		return r->ops->read(r->opaque, gpa - r->gpa, size) &
		       all_ones(size);
	/* An access that overhangs its region falls apart into bytes. */
	for (unsigned i = 0; i < size; i++)
		val |= read_region(m, gpa + i, 1) << i * 8;
	return val;
}

static void write_region(struct mem *m, gpa_t gpa, unsigned size,
			 uint64_t val)
{
	struct mmio_region *r = region_find(m, gpa);

	if (!r) {
		m->unowned_writes++;
		return;
	}
	if (gpa - r->gpa + size <= r->size) {
		r->ops->write(r->opaque, gpa - r->gpa, size,
			      val & all_ones(size));
		return;
	}
	for (unsigned i = 0; i < size; i++)
		write_region(m, gpa + i, 1, val >> i * 8 & 0xff);
}

uint64_t mem_mmio_read(struct mem *m, gpa_t gpa, unsigned size)
{
	uint64_t val;

	if (m->lock)
		loop_lock(m->lock);
	val = read_region(m, gpa, size);
	if (m->lock)
		loop_unlock(m->lock);
	return val;
}

void mem_mmio_write(struct mem *m, gpa_t gpa, unsigned size, uint64_t val)
{
	if (m->lock)
		loop_lock(m->lock);
	write_region(m, gpa, size, val);
	if (m->lock)
		loop_unlock(m->lock);
}

/*
 * Copies.
 */

static bool all_backed(const struct mem *m, gpa_t gpa, size_t len)
{
	if (gpa > m->top || len > m->top - gpa)
		return false;
	for (gpa_t p = gpa & PAGE_MASK; p < gpa + len; p += PAGE_SIZE)
		if (!mem_backed(m, p))
			return false;
	return true;
}

int mem_read(struct mem *m, gpa_t gpa, void *buf, size_t len)
{
	if (!all_backed(m, gpa, len))
		return -EFAULT;
	if (m->remote && m->remote->waiting(m->trace_opaque))
		m->remote->read(m->trace_opaque, gpa, buf, len);
	else
		memcpy(buf, mem_hva(m, gpa), len);
	return 0;
}

/* Flag bytes have other writers, on other threads. */
static void set_dirty(uint8_t *flags)
{
	if (!(*flags & MEM_DIRTY))
		__atomic_fetch_or(flags, MEM_DIRTY, __ATOMIC_SEQ_CST);
}

static bool write_remotely(struct mem *m, gpa_t gpa, const void *buf,
			   size_t len)
{
	return m->remote && m->remote->write(m->trace_opaque, gpa, buf, len);
}

/* ROM is mapped read-only here: it is written through the file. */
static int write_page(struct mem *m, gpa_t gpa, const void *buf, size_t len,
		      bool rom_too)
{
	uint8_t *flags = &m->flags[gpa >> PAGE_SHIFT];

	if (!(*flags & MEM_RAM) && !rom_too)
		return 0;
	set_dirty(flags);
	if (*flags & MEM_RAM && write_remotely(m, gpa, buf, len))
		return 0;
	mem_note_write(m, gpa, len);
	if (*flags & MEM_RAM)
		memcpy(mem_hva(m, gpa), buf, len);
	else if (pwrite(m->fd, buf, len, mem_offset(m, gpa)) != (ssize_t)len)
		return -EIO;
	return 0;
}

static int write_range(struct mem *m, gpa_t gpa, const void *buf, size_t len,
		       bool rom_too)
{
	const uint8_t *p = buf;
	int err = 0;

	if (!all_backed(m, gpa, len))
		return -EFAULT;
	while (len && !err) {
		size_t n = PAGE_SIZE - (gpa & ~PAGE_MASK);

		if (n > len)
			n = len;
		err = write_page(m, gpa, p, n, rom_too);
		gpa += n;
		p += n;
		len -= n;
	}
	return err;
}

int mem_write(struct mem *m, gpa_t gpa, const void *buf, size_t len)
{
	return write_range(m, gpa, buf, len, false);
}

int mem_rom_load(struct mem *m, gpa_t gpa, const void *buf, size_t len)
{
	return write_range(m, gpa, buf, len, true);
}

void mem_dma_written(struct mem *m, gpa_t gpa, size_t len)
{
	while (len) {
		size_t n = PAGE_SIZE - (gpa & ~PAGE_MASK);

		if (n > len)
			n = len;
		if (mem_flags(m, gpa) & MEM_RAM) {
			set_dirty(&m->flags[gpa >> PAGE_SHIFT]);
			if (!write_remotely(m, gpa, NULL, n))
				mem_note_write(m, gpa, n);
		}
		gpa += n;
		len -= n;
	}
}

void *mem_direct(struct mem *m, gpa_t gpa, size_t len, bool write)
{
	if (!all_backed(m, gpa, len) ||
	    (m->remote && m->remote->waiting(m->trace_opaque)))
		return NULL;
	for (gpa_t p = gpa & PAGE_MASK; p < gpa + len; p += PAGE_SIZE)
		if (!(mem_flags(m, p) & MEM_RAM))
			return NULL;
	if (write)
		mem_dma_written(m, gpa, len);
	return mem_hva(m, gpa);
}

int mem_dirty_log(struct mem *m, bool on)
{
	return m->dirty ? m->dirty->log(m->dirty_opaque, on) : -ENOTSUP;
}

int mem_dirty_fetch(struct mem *m, uint64_t *bits)
{
	return m->dirty ? m->dirty->fetch(m->dirty_opaque, bits) : -ENOTSUP;
}

int mem_discard(struct mem *m, gpa_t gpa, size_t len)
{
	int err = 0;

	for (; len && !err; gpa += PAGE_SIZE, len -= PAGE_SIZE) {
		if (!(mem_flags(m, gpa) & MEM_RAM))
			return -EFAULT;
		mem_dma_written(m, gpa, PAGE_SIZE);
		if (fallocate(m->fd, FALLOC_FL_PUNCH_HOLE |
			      FALLOC_FL_KEEP_SIZE, mem_offset(m, gpa),
			      PAGE_SIZE))
			err = -errno;
		mem_dma_written(m, gpa, PAGE_SIZE);
	}
	return err;
}
