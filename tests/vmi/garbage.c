/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls with random arguments.  The command line is "SEED COUNT [wild]": COUNT
 * calls, each with a seed of its own from SEED on, so that "SEED+N 1" is the Nth
 * alone.
 *
 * Without "wild" the calls are those that cannot stop this kernel by being done
 * (a random CR3 would), with pointers that may be wrong but not to the kernel's
 * own memory; it must come through, with its state whole.  With "wild" anything
 * goes, hypercalls of no ROM included: then only the hypervisor has to come
 * through.
 */
#include "tests/vmi/vmi.h"

static uint32_t state;

static void seed(uint32_t n)
{
	state = n * 2654435761u | 1;
	state ^= state >> 15;
}

static uint32_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

/* What would end the test by being done right. */
static const uint8_t fatal[] = {
	VMI_CALL_WRMSR, VMI_CALL_SET_GDT, VMI_CALL_SET_LDT, VMI_CALL_SET_IDT,
	VMI_CALL_SET_TR, VMI_CALL_SET_CR0, VMI_CALL_SET_CR3, VMI_CALL_SET_CR4,
	VMI_CALL_SET_DR, VMI_CALL_ENABLE_INTERRUPTS,
	VMI_CALL_SET_INTERRUPT_MASK, VMI_CALL_IRET, VMI_CALL_SYSEXIT,
	VMI_CALL_HALT, VMI_CALL_REBOOT, VMI_CALL_SHUTDOWN, VMI_CALL_OUTL,
	VMI_CALL_OUTB, VMI_CALL_OUTW, VMI_CALL_OUTSL, VMI_CALL_OUTSB,
	VMI_CALL_OUTSW, VMI_CALL_APIC_WRITE,
};

static bool is_fatal(unsigned nr)
{
	for (unsigned i = 0; i < sizeof(fatal); i++)
		if (fatal[i] == nr)
			return true;
	return false;
}

/* The call stores where its arguments say. */
static bool stores(unsigned nr)
{
	return nr == VMI_CALL_GET_GDT || nr == VMI_CALL_GET_IDT ||
	       (nr >= VMI_CALL_WRITE_GDT_ENTRY &&
		nr <= VMI_CALL_WRITE_IDT_ENTRY) ||
	       nr == VMI_CALL_SET_PXE || nr == VMI_CALL_SET_PXE_LONG ||
	       nr == VMI_CALL_SET_PXE_BATCH || nr == VMI_CALL_SWITCH_SPACE ||
	       nr == VMI_CALL_SET_STOLEN_TIME_PAGE ||
	       nr == VMI_CALL_CONSOLE_WRITE ||	/* what it prints is seen */
	       (nr >= VMI_CALL_INSL && nr <= VMI_CALL_INSW);
}

/* Ours to spoil, nobody's, or across the end of either. */
static uint32_t spoilable(void)
{
	switch (rnd() % 4) {
	case 0: return SCRATCH(rnd() % SCRATCH_PAGES) + (rnd() & 0xffc);
	case 1: return SCRATCH(SCRATCH_PAGES / 2) + rnd() % PAGE;
	case 2: return 0x80000000u + (rnd() & 0x3fffffff);
	default: return 0xfffff000u + (rnd() & 0xfff);
	}
}

static uint32_t any(void)
{
	switch (rnd() % 5) {
	case 0: return rnd();
	case 1: return rnd() % 16;
	case 2: return 1u << (rnd() & 31);
	case 3: return SCRATCH(rnd() % SCRATCH_PAGES) + (rnd() & 0xfff);
	default: return rnd() & 0xffff;
	}
}

/* Structures that calls read: entries and parts that point to harmless places. */
static void fill_scratch(void)
{
	uint32_t *p = (uint32_t *)scratch[SCRATCH_PAGES / 2];

	for (unsigned i = 0; i < 64; i += 4) {
		p[i] = spoilable();
		p[i + 1] = any();
		p[i + 2] = any();
		p[i + 3] = any();
	}
}

static void switch_struct(struct raw *r)
{
	struct vmi_switch_space *s = (void *)scratch[SCRATCH_PAGES / 2];

	s->flags = rnd() & ~(VMI_SWITCH_CR3 | (rnd() & 1 ? ~15u : 0));
	s->tss_va = spoilable();
	s->gdt_va = spoilable();
	s->tls_index = rnd() % 8192;
	r->eax = rnd() % 4 ? (uint32_t)s : spoilable() | 0x80000000u;
}

static void arguments(unsigned nr, struct raw *r)
{
	*r = (struct raw){ .eax = any(), .edx = any(), .ecx = any(),
			   .ebx = any(), .stack = { any(), any() } };
	if (!stores(nr))
		return;
	r->eax = spoilable();
	r->edi = spoilable();
	r->ecx = rnd() % 64;
	switch (nr) {
	case VMI_CALL_SET_PXE:
		r->edx = spoilable();
		break;
	case VMI_CALL_SET_PXE_LONG:
		r->ecx = spoilable();
		break;
	case VMI_CALL_SET_PXE_BATCH:
		r->eax = rnd() % 4 ? SCRATCH(SCRATCH_PAGES / 2) :
			 0xc0000000u | rnd();
		r->edx = rnd() % 8 ? rnd() % 16 : 16;
		break;
	case VMI_CALL_SWITCH_SPACE:
		switch_struct(r);
		break;
	case VMI_CALL_SET_STOLEN_TIME_PAGE:
		r->eax = rnd() & 1 ? SCRATCH(3) / PAGE : 0x100000 | rnd();
		break;
	case VMI_CALL_WRITE_GDT_ENTRY:
	case VMI_CALL_WRITE_LDT_ENTRY:
	case VMI_CALL_WRITE_IDT_ENTRY:
		r->edx = rnd() % 64;
		r->eax = rnd() & 1 ? SCRATCH(SCRATCH_PAGES / 2) :
			 0x80000000u | rnd() % 0x70000000u;
		break;
	}
}

static bool whole(uint32_t cr3, uint32_t cr4)
{
	return get_cr3() == cr3 && get_cr4() == cr4 &&
	       !(get_flags() & FLAG_IF) && peek32(0x100000);
}

static void careful(uint32_t first, uint32_t count)
{
	uint32_t cr3 = get_cr3(), cr4 = get_cr4(), done = 0, faults = 0;
	bool good = true;
	struct raw r;

	for (uint32_t n = 0; n < count && good; n++) {
		unsigned nr;

		seed(first + n);
		nr = rnd() % VMI_CALLS;
		if (!vmi_entry[nr] || is_fatal(nr))
			continue;
		fill_scratch();
		arguments(nr, &r);
		faults += CATCH(vmi_raw(vmi_entry[nr], &r)) != NO_TRAP;
		__asm__ volatile("cli; clts; cld; mov %w0, %%ds; mov %w0, %%es"
				 :: "r"(KERNEL_DS));
		done++;
		good = whole(cr3, cr4);
		if (!good)
			print("# after the call of seed %u, %s\n", first + n,
			      vmi_name[nr]);
	}
	print("# %u calls, %u faults\n", done, faults);
	ok(good && (count < 100 || (done > count / 8 && faults)), "the kernel is whole");
}

/* A hypercall with anything in ECX, as no ROM makes it. */
static void bare(bool port)
{
	uint32_t a = any(), d = any(), c = rnd() & 1 ? rnd() % 0x110 : any();

	if (port)
		__asm__ volatile("outb %%al, $0xe6" : "+a"(a), "+d"(d), "+c"(c)
				 :: "memory");
	else
		__asm__ volatile("vmcall" : "+a"(a), "+d"(d), "+c"(c)
				 :: "memory");
}

static void wild(uint32_t first, uint32_t count)
{
	struct raw r;

	for (uint32_t n = 0; n < count; n++) {
		unsigned nr;

		seed(first + n);
		nr = rnd() % VMI_CALLS;
		if (rnd() % 4 == 0) {
			CATCH(bare(rnd() & 1));
			continue;
		}
		r = (struct raw){ .eax = any(), .edx = any(), .ecx = any(),
				  .edi = any(), .esi = any(),
				  .stack = { any(), any() } };
		/* To get further than the first of them, mostly. */
		if (!vmi_entry[nr] || (is_fatal(nr) && rnd() % 16))
			continue;
		CATCH(vmi_raw(vmi_entry[nr], &r));
	}
	ok(true, "the kernel came through, too");
}

static uint32_t number(const char **p)
{
	uint32_t v = 0;

	while (**p && (**p < '0' || **p > '9'))
		(*p)++;
	for (; **p >= '0' && **p <= '9'; (*p)++)
		v = v * 10 + **p - '0';
	return v;
}

void guest_main(void)
{
	const char *p = guest_cmdline;
	uint32_t first, count;

	while (*p && *p != ' ')	/* the kernel's own name */
		p++;
	first = number(&p);
	count = number(&p);
	vmi_find();
	if (!vmi_rom || vmi_start()) {
		ok(false, "a VMI ROM is found");
		return;
	}
	vmi_bind();
	paging_on();
	if (*p == ' ' && p[1] == 'w')
		wild(first, count);
	else
		careful(first, count);
}
