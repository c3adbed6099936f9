// SPDX-License-Identifier: GPL-2.0-or-later
/* The file below an image; see block_file.h. */
#define _GNU_SOURCE
#include "backends/block_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>	/* BLKGETSIZE64 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/offer.h"
#include "hypervisor/types.h"

int block_fail(char *err, int code, const char *name, const char *fmt, ...)
{
	int n = snprintf(err, BLOCK_ERR_LEN, "%s: ", name);
	va_list ap;

	va_start(ap, fmt);
	if (n < BLOCK_ERR_LEN)
		vsnprintf(err + n, BLOCK_ERR_LEN - n, fmt, ap);
	va_end(ap);
	return code;
}

/*
 * QEMU's protocol (its docs/devel/, "image locking"): who uses a permission
 * holds a shared lock on byte 100 + its number; who does not allow it to
 * others, on byte 200 + its number.  A conflict is somebody else's lock on the
 * opposite byte.
 */
#define LOCK_USED	100
#define LOCK_DENIED	200

static const struct {
	uint8_t number;
	bool writers_only;	/* readers do not use it */
	bool denied;		/* to others, by readers, too */
} permissions[] = {
	{ 0, false, false },	/* consistent read */
	{ 1, true, true },	/* write */
	{ 3, true, true },	/* resize */
};

static int lock_byte(int fd, int cmd, off_t byte, short type, short *found)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET,
			    .l_start = byte, .l_len = 1 };

	if (fcntl(fd, cmd, &fl))
		return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	*found = fl.l_type;
	return 0;
}

static int lock_take(int fd, off_t byte)
{
	short unused;

	return lock_byte(fd, F_OFD_SETLK, byte, F_RDLCK, &unused);
}

static int lock_test(int fd, off_t byte)
{
	short found;
	int ret = lock_byte(fd, F_OFD_GETLK, byte, F_WRLCK, &found);

	return ret ? ret : found == F_UNLCK ? 0 : -EBUSY;
}

int file_lock(int fd, bool read_only)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < ARRAY_SIZE(permissions); i++) {
		if (!read_only || !permissions[i].writers_only)
			ret = lock_take(fd, LOCK_USED + permissions[i].number);
		if (!ret && permissions[i].denied)
			ret = lock_take(fd,
					LOCK_DENIED + permissions[i].number);
	}
	for (unsigned i = 0; !ret && i < ARRAY_SIZE(permissions); i++) {
		if (!read_only || !permissions[i].writers_only)
			ret = lock_test(fd,
					LOCK_DENIED + permissions[i].number);
		if (!ret && permissions[i].denied)
			ret = lock_test(fd, LOCK_USED + permissions[i].number);
	}
	return ret;
}

static int lock_or_fail(int fd, const struct block_config *cfg, char *err)
{
	int ret = cfg->no_lock ? 0 : file_lock(fd, cfg->read_only);

	if (ret == -EBUSY)
		return block_fail(err, ret, cfg->file, "is in use, by another "
				  "process or twice here (file.locking=off "
				  "opens it all the same)");
	return ret ? block_fail(err, ret, cfg->file, "cannot be locked: %s "
				"(file.locking=off does without)",
				strerror(-ret)) : 0;
}

static int file_size(int fd, uint64_t *size)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	*size = st.st_size;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISBLK(st.st_mode))
		return ioctl(fd, BLKGETSIZE64, size) ? -errno : 0;
	return S_ISREG(st.st_mode) ? 0 : -ENOTBLK;
}

static int open_failed(const struct block_config *cfg, int ret, char *err)
{
	const char *next = "";

	if ((ret == -EACCES || ret == -EROFS || ret == -EPERM) &&
	    !cfg->read_only)
		next = " (open it read-only with readonly=on)";
	else if (ret == -EINVAL && cfg->cache == BLOCK_DIRECT)
		next = " (the file system may not know O_DIRECT)";
	return block_fail(err, ret, cfg->file, "%s%s", ret == -ENOTBLK ?
			  "is neither a file nor a block device" :
			  strerror(-ret), next);
}

int file_open(const struct block_config *cfg, uint64_t *size, char *err)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (cfg->read_only ? O_RDONLY : O_RDWR);
	int fd, ret;

	if (cfg->cache == BLOCK_DIRECT || cfg->cache == BLOCK_DIRECTSYNC)
		flags |= O_DIRECT;
	fd = offer_open(cfg->file, flags);
	if (fd < 0)
		return open_failed(cfg, fd, err);
	ret = file_size(fd, size);
	ret = ret ? open_failed(cfg, ret, err) : lock_or_fail(fd, cfg, err);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

int file_read(int fd, uint64_t off, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		p += n;
		off += n;
		len -= n;
	}
	memset(p, 0, len);
	return 0;
}

int file_read_all(int fd, uint64_t off, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

int file_write(int fd, uint64_t off, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = pwrite(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

int file_sync(int fd)
{
	return fdatasync(fd) ? -errno : 0;
}

int file_punch(int fd, uint64_t off, uint64_t len)
{
	if (!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, off,
		       len))
		return 0;
	/* A discard is a hint, and not every file system can follow it. */
	return errno == EOPNOTSUPP || errno == ENODEV ? 0 : -errno;
}

char *file_beside(const char *file, const char *hint)
{
	const char *slash = strrchr(file, '/');
	size_t dir = *hint != '/' && slash ? slash + 1 - file : 0;
	size_t n = strlen(hint) + 1;
	char *path = malloc(dir + n);

	if (!path)
		return NULL;
	memcpy(path, file, dir);
	memcpy(path + dir, hint, n);
	return path;
}
