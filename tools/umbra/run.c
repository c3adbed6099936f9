// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra run: from a configuration to a machine, and back to nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/char.h"
#include "backends/char_open.h"
#include "backends/tty.h"
#include "hypervisor/boot/boot.h"
#include "hypervisor/firmware.h"
#include "hypervisor/host.h"
#include "hypervisor/loop.h"
#include "hypervisor/modes.h"
#include "hypervisor/vm.h"
#include "tools/lib/file.h"
#include "tools/lib/file_agent.h"
#include "tools/lib/monitor.h"
#include "tools/lib/options.h"
#include "tools/lib/sandbox.h"
#include "tools/umbra/cmd.h"
#include "tools/umbra/control.h"
#include "tools/umbra/devices.h"
#include "tools/umbra/store.h"

/* What Linux gets without --append: its messages where the user looks. */
#define LINUX_CMDLINE	"console=ttyS0"

struct run {
	const struct run_config *c;
	FILE *log, *perf_map;
	struct boot *boot;
	void *bios;
	size_t bios_len;
	struct device_list devices;
	struct control control;
	struct loop *loop;
	struct monitor monitor;
	struct char_stdio_hooks hooks;
	struct char_backend *serial[VM_SERIAL_MAX];
	struct char_backend *terminal;	/* or NULL */
	struct mode_request request;
	struct mode_choice mode;
	struct vm *vm;
	char err[BOOT_ERR_LEN];
	struct store store;
};

/* For the signal handler. */
static struct vm *volatile running;
static volatile sig_atomic_t ended_by;

/*
 * The first signal ends the machine in order; one that comes a second later
 * finds that too slow.  (timeout(1) and terminals send two at once.)
 */
static void on_end_signal(int sig)
{
	static struct timespec first;
	int saved_errno = errno;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (running && !ended_by) {
		first = now;
		ended_by = sig;
		vm_request_stop(running, VM_STOP_QUIT);
	}
	errno = saved_errno;
	if (ended_by && now.tv_sec - first.tv_sec <= 1)
		return;
	tty_restore();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void catch_end_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct sigaction old, sa = { .sa_handler = on_end_signal,
				     .sa_flags = SA_RESTART | SA_ONSTACK };

	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		if (!sigaction(signals[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)	/* nohup(1) */
			sigaction(signals[i], &sa, NULL);
}

static void open_log(struct run *r)
{
	r->log = stderr;
	if (r->c->log) {
		r->log = fopen(r->c->log, "we");
		if (!r->log)
			die("%s: %s (log file)", r->c->log, strerror(errno));
	}
	setvbuf(r->log, NULL, _IOLBF, 0);
}

/* O_NOFOLLOW: the default name in /tmp is no secret. */
static void open_perf_map(struct run *r)
{
	char path[64];
	const char *name = r->c->perf_map_file;
	int fd;

	if (!r->c->perf_map)
		return;
	if (!name) {
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
		name = path;
	}
	fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0644);
	r->perf_map = fd < 0 ? NULL : fdopen(fd, "w");
	if (!r->perf_map)
		die("%s: %s (perf map)", name, strerror(errno));
}

static void load_files(struct run *r, const void *kernel, size_t len)
{
	struct boot_config cfg = {
		.kernel = r->c->kernel,
		.kernel_data = kernel, .kernel_len = len,
		.initrds = (const char *const *)r->c->initrds.v,
		.ninitrds = r->c->initrds.n,
		.cmdline = r->c->cmdline,
		.linux_cmdline = LINUX_CMDLINE,
		.ram_size = r->c->mem,
	};

	if (boot_create(&r->boot, &cfg, r->err))
		die("%s", r->err);
}

/* "hv.device=PATH" is for the prober as well as for the engine. */
static void set_kvm_device(const struct string_list *settings)
{
	static const char key[] = "hv.device=";

	for (unsigned i = 0; i < settings->n; i++)
		if (!strncmp(settings->v[i], key, sizeof(key) - 1))
			host_kvm_device_set(settings->v[i] + sizeof(key) - 1);
}

static void choose_mode(struct run *r)
{
	const char *const *settings =
		(const char *const *)r->c->settings.v;
	struct mode_request *req = &r->request;

	if (mode_parse_engine(r->c->engine, req))
		die("engine %s: not known (try auto, bt, hv or interp)",
		    r->c->engine);
	if (mode_parse_settings(settings, req, r->err))
		die("%s", r->err);
	set_kvm_device(&r->c->settings);
	req->several = r->c->cpus > 1;
	if (mode_choose(host_caps(), req, r->boot ? boot_guest_kind(r->boot) :
			GUEST_UNKNOWN, &r->mode, r->err))
		die("%s: %s", r->boot ? r->c->kernel : r->c->bios, r->err);
	if (r->boot)
		boot_enter_long_mode(r->boot, !strcmp(r->mode.engine, "hv"));
}

/* Firmware in a file of the user's, or in the seabios package. */
static void load_bios(struct run *r)
{
	static const char package[] = "/usr/share/seabios/";
	const char *name = r->c->bios;
	char path[256];

	if (!strchr(name, '/') && access(name, F_OK)) {
		snprintf(path, sizeof(path), "%s%s", package, name);
		name = path;
	}
	if (file_load(name, FIRMWARE_MAX, &r->bios, &r->bios_len, r->err,
		      sizeof(r->err)))
		die("bios: %s", r->err);
}

static void open_serial(struct run *r)
{
	struct char_open_args args = { .loop = r->loop, .log = r->log,
				       .hooks = &r->hooks };

	r->hooks = (struct char_stdio_hooks){
		.opaque = &r->monitor,
		.escape = monitor_escape,
		.diverted = monitor_input,
	};
	for (unsigned i = 0; i < VM_SERIAL_MAX; i++) {
		const char *spec = r->c->serial[i];

		if (!spec)
			continue;
		if (char_open(&r->serial[i], spec, &args, r->err,
			      sizeof(r->err)))
			die("serial%u: %s", i, r->err);
		if (!strcmp(r->serial[i]->ops->name, "stdio"))
			r->monitor.tty = r->serial[i];
	}
}

static size_t any_room(void *opaque)
{
	return SIZE_MAX;
}

static void drop_input(void *opaque, const uint8_t *buf, size_t len)
{
}

/*
 * The terminal where no serial port has it.  What is not for the monitor goes
 * nowhere, unless the text screen takes it later.
 */
static void open_terminal(struct run *r)
{
	static const struct char_receiver nobody = { any_room, drop_input };
	struct char_open_args args = { .loop = r->loop, .log = r->log,
				       .hooks = &r->hooks };

	if (!options_text_screen(r->c) && !options_monitor_stdio(r->c))
		return;
	if (char_open(&r->terminal, "stdio", &args, r->err, sizeof(r->err)))
		die("stdio: %s", r->err);
	r->terminal->ops->set_receiver(r->terminal, &nobody, NULL);
	r->monitor.tty = r->terminal;
}

/* Opens files for the monitor of a confined machine. */
static void start_file_agent(struct run *r)
{
	const char *near[FILE_AGENT_DIRS];
	unsigned n = 0;
	int ret;

	if (r->c->sandbox == OFF)
		return;
	near[n++] = r->c->screendump;
	for (unsigned i = 0; i < r->c->drives.n && n < FILE_AGENT_DIRS; i++)
		near[n++] = r->c->drives.v[i].file;
	ret = file_agent_start(&r->control.files, near, n);
	if (ret)
		fprintf(r->log, "umbra: no file agent: %s; the monitor opens "
			"no files\n", strerror(-ret));
}

/* What `--engine auto' leaves open: the monitor's `engine', and long mode. */
static const char *spare_engine(const struct run *r)
{
	char why[MODE_TEXT_LEN];

	if (r->request.engine != ENGINE_AUTO || r->c->cpus > 1)
		return NULL;
	if (!strcmp(r->mode.engine, "bt"))
		return r->mode.move_to_hv ? "hv" : NULL;
	return mode_bt_runs(host_caps(), why) ? "bt" : NULL;
}

/* May KVM run the guest, and does it show the host's TSC as it is? */
static bool host_tsc(const struct run *r)
{
	const char *spare = spare_engine(r);

	return (!strcmp(r->mode.engine, "hv") ||
		(spare && !strcmp(spare, "hv"))) &&
	       host_caps()->kvm.tsc_offset == HOST_NO;
}

/* At the screen: then firmware's is in the terminal, too. */
static bool nobody_looks(const struct run_config *c)
{
	return !c->vnc && !options_text_screen(c) &&
	       !strcmp(c->serial[0], "stdio");
}

static void create_vm(struct run *r)
{
	struct vm_config cfg = {
		.ram_size = r->c->mem,
		.engine = r->mode.engine,
		.spare_engine = spare_engine(r),
		.host_tsc = host_tsc(r),
		.cpus = r->c->cpus,
		.engine_options = (const char *const *)r->c->settings.v,
		.loop = r->loop,
		.no_reboot = r->c->no_reboot,
		.log = r->log,
		.perf_map = r->perf_map,
		.boot = r->boot ? boot_load : NULL,
		.boot_opaque = r->boot,
		.bios = r->bios,
		.bios_len = r->bios_len,
		.boot_order = r->c->boot,
		.boot_menu = r->c->boot_menu,
		.boot_serial = nobody_looks(r->c),
		.devices = r->devices.specs,
		.ndevices = r->devices.n,
		.hotplug = r->store.hotplug,
	};

	memcpy(cfg.serial, r->serial, sizeof(cfg.serial));
	if (vm_create(&r->vm, &cfg, r->err)) {
		tty_restore();
		die("%s", r->err);
	}
	free(r->bios);
	r->bios = NULL;
	r->monitor.vm = r->vm;
}

/* Who asks for the sandbox by name gets it whole, or no machine. */
static void confine(struct run *r)
{
	const char *why;

	if (r->c->sandbox == OFF)
		return;
	why = sandbox_enter(fileno(r->log));
	if (why && r->c->sandbox == ON) {
		tty_restore();
		die("--sandbox on: no system call filter: %s", why);
	}
	if (why)
		fprintf(r->log, "umbra: sandbox: no system call filter: %s; "
			"the process is not confined\n", why);
}

/* Who may look in and say stop. */
static void open_control(struct run *r)
{
	if (r->c->stopped)
		monitor_stop(&r->monitor);
	if (control_open(&r->control, r->c, &r->monitor, &r->devices,
			 r->store.hotplug, r->loop, r->log, r->err, sizeof(r->err))) {
		tty_restore();
		die("%s", r->err);
	}
}

static void tear_down(struct run *r)
{
	running = NULL;
	loop_lock(r->loop);	/* workers may still have requests */
	screen_dump(&r->devices.screen, r->log);
	vm_destroy(r->vm);
	for (unsigned i = 0; i < VM_SERIAL_MAX; i++)
		if (r->serial[i])
			r->serial[i]->ops->destroy(r->serial[i]);
	if (r->terminal)
		r->terminal->ops->destroy(r->terminal);
	devices_close(&r->devices);
	store_close(&r->store);
	loop_unlock(r->loop);
	loop_destroy(r->loop);
	boot_destroy(r->boot);
	if (r->perf_map)
		fclose(r->perf_map);
	if (r->log != stderr)
		fclose(r->log);
}

int run_machine(const struct run_config *c, const void *kernel, size_t len)
{
	static struct run r;
	int status;

	r.c = c;
	open_log(&r);
	if (c->bios)
		load_bios(&r);
	else
		load_files(&r, kernel, len);
	choose_mode(&r);
	open_perf_map(&r);
	store_register(&r.store, c, r.mode.engine, r.log);
	start_file_agent(&r);
	if (loop_create(&r.loop))
		die("event loop: %s", strerror(errno));
	catch_end_signals();
	store_connect(&r.store, r.loop, &r.devices);
	open_serial(&r);
	open_terminal(&r);
	if (devices_open(&r.devices, c, r.loop, r.log, r.err, sizeof(r.err)) ||
	    devices_add_vmi(&r.devices, c, r.mode.engine, r.serial[0], r.err,
			    sizeof(r.err))) {
		tty_restore();
		die("%s", r.err);
	}
	create_vm(&r);
	store_publish(&r.store, r.vm, r.serial, &r.monitor);
	if (c->on_vm)
		c->on_vm(c->on_vm_opaque, r.vm, false);
	loop_lock(r.loop);
	open_control(&r);
	loop_unlock(r.loop);
	confine(&r);
	mode_print(&r.mode, &r.request, r.log);
	running = r.vm;
	status = vm_run(r.vm);
	if (c->on_vm)
		c->on_vm(c->on_vm_opaque, r.vm, true);
	if (c->stats) {
		vm_print_stats(r.vm, r.log);
		drives_print_stats(&r.devices, c, r.log);
	}
	control_close(&r.control, status);
	tear_down(&r);
	if (ended_by) {
		signal(ended_by, SIG_DFL);
		raise(ended_by);
	}
	return status;
}

bool run_help(struct run_config *c, void (*usage)(FILE *out))
{
	if (c->help)
		usage(stdout);
	else if (c->help_of)
		options_help(stdout, c->help_of);
	else if (c->drive_help)
		drive_help(stdout);
	else if (!devices_help(c, stdout))
		return false;
	run_config_fini(c);
	return true;
}

int cmd_run(int argc, char **argv)
{
	static struct run_config c;
	static char err[OPTIONS_ERR_LEN];
	int status;

	if (options_parse(&c, argc, argv, err))
		die("%s", err);
	if (run_help(&c, usage_run))
		return 0;
	if (options_finish(&c, err))
		die("%s", err);
	status = run_machine(&c, NULL, 0);
	run_config_fini(&c);
	return status;
}
