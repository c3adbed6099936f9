/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 and SSE: TS and #NM, EM, lazy switching, #MF, #XM, the state images. */
#include "tests/guests/guest.h"

static uint8_t image[2][512] __attribute__((aligned(16)));
static uint8_t env[108];

static inline void clts(void)
{
	__asm__ volatile("clts");
}

static inline void fld1(void)
{
	__asm__ volatile("fld1");
}

static inline void sse_op(void)
{
	__asm__ volatile("xorps %xmm0, %xmm0");
}

static void not_available(void)
{
	set_cr0(get_cr0() | CR0_TS);
	ok(CATCH(fld1()) == 7, "TS: x87 gives #NM");
	ok(CATCH(sse_op()) == 7, "TS: SSE gives #NM");
	ok(CATCH(__asm__ volatile("fwait")) == 7, "TS and MP: fwait gives #NM");
	set_cr0(get_cr0() & ~CR0_MP);
	ok(CATCH(__asm__ volatile("fwait")) == NO_TRAP,
	   "TS without MP: fwait does not");
	set_cr0(get_cr0() | CR0_MP);
	clts();
	ok(CATCH(fld1()) == NO_TRAP, "clts opens it");
	set_cr0(get_cr0() | CR0_EM);
	ok(CATCH(fld1()) == 7, "EM: x87 gives #NM");
	ok(CATCH(sse_op()) == 6, "EM: SSE gives #UD");
	set_cr0(get_cr0() & ~CR0_EM);
	set_cr4(get_cr4() & ~CR4_OSFXSR);
	ok(CATCH(sse_op()) == 6, "without OSFXSR: #UD");
	set_cr4(get_cr4() | CR4_OSFXSR);
}

/* Two contexts that count in their own registers, switched on #NM. */
static volatile uint32_t owner, current, switches;

static void on_nm(struct trap *t)
{
	clts();
	__asm__ volatile("fxsave (%0)" :: "r"(image[owner]) : "memory");
	__asm__ volatile("fxrstor (%0)" :: "r"(image[current]) : "memory");
	owner = current;
	switches++;
}

static uint32_t work(void)
{
	uint32_t v;

	__asm__ volatile("fld1; faddp; paddd %%xmm1, %%xmm0; movd %%xmm0, %0"
			 : "=r"(v));
	return v;
}

static void lazy(void)
{
	uint32_t i, n[2] = { 0, 0 }, v;
	bool good = true;

	__asm__ volatile("fninit; fldz; pxor %%xmm0, %%xmm0\n"
			 "movl $1, %%eax; movd %%eax, %%xmm1\n"
			 "fxsave (%0)" :: "r"(image[0]) : "eax", "memory");
	__asm__ volatile("movl $3, %%eax; movd %%eax, %%xmm1\n"
			 "fxsave (%0)" :: "r"(image[1]) : "eax", "memory");
	trap_hooks[7] = on_nm;
	owner = 1;
	for (i = 0; i < 1000; i++) {
		current = i * 7 / 5 % 2;
		set_cr0(get_cr0() | CR0_TS);
		v = work();
		n[current] += current ? 3 : 1;
		good &= v == n[current];
	}
	ok(good && switches == 1000, "1000 lazy switches keep XMM apart");
	trap_hooks[7] = NULL;
	clts();
	__asm__ volatile("fxsave (%0)" :: "r"(image[owner]) : "memory");
	for (i = 0; i < 2; i++) {
		__asm__ volatile("fxrstor (%1); fistpl %0"
				 : "=m"(v) : "r"(image[i]));
		ok(v == n[i] / (i ? 3 : 1), "context %u kept its x87 stack",
		   i);
	}
}

/* NE=1: an unmasked x87 exception arrives at the next waiting instruction. */
static void x87_exceptions(void)
{
	extern const uint8_t mf_at[], mf_wait[];
	uint16_t cw = 0x37b;	/* zero divide unmasked */
	uint32_t v;

	set_cr0(get_cr0() | 0x20);
	v = CATCH(__asm__ volatile("fninit; fldcw %0; fld1; fldz\n"
		".globl mf_at, mf_wait\n"
		"mf_at: fdivrp\n"
		"nop\n"
		"mf_wait: fwait" :: "m"(cw)));
	ok(v == 0x10 && last.eip == (uint32_t)mf_wait,
	   "#MF comes at the next waiting instruction");
	__asm__ volatile("fnstenv %0" : "=m"(env));
	ok(*(uint32_t *)(env + 12) == (uint32_t)mf_at,
	   "the environment has the guest's address");
	__asm__ volatile("fnclex; fninit");
	ok(CATCH(__asm__ volatile("fwait")) == NO_TRAP, "fnclex clears it");
}

static void sse_exceptions(void)
{
	extern const uint8_t xm_at[];
	uint32_t mxcsr = 0x1f80 & ~0x200, v;	/* zero divide unmasked */

	set_cr4(get_cr4() | 0x400);
	v = CATCH(__asm__ volatile("ldmxcsr %0; xorps %%xmm1, %%xmm1\n"
		"movl $0x3f800000, %%eax; movd %%eax, %%xmm0\n"
		".globl xm_at\nxm_at: divss %%xmm1, %%xmm0"
		:: "m"(mxcsr) : "eax"));
	ok(v == 0x13 && last.eip == (uint32_t)xm_at, "#XM at the division");
	__asm__ volatile("stmxcsr %0" : "=m"(v));
	ok(v & 4, "MXCSR.ZE is set");
	set_cr4(get_cr4() & ~0x400u);
	v = CATCH(__asm__ volatile("ldmxcsr %0; divss %%xmm1, %%xmm0"
		:: "m"(mxcsr)));
	ok(v == 6, "without OSXMMEXCPT: #UD");
	mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" :: "m"(mxcsr));
	mxcsr = 0x80000000;
	ok(CATCH(__asm__ volatile("ldmxcsr %0" :: "m"(mxcsr))) == 13,
	   "reserved bits of MXCSR: #GP");
	ok(CATCH(__asm__ volatile("movaps 4(%0), %%xmm0" :: "r"(image[0])))
	   == 13, "movaps from an odd address: #GP");
	ok(CATCH(__asm__ volatile("fxsave 4(%0)" :: "r"(image[0]) : "memory"))
	   == 13, "fxsave to an odd address: #GP");
}

/* Ten thousand interrupts while the x87 stack is deep. */
static volatile uint32_t ticks;

static void on_tick(struct trap *t)
{
	ticks++;
	pic_eoi(0);
}

static void under_interrupts(void)
{
	uint32_t i, r;
	bool good = true;

	pic_init(1);
	trap_hooks[IRQ_BASE] = on_tick;
	pit_start(2000);
	__asm__ volatile("fninit; sti");
	for (i = 0; i < 200000; i++) {
		__asm__ volatile("fildl %1; fildl %1; fildl %1; fildl %1\n"
				 "faddp; faddp; faddp; fistpl %0"
				 : "=m"(r) : "m"(i));
		good &= r == 4 * i;
	}
	__asm__ volatile("cli");
	ok(good, "x87 arithmetic under %s interrupts",
	   ticks ? "timer" : "no");
}

void guest_main(void)
{
	set_cr0((get_cr0() | CR0_MP) & ~(CR0_TS | CR0_EM));
	set_cr4(get_cr4() | CR4_OSFXSR);
	__asm__ volatile("fninit");
	not_available();
	lazy();
	x87_exceptions();
	sse_exceptions();
	under_interrupts();
}
