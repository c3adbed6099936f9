// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pseudo-terminal whose name is printed: connect with any terminal program.
 *
 * We keep the slave open ourselves, so that the master neither reports a
 * hang-up when a program leaves nor loses what the guest wrote before one
 * came (the kernel's buffer, then our ring, hold it).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include "backends/char_fd.h"
#include "backends/char_open.h"

struct char_pty {
	struct char_fd f;
	int slave;
	char name[64];
};

static void pty_destroy(struct char_backend *b)
{
	struct char_pty *c = (struct char_pty *)b;

	char_fd_fini(&c->f);
	close(c->slave);
	free(c);
}

static const char *pty_address(const struct char_backend *b)
{
	return ((const struct char_pty *)b)->name;
}

static const struct char_ops pty_ops = {
	.name = "pty",
	.write = char_fd_write,
	.set_receiver = char_fd_set_receiver,
	.resume_input = char_fd_resume_input,
	.flush = char_fd_flush,
	.address = pty_address,
	.destroy = pty_destroy,
};

/* Open the slave and make it a plain 8-bit line.  Returns 0 or -errno. */
static int slave_open(struct char_pty *c, int master)
{
	struct termios t;

	if (grantpt(master) || unlockpt(master))
		return -errno;
	if (ptsname_r(master, c->name, sizeof(c->name)))
		return -errno;
	c->slave = open(c->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->slave < 0)
		return -errno;
	if (tcgetattr(c->slave, &t))
		return -errno;
	cfmakeraw(&t);
	return tcsetattr(c->slave, TCSANOW, &t) ? -errno : 0;
}

static int pty_init(struct char_pty *c, int master, int dup_master,
		    const struct char_open_args *args)
{
	int ret = slave_open(c, master);

	if (!ret && dup_master < 0)
		ret = -EMFILE;
	if (!ret)
		ret = char_fd_init(&c->f, args->loop, args->log, c->name,
				   master, dup_master);
	return ret;
}

int char_pty_open(struct char_backend **out, const char *arg,
		  const struct char_open_args *args)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC |
			  O_NONBLOCK);
	int second = master < 0 ? -1 : fcntl(master, F_DUPFD_CLOEXEC, 3);
	struct char_pty *c;
	int ret;

	if (master < 0)
		return -errno;
	c = calloc(1, sizeof(*c));
	ret = c ? 0 : -ENOMEM;
	if (c) {
		c->slave = -1;
		c->f.base.ops = &pty_ops;
		ret = pty_init(c, master, second, args);
	}
	if (ret) {
		if (c && c->slave >= 0)
			close(c->slave);
		if (second >= 0)
			close(second);
		close(master);
		free(c);
		return ret;
	}
	fprintf(args->log, "umbra: serial port on %s\n", c->name);
	fflush(args->log);
	*out = &c->f.base;
	return 0;
}
