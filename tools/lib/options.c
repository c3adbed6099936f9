// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The option table at work.
 */
#define _GNU_SOURCE	/* strsep */
#include "tools/lib/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char_open.h"
#include "hypervisor/types.h"
#include "tools/lib/config.h"

#define DEFAULT_MEM	(256 * MIB)
#define DEFAULT_BIOS	"bios-256k.bin"

enum option_kind {
	KIND_STRING,	/* char * */
	KIND_PATH,	/* char *, relative to the configuration file there */
	KIND_GDB,	/* a flag that sets a default */
	KIND_STRINGS,	/* struct string_list */
	KIND_DRIVE,	/* struct drive_list */
	KIND_BOOT,
	KIND_PATHS,	/* struct string_list of such */
	KIND_SIZE,	/* uint64_t bytes, MiB without suffix */
	KIND_FLAG,	/* bool */
	KIND_ON_OFF,	/* enum on_off */
	KIND_CPUS,	/* unsigned, 1..RUN_CPUS_MAX */
	KIND_SERIAL,
	KIND_NOGRAPHIC,
	KIND_PERF_MAP,
	KIND_VMI,
	KIND_SETTING,
	KIND_CONFIG,
	KIND_HELP,
};

static const struct option {
	enum option_kind kind;
	const char *name, *alias, *arg, *key;
	size_t offset;		/* in struct run_config */
	const char *help;
} options[] = {
#define OPT(kind, name, alias, arg, key, field, help) \
	{ KIND_##kind, name, alias, arg, key, \
	  offsetof(struct run_config, field), help },
#include "tools/lib/options.def"
#undef OPT
};

/* Keys that go to the engine as they are. */
static const char *const engine_prefixes[] = { "bt.", "hv.", "monitor." };

static int fail(char *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(char *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, OPTIONS_ERR_LEN, fmt, ap);
	va_end(ap);
	return code;
}

int string_list_add(struct string_list *l, const char *s)
{
	char **v = realloc(l->v, (l->n + 2) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	l->v = v;
	v[l->n] = strdup(s);
	if (!v[l->n])
		return -ENOMEM;
	v[++l->n] = NULL;
	return 0;
}

void string_list_fini(struct string_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		free(l->v[i]);
	free(l->v);
	*l = (struct string_list){ 0 };
}

void run_config_fini(struct run_config *c)
{
	for (unsigned i = 0; i < RUN_SERIAL_MAX; i++) {
		free(c->serial[i]);
		free(c->conf_serial[i].name);
		free(c->conf_serial[i].type);
	}
	string_list_fini(&c->initrds);
	string_list_fini(&c->settings);
	drive_list_fini(&c->drives);
	string_list_fini(&c->devices);
	string_list_fini(&c->netdevs);
	string_list_fini(&c->nics);
	free(c->bios);
	free(c->gdb);
	free(c->qmp);
	free(c->monitor);
	free(c->boot);
	free(c->debugcon);
	free(c->vga);
	free(c->display);
	free(c->vnc);
	free(c->vnc_password);
	free(c->screendump);
	free(c->parallel);
	free(c->sound);
	free(c->kernel);
	free(c->cmdline);
	free(c->log);
	free(c->perf_map_file);
	free(c->vmi);
	free(c->engine);
	free(c->config);
	free(c->name);
	memset(c, 0, sizeof(*c));
}

static int replace(char **where, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

/* NULL when memory is short. */
static char *concat(const char *a, const char *b)
{
	size_t n = strlen(a) + strlen(b) + 1;
	char *s = malloc(n);

	if (s)
		snprintf(s, n, "%s%s", a, b);
	return s;
}

static int set_path(char **where, const char *base, const char *value,
		    char *err)
{
	char *path;

	if (!*value)
		return fail(err, -EINVAL, "empty file name");
	path = concat(*value == '/' ? "" : base, value);
	if (!path)
		return -ENOMEM;
	free(*where);
	*where = path;
	return 0;
}

static int add_path(struct string_list *l, const char *base,
		    const char *value, char *err)
{
	char *path = NULL;
	int ret = set_path(&path, base, value, err);

	if (!ret)
		ret = string_list_add(l, path);
	free(path);
	return ret;
}

static int set_size(struct run_config *c, const char *value, char *err)
{
	const char *why;

	if (!strncmp(value, "size=", 5))
		value += 5;
	if (size_parse(value, MIB, &c->mem))
		return fail(err, -EINVAL, "not an amount of memory (such as "
			    "256M)");
	why = mem_problem(c->mem, mem_host_limit());
	return why ? fail(err, -EINVAL, "%s", why) : 0;
}

/* TRUE and FALSE as VMware's files have them; NULL: the option alone. */
static int set_flag(bool *where, const char *value, char *err)
{
	if (!value || !strcasecmp(value, "true"))
		*where = true;
	else if (!strcasecmp(value, "false"))
		*where = false;
	else
		return fail(err, -EINVAL, "must be TRUE or FALSE");
	return 0;
}

static int set_on_off(enum on_off *where, const char *value, char *err)
{
	if (!strcasecmp(value, "on") || !strcasecmp(value, "true"))
		*where = ON;
	else if (!strcasecmp(value, "off") || !strcasecmp(value, "false"))
		*where = OFF;
	else
		return fail(err, -EINVAL, "must be on or off");
	return 0;
}

static int set_cpus(unsigned *where, const char *value, char *err)
{
	char *end;
	unsigned long n;

	if (!strncmp(value, "cpus=", 5))
		value += 5;
	n = strtoul(value, &end, 10);
	if (*end || n < 1 || n > RUN_CPUS_MAX || value[0] < '0' ||
	    value[0] > '9')
		return fail(err, -EINVAL, "must be a number from 1 to %u",
			    RUN_CPUS_MAX);
	*where = n;
	return 0;
}

/*
 * "help" as a value: of file names it is one.  Drives, networks and devices have
 * lists of their own.
 */
static bool help_wanted(const struct option *o, const char *value)
{
	static const enum option_kind lists[] = {
		KIND_STRING, KIND_BOOT, KIND_SIZE, KIND_CPUS, KIND_SERIAL,
		KIND_ON_OFF, KIND_SETTING, KIND_VMI,
	};

	if (!value || strcmp(value, "help") || !strcmp(o->name, "append") ||
	    !strcmp(o->name, "name"))
		return false;
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++)
		if (lists[i] == o->kind)
			return true;
	return false;
}

static int set_serial(struct run_config *c, const char *value, char *err)
{
	/* QEMU's multiplexer: our stdio has the monitor anyway. */
	if (!strcmp(value, "mon:stdio"))
		value = "stdio";
	if (!strcmp(value, "none"))
		value = "null";
	if (c->nserial == RUN_SERIAL_MAX)
		return fail(err, -EINVAL, "more than %d serial ports",
			    RUN_SERIAL_MAX);
	if (!char_spec_valid(value))
		return fail(err, -EINVAL, "no such serial backend (use stdio, "
			    "file:PATH, unix:PATH, pty or null)");
	return replace(&c->serial[c->nserial++], value);
}

static bool engine_key(const char *key)
{
	for (unsigned i = 0; i < ARRAY_SIZE(engine_prefixes); i++) {
		size_t n = strlen(engine_prefixes[i]);

		if (!strncmp(key, engine_prefixes[i], n) && key[n] &&
		    key[n] != '=')
			return true;
	}
	return false;
}

static int set_setting(struct run_config *c, const char *value, char *err)
{
	if (!strchr(value, '='))
		return fail(err, -EINVAL, "must be KEY=VALUE");
	if (!engine_key(value))
		return fail(err, -EINVAL, "unknown key (bt.*, hv.* and "
			    "monitor.* can be set)");
	return string_list_add(&c->settings, value);
}

static int set_boot_key(struct run_config *c, const char *key, char *err)
{
	if (!strcmp(key, "menu=on") || !strcmp(key, "menu=off")) {
		c->boot_menu = !strcmp(key, "menu=on");
		return 0;
	}
	if (!strncmp(key, "order=", 6))
		key += 6;
	if (!*key || key[strspn(key, "acdn")] || strlen(key) > 3)
		return fail(err, -EINVAL, "must be up to three of the letters "
			    "a, c, d, n, or menu=on|off");
	return replace(&c->boot, key);
}

static int set_boot(struct run_config *c, const char *value, char *err)
{
	char *copy = strdup(value), *rest = copy, *key;
	int ret = copy ? 0 : -ENOMEM;

	while (!ret && (key = strsep(&rest, ",")))
		ret = set_boot_key(c, key, err);
	free(copy);
	return ret;
}

static int set_drive(struct run_config *c, const char *option,
		     const char *value, char *err)
{
	if (!strcmp(option, "drive") && !strcmp(value, "help")) {
		c->drive_help = true;
		return 0;
	}
	return drive_add(&c->drives, option, value, err);
}

static int set_initrd(struct run_config *c, struct string_list *l,
		      const char *base, const char *value, char *err)
{
	if (!base && c->initrds_from_file)
		string_list_fini(l);
	c->initrds_from_file = base;
	return add_path(l, base ? base : "", value, err);
}

/* @base: NULL on the command line. */
static int option_set(struct run_config *c, const struct option *o,
		      const char *value, const char *base, char *err)
{
	void *field = (char *)c + o->offset;

	switch (o->kind) {
	case KIND_STRING:
		return replace(field, value);
	case KIND_PATH:
		return set_path(field, base ? base : "", value, err);
	case KIND_GDB:
		return replace(field, "tcp:1234");
	case KIND_STRINGS:
		return string_list_add(field, value);
	case KIND_DRIVE:
		return set_drive(c, o->name, value, err);
	case KIND_BOOT:
		return set_boot(c, value, err);
	case KIND_PATHS:
		return set_initrd(c, field, base, value, err);
	case KIND_SIZE:
		return set_size(c, value, err);
	case KIND_FLAG:
		return set_flag(field, value, err);
	case KIND_ON_OFF:
		return set_on_off(field, value, err);
	case KIND_CPUS:
		return set_cpus(field, value, err);
	case KIND_SERIAL:
		return set_serial(c, value, err);
	case KIND_NOGRAPHIC:
		return c->nserial ? 0 : replace(&c->serial[0], "stdio");
	case KIND_PERF_MAP:
		c->perf_map = true;
		return value ? replace(&c->perf_map_file, value) : 0;
	case KIND_VMI:
		return replace(&c->vmi, value ? value : "on");
	case KIND_SETTING:
		return set_setting(c, value, err);
	case KIND_HELP:
		c->help = true;
		return 0;
	case KIND_CONFIG:	/* read before the others */
		break;
	}
	return 0;
}

/* The option that @arg ("--name", "-name", "--name=value") begins. */
static const struct option *option_find(const char *arg, const char **value)
{
	const char *name = arg + strspn(arg, "-");
	size_t len = strcspn(name, "=");

	*value = name[len] ? name + len + 1 : NULL;
	if (name == arg || name - arg > 2)
		return NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if (strlen(o->name) == len && !strncmp(o->name, name, len))
			return o;
		if (o->alias && strlen(o->alias) == len &&
		    !strncmp(o->alias, name, len))
			return o;
	}
	return NULL;
}

/*
 * The option at argv[*i] and its value, which may be the next argument.
 * Advances *i over both.
 */
static int option_next(int argc, char **argv, int *i, const struct option **o,
		       const char **value, char *err)
{
	const char *arg = argv[(*i)++];
	bool optional;

	*o = option_find(arg, value);
	if (!*o && *arg != '-')
		return fail(err, -EINVAL, "%s: not an option (the kernel is "
			    "named by --kernel)", arg);
	if (!*o)
		return fail(err, -EINVAL, "%s: unknown option (see umbra run "
			    "--help)", arg);
	if (!(*o)->arg)
		return *value ? fail(err, -EINVAL, "%s: takes no value", arg)
			      : 0;
	optional = *(*o)->arg == '[';
	if (!*value && *i < argc && !(optional && *argv[*i] == '-'))
		*value = argv[(*i)++];
	if (!*value && !optional)
		return fail(err, -EINVAL, "%s: needs a value (%s)", arg,
			    (*o)->arg);
	return 0;
}

/* "--name value: cause" from a setter's "cause". */
static int option_failed(const struct option *o, const char *value, int ret,
			 char *err)
{
	char cause[256];

	if (ret == -ENOMEM)
		return fail(err, ret, "out of memory");
	snprintf(cause, sizeof(cause), "%s", err);
	return fail(err, ret, "--%s %s: %s", o->name, value ? value : "",
		    cause);
}

/* One walk over the arguments: --config alone, or all the others. */
static int options_pass(struct run_config *c, int argc, char **argv,
			bool config, char *err)
{
	for (int i = 0; i < argc;) {
		const struct option *o;
		const char *value;
		int ret = option_next(argc, argv, &i, &o, &value, err);

		if (ret)
			return ret;
		if ((o->kind == KIND_CONFIG) != config)
			continue;
		if (config) {
			if (c->config)
				return fail(err, -EINVAL, "--config %s: given "
					    "twice", value);
			ret = replace(&c->config, value);
			if (!ret)
				ret = config_read(c, value, err);
			if (ret)
				return ret;
			continue;
		}
		if (help_wanted(o, value)) {
			c->help_of = o->name;
			continue;
		}
		ret = option_set(c, o, value, NULL, err);
		if (ret)
			return option_failed(o, value, ret, err);
	}
	return 0;
}

int options_parse(struct run_config *c, int argc, char **argv, char *err)
{
	int ret = options_pass(c, argc, argv, true, err);

	return ret ? ret : options_pass(c, argc, argv, false, err);
}

/* serialN.fileName and serialN.fileType. */
static int set_serial_key(struct run_config *c, const char *key,
			  const char *value, const char *base, unsigned line,
			  char *err)
{
	static const char prefix[] = "serial";
	struct conf_serial *s;
	unsigned n;

	if (strncasecmp(key, prefix, 6) || !isdigit((unsigned char)key[6]) ||
	    key[7] != '.')
		return -ENOENT;
	n = key[6] - '0';
	if (n >= RUN_SERIAL_MAX)
		return fail(err, -EINVAL, "there are serial0 to serial%d",
			    RUN_SERIAL_MAX - 1);
	s = &c->conf_serial[n];
	s->line = line;
	if (!strcasecmp(key + 8, "fileName"))
		return set_path(&s->name, base, value, err);
	if (strcasecmp(key + 8, "fileType"))
		return -ENOENT;
	if (strcasecmp(value, "file") && (!char_spec_valid(value)))
		return fail(err, -EINVAL, "must be stdio, file, pty or null");
	return replace(&s->type, value);
}

static int set_engine_key(struct run_config *c, const char *key,
			  const char *value)
{
	size_t n = strlen(key) + strlen(value) + 2;
	char *s = malloc(n);
	int ret;

	if (!s)
		return -ENOMEM;
	snprintf(s, n, "%s=%s", key, value);
	ret = engine_key(key) ? string_list_add(&c->settings, s) : -ENOENT;
	free(s);
	return ret;
}

int options_set_key(struct run_config *c, const char *key, const char *value,
		    const char *base, unsigned line, char *err)
{
	int ret;

	*err = '\0';
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].key && !strcasecmp(options[i].key, key))
			return option_set(c, &options[i], value, base, err);
	ret = set_serial_key(c, key, value, base, line, err);
	if (ret == -ENOENT)
		ret = drive_set_key(&c->drives, key, value, base, err);
	if (ret == -ENOENT)
		ret = set_engine_key(c, key, value);
	return ret;
}

/* serialN.* of the file, where the command line has no serial port N. */
static int finish_serial(struct run_config *c, unsigned n, char *err)
{
	struct conf_serial *s = &c->conf_serial[n];
	bool file = s->type ? !strcasecmp(s->type, "file") : s->name != NULL;

	if (c->serial[n] || (!s->type && !s->name))
		return 0;
	if (file != !!s->name)
		return fail(err, -EINVAL, file ?
			    "%s:%u: serial%u.fileName: missing" :
			    "%s:%u: serial%u.fileName: only for fileType "
			    "\"file\"", c->config, s->line, n);
	if (!file)
		return replace(&c->serial[n], s->type);
	c->serial[n] = concat("file:", s->name);
	return c->serial[n] ? 0 : -ENOMEM;
}

bool options_text_screen(const struct run_config *c)
{
	return c->display && !strcmp(c->display, "text");
}

bool options_monitor_stdio(const struct run_config *c)
{
	return c->monitor && !strcmp(c->monitor, "stdio");
}

/* There is one terminal. */
static int finish_terminal(struct run_config *c, char *err)
{
	const char *taken = options_text_screen(c) ? "--display text" :
			    options_monitor_stdio(c) ? "--monitor stdio" : NULL;

	if (!c->serial[0])
		return replace(&c->serial[0], taken ? "null" : "stdio");
	if (options_text_screen(c) && options_monitor_stdio(c))
		return fail(err, -EINVAL, "--monitor stdio: the terminal shows "
			    "the screen (Ctrl-A c opens the monitor there)");
	for (unsigned n = 0; taken && n < RUN_SERIAL_MAX; n++)
		if (c->serial[n] && !strcmp(c->serial[n], "stdio"))
			return fail(err, -EINVAL, "%s: the terminal is serial "
				    "port %u's (Ctrl-A c opens the monitor; "
				    "--serial null)", taken, n);
	return 0;
}

/* QEMU's words for no monitor. */
static void finish_monitor(char **address)
{
	if (*address && (!strcmp(*address, "none") ||
			 !strcmp(*address, "null"))) {
		free(*address);
		*address = NULL;
	}
}

/* "curses" is what QEMU calls it. */
static int finish_display(struct run_config *c, char *err)
{
	if (!c->display)
		return 0;
	if (!strncmp(c->display, "vnc=", 4))
		return replace(&c->vnc, c->display + 4);
	if (!strcmp(c->display, "curses"))
		return replace(&c->display, "text");
	if (!strcmp(c->display, "text") || !strcmp(c->display, "none"))
		return 0;
	return fail(err, -EINVAL, "--display %s: must be text, none or "
		    "vnc=ADDRESS", c->display);
}

int options_finish(struct run_config *c, char *err)
{
	int ret = 0;

	if (!c->mem)
		c->mem = DEFAULT_MEM;
	for (unsigned n = 0; !ret && n < RUN_SERIAL_MAX; n++)
		ret = finish_serial(c, n, err);
	finish_monitor(&c->monitor);
	finish_monitor(&c->qmp);
	if (!ret)
		ret = finish_display(c, err);
	if (!ret)
		ret = finish_terminal(c, err);
	if (!ret)
		ret = drive_take_devices(&c->drives, &c->devices, err);
	if (!ret)
		ret = drive_finish(&c->drives, c->snapshot, err);
	/* Drives without a kernel are to be booted from. */
	if (!ret && !c->kernel && !c->bios && c->drives.n)
		ret = replace(&c->bios, DEFAULT_BIOS);
	if (!ret && c->vga && strcmp(c->vga, "std") && strcmp(c->vga, "none"))
		ret = fail(err, -EINVAL, "--vga %s: must be std or none",
			   c->vga);
	if (!ret && c->kernel && c->bios)
		ret = fail(err, -EINVAL, "run: --kernel boots without "
			   "firmware (leave out --bios)");
	if (!ret && !c->kernel && !c->bios)
		ret = fail(err, -EINVAL, "run: no kernel (give --kernel FILE, "
			   "a disk or --bios FILE, or try umbra demo)");
	if (ret == -ENOMEM)
		fail(err, ret, "out of memory");
	return ret;
}

#define HELP_COLUMN	25
#define HELP_WIDTH	79

/* In lines of their own, broken between words. */
static void put_help(FILE *out, const char *left, const char *s)
{
	int at = fprintf(out, "  %s", left);

	if (at >= HELP_COLUMN) {
		fputc('\n', out);
		at = 0;
	}
	at += fprintf(out, "%*s", HELP_COLUMN - at, "");
	while (*s) {
		int n = strcspn(s, " \n");

		if (at > HELP_COLUMN && at + 1 + n > HELP_WIDTH)
			at = fprintf(out, "\n%*s", HELP_COLUMN, "") - 1;
		if (at > HELP_COLUMN)
			at += fprintf(out, " ");
		at += fprintf(out, "%.*s", n, s);
		s += n + strspn(s + n, " \n");
	}
	fputc('\n', out);
}

void options_help(FILE *out, const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];
		char left[64];

		if (name && strcmp(o->name, name))
			continue;

		snprintf(left, sizeof(left), "%s%s%s--%s%s%s",
			 o->alias ? "-" : "", o->alias ? o->alias : "",
			 o->alias ? ", " : "", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		put_help(out, left, o->help);
	}
}

/* A hyphen in roff is not a minus sign. */
static void roff_text(FILE *out, const char *s)
{
	for (; *s; s++)
		fputs(*s == '-' ? "\\-" : (char[]){ *s, 0 }, out);
}

void options_roff(FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		fputs(".TP\n", out);
		if (o->alias)
			fprintf(out, ".BR \\-%s \", \" ", o->alias);
		else
			fputs(".B ", out);
		fputs("\\-\\-", out);
		roff_text(out, o->name);
		if (o->arg)
			fprintf(out, o->alias ? " \" \\fI%s\\fR\"" :
				" \\fI%s\\fR", o->arg);
		fputc('\n', out);
		roff_text(out, o->help);
		fputs(".\n", out);
	}
}

void options_keys_roff(FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option *o = &options[i];

		if (!o->key)
			continue;
		fprintf(out, ".TP\n.B %s\nas \\fB\\-\\-", o->key);
		roff_text(out, o->name);
		fputs("\\fR\n", out);
	}
}
