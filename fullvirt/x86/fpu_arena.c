/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host code for x87, MMX and SSE instructions, one slot each.  The pages are
 * mapped twice, writable and executable, never both at one address.
 */
#define _GNU_SOURCE	/* memfd_create */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fullvirt/x86/fpu.h"

#define ARENA_BYTES	(ARENA_SLOTS * ARENA_SLOT)
#define INSN_RET	0xc3

static int arena_map(struct fpu_arena *a)
{
	int fd = memfd_create("x86-fpu", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	a->rw = a->rx = MAP_FAILED;
	if (!ftruncate(fd, ARENA_BYTES)) {
		a->rw = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED, fd, 0);
		a->rx = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_EXEC,
			     MAP_SHARED, fd, 0);
	}
	close(fd);
	return a->rw == MAP_FAILED || a->rx == MAP_FAILED ? -ENOMEM : 0;
}

static void arena_unmap(struct fpu_arena *a)
{
	if (a->rw != MAP_FAILED)
		munmap(a->rw, ARENA_BYTES);
	if (a->rx != MAP_FAILED)
		munmap(a->rx, ARENA_BYTES);
}

int x86_fpu_init(struct x86 *x)
{
	struct fpu_arena *a = aligned_alloc(64, sizeof(*a));
	int err = -ENOMEM;

	if (!a)
		return err;
	memset(a, 0, sizeof(*a));
	err = arena_map(a);
	if (err) {
		arena_unmap(a);
		free(a);
		return err;
	}
	x->cache->fpu = a;
	return 0;
}

void x86_fpu_fini(struct x86 *x)
{
	arena_unmap(x->cache->fpu);
	free(x->cache->fpu);
}

void *fpu_code(struct fpu_arena *a, const struct insn *i)
{
	unsigned slot = i->code * 0x9e3779b97f4a7c15ULL >> 52;
	uint8_t *p = a->rw + slot * ARENA_SLOT;

	_Static_assert(ARENA_SLOTS == 1u << 12, "hash takes 12 bits");
	if (a->key[slot] != i->code) {
		store_raw(p, 8, i->code);
		p[i->code_len] = INSN_RET;
		a->key[slot] = i->code;
	}
	return a->rx + slot * ARENA_SLOT;
}
