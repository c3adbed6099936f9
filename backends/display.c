/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between a graphics front-end and its viewers; see display.h. */
#include "backends/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_DEFAULT	640
#define HEIGHT_DEFAULT	480

struct display {
	struct display_surface surface;
	const struct display_source_ops *ops;
	void *opaque;
	struct display_listener *listeners;
};

int display_create(struct display **out)
{
	struct display *d = calloc(1, sizeof(*d));

	*out = d;
	if (!d)
		return -ENOMEM;
	if (!display_resize(d, WIDTH_DEFAULT, HEIGHT_DEFAULT))
		return 0;
	free(d);
	*out = NULL;
	return -ENOMEM;
}

void display_destroy(struct display *d)
{
	if (!d)
		return;
	free(d->surface.pixels);
	free(d);
}

void display_set_source(struct display *d, const struct display_source_ops *ops,
			void *opaque)
{
	d->ops = ops;
	d->opaque = opaque;
}

int display_resize(struct display *d, unsigned width, unsigned height)
{
	struct display_surface *s = &d->surface;
	uint32_t *pixels;

	if (!width || !height || width > DISPLAY_WIDTH_MAX ||
	    height > DISPLAY_HEIGHT_MAX)
		return -EINVAL;
	if (width == s->width && height == s->height)
		return 0;
	pixels = calloc((size_t)width * height, sizeof(*pixels));
	if (!pixels)
		return -ENOMEM;
	free(s->pixels);
	*s = (struct display_surface){ width, height, pixels };
	for (struct display_listener *l = d->listeners; l; l = l->next)
		l->resized(l->opaque, s);
	return 0;
}

struct display_surface *display_surface(struct display *d)
{
	return &d->surface;
}

void display_damage(struct display *d, const struct display_rect *r)
{
	for (struct display_listener *l = d->listeners; l; l = l->next)
		l->damaged(l->opaque, r);
}

void display_listen(struct display *d, struct display_listener *l)
{
	l->next = d->listeners;
	d->listeners = l;
	l->resized(l->opaque, &d->surface);
}

void display_unlisten(struct display *d, struct display_listener *l)
{
	struct display_listener **p = &d->listeners;

	while (*p && *p != l)
		p = &(*p)->next;
	if (*p)
		*p = l->next;
}

void display_update(struct display *d)
{
	if (d->ops)
		d->ops->update(d->opaque);
}

bool display_text(struct display *d, struct display_text *out)
{
	return d->ops && d->ops->text && d->ops->text(d->opaque, out);
}
