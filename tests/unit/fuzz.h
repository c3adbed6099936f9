/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fuzzers share; tests/fuzz builds them under sanitizers. */
#ifndef TESTS_UNIT_FUZZ_H
#define TESTS_UNIT_FUZZ_H

#include <stdlib.h>

/* How many cases: $FUZZ_CASES, or @most. */
static inline unsigned fuzz_cases(unsigned most)
{
	const char *s = getenv("FUZZ_CASES");

	return s ? (unsigned)atoi(s) : most;
}

#endif
