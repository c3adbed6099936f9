/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest-physical memory: one memfd, mapped once so that the host address of a
 * RAM or ROM byte is always base + gpa.  Holes in the guest-physical map are
 * PROT_NONE.  Everything that is neither RAM nor ROM belongs to an MMIO region
 * or to nobody.
 *
 * Pages that an engine watches (translated code) carry MEM_TRACED; every write
 * that does not come from translated code goes through mem_write() or calls
 * mem_note_write(), so that the watcher hears of it.
 *
 * Besides RAM there are blocks: ROM images and frame buffers that appear in the
 * guest-physical map where, and as long as, somebody maps them.  They lie in
 * the same memfd, behind the bytes that stand for guest-physical addresses.
 *
 * Threads: the map is changed while no vCPU runs, or by a vCPU thread from
 * inside a bus callback (lock held); each change is announced through
 * mem->changed, so that engines drop what they know before the next guest
 * instruction.  The flag bytes are read anywhere and changed by the vCPU
 * thread.
 */
#ifndef HYPERVISOR_MEM_H
#define HYPERVISOR_MEM_H

#include "hypervisor/types.h"

/* Where RAM above the PCI hole continues; the hole is 3 GiB .. 4 GiB. */
#define MEM_LOW_MAX	(3 * GIB)
#define MEM_HIGH_BASE	(4 * GIB)

/* Page flags, one byte per guest-physical page. */
#define MEM_RAM		0x01	/* backed by the memfd, readable */
#define MEM_ROM		0x02	/* backed, writes are dropped */
#define MEM_TRACED	0x04	/* a watcher wants to hear of writes first */
#define MEM_DIRTY	0x08	/* written by C code (no one clears it yet) */

struct loop;
struct mem;

/* Called before (old contents still in place) a write of @len bytes. */
typedef void mem_trace_fn(void *opaque, gpa_t gpa, size_t len);

/*
 * An engine that must hear of writes on its own thread; for writes by others
 * (DMA), see fullvirt/bt/remote.c.  Lock held.
 */
struct mem_remote_ops {
	/*
	 * About to write @len bytes within one page of RAM; @buf NULL: they
	 * were written past us.  True: done, or put off.  False: the caller
	 * is on the engine's thread and goes on by itself.
	 */
	bool (*write)(void *opaque, gpa_t gpa, const void *buf, size_t len);
	/* Copy [gpa, gpa+len), with what was put off in its place. */
	void (*read)(void *opaque, gpa_t gpa, void *buf, size_t len);
	/* Is anything put off? */
	bool (*waiting)(void *opaque);
};

/*
 * The map changed in [gpa, gpa+len): pages went, came, or have other
 * contents.  Lock held.
 */
typedef void mem_changed_fn(void *opaque, gpa_t gpa, uint64_t len);

/* Who knows which pages were written; see mem_dirty_log().  No vCPU runs. */
struct mem_dirty_ops {
	int (*log)(void *opaque, bool on);
	int (*fetch)(void *opaque, uint64_t *bits);
};

/* @size is 1, 2, 4 or 8 bytes; the address is relative to the region. */
struct mmio_ops {
	uint64_t (*read)(void *opaque, gpa_t off, unsigned size);
	void (*write)(void *opaque, gpa_t off, unsigned size, uint64_t val);
};

struct mem {
	int fd;			/* the memfd; offset of a byte: mem_offset() */
	uint8_t *base;		/* HVA of gpa 0 */
	uint64_t ram_size;	/* bytes, page-aligned */
	gpa_t top;		/* first gpa beyond the map, page-aligned */
	uint8_t *flags;		/* MEM_* for each page below top */
	mem_trace_fn *trace;
	void *trace_opaque;	/* remote's, too */
	const struct mem_remote_ops *remote;	/* may be NULL */
	mem_changed_fn *changed;	/* may be NULL */
	void *changed_opaque;
	const struct mem_dirty_ops *dirty;	/* may be NULL */
	void *dirty_opaque;
	/*
	 * Which page of the memfd stands behind each page: its number plus
	 * one, or 0 for the page of the same number.
	 */
	uint32_t *backing;
	/* HVA of the RAM below 1 MiB, whatever the map shows there. */
	uint8_t *low;
	uint64_t file_size;	/* bytes of the memfd: top, then blocks */
	/* ANDed to every address on the bus: all ones, or without bit 20. */
	gpa_t a20_mask;
	struct mmio_region *regions;
	unsigned nregions;
	uint64_t unowned_reads, unowned_writes;
	/* Taken around each call into a region; NULL: the caller's affair. */
	struct loop *lock;
};

/*
 * @ram_size: bytes, a multiple of 4 KiB, at least 1 MiB.
 * Returns 0, -EINVAL, -ENOMEM or what memfd_create/mmap report.
 */
int mem_create(struct mem **out, uint64_t ram_size);
void mem_destroy(struct mem *m);

/*
 * Turn [gpa, gpa+size) (page-aligned) from RAM into ROM (read-only to the
 * guest, host writes through mem_rom_load), into nothing (MMIO or unowned),
 * or back into RAM.  Ranges above RAM become backed.
 */
int mem_set_rom(struct mem *m, gpa_t gpa, uint64_t size);
int mem_set_hole(struct mem *m, gpa_t gpa, uint64_t size);
int mem_set_ram(struct mem *m, gpa_t gpa, uint64_t size);

/* Host memory for mem_map_block(). */
struct mem_block {
	uint64_t size;		/* bytes, page-aligned */
	uint64_t offset;	/* in the memfd */
	uint8_t *hva;		/* always readable and writable */
};

/*
 * @size: bytes, a multiple of 4 KiB; zeroed.  Before the VM runs.
 * Returns 0, -EINVAL, -ENOMEM or what ftruncate/mmap report.
 */
int mem_block_create(struct mem *m, uint64_t size, struct mem_block **out);
/* Must not be mapped any more.  Its pages go back with the memfd. */
void mem_block_destroy(struct mem_block *b);

/*
 * Let the whole of @b answer at @gpa as MEM_RAM or MEM_ROM, instead of a hole.
 * Returns 0, -EEXIST if anything is there already, -EINVAL outside the map.
 */
int mem_map_block(struct mem *m, gpa_t gpa, const struct mem_block *b,
		  uint8_t kind);
/* As above for @size bytes at @offset of @b, and over whatever is there. */
int mem_cover(struct mem *m, gpa_t gpa, uint64_t size,
	      const struct mem_block *b, uint64_t offset, uint8_t kind);
/* Back to a hole. */
void mem_unmap_block(struct mem *m, gpa_t gpa, uint64_t size);

/*
 * Address line 20: while @open is false, bit 20 of every address is 0.
 * Engines apply mem->a20_mask where a linear address becomes physical.
 */
void mem_set_a20(struct mem *m, bool open);

/* Register an MMIO region; @gpa and @size in bytes.  -EEXIST on overlap. */
int mem_add_mmio(struct mem *m, gpa_t gpa, uint64_t size,
		 const struct mmio_ops *ops, void *opaque, const char *name);
/* Remove the region that begins at @gpa.  -ENOENT if there is none. */
int mem_del_mmio(struct mem *m, gpa_t gpa);

/* The flag byte of the page of @gpa; 0 outside the map. */
static inline uint8_t mem_flags(const struct mem *m, gpa_t gpa)
{
	return gpa < m->top ? m->flags[gpa >> PAGE_SHIFT] : 0;
}

static inline bool mem_backed(const struct mem *m, gpa_t gpa)
{
	return mem_flags(m, gpa) & (MEM_RAM | MEM_ROM);
}

/* HVA of @gpa, which must be backed. */
static inline uint8_t *mem_hva(const struct mem *m, gpa_t gpa)
{
	return m->base + gpa;
}

/* Offset of @gpa (backed) in the memfd. */
uint64_t mem_offset(const struct mem *m, gpa_t gpa);

/* Are [gpfn, gpfn+n) all backed, and one piece of the memfd? */
bool mem_contiguous(const struct mem *m, uint64_t gpfn, uint64_t n);

/*
 * Copy between the guest's RAM/ROM and host memory, any length, for loaders
 * and DMA; any thread, lock held.  Writes announce themselves to the trace and
 * are dropped on ROM.  A write by another thread than the vCPU's may take
 * effect a little later, but before every later one, and before the guest gets
 * an interrupt that was raised after it.
 * Returns 0, or -EFAULT if any byte is not backed (nothing is copied then).
 */
int mem_read(struct mem *m, gpa_t gpa, void *buf, size_t len);
int mem_write(struct mem *m, gpa_t gpa, const void *buf, size_t len);

/*
 * The guest gives up [gpa, gpa+len) of RAM, page-aligned: it reads as zeros
 * from now on, and the host gets the pages back.  Any thread, lock held.
 * Returns 0, -EFAULT if it is not all RAM, or what fallocate reports.
 */
int mem_discard(struct mem *m, gpa_t gpa, size_t len);

/*
 * [gpa, gpa+len) of RAM itself, for a transfer that ends before the lock is
 * given up; @write: into it, mem_dma_written() is to be called afterwards.
 * NULL: use mem_read() and mem_write(), since it is not all RAM, or there are
 * writes of other threads that have not taken effect.  Lock held.
 */
void *mem_direct(struct mem *m, gpa_t gpa, size_t len, bool write);

/*
 * Host code (a read(2) in a worker thread, say) wrote [gpa, gpa+len) of RAM
 * through mem_hva().  To be called before that, too, if it is not the vCPU
 * thread that starts it.  Any thread, lock held.
 */
void mem_dma_written(struct mem *m, gpa_t gpa, size_t len);

/* As mem_write(), and writes ROM too: firmware and ROM loading. */
int mem_rom_load(struct mem *m, gpa_t gpa, const void *buf, size_t len);

/*
 * Note from now on which pages of RAM are written, by the guest, devices or
 * loaders (@on), or stop.  Paused, lock held.
 * Returns 0, or -ENOTSUP where the engine keeps no such log (bt, interp).
 */
int mem_dirty_log(struct mem *m, bool on);
/*
 * Set the bits of pages written since the log began or was last fetched in
 * @bits, one bit for each page below top.  As above; -EINVAL without a log.
 */
int mem_dirty_fetch(struct mem *m, uint64_t *bits);

/*
 * Tell the watcher that [gpa, gpa+len) is about to be written.  vCPU thread,
 * or no vCPU runs.
 */
static inline void mem_note_write(struct mem *m, gpa_t gpa, size_t len)
{
	if ((mem_flags(m, gpa) | mem_flags(m, gpa + len - 1)) & MEM_TRACED)
		m->trace(m->trace_opaque, gpa, len);
}

/*
 * One access to a page that is not backed, or a write to one that is ROM: finds
 * the MMIO region, or counts the access as unowned (reads give all ones; a
 * write to ROM that no region takes is dropped).  @size 1, 2, 4 or 8.
 * vCPU thread, m->lock not held.
 */
uint64_t mem_mmio_read(struct mem *m, gpa_t gpa, unsigned size);
void mem_mmio_write(struct mem *m, gpa_t gpa, unsigned size, uint64_t val);

#endif
