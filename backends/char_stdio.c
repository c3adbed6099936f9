// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Standard input and output.  A terminal is made raw; Ctrl-A introduces
 * commands to us (and Ctrl-A Ctrl-A is one for the guest).
 *
 * O_NONBLOCK belongs to the open file, which we share with the shell that
 * started us, so it is not set on descriptors 0 and 1: a terminal or pipe for
 * output is opened once more for us, and where that fails, output goes in
 * pieces that do not block (char_fd.c).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/char_fd.h"
#include "backends/char_open.h"
#include "backends/tty.h"

struct char_stdio {
	struct char_fd f;
	const struct char_stdio_hooks *hooks;
	bool escaped;		/* the byte before was Ctrl-A */
	bool divert;
};

static bool in_use;

/*
 * Sort one byte: true if it is the guest's or the diverted reader's, false if
 * it was (part of) a command.
 */
static bool escape_filter(struct char_stdio *c, uint8_t byte)
{
	if (!c->escaped && byte == CHAR_ESCAPE) {
		c->escaped = true;
		return false;
	}
	if (c->escaped && byte != CHAR_ESCAPE) {
		c->escaped = false;
		c->hooks->escape(c->hooks->opaque, byte);
		return false;
	}
	c->escaped = false;
	return true;
}

static size_t stdio_filter(struct char_fd *f, uint8_t *buf, size_t len)
{
	struct char_stdio *c = (struct char_stdio *)f;
	size_t kept = 0;

	for (size_t i = 0; i < len; i++) {
		if (!escape_filter(c, buf[i]))
			continue;
		if (c->divert)
			c->hooks->diverted(c->hooks->opaque, &buf[i], 1);
		else
			buf[kept++] = buf[i];
	}
	return kept;
}

static void stdio_ended(struct char_fd *f)
{
	static const uint8_t eot = CHAR_EOT;

	char_fd_inject(f, &eot, 1);
}

void char_stdio_divert(struct char_backend *b, bool on)
{
	((struct char_stdio *)b)->divert = on;
}

static void stdio_destroy(struct char_backend *b)
{
	char_fd_flush(b);
	tty_restore();		/* through a descriptor that goes away next */
	char_fd_fini((struct char_fd *)b);
	in_use = false;
	free(b);
}

static const struct char_ops stdio_ops = {
	.name = "stdio",
	.write = char_fd_write,
	.set_receiver = char_fd_set_receiver,
	.resume_input = char_fd_resume_input,
	.flush = char_fd_flush,
	.destroy = stdio_destroy,
};

static int private_stdout(void)
{
	struct stat st;
	int fd = -1;

	if (!fstat(STDOUT_FILENO, &st) &&
	    (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK |
			  O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static int stdio_init(struct char_stdio *c, int in, int out,
		      const struct char_open_args *args)
{
	int ret = char_fd_init(&c->f, args->loop, args->log, "standard output",
			       in, out);

	if (ret || in < 0 || !isatty(in))
		return ret;
	/* Typing into a guest that does not listen must not hide Ctrl-A x. */
	c->f.lossy = true;
	return tty_raw(in);
}

int char_stdio_open(struct char_backend **out, const char *arg,
		    const struct char_open_args *args)
{
	struct char_stdio *c;
	int in, fd, ret;

	if (in_use)
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->f.base.ops = &stdio_ops;
	c->f.ended = stdio_ended;
	c->hooks = args->hooks;
	if (c->hooks)
		c->f.filter = stdio_filter;
	/* Either may be closed: then there is no input, or no output. */
	in = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	fd = private_stdout();
	ret = stdio_init(c, in, fd, args);
	if (ret) {
		char_fd_fini(&c->f);
		free(c);
		return ret;
	}
	in_use = true;
	*out = &c->f.base;
	return 0;
}
