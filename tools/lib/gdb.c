// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets: "$" text "#" two hexadecimal digits of the sum, "+" in return.  A
 * client that breaks the rules gets "-" and may try again; one that sends
 * more than a packet can hold loses it.
 */
#include "tools/lib/gdb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/stream.h"
#include "hypervisor/vcpu.h"

#define PACKET_MAX	16384u		/* bytes of text, as we announce */
#define MEMORY_MAX	(PACKET_MAX / 2 - 16)
#define INTERRUPT	0x03
#define SIGNAL_INT	2
#define SIGNAL_TRAP	5

enum rx_state { RX_IDLE, RX_TEXT, RX_SUM1, RX_SUM2 };

struct gdb {
	struct stream_server *server;
	struct stream_conn *conn;
	const struct gdb_target *t;

	enum rx_state rx;
	char in[PACKET_MAX + 1];
	unsigned len, sum, sent_sum;
	bool too_long, no_ack;

	char *reply;
	size_t reply_len;
	FILE *out;		/* of the reply being made */

	bool running;
	bool physical;		/* Qqemu.PhyMemMode */
	bool wide;		/* the description that this client got */
	bool detached;		/* let it run when the client goes */
	unsigned cpu;		/* of Hg */
	unsigned stop_cpu;
	struct engine_exit_info why;
	struct engine_debug breaks;
	char *xml;
	size_t xml_len;
};

/*
 * Numbers.
 */

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A hexadecimal number at *@p; false if there is none. */
static bool take_hex(const char **p, uint64_t *val)
{
	const char *from = *p;

	*val = 0;
	for (; nibble(**p) >= 0; ++*p)
		*val = *val << 4 | nibble(**p);
	return *p != from;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

/* @len bytes as digits; false if there are not that many. */
static bool take_bytes(const char **p, uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++, *p += 2) {
		if (nibble((*p)[0]) < 0 || nibble((*p)[1]) < 0)
			return false;
		buf[i] = nibble((*p)[0]) << 4 | nibble((*p)[1]);
	}
	return true;
}

static void put_bytes(struct gdb *g, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(g->out, "%02x", buf[i]);
}

/*
 * Sending.
 */

static void send_packet(struct gdb *g, const char *text, size_t len)
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
		send_packet(g, g->reply, g->reply_len);
	free(g->reply);
	g->reply = NULL;
}

static void ok(struct gdb *g)
{
	fputs("OK", g->out);
}

static void error(struct gdb *g, int err)
{
	fprintf(g->out, "E%02x", err & 0xff);
}

/* T packets, GDB manual E.3. */
static void put_stop_reply(struct gdb *g)
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

/*
 * Registers and memory.
 */

static void cmd_get_all(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	struct vcpu v;

	g->t->get(g->t->opaque, g->cpu, &v);
	for (unsigned n = 0; n < gdb_regs_general(g->wide); n++) {
		gdb_reg_get(&v, n, g->wide, buf);
		put_bytes(g, buf, gdb_reg_size(n, g->wide));
	}
}

static void cmd_set_all(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	struct vcpu v;

	g->t->get(g->t->opaque, g->cpu, &v);
	for (unsigned n = 0; n < gdb_regs_general(g->wide); n++) {
		if (!take_bytes(&p, buf, gdb_reg_size(n, g->wide))) {
			error(g, EINVAL);
			return;
		}
		/* Those that cannot be changed stay: gdb sends all. */
		gdb_reg_set(&v, n, g->wide, buf);
	}
	g->t->set(g->t->opaque, g->cpu, &v);
	ok(g);
}

static void cmd_get_one(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	uint64_t n;
	struct vcpu v;

	if (!take_hex(&p, &n) || n > 999 || !gdb_reg_size(n, g->wide)) {
		error(g, EINVAL);
		return;
	}
	g->t->get(g->t->opaque, g->cpu, &v);
	gdb_reg_get(&v, n, g->wide, buf);
	put_bytes(g, buf, gdb_reg_size(n, g->wide));
}

static void cmd_set_one(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	uint64_t n;
	struct vcpu v;

	if (!take_hex(&p, &n) || n > 999 || !gdb_reg_size(n, g->wide) ||
	    !take_char(&p, '=') ||
	    !take_bytes(&p, buf, gdb_reg_size(n, g->wide))) {
		error(g, EINVAL);
		return;
	}
	g->t->get(g->t->opaque, g->cpu, &v);
	if (!gdb_reg_set(&v, n, g->wide, buf)) {
		error(g, EPERM);
		return;
	}
	g->t->set(g->t->opaque, g->cpu, &v);
	ok(g);
}

static bool take_range(const char **p, uint64_t *addr, uint64_t *len)
{
	return take_hex(p, addr) && take_char(p, ',') && take_hex(p, len) &&
	       *len <= MEMORY_MAX;
}

/* A range that ends in nothing is cut short there. */
static size_t read_some(struct gdb *g, uint64_t addr, uint8_t *buf, size_t len)
{
	size_t done = 0, n;

	for (; done < len; done += n) {
		n = PAGE_SIZE - ((addr + done) & (PAGE_SIZE - 1));
		if (n > len - done)
			n = len - done;
		if (g->t->read(g->t->opaque, g->cpu, g->physical, addr + done,
			       buf + done, n))
			break;
	}
	return done;
}

static void cmd_read(struct gdb *g, const char *p)
{
	static uint8_t buf[MEMORY_MAX];
	uint64_t addr, len;
	size_t got;

	if (!take_range(&p, &addr, &len)) {
		error(g, EINVAL);
		return;
	}
	got = read_some(g, addr, buf, len);
	if (len && !got)
		error(g, EFAULT);
	put_bytes(g, buf, got);
}

static void write_memory(struct gdb *g, uint64_t addr, const uint8_t *buf,
			 size_t len)
{
	int err = len ? g->t->write(g->t->opaque, g->cpu, g->physical, addr,
				    buf, len) : 0;

	if (err)
		error(g, -err);
	else
		ok(g);
}

static void cmd_write(struct gdb *g, const char *p)
{
	static uint8_t buf[MEMORY_MAX];
	uint64_t addr, len;

	if (!take_range(&p, &addr, &len) || !take_char(&p, ':') ||
	    !take_bytes(&p, buf, len))
		error(g, EINVAL);
	else
		write_memory(g, addr, buf, len);
}

/* X: the bytes themselves, with "}" before what has a meaning. */
static void cmd_write_binary(struct gdb *g, const char *p)
{
	static uint8_t buf[MEMORY_MAX];
	const char *end = g->in + g->len;
	uint64_t addr, len, n = 0;

	if (!take_range(&p, &addr, &len) || !take_char(&p, ':')) {
		error(g, EINVAL);
		return;
	}
	for (; p < end && n < len; p++)
		buf[n++] = *p == '}' && p + 1 < end ? *++p ^ 0x20 : *p;
	if (n != len || p != end)
		error(g, EINVAL);
	else
		write_memory(g, addr, buf, len);
}

/*
 * Breakpoints.
 */

static const int8_t break_kinds[] = {	/* by the digit after Z */
	ENGINE_BREAK_EXEC, ENGINE_BREAK_EXEC, ENGINE_BREAK_WRITE,
	ENGINE_BREAK_READ, ENGINE_BREAK_ACCESS,
};

static int break_find(const struct gdb *g, const struct engine_breakpoint *b)
{
	for (unsigned i = 0; i < g->breaks.n; i++)
		if (g->breaks.bp[i].addr == b->addr &&
		    g->breaks.bp[i].kind == b->kind &&
		    g->breaks.bp[i].len == b->len)
			return i;
	return -1;
}

static int break_add(struct gdb *g, const struct engine_breakpoint *b)
{
	int err;

	if (break_find(g, b) >= 0)
		return 0;
	if (g->breaks.n == ENGINE_BREAKPOINTS)
		return -ENOSPC;
	g->breaks.bp[g->breaks.n++] = *b;
	err = g->t->set_breaks(g->t->opaque, &g->breaks);
	if (err)
		g->breaks.n--;
	return err;
}

static int break_del(struct gdb *g, const struct engine_breakpoint *b)
{
	int i = break_find(g, b);

	if (i < 0)
		return -ENOENT;
	g->breaks.bp[i] = g->breaks.bp[--g->breaks.n];
	return g->t->set_breaks(g->t->opaque, &g->breaks);
}

static void change_break(struct gdb *g, const char *p,
			 int (*change)(struct gdb *,
				       const struct engine_breakpoint *))
{
	struct engine_breakpoint b;
	uint64_t kind, addr, len;
	int err;

	if (!take_hex(&p, &kind) || kind >= ARRAY_SIZE(break_kinds) ||
	    !take_char(&p, ',') || !take_hex(&p, &addr) ||
	    !take_char(&p, ',') || !take_hex(&p, &len) || len > PAGE_SIZE) {
		error(g, EINVAL);
		return;
	}
	b = (struct engine_breakpoint){
		.addr = g->wide ? addr : (uint32_t)addr,
		.kind = break_kinds[kind],
		.len = kind < 2 || !len ? 1 : len,
	};
	err = change(g, &b);
	if (err)
		error(g, -err);
	else
		ok(g);
}

static void cmd_break(struct gdb *g, const char *p)
{
	change_break(g, p, break_add);
}

static void cmd_unbreak(struct gdb *g, const char *p)
{
	change_break(g, p, break_del);
}

/*
 * Running.  These have no reply until the target stops.
 */

static void go(struct gdb *g, int step)
{
	g->running = true;
	g->t->resume(g->t->opaque, step);
}

/* "c [addr]", "s [addr]"; with a signal number for C and S. */
static void go_at(struct gdb *g, const char *p, bool step, bool has_signal)
{
	uint64_t addr, sig;
	uint8_t pc[8];
	struct vcpu v;

	if (has_signal && (!take_hex(&p, &sig) || (*p && !take_char(&p, ';'))))
		return;
	if (take_hex(&p, &addr)) {
		memcpy(pc, &addr, 8);
		g->t->get(g->t->opaque, g->cpu, &v);
		v.rip = addr - v.seg[SEG_CS].base;
		g->t->set(g->t->opaque, g->cpu, &v);
	}
	go(g, step ? (int)g->cpu : -1);
}

static void cmd_cont(struct gdb *g, const char *p) { go_at(g, p, false, false); }
static void cmd_cont_sig(struct gdb *g, const char *p) { go_at(g, p, false, true); }
static void cmd_step(struct gdb *g, const char *p) { go_at(g, p, true, false); }
static void cmd_step_sig(struct gdb *g, const char *p) { go_at(g, p, true, true); }

/* Thread number at *@p: 0 any, -1 all. */
static bool take_thread(struct gdb *g, const char **p, int *cpu)
{
	uint64_t n;

	*cpu = -1;
	if (take_char(p, '-'))
		return take_hex(p, &n);
	if (!take_hex(p, &n) || n > g->t->cpus(g->t->opaque))
		return false;
	*cpu = n ? (int)n - 1 : 0;
	return true;
}

/* vCont;s:1;c -- one processor steps, or all go on. */
static void cmd_vcont(struct gdb *g, const char *p)
{
	int step = -1, cpu;
	uint64_t sig;
	bool any = false;

	while (take_char(&p, ';')) {
		char action = *p;

		if (!action)
			break;
		p++;
		if ((action == 'C' || action == 'S') && !take_hex(&p, &sig))
			break;
		cpu = g->cpu;
		if (take_char(&p, ':') && !take_thread(g, &p, &cpu))
			break;
		any = true;
		if ((action == 's' || action == 'S') && step < 0)
			step = cpu < 0 ? (int)g->cpu : cpu;
	}
	if (any)
		go(g, step);
}

static void cmd_why(struct gdb *g, const char *p)
{
	put_stop_reply(g);
}

static void let_go(struct gdb *g)
{
	g->breaks = (struct engine_debug){ 0 };
	g->t->set_breaks(g->t->opaque, &g->breaks);
	if (!g->running)
		go(g, -1);
}

static void cmd_detach(struct gdb *g, const char *p)
{
	ok(g);
	g->detached = true;
}

static void cmd_kill(struct gdb *g, const char *p)
{
	g->t->kill(g->t->opaque);
	g->running = true;
}

static void cmd_vkill(struct gdb *g, const char *p)
{
	ok(g);
	cmd_kill(g, p);
}

/*
 * Threads and queries.
 */

static void cmd_thread(struct gdb *g, const char *p)
{
	char what = *p ? *p++ : 0;
	int cpu;

	if (!take_thread(g, &p, &cpu)) {
		error(g, EINVAL);
		return;
	}
	if (what == 'g' && cpu >= 0)
		g->cpu = cpu;
	ok(g);
}

static void cmd_alive(struct gdb *g, const char *p)
{
	int cpu;

	if (take_thread(g, &p, &cpu) && cpu >= 0)
		ok(g);
	else
		error(g, ESRCH);
}

static void query_threads(struct gdb *g, const char *p)
{
	for (unsigned i = 0; i < g->t->cpus(g->t->opaque); i++)
		fprintf(g->out, "%c%x", i ? ',' : 'm', i + 1);
}

static void query_no_more(struct gdb *g, const char *p)
{
	fputc('l', g->out);
}

static void query_thread_info(struct gdb *g, const char *p)
{
	char text[32];
	int cpu;

	if (!take_thread(g, &p, &cpu) || cpu < 0) {
		error(g, ESRCH);
		return;
	}
	put_bytes(g, (uint8_t *)text,
		  snprintf(text, sizeof(text), "vCPU %d", cpu));
}

static void query_current(struct gdb *g, const char *p)
{
	fprintf(g->out, "QC%x", g->cpu + 1);
}

static void query_attached(struct gdb *g, const char *p)
{
	fputc('1', g->out);
}

static void query_supported(struct gdb *g, const char *p)
{
	fprintf(g->out, "PacketSize=%x;qXfer:features:read+;"
		"QStartNoAckMode+;vContSupported+;hwbreak+", PACKET_MAX);
}

static void query_no_ack(struct gdb *g, const char *p)
{
	ok(g);
	g->no_ack = true;
}

static void query_vcont(struct gdb *g, const char *p)
{
	fputs("vCont;c;C;s;S", g->out);
}

static void describe(struct gdb *g)
{
	FILE *f;
	struct vcpu v;

	g->t->get(g->t->opaque, g->cpu, &v);
	g->wide = v.msr.efer & EFER_LMA;
	free(g->xml);
	f = open_memstream(&g->xml, &g->xml_len);
	if (!f)
		return;
	gdb_regs_describe(f, g->wide);
	fclose(f);
}

/* qXfer:features:read:target.xml:offset,length */
static void query_features(struct gdb *g, const char *p)
{
	uint64_t off, len;

	if (strncmp(p, "target.xml:", 11)) {
		fputs("E00", g->out);
		return;
	}
	p += 11;
	if (!take_hex(&p, &off) || !take_char(&p, ',') || !take_hex(&p, &len)) {
		error(g, EINVAL);
		return;
	}
	if (!off)
		describe(g);
	if (!g->xml || off >= g->xml_len) {
		fputc('l', g->out);
		return;
	}
	if (len > MEMORY_MAX)
		len = MEMORY_MAX;
	if (len > g->xml_len - off)
		len = g->xml_len - off;
	fputc(off + len == g->xml_len ? 'l' : 'm', g->out);
	fwrite(g->xml + off, 1, len, g->out);
}

static void send_output(struct gdb *g, const char *text, size_t len)
{
	size_t piece;

	for (; len; text += piece, len -= piece) {
		char hex[2 * 512 + 2] = "O";

		piece = len < 512 ? len : 512;
		for (size_t i = 0; i < piece; i++)
			snprintf(hex + 1 + 2 * i, 3, "%02x",
				 (uint8_t)text[i]);
		send_packet(g, hex, 1 + 2 * piece);
	}
}

/* "monitor": the command in digits, its output in O packets. */
static void query_command(struct gdb *g, const char *p)
{
	char line[512] = "", *text = NULL;
	size_t n = strlen(p) / 2, len = 0;
	FILE *f;

	if (n >= sizeof(line) || !take_bytes(&p, (uint8_t *)line, n)) {
		error(g, EINVAL);
		return;
	}
	f = open_memstream(&text, &len);
	g->t->command(g->t->opaque, line, f);
	fclose(f);
	if (len)
		send_output(g, text, len);
	free(text);
	ok(g);
}

/* QEMU's packets for "memory by physical address". */
static void query_physical(struct gdb *g, const char *p)
{
	fputc(g->physical ? '1' : '0', g->out);
}

static void set_physical(struct gdb *g, const char *p)
{
	g->physical = *p == '1';
	ok(g);
}

enum { SILENT = 1, WHOLE = 2 };

static const struct command {
	const char *name;
	void (*fn)(struct gdb *g, const char *args);
	unsigned flags;		/* SILENT: no reply; WHOLE: all of the packet */
} commands[] = {
	{ "?", cmd_why, WHOLE },
	{ "g", cmd_get_all, WHOLE },
	{ "G", cmd_set_all, 0 },
	{ "p", cmd_get_one, 0 },
	{ "P", cmd_set_one, 0 },
	{ "m", cmd_read, 0 },
	{ "M", cmd_write, 0 },
	{ "X", cmd_write_binary, 0 },
	{ "Z", cmd_break, 0 },
	{ "z", cmd_unbreak, 0 },
	{ "c", cmd_cont, SILENT },
	{ "C", cmd_cont_sig, SILENT },
	{ "s", cmd_step, SILENT },
	{ "S", cmd_step_sig, SILENT },
	{ "vCont?", query_vcont, WHOLE },
	{ "vCont", cmd_vcont, SILENT },
	{ "vKill;", cmd_vkill, 0 },
	{ "k", cmd_kill, SILENT },
	{ "D", cmd_detach, 0 },
	{ "H", cmd_thread, 0 },
	{ "T", cmd_alive, 0 },
	{ "qfThreadInfo", query_threads, WHOLE },
	{ "qsThreadInfo", query_no_more, WHOLE },
	{ "qThreadExtraInfo,", query_thread_info, 0 },
	{ "qC", query_current, WHOLE },
	{ "qAttached", query_attached, 0 },
	{ "qSupported", query_supported, 0 },
	{ "QStartNoAckMode", query_no_ack, WHOLE },
	{ "qXfer:features:read:", query_features, 0 },
	{ "qRcmd,", query_command, 0 },
	{ "qqemu.PhyMemMode", query_physical, WHOLE },
	{ "Qqemu.PhyMemMode:", set_physical, 0 },
};

static const struct command *find(const char *text)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t n = strlen(commands[i].name);

		if (!strncmp(text, commands[i].name, n) &&
		    (!(commands[i].flags & WHOLE) || !text[n]))
			return &commands[i];
	}
	return NULL;
}

/* Unknown packets get an empty reply, GDB manual E.1. */
static void packet(struct gdb *g)
{
	const struct command *c = find(g->in);
	bool was_running = g->running;

	if (c && c->flags & SILENT) {
		if (!was_running)
			c->fn(g, g->in + strlen(c->name));
		return;
	}
	reply_begin(g);
	if (was_running)
		error(g, EBUSY);
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
		g->sent_sum = (nibble(c) & 15) << 4;
		g->rx = RX_SUM2;
		break;
	case RX_SUM2:
		g->sent_sum |= nibble(c) & 15;
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
	describe(g);
}

/* A client that dies does not take the guest with it. */
static void on_close(void *opaque, struct stream_conn *c)
{
	struct gdb *g = opaque;

	g->conn = NULL;
	let_go(g);
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
	put_stop_reply(g);
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
