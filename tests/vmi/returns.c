/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls 33 to 35 and the delivery of interrupts, with the call written into
 * the code as a guest does.  spec/vmi.md, "IRET", "SYSEXIT".
 */
#include "tests/vmi/vmi.h"

#define MSR_CS	0x174
#define BASE	SPARE_SEL	/* four descriptors, as SYSEXIT implies them */

extern uint8_t vmi_site_iret[], vmi_site_sysexit[], vmi_user[], native_iret[];
static volatile uint32_t ticks;

__asm__(
	".globl vmi_site_iret, vmi_site_sysexit, vmi_user, native_iret\n"
	"native_iret: iret\n"
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

/* All registers hold what the target gets. */
static void iret_by(const struct frame *f, const uint8_t *site)
{
	frame = (struct frame *)(SCRATCH(31) - 64);
	*frame = *f;
	tss.esp0 = SCRATCH(33);
	__asm__ volatile("movl %0, %%esp; pushl %1; addl $4, %%esp\n"
			 "movl $1, %%eax; movl $2, %%ecx; movl $3, %%edx\n"
			 "movl $4, %%ebx; movl $5, %%esi; movl $6, %%edi\n"
			 "movl $7, %%ebp; jmp *-4(%%esp)"
			 :: "r"(frame), "r"(site) : "memory");
	__builtin_unreachable();
}

static uint32_t iret_trap(struct frame f, const uint8_t *site)
{
	return CATCH(iret_by(&f, site));
}

static bool registers_kept(void)
{
	return last.eax == 1 && last.ecx == 2 && last.edx == 3 &&
	       last.ebx == 4 && last.esi == 5 && last.edi == 6 &&
	       last.ebp == 7;
}

/* Where ESP was when the exception was pushed at the same privilege. */
static uint32_t trap_esp(void)
{
	return last.esp0 + 8 + 12;
}

#define FLAT	(SEG_G | SEG_DB)
#define LIMIT	0xfff		/* of a code segment that ends early */
enum { SAME_CODE = SPARE_SEL, ABSENT_CODE = SAME_CODE + 8,
       ABSENT_DATA = ABSENT_CODE + 8, KERNEL_CONFORMING = ABSENT_DATA + 8,
       USER_CONFORMING = KERNEL_CONFORMING + 8,
       READ_ONLY = USER_CONFORMING + 8, SHORT_CODE = READ_ONLY + 8,
       ABSENT_KERNEL = SHORT_CODE + 8, IN_LDT = 4 };

static void make_segments(void)
{
	static const struct {
		uint16_t sel;
		uint32_t attr;
	} segs[] = {
		{ SAME_CODE, SEG_CODE }, { ABSENT_KERNEL, SEG_CODE & ~0x80u },
		{ ABSENT_CODE, (SEG_CODE | SEG_USER) & ~0x80u },
		{ ABSENT_DATA, (SEG_DATA | SEG_USER) & ~0x80u },
		{ KERNEL_CONFORMING, SEG_CODE | 4 },
		{ USER_CONFORMING, SEG_CODE | SEG_USER | 4 },
		{ READ_ONLY, (SEG_DATA | SEG_USER) & ~2u },
	};

	for (unsigned i = 0; i < sizeof(segs) / sizeof(*segs); i++)
		gdt[segs[i].sel / 8] = descriptor(0, 0xfffff,
						  segs[i].attr | FLAT);
	gdt[SHORT_CODE / 8] = descriptor(0, LIMIT,
					 SEG_CODE | SEG_USER | SEG_DB);
}

/* Returns that the processor refuses, but for the EIP and a stack pointer. */
static const struct bad_return {
	const char *what;
	uint32_t cs, ss;
	uint8_t vector;
	uint16_t error;
} bad_returns[] = {
	{ "CS beyond the table", 0xfff3, USER_DS, 13, 0xfff0 },
	{ "CS null", 3, USER_DS, 13, 0 },
	{ "CS of data", USER_DS, USER_DS, 13, USER_DS & ~3 },
	{ "CS of a system segment", TSS_SEL | 3, USER_DS, 13, TSS_SEL },
	{ "CS of the kernel with RPL 3", KERNEL_CS | 3, USER_DS, 13,
	  KERNEL_CS },
	{ "CS of user code with RPL 0", USER_CS & ~3, USER_DS, 13,
	  USER_CS & ~3 },
	{ "CS that conforms to less privilege", USER_CONFORMING | 1, USER_DS,
	  13, USER_CONFORMING },
	{ "CS not present", ABSENT_CODE | 3, USER_DS, 11, ABSENT_CODE },
	{ "CS not present, of the kernel", ABSENT_KERNEL, 0, 11,
	  ABSENT_KERNEL },
	{ "CS in no LDT", IN_LDT | 3, USER_DS, 13, IN_LDT },
	{ "SS beyond the table", USER_CS, 0xfff3, 13, 0xfff0 },
	{ "SS null", USER_CS, 3, 13, 0 },
	{ "SS of code", USER_CS, USER_CS, 13, USER_CS & ~3 },
	{ "SS that is read-only", USER_CS, READ_ONLY | 3, 13, READ_ONLY },
	{ "SS of another RPL", USER_CS, USER_DS & ~3, 13, USER_DS & ~3 },
	{ "SS of the kernel", USER_CS, KERNEL_DS | 3, 13, KERNEL_DS },
	{ "SS not present", USER_CS, ABSENT_DATA | 3, 12, ABSENT_DATA },
};

/* The exception, as if the site had an IRET. */
static bool as_if(const uint8_t *site, const struct frame *f,
		  const struct bad_return *b)
{
	return iret_trap(*f, site) == b->vector && last.error == b->error &&
	       last.cs == KERNEL_CS && last.eip == (uint32_t)site &&
	       !(last.eflags & (FLAG_IF | FLAG_TF | FLAG_NT)) &&
	       trap_esp() == (uint32_t)frame &&
	       !memcmp(frame, f, sizeof(*f)) && registers_kept();
}

/* Virtual-8086 code has no selectors to check, but a limit. */
static void iret_v86(void)
{
	static const struct bad_return limit = { "", 0, 0, 13, 0 };
	struct frame f = { 0, 0x800, 0x2 | FLAG_VM | IOPL3, 0x1000, 0x900 };

	poke8(0x8000, 0xcc);	/* int3, at IOPL 3 through the IDT */
	frame = (struct frame *)(SCRATCH(31) - 64);
	memset(frame + 1, 0, 16);
	ok(iret_trap(f, vmi_site_iret) == 3 && last.eflags & FLAG_VM &&
	   last.cs == 0x800 && last.eip == 1 && registers_kept(),
	   "IRET to virtual-8086 code");
	f.eip = 0x10000;
	ok(vmi_on_qemu() || as_if(native_iret, &f, &limit),
	   "an IRET instruction to V86 code beyond its limit");
	ok(as_if(vmi_site_iret, &f, &limit),
	   "IRET to V86 code beyond its limit faults at its site");
}

static const struct frame user = { (uint32_t)vmi_user, USER_CS, 0x202,
				   SCRATCH(21) + PAGE, USER_DS };

static void iret_faults(void)
{
	make_segments();
	for (unsigned i = 0; i < sizeof(bad_returns) / sizeof(*bad_returns);
	     i++) {
		const struct bad_return *b = &bad_returns[i];
		struct frame f = user;

		f.cs = b->cs;
		f.ss = b->ss;
		ok(vmi_on_qemu() || as_if(native_iret, &f, b),
		   "an IRET instruction with a %s", b->what);
		ok(as_if(vmi_site_iret, &f, b),
		   "IRET with a %s faults at its site", b->what);
	}
}

static void iret_limits(void)
{
	static const struct bad_return limit = { "", 0, 0, 13, 0 };
	struct frame f = user;

	f.cs = SHORT_CODE | 3;
	f.eip = LIMIT + 1;
	ok(vmi_on_qemu() || as_if(native_iret, &f, &limit),
	   "an IRET instruction with an EIP beyond the limit");
	ok(as_if(vmi_site_iret, &f, &limit),
	   "IRET with an EIP beyond the limit faults at its site");
}

static void iret_call(void)
{
	struct frame f;

	iret_same(0x2);
	ok(!(get_flags() & FLAG_IF), "IRET to the kernel, interrupts off");
	iret_same(0x2 | FLAG_CF | 0x202);
	ok(get_flags() & FLAG_IF, "IRET to the kernel, interrupts on");
	__asm__ volatile("cli");
	ok(iret_trap(user, vmi_site_iret) == 0x80 && last.cs == USER_CS &&
	   last.esp == SCRATCH(21) + PAGE && last.eflags & FLAG_IF &&
	   registers_kept(), "IRET to user mode");
	make_segments();
	f = user;
	f.cs = KERNEL_CONFORMING | 3;
	ok(iret_trap(f, vmi_site_iret) == 0x80 && last.cs == f.cs &&
	   registers_kept(), "IRET to user mode in conforming code");
	f = user;
	f.cs = SAME_CODE;
	ok(iret_trap(f, vmi_site_iret) == 0x80 && last.cs == SAME_CODE &&
	   last.eflags & FLAG_IF && registers_kept(),
	   "IRET to another segment of the kernel");
	iret_faults();
	iret_limits();
	if (get_cr0() & CR0_PG)		/* that is where all engines have it */
		iret_v86();
}

static void sysexit_by(uint32_t eip, uint32_t esp)
{
	tss.esp0 = SCRATCH(33);
	__asm__ volatile("jmp vmi_site_sysexit" :: "d"(eip), "c"(esp)
			 : "memory");
	__builtin_unreachable();
}

#define USER_SP	(SCRATCH(22) + PAGE)

static uint32_t sysexit_trap(void)
{
	uint32_t vector;

	gdt[BASE / 8] = descriptor(0, 0xfffff, SEG_CODE | FLAT);
	gdt[BASE / 8 + 1] = descriptor(0, 0xfffff, SEG_DATA | FLAT);
	gdt[BASE / 8 + 2] = descriptor(0, 0xfffff, SEG_CODE | SEG_USER | FLAT);
	gdt[BASE / 8 + 3] = descriptor(0, 0xfffff, SEG_DATA | SEG_USER | FLAT);
	wrmsr(MSR_CS, BASE);
	__asm__ volatile("cli");
	vector = CATCH(sysexit_by((uint32_t)vmi_user, USER_SP));
	wrmsr(MSR_CS, 0);
	return vector;
}

static void sysexit_call(void)
{
	ok(sysexit_trap() == 0x80 && last.cs == BASE + 16 + 3 &&
	   last.esp == USER_SP && last.eflags & FLAG_IF,
	   "SYSEXIT: user mode, interrupts on");
}

/* ------------------------------------------------ interrupts */

static uint32_t tick_flags;	/* in the frame, and of the handler */

static void on_tick(struct trap *t)
{
	ticks++;
	tick_flags = (t->eflags & FLAG_IF) | (get_flags() & FLAG_IF) >> 9;
	pic_eoi(0);
}

#define TRAP_GATE	0x90

static uint32_t gate_flags;

static void on_trap(struct trap *t)
{
	gate_flags = (t->eflags & FLAG_IF) | (get_flags() & FLAG_IF) >> 9;
}

/* The handler's flag by the kind of gate; the frame's is the guest's own. */
static void gates(void)
{
	uint64_t old = idt[TRAP_GATE];

	trap_hooks[TRAP_GATE] = on_trap;
	vmi(VMI_CALL_DISABLE_INTERRUPTS, 0, 0, 0);
	__asm__ volatile("int %0" :: "i"(TRAP_GATE) : "memory");
	ok(gate_flags == 0, "interrupts are off in a frame and its handler");
	vmi(VMI_CALL_ENABLE_INTERRUPTS, 0, 0, 0);
	__asm__ volatile("int %0" :: "i"(TRAP_GATE) : "memory");
	ok(gate_flags == FLAG_IF, "an interrupt gate turns them off");
	idt[TRAP_GATE] ^= 1ull << 40;
	__asm__ volatile("int %0" :: "i"(TRAP_GATE) : "memory");
	ok(gate_flags == (FLAG_IF | 1), "a trap gate does not");
	vmi(VMI_CALL_DISABLE_INTERRUPTS, 0, 0, 0);
	idt[TRAP_GATE] = old;
	trap_hooks[TRAP_GATE] = NULL;
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

static void interrupts(bool sysexit)
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
	ok(tick_flags == FLAG_IF, "its frame has them on, its handler off");
	wait_pending();
	n = ticks;
	ok(iret_trap(user, vmi_site_iret) == 0x80 && ticks > n,
	   "IRET to user mode lets it in");
	if (sysexit) {
		wait_pending();
		n = ticks;
		ok(sysexit_trap() == 0x80 && ticks > n,
		   "SYSEXIT lets it in");
	}
	wait_pending();
	n = ticks;
	vmi_or_native(VMI_CALL_HALT, 0, 0, 0, 0);
	ok(get_flags() & FLAG_IF && delivered(n), "Halt lets it in");
	n = ticks;
	vmi_or_native(VMI_CALL_HALT, 0, 0, 0, 0);
	ok(ticks > n && get_flags() & FLAG_IF, "Halt waits for one");
	__asm__ volatile("cli");
	outb(0x21, 0xff);
	outb(0x43, 0x3a);	/* as Linux silences the PIT */
}

void return_calls(bool sysexit);
void return_calls(bool sysexit)
{
	patch(vmi_site_iret, VMI_CALL_IRET);
	patch(vmi_site_sysexit, VMI_CALL_SYSEXIT);
	iret_call();
	if (sysexit)
		sysexit_call();
	gates();
	interrupts(sysexit);
}
