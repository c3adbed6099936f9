/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands that talk to running machines share.  They write to the
 * store and wait for what becomes of it (backends/xenstore/README.md); nothing
 * else connects them with the machine.  Functions that fail end the program.
 */
#ifndef TOOLS_UMBRA_DOMAIN_H
#define TOOLS_UMBRA_DOMAIN_H

#include <stdbool.h>

#include "backends/xenstore/include/xenstore.h"

#define DOMAIN_PATH	512
/* Seconds that a command waits for the machine, unless --timeout says. */
#define DOMAIN_TIMEOUT	30

struct domain {
	struct xs_handle *h;
	unsigned id;
	char dir[40];		/* /local/domain/ID */
	const char *command;	/* for messages */
};

/* @who: a name or a number. */
void domain_open(struct domain *d, const char *command, const char *who);
void domain_close(struct domain *d);
/* The store, or NULL if there is none. */
struct xs_handle *domain_store(void);

/* Printed paths; the value on the heap, or NULL. */
char *domain_read(struct domain *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

struct domain_node {
	char path[DOMAIN_PATH];
	const char *value;
};

/*
 * Write all of @nodes in one transaction, after @check (may be NULL) said yes
 * in it: it returns NULL or why not.
 */
void domain_write(struct domain *d, const struct domain_node *nodes,
		  unsigned n, const char *(*check)(struct domain *d,
						   xs_transaction_t t,
						   void *opaque),
		  void *opaque);

/*
 * Wait until @ready says so; it is asked at the start and after each change at
 * @path or below.  False: @seconds have passed.
 */
bool domain_wait(struct domain *d, const char *path, unsigned seconds,
		 bool (*ready)(struct domain *d, void *opaque), void *opaque);

/* "--timeout SECONDS" at @argv[0], removed; else @seconds as it is. */
void domain_timeout(int *argc, char ***argv, const char *command,
		    unsigned *seconds);

#endif
