// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "backends/offer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define OFFERS_MAX	16

static struct {
	const char *path;	/* the caller's */
	int fd;
} offers[OFFERS_MAX];
static unsigned count;

int offer_add(const char *path, int fd)
{
	if (count == OFFERS_MAX)
		return -ENOSPC;
	offers[count].path = path;
	offers[count++].fd = fd;
	return 0;
}

void offer_clear(void)
{
	count = 0;
}

/* A copy of an offered descriptor, with the access that is asked for. */
static int offer_take(int fd, int flags)
{
	int have = fcntl(fd, F_GETFL), copy;

	if (have < 0)
		return -errno;
	if ((flags & O_ACCMODE) != O_RDONLY && (have & O_ACCMODE) != O_RDWR)
		return -EACCES;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return copy < 0 ? -errno : copy;
}

int offer_open(const char *path, int flags)
{
	int fd;

	for (unsigned i = 0; i < count; i++)
		if (!strcmp(offers[i].path, path))
			return offer_take(offers[i].fd, flags);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
