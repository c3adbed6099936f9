// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra vmi trace: every VMI call of a guest.  umbra vmi check: is a kernel's
 * use of the interface right?
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hypervisor/vm.h"
#include "tools/lib/options.h"
#include "tools/lib/symbols.h"
#include "tools/lib/vmi_check.h"
#include "tools/lib/vmi_trace.h"
#include "tools/umbra/cmd.h"

#define STATUS_UNCLEAN	3
#define SECONDS		120	/* of one kernel under `check' */
#define QUIET		20	/* without anything new */

/* Without --append.  A Linux that panics is to end, not to wait. */
#define CHECK_CMDLINE	"console=ttyS0 panic=-1"

static void usage_vmi(FILE *out)
{
	fputs("usage: umbra vmi trace [-c] [-t] [-e CALLS] [-o FILE] "
	      "[-S SYSTEM.MAP] RUN-OPTIONS\n"
	      "       umbra vmi check [-v] [-j FILE] [-a SYMBOL]... "
	      "[-S SYSTEM.MAP] [-l SECONDS]\n"
	      "                       [-q SECONDS] [-C FILE] KERNEL... [-- RUN-OPTIONS]\n\n"
	      "trace prints each call with its arguments, like strace.\n"
	      "  -c             count calls, by call and by caller\n"
	      "  -t             begin lines with seconds\n"
	      "  -e CALLS       only these: names and classes, \"MMU,SetCR3\", "
	      "\"!IRQ\"\n"
	      "  -o FILE        there instead of standard error\n"
	      "  -S FILE        symbols: a System.map, or what nm prints\n\n"
	      "check boots each kernel and compares its calls with the "
	      "specification; exit\nstatus 0: all clean, 3: not.\n"
	      "  -v             notes, too, which make no kernel unclean\n"
	      "  -j FILE        report as JSON (- is standard output)\n"
	      "  -a SYMBOL      findings in this function are allowed\n"
	      "  -l SECONDS     end a kernel that runs longer (120)\n"
	      "  -q SECONDS     end one that does nothing new for so long (20; "
	      "0: never)\n"
	      "  -C FILE        the guest's console\n\n"
	      "RUN-OPTIONS are those of umbra run; --vmi chooses the ROM.\n",
	      out);
}

static struct symbols *load_symbols(const char *path)
{
	struct symbols *s = NULL;
	int code = path ? symbols_load(&s, path) : 0;

	if (code == -EINVAL)
		die("%s: no symbols in it (System.map, or the output of nm)",
		    path);
	if (code)
		die("%s: %s (symbols)", path, strerror(-code));
	return s;
}

static void parse_run(struct run_config *c, int argc, char **argv)
{
	static char err[OPTIONS_ERR_LEN];

	if (options_parse(c, argc, argv, err))
		die("%s", err);
	if (!c->vmi)
		c->vmi = strdup("on");
	if (options_finish(c, err))
		die("%s", err);
	if (!strcmp(c->vmi, "off"))
		die("vmi: there are no calls with --vmi=off");
}

/* ---- trace ------------------------------------------------------------------- */

/* Where umbra run's options, which are long ones, begin. */
static int own_options(int argc, char **argv)
{
	int n = 1;

	while (n < argc && strncmp(argv[n], "--", 2))
		n++;
	return n;
}

static int trace_options(struct vmi_trace_config *cfg, const char **map,
			 int argc, char **argv)
{
	const char *calls = "all", *wrong;
	int c;

	cfg->out = stderr;
	while ((c = getopt(argc, argv, "+cte:o:S:h")) != -1) {
		switch (c) {
		case 'c': cfg->counts = true; break;
		case 't': cfg->times = true; break;
		case 'e': calls = optarg; break;
		case 'S': *map = optarg; break;
		case 'o':
			cfg->out = fopen(optarg, "we");
			if (!cfg->out)
				die("%s: %s", optarg, strerror(errno));
			break;
		case 'h': usage_vmi(stdout); exit(0);
		default: usage_vmi(stderr); exit(STATUS_ERROR);
		}
	}
	wrong = vmi_set_parse(&cfg->calls, calls);
	if (wrong)
		die("-e %s: neither a call nor a class of calls", wrong);
	return optind;
}

static int vmi_trace(int argc, char **argv)
{
	static struct run_config c;
	struct vmi_trace_config cfg = { 0 };
	const char *map = NULL;
	int own = own_options(argc, argv), status;
	int used = trace_options(&cfg, &map, own, argv);
	struct symbols *symbols = load_symbols(map);
	struct vmi_trace *t;

	if (used < argc && !strcmp(argv[used], "--"))
		used++;
	cfg.symbols = symbols;
	t = vmi_trace_create(&cfg);
	if (!t)
		die("out of memory");
	parse_run(&c, argc - used, argv + used);
	c.vmi_observer = &vmi_trace_observer;
	c.vmi_opaque = t;
	status = run_machine(&c, NULL, 0);
	vmi_trace_finish(t);
	vmi_trace_destroy(t);
	symbols_free(symbols);
	if (cfg.out != stderr && fclose(cfg.out))
		die("%s", strerror(errno));
	run_config_fini(&c);
	return status;
}

/* ---- check ------------------------------------------------------------------- */

struct check_options {
	const char *json, *map, *console;
	bool notes;
	unsigned seconds, quiet;
	const char *allow[16];
	unsigned nallow;
};

static int check_options(struct check_options *o, int argc, char **argv)
{
	int c;

	o->seconds = SECONDS;
	o->quiet = QUIET;
	while ((c = getopt(argc, argv, "+vj:a:S:l:q:C:h")) != -1) {
		switch (c) {
		case 'v': o->notes = true; break;
		case 'j': o->json = optarg; break;
		case 'S': o->map = optarg; break;
		case 'C': o->console = optarg; break;
		case 'l':
			o->seconds = atoi(optarg);
			if (o->seconds < 1)
				die("-l %s: at least 1", optarg);
			break;
		case 'q':
			o->quiet = atoi(optarg);
			break;
		case 'a':
			if (o->nallow == ARRAY_SIZE(o->allow))
				die("-a %s: too many", optarg);
			o->allow[o->nallow++] = optarg;
			break;
		case 'h': usage_vmi(stdout); exit(0);
		default: usage_vmi(stderr); exit(STATUS_ERROR);
		}
	}
	return optind;
}

/* One kernel, in a process of its own. */
struct checked {
	const struct check_options *o;
	struct vmi_check *check;
	struct vm *vm;
};

/* For the signal handler, which looks at the guest once a second. */
static struct {
	struct vm *volatile vm;
	struct vmi_check *check;
	unsigned left, quiet;		/* seconds; quiet 0: never */
	unsigned silent, news;
	const char *why;		/* the handler ended it */
	char text[60];
} limit;

static void end_it(unsigned seconds, const char *what)
{
	struct vm *vm = limit.vm;

	limit.vm = NULL;
	limit.why = what;
	limit.silent = seconds;
	vm_request_stop(vm, VM_STOP_QUIT);
}

static void on_second(int sig)
{
	unsigned news;

	if (!limit.vm)
		return;
	news = vmi_check_news(limit.check);
	limit.silent = news == limit.news ? limit.silent + 1 : 0;
	limit.news = news;
	if (!--limit.left)
		end_it(0, "by its time limit");
	else if (limit.quiet && limit.silent >= limit.quiet)
		end_it(limit.silent, "it did nothing new");
}

static void begin_limit(struct checked *k)
{
	static const struct itimerval second = { { 1, 0 }, { 1, 0 } };

	limit.check = k->check;
	limit.left = k->o->seconds;
	limit.quiet = k->o->quiet;
	limit.vm = k->vm;
	signal(SIGALRM, on_second);
	if (setitimer(ITIMER_REAL, &second, NULL))
		die("timer: %s", strerror(errno));
}

/* How it ended, for the report. */
static const char *ending(const struct vm *vm)
{
	if (!limit.why)
		return vm_stop_text(vm_stopped(vm));
	if (!limit.silent)
		return limit.why;
	snprintf(limit.text, sizeof(limit.text), "%s for %u s", limit.why,
		 limit.silent);
	return limit.text;
}

/* Before vmi_init the kernel is on its own. */
static void forget_census(void *opaque)
{
	vm_census(((struct checked *)opaque)->vm, NULL, NULL);
}

static bool died(const struct vm *vm)
{
	switch (vm_stopped(vm)) {
	case VM_STOP_POWEROFF: case VM_STOP_QUIT: case VM_STOP_DEBUG_EXIT:
	case VM_STOP_RESET:
		return false;
	default:
		return true;
	}
}

/* run_config.on_vm */
static void on_vm(void *opaque, struct vm *vm, bool end)
{
	struct checked *k = opaque;

	k->vm = end ? NULL : vm;
	if (end) {
		limit.vm = NULL;
		vm_census(vm, vmi_check_census, k->check);
		vmi_check_end(k->check, ending(vm), died(vm));
		return;
	}
	vmi_check_mem(k->check, vm_mem(vm));
	vmi_check_on_init(k->check, forget_census, k);
	begin_limit(k);
}

static void make_check(struct checked *k)
{
	k->check = vmi_check_create();
	if (!k->check)
		die("out of memory");
	vmi_check_symbols(k->check, load_symbols(k->o->map));
	for (unsigned i = 0; i < k->o->nallow; i++)
		if (vmi_check_allow(k->check, k->o->allow[i]))
			die("out of memory");
}

static void configure(struct run_config *c, struct checked *k,
		      const char *kernel, int argc, char **argv)
{
	char console[PATH_MAX + 8] = "null";

	if (k->o->console)
		snprintf(console, sizeof(console), "file:%s", k->o->console);
	c->kernel = strdup(kernel);
	c->serial[0] = strdup(console);
	if (!c->kernel || !c->serial[0] ||
	    string_list_add(&c->settings, "bt.census=1"))
		die("out of memory");
	c->nserial = 1;
	c->no_reboot = true;
	parse_run(c, argc, argv);
	if (!c->cmdline)
		c->cmdline = strdup(CHECK_CMDLINE);
	c->vmi_observer = &vmi_check_observer;
	c->vmi_opaque = k->check;
	c->on_vm = on_vm;
	c->on_vm_opaque = k;
}

/* In the child. */
static int check_kernel(const struct check_options *o, const char *kernel,
			FILE *json, int argc, char **argv)
{
	static struct run_config c;
	struct checked k = { .o = o };

	make_check(&k);
	configure(&c, &k, kernel, argc, argv);
	run_machine(&c, NULL, 0);
	if (json != stdout)
		vmi_check_text(k.check, kernel, o->notes, stdout);
	if (json && vmi_check_json(k.check, kernel, json))
		die("check: no JSON: %s", json == stdout || !ferror(json) ?
		    "built without jansson" : "cannot write");
	return vmi_check_clean(k.check) ? 0 : STATUS_UNCLEAN;
}

/* The child's status, or STATUS_ERROR if it died. */
static int check_in_child(const struct check_options *o, const char *kernel,
			  FILE *json, int argc, char **argv)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		status = check_kernel(o, kernel, json, argc, argv);
		exit(fflush(NULL) ? STATUS_ERROR : status);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : STATUS_ERROR;
}

static FILE *open_json(const char *name)
{
	FILE *f;

	if (!name)
		return NULL;
	f = strcmp(name, "-") ? fopen(name, "we") : stdout;
	if (!f)
		die("%s: %s", name, strerror(errno));
	return f;
}

static int vmi_check(int argc, char **argv)
{
	struct check_options o = { 0 };
	int first = check_options(&o, argc, argv), run = first, worst = 0;
	FILE *json;

	while (run < argc && strcmp(argv[run], "--"))
		run++;
	if (run == first)
		die("vmi check: which kernel? (see umbra vmi --help)");
	json = open_json(o.json);
	if (json)
		fputs("[\n", json);
	for (int i = first; i < run; i++) {
		int status = check_in_child(&o, argv[i], json,
					    run < argc ? argc - run - 1 : 0,
					    argv + run + (run < argc));

		/* An error is worse than an unclean kernel. */
		if (status == STATUS_ERROR || !worst)
			worst = status;
		if (json && i + 1 < run)
			fputs(",\n", json);
	}
	if (json)
		fputs("]\n", json);
	if (json && fflush(json))
		die("%s: %s", o.json, strerror(errno));
	return worst;
}

int cmd_vmi(int argc, char **argv)
{
	if (argc && !strcmp(argv[0], "trace"))
		return vmi_trace(argc, argv);
	if (argc && !strcmp(argv[0], "check"))
		return vmi_check(argc, argv);
	if (argc && (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))) {
		usage_vmi(stdout);
		return 0;
	}
	usage_vmi(stderr);
	return STATUS_ERROR;
}
