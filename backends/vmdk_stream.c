// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * streamOptimized: compressed grains one behind the other, each with a marker
 * in front; tables and directory follow what they point to, a second header
 * (the footer) comes last and says where the directory is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "backends/vmdk_format.h"
#include "backends/zip.h"
#include "hypervisor/types.h"

/*
 * Reading.
 */

int vmdk_read_footer(int fd, uint64_t size, struct vmdk_header *h)
{
	/* Footer marker, footer, end-of-stream marker. */
	if (size < 3 * BLOCK_SECTOR)
		return -EIO;
	return file_read_all(fd, (size / BLOCK_SECTOR - 2) * BLOCK_SECTOR, h,
			     sizeof(*h));
}

int vmdk_inflate_grain(struct vmdk *v, uint32_t sector, uint64_t index,
		       void *buf)
{
	uint64_t off = (uint64_t)sector * BLOCK_SECTOR;
	uint64_t rest = v->base.size - index * v->grain;
	struct vmdk_grain_marker m;
	void *packed = NULL;
	int ret = file_read_all(v->fd, off, &m, sizeof(m));

	if (!ret && (m.lba != index * v->head.grain_size ||
		     !m.size || m.size > 2 * v->grain))
		ret = -EIO;
	if (!ret && !(packed = malloc(m.size)))
		ret = -ENOMEM;
	if (!ret)
		ret = file_read_all(v->fd, off + sizeof(m), packed, m.size);
	/* The last grain may end with the disk. */
	if (!ret)
		ret = zip_inflate(buf, rest < v->grain ? rest : v->grain,
				  packed, m.size, ZIP_ZLIB);
	free(packed);
	return ret;
}

/*
 * Writing: a stream, every part of it padded to sectors.
 */

struct export {
	int fd;
	uint64_t sector;		/* where the next part goes */
	struct vmdk_header head;
	uint32_t *gd;
	uint32_t gt[VMDK_GTES];
	bool gt_used;
	unsigned tables;
	char *plain, *packed;		/* a grain; marker and data */
};

static int put(struct export *e, const void *buf, size_t len)
{
	static const char zeros[BLOCK_SECTOR];
	size_t pad = -len % BLOCK_SECTOR;
	uint64_t off = e->sector * BLOCK_SECTOR;
	int ret = file_write(e->fd, off, buf, len);

	if (!ret && pad)
		ret = file_write(e->fd, off + len, zeros, pad);
	e->sector += (len + pad) / BLOCK_SECTOR;
	return !ret && e->sector > UINT32_MAX ? -EFBIG : ret;
}

static int put_marker(struct export *e, uint32_t type, uint64_t sectors)
{
	struct vmdk_marker m = { .sectors = sectors, .type = type };

	return put(e, &m, sizeof(m));
}

static int put_table(struct export *e, unsigned n)
{
	int ret;

	if (!e->gt_used)
		return 0;
	ret = put_marker(e, MARKER_GT, VMDK_GT_SECTORS);
	e->gd[n] = e->sector;
	if (!ret)
		ret = put(e, e->gt, sizeof(e->gt));
	memset(e->gt, 0, sizeof(e->gt));
	e->gt_used = false;
	return ret;
}

static int put_grain(struct export *e, uint64_t grain)
{
	struct vmdk_grain_marker *m = (void *)e->packed;
	size_t len;
	int ret = zip_deflate(e->packed + sizeof(*m), &len, e->plain,
			      VMDK_GRAIN);

	if (ret)
		return ret;
	m->lba = grain * (VMDK_GRAIN / BLOCK_SECTOR);
	m->size = len;
	e->gt[grain % VMDK_GTES] = e->sector;
	e->gt_used = true;
	return put(e, e->packed, sizeof(*m) + len);
}

/* Is there anything but zeros in the grain?  Reads it only if it may be. */
static int get_grain(struct export *e, struct block *src, uint64_t grain,
		     bool *used)
{
	uint64_t off = grain * VMDK_GRAIN, len = src->size - off;
	int ret;

	if (len > VMDK_GRAIN)
		len = VMDK_GRAIN;
	memset(e->plain + len, 0, VMDK_GRAIN - len);
	ret = block_read(src, off, e->plain, len);
	*used = !ret && !block_is_zero(e->plain, len);
	return ret;
}

static int put_grains(struct export *e, struct block *src)
{
	uint64_t grains = (src->size + VMDK_GRAIN - 1) / VMDK_GRAIN;
	int ret = 0;

	for (uint64_t g = 0; !ret && g < grains;) {
		uint64_t len = VMDK_GRAIN;
		bool used = false;

		if (block_extent(src, g * VMDK_GRAIN, &len) != BLOCK_ZERO ||
		    len < VMDK_GRAIN)
			ret = get_grain(e, src, g, &used);
		if (!ret && used)
			ret = put_grain(e, g);
		g++;
		if (!ret && (g % VMDK_GTES == 0 || g == grains))
			ret = put_table(e, (g - 1) / VMDK_GTES);
	}
	return ret;
}

static int put_head(struct export *e, const char *file, struct block *src)
{
	struct vmdk_create c = { .size = src->size,
				 .parent_cid = VMDK_NO_PARENT };
	char desc[VMDK_DESC_SECTORS * BLOCK_SECTOR] = "";
	int ret = vmdk_desc_print(desc, sizeof(desc), &c, "streamOptimized",
				  file);

	vmdk_header_init(&e->head, src->size);
	e->head.version = 3;
	e->head.flags = VMDK_NEWLINES | VMDK_COMPRESSED | VMDK_MARKERS;
	e->head.compression = VMDK_DEFLATE;
	e->head.rgd_offset = 0;
	e->head.gd_offset = VMDK_GD_AT_END;
	e->head.overhead = VMDK_GRAIN / BLOCK_SECTOR;
	if (!ret)
		ret = put(e, &e->head, sizeof(e->head));
	if (!ret)
		ret = put(e, desc, sizeof(desc));
	e->sector = e->head.overhead;
	return ret;
}

static int put_tail(struct export *e)
{
	uint64_t len = e->tables * sizeof(*e->gd);
	int ret = put_marker(e, MARKER_GD,
			     (len + BLOCK_SECTOR - 1) / BLOCK_SECTOR);

	e->head.gd_offset = e->sector;
	if (!ret)
		ret = put(e, e->gd, len);
	if (!ret)
		ret = put_marker(e, MARKER_FOOTER, 1);
	if (!ret)
		ret = put(e, &e->head, sizeof(e->head));
	return ret ? ret : put_marker(e, MARKER_EOS, 0);
}

static int export_to(struct export *e, const char *file, struct block *src)
{
	int ret;

	e->tables = (src->size / VMDK_GRAIN + VMDK_GTES) / VMDK_GTES;
	e->gd = calloc(e->tables, sizeof(*e->gd));
	e->plain = malloc(VMDK_GRAIN);
	e->packed = malloc(sizeof(struct vmdk_grain_marker) +
			   zip_bound(VMDK_GRAIN));
	ret = e->gd && e->plain && e->packed ? put_head(e, file, src) :
					       -ENOMEM;
	if (!ret)
		ret = put_grains(e, src);
	if (!ret)
		ret = put_tail(e);
	if (!ret)
		ret = file_sync(e->fd);
	free(e->gd);
	free(e->plain);
	free(e->packed);
	return ret;
}

int vmdk_export(const char *file, struct block *src, char *err)
{
	struct export e = { 0 };
	int ret;

	e.fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (e.fd < 0)
		return block_fail(err, -errno, file, "%s", strerror(errno));
	ret = export_to(&e, file, src);
	close(e.fd);
	if (!ret)
		return 0;
	unlink(file);
	return block_fail(err, ret, file, "%s", ret == -ENOTSUP ?
			  "built without zlib" : strerror(-ret));
}
