// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RFB, RFC 6143.  Input is gathered until the message that it begins is
 * whole; each state says how long that is.
 *
 * Damage is kept for each client as a grid of tiles.  A client that has asked
 * for an update gets it when there is damage, looked for 30 times a second
 * while somebody waits, and when the last one is on its way.
 */
#define _GNU_SOURCE
#include "backends/vnc.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backends/display.h"
#include "backends/stream.h"
#include "backends/vnc_auth.h"
#include "backends/vnc_priv.h"
#include "hypervisor/loop.h"

#define CLIENTS		4
#define FRAME_NS	33333333
#define BEHIND		(1u << 20)	/* bytes: no new update until sent */
#define ENCODINGS_MAX	256u
#define CUT_MAX		65536u
#define INPUT_MAX	(8 + CUT_MAX)
#define GRID_X		(DISPLAY_WIDTH_MAX / VNC_TILE)
#define GRID_Y		(DISPLAY_HEIGHT_MAX / VNC_TILE)

/* Pseudo-encoding, 7.8.2. */
#define ENC_DESKTOP_SIZE	(-223)

enum { SEC_NONE = 1, SEC_VNC = 2 };

struct client;

/* A state: bytes that the next message has so far; its handler. */
struct state {
	size_t (*need)(const struct client *c);
	void (*done)(struct client *c);
};

struct client {
	struct client *next;
	struct vnc *vnc;
	struct stream_conn *conn;
	const struct state *state;
	uint8_t in[INPUT_MAX];
	size_t len;
	unsigned minor;			/* of the protocol: 3, 7 or 8 */
	uint8_t challenge[VNC_CHALLENGE];
	struct vnc_format format;
	struct vnc_zrle *zrle;
	bool use_zrle, can_resize, resized, asked, gone;
	uint64_t damage[GRID_Y];	/* a bit for each tile of a row */
	int x, y;			/* of the pointer; -1: not seen */
};

struct vnc {
	struct vnc_config cfg;
	struct stream_server *server;
	struct client *clients;
	struct display_listener listener;
	int timer_fd;
	bool ticking;
};

/*
 * Updates.
 */

static void damage_all(struct client *c)
{
	memset(c->damage, 0xff, sizeof(c->damage));
}

static void on_resized(void *opaque, const struct display_surface *s)
{
	struct vnc *v = opaque;

	for (struct client *c = v->clients; c; c = c->next) {
		c->resized = true;
		damage_all(c);
	}
}

static void on_damaged(void *opaque, const struct display_rect *r)
{
	struct vnc *v = opaque;
	unsigned x0 = r->x / VNC_TILE, y0 = r->y / VNC_TILE;
	unsigned x1 = (r->x + r->width - 1) / VNC_TILE;
	unsigned y1 = (r->y + r->height - 1) / VNC_TILE;
	uint64_t row = (~0ull >> (63 - (x1 - x0))) << x0;

	for (struct client *c = v->clients; c; c = c->next)
		for (unsigned y = y0; y <= y1; y++)
			c->damage[y] |= row;
}

/* Runs of damaged tiles within the surface, row by row. */
struct run {
	unsigned x, y, w, h;	/* pixels */
};

static bool next_run(const struct client *c, const struct display_surface *s,
		     unsigned *row, unsigned *col, struct run *r)
{
	for (; *row * VNC_TILE < s->height; ++*row, *col = 0) {
		unsigned tiles = (s->width + VNC_TILE - 1) / VNC_TILE, n = 0;

		while (*col < tiles && !(c->damage[*row] >> *col & 1))
			++*col;
		if (*col == tiles)
			continue;
		while (*col + n < tiles && c->damage[*row] >> (*col + n) & 1)
			n++;
		*r = (struct run){ *col * VNC_TILE, *row * VNC_TILE,
				   n * VNC_TILE, VNC_TILE };
		if (r->x + r->w > s->width)
			r->w = s->width - r->x;
		if (r->y + r->h > s->height)
			r->h = s->height - r->y;
		*col += n;
		return true;
	}
	return false;
}

static unsigned count_runs(const struct client *c,
			   const struct display_surface *s)
{
	unsigned row = 0, col = 0, n = 0;
	struct run r;

	while (next_run(c, s, &row, &col, &r))
		n++;
	return n;
}

static void send_size(struct client *c, const struct display_surface *s)
{
	uint8_t b[12] = { 0 };

	vnc_put16(b + 4, s->width);
	vnc_put16(b + 6, s->height);
	vnc_put32(b + 8, ENC_DESKTOP_SIZE);
	stream_send(c->conn, b, sizeof(b));
}

/*
 * A client that cannot be told of a new size sees what fits into the old one:
 * it is sent away instead, and comes back with the right size.
 */
static void send_update(struct client *c)
{
	const struct display_surface *s = display_surface(c->vnc->cfg.display);
	unsigned row = 0, col = 0, n;
	uint8_t head[4] = { 0 };
	struct run r;

	if (c->resized && !c->can_resize) {
		stream_close(c->conn);
		return;
	}
	n = count_runs(c, s) + c->resized;
	if (!n)
		return;
	vnc_put16(head + 2, n);
	stream_send(c->conn, head, sizeof(head));
	if (c->resized)
		send_size(c, s);
	while (next_run(c, s, &row, &col, &r))
		vnc_send_rect(c->conn, &c->format,
			      c->use_zrle ? c->zrle : NULL, s, r.x, r.y, r.w,
			      r.h);
	memset(c->damage, 0, sizeof(c->damage));
	c->resized = c->asked = false;
}

static bool somebody_waits(const struct vnc *v)
{
	for (const struct client *c = v->clients; c; c = c->next)
		if (c->asked)
			return true;
	return false;
}

static void set_ticking(struct vnc *v, bool on)
{
	const struct itimerspec t = {
		.it_interval.tv_nsec = on ? FRAME_NS : 0,
		.it_value.tv_nsec = on ? FRAME_NS : 0,
	};

	if (on == v->ticking)
		return;
	timerfd_settime(v->timer_fd, 0, &t, NULL);
	v->ticking = on;
}

static void refresh(struct vnc *v)
{
	display_update(v->cfg.display);
	for (struct client *c = v->clients; c; c = c->next)
		if (c->asked && stream_backlog(c->conn) < BEHIND)
			send_update(c);
	set_ticking(v, somebody_waits(v));
}

static void on_tick(void *opaque, int fd, short revents)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) == sizeof(n))
		refresh(opaque);
}

/*
 * Messages of a client that has been let in, 7.5.
 */

static const struct state normal;

static void msg_format(struct client *c)
{
	const uint8_t *p = c->in + 4;
	struct vnc_format f = { .bits = p[0], .depth = p[1],
				.big_endian = p[2], .true_colour = p[3] };

	for (unsigned i = 0; i < 3; i++) {
		f.max[i] = vnc_get16(p + 4 + 2 * i);
		f.shift[i] = p[10 + i];
		if (f.shift[i] > 31)
			f.true_colour = 0;
	}
	if (!f.true_colour || (f.bits != 8 && f.bits != 16 && f.bits != 32)) {
		stream_close(c->conn);	/* colour maps are not served */
		return;
	}
	c->format = f;
	damage_all(c);
}

static void msg_encodings(struct client *c)
{
	unsigned n = vnc_get16(c->in + 2);

	c->use_zrle = c->can_resize = false;
	for (unsigned i = 0; i < n; i++) {
		int32_t e = vnc_get32(c->in + 4 + 4 * i);

		if (e == VNC_ZRLE && c->zrle)
			c->use_zrle = true;
		if (e == ENC_DESKTOP_SIZE)
			c->can_resize = true;
	}
}

/* Damage is not kept by the pixel: what is asked for is sent, and more. */
static void msg_request(struct client *c)
{
	if (!c->in[1])
		damage_all(c);
	c->asked = true;
	refresh(c->vnc);
}

static void msg_key(struct client *c)
{
	unsigned code = key_by_keysym(vnc_get32(c->in + 4));

	if (code)
		c->vnc->cfg.input->key(c->vnc->cfg.input_opaque, code,
				       c->in[1]);
}

/* RFB's buttons are left, middle, right, wheel up, wheel down. */
static void msg_pointer(struct client *c)
{
	unsigned b = c->in[1], x = vnc_get16(c->in + 2);
	unsigned y = vnc_get16(c->in + 4);
	unsigned buttons = (b & 1) | (b & 4) >> 1 | (b & 2) << 1;
	int dz = b & 8 ? -1 : b & 16 ? 1 : 0;

	if (c->x >= 0)
		c->vnc->cfg.input->mouse(c->vnc->cfg.input_opaque,
					 (int)x - c->x, c->y - (int)y, dz,
					 buttons);
	c->x = x;
	c->y = y;
}

static void msg_cut(struct client *c)
{
}

static const struct message {
	size_t len;		/* of the fixed part; 0: no such message */
	void (*fn)(struct client *c);
} messages[] = {
	[0] = { 20, msg_format },
	[2] = { 4, msg_encodings },
	[3] = { 10, msg_request },
	[4] = { 8, msg_key },
	[5] = { 6, msg_pointer },
	[6] = { 8, msg_cut },
};
#define MESSAGES	(sizeof(messages) / sizeof(messages[0]))

/* SIZE_MAX: a message that there is not, or too long a one. */
static size_t normal_need(const struct client *c)
{
	size_t len, n;

	if (!c->len)
		return 1;
	if (c->in[0] >= MESSAGES || !messages[c->in[0]].len)
		return SIZE_MAX;
	len = messages[c->in[0]].len;
	if (c->len < len)
		return len;
	if (c->in[0] == 2) {
		n = vnc_get16(c->in + 2);
		return n > ENCODINGS_MAX ? SIZE_MAX : len + 4 * n;
	}
	if (c->in[0] == 6) {
		n = vnc_get32(c->in + 4);
		return n > CUT_MAX ? SIZE_MAX : len + n;
	}
	return len;
}

static void normal_done(struct client *c)
{
	messages[c->in[0]].fn(c);
}

static const struct state normal = { normal_need, normal_done };

/*
 * Getting in, 7.1 to 7.3.
 */

static size_t need_1(const struct client *c) { return 1; }
static size_t need_12(const struct client *c) { return 12; }
static size_t need_16(const struct client *c) { return VNC_CHALLENGE; }

static void put_format(uint8_t *p, const struct vnc_format *f)
{
	p[0] = f->bits;
	p[1] = f->depth;
	p[2] = f->big_endian;
	p[3] = f->true_colour;
	for (unsigned i = 0; i < 3; i++) {
		vnc_put16(p + 4 + 2 * i, f->max[i]);
		p[10 + i] = f->shift[i];
	}
}

static void init_done(struct client *c)
{
	const struct display_surface *s;
	const char *name = c->vnc->cfg.name;
	uint8_t b[24] = { 0 };

	display_update(c->vnc->cfg.display);
	s = display_surface(c->vnc->cfg.display);
	c->format = (struct vnc_format){ 32, 24, 0, 1, { 255, 255, 255 },
					 { 16, 8, 0 } };
	vnc_put16(b, s->width);
	vnc_put16(b + 2, s->height);
	put_format(b + 4, &c->format);
	vnc_put32(b + 20, strlen(name));
	stream_send(c->conn, b, sizeof(b));
	stream_send(c->conn, name, strlen(name));
	c->resized = false;
	damage_all(c);
	c->state = &normal;
}

static const struct state init = { need_1, init_done };

/* 7.1.3; version 3.3 and 3.7 hear nothing after "none". */
static void let_in(struct client *c, bool checked)
{
	if (checked || c->minor == 8)
		stream_send(c->conn, "\0\0\0", 4);
	c->state = &init;
}

static void refuse(struct client *c, const char *why)
{
	uint8_t b[4];

	stream_send(c->conn, "\0\0\0\1", 4);
	if (c->minor == 8) {
		vnc_put32(b, strlen(why));
		stream_send(c->conn, b, 4);
		stream_send(c->conn, why, strlen(why));
	}
	stream_close(c->conn);
}

static void response_done(struct client *c)
{
	uint8_t want[VNC_CHALLENGE], differ = 0;

	vnc_response(c->vnc->cfg.password, c->challenge, want);
	for (unsigned i = 0; i < VNC_CHALLENGE; i++)
		differ |= want[i] ^ c->in[i];
	if (differ)
		refuse(c, "wrong password");
	else
		let_in(c, true);
}

static const struct state response = { need_16, response_done };

static void challenge(struct client *c)
{
	if (getrandom(c->challenge, VNC_CHALLENGE, 0) != VNC_CHALLENGE) {
		stream_close(c->conn);
		return;
	}
	stream_send(c->conn, c->challenge, VNC_CHALLENGE);
	c->state = &response;
}

static unsigned security(const struct vnc *v)
{
	return v->cfg.password ? SEC_VNC : SEC_NONE;
}

static void security_done(struct client *c)
{
	if (c->in[0] != security(c->vnc))
		refuse(c, "not this kind of security");
	else if (c->in[0] == SEC_VNC)
		challenge(c);
	else
		let_in(c, false);
}

static const struct state choose_security = { need_1, security_done };

/* "RFB 003.00n\n"; what we do not know is 3.3 (7.1.1). */
static void version_done(struct client *c)
{
	uint8_t list[2] = { 1, security(c->vnc) };
	uint8_t only[4] = { 0, 0, 0, security(c->vnc) };

	if (memcmp(c->in, "RFB 003.00", 10) || c->in[11] != '\n') {
		stream_close(c->conn);
		return;
	}
	c->minor = c->in[10] == '8' ? 8 : c->in[10] == '7' ? 7 : 3;
	if (c->minor > 3) {
		stream_send(c->conn, list, 2);
		c->state = &choose_security;
		return;
	}
	stream_send(c->conn, only, 4);
	if (c->vnc->cfg.password)
		challenge(c);
	else
		let_in(c, false);
}

static const struct state version = { need_12, version_done };

/*
 * Connections.
 */

static void on_open(void *opaque, struct stream_conn *conn)
{
	struct client *c = calloc(1, sizeof(*c));
	struct vnc *v = opaque;

	stream_set_user(conn, c);
	if (!c) {
		stream_close(conn);
		return;
	}
	c->vnc = v;
	c->conn = conn;
	c->state = &version;
	c->x = c->y = -1;
	c->zrle = vnc_zrle_new();
	c->next = v->clients;
	v->clients = c;
	stream_send(conn, "RFB 003.008\n", 12);
}

/* Whole messages at the front of the input. */
static void work(struct client *c)
{
	size_t need;

	while (!c->gone && (need = c->state->need(c)) <= c->len) {
		c->state->done(c);
		c->len -= need;
		memmove(c->in, c->in + need, c->len);
	}
	if (!c->gone && c->state->need(c) > sizeof(c->in)) {
		c->gone = true;
		stream_close(c->conn);
	}
}

static void on_input(void *opaque, struct stream_conn *conn,
		     const uint8_t *buf, size_t len)
{
	struct client *c = stream_user(conn);

	while (c && !c->gone && len) {
		size_t n = sizeof(c->in) - c->len;

		if (n > len)
			n = len;
		memcpy(c->in + c->len, buf, n);
		c->len += n;
		buf += n;
		len -= n;
		work(c);
	}
}

static void on_close(void *opaque, struct stream_conn *conn)
{
	struct client **p = &((struct vnc *)opaque)->clients;
	struct client *c = stream_user(conn);

	if (!c)
		return;
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	vnc_zrle_free(c->zrle);
	free(c);
}

int vnc_create(struct vnc **out, const struct vnc_config *cfg, char *err,
	       size_t err_len)
{
	static const struct stream_ops ops = { on_open, on_input, on_close };
	struct vnc *v = calloc(1, sizeof(*v));
	int ret;

	*out = NULL;
	if (!v)
		return -ENOMEM;
	v->cfg = *cfg;
	v->timer_fd = timerfd_create(CLOCK_MONOTONIC,
				     TFD_NONBLOCK | TFD_CLOEXEC);
	ret = v->timer_fd < 0 ? -errno :
	      loop_add_fd(cfg->loop, v->timer_fd, POLLIN, on_tick, v);
	if (ret)
		snprintf(err, err_len, "vnc: %s", strerror(-ret));
	else
		ret = stream_listen(&v->server, cfg->loop, cfg->listen,
				    CLIENTS, &ops, v, err, err_len);
	if (ret) {
		vnc_destroy(v);
		return ret;
	}
	v->listener = (struct display_listener){ on_resized, on_damaged, v,
						 NULL };
	display_listen(cfg->display, &v->listener);
	*out = v;
	return 0;
}

unsigned vnc_port(const struct vnc *v)
{
	return stream_port(v->server);
}

void vnc_destroy(struct vnc *v)
{
	if (v->server) {
		display_unlisten(v->cfg.display, &v->listener);
		stream_server_destroy(v->server);
	}
	if (v->timer_fd >= 0) {
		loop_del_fd(v->cfg.loop, v->timer_fd);
		close(v->timer_fd);
	}
	free(v);
}
