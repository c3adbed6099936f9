/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DIFF_COMPARE_H
#define TESTS_DIFF_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/diff/layout.h"

struct gen_case;

/* What is compared: some bits depend on the configuration. */
struct compare_rules {
	bool nx;		/* the guest has NX: compare PFERR_I */
	bool undefined_flags;	/* compare these, too */
};

/* Equal?  If not and @f is not NULL, say where they differ. */
bool outcome_equal(const struct compare_rules *r, const struct gen_case *c,
		   const struct diff_state *want,
		   const struct diff_memory *wmem,
		   const struct diff_state *got,
		   const struct diff_memory *gmem, FILE *f);

/* The processor has NX and stopped at data; the guest would run it. */
bool outcome_runs_data(const struct compare_rules *r,
		       const struct diff_state *want);

/*
 * Differences that prove nothing: the subject met memory that only the oracle's
 * process has, or came to an end that the manual leaves open.
 */
bool outcome_unfair(const struct gen_case *c,
		    const struct diff_state *want,
		    const struct diff_memory *wmem,
		    const struct diff_state *got,
		    const struct diff_memory *gmem);

void case_print(const struct gen_case *c, FILE *f);

#endif
