// SPDX-License-Identifier: GPL-2.0-or-later
/* What the demo shows, and its prompt. */
#include "demo.h"

/* Multiboot Specification 0.6.96, 3.3. */
struct multiboot_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
	uint32_t mods_count, mods_addr, syms[4];
	uint32_t mmap_length, mmap_addr;
};

struct mmap_entry {
	uint32_t size, base, base_high, length, length_high, type;
} __attribute__((packed));

#define BOOT_MAGIC	0x2badb002
#define INFO_MMAP	0x40
#define EOT		4
#define SIEVE_MAX	200000u

static const struct multiboot_info *boot_info;
static uint8_t sieve[SIEVE_MAX];

static void show_memory(void)
{
	uint32_t at = boot_info->mmap_addr;
	uint32_t end = at + boot_info->mmap_length;

	if (!(boot_info->flags & INFO_MMAP))
		return;
	while (at < end) {
		const struct mmap_entry *e = (const struct mmap_entry *)at;
		uint32_t kib = e->length >> 10 | e->length_high << 22;

		print("memory:  ");
		if (e->base_high)
			print("%x:", e->base_high);
		print("%x + %u KiB %s\n", e->base, kib,
		      e->type == 1 ? "RAM" : "reserved");
		at += e->size + 4;
	}
}

/* Units of 1000 cycles, which fit 32 bits for a demo's length. */
static uint32_t kcycles(uint64_t from)
{
	uint64_t n = rdtsc() - from;
	uint32_t high = n >> 32, low = n, q;

	/* 64 by 32 bit division without a library. */
	if (high >= 1000)
		return 0xffffffff;
	__asm__("divl %2" : "=a"(q), "+d"(high) : "r"(1000), "a"(low));
	return q;
}

static void show_primes(void)
{
	uint64_t start = rdtsc();
	uint32_t count = 0;

	memset(sieve, 1, sizeof(sieve));
	for (uint32_t i = 2; i < SIEVE_MAX; i++) {
		if (!sieve[i])
			continue;
		count++;
		for (uint32_t j = 2 * i; j < SIEVE_MAX; j += i)
			sieve[j] = 0;
	}
	print("primes:  %u below %u, %u thousand cycles\n", count, SIEVE_MAX,
	      kcycles(start));
}

static void show_timer(void)
{
	uint64_t start;
	uint32_t from = ticks, idle = 0;

	while (ticks == from)
		__asm__ volatile("hlt");
	start = rdtsc();
	from = ticks;
	while (ticks - from < HZ / 4) {
		__asm__ volatile("hlt");
		idle++;
	}
	print("timer:   %u interrupts at %u Hz, %u wake-ups from HLT, "
	      "%u thousand cycles\n", ticks - from, HZ, idle, kcycles(start));
}

static void show_cpu(void)
{
	uint32_t id[3], max;
	char name[13];

	__asm__ volatile("cpuid" : "=a"(max), "=b"(id[0]), "=d"(id[1]),
			 "=c"(id[2]) : "a"(0));
	for (unsigned i = 0; i < 12; i++)
		name[i] = id[i / 4] >> i % 4 * 8;
	name[12] = '\0';
	print("cpu:     %s, cpuid up to leaf %u\n", name, max);
}

static void show_all(void)
{
	show_cpu();
	show_memory();
	paging_demo();
	show_timer();
	show_primes();
}

static void show_help(void);

static const struct command {
	const char *name, *help;
	void (*fn)(void);
} commands[] = {
	{ "help", "this list", show_help },
	{ "demo", "all of it again", show_all },
	{ "primes", "sieve and cycle count", show_primes },
	{ "paging", "a window filled by page faults", paging_demo },
	{ "timer", "a quarter of a second of interrupts", show_timer },
	{ "mem", "the memory map", show_memory },
	{ "reboot", "reset the machine", reboot },
	{ "poweroff", "ACPI power off (Ctrl-D too)", power_off },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void show_help(void)
{
	for (unsigned i = 0; i < COMMANDS; i++)
		print("  %s\t%s\n", commands[i].name, commands[i].help);
}

static bool equal(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

/* Powers off at the end of input. */
static void read_line(char *line, unsigned size)
{
	unsigned n = 0;

	for (;;) {
		int c = console_getc();

		if (c == EOT && !n) {
			print("poweroff\n");
			power_off();
		}
		if (c == '\r' || c == '\n')
			break;
		if ((c == '\b' || c == 0x7f) && n) {
			n--;
			print("\b \b");
		} else if (c >= ' ' && c < 0x7f && n + 1 < size) {
			line[n++] = c;
			print("%c", c);
		}
	}
	line[n] = '\0';
	print("\n");
}

static void run_command(const char *line)
{
	if (!*line)
		return;
	for (unsigned i = 0; i < COMMANDS; i++) {
		if (equal(line, commands[i].name)) {
			commands[i].fn();
			return;
		}
	}
	print("%s: unknown (try help)\n", line);
}

void demo_main(uint32_t magic, const struct multiboot_info *info)
{
	char line[64];

	console_init();
	print("\nUmbra demo: a guest kernel of its own\n");
	if (magic != BOOT_MAGIC) {
		print("not started by a multiboot loader\n");
		power_off();
	}
	boot_info = info;
	trap_init();
	paging_init();
	show_all();
	print("Type help, or Ctrl-D to power off.\n");
	for (;;) {
		print("> ");
		read_line(line, sizeof(line));
		run_command(line);
	}
}
