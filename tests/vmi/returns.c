/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls 33 to 35 and the delivery of interrupts, with the call written into
 * the code as a guest does.  spec/vmi.md, "IRET", "SYSEXIT".
 */
#include "tests/vmi/vmi.h"

#define MSR_CS	0x174
#define BASE	SPARE_SEL	/* four descriptors, as SYSEXIT implies them */

extern uint8_t vmi_site_iret[], vmi_site_sysexit[], vmi_back[], vmi_user[];
static volatile uint32_t ticks;

__asm__(
	".globl vmi_site_iret, vmi_site_sysexit, vmi_back, vmi_user\n"
	"vmi_site_iret: .skip 8, 0x90\n	ud2\n"
	"vmi_site_sysexit: .skip 8, 0x90\n	ud2\n"
	"vmi_user:\n"
	"	int $0x80\n");

/* Write the call as Linux patches it. */
static void patch(uint8_t *site, unsigned nr)
{
	uint32_t rel = vmi_entry[nr] - ((uint32_t)site + 5);

	site[0] = vmi_type[nr] == VMI_RELOC_JUMP ? 0xe9 : 0xe8;
	memcpy(site + 1, &rel, 4);
}

static void iret_same(uint32_t flags)
{
	__asm__ volatile("pushl %0; pushl %%cs; pushl $1f\n"
			 "jmp vmi_site_iret\n1:" :: "r"(flags) : "memory");
}

struct frame {
	uint32_t eip, cs, eflags, esp, ss;
};

static struct frame *frame;	/* on a stack of its own */

static void iret_by(const struct frame *f)
{
	frame = (struct frame *)(SCRATCH(31) - 64);
	*frame = *f;
	tss.esp0 = SCRATCH(33);
	__asm__ volatile("movl %0, %%esp; jmp vmi_site_iret"
			 :: "r"(frame) : "memory");
	__builtin_unreachable();
}

static uint32_t iret_trap(struct frame f)
{
	return CATCH(iret_by(&f));
}

/* Where ESP was when the exception was pushed at the same privilege. */
static uint32_t trap_esp(void)
{
	return last.esp0 + 8 + 12;
}

static void iret_call(void)
{
	struct frame user = { (uint32_t)vmi_user, USER_CS, 0x202,
			      SCRATCH(21) + PAGE, USER_DS };
	struct frame f;
	bool native;

	iret_same(0x2);
	ok(!(get_flags() & FLAG_IF), "IRET to the kernel, interrupts off");
	iret_same(0x2 | FLAG_CF | 0x202);
	ok(get_flags() & FLAG_IF, "IRET to the kernel, interrupts on");
	__asm__ volatile("cli");
	ok(iret_trap(user) == 0x80 && last.cs == USER_CS &&
	   last.esp == SCRATCH(21) + PAGE && last.eflags & FLAG_IF,
	   "IRET to user mode");
	/* A native ROM has nobody who could move the fault to its site. */
	native = !vmi_has(VMI_CALL_GET_CYCLE_FREQUENCY);
	f = user;
	f.cs = 0xfff3;
	ok(iret_trap(f) == 13 && last.error == 0xfff0 && last.cs == KERNEL_CS,
	   "IRET with a bad CS: #GP of that selector");
	ok(native || last.eip == (uint32_t)vmi_site_iret,
	   "its EIP is the site's");
	ok(trap_esp() == (uint32_t)frame && !memcmp(frame, &f, sizeof(f)),
	   "its frame lies below the whole IRET frame");
	f = user;
	f.ss = 0xfff3;
	ok(iret_trap(f) == 13 && last.error == 0xfff0 &&
	   (native || last.eip == (uint32_t)vmi_site_iret) &&
	   trap_esp() == (uint32_t)frame, "the same with a bad SS");
}

static void sysexit_by(uint32_t eip, uint32_t esp)
{
	tss.esp0 = SCRATCH(33);
	__asm__ volatile("jmp vmi_site_sysexit" :: "d"(eip), "c"(esp)
			 : "memory");
	__builtin_unreachable();
}

static void sysexit_call(void)
{
	const uint32_t flat = SEG_G | SEG_DB;
	uint32_t sp = SCRATCH(22) + PAGE;

	gdt[BASE / 8] = descriptor(0, 0xfffff, SEG_CODE | flat);
	gdt[BASE / 8 + 1] = descriptor(0, 0xfffff, SEG_DATA | flat);
	gdt[BASE / 8 + 2] = descriptor(0, 0xfffff, SEG_CODE | SEG_USER | flat);
	gdt[BASE / 8 + 3] = descriptor(0, 0xfffff, SEG_DATA | SEG_USER | flat);
	wrmsr(MSR_CS, BASE);
	__asm__ volatile("cli");
	ok(CATCH(sysexit_by((uint32_t)vmi_user, sp)) == 0x80 &&
	   last.cs == BASE + 16 + 3 && last.esp == sp &&
	   last.eflags & FLAG_IF, "SYSEXIT: user mode, interrupts on");
	wrmsr(MSR_CS, 0);
}

/* ------------------------------------------------ interrupts */

static void on_tick(struct trap *t)
{
	ticks++;
	pic_eoi(0);
}

/* Interrupts off until the 8259 has one. */
static void wait_pending(void)
{
	uint32_t n = ticks;

	__asm__ volatile("cli");
	outb(0x20, 0x0a);	/* IRR at the next read */
	while (!(inb(0x20) & 1))
		;
	ok(ticks == n, "none is delivered while they are off");
}

static bool delivered(uint32_t n)
{
	for (unsigned i = 0; i < 1000 && ticks == n; i++)
		barrier();
	__asm__ volatile("cli");
	return ticks != n;
}

static void interrupts(void)
{
	uint32_t n;

	trap_hooks[IRQ_BASE] = on_tick;
	pic_init(1);
	pit_start(200);
	wait_pending();
	n = ticks;
	vmi(VMI_CALL_ENABLE_INTERRUPTS, 0, 0, 0);
	ok(delivered(n), "EnableInterrupts lets it in");
	wait_pending();
	n = ticks;
	vmi(VMI_CALL_SET_INTERRUPT_MASK, FLAG_IF, 0, 0);
	ok(delivered(n), "SetInterruptMask lets it in");
	wait_pending();
	n = ticks;
	iret_same(0x202);
	ok(delivered(n), "IRET lets it in");
	__asm__ volatile("cli");
	n = ticks;
	vmi_or_native(VMI_CALL_HALT, 0, 0, 0, 0);
	ok(ticks > n && get_flags() & FLAG_IF, "Halt waits for it");
	__asm__ volatile("cli");
	outb(0x21, 0xff);
	outb(0x43, 0x3a);	/* as Linux silences the PIT */
}

void return_calls(void);
void return_calls(void)
{
	patch(vmi_site_iret, VMI_CALL_IRET);
	patch(vmi_site_sysexit, VMI_CALL_SYSEXIT);
	iret_call();
	sysexit_call();
	interrupts();
}
