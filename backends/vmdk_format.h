/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMDK on disk and in memory; for backends/vmdk_*.c only.  Numbers on disk
 * are little-endian, as those of every host that runs Umbra.
 */
#ifndef BACKENDS_VMDK_FORMAT_H
#define BACKENDS_VMDK_FORMAT_H

#include <pthread.h>

#include "backends/vmdk.h"

#define VMDK_MAGIC		0x564d444bu	/* "KDMV" */
#define VMDK_NEWLINES		0x00000001u	/* flag: the four are there */
#define VMDK_REDUNDANT		0x00000002u	/* there is a redundant GD */
#define VMDK_ZEROED		0x00000004u	/* entry 1: a grain of zeros */
#define VMDK_COMPRESSED		0x00010000u
#define VMDK_MARKERS		0x00020000u
#define VMDK_GD_AT_END		0xffffffffffffffffull
#define VMDK_DEFLATE		1
#define VMDK_GTES		512u	/* entries of every grain table */
#define VMDK_GT_SECTORS		4u	/* of 4 bytes each */
#define VMDK_DESC_SECTORS	20u	/* of the images that we make */
#define VMDK_GRAIN		65536u	/* bytes; likewise */
#define VMDK_ENTRY_NONE		0u
#define VMDK_ENTRY_ZERO		1u

/* "Hosted Sparse Extent Header". */
struct vmdk_header {
	uint32_t magic, version, flags;
	uint64_t capacity;		/* sectors, as all below */
	uint64_t grain_size;
	uint64_t desc_offset, desc_size;
	uint32_t gtes_per_gt;
	uint64_t rgd_offset, gd_offset;
	uint64_t overhead;
	uint8_t unclean;
	char newlines[4];
	uint16_t compression;
	/*
	 * Padding to others.  While an image is open for writing we note
	 * which boot of the host it is open under, see vmdk_recover.c.
	 */
	char tag[8];
	char boot_id[36];
	uint8_t pad[389];
} __attribute__((packed));

_Static_assert(sizeof(struct vmdk_header) == 512, "one sector");

/* In front of metadata of streamOptimized images, a sector. */
struct vmdk_marker {
	uint64_t sectors;		/* that follow */
	uint32_t size;			/* 0 */
	uint32_t type;
	uint8_t pad[496];
} __attribute__((packed));

enum { MARKER_EOS, MARKER_GT, MARKER_GD, MARKER_FOOTER };

/* In front of each compressed grain. */
struct vmdk_grain_marker {
	uint64_t lba;			/* sectors, in the disk */
	uint32_t size;			/* bytes that follow */
} __attribute__((packed));

struct vmdk_desc {
	uint32_t cid, parent_cid;
	char type[32];
	char *parent_hint;		/* on the heap; NULL: none */
	struct block_geometry geometry;
};

struct vmdk {
	struct block base;
	int fd;
	struct vmdk_header head;
	struct vmdk_desc desc;
	bool temporary;			/* the tables are only in memory */
	bool use_redundant;		/* read-only after a crash */
	bool stamped;			/* marked as unclean, CID changed */
	uint64_t grain;			/* bytes */
	uint64_t grains;		/* of the disk */
	unsigned tables;
	uint32_t *gd, *rgd;		/* sectors; rgd NULL: not redundant */
	uint32_t **gt;			/* NULL: not loaded yet */
	uint8_t *dirty;			/* the redundant table is behind */
	uint64_t end;			/* bytes; the next grain goes there */
	/*
	 * Readers of entries and writers to allocated grains share it; who
	 * allocates has it alone.  flush_lock is taken before it.
	 */
	pthread_rwlock_t lock;
	pthread_mutex_t flush_lock, load_lock;
	/* streamOptimized: the grain read last, under load_lock. */
	uint8_t *cache;
	uint64_t cached;		/* its number; UINT64_MAX: none */
};

extern const struct block_ops vmdk_ops;

/* The table of @n, loaded if need be.  0 or a negative errno. */
int vmdk_table(struct vmdk *v, unsigned n, uint32_t **out);

/*
 * After a crash (unclean, of this or another boot): make both sets of tables
 * the one that is right.  Writable images only.
 */
int vmdk_recover(struct vmdk *v);
/* Mark as open for writing with a new content ID, and sync.  lock: alone. */
int vmdk_stamp(struct vmdk *v);
/* Everything was flushed: take the mark away. */
int vmdk_unstamp(struct vmdk *v);
/* Which tables to believe in an unclean image. */
bool vmdk_trust_redundant(const struct vmdk *v);

/* Parse @text (@len bytes, no NUL needed).  -EINVAL with *why, -ENOMEM. */
int vmdk_desc_parse(struct vmdk_desc *d, const char *text, size_t len,
		    const char **why);
void vmdk_desc_fini(struct vmdk_desc *d);
/* Text of a new descriptor in @buf (@len bytes).  -ENAMETOOLONG. */
int vmdk_desc_print(char *buf, size_t len, const struct vmdk_create *c,
		    const char *type, const char *file);
/* Put @id behind "@key=" in the image's own descriptor. */
int vmdk_desc_patch(struct vmdk *v, const char *key, uint32_t id);
uint32_t vmdk_new_cid(void);

/* Decompress grain @index, whose marker is at @sector, to @buf. */
int vmdk_inflate_grain(struct vmdk *v, uint32_t sector, uint64_t index,
		       void *buf);
/* The header at the end of a streamOptimized file of @size bytes. */
int vmdk_read_footer(int fd, uint64_t size, struct vmdk_header *h);

/* A header with our defaults. */
void vmdk_header_init(struct vmdk_header *h, uint64_t size);

#endif
