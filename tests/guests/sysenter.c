/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SYSENTER and SYSEXIT, SDM Vol. 2B. */
#include "tests/guests/guest.h"

#define MSR_CS	0x174
#define MSR_ESP	0x175
#define MSR_EIP	0x176

extern const uint8_t se_user[], se_user_back[], se_kernel[], se_exit[];
static volatile uint32_t se_esp, se_cs, se_ss, se_flags, se_count;

/* The four descriptors that SYSENTER implies follow each other in the GDT. */
#define BASE	SPARE_SEL

__asm__(
	"se_user:\n"
	"	movl $1000, %edi\n"
	"1:	movl %esp, %ecx\n"
	"	movl $se_user_back, %edx\n"
	"	sysenter\n"
	"se_user_back:\n"
	"	decl %edi\n"
	"	jnz 1b\n"
	"	movl %cs, %eax\n"
	"	movl %ss, %ebx\n"
	"	int $0x80\n"
	"se_kernel:\n"
	"	movl %esp, se_esp\n"
	"	movl %cs, %eax\n"
	"	movl %eax, se_cs\n"
	"	movl %ss, %eax\n"
	"	movl %eax, se_ss\n"
	"	pushfl\n"
	"	popl se_flags\n"
	"	incl se_count\n"
	"se_exit:	sysexit\n");

void guest_main(void)
{
	const uint32_t flat = SEG_G | SEG_DB;
	uint32_t sp = SCRATCH(20) + PAGE, id[4];

	cpuid(1, id);
	if (!(id[3] & 1u << 11)) {
		ok(true, "no SYSENTER here # SKIP not in CPUID");
		return;
	}
	gdt[BASE / 8] = descriptor(0, 0xfffff, SEG_CODE | flat);
	gdt[BASE / 8 + 1] = descriptor(0, 0xfffff, SEG_DATA | flat);
	gdt[BASE / 8 + 2] = descriptor(0, 0xfffff, SEG_CODE | SEG_USER | flat);
	gdt[BASE / 8 + 3] = descriptor(0, 0xfffff, SEG_DATA | SEG_USER | flat);
	wrmsr(MSR_CS, 0);
	ok(USER(se_user, sp, 0x202) == 13 && last.error == 0,
	   "sysenter without a selector: #GP(0)");
	wrmsr(MSR_CS, BASE);
	wrmsr(MSR_ESP, SCRATCH(10) + PAGE);
	wrmsr(MSR_EIP, (uint32_t)se_kernel);
	ok(rdmsr(MSR_ESP) == SCRATCH(10) + PAGE, "the MSRs read back");
	ok(USER(se_user, sp, 0x202) == 0x80 && se_count == 1000,
	   "1000 calls through sysenter and sysexit");
	ok(se_cs == BASE && se_ss == BASE + 8 &&
	   se_esp == SCRATCH(10) + PAGE, "CPL 0 with CS, SS and ESP of the MSRs");
	ok(!(se_flags & FLAG_IF), "sysenter clears IF");
	ok(last.eax == BASE + 16 + 3 && last.ebx == BASE + 24 + 3 &&
	   last.cs == BASE + 16 + 3 && last.esp == sp,
	   "sysexit: CPL 3, CS + 16 and CS + 24");
	ok(CATCH(wrmsr(MSR_CS, 0); __asm__ volatile("sysexit" ::: "memory"))
	   == 13, "sysexit without a selector: #GP(0)");
	wrmsr(MSR_CS, BASE);
	ok(USER(se_exit, sp, 0) == 13, "sysexit at CPL 3: #GP(0)");
}
