// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/umbra/control.h"

#include <string.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "backends/net.h"
#include "tools/lib/monitor.h"
#include "tools/lib/monitor_server.h"
#include "tools/lib/options.h"
#include "tools/lib/qmp.h"
#include "tools/umbra/debugger.h"
#include "tools/umbra/devices.h"

static struct {
	const struct run_config *config;
	struct device_list *devices;
} shown;

static bool block_info(unsigned n, struct monitor_block *b)
{
	static const char *const names[DRIVE_IFS] = {
		[DRIVE_IDE] = "ide", [DRIVE_VIRTIO] = "virtio",
	};
	const struct drive_opt *d;
	const struct block *medium;
	struct block_queue *q;

	if (n >= shown.devices->nqueues || n >= shown.config->drives.n)
		return false;
	d = &shown.config->drives.v[n];
	q = shown.devices->queues[n];
	medium = block_queue_medium(q);
	*b = (struct monitor_block){
		.bus = d->iface < DRIVE_IFS && names[d->iface]
		       ? names[d->iface] : "drive",
		.removable = d->cdrom,
		.stats = block_queue_stats(q),
	};
	snprintf(b->name, sizeof(b->name), "%s%u-%s%u", b->bus, d->bus,
		 d->cdrom ? "cd" : "hd", d->unit);
	if (!medium)
		return true;
	b->file = medium->name;
	b->format = medium->ops->name;
	b->read_only = medium->read_only;
	b->size = medium->size;
	return true;
}

static bool net_info(unsigned n, const char **kind,
		     const struct net_stats **stats)
{
	if (n >= shown.devices->nnets)
		return false;
	*kind = shown.devices->nets[n].backend->ops->name;
	*stats = &shown.devices->nets[n].backend->stats;
	return true;
}

int control_open(struct control *k, const struct run_config *c,
		 struct monitor *m, struct device_list *devices,
		 struct loop *loop, FILE *log, char *err, size_t err_len)
{
	int ret = 0;

	shown.config = c;
	shown.devices = devices;
	m->block = block_info;
	m->net = net_info;
	if (c->gdb)
		ret = debugger_create(&k->debugger, m, loop, c->gdb, log, err,
				      err_len);
	if (!ret && c->monitor)
		ret = monitor_server_create(&k->monitor, m, loop, c->monitor,
					    err, err_len);
	if (!ret && c->qmp)
		ret = qmp_create(&k->qmp, m, loop, c->qmp, err, err_len);
	return ret;
}

void control_close(struct control *k, int status)
{
	debugger_destroy(k->debugger, status);
	monitor_server_destroy(k->monitor);
	qmp_destroy(k->qmp);
	memset(k, 0, sizeof(*k));
}
