// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets: "$" text "#" two hexadecimal digits of the sum, "+" in return.  A
 * client that breaks the rules gets "-" and may try again; one that sends
 * more than a packet can hold loses it.
 */
#include "tools/lib/gdb_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define INTERRUPT	0x03
#define SIGNAL_INT	2
#define SIGNAL_TRAP	5

/*
 * Numbers.
 */

int gdb_nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number at *@p; false if there is none. */
bool gdb_take_hex(const char **p, uint64_t *val)
{
	const char *from = *p;

	*val = 0;
	for (; gdb_nibble(**p) >= 0; ++*p)
		*val = *val << 4 | gdb_nibble(**p);
	return *p != from;
}

bool gdb_take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

/* @len bytes as digits; false if there are not that many. */
bool gdb_take_bytes(const char **p, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++, *p += 2) {
		if (gdb_nibble((*p)[0]) < 0 || gdb_nibble((*p)[1]) < 0)
			return false;
		buf[i] = gdb_nibble((*p)[0]) << 4 | gdb_nibble((*p)[1]);
	}
	return true;
}

void gdb_put_bytes(struct gdb *g, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(g->out, "%02x", buf[i]);
}

/*
 * Sending.
 */

void gdb_send_packet(struct gdb *g, const char *text, size_t len)
{
	uint8_t sum = 0;
	char tail[4];

	for (size_t i = 0; i < len; i++)
		sum += text[i];
	snprintf(tail, sizeof(tail), "#%02x", sum);
	stream_send(g->conn, "$", 1);
	stream_send(g->conn, text, len);
	stream_send(g->conn, tail, 3);
}

static void reply_begin(struct gdb *g)
{
	g->out = open_memstream(&g->reply, &g->reply_len);
}

static void reply_end(struct gdb *g)
{
	fclose(g->out);
	g->out = NULL;
	if (g->conn)
		gdb_send_packet(g, g->reply, g->reply_len);
	free(g->reply);
	g->reply = NULL;
}

void gdb_ok(struct gdb *g)
{
	fputs("OK", g->out);
}

void gdb_error(struct gdb *g, int err)
{
	fprintf(g->out, "E%02x", err & 0xff);
}

/* T packets, GDB manual E.3. */
void gdb_put_stop_reply(struct gdb *g)
{
	static const char *const watch[] = {
		[ENGINE_BREAK_WRITE] = "watch",
		[ENGINE_BREAK_READ] = "rwatch",
		[ENGINE_BREAK_ACCESS] = "awatch",
	};
	enum engine_break k = g->why.break_kind;

	if (g->why.exit != ENGINE_DEBUG) {
		fprintf(g->out, "T%02xthread:%x;", SIGNAL_INT,
			g->stop_cpu + 1);
		return;
	}
	fprintf(g->out, "T%02xthread:%x;", SIGNAL_TRAP, g->stop_cpu + 1);
	if (k < ARRAY_SIZE(watch) && watch[k])
		fprintf(g->out, "%s:%llx;", watch[k],
			(unsigned long long)g->why.break_addr);
	else if (k == ENGINE_BREAK_EXEC)
		fputs("hwbreak:;", g->out);
}

static const struct gdb_command *find(const char *text)
{
	const struct gdb_command *const tables[] = {
		gdb_commands, gdb_queries,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct gdb_command *c = tables[i]; c->name; c++) {
			size_t n = strlen(c->name);

			if (!strncmp(text, c->name, n) &&
			    (!(c->flags & WHOLE) || !text[n]))
				return c;
		}
	return NULL;
}

/* Unknown packets get an empty reply, GDB manual E.1. */
static void packet(struct gdb *g)
{
	const struct gdb_command *c = find(g->in);
	bool was_running = g->running;

	if (c && c->flags & SILENT) {
		if (!was_running)
			c->fn(g, g->in + strlen(c->name));
		return;
	}
	reply_begin(g);
	if (was_running)
		gdb_error(g, EBUSY);
	else if (c)
		c->fn(g, g->in + strlen(c->name));
	reply_end(g);
	if (g->detached)
		stream_close(g->conn);
}

/*
 * Receiving.
 */

static void packet_end(struct gdb *g)
{
	bool good = (g->sum & 0xff) == g->sent_sum && !g->too_long;

	if (!g->no_ack)
		stream_send(g->conn, good ? "+" : "-", 1);
	g->in[g->len] = '\0';
	if (good)
		packet(g);
}

static void text_byte(struct gdb *g, uint8_t c)
{
	if (c == '#') {
		g->rx = RX_SUM1;
		return;
	}
	g->sum += c;
	if (g->len == PACKET_MAX)
		g->too_long = true;
	else
		g->in[g->len++] = c;
}

static void idle_byte(struct gdb *g, uint8_t c)
{
	if (c == INTERRUPT && g->running)
		g->t->stop(g->t->opaque);
	if (c != '$')
		return;
	g->rx = RX_TEXT;
	g->len = g->sum = 0;
	g->too_long = false;
}

static void byte(struct gdb *g, uint8_t c)
{
	switch (g->rx) {
	case RX_IDLE:
		idle_byte(g, c);
		break;
	case RX_TEXT:
		text_byte(g, c);
		break;
	case RX_SUM1:
		g->sent_sum = (gdb_nibble(c) & 15) << 4;
		g->rx = RX_SUM2;
		break;
	case RX_SUM2:
		g->sent_sum |= gdb_nibble(c) & 15;
		g->rx = RX_IDLE;
		packet_end(g);
		break;
	}
}

static void on_input(void *opaque, struct stream_conn *c, const uint8_t *buf,
		     size_t len)
{
	struct gdb *g = opaque;

	for (size_t i = 0; i < len && g->conn && !g->detached; i++)
		byte(g, buf[i]);
}

static void on_open(void *opaque, struct stream_conn *c)
{
	struct gdb *g = opaque;

	g->conn = c;
	g->rx = RX_IDLE;
	g->no_ack = g->physical = g->detached = false;
	g->cpu = 0;
	if (g->running) {
		g->running = false;	/* it asks why by itself */
		g->t->stop(g->t->opaque);
	}
	gdb_describe(g);
}

/* A client that dies does not take the guest with it. */
static void on_close(void *opaque, struct stream_conn *c)
{
	struct gdb *g = opaque;

	g->conn = NULL;
	gdb_let_go(g);
}

/*
 * The target's side.
 */

void gdb_stopped(struct gdb *g, unsigned cpu,
		 const struct engine_exit_info *info)
{
	bool was_running = g->running;

	g->running = false;
	g->stop_cpu = g->cpu = cpu;
	g->why = info ? *info : (struct engine_exit_info){ 0 };
	if (!g->conn || !was_running)
		return;
	reply_begin(g);
	gdb_put_stop_reply(g);
	reply_end(g);
}

void gdb_running(struct gdb *g)
{
	g->running = true;
}

void gdb_exited(struct gdb *g, int status)
{
	if (!g->conn)
		return;
	reply_begin(g);
	fprintf(g->out, "W%02x", status & 0xff);
	reply_end(g);
}

int gdb_create(struct gdb **out, struct loop *l, const char *spec,
	       const struct gdb_target *target, bool stopped, char *err,
	       size_t errlen)
{
	static const struct stream_ops ops = { on_open, on_input, on_close };
	struct gdb *g = calloc(1, sizeof(*g));
	int ret;

	*out = NULL;
	if (!g)
		return -ENOMEM;
	g->t = target;
	g->running = !stopped;
	ret = stream_listen(&g->server, l, spec, 1, &ops, g, err, errlen);
	if (ret) {
		free(g);
		return ret;
	}
	*out = g;
	return 0;
}

unsigned gdb_port(const struct gdb *g)
{
	return stream_port(g->server);
}

void gdb_destroy(struct gdb *g)
{
	if (!g)
		return;
	stream_server_destroy(g->server);
	free(g->xml);
	free(g);
}
