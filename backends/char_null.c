// SPDX-License-Identifier: GPL-2.0-or-later
/* Takes everything, gives nothing. */
#include <errno.h>
#include <stdlib.h>

#include "backends/char.h"
#include "backends/char_open.h"

static size_t null_write(struct char_backend *b, const uint8_t *buf,
			 size_t len)
{
	return len;
}

static void null_set_receiver(struct char_backend *b,
			      const struct char_receiver *r, void *opaque)
{
}

static void null_resume_input(struct char_backend *b)
{
}

static void null_destroy(struct char_backend *b)
{
	free(b);
}

static const struct char_ops null_ops = {
	.name = "null",
	.write = null_write,
	.set_receiver = null_set_receiver,
	.resume_input = null_resume_input,
	.destroy = null_destroy,
};

int char_null_open(struct char_backend **out, const char *arg,
		   const struct char_open_args *args)
{
	struct char_backend *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->ops = &null_ops;
	*out = b;
	return 0;
}
