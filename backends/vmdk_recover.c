// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VMDK images and crashes.
 *
 * A sparse image has its grain tables twice.  A new grain is written to the
 * end of the file first, then its entry in the (primary) table: the process
 * may die at any moment, and the page cache has both in order.  If the host
 * dies instead, the entry may reach the disk and the grain not.  Therefore the
 * redundant tables are written only by a flush, between two fdatasync: what
 * they point to is on the disk.
 *
 *	write:	grain -> primary entry -> done
 *	flush:	fdatasync -> redundant tables -> fdatasync -> done
 *
 * Which of the two is right after a crash depends on who died, and the header
 * remembers which boot of the host the image was open under: under the same
 * boot the page cache is alive and the primary tables are right; under another
 * one, the redundant tables.  An image without redundant tables is synced
 * before each new entry instead.
 *
 *	clean --first write--> unclean, boot id, new CID --close--> clean
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "backends/vmdk_format.h"

static const char tag[8] = "umbraVM1";

/* The boot id is read before any sandbox, when the image is opened. */
static void host_boot_id(char *id)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

	memset(id, '?', sizeof(((struct vmdk_header *)0)->boot_id));
	if (fd < 0)
		return;
	file_read(fd, 0, id, sizeof(((struct vmdk_header *)0)->boot_id));
	close(fd);
}

bool vmdk_trust_redundant(const struct vmdk *v)
{
	char id[sizeof(v->head.boot_id)];

	if (!v->rgd || !v->head.unclean ||
	    memcmp(v->head.tag, tag, sizeof(tag)))
		return false;
	host_boot_id(id);
	return *id == '?' || memcmp(id, v->head.boot_id, sizeof(id));
}

/*
 * Both sets of tables become the right one.  The entries may be new to the
 * disk, so what they point to has to be there first.
 */
static int resync(struct vmdk *v, bool from_redundant)
{
	uint8_t good[VMDK_GTES * 4], other[VMDK_GTES * 4];
	int ret = file_sync(v->fd);

	for (unsigned n = 0; !ret && n < v->tables; n++) {
		uint64_t p = (uint64_t)v->gd[n] * BLOCK_SECTOR;
		uint64_t r = (uint64_t)v->rgd[n] * BLOCK_SECTOR;

		ret = file_read(v->fd, from_redundant ? r : p, good,
				sizeof(good));
		if (!ret)
			ret = file_read(v->fd, from_redundant ? p : r, other,
					sizeof(other));
		if (!ret && memcmp(good, other, sizeof(good)))
			ret = file_write(v->fd, from_redundant ? p : r, good,
					 sizeof(good));
	}
	return ret ? ret : file_sync(v->fd);
}

int vmdk_recover(struct vmdk *v)
{
	int ret;

	if (!v->head.unclean) {
		host_boot_id(v->head.boot_id);
		return 0;
	}
	ret = v->rgd ? resync(v, vmdk_trust_redundant(v)) : 0;
	return ret ? ret : vmdk_unstamp(v);
}

int vmdk_unstamp(struct vmdk *v)
{
	int ret;

	v->head.unclean = 0;
	memset(v->head.tag, 0, sizeof(v->head.tag));
	memset(v->head.boot_id, 0, sizeof(v->head.boot_id));
	ret = file_write(v->fd, 0, &v->head, sizeof(v->head));
	/* For the next stamp, which may be made in a sandbox. */
	host_boot_id(v->head.boot_id);
	return ret ? ret : file_sync(v->fd);
}

int vmdk_stamp(struct vmdk *v)
{
	uint32_t cid = vmdk_new_cid();
	int ret;

	v->head.unclean = 1;
	memcpy(v->head.tag, tag, sizeof(tag));
	ret = file_write(v->fd, 0, &v->head, sizeof(v->head));
	if (!ret)
		ret = vmdk_desc_patch(v, "CID", cid);
	if (!ret)
		ret = file_sync(v->fd);
	if (ret)
		return ret;
	v->desc.cid = cid;
	v->stamped = true;
	return 0;
}

int vmdk_adopt(struct block *child, struct block *parent)
{
	struct vmdk *c = (struct vmdk *)child, *p = (struct vmdk *)parent;
	int ret = 0;

	if (child->ops != &vmdk_ops || parent->ops != &vmdk_ops)
		return -EINVAL;
	if (!p->stamped)
		ret = vmdk_stamp(p);
	if (!ret)
		ret = vmdk_desc_patch(c, "parentCID", p->desc.cid);
	return ret ? ret : file_sync(c->fd);
}
