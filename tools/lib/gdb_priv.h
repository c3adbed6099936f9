/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the gdb server's files share: gdb.c frames packets and keeps the
 * connection, gdb_packets.c is what they ask of processors and memory,
 * gdb_query.c what they ask about the target and this server.
 */
#ifndef TOOLS_LIB_GDB_PRIV_H
#define TOOLS_LIB_GDB_PRIV_H

#include "backends/stream.h"
#include "hypervisor/vcpu.h"
#include "tools/lib/gdb.h"

#define PACKET_MAX	16384u		/* bytes of text, as we announce */
#define MEMORY_MAX	(PACKET_MAX / 2 - 16)

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

/* A packet's function gets what follows @name and writes to g->out. */
enum { SILENT = 1, WHOLE = 2 };

struct gdb_command {
	const char *name;
	void (*fn)(struct gdb *g, const char *args);
	unsigned flags;		/* SILENT: no reply; WHOLE: all of the packet */
};

/* Both end with a row without a name. */
extern const struct gdb_command gdb_commands[], gdb_queries[];

/* Numbers in packets; each take moves *@p behind what it took. */
int gdb_nibble(char c);
bool gdb_take_hex(const char **p, uint64_t *val);
bool gdb_take_char(const char **p, char c);
bool gdb_take_bytes(const char **p, uint8_t *buf, size_t len);
bool gdb_take_thread(struct gdb *g, const char **p, int *cpu);
void gdb_put_bytes(struct gdb *g, const uint8_t *buf, size_t len);

void gdb_ok(struct gdb *g);
void gdb_error(struct gdb *g, int err);
void gdb_put_stop_reply(struct gdb *g);
void gdb_send_packet(struct gdb *g, const char *text, size_t len);

/* The client gets registers as they are now: 32 or 64 bits. */
void gdb_describe(struct gdb *g);
/* No breakpoints, and on it goes. */
void gdb_let_go(struct gdb *g);

#endif
