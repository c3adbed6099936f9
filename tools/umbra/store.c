// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/umbra/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "backends/xenstore/link.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/types.h"
#include "hypervisor/vm.h"
#include "tools/lib/monitor.h"
#include "tools/lib/options.h"
#include "tools/umbra/cmd.h"

void store_register(struct store *s, const struct run_config *c,
		    const char *engine, FILE *log)
{
	struct attendant_config cfg = {
		.name = c->name, .engine = engine, .ram_size = c->mem,
		.vcpus = c->cpus ? c->cpus : 1,
	};
	char err[XSD_ERR_LEN];

	s->log = log;
	s->c = c;
	if (c->name && !attendant_name_valid(c->name))
		die("--name %s: letters, digits and ._-, %d at most, and not "
		    "a number", c->name, ATTENDANT_NAME_MAX);
	if (c->xenstore == OFF)
		return;
	s->registered = !attendant_start(&s->who, &cfg, err);
	if (s->registered)
		return;
	if (c->xenstore == ON || c->name)
		die("xenstore: %s", err);
	fprintf(log, "umbra: xenstore: %s; the machine is not in umbra list\n",
		err);
}

static void on_control(void *opaque, enum link_control what)
{
	struct store *s = opaque;

	switch (what) {
	case LINK_POWEROFF:
		vm_power_button(s->vm);
		break;
	case LINK_REBOOT:
		vm_request_reset(s->vm);
		break;
	case LINK_HALT:
		vm_request_stop(s->vm, VM_STOP_QUIT);
		break;
	}
}

static void on_ballooned(void *opaque, uint64_t bytes)
{
	struct store *s = opaque;
	char kib[24];

	snprintf(kib, sizeof(kib), "%llu", (unsigned long long)(bytes / KIB));
	link_publish(s->link, "memory/actual", kib);
}

static void on_gone(void *opaque, unsigned slot)
{
	vbd_gone(opaque, slot);
	vif_gone(opaque, slot);
}

static int connect_link(struct store *s)
{
	struct link_config cfg = {
		.fd = s->who.fd, .loop = s->loop, .log = s->log,
		.hotplug = s->hotplug, .control = on_control, .opaque = s,
	};
	int ret = link_create(&s->link, &cfg);

	if (ret)
		return ret;
	hotplug_on_ballooned(s->hotplug, on_ballooned, s);
	hotplug_on_gone(s->hotplug, on_gone, s);
	ret = vbd_init(s);
	return ret ? ret : vif_init(s);
}

void store_connect(struct store *s, struct loop *loop,
		   struct device_list *devices)
{
	int ret;

	s->loop = loop;
	s->devices = devices;
	if (!s->registered)
		return;
	s->hotplug = hotplug_new();
	ret = s->hotplug ? connect_link(s) : -ENOMEM;
	if (ret)
		die("xenstore: %s", strerror(-ret));
}

/* Xen's names: the first port is the console, all are serial/N. */
static void publish_serial(struct store *s, unsigned n,
			   const struct char_backend *b)
{
	const char *address = b->ops->address ? b->ops->address(b) : "";
	char path[32];

	snprintf(path, sizeof(path), "serial/%u/output", n);
	link_publish(s->link, path, b->ops->name);
	snprintf(path, sizeof(path), "serial/%u/tty", n);
	link_publish(s->link, path, address);
	if (n)
		return;
	link_publish(s->link, "console/type", "ioemu");
	link_publish(s->link, "console/output", b->ops->name);
	link_publish(s->link, "console/tty", address);
}

static void on_state(void *opaque, bool paused)
{
	struct store *s = opaque;

	link_publish(s->link, "umbra/state", paused ? "paused" : "running");
	link_publish(s->link, "umbra/engine", vm_engine_name(s->vm));
}

void store_publish(struct store *s, struct vm *vm,
		   struct char_backend *const *serial, struct monitor *m)
{
	s->vm = vm;
	if (!s->registered)
		return;
	for (unsigned i = 0; i < RUN_SERIAL_MAX; i++)
		if (serial[i])
			publish_serial(s, i, serial[i]);
	link_publish(s->link, "control/feature-poweroff", "1");
	link_publish(s->link, "control/feature-reboot", "1");
	link_publish(s->link, "control/feature-halt", "1");
	if (hotplug_has_balloon(s->hotplug))
		link_publish(s->link, "control/feature-balloon", "1");
	vbd_publish(s);
	vif_publish(s);
	on_state(s, m->paused);
	monitor_observe(m, on_state, s);
}

void store_close(struct store *s)
{
	vbd_close();
	vif_close();
	link_destroy(s->link);
	hotplug_free(s->hotplug);
	s->link = NULL;
	s->hotplug = NULL;
}
