// SPDX-License-Identifier: GPL-2.0-or-later
/* Amounts of memory: parsing, and what a guest can have. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "hypervisor/types.h"
#include "tools/lib/options.h"

/* 36-bit physical addresses less the PCI hole; mem.c has the same limit. */
#define GUEST_MAX	(63 * GIB)
#define GUEST_MIN	(1 * MIB)

/* Bytes behind suffix @s ("", "K", "MB", "GiB" ...); 0: no such suffix. */
static uint64_t suffix_unit(const char *s, uint64_t unit)
{
	static const char letters[] = "KMGT";
	const char *l;

	if (!*s)
		return unit;
	l = strchr(letters, toupper((unsigned char)*s));
	if (!l || (strcasecmp(s + 1, "") && strcasecmp(s + 1, "B") &&
		   strcasecmp(s + 1, "iB")))
		return 0;
	return 1ULL << (10 * (l - letters + 1));
}

int size_parse(const char *text, uint64_t unit, uint64_t *out)
{
	char *end;
	uint64_t n;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	unit = suffix_unit(end, unit);
	if (errno || !unit || __builtin_mul_overflow(n, unit, out))
		return -EINVAL;
	return 0;
}

uint64_t mem_host_limit(void)
{
	struct sysinfo si;

	if (sysinfo(&si))
		return UINT64_MAX;
	return ((uint64_t)si.totalram + si.totalswap) * si.mem_unit;
}

const char *mem_problem(uint64_t bytes, uint64_t host)
{
	if (bytes < GUEST_MIN)
		return "below 1 MiB (the least that a PC has)";
	if (bytes > GUEST_MAX)
		return "above 63 GiB (the most that a 32-bit guest can address)";
	if (bytes & ~PAGE_MASK)
		return "not a multiple of 4 KiB";
	if (bytes > host)
		return "more than this host's memory and swap";
	return NULL;
}
