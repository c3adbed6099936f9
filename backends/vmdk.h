/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMDK sparse extents beyond what block.h offers: making them.  "Virtual Disk
 * Format 5.0" (VMware, 2011): monolithicSparse and streamOptimized.
 */
#ifndef BACKENDS_VMDK_H
#define BACKENDS_VMDK_H

#include "backends/block.h"

#define VMDK_NO_PARENT	0xffffffffu	/* a parentCID */

/*
 * A child of @parent whose contents are gone when it is closed: an unlinked
 * file in $TMPDIR (or /var/tmp).  Takes over @parent, of any format; closes it
 * on errors.  Returns 0, or a negative errno with a line in @err.
 */
int vmdk_open_temporary(struct block **out, struct block *parent, char *err);

struct vmdk_create {
	uint64_t size;			/* bytes, multiple of BLOCK_SECTOR */
	const char *parent_hint;	/* as the image shall name it, or NULL */
	uint32_t parent_cid;		/* VMDK_NO_PARENT without one */
};

/*
 * Make the empty monolithicSparse image @file, which must not exist, and sync
 * it.  Returns 0, or a negative errno with a line in @err.
 */
int vmdk_create(const char *file, const struct vmdk_create *c, char *err);

/*
 * Write the contents of @src, its parents' included, as a streamOptimized
 * image to the new file @file.  As vmdk_create().
 */
int vmdk_export(const char *file, struct block *src, char *err);

/* The content ID of a VMDK image; VMDK_NO_PARENT for other formats. */
uint32_t vmdk_cid(const struct block *b);
/* Does the image (VMDK) have a parent, and by which name?  NULL: none. */
const char *vmdk_parent_hint(const struct block *b);
/* "monolithicSparse" or "streamOptimized"; NULL for other formats. */
const char *vmdk_create_type(const struct block *b);

/*
 * For a commit: change the parent's content ID (@parent, writable) now, and
 * write it to @child, writable as well.  Returns 0 or a negative errno.
 */
int vmdk_adopt(struct block *child, struct block *parent);

struct vmdk_report {
	uint64_t grains;	/* allocated */
	uint64_t outside;	/* entries that point out of the file */
	uint64_t shared;	/* entries that point into another's grain */
	uint64_t leaked;	/* bytes of the file that nothing points to */
	uint64_t differing;	/* entries of the redundant tables */
	bool unclean;		/* not closed: open it read-write to recover */
};

/* Look at every grain table of a VMDK image.  0 or a negative errno. */
int vmdk_check(struct block *b, struct vmdk_report *r);

#endif
