// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commands and keys are tables; the rest is a line editor with three keys.
 */
#include "tools/lib/monitor.h"

#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "hypervisor/mem.h"
#include "hypervisor/vm.h"

static void resume(struct monitor *m)
{
	if (m->paused)
		vm_resume(m->vm);
	m->paused = false;
}

static void cmd_help(struct monitor *m, FILE *out)
{
	monitor_help(out);
}

static void cmd_registers(struct monitor *m, FILE *out)
{
	vm_pause(m->vm);
	vm_print_registers(m->vm, out);
	vm_resume(m->vm);
}

static void cmd_stats(struct monitor *m, FILE *out)
{
	vm_pause(m->vm);
	vm_print_stats(m->vm, out);
	vm_resume(m->vm);
}

static void cmd_status(struct monitor *m, FILE *out)
{
	fprintf(out, "%s, engine %s, %llu MiB\n",
		m->paused ? "stopped" : "running", vm_engine_name(m->vm),
		(unsigned long long)(vm_mem(m->vm)->ram_size / MIB));
}

static void cmd_stop(struct monitor *m, FILE *out)
{
	if (m->paused)
		fputs("stopped already\n", out);
	else
		vm_pause(m->vm);
	m->paused = true;
}

static void cmd_cont(struct monitor *m, FILE *out)
{
	if (!m->paused)
		fputs("running already\n", out);
	resume(m);
}

static void cmd_reset(struct monitor *m, FILE *out)
{
	resume(m);
	vm_request_reset(m->vm);
}

static void cmd_powerdown(struct monitor *m, FILE *out)
{
	resume(m);
	vm_power_button(m->vm);
}

static void set_engine(struct monitor *m, const char *name, FILE *out)
{
	char err[VM_ERR_LEN];

	if (vm_set_engine(m->vm, name, err))
		fprintf(out, "%s\n", err);
	else
		fprintf(out, "engine %s\n", vm_engine_name(m->vm));
}

static void cmd_engine_bt(struct monitor *m, FILE *out)
{
	set_engine(m, "bt", out);
}

static void cmd_engine_hv(struct monitor *m, FILE *out)
{
	set_engine(m, "hv", out);
}

static void cmd_quit(struct monitor *m, FILE *out)
{
	resume(m);
	vm_request_stop(m->vm, VM_STOP_QUIT);
}

static const struct command {
	const char *name, *help;
	void (*fn)(struct monitor *m, FILE *out);
} commands[] = {
	{ "help", "this list", cmd_help },
	{ "info registers", "the processor's registers", cmd_registers },
	{ "info stats", "counters of machine and engine", cmd_stats },
	{ "info status", "running or stopped, engine, memory", cmd_status },
	{ "stop", "halt the guest and its time", cmd_stop },
	{ "cont", "let it go on", cmd_cont },
	{ "system_reset", "press the reset button", cmd_reset },
	{ "system_powerdown", "press the power button", cmd_powerdown },
	{ "engine bt", "go on in binary translation (--engine auto)",
	  cmd_engine_bt },
	{ "engine hv", "go on in KVM (--engine auto)", cmd_engine_hv },
	{ "quit", "end the guest", cmd_quit },
};

/* Does @line, with any spacing, say @name? */
static bool line_is(const char *line, const char *name)
{
	for (;;) {
		size_t n = strcspn(name, " ");

		line += strspn(line, " \t");
		if (strncmp(line, name, n))
			return false;
		line += n;
		if (*line && *line != ' ' && *line != '\t')
			return false;
		if (!name[n])
			return !line[strspn(line, " \t")];
		name += n + 1;
	}
}

void monitor_command(struct monitor *m, const char *line, FILE *out)
{
	if (!line[strspn(line, " \t")])
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (line_is(line, commands[i].name)) {
			commands[i].fn(m, out);
			return;
		}
	}
	fprintf(out, "%s: unknown command (try help)\n", line);
}

void monitor_help(FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-18s %s\n", commands[i].name,
			commands[i].help);
}

void monitor_roff(FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, ".TP\n.B %s\n%s.\n", commands[i].name,
			commands[i].help);
}

/* The terminal gets everything or, when it is 64 KiB behind, less. */
static void print(struct monitor *m, const char *s, size_t len)
{
	if (m->tty)
		m->tty->ops->write(m->tty, (const uint8_t *)s, len);
}

static void print_text(struct monitor *m, const char *s)
{
	print(m, s, strlen(s));
}

static void prompt(struct monitor *m)
{
	print_text(m, "(umbra) ");
}

static void run_line(struct monitor *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	m->line[m->len] = '\0';
	m->len = 0;
	if (!out) {
		print_text(m, "out of memory\n");
		return;
	}
	monitor_command(m, m->line, out);
	fclose(out);
	print(m, text, len);
	free(text);
	prompt(m);
}

static void edit(struct monitor *m, uint8_t c)
{
	switch (c) {
	case '\r':
	case '\n':
		print_text(m, "\n");
		run_line(m);
		break;
	case '\b':
	case 0x7f:
		if (m->len) {
			m->len--;
			print_text(m, "\b \b");
		}
		break;
	case 'U' & 0x1f:	/* Ctrl-U: the line anew */
		m->len = 0;
		print_text(m, "\n");
		prompt(m);
		break;
	default:
		if (c < ' ' || m->len + 1 == sizeof(m->line))
			break;
		m->line[m->len++] = c;
		print(m, (const char *)&c, 1);
	}
}

void monitor_input(void *opaque, const uint8_t *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		edit(opaque, buf[i]);
}

static void key_quit(struct monitor *m)
{
	print_text(m, "\n");
	cmd_quit(m, NULL);
}

static void key_monitor(struct monitor *m)
{
	m->open = !m->open;
	m->len = 0;
	char_stdio_divert(m->tty, m->open);
	print_text(m, m->open ? "\nmonitor; Ctrl-A c returns to the guest, "
		   "help lists commands\n" : "\n");
	if (m->open)
		prompt(m);
}

static void key_help(struct monitor *m);

static const struct key {
	uint8_t key;
	const char *help;
	void (*fn)(struct monitor *m);
} keys[] = {
	{ 'x', "quit", key_quit },
	{ 'c', "open the monitor, and back to the guest", key_monitor },
	{ 'h', "this list", key_help },
};

void monitor_keys_help(FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		fprintf(out, "  Ctrl-A %-12c %s\n", keys[i].key, keys[i].help);
	fprintf(out, "  Ctrl-A %-12s %s\n", "Ctrl-A", "send Ctrl-A");
}

static void key_help(struct monitor *m)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	fputc('\n', out);
	monitor_keys_help(out);
	fclose(out);
	print(m, text, len);
	free(text);
}

void monitor_escape(void *opaque, uint8_t key)
{
	struct monitor *m = opaque;

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++) {
		if (keys[i].key == key) {
			keys[i].fn(m);
			return;
		}
	}
	key_help(m);
}
