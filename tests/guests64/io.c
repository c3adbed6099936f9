// SPDX-License-Identifier: GPL-2.0-or-later
/* Ports and memory-mapped devices from 64-bit code. */
#include "tests/guests64/guest.h"

#define IOAPIC		0xfec00000ull
#define PCI_ADDRESS	0xcf8
#define PCI_DATA	0xcfc
#define HOST_BRIDGE	0x80000000u
#define I440FX		0x12378086u
#define SCRATCH_REG	(0x3f8 + 7)	/* of the UART */
#define CMOS		0x70

static void ports(void)
{
	outb(SCRATCH_REG, 0xa5);
	ok(inb(SCRATCH_REG) == 0xa5, "IN and OUT, a byte");
	outl(PCI_ADDRESS, HOST_BRIDGE);
	ok(inl(PCI_ADDRESS) == HOST_BRIDGE, "IN and OUT, four bytes");
	ok(inl(PCI_DATA) == I440FX, "the host bridge answers");
	ok(inw(PCI_DATA + 2) == I440FX >> 16, "two of its bytes");
}

static void strings(void)
{
	static const char text[] = "ok REP OUTSB\n";
	const void *from = text;
	uint64_t n = sizeof(text) - 1;
	uint8_t in[4] = { 0 };
	void *to = in;

	__asm__ volatile("rep outsb" : "+S"(from), "+c"(n) : "d"(0x3f8)
			 : "memory");
	ok(n == 0 && from == text + sizeof(text) - 1, "it moves rsi and rcx");
	outb(SCRATCH_REG, 0x3c);
	n = sizeof(in);
	__asm__ volatile("rep insb" : "+D"(to), "+c"(n) : "d"(SCRATCH_REG)
			 : "memory");
	ok(in[0] == 0x3c && in[3] == 0x3c && to == in + 4 && n == 0,
	   "REP INSB");
}

static void mmio(void)
{
	uint64_t r;
	uint32_t v = 0;

	poke32(IOAPIC, 1);
	ok((peek32(IOAPIC + 0x10) >> 16 & 0xff) == 23,
	   "the I/O APIC has 24 pins");
	poke32(IOAPIC, 0x12);		/* pin 1 */
	poke32(IOAPIC + 0x10, 0x10033);	/* masked */
	ok(peek32(IOAPIC + 0x10) == 0x10033, "a register is written and read");
	__asm__ volatile("movl $0x10044, %%r9d; movl %%r9d, (%0)"
			 :: "r"(IOAPIC + 0x10) : "r9", "memory");
	ok(peek32(IOAPIC + 0x10) == 0x10044, "from r9");
	__asm__ volatile("movl (%1), %%r12d; movq %%r12, %0" : "=r"(r)
			 : "r"(IOAPIC + 0x10) : "r12");
	ok(r == 0x10044, "to r12, its upper half cleared");
	__asm__ volatile("movl (%1), %0; addl %0, %0" : "=r"(v)
			 : "r"(IOAPIC + 0x10));
	ok(v == 0x20088, "the next instruction sees it");
	__asm__ volatile("orl $0x1, (%0)" :: "r"(IOAPIC + 0x10) : "memory");
	ok(peek32(IOAPIC + 0x10) == 0x10045, "read, change and write");
	__asm__ volatile("testl $0x1, (%1); setnz %b0" : "+q"(v)
			 : "r"(IOAPIC + 0x10));
	ok((v & 0xff) == 1, "flags from a device");
}

/* Nobody is at 1 GiB - 2 MiB of a small guest, nor behind these ports. */
static void nobody(void)
{
	pd_window[2] = 0x3fe00000 | PTE_P | PTE_W | PTE_PS;
	ok(peek32(WINDOW_VA + 0x400000) == 0xffffffff,
	   "memory that nobody owns reads as ones");
	ok(inb(0x1234) == 0xff && inl(0x2000) == 0xffffffff,
	   "and so do ports");
}

void guest_main(void)
{
	ports();
	strings();
	mmio();
	nobody();
}
