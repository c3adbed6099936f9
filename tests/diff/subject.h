/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine under test, with a guest that has the oracle's linear layout: a
 * case runs at CPL 3 under paging, and every exception ends in a HLT at CPL 0
 * behind the IDT, where the pushed frame tells what happened.
 */
#ifndef TESTS_DIFF_SUBJECT_H
#define TESTS_DIFF_SUBJECT_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/diff/layout.h"

struct engine_ops;
struct gen_case;

enum subject_paging { PAGING_32, PAGING_PAE };

struct subject_config {
	const struct engine_ops *ops;
	const char *const *options;	/* for the engine; NULL-terminated */
	enum subject_paging paging;
	/*
	 * Interrupt the case at random moments from another thread; the
	 * handler is an IRET, so nothing may come of it.
	 */
	bool interrupts;
};

/* Exits with a message when the engine cannot be created. */
void subject_start(const struct subject_config *cfg,
		   const struct diff_memory *init, const uint8_t *ro);
void subject_stop(void);

/*
 * Run @c from its initial state.  Returns NULL with @out and @mem filled in,
 * or the reason why the engine did not come to an end.
 */
const char *subject_run(const struct gen_case *c, struct diff_state *out,
			struct diff_memory *mem);

void subject_stats(FILE *f);

#endif
