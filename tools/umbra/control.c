// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE	/* asprintf */
#include "tools/umbra/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "backends/net.h"
#include "backends/offer.h"
#include "backends/text_screen.h"
#include "backends/vnc.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/vm.h"
#include "tools/lib/file_agent.h"
#include "tools/lib/monitor.h"
#include "tools/lib/monitor_server.h"
#include "tools/lib/options.h"
#include "tools/lib/qmp.h"
#include "tools/umbra/debugger.h"
#include "tools/umbra/devices.h"

static struct {
	const struct run_config *config;
	struct device_list *devices;
	struct hotplug *hotplug;
	struct file_agent *files;	/* NULL: we open them ourselves */
} shown;

static bool block_info(unsigned n, struct monitor_block *b)
{
	static const char *const names[DRIVE_IFS] = {
		[DRIVE_IDE] = "ide", [DRIVE_FLOPPY] = "floppy",
		[DRIVE_SCSI] = "scsi", [DRIVE_VIRTIO] = "virtio",
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
		.removable = d->cdrom || d->iface == DRIVE_FLOPPY,
		.stats = block_queue_stats(q),
	};
	snprintf(b->name, sizeof(b->name), "%s%u-%s%u", b->bus,
		 d->bus < 0 ? 0 : d->bus,
		 d->cdrom ? "cd" : d->iface == DRIVE_FLOPPY ? "fd" : "hd",
		 d->unit < 0 ? 0 : d->unit);
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

/*
 * VNC.
 */

static void input_key(void *opaque, unsigned code, int down)
{
	vm_key(((struct monitor *)opaque)->vm, code, down);
}

static void input_mouse(void *opaque, int dx, int dy, int dz,
			unsigned buttons)
{
	vm_mouse(((struct monitor *)opaque)->vm, dx, dy, dz, buttons);
}

/* QEMU's [ADDRESS]:DISPLAY, or unix:PATH, as stream_listen() has it. */
static char *vnc_address(const char *s, char *err, size_t err_len)
{
	const char *colon = strrchr(s, ':');
	unsigned long n;
	char *end, *out = NULL;

	if (!strncmp(s, "unix:", 5))
		return strdup(s);
	n = colon ? strtoul(colon + 1, &end, 10) : 0;
	if (!colon || end == colon + 1 || *end || n > 59635) {
		snprintf(err, err_len, "--vnc %s: not [ADDRESS]:DISPLAY or "
			 "unix:PATH", s);
		return NULL;
	}
	if (asprintf(&out, "tcp:%.*s:%lu", (int)(colon - s), s, 5900 + n) < 0)
		return NULL;
	return out;
}

static int read_password(struct control *k, const char *file, char *err,
			 size_t err_len)
{
	FILE *f = fopen(file, "re");
	char line[80];

	if (!f || !fgets(line, sizeof(line), f)) {
		snprintf(err, err_len, "%s: %s (VNC password)", file,
			 f ? "empty" : strerror(errno));
		if (f)
			fclose(f);
		return -EINVAL;
	}
	fclose(f);
	line[strcspn(line, "\r\n")] = '\0';
	k->vnc_password = strdup(line);
	return k->vnc_password ? 0 : -ENOMEM;
}

static int open_vnc(struct control *k, const struct run_config *c,
		    struct monitor *m, struct device_list *devices,
		    struct loop *loop, FILE *log, char *err, size_t err_len)
{
	static const struct input_ops input = { input_key, input_mouse };
	struct vnc_config cfg = {
		.loop = loop, .display = devices->screen.display,
		.name = c->name ? c->name : "Umbra",
		.input = &input, .input_opaque = m,
	};
	int ret = 0;

	k->vnc_listen = vnc_address(c->vnc, err, err_len);
	if (!k->vnc_listen)
		return -EINVAL;
	if (c->vnc_password)
		ret = read_password(k, c->vnc_password, err, err_len);
	if (ret)
		return ret;
	cfg.listen = k->vnc_listen;
	cfg.password = k->vnc_password;
	ret = vnc_create(&k->vnc, &cfg, err, err_len);
	if (!ret && vnc_port(k->vnc))
		fprintf(log, "umbra: VNC on port %u\n", vnc_port(k->vnc));
	return ret;
}

/* What the agent does not open needs saying what to do. */
static int explain(int ret, const char *file, const char *instead, char *err)
{
	if (ret == -EXDEV)
		snprintf(err, MONITOR_LINE, "%s: the sandbox lets files be "
			 "opened only where the machine's are, and where it "
			 "was started (%s, or --sandbox off)", file, instead);
	else if (ret == -EINVAL)
		snprintf(err, MONITOR_LINE, "%s: must be a file that ends in "
			 ".ppm, .png or .txt", file);
	else
		snprintf(err, MONITOR_LINE, "%s: %s", file, strerror(-ret));
	return ret;
}

static int open_medium(struct block **b, unsigned n, const char *file,
		       char *err)
{
	const struct drive_opt *d = &shown.config->drives.v[n];
	struct block_config cfg = { .file = file,
				    .read_only = d->cdrom || d->read_only };
	char why[BLOCK_ERR_LEN];
	int fd = -1, ret;

	if (shown.files) {
		fd = file_agent_open(shown.files, file, cfg.read_only ?
				     FILE_AGENT_READ : FILE_AGENT_WRITE);
		if (fd < 0)
			return explain(fd, file, "umbra eject", err);
		offer_add(file, fd);
	}
	ret = block_open(b, &cfg, why);
	if (fd >= 0) {
		offer_clear();
		close(fd);
	}
	if (ret)
		snprintf(err, MONITOR_LINE, "%.*s", MONITOR_LINE - 1, why);
	return ret;
}

static int change_medium(const char *name, const char *file, bool force,
			 char *err)
{
	struct block *b = NULL;
	struct monitor_block info;
	unsigned n = 0;
	int ret = 0;

	while (block_info(n, &info) && strcmp(info.name, name))
		n++;
	if (!block_info(n, &info)) {
		snprintf(err, MONITOR_LINE, "%s: no such drive (info block)",
			 name);
		return -ENOENT;
	}
	if (file)
		ret = open_medium(&b, n, file, err);
	if (ret)
		return ret;
	ret = hotplug_change(shown.hotplug, shown.devices->queues[n], b,
			     force);
	if (ret)
		snprintf(err, MONITOR_LINE, "%s: %s", name, ret == -EBUSY ?
			 "the guest has locked it (eject -f)" :
			 ret == -ENOTSUP ? "its medium is not removable" :
			 strerror(-ret));
	if (ret && b)
		block_close(b);
	return ret;
}

static int screendump(const char *file, char *err)
{
	FILE *f = NULL;
	int ret = 0;

	if (shown.files) {
		ret = file_agent_open(shown.files, file, FILE_AGENT_DUMP);
		f = ret < 0 ? NULL : fdopen(ret, "wb");
	} else {
		f = fopen(file, "wbe");
	}
	if (!f)
		return explain(ret < 0 ? ret : -errno, file, "--screendump",
			       err);
	ret = screen_write(&shown.devices->screen, file, f);
	if (fclose(f) && !ret)
		ret = -EIO;
	if (ret)
		snprintf(err, MONITOR_LINE, "%s: %s", file,
			 screen_problem(ret));
	return ret;
}

/*
 * The terminal.
 */

static bool monitor_was_open(void *opaque)
{
	struct monitor *m = opaque;
	bool was = m->was_open;

	m->was_open = m->open;
	return was;
}

static int open_text_screen(struct control *k, struct monitor *m,
			    struct device_list *devices, struct loop *loop,
			    char *err, size_t err_len)
{
	static const struct input_ops input = { input_key, input_mouse };
	const struct text_screen_config cfg = {
		.loop = loop, .display = devices->screen.display,
		.tty = m->tty, .fd = STDOUT_FILENO,
		.input = &input, .input_opaque = m,
		.hidden = monitor_was_open, .hidden_opaque = m,
	};
	int ret = text_screen_create(&k->text_screen, &cfg);

	if (ret)
		snprintf(err, err_len, "--display text: %s", strerror(-ret));
	m->clear = !ret;
	return ret;
}

int control_open(struct control *k, const struct run_config *c,
		 struct monitor *m, struct device_list *devices,
		 struct hotplug *hotplug,
		 struct loop *loop, FILE *log, char *err, size_t err_len)
{
	int ret = 0;

	shown.config = c;
	shown.devices = devices;
	shown.hotplug = hotplug;
	shown.files = k->files;
	m->block = block_info;
	if (devices->nqueues)
		m->change = change_medium;
	if (devices->screen.display)
		m->screendump = screendump;
	m->net = net_info;
	if (c->gdb)
		ret = debugger_create(&k->debugger, m, loop, c->gdb, log, err,
				      err_len);
	if (!ret && options_text_screen(c))
		ret = open_text_screen(k, m, devices, loop, err, err_len);
	if (!ret && options_monitor_stdio(c))
		monitor_escape(m, 'c');
	else if (!ret && c->monitor)
		ret = monitor_server_create(&k->monitor, m, loop, c->monitor,
					    err, err_len);
	if (!ret && c->qmp)
		ret = qmp_create(&k->qmp, m, loop, c->qmp, err, err_len);
	if (!ret && c->vnc)
		ret = open_vnc(k, c, m, devices, loop, log, err, err_len);
	return ret;
}

void control_close(struct control *k, int status)
{
	text_screen_destroy(k->text_screen);
	debugger_destroy(k->debugger, status);
	monitor_server_destroy(k->monitor);
	qmp_destroy(k->qmp);
	if (k->vnc)
		vnc_destroy(k->vnc);
	file_agent_stop(k->files);
	shown.files = NULL;
	free(k->vnc_listen);
	free(k->vnc_password);
	memset(k, 0, sizeof(*k));
}
