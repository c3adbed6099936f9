/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `umbra run' was asked to do, from the command line and the
 * configuration file.  Both are described by options.def.
 */
#ifndef TOOLS_LIB_OPTIONS_H
#define TOOLS_LIB_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/lib/drive.h"

#define RUN_SERIAL_MAX	4
#define RUN_CPUS_MAX	15u
/* Bytes for an error line. */
#define OPTIONS_ERR_LEN	4608

/* Strings on the heap, NULL-terminated. */
struct string_list {
	char **v;
	unsigned n;
};

struct vm;

enum on_off { NOT_GIVEN, ON, OFF };

struct run_config {
	char *kernel;
	char *bios;			/* NULL: none */
	char *boot;			/* order letters, or NULL */
	bool boot_menu;
	char *vga;			/* "std", "none", or NULL */
	char *display;			/* "text", "none", or NULL */
	char *vnc, *vnc_password;	/* address; file.  NULL: none */
	char *screendump;
	char *parallel;
	char *sound;
	char *debugcon;			/* backend specification, or NULL */
	struct drive_list drives;
	bool snapshot;			/* all disks */
	bool drive_help;		/* --drive help */
	struct string_list devices;	/* --device */
	struct string_list netdevs, nics;	/* --netdev, --nic */
	struct string_list initrds;
	char *cmdline;			/* NULL: not given */
	uint64_t mem;			/* bytes; 0: not given */
	unsigned cpus;			/* 0: not given */
	char *serial[RUN_SERIAL_MAX];	/* backend specifications */
	unsigned nserial;		/* --serial options seen */
	bool no_reboot, stats;
	bool stopped;			/* -S */
	char *gdb, *qmp, *monitor;	/* where to serve; NULL: nowhere */
	char *log;
	bool perf_map;
	char *vmi;			/* NULL: off; "on": the engine's */
	const struct vmi_observer *vmi_observer; /* not an option; vmi.h */
	void *vmi_opaque;
	/*
	 * The machine is built, the process not confined yet; it has run, and
	 * still stands (@end).
	 */
	void (*on_vm)(void *opaque, struct vm *vm, bool end);
	void *on_vm_opaque;
	char *perf_map_file;		/* NULL: /tmp/perf-PID.map */
	char *engine;
	struct string_list settings;	/* "key=value" for the engine */
	enum on_off sandbox, xenstore;
	char *name;
	char *config;
	bool help;			/* --help was given */
	const char *help_of;		/* "help" was its value, or NULL */
	bool initrds_from_file;		/* --initrd replaces, not adds */
	struct conf_serial {		/* serialN.* of the file */
		char *name, *type;
		unsigned line;
	} conf_serial[RUN_SERIAL_MAX];
};

/* All zeros is the state of a new one. */
void run_config_fini(struct run_config *c);

/*
 * Parse @argv[0 .. argc-1] (no program name), the file that --config names
 * first.  Adds to @c.  Returns 0, or -EINVAL or -ENOMEM with one line
 * "OBJECT: cause" in @err (OPTIONS_ERR_LEN bytes).
 */
int options_parse(struct run_config *c, int argc, char **argv, char *err);

/*
 * Set one key of the configuration file.  @base: directory, with its slash,
 * that relative paths start from ("" for the current one).
 * Returns 0, -ENOENT for an unknown key, -EINVAL or -ENOMEM; @err as above
 * names neither file nor line.
 */
int options_set_key(struct run_config *c, const char *key, const char *value,
		    const char *base, unsigned line, char *err);

/*
 * Check what needs all options together: a kernel is given, memory is
 * possible here, serial backends exist; fill defaults.  As options_parse().
 */
int options_finish(struct run_config *c, char *err);

/* Is the terminal the guest's screen, or the monitor? */
bool options_text_screen(const struct run_config *c);
bool options_monitor_stdio(const struct run_config *c);

/*
 * The table, for --help (plain text; @name: of that option alone, NULL: of all)
 * and the man page (roff).
 */
void options_help(FILE *out, const char *name);
void options_roff(FILE *out);
/* The configuration file's keys as roff. */
void options_keys_roff(FILE *out);

/*
 * "64M" and the like to bytes; a number alone counts @unit bytes.
 * Returns 0 or -EINVAL (no number, unknown suffix, sign, overflow).
 */
int size_parse(const char *text, uint64_t unit, uint64_t *out);

/* Largest --mem that this host can back: its memory and swap, in bytes. */
uint64_t mem_host_limit(void);
/*
 * Returns NULL if a guest can have @bytes, or the reason why not.
 * @host: bytes that the host has.
 */
const char *mem_problem(uint64_t bytes, uint64_t host);

/* Append a copy of @s.  Returns 0 or -ENOMEM. */
int string_list_add(struct string_list *l, const char *s);
void string_list_fini(struct string_list *l);

#endif
