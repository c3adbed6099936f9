// SPDX-License-Identifier: GPL-2.0-or-later
/* What all images have in common; see block.h. */
#include "backends/block.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "backends/offer.h"
#include "backends/vmdk.h"
#include "hypervisor/types.h"

static const struct format {
	const char *name;
	const char *ending;	/* of file names; NULL: none */
	const char *magic;	/* the file's first bytes; NULL: none */
	int (*open)(struct block **out, const struct block_config *cfg,
		    char *err);
} formats[] = {
	{ "raw", NULL, NULL, raw_open },
	{ "vmdk", ".vmdk", "KDMV", vmdk_open },
	{ "qcow2", ".qcow2", "QFI\xfb", qcow2_open },
	{ "nbd", NULL, NULL, nbd_open },
};

#define FORMAT_RAW	(&formats[0])
#define FORMAT_NBD	(&formats[3])

static const struct format *format_named(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static bool ends_with(const char *s, const char *ending)
{
	size_t n = strlen(s), m = strlen(ending);

	return n > m && !strcasecmp(s + n - m, ending);
}

static const struct format *format_by_name(const char *file)
{
	if (!strncmp(file, "nbd:", 4) || !strncmp(file, "nbd+unix:", 9))
		return FORMAT_NBD;
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (formats[i].ending && ends_with(file, formats[i].ending))
			return &formats[i];
	return FORMAT_RAW;
}

/* The format whose magic number the file begins with, or NULL. */
static const struct format *format_by_magic(const char *file)
{
	int fd = offer_open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char head[4] = "";
	ssize_t n;

	if (fd < 0)
		return NULL;	/* opening it as raw will say why */
	n = pread(fd, head, sizeof(head), 0);
	close(fd);
	for (unsigned i = 0; i < ARRAY_SIZE(formats); i++)
		if (n == sizeof(head) && formats[i].magic &&
		    !memcmp(head, formats[i].magic, sizeof(head)))
			return &formats[i];
	return NULL;
}

static int choose_format(const struct format **out,
			 const struct block_config *cfg, char *err)
{
	const struct format *looks;

	if (cfg->format) {
		*out = format_named(cfg->format);
		return *out ? 0 : block_fail(err, -EINVAL, cfg->format,
					     "no such format (raw, vmdk, "
					     "qcow2 or nbd)");
	}
	*out = format_by_name(cfg->file);
	if (*out != FORMAT_RAW)
		return 0;
	looks = format_by_magic(cfg->file);
	return looks ? block_fail(err, -EINVAL, cfg->file, "begins like %s "
				  "(say format=%s, or format=raw if it is a "
				  "disk)", looks->name, looks->name) : 0;
}

/* An image and the child in front of it that takes the writes. */
static int open_snapshot(struct block **out, const struct block_config *cfg,
			 char *err)
{
	struct block_config base = *cfg;
	int ret;

	base.snapshot = false;
	base.read_only = true;
	ret = block_open(out, &base, err);
	if (ret)
		return ret;
	ret = vmdk_open_temporary(out, *out, err);
	if (!ret)
		(*out)->no_flush = true;
	return ret;
}

int block_open(struct block **out, const struct block_config *cfg, char *err)
{
	const struct format *f;
	struct block_config c = *cfg;
	int ret;

	*out = NULL;
	if (c.snapshot && !c.read_only)
		return open_snapshot(out, cfg, err);
	ret = choose_format(&f, &c, err);
	if (ret)
		return ret;
	ret = f->open(out, &c, err);
	if (ret)
		return ret;
	(*out)->name = strdup(c.file);
	if (!(*out)->name) {
		block_close(*out);
		*out = NULL;
		return block_fail(err, -ENOMEM, c.file, "out of memory");
	}
	(*out)->writethrough = c.cache == BLOCK_WRITETHROUGH ||
			       c.cache == BLOCK_DIRECTSYNC;
	(*out)->no_flush = c.cache == BLOCK_UNSAFE;
	(*out)->no_discard = !c.discard;
	return 0;
}

void block_close(struct block *b)
{
	struct block *parent;
	char *name;

	if (!b)
		return;
	parent = b->parent;
	name = b->name;
	b->ops->close(b);
	free(name);
	block_close(parent);
}

int block_open_parent(struct block **out, const struct block_config *child,
		      const char *hint, const char *format, char *err)
{
	struct block_config cfg = { .format = format, .read_only = true,
				    .no_lock = child->no_lock,
				    .depth = child->depth + 1 };
	char why[BLOCK_ERR_LEN], *path;
	int ret;

	if (cfg.depth > BLOCK_DEPTH_MAX)
		return block_fail(err, -ELOOP, child->file, "has more than %d "
				  "parents", BLOCK_DEPTH_MAX);
	path = file_beside(child->file, hint);
	if (!path)
		return block_fail(err, -ENOMEM, child->file, "out of memory");
	cfg.file = path;
	ret = block_open(out, &cfg, why);
	free(path);
	return ret ? block_fail(err, ret, child->file, "parent %s", why) : 0;
}

int block_read_parent(struct block *b, uint64_t off, void *buf, size_t len)
{
	struct block *p = b->parent;
	size_t n = 0;
	int ret = 0;

	if (p && off < p->size)
		n = len < p->size - off ? len : p->size - off;
	if (n)
		ret = block_read(p, off, buf, n);
	memset((char *)buf + n, 0, len - n);
	return ret;
}

static int check_range(const struct block *b, uint64_t off, uint64_t len)
{
	if ((off | len) % BLOCK_SECTOR)
		return -EINVAL;
	return off > b->size || len > b->size - off ? -ENOSPC : 0;
}

int block_read(struct block *b, uint64_t off, void *buf, size_t len)
{
	int ret = check_range(b, off, len);

	return ret || !len ? ret : b->ops->read(b, off, buf, len);
}

static int after_write(struct block *b, int ret)
{
	return ret || !b->writethrough ? ret : block_flush(b);
}

int block_write(struct block *b, uint64_t off, const void *buf, size_t len)
{
	int ret = b->read_only ? -EROFS : check_range(b, off, len);

	if (ret || !len)
		return ret;
	return after_write(b, b->ops->write(b, off, buf, len));
}

static int check_vector(const struct block *b, uint64_t off,
			const struct iovec *iov, int n)
{
	uint64_t sum = 0;

	for (int i = 0; i < n; i++) {
		if (iov[i].iov_len % BLOCK_SECTOR)
			return -EINVAL;
		if (__builtin_add_overflow(sum, iov[i].iov_len, &sum))
			return -ENOSPC;
	}
	return check_range(b, off, sum);
}

int block_readv(struct block *b, uint64_t off, const struct iovec *iov, int n)
{
	int ret = check_vector(b, off, iov, n);

	if (!ret && b->ops->readv)
		return b->ops->readv(b, off, iov, n);
	for (int i = 0; !ret && i < n; i++) {
		ret = block_read(b, off, iov[i].iov_base, iov[i].iov_len);
		off += iov[i].iov_len;
	}
	return ret;
}

int block_writev(struct block *b, uint64_t off, const struct iovec *iov,
		 int n)
{
	int ret = b->read_only ? -EROFS : check_vector(b, off, iov, n);

	if (!ret && b->ops->writev)
		return after_write(b, b->ops->writev(b, off, iov, n));
	for (int i = 0; !ret && i < n; i++) {
		size_t len = iov[i].iov_len;

		if (len)
			ret = b->ops->write(b, off, iov[i].iov_base, len);
		off += len;
	}
	return after_write(b, ret);
}

int block_try_readv(struct block *b, uint64_t off, const struct iovec *iov,
		    int n)
{
	int ret = check_vector(b, off, iov, n);

	if (ret)
		return ret;
	return b->ops->try_readv ? b->ops->try_readv(b, off, iov, n) : -EAGAIN;
}

int block_try_writev(struct block *b, uint64_t off, const struct iovec *iov,
		     int n)
{
	int ret = b->read_only ? -EROFS : check_vector(b, off, iov, n);

	if (ret)
		return ret;
	return b->ops->try_writev && !b->writethrough ?
	       b->ops->try_writev(b, off, iov, n) : -EAGAIN;
}

int block_flush(struct block *b)
{
	if (b->read_only || b->no_flush || !b->ops->flush)
		return 0;
	return b->ops->flush(b);
}

int block_discard(struct block *b, uint64_t off, uint64_t len)
{
	int ret = b->read_only ? -EROFS : check_range(b, off, len);

	if (ret || !len || b->no_discard || !b->ops->discard)
		return ret;
	return b->ops->discard(b, off, len);
}

int block_extent(struct block *b, uint64_t off, uint64_t *len)
{
	if (off >= b->size)
		return -ENOSPC;
	if (*len > b->size - off)
		*len = b->size - off;
	return b->ops->extent ? b->ops->extent(b, off, len) : BLOCK_DATA;
}

bool block_is_zero(const void *buf, size_t len)
{
	const char *p = buf;

	return !len || (!*p && !memcmp(p, p + 1, len - 1));
}
