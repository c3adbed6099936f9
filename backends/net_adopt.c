// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Networks in two steps: a descriptor that one process makes, a backend that
 * another makes of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/net_fd.h"
#include "backends/net_open.h"

static void adopted_destroy(struct net_backend *b)
{
	net_fd_fini((struct net_fd *)b);
	free(b);
}

static const struct kind {
	const char *name;
	int (*start)(int *fd, const char *const *keys, char *err,
		     size_t errlen);
	struct net_ops ops;
} kinds[] = {
	{ "user", net_user_start,
	  { "user", net_fd_send, net_fd_set_receiver, net_fd_resume,
	    adopted_destroy } },
	{ "tap", net_tap_start,
	  { "tap", net_fd_send, net_fd_set_receiver, net_fd_resume,
	    adopted_destroy } },
};

static const struct kind *kind_find(const char *name, char *err,
				    size_t errlen)
{
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	snprintf(err, errlen, "%s: user and tap are the networks that can be "
		 "made while a machine runs", name);
	return NULL;
}

int net_start(int *fd, const char *kind, const char *const *keys, char *err,
	      size_t errlen)
{
	const struct kind *k = kind_find(kind, err, errlen);

	return k ? k->start(fd, keys, err, errlen) : -ENOTSUP;
}

int net_adopt(struct net_backend **out, const char *kind, int fd,
	      const struct net_open_args *args, char *err, size_t errlen)
{
	const struct kind *k = kind_find(kind, err, errlen);
	struct net_fd *f = k ? calloc(1, sizeof(*f)) : NULL;
	int ret = !k ? -ENOTSUP : !f ? -ENOMEM :
		  net_fd_init(f, &k->ops, args->loop, args->log, k->name, fd);

	if (ret) {
		if (k)
			snprintf(err, errlen, "%s: %s", kind, strerror(-ret));
		close(fd);
		free(f);
		return ret;
	}
	*out = &f->base;
	return 0;
}
