// SPDX-License-Identifier: GPL-2.0-or-later
/* The monitor's commands, under the names that QEMU's have. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/block_queue.h"
#include "backends/keys.h"
#include "backends/net.h"
#include "hypervisor/linear.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/vm.h"
#include "tools/lib/monitor.h"
#include "tools/lib/monitor_x.h"

static void cmd_help(struct monitor *m, const char *args, FILE *out)
{
	monitor_help(out);
}

/*
 * Looking.
 */

static void print_paused(struct monitor *m, void (*print)(struct vm *, FILE *),
			 FILE *out)
{
	vm_pause(m->vm);
	print(m->vm, out);
	vm_resume(m->vm);
}

static void cmd_registers(struct monitor *m, const char *args, FILE *out)
{
	print_paused(m, vm_print_registers, out);
}

static void cmd_stats(struct monitor *m, const char *args, FILE *out)
{
	print_paused(m, vm_print_stats, out);
}

static void cmd_status(struct monitor *m, const char *args, FILE *out)
{
	fprintf(out, "%s, engine %s, %llu MiB\n",
		m->paused ? "stopped" : "running", vm_engine_name(m->vm),
		(unsigned long long)(vm_mem(m->vm)->ram_size / MIB));
}

static void cmd_pic(struct monitor *m, const char *args, FILE *out)
{
	print_paused(m, vm_print_pic, out);
}

static void cmd_irq(struct monitor *m, const char *args, FILE *out)
{
	print_paused(m, vm_print_irq, out);
}

static void cmd_block(struct monitor *m, const char *args, FILE *out)
{
	struct monitor_block b;

	for (unsigned n = 0; m->block && m->block(n, &b); n++) {
		fprintf(out, "%s: ", b.name);
		if (b.file)
			fprintf(out, "%s (%s%s, %llu MiB)\n", b.file,
				b.format, b.read_only ? ", read-only" : "",
				(unsigned long long)(b.size / MIB));
		else
			fputs("[not inserted]\n", out);
		fprintf(out, "    rd_operations=%llu rd_bytes=%llu "
			"wr_operations=%llu wr_bytes=%llu flushes=%llu "
			"errors=%llu\n",
			(unsigned long long)b.stats->requests[BLOCK_READ],
			(unsigned long long)b.stats->bytes[BLOCK_READ],
			(unsigned long long)b.stats->requests[BLOCK_WRITE],
			(unsigned long long)b.stats->bytes[BLOCK_WRITE],
			(unsigned long long)b.stats->requests[BLOCK_FLUSH],
			(unsigned long long)b.stats->errors);
	}
}

static void cmd_network(struct monitor *m, const char *args, FILE *out)
{
	const struct net_stats *s;
	const char *kind;

	for (unsigned n = 0; m->net && m->net(n, &kind, &s); n++)
		fprintf(out, "net%u: %s: sent %llu frames, %llu bytes; "
			"received %llu, %llu; dropped %llu\n", n, kind,
			(unsigned long long)s->sent,
			(unsigned long long)s->sent_bytes,
			(unsigned long long)s->received,
			(unsigned long long)s->received_bytes,
			(unsigned long long)s->dropped);
}

static void first_cpu(struct monitor *m, struct vcpu *v)
{
	vm_pause(m->vm);
	vm_get_cpu(m->vm, 0, v);
	vm_resume(m->vm);
}

static void cmd_mem(struct monitor *m, const char *args, FILE *out)
{
	struct vcpu v;

	first_cpu(m, &v);
	monitor_print_ranges(&v, vm_mem(m->vm), out);
}

static void cmd_tlb(struct monitor *m, const char *args, FILE *out)
{
	struct vcpu v;

	first_cpu(m, &v);
	monitor_print_pages(&v, vm_mem(m->vm), out);
}

static void examine(struct monitor *m, const char *args, bool physical,
		    FILE *out)
{
	struct vcpu v;

	first_cpu(m, &v);
	monitor_examine(&v, vm_mem(m->vm), args, physical, out);
}

static void cmd_x(struct monitor *m, const char *args, FILE *out)
{
	examine(m, args, false, out);
}

static void cmd_xp(struct monitor *m, const char *args, FILE *out)
{
	examine(m, args, true, out);
}

/* "ctrl-alt-delete": all go down, then up in reverse. */
static void cmd_sendkey(struct monitor *m, const char *args, FILE *out)
{
	unsigned codes[16], n = 0;

	for (const char *p = args; *p;) {
		size_t len = strcspn(p, "-");

		if (n == ARRAY_SIZE(codes) || !(codes[n++] =
						key_by_name(p, len))) {
			fprintf(out, "sendkey: %.*s: no such key\n", (int)len,
				p);
			return;
		}
		p += len + (p[len] == '-');
	}
	for (unsigned i = 0; i < n; i++)
		vm_key(m->vm, codes[i], true);
	while (n--)
		vm_key(m->vm, codes[n], false);
}

static const char *skip_space(const char *s)
{
	return s + strspn(s, " \t");
}

static void report(int ret, const char *err, FILE *out)
{
	if (ret)
		fprintf(out, "%s\n", *err ? err : strerror(-ret));
}

static void change(struct monitor *m, const char *name, const char *file,
		   bool force, FILE *out)
{
	char err[MONITOR_LINE] = "";

	if (m->change)
		report(m->change(name, file, force, err), err, out);
	else
		fputs("this machine has no drives\n", out);
}

static void cmd_eject(struct monitor *m, const char *args, FILE *out)
{
	bool force = !strncmp(args, "-f ", 3);

	change(m, force ? skip_space(args + 3) : args, NULL, force, out);
}

static void cmd_change(struct monitor *m, const char *args, FILE *out)
{
	size_t n = strcspn(args, " \t");
	char name[64];

	if (!args[n] || n >= sizeof(name)) {
		fputs("usage: change DRIVE FILE\n", out);
		return;
	}
	memcpy(name, args, n);
	name[n] = '\0';
	change(m, name, skip_space(args + n), false, out);
}

static void cmd_screendump(struct monitor *m, const char *args, FILE *out)
{
	char err[MONITOR_LINE] = "";

	if (m->screendump)
		report(m->screendump(args, err), err, out);
	else
		fputs("this machine has no screen\n", out);
}

/*
 * Running.
 */

static void cmd_stop(struct monitor *m, const char *args, FILE *out)
{
	if (m->paused)
		fputs("stopped already\n", out);
	monitor_stop(m);
}

static void cmd_cont(struct monitor *m, const char *args, FILE *out)
{
	if (!m->paused)
		fputs("running already\n", out);
	monitor_cont(m);
}

static void cmd_reset(struct monitor *m, const char *args, FILE *out)
{
	monitor_cont(m);
	vm_request_reset(m->vm);
}

static void cmd_powerdown(struct monitor *m, const char *args, FILE *out)
{
	monitor_cont(m);
	vm_power_button(m->vm);
}

static void cmd_engine(struct monitor *m, const char *args, FILE *out)
{
	char err[VM_ERR_LEN];

	if (vm_set_engine(m->vm, args, err))
		fprintf(out, "%s\n", err);
	else
		fprintf(out, "engine %s\n", vm_engine_name(m->vm));
}

static void cmd_quit(struct monitor *m, const char *args, FILE *out)
{
	vm_request_stop(m->vm, VM_STOP_QUIT);
	monitor_cont(m);
}

static void cmd_info(struct monitor *m, const char *args, FILE *out);

static const struct command {
	const char *name;
	const char *args;	/* NULL: takes none */
	const char *help;
	void (*fn)(struct monitor *m, const char *args, FILE *out);
} commands[] = {
	{ "help", NULL, "this list", cmd_help },
	{ "info", NULL, "what info can show", cmd_info },
	{ "info registers", NULL, "the processors' registers", cmd_registers },
	{ "info stats", NULL, "counters of machine and engine", cmd_stats },
	{ "info jit", NULL, "the same", cmd_stats },
	{ "info status", NULL, "running or stopped, engine, memory",
	  cmd_status },
	{ "info pic", NULL, "the interrupt controllers", cmd_pic },
	{ "info irq", NULL, "how often each interrupt line rose", cmd_irq },
	{ "info block", NULL, "drives, their images and counters", cmd_block },
	{ "info network", NULL, "networks and their counters", cmd_network },
	{ "info mem", NULL, "ranges of linear memory that are mapped",
	  cmd_mem },
	{ "info tlb", NULL, "their pages", cmd_tlb },
	{ "x", "[/COUNT FORMAT SIZE] ADDRESS",
	  "linear memory; format x d u o c i, size b h w g", cmd_x },
	{ "xp", "[/COUNT FORMAT SIZE] ADDRESS", "physical memory", cmd_xp },
	{ "sendkey", "KEY[-KEY...]", "press keys and let them go",
	  cmd_sendkey },
	{ "eject", "[-f] DRIVE", "take the medium out of a drive of info block",
	  cmd_eject },
	{ "change", "DRIVE FILE", "put another medium in", cmd_change },
	{ "screendump", "FILE", "write the screen: .txt its text, .ppm or PNG",
	  cmd_screendump },
	{ "stop", NULL, "halt the guest and its time", cmd_stop },
	{ "cont", NULL, "let it go on", cmd_cont },
	{ "system_reset", NULL, "press the reset button", cmd_reset },
	{ "system_powerdown", NULL, "press the power button", cmd_powerdown },
	{ "engine", "bt|hv",
	  "go on in binary translation, or in KVM (--engine auto)",
	  cmd_engine },
	{ "quit", NULL, "end the guest", cmd_quit },
};

/*
 * If @line, with any spacing, begins with the words of @name: what follows,
 * else NULL.  "x/4x" is x with arguments, as in QEMU and gdb.
 */
static const char *behind(const char *line, const char *name)
{
	for (;;) {
		size_t n = strcspn(name, " ");

		line = skip_space(line);
		if (strncmp(line, name, n))
			return NULL;
		line += n;
		if (*line && *line != ' ' && *line != '\t' && *line != '/')
			return NULL;
		if (!name[n])
			return skip_space(line);
		name += n + 1;
	}
}

bool monitor_command(struct monitor *m, const char *line, FILE *out)
{
	const char *args;

	if (!*skip_space(line))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *c = &commands[i];

		args = behind(line, c->name);
		if (!args || (*args && !c->args))
			continue;
		if (c->args && !*args) {
			fprintf(out, "usage: %s %s\n", c->name, c->args);
			return false;
		}
		c->fn(m, args, out);
		return true;
	}
	fprintf(out, "%s: unknown command (try help)\n", line);
	return false;
}

static int command_text(char *buf, size_t len, const struct command *c)
{
	return snprintf(buf, len, "%s%s%s", c->name, c->args ? " " : "",
			c->args ? c->args : "");
}

static void cmd_info(struct monitor *m, const char *args, FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strncmp(commands[i].name, "info ", 5))
			fprintf(out, "  %-18s %s\n", commands[i].name,
				commands[i].help);
}

void monitor_help(FILE *out)
{
	char text[80];

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		command_text(text, sizeof(text), &commands[i]);
		fprintf(out, "  %-18s %s\n", text, commands[i].help);
	}
}

void monitor_roff(FILE *out)
{
	char text[80];

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		command_text(text, sizeof(text), &commands[i]);
		fprintf(out, ".TP\n.B %s\n%s.\n", text, commands[i].help);
	}
}
