// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets about the target and this server: threads, registers' description,
 * "monitor", what is supported.
 */
#include "tools/lib/gdb_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Thread number at *@p: 0 any, -1 all. */
bool gdb_take_thread(struct gdb *g, const char **p, int *cpu)
{
	uint64_t n;

	*cpu = -1;
	if (gdb_take_char(p, '-'))
		return gdb_take_hex(p, &n);
	if (!gdb_take_hex(p, &n) || n > g->t->cpus(g->t->opaque))
		return false;
	*cpu = n ? (int)n - 1 : 0;
	return true;
}

static void cmd_thread(struct gdb *g, const char *p)
{
	char what = *p ? *p++ : 0;
	int cpu;

	if (!gdb_take_thread(g, &p, &cpu)) {
		gdb_error(g, EINVAL);
		return;
	}
	if (what == 'g' && cpu >= 0)
		g->cpu = cpu;
	gdb_ok(g);
}

static void cmd_alive(struct gdb *g, const char *p)
{
	int cpu;

	if (gdb_take_thread(g, &p, &cpu) && cpu >= 0)
		gdb_ok(g);
	else
		gdb_error(g, ESRCH);
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

	if (!gdb_take_thread(g, &p, &cpu) || cpu < 0) {
		gdb_error(g, ESRCH);
		return;
	}
	gdb_put_bytes(g, (uint8_t *)text,
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
	gdb_ok(g);
	g->no_ack = true;
}

void gdb_describe(struct gdb *g)
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
	if (!gdb_take_hex(&p, &off) || !gdb_take_char(&p, ',') ||
	    !gdb_take_hex(&p, &len)) {
		gdb_error(g, EINVAL);
		return;
	}
	if (!off)
		gdb_describe(g);
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
		gdb_send_packet(g, hex, 1 + 2 * piece);
	}
}

/* "monitor": the command in digits, its output in O packets. */
static void query_command(struct gdb *g, const char *p)
{
	char line[512] = "", *text = NULL;
	size_t n = strlen(p) / 2, len = 0;
	FILE *f;

	if (n >= sizeof(line) || !gdb_take_bytes(&p, (uint8_t *)line, n)) {
		gdb_error(g, EINVAL);
		return;
	}
	f = open_memstream(&text, &len);
	g->t->command(g->t->opaque, line, f);
	fclose(f);
	if (len)
		send_output(g, text, len);
	free(text);
	gdb_ok(g);
}

/* QEMU's packets for "memory by physical address". */
static void query_physical(struct gdb *g, const char *p)
{
	fputc(g->physical ? '1' : '0', g->out);
}

static void set_physical(struct gdb *g, const char *p)
{
	g->physical = *p == '1';
	gdb_ok(g);
}

const struct gdb_command gdb_queries[] = {
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
	{ NULL, NULL, 0 },
};
