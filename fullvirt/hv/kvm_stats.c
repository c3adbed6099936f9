// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KVM's binary statistics: a header, descriptors with names, values.
 */
#include "fullvirt/hv/kvm_stats.h"

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <unistd.h>

/* More than any KVM has; a bound for a loop over what a file says. */
#define STATS_MAX	1024
#define NAME_MAX_LEN	256

static int read_at(int fd, void *buf, size_t len, off_t at)
{
	ssize_t n = pread(fd, buf, len, at);

	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}

int kvm_stat_read(int fd, const char *name, uint64_t *val)
{
	struct kvm_stats_header h;
	int ret = read_at(fd, &h, sizeof(h), 0);

	if (ret)
		return ret;
	if (h.name_size > NAME_MAX_LEN || h.num_desc > STATS_MAX)
		return -EIO;
	for (uint32_t i = 0; i < h.num_desc; i++) {
		struct {
			struct kvm_stats_desc d;
			char name[NAME_MAX_LEN + 1];
		} e = { 0 };
		size_t len = sizeof(e.d) + h.name_size;

		ret = read_at(fd, &e, len, h.desc_offset + i * len);
		if (ret)
			return ret;
		if (!strcmp(e.name, name))
			return read_at(fd, val, sizeof(*val),
				       h.data_offset + e.d.offset);
	}
	return -ENOENT;
}
