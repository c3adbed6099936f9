// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Watches and the events that are pending.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/xenstore/include/xenstore.h"
#include "backends/xenstore/lib/handle.h"

static struct iovec string_part(const char *s)
{
	return (struct iovec){ (char *)s, strlen(s) + 1 };
}

static bool talk_pair(struct xs_handle *h, uint32_t type, const char *path,
		      const char *token)
{
	struct iovec part[] = { string_part(path), string_part(token) };
	struct xs_message *m = xs_talk(h, type, XBT_NULL, part, 2);

	free(m);
	return m;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	return xs_start_reader(h) && talk_pair(h, XS_WATCH, path, token);
}

static const char *event_path(const struct xs_message *m)
{
	return m->body;
}

static const char *event_token(const struct xs_message *m)
{
	return m->body + strlen(m->body) + 1;
}

static void drop_events(struct xs_handle *h, const char *path,
			const char *token)
{
	struct xs_message **where = &h->events, *m;

	while ((m = *where)) {
		if (!strcmp(event_token(m), token) &&
		    xs_path_is_subpath(path, event_path(m))) {
			*where = m->next;
			free(m);
		} else {
			where = &m->next;
		}
	}
	h->events_end = where;
	xs_update_ready(h);
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	bool ok = talk_pair(h, XS_UNWATCH, path, token);

	/* What the store had sent before its answer has been read. */
	if (h->flags & XS_UNWATCH_FILTER) {
		int saved = errno;

		pthread_mutex_lock(&h->lock);
		drop_events(h, path, token);
		pthread_mutex_unlock(&h->lock);
		errno = saved;
	}
	return ok;
}

int xs_fileno(struct xs_handle *h)
{
	int fd;

	pthread_mutex_lock(&h->lock);
	if (h->ready[0] < 0 && pipe2(h->ready, O_CLOEXEC | O_NONBLOCK))
		h->ready[0] = h->ready[1] = -1;
	else
		xs_update_ready(h);
	fd = h->ready[0];
	pthread_mutex_unlock(&h->lock);
	return fd;
}

/* { path, token } and the strings behind them, in one block. */
static char **event_copy(const struct xs_message *m)
{
	char **v = malloc(2 * sizeof(*v) + m->head.len);
	char *text = (char *)(v + 2);

	if (!v)
		return NULL;
	memcpy(text, m->body, m->head.len);
	v[XS_WATCH_PATH] = text;
	v[XS_WATCH_TOKEN] = text + strlen(text) + 1;
	return v;
}

/* h->lock held; there is an event.  It stays when memory is short. */
static char **event_take(struct xs_handle *h)
{
	struct xs_message *m = h->events;
	char **v = event_copy(m);

	if (!v)
		return NULL;
	h->events = m->next;
	if (!h->events)
		h->events_end = &h->events;
	free(m);
	xs_update_ready(h);
	return v;
}

char **xs_check_watch(struct xs_handle *h)
{
	char **v = NULL;

	pthread_mutex_lock(&h->lock);
	if (h->events)
		v = event_take(h);
	else
		errno = h->ended ? EINVAL : EAGAIN;
	pthread_mutex_unlock(&h->lock);
	return v;
}

char **xs_read_watch(struct xs_handle *h, unsigned int *num)
{
	char **v = NULL;

	pthread_mutex_lock(&h->lock);
	while (!h->events && !h->ended)
		pthread_cond_wait(&h->changed, &h->lock);
	if (h->events)
		v = event_take(h);
	else
		errno = EINVAL;
	pthread_mutex_unlock(&h->lock);
	if (v)
		*num = 2;
	return v;
}
