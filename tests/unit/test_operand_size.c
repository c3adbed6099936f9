/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor is asked whether memory operands are as large, and written or
 * only read, as decode.c says: SOFT checks just these bytes before it lets an
 * instruction go to host memory.  Each instruction that is translated as
 * itself runs natively at the end and at the start of a page without
 * neighbours, and on a read-only page.
 */
#define _GNU_SOURCE	/* REG_RIP */
#include <check.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "fullvirt/bt/emit.h"

static const struct ctx ctx = { .flags = CTX_FPU | CTX_SSE | CTX_WINDOW,
				.cs_limit = 0xffffffffu };

/* The operand is [rbx]; every other register is 0, rcx is 1. */
static const uint8_t before[] = {
	0x53, 0x55, 0x41, 0x57,		/* push rbx, rbp, r15 */
	0x49, 0x89, 0xe7,		/* mov r15, rsp */
	0x48, 0x89, 0xfb,		/* mov rbx, rdi */
	0x31, 0xc0, 0x31, 0xd2,		/* xor eax, eax; xor edx, edx */
	0xb9, 1, 0, 0, 0,		/* mov ecx, 1 */
	0x31, 0xf6, 0x31, 0xff, 0x31, 0xed, /* esi, edi, ebp */
};
static const uint8_t after[] = {
	0x4c, 0x89, 0xfc,		/* mov rsp, r15 */
	0xdb, 0xe3, 0xfc,		/* fninit; cld */
	0x41, 0x5f, 0x5d, 0x5b, 0xc3,	/* pop; ret */
};

static sigjmp_buf back;
static volatile sig_atomic_t caught;
static uint8_t *volatile fault_at;
static uint8_t *page, *code;

static void on_signal(int sig, siginfo_t *si, void *uc)
{
	caught = sig;
	fault_at = si->si_addr;
	siglongjmp(back, 1);
}

static void setup(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction sa = { .sa_sigaction = on_signal,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t ss = { .ss_size = 64 * KIB };
	uint8_t *p = mmap(NULL, 3 * PAGE_SIZE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(p, MAP_FAILED);
	page = p + PAGE_SIZE;
	mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE);
	code = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(code, MAP_FAILED);
	ss.ss_sp = malloc(ss.ss_size);
	sigaltstack(&ss, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, NULL);
}

/* Does @g, with its operand at @at, fault within [@from, @from + a page)? */
static bool faults(const struct ginsn *g, uint8_t *at, const uint8_t *from)
{
	uint8_t *p = code;

	memcpy(p, before, sizeof(before));
	memcpy(p + sizeof(before), g->bytes, g->len);
	memcpy(p + sizeof(before) + g->len, after, sizeof(after));
	caught = 0;
	if (!sigsetjmp(back, 1))
		((void (*)(uint8_t *))code)(at);
	asm volatile("fninit\n\tcld");
	return caught == SIGSEGV && fault_at >= from &&
	       fault_at < from + PAGE_SIZE;
}

/* A register as bit offset goes anywhere; 82 and moffs do not exist here. */
static bool runs_here(const struct ginsn *g)
{
	if (g->map == 0)
		return g->opcode != 0x82 && (g->opcode & 0xfc) != 0xa0;
	return (g->opcode & 0xe7) != 0xa3;
}

static void check_one(const struct ginsn *g)
{
	const char *wrong = NULL;
	char bytes[64] = "";
	bool writes;

	memset(page, 0, PAGE_SIZE);
	if (!g->mem_size)
		wrong = "has no size";
	else if (faults(g, page + PAGE_SIZE - g->mem_size, page + PAGE_SIZE))
		wrong = "reaches beyond its size";
	else if (faults(g, page, page - PAGE_SIZE))
		wrong = "reaches below its address";
	mprotect(page, PAGE_SIZE, PROT_READ);
	writes = faults(g, page, page);
	mprotect(page, PAGE_SIZE, PROT_READ | PROT_WRITE);
	if (writes != g->mem_write)
		wrong = writes ? "writes" : "does not write";
	for (unsigned i = 0; i < g->len; i++)
		sprintf(bytes + 3 * i, " %02x", g->bytes[i]);
	ck_assert_msg(!wrong, "%s:%s", wrong, bytes);
}

/* @loop: the opcode. */
START_TEST(operands_are_as_large_as_the_decoder_says)
{
	static const uint8_t prefixes[] = { 0, 0x66, 0xf2, 0xf3 };
	unsigned map = _i >> 8;

	for (unsigned i = 0; i < 8 * ARRAY_SIZE(prefixes); i++) {
		uint8_t b[15], prefix = prefixes[i / 8];
		unsigned n = 0;
		struct ginsn g;

		memset(b, 1, sizeof(b));
		if (prefix)
			b[n++] = prefix;
		if (map)
			b[n++] = 0x0f;
		b[n++] = _i;
		b[n] = (i & 7) << 3 | RBX;
		bt_decode(&g, 0, b, sizeof(b), &ctx, ctx.flags);
		if (g.cls == C_IDENT && g.mem && g.map == map &&
		    g.opcode == (_i & 0xff) && runs_here(&g))
			check_one(&g);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("operand_size");
	TCase *t = tcase_create("operand_size");
	SRunner *r = srunner_create(s);

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, operands_are_as_large_as_the_decoder_says, 0,
			    512);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
