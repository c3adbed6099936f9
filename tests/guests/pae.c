/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PAE paging: 64-bit entries, 2 MiB pages, NX, PDPTEs loaded by MOV CR3. */
#include "tests/guests/guest.h"

#define MSR_EFER	0xc0000080
#define EFER_NX		0x800u
#define NX		(1ull << 63)

static volatile uint64_t pdpt[4] __attribute__((aligned(4096)));
static volatile uint64_t pd[4][512] __attribute__((aligned(4096)));
static volatile uint64_t pt[512] __attribute__((aligned(4096)));

#define VA	0x40000000u

static void enter(void)
{
	unsigned i;

	for (i = 0; i < 4; i++)
		pdpt[i] = (uint32_t)pd[i] | 1;
	for (i = 0; i < 16; i++)
		pd[0][i] = (uint64_t)i << 21 | PTE_PS | PTE_P | PTE_W | PTE_U;
	pd[1][0] = (uint32_t)pt | PTE_P | PTE_W | PTE_U;
	set_cr4(get_cr4() | CR4_PAE);
	set_cr3((uint32_t)pdpt);
	set_cr0(get_cr0() | CR0_PG | CR0_WP);
}

static void entries(void)
{
	poke32(SCRATCH(0), 0x1111);
	pt[0] = SCRATCH(0) | PTE_P | PTE_W;
	ok(peek32(VA) == 0x1111, "a 4 KiB page under PAE");
	ok((pt[0] & (PTE_A | PTE_D)) == PTE_A, "A in a 64-bit entry");
	poke32(VA, 2);
	ok(pt[0] & PTE_D, "D in a 64-bit entry");
	ok(pd[0][0] & PTE_A, "A in a 2 MiB entry");
	pt[1] = 1ull << 51 | SCRATCH(0) | PTE_P;
	ok(CATCH(peek32(VA + PAGE)) == 14 &&
	   last.error == (PF_P | PF_RSVD), "a reserved address bit faults");
	pt[1] = 0;
	invlpg(VA + PAGE);
}

static void big_pages(void)
{
	pd[1][1] = 0x400000 | PTE_PS | PTE_P | PTE_W;
	poke32(0x400000 + 0x1ffffc, 0xabcd);
	ok(peek32(VA + 0x3ffffc) == 0xabcd, "a 2 MiB page");
	pd[1][1] = 0x600000 | PTE_PS | PTE_P;
	poke32(0x600000, 0x99);
	invlpg(VA + 0x200000);
	ok(peek32(VA + 0x200000) == 0x99, "moved");
	ok(CATCH(poke32(VA + 0x200000, 1)) == 14 &&
	   last.error == (PF_P | PF_W), "read-only");
}

static void no_execute(void)
{
	uint32_t id[4];

	cpuid(0x80000000, id);
	if (id[0] >= 0x80000001)
		cpuid(0x80000001, id);
	if (!(id[3] & 1u << 20)) {
		ok(true, "no NX here # SKIP not in CPUID");
		return;
	}
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NX);
	poke8(SCRATCH(0), 0xc3);
	pt[0] = SCRATCH(0) | PTE_P | PTE_W | NX;
	invlpg(VA);
	ok(peek8(VA) == 0xc3, "an NX page can be read");
	ok(CATCH(((void (*)(void))VA)()) == 14 && last_cr2 == VA &&
	   last.eip == VA && last.error == (PF_P | PF_I),
	   "but not run: the error code has I");
	pt[0] = SCRATCH(0) | PTE_P | PTE_W;
	invlpg(VA);
	ok(CATCH(((void (*)(void))VA)()) == NO_TRAP, "without NX it runs");
	ok(CATCH(((void (*)(void))(VA + PAGE))()) == 14 &&
	   last.error == PF_I, "I without P for a missing page");
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~(uint64_t)EFER_NX);
	pt[0] = SCRATCH(0) | PTE_P | PTE_W | NX;
	invlpg(VA);
	ok(CATCH(peek32(VA)) == 14 && last.error == (PF_P | PF_RSVD),
	   "bit 63 is reserved without EFER.NXE");
}

/* SDM Vol. 3A 4.4.1: the PDPTEs are read when CR3 is loaded. */
static void pdptes(void)
{
	pt[0] = SCRATCH(0) | PTE_P | PTE_W;
	poke32(SCRATCH(0), 0x7777);
	pdpt[2] = (uint32_t)pd[1] | 1;
	set_cr3((uint32_t)pdpt);
	ok(peek32(0x80000000) == 0x7777, "a PDPTE counts after a CR3 load");
	pdpt[3] = 0x1e7;
	ok(CATCH(set_cr3((uint32_t)pdpt)) == 13,
	   "a reserved bit in a PDPTE: #GP on the CR3 load");
	pdpt[3] = 0;
	set_cr3((uint32_t)pdpt);
	ok(CATCH(peek32(0xc0000000)) == 14 && last.error == 0,
	   "a missing PDPTE faults");
}

void guest_main(void)
{
	enter();
	entries();
	big_pages();
	no_execute();
	pdptes();
	set_cr0(get_cr0() & ~(CR0_PG | CR0_WP));
}
