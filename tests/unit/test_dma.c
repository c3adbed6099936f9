/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes to guest memory by another thread while the vCPU runs: code that was
 * replaced must not run any more once the guest can know of it.
 */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/engine.h"
#include "hypervisor/mem.h"

#define AT_CODE		0x10000u
#define AT_FLAG		0x20000u
#define AT_SEEN		0x21000u
#define AT_RESULTS	0x80000u
#define AT_FUNCTIONS	0x100000u	/* one on each page */
#define FUNCTIONS	256u
#define AHEAD		200u	/* rounds that the guest may be behind */
#define ROUNDS		5000u	/* each page changes less than 40 times */
#define WAIT_S		20

/*
 * While fewer rounds were seen than the flag says: call the function of the
 * next round, note what it returns.
 */
__asm__(".pushsection .rodata\n.code32\npoller:\n"
	"1:	movl	0x21000, %ebx\n"
	"	cmpl	0x20000, %ebx\n"
	"	je	1b\n"
	"	inc	%ebx\n"
	"	movzbl	%bl, %ecx\n"
	"	shl	$12, %ecx\n"
	"	addl	$0x100000, %ecx\n"
	"	call	*%ecx\n"
	"	movl	%eax, 0x80000(, %ebx, 4)\n"
	"	movl	%ebx, 0x21000\n"
	"	jmp	1b\n"
	"poller_end:\n"
	"function:\n"
	"	movl	$0, %eax\n"
	"	ret\n"
	"function_end:\n.code64\n.popsection\n");
extern const uint8_t poller[], poller_end[], function[], function_end[];

static const struct {
	const struct engine_ops *ops;
	const char *option;
} engines[] = {
	{ &bt_engine_ops, "bt.memory=window" },
	{ &bt_engine_ops, "bt.memory=soft" },
	{ &interp_engine_ops, NULL },
};

static struct engine *e;
static struct mem *mem;
static struct engine_bus bus;
static pthread_t thread;

static void *vcpu(void *arg)
{
	struct engine_exit_info info;

	do
		e->ops->run(e, &info);
	while (!atomic_load(&bus.stop));
	return NULL;
}

static void setup(int i)
{
	const char *options[] = { engines[i].option, NULL };
	struct engine_config cfg = { .bus = &bus, .options = options };
	struct vcpu v;
	char err[160];

	ck_assert_int_eq(mem_create(&mem, 4 * MIB), 0);
	mem_write(mem, AT_CODE, poller, poller_end - poller);
	for (unsigned f = 0; f < FUNCTIONS; f++)
		mem_write(mem, AT_FUNCTIONS + f * PAGE_SIZE, function,
			  function_end - function);
	cfg.mem = mem;
	ck_assert_msg(!engines[i].ops->create(&e, &cfg, err), "%s", err);
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, 0x08, 0x10, AT_CODE);
	v.gpr[GPR_SP] = 0x30000;
	e->ops->set_state(e, &v);
	ck_assert_int_eq(pthread_create(&thread, NULL, vcpu, NULL), 0);
}

static void teardown(void)
{
	atomic_store(&bus.stop, 1);
	e->ops->kick(e);
	pthread_join(thread, NULL);
	e->ops->destroy(e);
	mem_destroy(mem);
}

static uint32_t peek(gpa_t gpa)
{
	return __atomic_load_n((uint32_t *)mem_hva(mem, gpa),
			       __ATOMIC_SEQ_CST);
}

static gpa_t operand(uint32_t round)
{
	return AT_FUNCTIONS + (round % FUNCTIONS) * PAGE_SIZE + 1;
}

static void wait_for(uint32_t n)
{
	time_t end = time(NULL) + WAIT_S;

	while ((int32_t)(peek(AT_SEEN) - n) < 0)
		ck_assert_msg(time(NULL) < end, "the guest stands still");
}

/* Rewrite the function of each round by @write; all must return their round. */
static void play(void (*write)(gpa_t at, uint32_t n))
{
	for (uint32_t n = 1; n <= ROUNDS; n++) {
		if (n > AHEAD)
			wait_for(n - AHEAD);
		write(operand(n), n);
		ck_assert_int_eq(mem_write(mem, AT_FLAG, &n, 4), 0);
	}
	wait_for(ROUNDS);
	for (uint32_t n = 1; n <= ROUNDS; n++)
		ck_assert_uint_eq(peek(AT_RESULTS + 4 * n), n);
}

static void write_copy(gpa_t at, uint32_t n)
{
	ck_assert_int_eq(mem_write(mem, at, &n, 4), 0);
}

/* The bytes come by a system call of a worker thread, say. */
static void write_past(gpa_t at, uint32_t n)
{
	mem_dma_written(mem, at, 4);
	memcpy(mem_hva(mem, at), &n, 4);
	mem_dma_written(mem, at, 4);
}

START_TEST(replaced_code_does_not_run)
{
	setup(_i);
	play(write_copy);
	teardown();
}
END_TEST

START_TEST(code_written_past_us_does_not_run)
{
	setup(_i);
	play(write_past);
	teardown();
}
END_TEST

/* Who reads back what was written gets it, whether it is there yet or not. */
START_TEST(writes_are_read_back)
{
	uint32_t got;

	setup(_i);
	for (uint32_t n = 1; n <= ROUNDS; n++) {
		if (n > AHEAD)
			wait_for(n - AHEAD);
		write_copy(operand(n), n);
		ck_assert_int_eq(mem_read(mem, operand(n), &got, 4), 0);
		ck_assert_uint_eq(got, n);
		write_copy(AT_FLAG, n);
	}
	teardown();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dma");
	TCase *t = tcase_create("engines");
	SRunner *r = srunner_create(s);
	int n = ARRAY_SIZE(engines), failed;

	tcase_add_loop_test(t, replaced_code_does_not_run, 0, n);
	tcase_add_loop_test(t, code_written_past_us_does_not_run, 0, n);
	tcase_add_loop_test(t, writes_are_read_back, 0, n);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
