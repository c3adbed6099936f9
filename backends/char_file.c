// SPDX-License-Identifier: GPL-2.0-or-later
/* Output to a file, a FIFO or a device; no input. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/char_fd.h"
#include "backends/char_open.h"

struct char_file {
	struct char_fd f;
	char path[];
};

static void file_destroy(struct char_backend *b)
{
	char_fd_fini((struct char_fd *)b);
	free(b);
}

static const struct char_ops file_ops = {
	.name = "file",
	.write = char_fd_write,
	.set_receiver = char_fd_set_receiver,
	.resume_input = char_fd_resume_input,
	.flush = char_fd_flush,
	.destroy = file_destroy,
};

int char_file_open(struct char_backend **out, const char *arg,
		   const struct char_open_args *args)
{
	/* O_NONBLOCK: a FIFO without a reader fails instead of waiting. */
	int fd = open(arg, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
		      O_NOCTTY | O_NONBLOCK, 0666);
	struct char_file *c;
	int ret;

	if (fd < 0)
		return -errno;
	c = calloc(1, sizeof(*c) + strlen(arg) + 1);
	if (!c) {
		close(fd);
		return -ENOMEM;
	}
	strcpy(c->path, arg);
	c->f.base.ops = &file_ops;
	ret = char_fd_init(&c->f, args->loop, args->log, c->path, -1, fd);
	if (ret) {
		close(fd);
		free(c);
		return ret;
	}
	*out = &c->f.base;
	return 0;
}
