// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * New sparse images: header, descriptor, two grain directories with all their
 * tables, nothing else.
 *
 *	0 | 1 descriptor 20 | 21 RGD, tables | GD, tables | to a whole grain
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "backends/vmdk_format.h"
#include "hypervisor/types.h"

void vmdk_header_init(struct vmdk_header *h, uint64_t size)
{
	*h = (struct vmdk_header){
		.magic = VMDK_MAGIC,
		.version = 1,
		.flags = VMDK_NEWLINES | VMDK_REDUNDANT,
		.capacity = size / BLOCK_SECTOR,
		.grain_size = VMDK_GRAIN / BLOCK_SECTOR,
		.desc_offset = 1,
		.desc_size = VMDK_DESC_SECTORS,
		.gtes_per_gt = VMDK_GTES,
		.newlines = "\n \r\n",
	};
}

struct layout {
	unsigned tables;
	uint32_t gd_sectors, rgd, gd, end;
};

static void lay_out(struct layout *l, uint64_t size)
{
	uint64_t grains = (size + VMDK_GRAIN - 1) / VMDK_GRAIN;

	l->tables = (grains + VMDK_GTES - 1) / VMDK_GTES;
	l->gd_sectors = (l->tables * 4 + BLOCK_SECTOR - 1) / BLOCK_SECTOR;
	l->rgd = 1 + VMDK_DESC_SECTORS;
	l->gd = l->rgd + l->gd_sectors + l->tables * VMDK_GT_SECTORS;
	l->end = l->gd + l->gd_sectors + l->tables * VMDK_GT_SECTORS;
}

static int write_directory(int fd, const struct layout *l, uint32_t at)
{
	uint32_t *d = calloc(l->tables + 1, sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	for (unsigned n = 0; n < l->tables; n++)
		d[n] = at + l->gd_sectors + n * VMDK_GT_SECTORS;
	ret = file_write(fd, (uint64_t)at * BLOCK_SECTOR, d,
			 l->tables * sizeof(*d));
	free(d);
	return ret;
}

static int write_image(int fd, const char *file, const struct vmdk_create *c)
{
	char desc[VMDK_DESC_SECTORS * BLOCK_SECTOR] = "";
	struct vmdk_header h;
	struct layout l;
	int ret = vmdk_desc_print(desc, sizeof(desc), c, "monolithicSparse",
				  file);

	lay_out(&l, c->size);
	vmdk_header_init(&h, c->size);
	h.rgd_offset = l.rgd;
	h.gd_offset = l.gd;
	h.overhead = (l.end + h.grain_size - 1) / h.grain_size * h.grain_size;
	if (!ret && ftruncate(fd, h.overhead * BLOCK_SECTOR))
		ret = -errno;
	if (!ret)
		ret = write_directory(fd, &l, l.rgd);
	if (!ret)
		ret = write_directory(fd, &l, l.gd);
	if (!ret)
		ret = file_write(fd, BLOCK_SECTOR, desc, sizeof(desc));
	if (!ret)
		ret = file_write(fd, 0, &h, sizeof(h));
	return ret || !fsync(fd) ? ret : -errno;
}

int vmdk_create(const char *file, const struct vmdk_create *c, char *err)
{
	int fd, ret;

	/* What 32-bit sector numbers can reach. */
	if (c->size > 2ull << 40)
		return block_fail(err, -EFBIG, file, "a VMDK sparse disk has "
				  "2 TiB at most");
	fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return block_fail(err, -errno, file, "%s", strerror(errno));
	ret = write_image(fd, file, c);
	close(fd);
	if (!ret)
		return 0;
	unlink(file);
	return block_fail(err, ret, file, "%s", ret == -ENAMETOOLONG ?
			  "the parent's name is too long" : strerror(-ret));
}
