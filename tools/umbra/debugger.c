// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/umbra/debugger.h"

#include <errno.h>
#include <stdlib.h>

#include "hypervisor/linear.h"
#include "hypervisor/mem.h"
#include "hypervisor/vm.h"
#include "tools/lib/gdb.h"
#include "tools/lib/monitor.h"

struct debugger {
	struct gdb *gdb;
	struct gdb_target target;
	struct monitor *monitor;
	struct vm *vm;
	bool at_break;		/* the change under way is a breakpoint */
};

static unsigned target_cpus(void *opaque)
{
	return vm_cpus(((struct debugger *)opaque)->vm);
}

static void target_get(void *opaque, unsigned cpu, struct vcpu *v)
{
	vm_get_cpu(((struct debugger *)opaque)->vm, cpu, v);
}

static void target_set(void *opaque, unsigned cpu, const struct vcpu *v)
{
	vm_set_cpu(((struct debugger *)opaque)->vm, cpu, v);
}

static int target_read(void *opaque, unsigned cpu, bool physical,
		       uint64_t addr, void *buf, size_t len)
{
	struct debugger *d = opaque;
	struct vcpu v;

	if (physical)
		return mem_read(vm_mem(d->vm), addr, buf, len);
	vm_get_cpu(d->vm, cpu, &v);
	return linear_read(&v, vm_mem(d->vm), addr, buf, len);
}

static int target_write(void *opaque, unsigned cpu, bool physical,
			uint64_t addr, const void *buf, size_t len)
{
	struct debugger *d = opaque;
	struct vcpu v;

	if (physical)
		return mem_rom_load(vm_mem(d->vm), addr, buf, len);
	vm_get_cpu(d->vm, cpu, &v);
	return linear_write(&v, vm_mem(d->vm), addr, buf, len);
}

static int target_breaks(void *opaque, const struct engine_debug *breaks)
{
	struct debugger *d = opaque;
	int err;

	vm_pause(d->vm);
	err = vm_set_breaks(d->vm, breaks);
	vm_resume(d->vm);
	return err;
}

static void target_resume(void *opaque, int step)
{
	struct debugger *d = opaque;

	if (step >= 0)
		vm_step(d->vm, step);
	monitor_cont(d->monitor);
}

static void target_stop(void *opaque)
{
	struct debugger *d = opaque;

	if (d->monitor->paused)
		gdb_stopped(d->gdb, 0, NULL);
	else
		monitor_stop(d->monitor);
}

static void target_command(void *opaque, const char *line, FILE *out)
{
	monitor_command(((struct debugger *)opaque)->monitor, line, out);
}

static void target_kill(void *opaque)
{
	struct debugger *d = opaque;

	vm_request_stop(d->vm, VM_STOP_QUIT);
	monitor_cont(d->monitor);
}

/* Anybody stopped the guest or let it go on. */
static void on_change(void *opaque, bool paused)
{
	struct debugger *d = opaque;

	if (!paused)
		gdb_running(d->gdb);
	else if (!d->at_break)
		gdb_stopped(d->gdb, 0, NULL);
}

static void on_break(void *opaque, unsigned cpu,
		     const struct engine_exit_info *info)
{
	struct debugger *d = opaque;

	d->at_break = true;
	monitor_stopped(d->monitor);
	d->at_break = false;
	gdb_stopped(d->gdb, cpu, info);
}

int debugger_create(struct debugger **out, struct monitor *m,
		    struct loop *loop, const char *spec, FILE *log, char *err,
		    size_t err_len)
{
	struct debugger *d = calloc(1, sizeof(*d));
	int ret;

	*out = NULL;
	if (!d)
		return -ENOMEM;
	d->monitor = m;
	d->vm = m->vm;
	d->target = (struct gdb_target){
		.opaque = d,
		.cpus = target_cpus, .get = target_get, .set = target_set,
		.read = target_read, .write = target_write,
		.set_breaks = target_breaks, .resume = target_resume,
		.stop = target_stop, .command = target_command,
		.kill = target_kill,
	};
	ret = gdb_create(&d->gdb, loop, spec, &d->target, m->paused, err,
			 err_len);
	if (ret) {
		free(d);
		return ret;
	}
	if (gdb_port(d->gdb))
		fprintf(log, "umbra: gdb: target remote 127.0.0.1:%u\n",
			gdb_port(d->gdb));
	monitor_observe(m, on_change, d);
	vm_set_debugger(d->vm, on_break, d);
	*out = d;
	return 0;
}

void debugger_destroy(struct debugger *d, int status)
{
	if (!d)
		return;
	gdb_exited(d->gdb, status);
	gdb_destroy(d->gdb);
	free(d);
}
