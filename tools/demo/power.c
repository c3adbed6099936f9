// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Off and reset the way an operating system does it: ACPI tables are looked
 * up, not assumed.  ACPI 6.4: 5.2.5 (RSDP), 5.2.9 (FADT), 7.4.2 (\_S5).
 */
#include "demo.h"

#define SCI_EN		0x0001	/* PM1_CNT */
#define SLP_TYP_SHIFT	10
#define SLP_EN		0x2000

/* isa-debug-exit; what is left when there is no ACPI. */
#define DEBUG_EXIT	0xf4

struct table {
	char signature[4];
	uint32_t length;
	uint8_t rest[28];
} __attribute__((packed));

static bool same(const void *a, const char *b, unsigned n)
{
	const char *p = a;

	for (unsigned i = 0; i < n; i++)
		if (p[i] != b[i])
			return false;
	return true;
}

static uint32_t read32(const void *p, unsigned off)
{
	const uint8_t *b = (const uint8_t *)p + off;

	return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static const struct table *table_at(uint32_t addr)
{
	return (const struct table *)addr;
}

/* The tables may lie anywhere; where we run, linear is physical. */
static void paging_off(void)
{
	__asm__ volatile("cli; mov %%cr0, %%eax; and $0x7fffffff, %%eax;"
			 "mov %%eax, %%cr0" : : : "eax", "memory");
}

static const struct table *find_rsdt(void)
{
	for (uint32_t at = 0xe0000; at < 0x100000; at += 16)
		if (same((const void *)at, "RSD PTR ", 8))
			return table_at(read32((const void *)at, 16));
	return NULL;
}

static const struct table *find_fadt(void)
{
	const struct table *rsdt = find_rsdt();

	for (uint32_t off = 36; rsdt && off + 4 <= rsdt->length; off += 4) {
		const struct table *t = table_at(read32(rsdt, off));

		if (t && same(t->signature, "FACP", 4))
			return t;
	}
	return NULL;
}

/* SLP_TYPa out of Name (_S5, Package () {a, ...}); -1: not found. */
static int s5_type(const struct table *dsdt)
{
	const uint8_t *p = (const uint8_t *)dsdt;

	for (uint32_t i = 36; dsdt && i + 8 < dsdt->length; i++) {
		if (!same(p + i, "_S5_", 4) || p[i + 4] != 0x12)
			continue;
		/* PackageOp, PkgLength (one byte), count, then an integer:
		 * ZeroOp, OneOp or BytePrefix. */
		return p[i + 7] == 0x0a ? p[i + 8] : p[i + 7];
	}
	return -1;
}

void power_off(void)
{
	const struct table *fadt;
	int type;

	paging_off();
	fadt = find_fadt();
	type = fadt ? s5_type(table_at(read32(fadt, 40))) : -1;
	if (type >= 0) {
		uint16_t pm1a = read32(fadt, 64);
		uint16_t smi = read32(fadt, 48);

		/* 4.8.2.5: hand over from SMM, if that is still to be done. */
		if (smi && !(inw(pm1a) & SCI_EN))
			outb(smi, ((const uint8_t *)fadt)[52]);
		outw(pm1a, type << SLP_TYP_SHIFT | SLP_EN);
	}
	print("no ACPI poweroff; leaving through the debug-exit port\n");
	outb(DEBUG_EXIT, 0);
	for (;;)
		__asm__ volatile("cli; hlt");
}

void reboot(void)
{
	/* i8042 command FE: pulse the reset line. */
	while (inb(0x64) & 2)
		;
	outb(0x64, 0xfe);
	for (;;)
		__asm__ volatile("cli; hlt");
}
