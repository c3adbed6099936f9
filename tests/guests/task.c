/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware tasks: JMP, CALL and IRET between them, task gates, #DF in a task. */
#include "tests/guests/guest.h"

#define T2	(SPARE_SEL + 0)
#define T3	(SPARE_SEL + 8)
#define GATE	(SPARE_SEL + 16)

static struct tss two __attribute__((aligned(4096)));
static struct tss three __attribute__((aligned(4096)));
static uint8_t stack2[PAGE], stack3[PAGE];
static volatile uint32_t trace[16], ntrace;

static void note(uint32_t v)
{
	if (ntrace < 16)
		trace[ntrace++] = v;
}

static uint32_t tr_now(void)
{
	uint32_t v = 0;

	__asm__ volatile("str %w0" : "+r"(v));
	return v;
}

/* Runs in task 2: returns by IRET each time it is called. */
static void task2(void)
{
	for (;;) {
		note(tr_now());
		note(get_flags() & FLAG_NT);
		__asm__ volatile("iret" ::: "memory");
	}
}

/* Runs in task 3: jumps back to the first task. */
static void task3(void)
{
	for (;;) {
		note(tr_now());
		note(get_flags() & FLAG_NT);
		__asm__ volatile("ljmp %0, $0" :: "i"(TSS_SEL) : "memory");
	}
}

static void make(struct tss *t, uint16_t sel, void (*fn)(void), uint8_t *stack)
{
	memset(t, 0, sizeof(*t));
	t->eip = (uint32_t)fn;
	t->esp = (uint32_t)stack + PAGE - 16;
	t->eflags = 2;
	t->cs = KERNEL_CS;
	t->ss = t->ds = t->es = t->fs = t->gs = KERNEL_DS;
	t->ss0 = KERNEL_DS;
	t->esp0 = t->esp;
	t->cr3 = get_cr3();
	t->iomap = sizeof(*t);
	gdt[sel / 8] = descriptor((uint32_t)t, 0x67, SEG_TSS);
}

static bool busy(uint16_t sel)
{
	return gdt[sel / 8] & 2ull << 40;
}

static void calls(void)
{
	uint32_t magic = 0x12345678;

	ntrace = 0;
	__asm__ volatile("movl %1, %%esi; lcall %2, $0; movl %%esi, %0"
			 : "=r"(magic) : "r"(magic), "i"(T2)
			 : "esi", "memory");
	ok(ntrace == 2 && trace[0] == T2, "lcall to a TSS switches tasks");
	ok(trace[1] == FLAG_NT, "the called task has NT");
	ok(two.link == TSS_SEL, "and a back link");
	ok(magic == 0x12345678, "the first task's registers come back");
	ok(tr_now() == TSS_SEL && busy(TSS_SEL) && !busy(T2),
	   "busy bits follow");
	__asm__ volatile("lcall %0, $0" :: "i"(T2) : "memory");
	ok(ntrace == 4 && trace[2] == T2, "a second call resumes it");
	ok(get_cr0() & CR0_TS, "a switch sets CR0.TS");
	__asm__ volatile("clts");
}

static void jumps(void)
{
	ntrace = 0;
	__asm__ volatile("ljmp %0, $0" :: "i"(T3) : "memory");
	ok(ntrace == 2 && trace[0] == T3 && trace[1] == 0,
	   "ljmp to a TSS: no NT");
	ok(busy(TSS_SEL) && !busy(T3), "ljmp moves the busy bit");
	gdt[GATE / 8] = gate(T2, 0, 0x85, 0);
	ntrace = 0;
	__asm__ volatile("lcall %0, $0" :: "i"(GATE) : "memory");
	ok(ntrace == 2 && trace[0] == T2, "through a task gate");
	ok(CATCH(__asm__ volatile("lcall %0, $0" :: "i"(TSS_SEL) : "memory"))
	   == 13 && last.error == TSS_SEL, "a busy TSS: #GP");
	gdt[T3 / 8] &= ~(1ull << 47);
	ok(CATCH(__asm__ volatile("lcall %0, $0" :: "i"(T3) : "memory"))
	   == 11 && last.error == T3, "a TSS that is not present: #NP");
	gdt[T3 / 8] |= 1ull << 47;
}

/* int n through a task gate, and back by iret. */
static void interrupt_task(void)
{
	ntrace = 0;
	idt[0x40] = gate(T2, 0, 0x85, 0);
	__asm__ volatile("int $0x40" ::: "memory");
	ok(ntrace == 2 && trace[0] == T2, "int n through a task gate");
}

/* ---- #DF ------------------------------------------------------------------- */

static volatile uint32_t df_count, df_error;

extern void df_entry(void);
__asm__(
	"df_entry:\n"
	"	popl df_error\n"
	"	incl df_count\n"
	"	call df_fix\n"
	"	iret\n"
	"	jmp df_entry\n");

/* Make the interrupted task go on where the test wants it. */
void df_fix(void);
static uint32_t df_resume, df_esp;
void df_fix(void)
{
	tss.eip = df_resume;
	tss.esp = df_esp;
	tss.eflags &= ~FLAG_RF;
}

__asm__(".globl df_count, df_error\n");

static void double_fault(void)
{
	make(&two, T2, df_entry, stack2);
	idt[8] = gate(T2, 0, 0x85, 0);
	__asm__ volatile("movl $1f, %0\n"
			 "movl %%esp, %1\n"
			 "movl %2, %%esp\n"
			 "pushl %%eax\n"
			 "1:" : "=m"(df_resume), "=m"(df_esp)
			 : "r"(WINDOW_VA + 0x100) : "memory");
	ok(df_count == 1 && df_error == 0,
	   "a kernel stack that is gone: #DF in a task");
	ok(two.link == TSS_SEL, "its back link");
	ok(tr_now() == TSS_SEL, "and the way back");
}

void guest_main(void)
{
	make(&two, T2, task2, stack2);
	make(&three, T3, task3, stack3);
	calls();
	jumps();
	interrupt_task();
	paging_on();
	tss.cr3 = get_cr3();
	double_fault();
	paging_off();
}
