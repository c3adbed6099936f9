// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interrupts that the HV engine gives to KVM come once each, whatever else
 * happens then: unfinished instructions, exceptions, kicks, state taken and
 * put back.
 *
 * A real KVM runs a small guest.  Interrupts are raised behind KVM_RUN, by
 * hv_ioctl_hook, so that one meets each kind of exit; as with a local APIC, the
 * next comes when the guest has ended the last.
 */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fullvirt/hv/hv.h"
#include "hypervisor/mem.h"
#include "tests/unit/hv_rig.h"

#define CODE_AT		0x10000
#define IDT_AT		0x30000
#define COUNTS_AT	0x20000
#define STACK_TOP	0x18000
#define MMIO_AT		0xe0000000u
#define VECTOR		0x33
#define LOOPS		2000
#define EOI_PORT	0x20
#define END_PORT	0xf4

/*
 * One of 2000 turns (LOOPS): RDMSR that is #GP, a port, #DB behind a port,
 * memory of a device, a string from a port.
 */
extern const uint8_t guest[], guest_end[];
__asm__(".pushsection .rodata\n.code32\n"
"guest:\n"
#define AT(label) "(0x10000 + " #label " - guest)"
"	lgdt " AT(gdt_reg) "\n"
"	lidt " AT(idt_reg) "\n"
"	cld\n"
"	sti\n"
"1:	mov $0x4711, %ecx\n"
"	rdmsr\n"
"	in $0x60, %al\n"
"	pushf\n"
"	orl $0x100, (%esp)\n"
"	popf\n"
"	out %al, $0x80\n"
"	nop\n"
"	mov 0xe0000000, %eax\n"
"	mov %eax, 0xe0000004\n"
"	mov $0x28000, %edi\n"
"	mov $8, %ecx\n"
"	mov $0x60, %edx\n"
"	rep insb\n"
"	incl 0x20000\n"
"	cmpl $2000, 0x20000\n"
"	jb 1b\n"
"	mov $1000, %ecx\n"
"1:	nop\n"
"	loop 1b\n"
"	cli\n"
"	out %al, $0xf4\n"
"	jmp .\n"
"on_intr:\n"
"	incl 0x20004\n"
"	push %eax\n"
"	out %al, $0x20\n"
"	pop %eax\n"
"	iret\n"
"on_gp:\n"
"	incl 0x20008\n"
"	add $4, %esp\n"
"	addl $2, (%esp)\n"
"	iret\n"
"on_db:\n"
"	incl 0x2000c\n"
"	andl $~0x100, 8(%esp)\n"
"	iret\n"
"	.balign 8\n"
"gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff\n"
"gdt_reg: .word 23\n"
"	.long " AT(gdt) "\n"
"idt_reg: .word 0x7ff\n"
"	.long 0x30000\n"
"handlers: .long on_intr - guest, on_gp - guest, on_db - guest\n"
"guest_end:\n.code64\n.popsection");
extern const uint32_t handlers[];

static struct mem *mem;
static struct engine_bus bus;
static struct engine *engine;
static atomic_bool in_service, kicking;
static unsigned acks, eois, strays;
static unsigned met[64];		/* raised behind each exit reason */

struct counts {
	uint32_t loops, interrupts, faults, traps;
};

/*
 * The machine.
 */

static void raise_intr(void)
{
	if (!atomic_load(&in_service))
		atomic_store(&bus.intr, 1);
}

static int intr_ack(void *opaque)
{
	if (!atomic_exchange(&bus.intr, 0))
		return -1;
	atomic_store(&in_service, true);
	acks++;
	return VECTOR;
}

static uint32_t pio_read(void *opaque, uint16_t port, unsigned size)
{
	return 0x5a;
}

static void pio_write(void *opaque, uint16_t port, unsigned size, uint32_t val)
{
	if (port == EOI_PORT) {
		eois++;
		strays += !atomic_exchange(&in_service, false);
	} else if (port == END_PORT) {
		atomic_store(&kicking, false);
		atomic_store(&bus.stop, 1);
	}
}

static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	return off;
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
}

static const struct mmio_ops mmio = { mmio_read, mmio_write };

/* One reason after the other gets its interrupt. */
static void raise_behind(unsigned reason)
{
	static unsigned last;

	if (reason >= ARRAY_SIZE(met) || reason == last ||
	    atomic_load(&in_service))
		return;
	last = reason;
	met[reason]++;
	raise_intr();
}

static int watch(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	if (ret < 0)
		return -errno;
	if (request == KVM_RUN)
		raise_behind(to_hv(engine)->run->exit_reason);
	return ret;
}

static void set_up(void)
{
	static const char *const options[] = { "hv.irqchip=off", NULL };
	struct engine_config cfg = { .mem = NULL, .bus = &bus, .log = stderr,
				     .options = options };
	char err[160];

	memset(&bus, 0, sizeof(bus));
	bus.pio_read = pio_read;
	bus.pio_write = pio_write;
	bus.intr_ack = intr_ack;
	ck_assert_int_eq(mem_create(&mem, 4 * MIB), 0);
	ck_assert_int_eq(mem_add_mmio(mem, MMIO_AT, PAGE_SIZE, &mmio, NULL,
				      "test"), 0);
	cfg.mem = mem;
	ck_assert_msg(!hv_engine_ops.create(&engine, &cfg, err), "%s", err);
}

static void tear_down(void)
{
	hv_ioctl_hook = NULL;
	hv_engine_ops.destroy(engine);
	mem_destroy(mem);
}

static void gate(unsigned vector, uint32_t offset)
{
	uint32_t at = CODE_AT + offset;
	uint8_t g[8] = { at, at >> 8, 8, 0, 0, 0x8e, at >> 16, at >> 24 };

	ck_assert_int_eq(mem_write(mem, IDT_AT + 8 * vector, g, sizeof(g)), 0);
}

static void boot(void)
{
	struct vcpu v;

	memset(&v, 0, sizeof(v));
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, 0x08, 0x10, CODE_AT);
	v.gpr[GPR_SP] = STACK_TOP;
	ck_assert_int_eq(mem_write(mem, CODE_AT, guest, guest_end - guest), 0);
	gate(VECTOR, handlers[0]);
	gate(VEC_GP, handlers[1]);
	gate(VEC_DB, handlers[2]);
	hv_engine_ops.mem_changed(engine, 0, mem->top);
	hv_engine_ops.set_state(engine, &v);
}

/* Between two stays in run(), the state makes a round trip. */
static void run_to_end(bool trip)
{
	struct engine_exit_info info;
	struct vcpu v;

	for (;;) {
		atomic_store(&bus.stop, 0);
		hv_engine_ops.run(engine, &info);
		ck_assert_msg(info.exit == ENGINE_KICKED, "exit %d: %s",
			      info.exit, info.reason);
		if (!atomic_load(&kicking))
			return;
		if (!trip)
			continue;
		hv_engine_ops.get_state(engine, &v);
		hv_engine_ops.set_state(engine, &v);
	}
}

static void check_counts(void)
{
	struct counts c;

	ck_assert_int_eq(mem_read(mem, COUNTS_AT, &c, sizeof(c)), 0);
	ck_assert_uint_eq(c.loops, LOOPS);
	ck_assert_uint_eq(c.faults, LOOPS);
	ck_assert_uint_eq(c.traps, LOOPS);
	ck_assert_uint_gt(acks, 0);
	ck_assert_uint_eq(c.interrupts, acks);
	ck_assert_uint_eq(eois, acks);
	ck_assert_uint_eq(strays, 0);
}

START_TEST(interrupt_behind_an_exit_comes_once)
{
	atomic_store(&kicking, true);
	boot();
	hv_ioctl_hook = watch;
	run_to_end(false);
	check_counts();
	ck_assert_uint_gt(met[KVM_EXIT_IO], 0);
	ck_assert_uint_gt(met[KVM_EXIT_MMIO], 0);
	if (to_hv(engine)->vm->msr_exits)
		ck_assert_uint_gt(met[KVM_EXIT_X86_RDMSR], 0);
}
END_TEST

static void *kicker(void *opaque)
{
	unsigned seed = 1;

	while (atomic_load(&kicking)) {
		raise_intr();
		if (rand_r(&seed) & 1)
			atomic_store(&bus.stop, 1);
		hv_engine_ops.kick(engine);
		usleep(rand_r(&seed) % 200);
	}
	return NULL;
}

START_TEST(interrupts_in_a_storm_of_kicks_come_once)
{
	pthread_t thread;

	atomic_store(&kicking, true);
	boot();
	hv_ioctl_hook = _i ? watch : NULL;
	ck_assert_int_eq(pthread_create(&thread, NULL, kicker, NULL), 0);
	run_to_end(true);
	pthread_join(thread, NULL);
	check_counts();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("hv_once");
	TCase *t = tcase_create("hv_once");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, set_up, tear_down);
	if (hv_there("interrupts under HV")) {
		tcase_add_test(t, interrupt_behind_an_exit_comes_once);
		tcase_add_loop_test(t, interrupts_in_a_storm_of_kicks_come_once,
				    0, 2);
	}
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
