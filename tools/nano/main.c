// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From the multiboot loader to the last line.  Command line:
 *	rows=a,b	only these
 *	repeat=N	runs of each row (15)
 *	kcycles=N	length of a run, thousands of cycles (3000)
 *	paging=off	only what works without paging
 *	vmi=calls	calls even where the ROM says that instructions are as good
 */
#include "spec/vmi.h"
#include "tools/nano/ops.h"

/* Multiboot Specification 0.6.96, 3.3. */
struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
};
#define BOOT_MAGIC	0x2badb002
#define INFO_CMDLINE	0x4

void nano_main(uint32_t magic, const struct multiboot_info *info);
void trap_unexpected(const uint32_t *frame);

#define C(...)		(const uint8_t[]){ __VA_ARGS__, 0xff }
#define NO_CALLS	NULL

static const struct row rows[] = {
#define ROW(name, native, vmi, empty, prepare, max, events, needs, calls, what)\
	{ #name, native, vmi, empty, prepare, max, events, needs, calls, what },
#include "tools/nano/rows.def"
#undef ROW
};
#define N_ROWS	(sizeof(rows) / sizeof(rows[0]))

static const char *cmdline = "";

void trap_unexpected(const uint32_t *frame)
{
	uint32_t cr2;

	__asm__ volatile("movl %%cr2, %0" : "=r"(cr2));
	print("#fail\ttrap\tvector %u, error %x, eip %x, cs %x, cr2 %x\n",
	      frame[0], frame[1], frame[2], frame[3], cr2);
	guest_exit(false);
}

/* ---- The command line ------------------------------------------------------- */

/* What follows "KEY=", or NULL. */
static const char *option(const char *key)
{
	for (const char *p = cmdline; *p; p++) {
		const char *k = key, *q = p;

		if (p != cmdline && p[-1] != ' ')
			continue;
		while (*k && *k == *q)
			k++, q++;
		if (!*k && *q == '=')
			return q + 1;
	}
	return NULL;
}

static uint32_t number(const char *key, uint32_t missing, uint32_t max)
{
	const char *s = option(key);
	uint32_t n = 0;

	if (!s)
		return missing;
	for (; *s >= '0' && *s <= '9' && n < 100000000; s++)
		n = n * 10 + (*s - '0');
	return n < 1 ? 1 : n > max ? max : n;
}

/* @name is one of the words of "a,b c". */
static bool listed(const char *list, const char *name)
{
	while (*list && *list != ' ') {
		const char *n = name;

		while (*n && *n == *list)
			n++, list++;
		if (!*n && (*list == ',' || *list == ' ' || !*list))
			return true;
		while (*list && *list != ',' && *list != ' ')
			list++;
		if (*list == ',')
			list++;
	}
	return false;
}

/* ---- Rows ------------------------------------------------------------------- */

static const char *missing(const struct row *row)
{
	static const struct {
		unsigned bit;
		const bool *have;
		const char *why;
	} needs[] = {
		{ NEEDS_PAGING, &machine.paging, "paging is off" },
		{ NEEDS_APIC, &machine.apic, "no local APIC" },
		{ NEEDS_SEP, &machine.sep, "no SYSENTER" },
		{ NEEDS_PGE, &machine.pge, "no global pages" },
	};

	for (unsigned i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
		if (row->needs & needs[i].bit && !*needs[i].have)
			return needs[i].why;
	return NULL;
}

static bool run(const struct measure *m, const struct row *row)
{
	bool vmi = row->calls && pv_any(row->calls);

	/* What the ROM leaves native is measured as what it is. */
	return measure_row(m, row, vmi ? row->vmi : row->native,
			   vmi ? "vmi" : "native");
}

void nano_main(uint32_t magic, const struct multiboot_info *info)
{
	struct measure m;
	const char *list, *why, *paging, *vmi;
	unsigned done = 0, failed = 0;

	if (magic == BOOT_MAGIC && info->flags & INFO_CMDLINE)
		cmdline = (const char *)info->cmdline;
	m.repeat = number("repeat", 15, REPEAT_MAX);
	m.kcycles = number("kcycles", 3000, 1000000);
	list = option("rows");
	paging = option("paging");
	console_init();
	print("#nano\t%u\n", NANO_VERSION);
	vmi = option("vmi");
	machine_init(!paging || !listed(paging, "off"),
		     vmi && listed(vmi, "calls"));
	for (const struct row *row = rows; row < rows + N_ROWS; row++) {
		if (list && !listed(list, row->name))
			continue;
		why = missing(row);
		if (why)
			print("#skip\t%s\t%s\n", row->name, why);
		else if (run(&m, row))
			done++;
		else
			failed++;
	}
	print("#done\t%u\t%u\n", done, failed);
	guest_exit(!failed);
}
