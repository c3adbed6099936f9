/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that stand for one instruction each and that Linux leaves native:
 * tables, MSRs, ports.  Where the ROM answers none there is nothing to test.
 */
#include "tests/vmi/vmi.h"

struct image {
	uint16_t limit;
	uint32_t base;
} __attribute__((packed));

/* ------------------------------------------------ tables */

static void set_idt(const struct image *i)
{
	vmi_or_native(VMI_CALL_SET_IDT, (uint32_t)i, 0, 0, 0);
}

static void interrupt_table(void)
{
	struct image was, now = { sizeof(idt) - 1, SCRATCH(60) }, got;

	__asm__ volatile("sidt %0" : "=m"(was));
	memcpy(scratch[60], idt, sizeof(idt));
	/* An exception of the new table alone. */
	((uint64_t *)scratch[60])[6] = idt[0x80];
	set_idt(&now);
	ok(CATCH(__asm__ volatile("ud2")) == 0x80, "SetIDT: its gates are used");
	if (vmi_has(VMI_CALL_GET_IDT)) {
		vmi(VMI_CALL_GET_IDT, (uint32_t)&got, 0, 0);
		ok(!memcmp(&got, &now, sizeof(now)), "GetIDT says which");
	}
	set_idt(&was);
	ok(CATCH(__asm__ volatile("ud2")) == 6, "SetIDT of the old one");
}

static void task_register(void)
{
	if (!vmi_has(VMI_CALL_SET_TR))
		return;
	gdt[TSS_SEL / 8] &= ~(2ull << 40);	/* not busy */
	vmi(VMI_CALL_SET_TR, TSS_SEL, 0, 0);
	ok(gdt[TSS_SEL / 8] >> 41 & 1, "SetTR makes the segment busy");
	ok(CATCH(vmi(VMI_CALL_SET_TR, TSS_SEL, 0, 0)) == 13 &&
	   last.error == TSS_SEL, "SetTR of a busy one is #GP");
	if (vmi_has(VMI_CALL_GET_TR))
		ok((uint32_t)vmi(VMI_CALL_GET_TR, 0, 0, 0) == TSS_SEL,
		   "GetTR says so");
}

/* As Linux does: the descriptor first, then the selector. */
static void set_ldt(uint64_t d, uint32_t sel)
{
	vmi_or_native(VMI_CALL_WRITE_GDT_ENTRY, (uint32_t)gdt, SPARE_SEL / 8,
		      d, d >> 32);
	vmi_or_native(VMI_CALL_SET_LDT, sel, 0, 0, 0);
}

static void local_table(void)
{
	uint64_t *ldt = (uint64_t *)scratch[61];
	uint64_t seg = descriptor(SCRATCH(62), 0xfff, SEG_DATA | SEG_DB);
	uint32_t v = 0;

	memset(ldt, 0, PAGE);
	poke32(SCRATCH(62) + 16, 0xcafe);
	set_ldt(descriptor((uint32_t)ldt, PAGE - 1, SEG_LDT), SPARE_SEL);
	for (unsigned i = 0; i < 512; i += 73)
		vmi_or_native(VMI_CALL_WRITE_LDT_ENTRY, (uint32_t)ldt, i, seg,
			      seg >> 32);
	if (vmi_has(VMI_CALL_GET_LDT))
		ok((uint32_t)vmi(VMI_CALL_GET_LDT, 0, 0, 0) == SPARE_SEL,
		   "SetLDT, GetLDT");
	ok(ldt[73] == seg && ldt[511] == seg && !ldt[1],
	   "WriteLDTEntry: descriptors read back");
	__asm__ volatile("movw %w1, %%fs; movl %%fs:16, %0"
			 : "=r"(v) : "r"(511 * 8 | 4));
	ok(v == 0xcafe, "and can be loaded");
	__asm__ volatile("movw %w0, %%fs" :: "r"(KERNEL_DS));
	/* An empty one has a limit of all ones in Linux. */
	set_ldt(descriptor(0, ~0u, SEG_LDT), 0);
	ok(CATCH(__asm__ volatile("movw %w0, %%fs" :: "r"(73 * 8 | 4))) == 13,
	   "SetLDT of 0: no LDT");
}

/* Every slot reads back as it was written. */
static void every_entry(void)
{
	uint64_t *copy = (uint64_t *)scratch[63];
	bool good = true;

	for (unsigned i = 0; i < PAGE / 8; i++) {
		uint64_t d = descriptor(i << 12, i, SEG_DATA | SEG_DB) + i;

		vmi_or_native(i & 1 ? VMI_CALL_WRITE_IDT_ENTRY :
			      VMI_CALL_WRITE_GDT_ENTRY, (uint32_t)copy, i, d,
			      d >> 32);
		good &= copy[i] == d;
	}
	ok(good, "descriptors of a table that is not loaded");
}

/* ------------------------------------------------ registers */

/* Does the call do what the instruction does, the exception included? */
static void model_specific(void)
{
	struct raw r = { .ecx = 0x174 };
	uint32_t bad = 0x12345;
	unsigned v;

	if (!vmi_has(VMI_CALL_RDMSR))
		return;
	r.eax = 0x4320;
	vmi_raw(vmi_entry[VMI_CALL_WRMSR], &r);
	ok(rdmsr(0x174) == 0x4320, "WRMSR");
	r = (struct raw){ .ecx = 0x174, .edx = 7 };
	vmi_raw(vmi_entry[VMI_CALL_RDMSR], &r);
	ok(r.eax == 0x4320 && !r.edx, "RDMSR");
	wrmsr(0x174, 0);
	r = (struct raw){ .ecx = bad };
	v = CATCH(rdmsr(bad));
	ok(CATCH(vmi_raw(vmi_entry[VMI_CALL_RDMSR], &r)) == v,
	   "RDMSR of one that is not there");
	v = CATCH(wrmsr(bad, 0));
	ok(CATCH(vmi_raw(vmi_entry[VMI_CALL_WRMSR], &r)) == v,
	   "WRMSR of one that is not there");
	r.ecx = 77;
	v = CATCH(__asm__ volatile("rdpmc" :: "c"(77) : "eax", "edx"));
	ok(CATCH(vmi_raw(vmi_entry[VMI_CALL_RDPMC], &r)) == v,
	   "RDPMC of one that is not there");
}

static void io_privilege(void)
{
	if (!vmi_has(VMI_CALL_SET_IOPL_MASK))
		return;
	vmi(VMI_CALL_SET_IOPL_MASK, IOPL3 | 0xfff, 0, 0);
	ok((get_flags() & IOPL3) == IOPL3, "SetIOPLMask");
	vmi(VMI_CALL_SET_IOPL_MASK, 0, 0, 0);
	ok(!(get_flags() & IOPL3), "SetIOPLMask of 0");
}

static void cr4(void)
{
	uint32_t was = get_cr4();

	vmi_or_native(VMI_CALL_SET_CR4, was ^ CR4_PSE, 0, 0, 0);
	ok(get_cr4() == (was ^ CR4_PSE), "SetCR4");
	if (vmi_has(VMI_CALL_GET_CR4))
		ok((uint32_t)vmi(VMI_CALL_GET_CR4, 0, 0, 0) == get_cr4(),
		   "GetCR4");
	vmi_or_native(VMI_CALL_SET_CR4, was, 0, 0, 0);
	if (!vmi_on_qemu())
		ok(CATCH(vmi_or_native(VMI_CALL_SET_CR4, 1u << 31, 0, 0, 0))
		   == 13, "SetCR4 of a bit that is not there is #GP");
}

/* ------------------------------------------------ ports */

#define SCRATCH_PORT	0x3ff		/* of the UART: keeps a byte */
#define PCI_ADDRESS	0xcf8
#define PCI_DATA	0xcfc
/* Of the PIIX3: the routes of two interrupt lines, which keep what is written. */
#define PIRQ_ROUTES	0x80000860u
#define ROUTES		0x0b0au
#define NO_ROUTES	0x8080u

static uint32_t in(unsigned nr, uint16_t port)
{
	return vmi(nr, 0, port, 0);
}

static void out(unsigned nr, uint16_t port, uint32_t val)
{
	vmi(nr, val, port, 0);
}

static void ports(void)
{
	if (!vmi_has(VMI_CALL_OUTL))
		return;
	out(VMI_CALL_OUTB, SCRATCH_PORT, 0x15a);
	ok((uint8_t)in(VMI_CALL_INB, SCRATCH_PORT) == 0x5a, "OUTB, INB");
	out(VMI_CALL_OUTL, PCI_ADDRESS, PIRQ_ROUTES);
	ok(in(VMI_CALL_INL, PCI_ADDRESS) == PIRQ_ROUTES,
	   "OUTL, INL");
	out(VMI_CALL_OUTW, PCI_DATA, ROUTES);
	ok((uint16_t)in(VMI_CALL_INW, PCI_DATA) == ROUTES, "OUTW, INW");
	out(VMI_CALL_OUTW, PCI_DATA, NO_ROUTES);
}

/* @n elements of @size bytes from or to @port; how far the registers went. */
static bool string(unsigned nr, uint16_t port, uint32_t at, unsigned n,
		   unsigned size, bool store)
{
	struct raw r = { .edx = port, .ecx = n, .esi = at, .edi = at };

	vmi_raw(vmi_entry[nr], &r);
	return !r.ecx && !r.moved && r.esi == at + (store ? 0 : n * size) &&
	       r.edi == at + (store ? n * size : 0);
}

static void strings(void)
{
	uint32_t from = SCRATCH(64), to = SCRATCH(65);
	bool good;

	if (!vmi_has(VMI_CALL_OUTSL))
		return;
	poke32(from, 0x11223344);
	good = string(VMI_CALL_OUTSB, SCRATCH_PORT, from, 3, 1, false);
	good &= string(VMI_CALL_INSB, SCRATCH_PORT, to, 3, 1, true);
	ok(good && peek32(to) << 8 == 0x22222200, "OUTSB, INSB");
	poke32(from, 0);
	poke32(from + 4, PIRQ_ROUTES);
	good = string(VMI_CALL_OUTSL, PCI_ADDRESS, from, 2, 4, false);
	good &= string(VMI_CALL_INSL, PCI_ADDRESS, to, 2, 4, true);
	ok(good && peek32(to) == PIRQ_ROUTES &&
	   peek32(to + 4) == peek32(to), "OUTSL, INSL");
	poke32(from, NO_ROUTES << 16 | ROUTES);
	good = string(VMI_CALL_OUTSW, PCI_DATA, from, 1, 2, false);
	good &= string(VMI_CALL_INSW, PCI_DATA, to, 2, 2, true);
	ok(good && peek32(to) == (ROUTES << 16 | ROUTES), "OUTSW, INSW");
	good = string(VMI_CALL_OUTSW, PCI_DATA, from, 2, 2, false);
	ok(good && (uint16_t)in(VMI_CALL_INW, PCI_DATA) == NO_ROUTES,
	   "OUTSW of two: the second stays");
	ok(CATCH(string(VMI_CALL_INSL, PCI_ADDRESS, 0xfffff000, 1, 4, true))
	   == 14, "INSL to where nothing is mapped is #PF");
}

void insn_calls(void);
void insn_calls(void)
{
	interrupt_table();
	task_register();
	local_table();
	every_entry();
	model_specific();
	io_privilege();
	cr4();
	ports();
	strings();
	if (vmi_has(VMI_CALL_SET_INITIAL_AP_STATE))
		ok((uint32_t)vmi(VMI_CALL_SET_INITIAL_AP_STATE, SCRATCH(64),
				 7, 0) == ~0u,
		   "SetInitialAPState of a processor that is not there");
}
