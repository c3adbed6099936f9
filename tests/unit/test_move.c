// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A running vCPU moves between BT and HV: what it computes, what waits for it
 * and how often an interrupt comes must not show it.
 *
 * The guests use neither paging nor CPL 3, so that any KVM can run them; the
 * machine is told that this one can do everything.
 */
#include <check.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "hypervisor/host.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/vm.h"
#include "tests/unit/hv_rig.h"

#define CODE_AT		0x10000
#define STACK_TOP	0x18000
/* Words that guest and test share. */
#define READY		0x20000		/* the guest has come so far */
#define GO		0x20004		/* the test lets it go on */
#define TICKS		0x20008

#define GUEST(name, text) \
	extern const uint8_t name[], name##_end[]; \
	__asm__(".pushsection .rodata\n.code32\n" \
		#name ":\n" text "\n" #name "_end:\n.code64\n.popsection")
#define ADDR(name, label) "(0x10000 + " #label " - " #name ")"
#define OUT(port, val) "mov $" #val ", %al; out %al, $" #port "\n"
/* Tables, IRQ 0 at vector 20h, the 8259 with IRQ 0 alone. */
#define SET_UP(name) \
	"lgdt " ADDR(name, gdt_##name) "; lidt " ADDR(name, idt_##name) ";" \
	"mov $" ADDR(name, tick_##name) ", %eax;" \
	"movw %ax, 0x30100; movw $8, 0x30102;" \
	"movw $0x8e00, 0x30104; shr $16, %eax; movw %ax, 0x30106;" \
	OUT(0x20, 0x11) OUT(0x21, 0x20) OUT(0x21, 0x04) OUT(0x21, 0x01) \
	OUT(0x21, 0xfe)
#define TABLES(name) \
	"tick_" #name ": incl 0x20008; push %eax;" OUT(0x20, 0x20) \
	"pop %eax; iret;" \
	".balign 8; table_" #name ": .quad 0, 0x00cf9b000000ffff, " \
	"0x00cf93000000ffff;" \
	"gdt_" #name ": .word 23; .long " ADDR(name, table_##name) ";" \
	"idt_" #name ": .word 0x7ff; .long 0x30000"

/*
 * One shot of the 8254.  Waits with IF = 0 until the 8259 has the request,
 * says so, waits for the test, then lets interrupts in for a while.
 */
GUEST(one_shot,
      SET_UP(one_shot)
      OUT(0x43, 0x30) OUT(0x40, 0x00) OUT(0x40, 0x01)
      OUT(0x20, 0x0a)
      "1: in $0x20, %al; test $1, %al; jz 1b;"
      "movl $1, 0x20000;"
      "1: cmpl $0, 0x20004; je 1b;"
      "sti; mov $20000, %ecx; 1: loop 1b; cli;"
      "mov 0x20008, %al; out %al, $0xf4; jmp .;"
      TABLES(one_shot));

/*
 * Ticks at 1 kHz while a sum is computed in registers, the FPU holds 1 + 2 and
 * segment FS has a base of its own; leaves with 0x10 if all came out right
 * after 60 ticks, with 1 otherwise.
 */
GUEST(worker,
      SET_UP(worker)
      OUT(0x43, 0x34) OUT(0x40, 0xa9) OUT(0x40, 0x04)
      "fninit; fld1; fld1; fadd %st(0), %st(0);"	/* 1, 2 */
      "movl $1, 0x20000; sti;"
      "xor %ebx, %ebx; xor %esi, %esi;"
      "1: mov $100, %ecx; 2: lea 1(%ebx), %ebx; add %ebx, %esi;"
      "loop 2b;"
      "cmpl $60, 0x20008; jb 1b; cli;"
      /* esi = ebx * (ebx + 1) / 2 modulo 2^32 */
      "lea 1(%ebx), %eax; mul %ebx; shrd $1, %edx, %eax;"
      "cmp %eax, %esi; jne bad_worker;"
      "faddp; fistpl 0x20010; cmpl $3, 0x20010; jne bad_worker;"
      "mov $0x10, %al; out %al, $0xf4; jmp .;"
      "bad_worker: mov $1, %al; out %al, $0xf4; jmp .;"
      TABLES(worker));

/*
 * Runs code that has a number in it, on and on, and writes the next number
 * there when the test wants it; leaves with 0x10 when the test says so, or at
 * once with 1 if the number was another one.
 */
#define PATCH		0x2000c

GUEST(patcher,
      "movl $1, 0x20000; xor %ebx, %ebx;"
      "1: call number_patcher - 1; cmp %ebx, %eax; jne bad_patcher;"
      "incl 0x20008;"
      "cmpl $0, 0x2000c; je 2f;"
      "inc %ebx; mov %ebx, " ADDR(patcher, number_patcher) ";"
      "movl $0, 0x2000c;"
      "2: cmpl $0, 0x20004; je 1b;"
      "mov $0x10, %al; out %al, $0xf4; jmp .;"
      "bad_patcher: mov $1, %al; out %al, $0xf4; jmp .;"
      ".balign 4096; .byte 0xb8; number_patcher: .long 0; ret");

static struct loop *loop;
static struct vm *vm;
static FILE *report;
static char *text;
static size_t text_len;
static struct {
	const uint8_t *code;
	size_t len;
} guest;
static struct {
	void (*fn)(void);
	unsigned us;
} nudge;
static unsigned moves;

static int boot(void *opaque, struct mem *mem, struct vcpu *v, char *err)
{
	vcpu_set_flat32(v, 0x08, 0x10, CODE_AT);
	v->gpr[GPR_SP] = STACK_TOP;
	return mem_write(mem, CODE_AT, guest.code, guest.len);
}

static void believe_in_kvm(void)
{
	static struct host_caps caps;

	caps = *host_caps();
	caps.kvm.state = HOST_KVM_USABLE;
	for (unsigned n = 0; n < HOST_PROBE_COUNT; n++)
		caps.kvm.probe[n].result = PROBE_WORKS;
	host_caps_set(&caps);
}

static const char *const irqchip[][2] = {
	{ "hv.irqchip=off" }, { "hv.irqchip=on" },
};

static void create(const char *engine, const char *spare, int controllers,
		   const uint8_t *code, const uint8_t *end)
{
	struct vm_config cfg = {
		.ram_size = 4 * MIB, .engine = engine, .spare_engine = spare,
		.engine_options = irqchip[controllers],
		.no_reboot = true, .boot = boot,
	};
	char err[VM_ERR_LEN];

	believe_in_kvm();
	guest.code = code;
	guest.len = end - code;
	report = open_memstream(&text, &text_len);
	cfg.log = report;
	ck_assert_int_eq(loop_create(&loop), 0);
	cfg.loop = loop;
	ck_assert_msg(!vm_create(&vm, &cfg, err), "%s", err);
}

/* The next time counts from the end of this one, or the guest might starve. */
static void arm(int fd)
{
	struct itimerspec t = { .it_value.tv_nsec = nudge.us * 1000 };

	ck_assert_int_eq(timerfd_settime(fd, 0, &t, NULL), 0);
}

static void on_timer(void *opaque, int fd, short revents)
{
	uint64_t n;

	ck_assert_int_eq(read(fd, &n, sizeof(n)), sizeof(n));
	nudge.fn();
	arm(fd);
}

/* Runs the machine, and @fn in the loop with @us microseconds between. */
static void run(void (*fn)(void), unsigned us, int status)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int got;

	nudge.fn = fn;
	nudge.us = us;
	ck_assert_int_ge(fd, 0);
	loop_add_fd(loop, fd, POLLIN, on_timer, NULL);
	arm(fd);
	got = vm_run(vm);
	fflush(report);
	ck_assert_msg(got == status, "status %d: %s", got, text);
	loop_del_fd(loop, fd);
	close(fd);
	vm_destroy(vm);
	loop_destroy(loop);
}

static uint32_t peek(gpa_t gpa)
{
	uint32_t val;

	ck_assert_int_eq(mem_read(vm_mem(vm), gpa, &val, 4), 0);
	return val;
}

static void other_engine(void)
{
	const char *to = strcmp(vm_engine_name(vm), "hv") ? "hv" : "bt";
	char err[VM_ERR_LEN];

	ck_assert_msg(!vm_set_engine(vm, to, err), "%s", err);
	ck_assert_str_eq(vm_engine_name(vm), to);
	moves++;
}

static void move_once(void)
{
	uint32_t one = 1;

	if (!peek(READY) || moves)
		return;
	other_engine();
	ck_assert_int_eq(mem_write(vm_mem(vm), GO, &one, 4), 0);
}

START_TEST(pending_interrupt_comes_once_after_a_move)
{
	static const char *const names[] = { "bt", "hv" };

	create(names[_i & 1], names[!(_i & 1)], _i / 2, one_shot,
	       one_shot_end);
	run(move_once, 2000, 1 << 1 | 1);
	ck_assert_uint_eq(moves, 1);
}
END_TEST

static void move_on(void)
{
	if (peek(READY))
		other_engine();
}

START_TEST(work_goes_on_over_any_number_of_moves)
{
	create("bt", "hv", _i, worker, worker_end);
	run(move_on, 2000, 0x10 << 1 | 1);
	ck_assert_uint_ge(moves, 10);
}
END_TEST

static void poke(gpa_t gpa, uint32_t val)
{
	ck_assert_int_eq(mem_write(vm_mem(vm), gpa, &val, 4), 0);
}

/* Under HV alone the code changes, once; BT finds no reason to watch it. */
static void patch_and_move(void)
{
	static uint32_t rounds;
	static bool asked;

	/* Not before the guest has run that code here. */
	if (peek(PATCH) || peek(TICKS) - rounds < 2)
		return;
	rounds = peek(TICKS);
	if (!strcmp(vm_engine_name(vm), "hv") && !asked) {
		poke(PATCH, 1);
		asked = true;
	} else if (moves < 20) {
		other_engine();
		asked = false;
	} else {
		poke(GO, 1);
	}
}

START_TEST(code_that_changed_meanwhile_is_new)
{
	create("bt", "hv", _i, patcher, patcher_end);
	run(patch_and_move, 1000, 0x10 << 1 | 1);
	ck_assert_uint_eq(moves, 20);
}
END_TEST

static void refuse(void)
{
	char err[VM_ERR_LEN];

	ck_assert_int_ne(vm_set_engine(vm, "hv", err), 0);
	ck_assert_ptr_nonnull(strstr(err, "started without"));
	ck_assert_int_ne(vm_set_engine(vm, "steam", err), 0);
	ck_assert_str_eq(vm_engine_name(vm), "bt");
	vm_request_stop(vm, VM_STOP_QUIT);
}

START_TEST(engine_that_was_not_made_is_refused)
{
	create("bt", NULL, 0, worker, worker_end);
	run(refuse, 2000, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("move");
	TCase *t = tcase_create("move");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 30);
	if (hv_there("moves between bt and hv")) {
		tcase_add_loop_test(t, pending_interrupt_comes_once_after_a_move,
				    0, 4);
		tcase_add_loop_test(t, work_goes_on_over_any_number_of_moves,
				    0, 2);
		tcase_add_loop_test(t, code_that_changed_meanwhile_is_new,
				    0, 2);
	}
	tcase_add_test(t, engine_that_was_not_made_is_refused);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
