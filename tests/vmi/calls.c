/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ROM and every call of it, whatever it answers: header, answers, calling
 * convention, and what each call is for.  spec/vmi.md.
 */
#include "tests/vmi/vmi.h"

#define PATTERN	0x5a000000u

/* ------------------------------------------------ image and answers */

static uint8_t sum(const uint8_t *p, uint32_t n)
{
	uint8_t s = 0;

	while (n--)
		s += *p++;
	return s;
}

static void image(void)
{
	const uint8_t *rom = (const uint8_t *)vmi_rom;
	const struct vmi_pci_header *pci =
		(const void *)(rom + vmi_rom->pci_header_offs);
	const struct vmi_pnp_header *pnp =
		(const void *)(rom + vmi_rom->pnp_header_offs);

	ok(!((uint32_t)rom & (VMI_ROM_STEP - 1)), "on a 2 KiB boundary");
	ok(!sum(rom, vmi_rom->rom_length * 512u), "its bytes sum to 0");
	ok(!memcmp(rom + vmi_rom->license_offs, "GPL", 4), "license is GPL");
	ok(!memcmp(&pci->signature, "PCIR", 4) &&
	   pci->vendor == VMI_PCI_VENDOR && pci->device == VMI_PCI_DEVICE,
	   "PCI data structure of 15ad:0801");
	ok(!memcmp(&pnp->signature, "$PnP", 4) && !sum((const void *)pnp, 32),
	   "PnP header, its bytes sum to 0");
	ok(vmi_rom->virtual_top == 0, "no hole in the linear addresses");
	ok((rom[0x80] | 2) == 0xeb && (rom[0x88] | 2) == 0xeb,
	   "both slots jump");
	print("# ROM at %x: %s %s\n", (uint32_t)rom, rom + pnp->manufacturer,
	      rom + pnp->product);
}

static bool in_rom(uint32_t eip)
{
	return eip - (uint32_t)vmi_rom < vmi_rom->rom_length * 512u;
}

static void answers(void)
{
	static const uint8_t allowed[] = {
#define TYPES_N		1
#define TYPES_NC	3
#define TYPES_NCP	11
#define TYPES_CJ	6
#define TYPES_NCJ	7
#define VMI_CALL(nr, id, name, since, class, conv, result, types, site, args, \
		 text) TYPES_##types,
#include "spec/vmi-calls.def"
	};
	static const uint32_t beyond[] = { VMI_CALLS, 1000, 0x7fffffff,
					   0x80000000, 0xffffffff };
	struct raw r;
	bool good = true;

	for (unsigned n = 0; n < VMI_CALLS; n++) {
		uint32_t t, u, eip = vmi_reloc(n, &t);

		good &= t < 4 && allowed[n] >> t & 1;
		good &= in_rom(eip) && vmi_reloc(n, &u) == eip && u == t;
	}
	ok(good, "answers are what the specification allows, and stay");
	good = true;
	for (unsigned n = 0; n < VMI_CALLS; n++) {
		uint32_t t, eip = vmi_reloc(n, &t);

		r = (struct raw){ .eax = 1, .edx = 2 };
		if (t == VMI_RELOC_NONE)
			vmi_raw(eip, &r);
		good &= t != VMI_RELOC_NONE || r.eax == ~0u;
	}
	ok(good, "a call that is answered none returns -1 all the same");
	good = true;
	for (unsigned n = 0; n < 5; n++) {
		uint32_t t, eip = vmi_reloc(beyond[n], &t);

		r = (struct raw){ .eax = 1, .edx = 2 };
		vmi_raw(eip, &r);
		good &= t == VMI_RELOC_NONE && r.eax == ~0u;
	}
	ok(good, "numbers that do not exist: none, and a call returns -1");
	r = (struct raw){ .eax = 5, .ebx = 1, .esi = 2, .edi = 3, .ebp = 4 };
	vmi_raw((uint32_t)vmi_rom + VMI_OFF_GET_RELOC, &r);
	ok(r.ebx == 1 && r.esi == 2 && r.edi == 3 && r.ebp == 4 && !r.moved &&
	   !(r.flags & FLAG_DF), "get_reloc keeps what it must");
	ok(vmi_type[VMI_CALL_IRET] == VMI_RELOC_CALL ||
	   vmi_type[VMI_CALL_IRET] == VMI_RELOC_JUMP, "IRET is there");
	ok(vmi_has(VMI_CALL_DISABLE_INTERRUPTS) &&
	   vmi_has(VMI_CALL_GET_INTERRUPT_MASK), "30 and 31 are calls");
	ok(!vmi_has(VMI_CALL_GET_CYCLE_FREQUENCY) ||
	   (vmi_has(VMI_CALL_GET_CYCLE_COUNTER) && vmi_has(VMI_CALL_SET_ALARM) &&
	    vmi_has(VMI_CALL_CANCEL_ALARM) &&
	    vmi_has(VMI_CALL_GET_WALLCLOCK_TIME)), "time comes whole");
}

/* ------------------------------------------------ calling convention */

static const struct raw pattern = {
	.edi = PATTERN | 1, .esi = PATTERN | 2, .ebp = PATTERN | 3,
	.ebx = PATTERN | 4, .edx = PATTERN | 5, .ecx = PATTERN | 6,
	.eax = PATTERN | 7,
};

static bool kept(const struct raw *r)
{
	return r->edi == pattern.edi && r->esi == pattern.esi &&
	       r->ebp == pattern.ebp && r->ebx == pattern.ebx && !r->moved &&
	       !(r->flags & FLAG_DF);
}

static bool kept_all(const struct raw *r)
{
	return kept(r) && r->edx == pattern.edx && r->ecx == pattern.ecx;
}

static bool irq_call(unsigned nr, uint32_t eax, uint32_t want_if,
		     uint32_t *out)
{
	struct raw r = pattern;
	bool good;

	r.eax = eax;
	r.moved = 1;		/* no data segments */
	__asm__ volatile("mov %w0, %%fs; mov %w0, %%gs" :: "r"(0));
	vmi_raw(vmi_entry[nr], &r);
	good = kept_all(&r) && (get_flags() & FLAG_IF) == want_if;
	*out = r.eax;
	return good;
}

static void interrupt_flag(void)
{
	uint32_t v;
	bool good;

	__asm__ volatile("cli");
	good = irq_call(VMI_CALL_ENABLE_INTERRUPTS, 77, FLAG_IF, &v) &&
	       v == 77;
	ok(good, "EnableInterrupts keeps every register");
	good = irq_call(VMI_CALL_GET_INTERRUPT_MASK, 77, FLAG_IF, &v) &&
	       v == FLAG_IF;
	ok(good, "GetInterruptMask says 200h, and only that");
	good = irq_call(VMI_CALL_DISABLE_INTERRUPTS, 77, 0, &v) && v == 77;
	ok(good, "DisableInterrupts keeps every register");
	good = irq_call(VMI_CALL_GET_INTERRUPT_MASK, 77, 0, &v) && v == 0;
	ok(good, "GetInterruptMask says 0");
	good = irq_call(VMI_CALL_SET_INTERRUPT_MASK, 0xfffffdffu | FLAG_IF,
			FLAG_IF, &v) && v == ~0u;
	good &= irq_call(VMI_CALL_SET_INTERRUPT_MASK, ~FLAG_IF, 0, &v) &&
		v == ~FLAG_IF;
	ok(good, "SetInterruptMask looks at bit 9 alone and keeps EAX");
}

static const struct {
	uint8_t nr;
	uint32_t eax, edx, ecx;
} harmless[] = {
	{ VMI_CALL_GET_CR0 }, { VMI_CALL_GET_CR2 }, { VMI_CALL_GET_CR3 },
	{ VMI_CALL_GET_CR4 }, { VMI_CALL_RDTSC }, { VMI_CALL_WBINVD },
	{ VMI_CALL_GET_TR }, { VMI_CALL_GET_LDT },
	{ VMI_CALL_GET_DR, 7 }, { VMI_CALL_GET_DR, 5 },
	{ VMI_CALL_UPDATE_KERNEL_STACK, 0x68, 0 },
	{ VMI_CALL_ALLOCATE_PAGE, 1, 0x41 },
	{ VMI_CALL_RELEASE_PAGE, 1, 0x41 },
	{ VMI_CALL_SET_LINEAR_MAPPING, 0, 0xc0000000, 0x38000 },
	{ VMI_CALL_SET_LAZY_MODE, 1 }, { VMI_CALL_SET_LAZY_MODE, 2 },
	{ VMI_CALL_SET_LAZY_MODE, 0 }, { VMI_CALL_SET_LAZY_MODE, 99 },
	{ VMI_CALL_APIC_READ, 0x30 }, { VMI_CALL_IO_DELAY },
	{ VMI_CALL_GET_CYCLE_FREQUENCY }, { VMI_CALL_GET_CYCLE_COUNTER, 0 },
	{ VMI_CALL_GET_CYCLE_COUNTER, 1 }, { VMI_CALL_GET_CYCLE_COUNTER, 2 },
	{ VMI_CALL_CANCEL_ALARM, 0x10101 }, { VMI_CALL_GET_WALLCLOCK_TIME },
	{ VMI_CALL_WALLCLOCK_UPDATED }, { VMI_CALL_QUERY_FEATURES },
	{ VMI_CALL_SET_PXE_BATCH, 0, 0 }, { VMI_CALL_YIELD, ~0u },
	{ VMI_CALL_CONSOLE_WRITE, 0, 0 }, { VMI_CALL_INVAL_PAGE, 0x400000 },
	{ VMI_CALL_INB, 0, 0x80 }, { VMI_CALL_INW, 0, 0x80 },
	{ VMI_CALL_INL, 0, 0x80 }, { VMI_CALL_OUTB, 0, 0x80 },
	{ VMI_CALL_CLTS }, { VMI_CALL_UPDATE_PXE, 0, 1 },
	{ VMI_CALL_UPDATE_PXE_LONG, 0, 1 },
};

static void convention(void)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < sizeof(harmless) / sizeof(*harmless); i++) {
		struct raw r = pattern;

		if (!vmi_has(harmless[i].nr))
			continue;
		r.eax = harmless[i].eax;
		r.edx = harmless[i].edx;
		r.ecx = harmless[i].ecx;
		vmi_raw(vmi_entry[harmless[i].nr], &r);
		if (kept(&r))
			continue;
		print("# %s changes what it must not\n",
		      vmi_name[harmless[i].nr]);
		bad++;
	}
	ok(!bad, "calls keep EBX, ESI, EDI, EBP, ESP and DF");
}

static void cpuid_call(void)
{
	struct raw r = pattern;
	uint32_t out[4];

	if (!vmi_has(VMI_CALL_CPUID))
		return;
	r.eax = 1;
	r.ecx = 0;
	vmi_raw(vmi_entry[VMI_CALL_CPUID], &r);
	cpuid(1, out);
	ok(r.eax == out[0] && r.ebx == out[1] && r.ecx == out[2] &&
	   r.edx == out[3] && r.esi == pattern.esi && r.edi == pattern.edi &&
	   r.ebp == pattern.ebp, "CPUID is what the instruction says");
}

/* ------------------------------------------------ registers, descriptors */

static void control(void)
{
	uint32_t cr0 = get_cr0();

	vmi_or_native(VMI_CALL_SET_CR0, cr0 | CR0_TS, 0, 0, 0);
	ok(get_cr0() == (cr0 | CR0_TS), "SetCR0 sets TS");
	vmi_or_native(VMI_CALL_CLTS, 0, 0, 0, 0);
	ok(get_cr0() == cr0, "CLTS clears it");
	vmi_or_native(VMI_CALL_SET_CR0, cr0 ^ CR0_MP, 0, 0, 0);
	ok(get_cr0() == (cr0 ^ CR0_MP), "SetCR0 changes other bits");
	vmi_or_native(VMI_CALL_SET_CR0, cr0, 0, 0, 0);
	if (!vmi_on_qemu())
		ok(CATCH(vmi_or_native(VMI_CALL_SET_CR0, CR0_PG, 0, 0, 0)) ==
		   13, "SetCR0 of PG without PE is #GP");
	if (vmi_has(VMI_CALL_GET_CR0))
		ok((uint32_t)vmi(VMI_CALL_GET_CR0, 0, 0, 0) == cr0,
		   "GetCR0 says so");
	if (vmi_has(VMI_CALL_SET_CR2)) {
		vmi(VMI_CALL_SET_CR2, 0x12345678, 0, 0);
		ok((uint32_t)vmi(VMI_CALL_GET_CR2, 0, 0, 0) == 0x12345678,
		   "CR2 reads back");
	}
	if (vmi_has(VMI_CALL_SET_DR)) {
		static const uint8_t numbers[] = { 0, 1, 2, 3, 4, 6, 9 };
		bool good = true;

		for (unsigned i = 0; i < 4; i++) {
			vmi(VMI_CALL_SET_DR, numbers[i], 0x1000 + i, 0);
			good &= (uint32_t)vmi(VMI_CALL_GET_DR, numbers[i], 0,
					      0) == 0x1000 + i;
			vmi(VMI_CALL_SET_DR, numbers[i], 0, 0);
		}
		for (unsigned i = 4; i < 7; i++)
			vmi(VMI_CALL_SET_DR, numbers[i], 0, 0);
		ok(good, "debug registers read back");
	}
}

static void tables(void)
{
	struct { uint16_t limit; uint32_t base; } __attribute__((packed)) d, e;
	uint64_t want = descriptor(0x12345000, 0xfff, SEG_DATA | SEG_DB);
	unsigned slot = GDT_ENTRIES - 1;
	uint64_t old = gdt[slot];

	__asm__ volatile("sgdt %0" : "=m"(d));
	if (vmi_has(VMI_CALL_GET_GDT)) {
		vmi(VMI_CALL_GET_GDT, (uint32_t)&e, 0, 0);
		ok(!memcmp(&d, &e, 6), "GetGDT says what SGDT does");
	}
	vmi_or_native(VMI_CALL_SET_GDT, (uint32_t)&d, 0, 0, 0);
	vmi_or_native(VMI_CALL_WRITE_GDT_ENTRY, (uint32_t)gdt, slot, want,
		      want >> 32);
	ok(gdt[slot] == want, "WriteGDTEntry: the descriptor reads back");
	gdt[slot] = old;
	want = idt[200];
	vmi_or_native(VMI_CALL_WRITE_IDT_ENTRY, (uint32_t)idt, 200,
		      idt[201], idt[201] >> 32);
	ok(idt[200] == idt[201], "WriteIDTEntry: the gate reads back");
	idt[200] = want;
	vmi_or_native(VMI_CALL_SET_LDT, 0, 0, 0, 0);
	if (vmi_has(VMI_CALL_GET_LDT))
		ok((uint32_t)vmi(VMI_CALL_GET_LDT, 0, 0, 0) == 0,
		   "SetLDT of 0 leaves none");
}

/* ------------------------------------------------ page tables */

static volatile uint32_t *const window = (uint32_t *)WINDOW_VA;

static void set_pte(uint32_t val, uint32_t va, uint32_t flags)
{
	vmi_or_native(VMI_CALL_SET_PXE, val, (uint32_t)pte(va), flags, 0);
}

static void page_tables(void)
{
	static const uint32_t flags[] = { 0x01, 0x11 | WINDOW_VA, 0x02, 0x04,
					  0x31 | WINDOW_VA };
	bool good = true;

	poke32(SCRATCH(0), 111);
	poke32(SCRATCH(1), 222);
	for (unsigned i = 0; i < 5; i++) {
		set_pte(SCRATCH(0) | PTE_P | PTE_W, WINDOW_VA, flags[i]);
		vmi_or_native(VMI_CALL_INVAL_PAGE, WINDOW_VA, 0, 0, 0);
		good &= window[0] == 111;
		set_pte(SCRATCH(1) | PTE_P | PTE_W, WINDOW_VA, flags[i]);
		good &= (*pte(WINDOW_VA) & ~(PTE_A | PTE_D)) ==
			(SCRATCH(1) | PTE_P | PTE_W);
		vmi_or_native(VMI_CALL_INVAL_PAGE, WINDOW_VA, 0, 0, 0);
		good &= window[0] == 222;
	}
	ok(good, "SetPxE with every flag word, then InvalPage");
	*pte(WINDOW_VA) = SCRATCH(0) | PTE_P;
	vmi_or_native(VMI_CALL_UPDATE_PXE, (uint32_t)pte(WINDOW_VA),
		      0x11 | WINDOW_VA, 0, 0);
	vmi_or_native(VMI_CALL_FLUSH_TLB, VMI_FLUSH_TLB, 0, 0, 0);
	ok(window[0] == 111, "a plain store, UpdatePxE, FlushTLB(1)");
	ok(CATCH(window[0] = 5) == 14 && last.error == (PF_P | PF_W),
	   "write protection holds");
	set_pte(0xdead0 << 12 | 0xabe, WINDOW_VA, 1);
	vmi_or_native(VMI_CALL_INVAL_PAGE, WINDOW_VA, 0, 0, 0);
	ok(*pte(WINDOW_VA) == (0xdead0u << 12 | 0xabe) &&
	   CATCH(window[0]) == 14, "an entry that is not present is kept as is");
}

static void global_pages(void)
{
	uint32_t cr4 = get_cr4();

	set_cr4(cr4 | CR4_PGE);
	set_pte(SCRATCH(0) | PTE_P | PTE_W | PTE_G, WINDOW_VA, 1);
	vmi_or_native(VMI_CALL_FLUSH_TLB, 3, 0, 0, 0);
	ok(window[0] == 111, "a global page");
	set_pte(SCRATCH(1) | PTE_P | PTE_W | PTE_G, WINDOW_VA, 1);
	vmi_or_native(VMI_CALL_FLUSH_TLB, 3, 0, 0, 0);
	ok(window[0] == 222, "FlushTLB(3) drops it");
	set_pte(SCRATCH(0) | PTE_P | PTE_W | PTE_G, WINDOW_VA, 1);
	vmi_or_native(VMI_CALL_INVAL_PAGE, WINDOW_VA, 0, 0, 0);
	ok(window[0] == 111, "InvalPage drops it");
	set_pte(0, WINDOW_VA, 1);
	vmi_or_native(VMI_CALL_FLUSH_TLB, 3, 0, 0, 0);
	set_cr4(cr4);
	vmi_or_native(VMI_CALL_SET_CR3, get_cr3(), 0, 0, 0);
	ok(CATCH(window[0]) == 14, "SetCR3 drops the rest");
}

static void write_protect(void)
{
	set_pte(SCRATCH(0) | PTE_P, WINDOW_VA, 1);
	vmi_or_native(VMI_CALL_INVAL_PAGE, WINDOW_VA, 0, 0, 0);
	ok(CATCH(window[0] = 1) == 14, "CR0.WP holds for the kernel");
}

#define BATCH	200

static struct vmi_pxe_update updates[BATCH];

static void fill_batch(unsigned n, uint32_t flags)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t va = WINDOW_VA + i * PAGE;

		updates[i] = (struct vmi_pxe_update){
			.ptep = (uint32_t)pte(va),
			.flags = VMI_LEVEL_PT | flags | va,
			.pte_low = SCRATCH(i) | PTE_P | PTE_W };
		poke32(SCRATCH(i), 1000 + i);
	}
}

static void batches(void)
{
	bool good = true;

	if (!vmi_has(VMI_CALL_SET_PXE_BATCH))
		return;
	fill_batch(BATCH, VMI_PTE_CURRENT_AS | VMI_PTE_INVAL);
	ok((uint32_t)vmi(VMI_CALL_SET_PXE_BATCH, (uint32_t)updates, BATCH, 0)
	   == BATCH, "SetPxEBatch does all of it");
	for (unsigned i = 0; i < BATCH; i++)
		good &= window[i * PAGE / 4] == 1000 + i;
	ok(good, "and all of it is there");
	for (unsigned i = 0; i < BATCH; i++)
		updates[i].pte_low = SCRATCH(BATCH - 1 - i) | PTE_P;
	vmi(VMI_CALL_SET_PXE_BATCH, (uint32_t)updates, BATCH, 0);
	for (unsigned i = 0; i < BATCH; i++)
		good &= window[i * PAGE / 4] == 1000 + BATCH - 1 - i;
	ok(good, "again, with old translations cached");
	*pte(WINDOW_VA) = SCRATCH(7) | PTE_P;
	updates[0].flags |= VMI_PTE_STORED;
	updates[0].pte_low = 0;
	vmi(VMI_CALL_SET_PXE_BATCH, (uint32_t)updates, 1, 0);
	ok(window[0] == 1007, "an entry that was stored already");
	/* The 51st faults; those before it are done, and it is precise. */
	fill_batch(BATCH, VMI_PTE_INVAL);
	updates[50].ptep = 0xfffff000;
	last.vector = NO_TRAP;
	ok(CATCH(vmi(VMI_CALL_SET_PXE_BATCH, (uint32_t)updates, BATCH, 0)) ==
	   14 && last_cr2 == 0xfffff000 && window[49 * PAGE / 4] == 1049,
	   "a batch with a bad address is #PF, and its start is done");
	fill_batch(1, VMI_PTE_LONG);
	updates[0].ptep = SCRATCH(250);
	updates[0].pte_high = 0x55;
	vmi(VMI_CALL_SET_PXE_BATCH, (uint32_t)updates, 1, 0);
	ok(peek32(SCRATCH(250)) == updates[0].pte_low &&
	   peek32(SCRATCH(250) + 4) == 0x55, "8-byte entries");
	ok(CATCH(vmi(VMI_CALL_SET_PXE_BATCH, 0xffffe000, 3, 0)) == 14,
	   "an array that is not mapped is #PF");
}

static void long_entries(void)
{
	if (!vmi_has(VMI_CALL_SET_PXE_LONG))
		return;
	memset(scratch[250], 0, 16);
	vmi_call5(VMI_CALL_SET_PXE_LONG, 0x1001, 0x2, SCRATCH(250), 1, 0);
	ok(peek32(SCRATCH(250)) == 0x1001 && peek32(SCRATCH(250) + 4) == 2,
	   "SetPxELong over an entry that is not present");
	vmi_call5(VMI_CALL_SET_PXE_LONG, 0x3001, 0x4, SCRATCH(250), 1, 0);
	ok(peek32(SCRATCH(250)) == 0x3001 && peek32(SCRATCH(250) + 4) == 4,
	   "SetPxELong over one that is");
}

static void switch_space(void)
{
	static struct vmi_switch_space s __attribute__((aligned(64)));
	uint64_t old[3];
	uint32_t cr3 = get_cr3(), esp0 = tss.esp0;

	if (!vmi_has(VMI_CALL_SWITCH_SPACE))
		return;
	memcpy(scratch[251], page_dir, PAGE);
	memcpy(old, &gdt[GDT_ENTRIES - 3], sizeof(old));
	s = (struct vmi_switch_space){
		.flags = VMI_SWITCH_ALL & ~VMI_SWITCH_SYSENTER,
		.cr3 = SCRATCH(251), .esp0 = 0x1234000,
		.tss_va = (uint32_t)&tss, .gdt_va = (uint32_t)gdt,
		.tls_index = GDT_ENTRIES - 3, .tls = { 1, 2, 3, 4, 5, 6 } };
	ok((uint32_t)vmi(VMI_CALL_SWITCH_SPACE, (uint32_t)&s, 0, 0) == 0 &&
	   get_cr3() == SCRATCH(251), "SwitchSpace loads CR3");
	ok(tss.esp0 == 0x1234000, "it stores ESP0");
	ok(!memcmp(&gdt[GDT_ENTRIES - 3], s.tls, sizeof(s.tls)),
	   "it stores the TLS descriptors");
	s.flags = VMI_SWITCH_CR3;
	s.cr3 = cr3;
	s.esp0 = 1;
	vmi(VMI_CALL_SWITCH_SPACE, (uint32_t)&s, 0, 0);
	ok(get_cr3() == cr3 && tss.esp0 == 0x1234000, "parts are optional");
	s.flags = VMI_SWITCH_SYSENTER;
	s.sysenter_cs = 0x1110;
	vmi(VMI_CALL_SWITCH_SPACE, (uint32_t)&s, 0, 0);
	ok(rdmsr(0x174) == 0x1110, "it sets the SYSENTER segment");
	wrmsr(0x174, 0);
	s.flags = 0x10 | VMI_SWITCH_STACK;
	ok((uint32_t)vmi(VMI_CALL_SWITCH_SPACE, (uint32_t)&s, 0, 0) == ~0u &&
	   tss.esp0 == 0x1234000, "an unknown part: -1, and nothing is done");
	s.flags = VMI_SWITCH_TLS;
	s.gdt_va = 0xfffff000;
	ok(CATCH(vmi(VMI_CALL_SWITCH_SPACE, (uint32_t)&s, 0, 0)) == 14,
	   "a GDT that is not mapped is #PF");
	memcpy(&gdt[GDT_ENTRIES - 3], old, sizeof(old));
	tss.esp0 = esp0;
}

/* Calls that do not return. */
static void leave(void)
{
	if (vmi_told("reboot"))
		vmi(VMI_CALL_REBOOT, 0, 0, 0);
	if (vmi_told("shutdown"))
		vmi(VMI_CALL_SHUTDOWN, 0, 0, 0);
}

void time_calls(void);
void insn_calls(void);
void return_calls(bool sysexit);

void guest_main(void)
{
	pic_init(0);		/* firmware may have left it ticking */
	vmi_find();
	ok(vmi_rom, "a VMI ROM is found");
	if (!vmi_rom)
		return;
	ok(vmi_start() == 0, "vmi_init answers 0");
	vmi_bind();
	leave();
	image();
	answers();
	paging_on();
	interrupt_flag();
	convention();
	cpuid_call();
	control();
	tables();
	page_tables();
	global_pages();
	write_protect();
	batches();
	long_entries();
	switch_space();
	insn_calls();
	return_calls(true);
	time_calls();
}
