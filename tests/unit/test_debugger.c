/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine_ops.set_debug: breakpoints, watchpoints and steps, on each engine
 * that needs no host device.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "hypervisor/engine.h"
#include "hypervisor/host.h"
#include "hypervisor/mem.h"
#include "tests/unit/hv_rig.h"

#define AT_CODE		0x10000u
#define AT_COUNT	0x20000u
#define ROUNDS		1000

/* Instructions of `program' (the INC has six bytes, the CALL five). */
#define AT_INC		(AT_CODE + 5)
#define AT_DEC		(AT_CODE + 11)
#define AT_CALL		(AT_CODE + 14)
#define AT_HLT		(AT_CODE + 19)
#define AT_FUNCTION	(AT_CODE + 20)

__asm__(".pushsection .rodata\n.code32\nprogram:\n"
	"	movl	$1000, %ecx\n"
	"1:	incl	0x20000\n"
	"	dec	%ecx\n"
	"	jnz	1b\n"
	"	call	2f\n"
	"	hlt\n"
	"2:	movl	$5, %eax\n"
	"	ret\n"
	"program_end:\n.code64\n.popsection\n");
extern const uint8_t program[], program_end[];

static const struct engine_ops *const engines[] = {
	&bt_engine_ops, &interp_engine_ops, &hv_engine_ops,
};

static struct engine *e;
static struct mem *mem;
static struct engine_bus bus;
static struct engine_exit_info info;
static struct engine_debug debug;

static void setup(int i)
{
	/* KVM's own interrupt controllers keep a HLT to themselves. */
	static const char *const options[] = { "hv.irqchip=off", NULL };
	struct engine_config cfg = { .bus = &bus, .options = options };
	struct vcpu v;
	char err[160];

	ck_assert_int_eq(mem_create(&mem, 4 * MIB), 0);
	ck_assert_int_eq(mem_write(mem, AT_CODE, program,
				   program_end - program), 0);
	cfg.mem = mem;
	ck_assert_msg(!engines[i]->create(&e, &cfg, err), "%s", err);
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, 0x08, 0x10, AT_CODE);
	v.gpr[GPR_SP] = 0x30000;
	e->ops->set_state(e, &v);
	debug = (struct engine_debug){ 0 };
}

static void set_break(gva_t addr, enum engine_break kind, uint32_t len)
{
	debug.bp[debug.n++] = (struct engine_breakpoint){ addr, len, kind };
	ck_assert_int_eq(e->ops->set_debug(e, &debug), 0);
}

static uint32_t go(enum engine_exit want)
{
	struct vcpu v;

	e->ops->run(e, &info);
	ck_assert_int_eq(info.exit, want);
	e->ops->get_state(e, &v);
	return v.rip;
}

static uint32_t reg(enum gpr r)
{
	struct vcpu v;

	e->ops->get_state(e, &v);
	return v.gpr[r];
}

static uint32_t count(void)
{
	uint32_t n;

	ck_assert_int_eq(mem_read(mem, AT_COUNT, &n, 4), 0);
	return n;
}

START_TEST(without_breakpoints_the_program_ends)
{
	setup(_i);
	ck_assert_uint_eq(go(ENGINE_HALT), AT_HLT + 1);
	ck_assert_uint_eq(count(), ROUNDS);
}
END_TEST

START_TEST(a_breakpoint_stops_before_its_instruction)
{
	setup(_i);
	set_break(AT_FUNCTION, ENGINE_BREAK_EXEC, 1);
	ck_assert_uint_eq(go(ENGINE_DEBUG), AT_FUNCTION);
	ck_assert_int_eq(info.break_kind, ENGINE_BREAK_EXEC);
	ck_assert_uint_eq(info.break_addr, AT_FUNCTION);
	ck_assert_uint_eq(reg(GPR_AX), 0);
	ck_assert_uint_eq(count(), ROUNDS);
	ck_assert_uint_eq(go(ENGINE_HALT), AT_HLT + 1);
	ck_assert_uint_eq(reg(GPR_AX), 5);
}
END_TEST

START_TEST(a_breakpoint_in_a_loop_stops_each_round)
{
	setup(_i);
	set_break(AT_DEC, ENGINE_BREAK_EXEC, 1);
	for (unsigned n = 1; n <= ROUNDS; n++) {
		ck_assert_uint_eq(go(ENGINE_DEBUG), AT_DEC);
		ck_assert_uint_eq(count(), n);
	}
	ck_assert_uint_eq(go(ENGINE_HALT), AT_HLT + 1);
}
END_TEST

/* Translated code that is there already must not run past a new one. */
START_TEST(a_breakpoint_set_later_is_met)
{
	setup(_i);
	set_break(AT_FUNCTION, ENGINE_BREAK_EXEC, 1);
	go(ENGINE_DEBUG);
	set_break(AT_HLT, ENGINE_BREAK_EXEC, 1);
	debug.n = 0;
	set_break(AT_HLT, ENGINE_BREAK_EXEC, 1);
	ck_assert_uint_eq(go(ENGINE_DEBUG), AT_HLT);
	ck_assert_int_eq(e->ops->set_debug(e, NULL), 0);
	ck_assert_uint_eq(go(ENGINE_HALT), AT_HLT + 1);
}
END_TEST

START_TEST(a_watchpoint_stops_behind_the_write)
{
	setup(_i);
	set_break(AT_COUNT + 2, ENGINE_BREAK_WRITE, 1);
	for (unsigned n = 1; n < 4; n++) {
		ck_assert_uint_eq(go(ENGINE_DEBUG), AT_DEC);
		ck_assert_int_eq(info.break_kind, ENGINE_BREAK_WRITE);
		ck_assert_uint_eq(info.break_addr, AT_COUNT + 2);
		ck_assert_uint_eq(count(), n);
	}
	ck_assert_int_eq(e->ops->set_debug(e, NULL), 0);
	ck_assert_uint_eq(go(ENGINE_HALT), AT_HLT + 1);
	ck_assert_uint_eq(count(), ROUNDS);
}
END_TEST

START_TEST(a_watchpoint_next_to_the_access_is_silent)
{
	setup(_i);
	set_break(AT_COUNT + 4, ENGINE_BREAK_ACCESS, 4);
	ck_assert_uint_eq(go(ENGINE_HALT), AT_HLT + 1);
}
END_TEST

/* Processors have none for reads alone. */
static bool reads_alone(int i)
{
	return engines[i] != &hv_engine_ops ||
	       host_probe_emulated(&host_caps()->kvm.probe
				   [HOST_PROBE_UNPAGED]);
}

START_TEST(a_read_watchpoint_ignores_writes)
{
	if (!reads_alone(_i))
		return;
	setup(_i);
	/* The call writes its return address; the ret reads it. */
	set_break(0x30000 - 4, ENGINE_BREAK_READ, 4);
	ck_assert_uint_eq(go(ENGINE_DEBUG), AT_HLT);
	ck_assert_uint_eq(reg(GPR_AX), 5);
}
END_TEST

START_TEST(a_step_does_one_instruction)
{
	static const uint32_t path[] = { AT_INC, AT_DEC, AT_DEC + 1, AT_INC };

	setup(_i);
	debug.step = true;
	ck_assert_int_eq(e->ops->set_debug(e, &debug), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(path); i++) {
		ck_assert_uint_eq(go(ENGINE_DEBUG), path[i]);
		ck_assert_int_eq(info.break_kind, ENGINE_BREAK_STEP);
	}
	ck_assert_uint_eq(count(), 1);
	debug.step = false;
	set_break(AT_INC, ENGINE_BREAK_EXEC, 1);
	ck_assert_uint_eq(go(ENGINE_DEBUG), AT_INC);
	ck_assert_uint_eq(count(), 1);
}
END_TEST

START_TEST(a_step_takes_no_interrupt)
{
	struct vcpu v;

	setup(_i);
	e->ops->get_state(e, &v);
	v.rflags |= FLAG_IF;
	e->ops->set_state(e, &v);
	atomic_store(&bus.intr, 1);
	debug.step = true;
	ck_assert_int_eq(e->ops->set_debug(e, &debug), 0);
	ck_assert_uint_eq(go(ENGINE_DEBUG), AT_INC);
}
END_TEST

/*
 * 64-bit code, which HV alone has: the same program at an address beyond 4 GiB,
 * which is AT_CODE's page.
 */

#define AT_TABLES	0x100000u
#define PAGE_2M		0x83ull		/* present, writable, large */
#define HIGH		0x7f8000000000ull	/* the last entry below half */

__asm__(".pushsection .rodata\nprogram64:\n"
	"	movl	$1000, %ecx\n"
	"inc64:	incl	0x20000(%rbx)\n"
	"dec64:	dec	%ecx\n"
	"	jnz	inc64\n"
	"hlt64:	hlt\n"
	"program64_end:\n.popsection\n");
extern const uint8_t program64[], inc64[], dec64[], hlt64[], program64_end[];

#define HIGH_AT(label)	(HIGH + AT_CODE + (label - program64))

static void put64(gpa_t at, uint64_t val)
{
	ck_assert_int_eq(mem_write(mem, at, &val, sizeof(val)), 0);
}

/* The first 2 MiB, at 0 and at HIGH. */
static void setup64(void)
{
	struct vcpu v;

	setup(ARRAY_SIZE(engines) - 1);
	ck_assert_int_eq(mem_write(mem, AT_CODE, program64,
				   program64_end - program64), 0);
	put64(AT_TABLES, (AT_TABLES + PAGE_SIZE) | 3);
	put64(AT_TABLES + (HIGH >> 39) * 8, (AT_TABLES + PAGE_SIZE) | 3);
	put64(AT_TABLES + PAGE_SIZE, (AT_TABLES + 2 * PAGE_SIZE) | 3);
	put64(AT_TABLES + 2 * PAGE_SIZE, PAGE_2M);
	e->ops->get_state(e, &v);
	v.cr0 |= CR0_PE | CR0_PG;
	v.cr4 |= CR4_PAE;
	v.cr3 = AT_TABLES;
	v.msr.efer |= EFER_LME | EFER_LMA;
	v.seg[SEG_CS].attr = (v.seg[SEG_CS].attr & ~SEG_DB) | SEG_L;
	v.rip = HIGH + AT_CODE;
	v.gpr[GPR_BX] = HIGH;
	e->ops->set_state(e, &v);
}

static uint64_t go64(enum engine_exit want)
{
	struct vcpu v;

	e->ops->run(e, &info);
	ck_assert_msg(info.exit == want, "exit %d: %s", info.exit,
		      info.reason);
	e->ops->get_state(e, &v);
	return v.rip;
}

START_TEST(steps_and_breakpoints_in_64_bit_code)
{
	setup64();
	debug.step = true;
	ck_assert_int_eq(e->ops->set_debug(e, &debug), 0);
	ck_assert_uint_eq(go64(ENGINE_DEBUG), HIGH_AT(inc64));
	ck_assert_int_eq(info.break_kind, ENGINE_BREAK_STEP);
	ck_assert_uint_eq(go64(ENGINE_DEBUG), HIGH_AT(dec64));
	ck_assert_uint_eq(count(), 1);
	debug.step = false;
	set_break(HIGH_AT(dec64), ENGINE_BREAK_EXEC, 1);
	for (unsigned n = 1; n < 10; n++) {
		ck_assert_uint_eq(go64(ENGINE_DEBUG), HIGH_AT(dec64));
		ck_assert_uint_eq(info.break_addr, HIGH_AT(dec64));
		ck_assert_uint_eq(count(), n);
	}
	ck_assert_int_eq(e->ops->set_debug(e, NULL), 0);
	ck_assert_uint_eq(go64(ENGINE_HALT), HIGH_AT(hlt64) + 1);
	ck_assert_uint_eq(count(), ROUNDS);
}
END_TEST

/* Where KVM emulates, it would not see one: it is refused. */
START_TEST(watchpoints_in_64_bit_code)
{
	setup64();
	debug.bp[debug.n++] = (struct engine_breakpoint){
		HIGH + AT_COUNT, 4, ENGINE_BREAK_WRITE,
	};
	if (host_probe_emulated(&host_caps()->kvm.probe[HOST_PROBE_UNPAGED])) {
		ck_assert_int_eq(e->ops->set_debug(e, &debug), -ENOTSUP);
		ck_assert_uint_eq(go64(ENGINE_HALT), HIGH_AT(hlt64) + 1);
		return;
	}
	ck_assert_int_eq(e->ops->set_debug(e, &debug), 0);
	for (unsigned n = 1; n < 10; n++) {
		ck_assert_uint_eq(go64(ENGINE_DEBUG), HIGH_AT(dec64));
		ck_assert_int_eq(info.break_kind, ENGINE_BREAK_WRITE);
		ck_assert_uint_eq(info.break_addr, HIGH + AT_COUNT);
		ck_assert_uint_eq(count(), n);
	}
	debug.bp[0].addr += 4;
	ck_assert_int_eq(e->ops->set_debug(e, &debug), 0);
	ck_assert_uint_eq(go64(ENGINE_HALT), HIGH_AT(hlt64) + 1);
	ck_assert_uint_eq(count(), ROUNDS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("debugger");
	TCase *t = tcase_create("engines");
	SRunner *r = srunner_create(s);
	int n = ARRAY_SIZE(engines) - !hv_there("breakpoints under hv"), failed;

	tcase_add_loop_test(t, without_breakpoints_the_program_ends, 0, n);
	tcase_add_loop_test(t, a_breakpoint_stops_before_its_instruction, 0, n);
	tcase_add_loop_test(t, a_breakpoint_in_a_loop_stops_each_round, 0, n);
	tcase_add_loop_test(t, a_breakpoint_set_later_is_met, 0, n);
	tcase_add_loop_test(t, a_watchpoint_stops_behind_the_write, 0, n);
	tcase_add_loop_test(t, a_watchpoint_next_to_the_access_is_silent, 0, n);
	tcase_add_loop_test(t, a_read_watchpoint_ignores_writes, 0, n);
	tcase_add_loop_test(t, a_step_does_one_instruction, 0, n);
	tcase_add_loop_test(t, a_step_takes_no_interrupt, 0, n);
	if (n == ARRAY_SIZE(engines)) {
		tcase_add_test(t, steps_and_breakpoints_in_64_bit_code);
		tcase_add_test(t, watchpoints_in_64_bit_code);
	}
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
