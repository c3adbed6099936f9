// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether the guest runs, for all who can say so; keys are a table; the rest
 * is a line editor with three keys.  The commands are in monitor_cmd.c.
 */
#include "tools/lib/monitor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "hypervisor/vm.h"

/*
 * Running or not.
 */

static void changed(struct monitor *m)
{
	for (unsigned i = 0; i < m->nobservers; i++)
		m->observers[i].fn(m->observers[i].opaque, m->paused);
}

void monitor_stop(struct monitor *m)
{
	if (m->paused)
		return;
	vm_pause(m->vm);
	m->paused = true;
	changed(m);
}

void monitor_cont(struct monitor *m)
{
	if (!m->paused)
		return;
	m->paused = false;
	changed(m);
	vm_resume(m->vm);
}

void monitor_stopped(struct monitor *m)
{
	if (m->paused) {
		vm_resume(m->vm);	/* one pause is enough */
		return;
	}
	m->paused = true;
	changed(m);
}

void monitor_observe(struct monitor *m, monitor_change_fn *fn, void *opaque)
{
	assert(m->nobservers < MONITOR_OBSERVERS);
	m->observers[m->nobservers].fn = fn;
	m->observers[m->nobservers++].opaque = opaque;
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
	monitor_command(m, "quit", NULL);
}

static void key_monitor(struct monitor *m)
{
	m->open = !m->open;
	m->was_open = true;
	m->len = 0;
	char_stdio_divert(m->tty, m->open);
	if (m->open && m->clear)
		print_text(m, "\033[0m\033[?7h\033[?25h\033[2J\033[H");
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
