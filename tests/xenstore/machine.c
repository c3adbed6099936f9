// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A machine without a processor: attendant, link and confined process as
 * umbra run has them, and a class of disks that says what it is told.
 *
 *	UMBRA=build/umbra machine NAME [nosandbox]
 *
 * Disk 0 is a CD-ROM drive.  An attached disk's first line is printed; one
 * with serial=slow is attached and detached a moment later, as guests do; one
 * with serial=no is refused, one with serial=stay cannot be detached.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backends/offer.h"
#include "backends/xenstore/attendant.h"
#include "backends/xenstore/link.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/loop.h"
#include "hypervisor/types.h"
#include "tools/lib/sandbox.h"

#define DISKS	64
#define LATER_NS	20000000

static struct loop *loop;
static struct hotplug *hotplug;
static struct link *link_;
static int timer = -1;
static struct { bool there, slow, stay; } disk[DISKS];
static unsigned pending;	/* number of the slow one */
static bool pending_detach;

static void later(unsigned n, bool detach)
{
	struct itimerspec when = { .it_value.tv_nsec = LATER_NS };

	pending = n;
	pending_detach = detach;
	timerfd_settime(timer, 0, &when, NULL);
}

static void on_timer(void *opaque, int fd, short revents)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	disk[pending].there = !pending_detach;
	hotplug_done(hotplug, "vbd", pending, 0, NULL);
}

/* The first line of what the name leads to, which must be on offer. */
static int show_file(const char *what, unsigned n, const char *path)
{
	char line[64] = "";
	int fd = offer_open(path, O_RDONLY);

	if (fd < 0)
		return fd;
	if (read(fd, line, sizeof(line) - 1) < 0)
		line[0] = '?';
	close(fd);
	printf("%s %u: %.*s\n", what, n, (int)strcspn(line, "\n"), line);
	return 0;
}

static int attach(void *opaque, const struct hotplug_args *a, char *err)
{
	const char *serial = hotplug_key(a, "serial");
	const char *params = hotplug_key(a, "params");
	int ret;

	if (serial && !strcmp(serial, "no")) {
		snprintf(err, HOTPLUG_ERR_LEN, "this one is not wanted");
		return -EINVAL;
	}
	if (a->n >= DISKS || disk[a->n].there)
		return -EBUSY;
	ret = show_file("attach", a->n, params ? params : "");
	if (ret) {
		snprintf(err, HOTPLUG_ERR_LEN, "%s", strerror(-ret));
		return ret;
	}
	disk[a->n].slow = serial && !strcmp(serial, "slow");
	disk[a->n].stay = serial && !strcmp(serial, "stay");
	disk[a->n].there = !disk[a->n].slow;
	if (disk[a->n].there)
		return 0;
	later(a->n, false);
	return -EINPROGRESS;
}

static int detach(void *opaque, unsigned n, char *err)
{
	if (n >= DISKS || !disk[n].there)
		return -ENODEV;
	if (disk[n].stay) {
		snprintf(err, HOTPLUG_ERR_LEN, "the guest uses it");
		return -EBUSY;
	}
	printf("detach %u\n", n);
	if (disk[n].slow) {
		later(n, true);
		return -EINPROGRESS;
	}
	disk[n].there = false;
	return 0;
}

static int media(void *opaque, const struct hotplug_args *a, char *err)
{
	const char *params = hotplug_key(a, "params");
	const char *force = hotplug_key(a, "force");

	if (a->n) {
		snprintf(err, HOTPLUG_ERR_LEN, "not a CD-ROM drive");
		return -ENOTSUP;
	}
	if (params && *params)
		return show_file("insert", a->n, params);
	printf("eject %u%s\n", a->n, force && *force == '1' ? " by force" :
	       "");
	return 0;
}

static const struct hotplug_class vbd = {
	.name = "vbd", .attach = attach, .detach = detach, .media = media,
};

static int balloon(void *opaque, uint64_t bytes, char *err)
{
	char kib[24];

	if (bytes < 8 * MIB) {
		snprintf(err, HOTPLUG_ERR_LEN, "too little");
		return -EINVAL;
	}
	snprintf(kib, sizeof(kib), "%llu", (unsigned long long)(bytes / KIB));
	link_publish(link_, "memory/actual", kib);
	return 0;
}

static void control(void *opaque, enum link_control what)
{
	static const char *const names[] = { "poweroff", "reboot", "halt" };

	printf("control %s\n", names[what]);
	if (what != LINK_REBOOT)
		loop_quit(loop);
}

static void publish(void)
{
	static const char *const keys[] = {
		"params=", "device-type=cdrom", "mode=r", "bus=ide", NULL,
	};

	link_publish_device(link_, "vbd", 0, keys);
	disk[0].there = true;
	/* Not a place where a machine may write: nothing comes of it. */
	link_publish(link_, "control/shutdown", "poweroff");
	link_publish(link_, "../../domain/0/name", "evil");
	link_publish(link_, "umbra/state", "running");
}

int main(int argc, char **argv)
{
	struct attendant_config cfg = { .name = argv[1], .engine = "none",
					.ram_size = 64 * MIB, .vcpus = 1 };
	struct link_config lcfg = { .control = control, .log = stderr };
	struct attendant who;
	char err[XSD_ERR_LEN];

	/* Started to be the store, as umbra would be. */
	if (argc > 1 && !strcmp(argv[1], "xenstored") && getenv("UMBRA"))
		return execv(getenv("UMBRA"), argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || attendant_start(&who, &cfg, err)) {
		fprintf(stderr, "machine: %s\n", argc < 2 ? "NAME" : err);
		return 1;
	}
	hotplug = hotplug_new();
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	if (!hotplug || loop_create(&loop) ||
	    loop_add_fd(loop, timer, POLLIN, on_timer, NULL))
		return 1;
	hotplug_add(hotplug, &vbd, NULL);
	hotplug_set_balloon(hotplug, balloon, NULL);
	lcfg.fd = who.fd;
	lcfg.loop = loop;
	lcfg.hotplug = hotplug;
	if (link_create(&link_, &lcfg))
		return 1;
	publish();
	if (argc < 3)
		sandbox_enter(STDERR_FILENO);
	loop_run(loop);
	return 0;
}
