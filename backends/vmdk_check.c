// SPDX-License-Identifier: GPL-2.0-or-later
/* Does every grain have its own place in the file? */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/block_file.h"
#include "backends/vmdk_format.h"

/* A bit for each sector of the file that a grain can begin at. */
struct used {
	uint8_t *bits;
	uint64_t units, unit;		/* bytes in a unit */
};

static bool used_before(struct used *u, uint64_t n)
{
	uint8_t bit = 1u << n % 8, was = u->bits[n / 8];

	u->bits[n / 8] |= bit;
	return was & bit;
}

/* Compressed grains have any length; only their beginnings are looked at. */
static void check_entry(struct vmdk *v, struct used *u, uint32_t entry,
			struct vmdk_report *r)
{
	uint64_t off = (uint64_t)entry * BLOCK_SECTOR;
	uint64_t need = v->cache ? BLOCK_SECTOR : v->grain;
	bool shared = false;

	if (entry <= VMDK_ENTRY_ZERO)
		return;
	r->grains++;
	if (off + need > u->units * u->unit) {
		r->outside++;
		return;
	}
	for (uint64_t at = off; at < off + need; at += u->unit)
		shared |= used_before(u, at / u->unit);
	r->shared += shared;
}

static int check_redundant(struct vmdk *v, unsigned n, const uint32_t *gt,
			   struct vmdk_report *r)
{
	uint32_t other[VMDK_GTES];
	int ret;

	if (!v->rgd || !v->rgd[n])
		return 0;
	ret = file_read_all(v->fd, (uint64_t)v->rgd[n] * BLOCK_SECTOR, other,
			    sizeof(other));
	for (unsigned i = 0; !ret && i < VMDK_GTES; i++)
		r->differing += other[i] != gt[i];
	return ret;
}

static int check_tables(struct vmdk *v, struct used *u, struct vmdk_report *r)
{
	int ret = 0;

	for (unsigned n = 0; !ret && n < v->tables; n++) {
		uint32_t gt[VMDK_GTES];

		if (!v->gd[n])
			continue;
		ret = file_read_all(v->fd, (uint64_t)v->gd[n] * BLOCK_SECTOR,
				    gt, sizeof(gt));
		for (unsigned i = 0; !ret && i < VMDK_GTES; i++)
			check_entry(v, u, gt[i], r);
		if (!ret)
			ret = check_redundant(v, n, gt, r);
	}
	return ret;
}

int vmdk_check(struct block *b, struct vmdk_report *r)
{
	struct vmdk *v = (struct vmdk *)b;
	struct used u = { .unit = BLOCK_SECTOR };
	uint64_t overhead = v->head.overhead * BLOCK_SECTOR;
	struct stat st;
	int ret;

	memset(r, 0, sizeof(*r));
	if (b->ops != &vmdk_ops)
		return -EINVAL;
	r->unclean = v->head.unclean;
	if (fstat(v->fd, &st))
		return -errno;
	u.units = st.st_size / u.unit;
	u.bits = calloc(1, u.units / 8 + 1);
	if (!u.bits)
		return -ENOMEM;
	ret = check_tables(v, &u, r);
	free(u.bits);
	if (!v->cache && (uint64_t)st.st_size > overhead + r->grains * v->grain)
		r->leaked = st.st_size - overhead - r->grains * v->grain;
	return ret;
}
