// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/lib/monitor_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/stream.h"
#include "tools/lib/monitor.h"

#define CLIENTS	4

struct monitor_server {
	struct stream_server *server;
	struct monitor *monitor;
};

struct client {
	char line[MONITOR_LINE];
	size_t len;
	bool too_long;
};

static void send_text(struct stream_conn *c, const char *s)
{
	stream_send(c, s, strlen(s));
}

static void on_open(void *opaque, struct stream_conn *c)
{
	struct client *k = calloc(1, sizeof(*k));

	stream_set_user(c, k);
	if (k)
		send_text(c, "(umbra) ");
	else
		stream_close(c);
}

static void run_line(struct monitor_server *s, struct stream_conn *c,
		     struct client *k)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out) {
		stream_close(c);
		return;
	}
	k->line[k->len] = '\0';
	if (k->too_long)
		fprintf(out, "a line of more than %d characters\n",
			MONITOR_LINE - 1);
	else
		monitor_command(s->monitor, k->line, out);
	fclose(out);
	stream_send(c, text, len);
	free(text);
	send_text(c, "(umbra) ");
}

static void on_input(void *opaque, struct stream_conn *c, const uint8_t *buf,
		     size_t len)
{
	struct client *k = stream_user(c);

	for (size_t i = 0; i < len; i++) {
		if (buf[i] == '\n') {
			run_line(opaque, c, k);
			*k = (struct client){ .len = 0 };
		} else if (k->len + 1 == sizeof(k->line)) {
			k->too_long = true;
		} else if (buf[i] != '\r') {
			k->line[k->len++] = buf[i];
		}
	}
}

static void on_close(void *opaque, struct stream_conn *c)
{
	free(stream_user(c));
}

int monitor_server_create(struct monitor_server **out, struct monitor *m,
			  struct loop *loop, const char *spec, char *err,
			  size_t err_len)
{
	static const struct stream_ops ops = { on_open, on_input, on_close };
	struct monitor_server *s = calloc(1, sizeof(*s));
	int ret;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->monitor = m;
	ret = stream_listen(&s->server, loop, spec, CLIENTS, &ops, s, err,
			    err_len);
	if (ret)
		free(s);
	else
		*out = s;
	return ret;
}

void monitor_server_destroy(struct monitor_server *s)
{
	if (!s)
		return;
	stream_server_destroy(s->server);
	free(s);
}
