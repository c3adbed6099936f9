// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A tap interface of the host: Documentation/networking/tuntap.rst.  It must
 * exist and belong to the user, or the user must be allowed to make one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "backends/net_fd.h"
#include "backends/net_open.h"

struct net_tap {
	struct net_fd f;
	char name[IFNAMSIZ];
};

static void tap_destroy(struct net_backend *b)
{
	net_fd_fini((struct net_fd *)b);
	free(b);
}

static const struct net_ops tap_ops = {
	"tap", net_fd_send, net_fd_set_receiver, net_fd_resume, tap_destroy,
};

static int tun_open(struct ifreq *ifr)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int err;

	if (fd < 0)
		return -errno;
	if (!ioctl(fd, TUNSETIFF, ifr))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

int net_tap_start(int *fd, const char *const *keys, char *err, size_t errlen)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	unsigned at = 0;
	const char *name = net_key(keys, "ifname", &at);

	if (name)
		strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	*fd = tun_open(&ifr);
	if (*fd >= 0)
		return 0;
	snprintf(err, errlen, "tap: %s: %s", name ? name : "/dev/net/tun",
		 strerror(-*fd));
	return *fd;
}

int net_tap_open(struct net_backend **out, const char *const *keys,
		 const struct net_open_args *args, char *err, size_t errlen)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	struct net_tap *t = calloc(1, sizeof(*t));
	unsigned at = 0;
	const char *name = net_key(keys, "ifname", &at);
	int fd, ret;

	if (!t)
		return -ENOMEM;
	if (name)
		strncpy(ifr.ifr_name, name, IFNAMSIZ - 1);
	fd = tun_open(&ifr);
	ret = fd < 0 ? fd : 0;
	if (!ret) {
		memcpy(t->name, ifr.ifr_name, IFNAMSIZ);
		ret = net_fd_init(&t->f, &tap_ops, args->loop, args->log,
				  t->name, fd);
	}
	if (ret) {
		snprintf(err, errlen, "tap: %s: %s (make one with: ip tuntap "
			 "add mode tap user $USER name NAME)",
			 name ? name : "/dev/net/tun", strerror(-ret));
		if (fd >= 0)
			close(fd);
		free(t);
		return ret;
	}
	*out = &t->f.base;
	return 0;
}
