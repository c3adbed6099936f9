/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code that stands between the TC and C: entry, callouts, resume, leave.
 * Written once here as position-independent templates, copied to the start of
 * the TC, so that translated code reaches it with a rel32 and the signal
 * handler can tell by address where the processor is.
 *
 * Resume is where a pending kick is noticed: from resume_check to resume_end
 * everything can be done over again, so the handler sends an interrupted
 * resume back to resume_check.
 *
 * Flags travel by LAHF/SAHF and SETO: PUSHF/POPF costs 10 ns, these 1 ns.
 */
#include <string.h>

#include "fullvirt/bt/bt.h"

#define STR_(x)		#x
#define STR(x)		STR_(x)
#define HOT_STRIDE	32

uint32_t bt_stub_off[STUB_COUNT];

#define OFFS								\
	[ax] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_AX])),	\
	[cx] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_CX])),	\
	[dx] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_DX])),	\
	[bx] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_BX])),	\
	[sp] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_SP])),	\
	[bp] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_BP])),	\
	[si] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_SI])),	\
	[di] "i" (__builtin_offsetof(struct bt, v.gpr[GPR_DI])),	\
	[hflags] "i" (__builtin_offsetof(struct bt, hflags)),		\
	[s8] "i" (__builtin_offsetof(struct bt, r8)),			\
	[s9] "i" (__builtin_offsetof(struct bt, r9)),			\
	[s10] "i" (__builtin_offsetof(struct bt, r10)),			\
	[s11] "i" (__builtin_offsetof(struct bt, r11)),			\
	[site] "i" (__builtin_offsetof(struct bt, site)),		\
	[resume] "i" (__builtin_offsetof(struct bt, resume)),		\
	[c_rsp] "i" (__builtin_offsetof(struct bt, c_rsp)),		\
	[rs_save] "i" (__builtin_offsetof(struct bt, rs_save)),		\
	[kick] "i" (__builtin_offsetof(struct bt, kick)),		\
	[f_async] "i" (__builtin_offsetof(struct bt, fn_async))

/* Save the guest, change to the C stack; flags and registers are C's then. */
#define SAVE								\
	"mov	%%rax, %c[ax](%%r14)\n"					\
	"mov	%%rcx, %c[cx](%%r14)\n"					\
	"mov	%%rdx, %c[dx](%%r14)\n"					\
	"mov	%%rbx, %c[bx](%%r14)\n"					\
	"mov	%%r15, %c[sp](%%r14)\n"					\
	"mov	%%rbp, %c[bp](%%r14)\n"					\
	"mov	%%rsi, %c[si](%%r14)\n"					\
	"mov	%%rdi, %c[di](%%r14)\n"					\
	"lahf\n"								\
	"seto	%%al\n"							\
	"movzbl	%%ah, %%ecx\n"						\
	"movzbl	%%al, %%eax\n"						\
	"shl	$11, %%eax\n"						\
	"or	%%ecx, %%eax\n"						\
	"mov	%%rax, %c[hflags](%%r14)\n"				\
	"mov	%%r8, %c[s8](%%r14)\n"					\
	"mov	%%r9, %c[s9](%%r14)\n"					\
	"mov	%%r10, %c[s10](%%r14)\n"				\
	"mov	%%r11, %c[s11](%%r14)\n"				\
	"mov	%%rsp, %c[rs_save](%%r14)\n"				\
	"mov	%c[c_rsp](%%r14), %%rsp\n"				\
	"cld\n"								\
	"mov	%%r14, %%rdi\n"

/*
 * One callout.  @SITE: "popq site" when reached by call.  All end in a jump to
 * resume by way of a field, which keeps them position independent.
 */
#define CALLOUT(name, SITE)						\
	void bt_tpl_##name(void);					\
	void bt_tpl_##name##_end(void);					\
	__attribute__((naked, used)) void bt_tpl_##name(void)		\
	{								\
		asm volatile(SITE SAVE					\
			"call	*%c[fn](%%r14)\n"			\
			"jmp	*%c[res](%%r14)\n"			\
			".globl	bt_tpl_" #name "_end\n"			\
			"bt_tpl_" #name "_end:\n"			\
			:: OFFS,					\
			[fn] "i" (__builtin_offsetof(struct bt, fn_##name)), \
			[res] "i" (__builtin_offsetof(struct bt, resume_stub))); \
	}

#define CALLED	"popq	%c[site](%%r14)\n"
#define JUMPED	""

CALLOUT(interp, CALLED)
CALLOUT(soft_read, CALLED)
CALLOUT(soft_write, CALLED)
CALLOUT(chain, JUMPED)
CALLOUT(indirect, JUMPED)
CALLOUT(guard, JUMPED)
CALLOUT(fault, JUMPED)

/* Specialised callouts: the index comes in r8, set by the entry below. */
void bt_tpl_hot(void);
void bt_tpl_hot_end(void);
__attribute__((naked, used)) void bt_tpl_hot(void)
{
	asm volatile(CALLED SAVE
		"mov	%c[s8](%%r14), %%rax\n"
		"call	*%c[fn](%%r14, %%rax, 8)\n"
		"jmp	*%c[res](%%r14)\n"
		".globl	bt_tpl_hot_end\n"
		"bt_tpl_hot_end:\n"
		:: OFFS,
		[fn] "i" (__builtin_offsetof(struct bt, fn_hot)),
		[res] "i" (__builtin_offsetof(struct bt, resume_stub)));
}

/*
 * rax: where to go.  From check to end, restartable.  The way into fn_async is
 * not: its result would be lost, and an event that it took with it.
 * Loads of 32 bits keep the upper halves zero whatever C left there.
 */
void bt_tpl_async(void);
void bt_tpl_resume(void);
void bt_tpl_resume_check(void);
void bt_tpl_resume_end(void);
__attribute__((naked, used)) void bt_tpl_async(void)
{
	asm volatile(
		"1:\n"
		"mov	%c[c_rsp](%%r14), %%rsp\n"
		"mov	%%r14, %%rdi\n"
		"cld\n"
		"call	*%c[f_async](%%r14)\n"
		".globl	bt_tpl_resume\n"
		"bt_tpl_resume:\n"
		"mov	%%rax, %c[resume](%%r14)\n"
		".globl	bt_tpl_resume_check\n"
		"bt_tpl_resume_check:\n"
		"cmpq	$0, %c[kick](%%r14)\n"
		"jne	1b\n"
		"mov	%c[rs_save](%%r14), %%rsp\n"
		"testl	%[df], %c[sysflags](%%r14)\n"
		"jne	2f\n"
		"3:\n"
		"mov	%c[hflags](%%r14), %%eax\n"
		"mov	%%eax, %%ecx\n"
		"shr	$11, %%ecx\n"
		"mov	%%al, %%ah\n"
		"mov	%%cl, %%al\n"
		"add	$0x7f, %%al\n"
		"sahf\n"
		"mov	%c[ax](%%r14), %%eax\n"
		"mov	%c[cx](%%r14), %%ecx\n"
		"mov	%c[dx](%%r14), %%edx\n"
		"mov	%c[bx](%%r14), %%ebx\n"
		"mov	%c[sp](%%r14), %%r15d\n"
		"mov	%c[bp](%%r14), %%ebp\n"
		"mov	%c[si](%%r14), %%esi\n"
		"mov	%c[di](%%r14), %%edi\n"
		"mov	%c[s8](%%r14), %%r8d\n"
		"jmp	*%c[resume](%%r14)\n"
		"2:\n"
		"std\n"
		"jmp	3b\n"
		".globl	bt_tpl_resume_end\n"
		"bt_tpl_resume_end:\n"
		:: OFFS, [df] "i" (FLAG_DF),
		[sysflags] "i" (__builtin_offsetof(struct bt, sysflags)));
}

/* void enter(struct bt *, void *host): C calls this; leave returns from it. */
void bt_tpl_enter(void);
void bt_tpl_enter_end(void);
__attribute__((naked, used)) void bt_tpl_enter(void)
{
	asm volatile(
		"push	%%rbx\n"
		"push	%%rbp\n"
		"push	%%r12\n"
		"push	%%r13\n"
		"push	%%r14\n"
		"push	%%r15\n"
		"sub	$8, %%rsp\n"
		"mov	%%rdi, %%r14\n"
		"mov	$12, %%r12d\n"
		"mov	%%rsp, %c[c_rsp](%%r14)\n"
		"mov	%%rsi, %%rax\n"
		"jmp	*%c[res](%%r14)\n"
		".globl	bt_tpl_enter_end\n"
		"bt_tpl_enter_end:\n"
		:: OFFS,
		[res] "i" (__builtin_offsetof(struct bt, resume_stub)));
}

/* Resumed to like any host address; the registers just loaded are dropped. */
void bt_tpl_leave(void);
void bt_tpl_leave_end(void);
__attribute__((naked, used)) void bt_tpl_leave(void)
{
	asm volatile(
		"mov	%c[c_rsp](%%r14), %%rsp\n"
		"cld\n"
		"add	$8, %%rsp\n"
		"pop	%%r15\n"
		"pop	%%r14\n"
		"pop	%%r13\n"
		"pop	%%r12\n"
		"pop	%%rbp\n"
		"pop	%%rbx\n"
		"ret\n"
		".globl	bt_tpl_leave_end\n"
		"bt_tpl_leave_end:\n"
		:: OFFS);
}

static uint8_t *put(uint8_t *p, enum bt_stub s, const uint8_t *base,
		    void (*from)(void), void (*to)(void))
{
	size_t n = (const uint8_t *)to - (const uint8_t *)from;

	bt_stub_off[s] = p - base;
	memcpy(p, (const void *)from, n);
	return p + ((n + 15) & ~15ull);
}

/* mov r8d, index; jmp hot */
static uint8_t *put_hot_entries(uint8_t *p, uint8_t *base, uint8_t *hot)
{
	bt_stub_off[STUB_hot] = p - base;
	for (unsigned i = 0; i < HOT_COUNT; i++, p += HOT_STRIDE) {
		int32_t rel = hot - (p + 11);

		p[0] = 0x41;
		p[1] = 0xb8;
		memcpy(p + 2, &i, 4);
		p[6] = 0xe9;
		memcpy(p + 7, &rel, 4);
	}
	return p;
}

void bt_stubs_install(struct bt *bt)
{
	uint8_t *base = bt->tc.code, *p = base, *hot;

#define PUT(name) p = put(p, STUB_##name, base, bt_tpl_##name,		\
			  bt_tpl_##name##_end)
	PUT(enter);
	PUT(interp);
	PUT(soft_read);
	PUT(soft_write);
	PUT(chain);
	PUT(indirect);
	PUT(guard);
	PUT(fault);
	PUT(leave);
	hot = p;
	PUT(hot);
	p = put_hot_entries(p, base, hot);
#undef PUT
#define OFF_ASYNC(name) bt_stub_off[STUB_##name] = p - base +		\
	((uint8_t *)bt_tpl_##name - (uint8_t *)bt_tpl_async)
	OFF_ASYNC(resume);
	OFF_ASYNC(resume_check);
	OFF_ASYNC(resume_end);
#undef OFF_ASYNC
	p = put(p, STUB_async, base, bt_tpl_async, bt_tpl_resume_end);
	bt->resume_stub = (uint64_t)bt_stub(bt, STUB_resume);
	bt->tc.units = p;
}

uint8_t *bt_stub(const struct bt *bt, enum bt_stub s)
{
	return bt->tc.code + bt_stub_off[s];
}

uint8_t *bt_hot_stub(const struct bt *bt, enum bt_hot h)
{
	return bt_stub(bt, STUB_hot) + h * HOT_STRIDE;
}

void bt_enter(struct bt *bt, void *host)
{
	void (*enter)(struct bt *, void *) =
		(void (*)(struct bt *, void *))bt_stub(bt, STUB_enter);

	enter(bt, host);
}
