// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets that read and change processors and memory, set breakpoints, and
 * let the target run.
 */
#include "tools/lib/gdb_priv.h"

#include <errno.h>
#include <string.h>

static void cmd_get_all(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	struct vcpu v;

	g->t->get(g->t->opaque, g->cpu, &v);
	for (unsigned n = 0; n < gdb_regs_general(g->wide); n++) {
		gdb_reg_get(&v, n, g->wide, buf);
		gdb_put_bytes(g, buf, gdb_reg_size(n, g->wide));
	}
}

static void cmd_set_all(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	struct vcpu v;

	g->t->get(g->t->opaque, g->cpu, &v);
	for (unsigned n = 0; n < gdb_regs_general(g->wide); n++) {
		if (!gdb_take_bytes(&p, buf, gdb_reg_size(n, g->wide))) {
			gdb_error(g, EINVAL);
			return;
		}
		/* Those that cannot be changed stay: gdb sends all. */
		gdb_reg_set(&v, n, g->wide, buf);
	}
	g->t->set(g->t->opaque, g->cpu, &v);
	gdb_ok(g);
}

static void cmd_get_one(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	uint64_t n;
	struct vcpu v;

	if (!gdb_take_hex(&p, &n) || n > 999 || !gdb_reg_size(n, g->wide)) {
		gdb_error(g, EINVAL);
		return;
	}
	g->t->get(g->t->opaque, g->cpu, &v);
	gdb_reg_get(&v, n, g->wide, buf);
	gdb_put_bytes(g, buf, gdb_reg_size(n, g->wide));
}

static void cmd_set_one(struct gdb *g, const char *p)
{
	uint8_t buf[16];
	uint64_t n;
	struct vcpu v;

	if (!gdb_take_hex(&p, &n) || n > 999 || !gdb_reg_size(n, g->wide) ||
	    !gdb_take_char(&p, '=') ||
	    !gdb_take_bytes(&p, buf, gdb_reg_size(n, g->wide))) {
		gdb_error(g, EINVAL);
		return;
	}
	g->t->get(g->t->opaque, g->cpu, &v);
	if (!gdb_reg_set(&v, n, g->wide, buf)) {
		gdb_error(g, EPERM);
		return;
	}
	g->t->set(g->t->opaque, g->cpu, &v);
	gdb_ok(g);
}

static bool take_range(const char **p, uint64_t *addr, uint64_t *len)
{
	return gdb_take_hex(p, addr) && gdb_take_char(p, ',') &&
	       gdb_take_hex(p, len) && *len <= MEMORY_MAX;
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
		gdb_error(g, EINVAL);
		return;
	}
	got = read_some(g, addr, buf, len);
	if (len && !got)
		gdb_error(g, EFAULT);
	gdb_put_bytes(g, buf, got);
}

static void write_memory(struct gdb *g, uint64_t addr, const uint8_t *buf,
			 size_t len)
{
	int err = len ? g->t->write(g->t->opaque, g->cpu, g->physical, addr,
				    buf, len) : 0;

	if (err)
		gdb_error(g, -err);
	else
		gdb_ok(g);
}

static void cmd_write(struct gdb *g, const char *p)
{
	static uint8_t buf[MEMORY_MAX];
	uint64_t addr, len;

	if (!take_range(&p, &addr, &len) || !gdb_take_char(&p, ':') ||
	    !gdb_take_bytes(&p, buf, len))
		gdb_error(g, EINVAL);
	else
		write_memory(g, addr, buf, len);
}

/* X: the bytes themselves, with "}" before what has a meaning. */
static void cmd_write_binary(struct gdb *g, const char *p)
{
	static uint8_t buf[MEMORY_MAX];
	const char *end = g->in + g->len;
	uint64_t addr, len, n = 0;

	if (!take_range(&p, &addr, &len) || !gdb_take_char(&p, ':')) {
		gdb_error(g, EINVAL);
		return;
	}
	for (; p < end && n < len; p++)
		buf[n++] = *p == '}' && p + 1 < end ? *++p ^ 0x20 : *p;
	if (n != len || p != end)
		gdb_error(g, EINVAL);
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

	if (!gdb_take_hex(&p, &kind) || kind >= ARRAY_SIZE(break_kinds) ||
	    !gdb_take_char(&p, ',') || !gdb_take_hex(&p, &addr) ||
	    !gdb_take_char(&p, ',') || !gdb_take_hex(&p, &len) || len > PAGE_SIZE) {
		gdb_error(g, EINVAL);
		return;
	}
	b = (struct engine_breakpoint){
		.addr = g->wide ? addr : (uint32_t)addr,
		.kind = break_kinds[kind],
		.len = kind < 2 || !len ? 1 : len,
	};
	err = change(g, &b);
	if (err)
		gdb_error(g, -err);
	else
		gdb_ok(g);
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

	if (has_signal && (!gdb_take_hex(&p, &sig) || (*p && !gdb_take_char(&p, ';'))))
		return;
	if (gdb_take_hex(&p, &addr)) {
		memcpy(pc, &addr, 8);
		g->t->get(g->t->opaque, g->cpu, &v);
		v.rip = addr - v.seg[SEG_CS].base;
		g->t->set(g->t->opaque, g->cpu, &v);
	}
	go(g, step ? (int)g->cpu : -1);
}

static void cmd_cont(struct gdb *g, const char *p)
{
	go_at(g, p, false, false);
}

static void cmd_cont_sig(struct gdb *g, const char *p)
{
	go_at(g, p, false, true);
}

static void cmd_step(struct gdb *g, const char *p)
{
	go_at(g, p, true, false);
}

static void cmd_step_sig(struct gdb *g, const char *p)
{
	go_at(g, p, true, true);
}

/* vCont;s:1;c -- one processor steps, or all go on. */
static void cmd_vcont(struct gdb *g, const char *p)
{
	int step = -1, cpu;
	uint64_t sig;
	bool any = false;

	while (gdb_take_char(&p, ';')) {
		char action = *p;

		if (!action)
			break;
		p++;
		if ((action == 'C' || action == 'S') && !gdb_take_hex(&p, &sig))
			break;
		cpu = g->cpu;
		if (gdb_take_char(&p, ':') && !gdb_take_thread(g, &p, &cpu))
			break;
		any = true;
		if ((action == 's' || action == 'S') && step < 0)
			step = cpu < 0 ? (int)g->cpu : cpu;
	}
	if (any)
		go(g, step);
}

static void query_vcont(struct gdb *g, const char *p)
{
	fputs("vCont;c;C;s;S", g->out);
}

static void cmd_why(struct gdb *g, const char *p)
{
	gdb_put_stop_reply(g);
}

void gdb_let_go(struct gdb *g)
{
	g->breaks = (struct engine_debug){ 0 };
	g->t->set_breaks(g->t->opaque, &g->breaks);
	if (!g->running)
		go(g, -1);
}

static void cmd_detach(struct gdb *g, const char *p)
{
	gdb_ok(g);
	g->detached = true;
}

static void cmd_kill(struct gdb *g, const char *p)
{
	g->t->kill(g->t->opaque);
	g->running = true;
}

static void cmd_vkill(struct gdb *g, const char *p)
{
	gdb_ok(g);
	cmd_kill(g, p);
}

const struct gdb_command gdb_commands[] = {
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
	{ NULL, NULL, 0 },
};
