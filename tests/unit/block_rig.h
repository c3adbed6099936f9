/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests of disk images share: a directory of their own, and images in it.
 */
#ifndef TESTS_UNIT_BLOCK_RIG_H
#define TESTS_UNIT_BLOCK_RIG_H

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/block.h"
#include "backends/vmdk.h"
#include "hypervisor/types.h"

static char rig_dir[64];
static char rig_err[BLOCK_ERR_LEN];

/* Removed by the runner, which outlives the tests' processes. */
static inline void rig_make_dir(void)
{
	/* Memory: a process that dies leaves the same there as on a disk. */
	const char *tmp = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";

	snprintf(rig_dir, sizeof(rig_dir), "%s/umbra-block-XXXXXX", tmp);
	if (!mkdtemp(rig_dir))
		abort();
}

static inline void rig_remove_dir(void)
{
	char cmd[96];

	snprintf(cmd, sizeof(cmd), "rm -rf '%s'", rig_dir);
	if (system(cmd))
		fprintf(stderr, "%s stays\n", rig_dir);
}

/* The path of @name in the directory; one of a few buffers. */
static inline const char *rig_path(const char *name)
{
	static char paths[4][128];
	static unsigned n;

	n = (n + 1) % 4;
	snprintf(paths[n], sizeof(paths[n]), "%s/%s", rig_dir, name);
	return paths[n];
}

static inline struct block *rig_open(const char *name, bool read_only)
{
	struct block_config cfg = { .file = rig_path(name),
				    .read_only = read_only };
	struct block *b;

	ck_assert_msg(!block_open(&b, &cfg, rig_err), "%s", rig_err);
	return b;
}

static inline void rig_raw(const char *name, uint64_t size)
{
	int fd = open(rig_path(name), O_RDWR | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, size), 0);
	close(fd);
}

static inline void rig_vmdk(const char *name, uint64_t size)
{
	struct vmdk_create c = { .size = size, .parent_cid = VMDK_NO_PARENT };

	unlink(rig_path(name));
	ck_assert_msg(!vmdk_create(rig_path(name), &c, rig_err), "%s",
		      rig_err);
}

static inline void rig_child(const char *name, const char *parent)
{
	struct block *p = rig_open(parent, true);
	struct vmdk_create c = { .size = p->size, .parent_hint = parent,
				 .parent_cid = vmdk_cid(p) };

	block_close(p);
	unlink(rig_path(name));
	ck_assert_msg(!vmdk_create(rig_path(name), &c, rig_err), "%s",
		      rig_err);
}

/* @len bytes of @val at @off. */
static inline void rig_fill(struct block *b, uint64_t off, size_t len,
			    int val)
{
	char *buf = malloc(len);

	memset(buf, val, len);
	ck_assert_int_eq(block_write(b, off, buf, len), 0);
	free(buf);
}

static inline void rig_expect(struct block *b, uint64_t off, size_t len,
			      int val)
{
	char *buf = malloc(len);

	ck_assert_int_eq(block_read(b, off, buf, len), 0);
	for (size_t i = 0; i < len; i++)
		if (buf[i] != (char)val)
			ck_abort_msg("byte %llu is %02x, not %02x",
				     (unsigned long long)(off + i),
				     (uint8_t)buf[i], val);
	free(buf);
}

#endif
