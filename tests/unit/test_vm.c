// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Life of a VM: every way to end, resets, pauses, halts and wake-ups.  Each
 * test runs under all engines with a few lines of guest code.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "hypervisor/clock.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/vm.h"
#include "hypervisor/vm_priv.h"
#include "tests/unit/hv_rig.h"

#define CODE_AT		0x10000
#define STACK_TOP	0x18000

/*
 * A guest program in 32-bit assembly, run flat at CODE_AT with ebx = number of
 * boots.  ADDR(program, label): where the guest finds a label of its own.
 */
#define GUEST(name, text) \
	extern const uint8_t name[], name##_end[]; \
	__asm__(".pushsection .rodata\n.code32\n" \
		#name ":\n" text "\n" #name "_end:\n.code64\n.popsection")
#define ADDR(name, label) "(0x10000 + " #label " - " #name ")"
#define EXIT(val) "mov $" #val ", %al; out %al, $0xf4; jmp .\n"
#define OUT(port, val) "mov $" #val ", %al; out %al, $" #port "\n"

/* The last one with KVM's own interrupt controllers. */
enum { INTERP, BT, HV, HV_IRQCHIP, ENGINES };
static const char *const engines[ENGINES] = { "interp", "bt", "hv", "hv" };
static const char *const irqchip_on[] = { "hv.irqchip=on", NULL };
static const char *const irqchip_off[] = { "hv.irqchip=off", NULL };

static struct loop *loop;
static struct vm *vm;
static FILE *report;
static char *text;
static size_t text_len;

static struct {
	const uint8_t *code;
	size_t len;
	unsigned boots;
	int fail_at;		/* boot number that fails; 0: none */
} guest;

static int boot(void *opaque, struct mem *mem, struct vcpu *v, char *err)
{
	if ((int)++guest.boots == guest.fail_at) {
		snprintf(err, VM_ERR_LEN, "no second time");
		return -1;
	}
	vcpu_set_flat32(v, 0x08, 0x10, CODE_AT);
	v->gpr[GPR_SP] = STACK_TOP;
	v->gpr[GPR_BX] = guest.boots;
	return mem_write(mem, CODE_AT, guest.code, guest.len);
}

static void create(int which, bool no_reboot, const uint8_t *code,
		   const uint8_t *end)
{
	struct vm_config cfg = {
		.ram_size = 4 * MIB, .engine = engines[which],
		.engine_options = which == HV_IRQCHIP ? irqchip_on :
				  irqchip_off,
		.no_reboot = no_reboot, .boot = boot,
	};
	char err[VM_ERR_LEN];

	guest.code = code;
	guest.len = end - code;
	report = open_memstream(&text, &text_len);
	cfg.log = report;
	ck_assert_int_eq(loop_create(&loop), 0);
	cfg.loop = loop;
	ck_assert_msg(!vm_create(&vm, &cfg, err), "%s", err);
}

#define CREATE(no_reboot, name) \
	create(_i, no_reboot, name, name##_end)

static void run_to(enum vm_stop_reason reason, int status)
{
	int got = vm_run(vm);

	fflush(report);
	ck_assert_msg(vm_stopped(vm) == reason, "%s", text);
	ck_assert_int_eq(got, status);
	ck_assert_ptr_nonnull(strstr(text, vm_stop_text(reason)));
	vm_destroy(vm);
	loop_destroy(loop);
}

GUEST(leaver, EXIT(0x10));

START_TEST(debug_exit_is_the_status)
{
	CREATE(false, leaver);
	run_to(VM_STOP_DEBUG_EXIT, 0x21);
}
END_TEST

GUEST(writer, "movl $1, 0x123004; incl 0x123008;" EXIT(0x10));

/* The memory's own calls, which snapshots are to use. */
START_TEST(written_pages_are_told_through_the_memory)
{
	bool hv = _i >= HV;
	struct mem *mem;
	uint64_t *bits;
	int ret;

	CREATE(false, writer);
	mem = vm_mem(vm);
	bits = calloc(mem->top / PAGE_SIZE / 64 + 1, sizeof(*bits));
	ret = mem_dirty_log(mem, true);
	ck_assert_int_eq(ret, hv ? 0 : -ENOTSUP);
	ck_assert_int_eq(vm_run(vm), 0x21);
	ret = mem_dirty_fetch(mem, bits);
	ck_assert_int_eq(ret, hv ? 0 : -ENOTSUP);
	ck_assert_int_eq(bits[0x123 / 64] >> 0x123 % 64 & 1, hv);
	ck_assert_int_eq(bits[0x124 / 64] >> 0x124 % 64 & 1, 0);
	ck_assert_int_eq(mem_dirty_log(mem, false), hv ? 0 : -ENOTSUP);
	free(bits);
	vm_destroy(vm);
	loop_destroy(loop);
}
END_TEST

GUEST(sleeper, "mov $0x604, %dx; mov $0x2000, %ax; out %ax, %dx; jmp .");

START_TEST(acpi_soft_off_powers_off)
{
	CREATE(false, sleeper);
	run_to(VM_STOP_POWEROFF, 0);
}
END_TEST

GUEST(halter, "cli; hlt; jmp .");

/* KVM's own controllers keep a HLT to themselves: it is looked for. */
START_TEST(halt_with_interrupts_off_is_the_end)
{
	CREATE(false, halter);
	run_to(VM_STOP_HALTED, 6);
	ck_assert_ptr_nonnull(strstr(text, "eip 00010002"));
}
END_TEST

/* No IDT: UD2 is a triple fault.  The boot function counts in ebx. */
GUEST(faulter,
      "lidt 0x30000; cmp $3, %ebx; je 1f; ud2; 1:" EXIT(1));

START_TEST(triple_fault_ends_or_resets)
{
	CREATE(true, faulter);
	run_to(VM_STOP_TRIPLE_FAULT, 4);
	ck_assert_uint_eq(guest.boots, 1);
	guest.boots = 0;
	CREATE(false, faulter);
	run_to(VM_STOP_DEBUG_EXIT, 3);
	ck_assert_uint_eq(guest.boots, 3);
}
END_TEST

GUEST(resetter,
      "cmp $1, %ebx; jne 1f;" OUT(0x64, 0xfe)
      "jmp .; 1: cmp $2, %ebx; jne 1f;" OUT(0x92, 0x01)
      "jmp .; 1: cmp $3, %ebx; jne 1f;"
      "mov $0xcf9, %dx; mov $6, %al; out %al, %dx;"
      "jmp .; 1:" EXIT(7));

START_TEST(reset_lines_reset)
{
	CREATE(false, resetter);
	run_to(VM_STOP_DEBUG_EXIT, 15);
	ck_assert_uint_eq(guest.boots, 4);
}
END_TEST

START_TEST(reset_ends_with_no_reboot)
{
	CREATE(true, resetter);
	run_to(VM_STOP_RESET, 2);
}
END_TEST

START_TEST(boot_failure_after_reset_is_reported)
{
	CREATE(false, resetter);
	guest.fail_at = 2;
	run_to(VM_STOP_BOOT, 12);
	ck_assert_ptr_nonnull(strstr(text, "no second time"));
}
END_TEST

/*
 * Closes line 20, looks at the odd megabyte, runs there, and opens it again.
 * Leaves 1, 2, ... where the memory is not what it should be, 10h at the end.
 */
#define CHECK(addr, val, n) \
	"cmpl $" #val ", " #addr "; mov $" #n ", %al; jne 9f\n"
GUEST(gater,
      "movl $0x11111111, 0x20000; movl $0x22222222, 0x120000\n"
      OUT(0x64, 0xd1) OUT(0x60, 0xdd)
      CHECK(0x120000, 0x11111111, 1)
      "movl $0x33333333, 0x120000\n"
      CHECK(0x20000, 0x33333333, 2)
      "mov $(0x100000 + " ADDR(gater, 8f) "), %eax; jmp *%eax; 8:\n"
      "mov $" ADDR(gater, 7f) ", %eax; jmp *%eax; 7:\n"
      OUT(0x64, 0xd1) OUT(0x60, 0xdf)
      CHECK(0x120000, 0x22222222, 3)
      CHECK(0x20000, 0x33333333, 4)
      "mov $0x10, %al\n"
      "9: out %al, $0xf4; jmp .");

START_TEST(closed_a20_folds_odd_megabytes)
{
	CREATE(false, gater);
	run_to(VM_STOP_DEBUG_EXIT, 0x21);
}
END_TEST

/*
 * Switches F0000h between RAM and the (empty) ISA bus while it runs code there,
 * and patches what it has run.
 */
#define PAM0(val) "mov $0x80000058, %eax; mov $0xcf8, %dx; out %eax, %dx\n" \
	"mov $0xcfd, %dx; mov $" #val ", %al; out %al, %dx\n"
GUEST(shadower,
      "movl $0xc3424040, 0xf0000; xor %ecx, %ecx; mov $0xf0000, %ebx\n"
      "mov $100, %esi; 1: mov $0, %eax; call *%ebx; dec %esi; jnz 1b\n"
      "cmp $2, %eax; mov $1, %al; jne 9f\n"
      PAM0(0x00)
      CHECK(0xf0000, 0xffffffff, 2)
      "movl $0xc3404040, 0xf0000\n"		/* dropped */
      PAM0(0x20)
      CHECK(0xf0000, 0xffffffff, 3)
      "movb $0x90, 0xf0000\n"			/* RAM, unseen */
      PAM0(0x10)
      CHECK(0xf0000, 0xc3424090, 4)
      "movl $0, 0xf0000\n"			/* dropped */
      "xor %eax, %eax; call *%ebx; cmp $1, %eax; mov $5, %al; jne 9f\n"
      PAM0(0x30)
      "movb $0x40, 0xf0000\n"
      "xor %eax, %eax; call *%ebx; cmp $2, %eax; mov $6, %al; jne 9f\n"
      "mov $0x10, %al\n"
      "9: out %al, $0xf4; jmp .");

START_TEST(pam_changes_memory_under_running_code)
{
	CREATE(false, shadower);
	run_to(VM_STOP_DEBUG_EXIT, 0x21);
}
END_TEST

static void *quit_later(void *opaque)
{
	usleep(50000);
	vm_request_stop(vm, VM_STOP_QUIT);
	return NULL;
}

GUEST(spinner, "jmp .");
GUEST(waiter, "sti; hlt; jmp .");

START_TEST(quit_ends_a_tight_loop_and_a_halt)
{
	pthread_t t;

	CREATE(false, spinner);
	pthread_create(&t, NULL, quit_later, NULL);
	run_to(VM_STOP_QUIT, 0);
	pthread_join(t, NULL);
	CREATE(false, waiter);
	pthread_create(&t, NULL, quit_later, NULL);
	run_to(VM_STOP_QUIT, 0);
	pthread_join(t, NULL);
}
END_TEST

static void *reset_later(void *opaque)
{
	usleep(50000);
	vm_request_reset(vm);
	return NULL;
}

GUEST(patient, "cmp $2, %ebx; jne .; " EXIT(1));

START_TEST(reset_from_outside)
{
	pthread_t t;

	CREATE(false, patient);
	pthread_create(&t, NULL, reset_later, NULL);
	run_to(VM_STOP_DEBUG_EXIT, 3);
	pthread_join(t, NULL);
}
END_TEST

/*
 * IRQ 0 at vector 20h, 100 Hz; counts ticks with HLT until there are @n.
 * The IDT at 30000h has one gate, the GDT is the program's own.
 */
#define TICKER(name, n) GUEST(name, \
      "lgdt " ADDR(name, gdt_reg_##name) "; " \
      "lidt " ADDR(name, idt_reg_##name) ";" \
      "mov $" ADDR(name, on_tick_##name) ", %eax;" \
      "movw %ax, 0x30100; movw $8, 0x30102;" \
      "movw $0x8e00, 0x30104; shr $16, %eax; movw %ax, 0x30106;" \
      OUT(0x20, 0x11) OUT(0x21, 0x20) OUT(0x21, 0x04) OUT(0x21, 0x01) \
      OUT(0x21, 0xfe) \
      OUT(0x43, 0x34) OUT(0x40, 0x9c) OUT(0x40, 0x2e) \
      "1: sti; hlt; cmpl $" #n ", 0x20000; jb 1b;" EXIT(2) \
      "on_tick_" #name ": incl 0x20000; push %eax;" OUT(0x20, 0x20) \
      "pop %eax; iret;" \
      ".balign 8; gdt_" #name ": .quad 0, 0x00cf9b000000ffff, " \
      "0x00cf93000000ffff;" \
      "gdt_reg_" #name ": .word 23; .long " ADDR(name, gdt_##name) ";" \
      "idt_reg_" #name ": .word 0x7ff; .long 0x30000")
TICKER(ticker, 5);
TICKER(long_ticker, 50);

START_TEST(timer_wakes_a_halted_vcpu)
{
	CREATE(true, ticker);
	run_to(VM_STOP_DEBUG_EXIT, 5);
}
END_TEST

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* The counter that stands before @name in what is printed of processor 0. */
static unsigned counted(const char *name)
{
	char *stats, *p;
	size_t len;
	unsigned n;
	FILE *f = open_memstream(&stats, &len);

	vm_print_stats(vm, f);
	fclose(f);
	p = strstr(stats, name);
	ck_assert_ptr_nonnull(p);
	while (p[-1] == ' ')
		p--;
	while (p[-1] >= '0' && p[-1] <= '9')
		p--;
	n = strtoul(p, NULL, 10);
	free(stats);
	return n;
}

/*
 * Who waits in a loop of its own takes all of the time.  That of a guest in
 * KVM is not the process's on every host, so the halts are counted as well;
 * a tick that is late finds the guest awake.  KVM's controllers halt in KVM.
 */
START_TEST(halt_sleeps_and_no_tick_comes_early)
{
	double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
	double real = seconds(CLOCK_MONOTONIC);

	CREATE(true, long_ticker);
	ck_assert_int_eq(vm_run(vm), 5);
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	real = seconds(CLOCK_MONOTONIC) - real;
	ck_assert_msg(real > 0.48, "50 ticks of 10 ms in %f s", real);
	ck_assert_msg(cpu < real / 2, "%f s of %f s", cpu, real);
	if (_i != HV_IRQCHIP) {
		ck_assert_uint_ge(counted(" halts,"), 5);
		ck_assert_uint_le(counted(" halts,"), 55);
		ck_assert_uint_le(counted(" engine entries,"), 200);
	}
	vm_destroy(vm);
	loop_destroy(loop);
}
END_TEST

/* Pauses in the middle: the ticks wait, and so does the guest's clock. */
static struct {
	int fd[2];
	unsigned rounds;
} pauser;

static void same_state(const struct vcpu *a, const struct vcpu *b)
{
	const uint8_t *x = (const uint8_t *)a, *y = (const uint8_t *)b;

	for (unsigned n = 0; n < sizeof(*a); n++)
		ck_assert_msg(x[n] == y[n], "byte %u of the state: %02x, "
			      "then %02x", n, x[n], y[n]);
}

static void on_pause(void *opaque, int fd, short revents)
{
	struct vcpu before, after;
	char c;

	if (read(fd, &c, 1) != 1)
		return;
	vm_pause(vm);
	vm_pause(vm);
	vm_get_state(vm, &before);
	usleep(20000);
	vm_get_state(vm, &after);
	same_state(&before, &after);
	vm_resume(vm);
	vm_resume(vm);
	pauser.rounds++;
}

static void *pause_often(void *opaque)
{
	for (unsigned i = 0; i < 10; i++) {
		usleep(3000);
		ck_assert_int_eq(write(pauser.fd[1], "p", 1), 1);
	}
	return NULL;
}

static void run_with_pauses(int status)
{
	pthread_t t;

	ck_assert_int_eq(pipe(pauser.fd), 0);
	loop_add_fd(loop, pauser.fd[0], POLLIN, on_pause, NULL);
	pthread_create(&t, NULL, pause_often, NULL);
	run_to(VM_STOP_DEBUG_EXIT, status);
	pthread_join(t, NULL);
	ck_assert_uint_ge(pauser.rounds, 1);
}

START_TEST(paused_vcpu_stands_still)
{
	CREATE(true, ticker);
	run_with_pauses(5);
}
END_TEST

/* Until 2^28 clocks have passed; 3: the counter went back. */
GUEST(clockwatcher,
      "rdtsc; mov %eax, %ebp; mov %edx, %ecx;"
      "mov %eax, %edi; mov %edx, %esi;"
      "1: rdtsc; cmp %esi, %edx; jb 3f; ja 2f; cmp %edi, %eax; jb 3f;"
      "2: mov %eax, %edi; mov %edx, %esi;"
      "sub %ebp, %eax; sbb %ecx, %edx; jnz 4f;"
      "cmp $0x10000000, %eax; jb 1b; 4:" EXIT(7)
      "3:" EXIT(3));

START_TEST(time_stamp_counter_does_not_go_back_over_pauses)
{
	CREATE(true, clockwatcher);
	run_with_pauses(15);
}
END_TEST

/*
 * However often somebody looks into the machine, its TSC and its clock stay
 * together; half a microsecond a time is what Linux would notice in the end.
 */
#define LOOKS	400

struct clocks {
	uint64_t tsc, ns;		/* of the host */
	uint64_t guest_tsc, guest_ns;	/* at the same instant */
};

static struct clocks clocks_now(void)
{
	uint64_t tsc, behind = UINT64_MAX;
	struct clocks c = { .ns = clock_host(&c.tsc) };
	struct vcpu v;

	/* The guest's clock is the host's minus something: the least seen. */
	for (unsigned n = 0; n < 20; n++) {
		uint64_t now = clock_now(vm->clock);
		uint64_t diff = clock_host(&tsc) - now;

		behind = diff < behind ? diff : behind;
	}
	vm_get_state(vm, &v);
	c.guest_tsc = c.tsc + v.msr.tsc_offset;
	c.guest_ns = c.ns - behind;
	return c;
}

static void on_looks(void *opaque, int fd, short revents)
{
	struct clocks a = clocks_now(), b;
	double rate, skew;

	for (unsigned n = 0; n < LOOKS; n++) {
		vm_pause(vm);
		vm_resume(vm);
	}
	b = clocks_now();
	rate = (double)(b.tsc - a.tsc) / (b.ns - a.ns);
	skew = (b.guest_tsc - a.guest_tsc) / rate - (b.guest_ns - a.guest_ns);
	ck_assert_msg(skew > -500.0 * LOOKS && skew < 500.0 * LOOKS,
		      "%d pauses moved the TSC by %.0f ns", LOOKS, skew);
	vm_stop(vm, VM_STOP_QUIT, NULL);
}

START_TEST(tsc_and_clock_stand_still_together)
{
	int fd[2];

	CREATE(true, spinner);
	ck_assert_int_eq(pipe(fd), 0);
	ck_assert_int_eq(write(fd[1], "p", 1), 1);
	loop_add_fd(loop, fd[0], POLLIN, on_looks, NULL);
	run_to(VM_STOP_QUIT, 0);
}
END_TEST

/*
 * Starts the other processors, which count at 500h and then spin or (odd ones)
 * halt; waits until all of this boot have counted; resets twice, then leaves.
 * Pauses come at any time.
 */
GUEST(starter,
      "mov $" ADDR(starter, ap_code) ", %esi; mov $0x9000, %edi;"
      "mov $(ap_code_end - ap_code), %ecx; rep movsb;"
      "mov $0xfee00000, %edi; movl $0x1ff, 0xf0(%edi);"
      "movl $0xc4500, 0x300(%edi); movl $0xc4609, 0x300(%edi);"
      "lea (%ebx, %ebx), %eax; add %ebx, %eax;"
      "1: cmpw %ax, 0x500; jb 1b;"
      "mov $20000, %ecx; 1: loop 1b;"
      "cmp $3, %ebx; je 1f;"
      "mov $0xcf9, %dx; mov $6, %al; out %al, %dx; jmp .;"
      "1:" EXIT(9)
      ".code16; ap_code: cli; xor %ax, %ax; mov %ax, %ds;"
      "mov $1, %ax; lock xadd %ax, 0x500; test $1, %al; jz .;"
      "1: hlt; jmp 1b; ap_code_end: .code32");

static const char *const *const irqchips[] = { irqchip_off, irqchip_on };

static void create_several(int which, unsigned cpus, const uint8_t *code,
			   const uint8_t *end)
{
	struct vm_config cfg = {
		.ram_size = 4 * MIB, .engine = "hv", .cpus = cpus,
		.boot = boot, .engine_options = irqchips[which],
	};
	char err[VM_ERR_LEN];

	guest.code = code;
	guest.len = end - code;
	cfg.log = report = open_memstream(&text, &text_len);
	ck_assert_int_eq(loop_create(&loop), 0);
	cfg.loop = loop;
	ck_assert_msg(!vm_create(&vm, &cfg, err), "%s", err);
}

START_TEST(processors_are_paused_and_reset_together)
{
	pthread_t t;

	create_several(_i, 4, starter, starter_end);
	ck_assert_int_eq(pipe(pauser.fd), 0);
	loop_add_fd(loop, pauser.fd[0], POLLIN, on_pause, NULL);
	pthread_create(&t, NULL, pause_often, NULL);
	run_to(VM_STOP_DEBUG_EXIT, 9 << 1 | 1);
	pthread_join(t, NULL);
	ck_assert_uint_eq(guest.boots, 3);
}
END_TEST

/*
 * Processor 0 starts another and halts with interrupts off; the other halts as
 * well, until its local timer expires after 3 s, sends an NMI to processor 0,
 * whose handler leaves.
 */
GUEST(sleepers,
      "lgdt " ADDR(sleepers, sl_gdt_reg) "; lidt " ADDR(sleepers, sl_idt_reg) ";"
      "mov $" ADDR(sleepers, sl_nmi) ", %eax; mov $2, %ebp; call sl_gate;"
      "mov $" ADDR(sleepers, sl_timer) ", %eax; mov $0x40, %ebp;"
      "call sl_gate;"
      "mov $" ADDR(sleepers, sl_ap) ", %esi; mov $0x9000, %edi;"
      "mov $(sl_ap_end - sl_ap), %ecx; rep movsb;"
      "mov $0xfee00000, %edi; movl $0x1ff, 0xf0(%edi);"
      "movl $0xc4500, 0x300(%edi); movl $0xc4609, 0x300(%edi);"
      "1: cli; hlt; jmp 1b;"
      "sl_gate: movw %ax, 0x30000(,%ebp,8); movw $8, 0x30002(,%ebp,8);"
      "movw $0x8e00, 0x30004(,%ebp,8); shr $16, %eax;"
      "movw %ax, 0x30006(,%ebp,8); ret;"
      "sl_nmi: " EXIT(6)
      "sl_timer: movl $0, 0x310(%edi); movl $0x4400, 0x300(%edi);"
      "1: cli; hlt; jmp 1b;"
      "sl_ap32: mov $0x10, %ax; mov %ax, %ds; mov %ax, %ss;"
      "mov $0x17000, %esp; mov $0xfee00000, %edi; movl $0x1ff, 0xf0(%edi);"
      "movl $0xb, 0x3e0(%edi); movl $0x40, 0x320(%edi);"
      "movl $3000000000, 0x380(%edi); sti; 1: hlt; jmp 1b;"
      ".code16; sl_ap: cli; xor %ax, %ax; mov %ax, %ds;"
      "lgdtl (0x9000 + sl_gdt16 - sl_ap);"
      "lidtl (0x9000 + sl_idt16 - sl_ap);"
      "mov $1, %eax; mov %eax, %cr0;"
      "ljmpl $8, $" ADDR(sleepers, sl_ap32) ";"
      "sl_gdt16: .word 23; .long " ADDR(sleepers, sl_gdt) ";"
      "sl_idt16: .word 0x7ff; .long 0x30000; sl_ap_end: .code32;"
      ".balign 8; sl_gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff;"
      "sl_gdt_reg: .word 23; .long " ADDR(sleepers, sl_gdt) ";"
      "sl_idt_reg: .word 0x7ff; .long 0x30000");

START_TEST(halt_that_another_processor_ends_is_none_for_good)
{
	create_several(_i, 2, sleepers, sleepers_end);
	run_to(VM_STOP_DEBUG_EXIT, 6 << 1 | 1);
}
END_TEST

START_TEST(halt_beside_processors_that_were_not_started_is_the_end)
{
	create_several(_i, 2, halter, halter_end);
	run_to(VM_STOP_HALTED, 6);
}
END_TEST

START_TEST(several_processors_need_hv)
{
	struct vm_config cfg = {
		.ram_size = 4 * MIB, .engine = "bt", .cpus = 2, .boot = boot,
	};
	char err[VM_ERR_LEN];

	ck_assert_int_eq(loop_create(&loop), 0);
	cfg.loop = loop;
	ck_assert_int_ne(vm_create(&vm, &cfg, err), 0);
	ck_assert_ptr_nonnull(strstr(err, "bt runs one"));
	cfg.engine = "hv";
	cfg.cpus = VM_CPUS_MAX + 1;
	ck_assert_int_ne(vm_create(&vm, &cfg, err), 0);
	ck_assert_ptr_nonnull(strstr(err, "at most"));
}
END_TEST

START_TEST(first_reason_wins)
{
	CREATE(false, spinner);
	vm_stop(vm, VM_STOP_INTERNAL, "first %d", 1);
	vm_stop(vm, VM_STOP_QUIT, NULL);
	run_to(VM_STOP_INTERNAL, 10);
	ck_assert_ptr_nonnull(strstr(text, "first 1"));
}
END_TEST

START_TEST(unknown_engine_is_refused)
{
	struct vm_config cfg = { .ram_size = 4 * MIB, .engine = "steam" };
	char err[VM_ERR_LEN];
	struct vm *none;

	ck_assert_int_eq(loop_create(&loop), 0);
	cfg.loop = loop;
	ck_assert_int_ne(vm_create(&none, &cfg, err), 0);
	ck_assert_ptr_nonnull(strstr(err, "steam"));
	cfg.engine = "interp";
	cfg.ram_size = 12345;
	ck_assert_int_ne(vm_create(&none, &cfg, err), 0);
	ck_assert_ptr_null(none);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		debug_exit_is_the_status,
		written_pages_are_told_through_the_memory, acpi_soft_off_powers_off,
		halt_with_interrupts_off_is_the_end,
		triple_fault_ends_or_resets, reset_lines_reset,
		reset_ends_with_no_reboot,
		boot_failure_after_reset_is_reported,
		closed_a20_folds_odd_megabytes,
		pam_changes_memory_under_running_code,
		quit_ends_a_tight_loop_and_a_halt, reset_from_outside,
		timer_wakes_a_halted_vcpu,
		halt_sleeps_and_no_tick_comes_early, paused_vcpu_stands_still,
		time_stamp_counter_does_not_go_back_over_pauses,
		first_reason_wins,
	};
	const TTest *const several[] = {
		processors_are_paused_and_reset_together,
		halt_that_another_processor_ends_is_none_for_good,
		halt_beside_processors_that_were_not_started_is_the_end,
	};
	Suite *s = suite_create("vm");
	TCase *t = tcase_create("vm");
	SRunner *r = srunner_create(s);
	int n = hv_there("vm under hv") ? ENGINES : HV;

	tcase_set_timeout(t, 20);
	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_loop_test(t, tests[i], 0, n);
	/* Under HV, KVM has the offset, or cannot have one. */
	tcase_add_loop_test(t, tsc_and_clock_stand_still_together, 0, HV);
	for (unsigned i = 0; n == ENGINES && i < ARRAY_SIZE(several); i++)
		tcase_add_loop_test(t, several[i], 0, ARRAY_SIZE(irqchips));
	tcase_add_test(t, several_processors_need_hv);
	tcase_add_test(t, unknown_engine_is_refused);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
