/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host signals: faults of translated code, and kicks.
 *
 * The handlers only note what happened and send the thread to the fault stub,
 * which saves the guest like any callout; the work is done in bt_fault(),
 * outside of signal context.
 *
 * A kick must stop the guest at an instruction boundary.  Where it arrives:
 *   in C, or a stub on its way into C	the resume stub will see bt->kick
 *   in the resume stub			sent back to its check
 *   in a TU at a boundary		sent to the fault stub
 *   in a TU elsewhere			single-stepped to a boundary
 * So there is no poll in translated code, and a loop that jumps to itself is
 * left within the instruction.
 */
#define _GNU_SOURCE	/* REG_RIP and friends */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "fullvirt/bt/bt.h"

#define KICK_SIGNAL	SIGUSR2
#define HOST_TF		0x100ull
#define PUSHFQ		0x9c
#define FAULTS_PER_TICK	64	/* hidden ones: about 0.6 ms of 4 */
#define TRUE_LIMIT	4	/* guest page faults of a site until SOFT */
#define ALTSTACK_SIZE	(64 * KIB)

/* Host trap numbers are the processor's vectors. */
__thread struct bt *bt_current;

/* ------------------------------------------------ signal context */

static bool in_tc(const struct bt *bt, uint64_t rip)
{
	return rip >= (uint64_t)bt->tc.code && rip < (uint64_t)bt->tc.end;
}

static void to_fault_stub(struct bt *bt, greg_t *g, enum bt_fault_kind kind)
{
	bt->fault = kind;
	bt->fault_rip = g[REG_RIP];
	g[REG_RIP] = (greg_t)bt_stub(bt, STUB_fault);
	g[REG_EFL] &= ~HOST_TF;
	bt->stepping = false;
}

static bool at_boundary(struct bt *bt, const uint8_t *rip)
{
	struct tu *tu = tc_find(bt, rip);
	struct tu_insn *in;

	if (!tu)
		return false;
	in = tu_insn_at(bt, tu, rip);
	if (!in->len && !(tu->flags & TU_FALLS))
		return false;
	return rip == tu->host + in->host_off;
}

/* With IF = 0 an interrupt only has to be seen by whatever sets IF. */
static void stop_at_boundary(struct bt *bt, greg_t *g)
{
	if (bt->sysflags & FLAG_IF || atomic_load(&bt->bus->stop) ||
	    atomic_load(&bt->bus->nmi) || bt_remote_pending(bt)) {
		to_fault_stub(bt, g, FAULT_KICK);
		return;
	}
	g[REG_EFL] &= ~HOST_TF;
	bt->stepping = false;
	bt->kick = 0;
}

/* A kick, or a step after one, with the thread at host address rip. */
static void seek_boundary(struct bt *bt, greg_t *g)
{
	uint64_t rip = g[REG_RIP];
	uint64_t base = (uint64_t)bt->tc.code;

	if (!in_tc(bt, rip)) {
		g[REG_EFL] &= ~HOST_TF;
		bt->stepping = false;
		return;
	}
	if (rip < (uint64_t)bt->tc.units) {
		if (rip >= base + bt_stub_off[STUB_resume_check] &&
		    rip < base + bt_stub_off[STUB_resume_end])
			g[REG_RIP] = base + bt_stub_off[STUB_resume_check];
		g[REG_EFL] &= ~HOST_TF;
		bt->stepping = false;
		return;
	}
	if (at_boundary(bt, (uint8_t *)rip)) {
		stop_at_boundary(bt, g);
		return;
	}
	g[REG_EFL] |= HOST_TF;
	bt->stepping = true;
	bt->stats.kick_steps++;
}

static void on_kick(int sig, siginfo_t *si, void *uc)
{
	struct bt *bt = bt_current;
	greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;

	if (!bt)
		return;
	bt->stats.kicks++;
	bt->kick = 1;
	bt->poll = 1;
	seek_boundary(bt, g);
}

/*
 * A stepped PUSHFQ has put our TF on the stack.  What tells it from another
 * instruction that ends in its byte is the POP R13 behind it, which stands
 * nowhere else: under anything else there is a return address.
 */
static void clean_pushed_tf(const struct bt *bt, greg_t *g)
{
	const uint8_t *p = (const uint8_t *)g[REG_RIP];

	if (in_tc(bt, g[REG_RIP]) && p[-1] == PUSHFQ && p[0] == 0x41 &&
	    p[1] == 0x5d)
		*(uint64_t *)g[REG_RSP] &= ~HOST_TF;
}

static bool return_stack_overflow(struct bt *bt, uint64_t addr)
{
	uint64_t off = addr - (uint64_t)bt->rstacks;

	return off < MAX_CTX * (RSTACK_SIZE + PAGE_SIZE) &&
	       off % (RSTACK_SIZE + PAGE_SIZE) < PAGE_SIZE;
}

/* In the window under gs, or its guard regions? */
static bool near_window(const struct bt *bt, uint64_t addr)
{
	return addr - bt->gs + WINDOW_GUARD < 4 * GIB + 2 * WINDOW_GUARD;
}

static const int fault_signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL,
				     SIGTRAP };
/* Who handled them before us, in that order. */
static struct sigaction handled_before[ARRAY_SIZE(fault_signals)];

/*
 * Leave @sig to whoever came before us (who may have a terminal to restore).
 * It is blocked here, so it arrives when our handler returns, also if it was
 * not a fault that would repeat.
 */
static void pass_on(int sig)
{
	for (unsigned i = 0; i < ARRAY_SIZE(fault_signals); i++)
		if (fault_signals[i] == sig)
			sigaction(sig, &handled_before[i], NULL);
	raise(sig);
}

static void die_report(struct bt *bt, int sig, siginfo_t *si, greg_t *g)
{
	struct tu *tu = bt ? tc_find(bt, (uint8_t *)g[REG_RIP]) : NULL;

	fprintf(stderr, "umbra: bt: internal error: signal %d, trap %d, "
		"host rip %llx, address %p\n", sig, (int)g[REG_TRAPNO],
		(unsigned long long)g[REG_RIP], si->si_addr);
	if (tu) {
		struct tu_insn *in = tu_insn_at(bt, tu, (uint8_t *)g[REG_RIP]);

		fprintf(stderr, "umbra: bt: TU at eip %08x, instruction at "
			"%08x, host code", tu->eip, tu->eip + in->goff);
		for (uint32_t i = in[0].host_off; i < in[1].host_off; i++)
			fprintf(stderr, " %02x", tu->host[i]);
		fputc('\n', stderr);
	}
	pass_on(sig);
}

static const enum bt_fault_kind fault_of_trap[32] = {
	[VEC_DE] = FAULT_FPE, [VEC_UD] = FAULT_ILL, [VEC_GP] = FAULT_GP,
	[VEC_PF] = FAULT_MEMORY, [VEC_MF] = FAULT_FPE, [VEC_AC] = FAULT_GP,
	[VEC_XM] = FAULT_FPE, [VEC_SS] = FAULT_GP, [VEC_BP] = FAULT_ILL,
};

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	struct bt *bt = bt_current;
	greg_t *g = ((ucontext_t *)uc)->uc_mcontext.gregs;
	enum bt_fault_kind kind;

	if (bt && sig == SIGTRAP && bt->stepping) {
		clean_pushed_tf(bt, g);
		seek_boundary(bt, g);
		return;
	}
	kind = g[REG_TRAPNO] < 32 ? fault_of_trap[g[REG_TRAPNO]] : FAULT_NONE;
	/* si_code <= 0: sent by a process, not raised by an instruction. */
	if (!bt || si->si_code <= 0 || !in_tc(bt, g[REG_RIP]) || !kind) {
		die_report(bt, sig, si, g);
		return;
	}
	bt->fault_addr = (uint64_t)si->si_addr;
	bt->fault_err = g[REG_ERR];
	bt->fault_trap = g[REG_TRAPNO];
	if (kind == FAULT_MEMORY && return_stack_overflow(bt, bt->fault_addr)) {
		g[REG_RSP] = bt->rs_top;
		bt->stats.rstack_resets++;
		return;
	}
	if (g[REG_RIP] < (greg_t)bt->tc.units ||
	    (kind == FAULT_MEMORY && !near_window(bt, bt->fault_addr))) {
		die_report(bt, sig, si, g);
		return;
	}
	to_fault_stub(bt, g, kind);
}

/* Install the handlers (again, for a second engine).  Returns 0 or -errno. */
int bt_signals_init(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_ONSTACK };
	struct sigaction was;

	sigfillset(&sa.sa_mask);
	for (unsigned i = 0; i < ARRAY_SIZE(fault_signals); i++)
		sigdelset(&sa.sa_mask, fault_signals[i]);
	sa.sa_sigaction = on_fault;
	sigaddset(&sa.sa_mask, KICK_SIGNAL);
	for (unsigned i = 0; i < ARRAY_SIZE(fault_signals); i++) {
		if (sigaction(fault_signals[i], &sa, &was))
			return -errno;
		if (was.sa_sigaction != on_fault)
			handled_before[i] = was;
	}
	sa.sa_sigaction = on_kick;
	sa.sa_flags |= SA_RESTART;
	return sigaction(KICK_SIGNAL, &sa, NULL) ? -errno : 0;
}

/* Give the calling vCPU thread its signal stack and its engine. */
void bt_signals_thread(struct bt *bt)
{
	static __thread void *stack;
	stack_t ss = { .ss_size = ALTSTACK_SIZE };

	bt_current = bt;
	if (stack)
		return;
	stack = mmap(NULL, ALTSTACK_SIZE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ss.ss_sp = stack;
	sigaltstack(&ss, NULL);
}

void bt_kick(struct engine *e)
{
	struct bt *bt = (struct bt *)e;

	if (bt == bt_current)		/* a device, in a bus call */
		bt->kick = bt->poll = 1;
	else if (__atomic_load_n(&bt->running, __ATOMIC_SEQ_CST))
		pthread_kill(bt->thread, KICK_SIGNAL);
}

/* ------------------------------------------------ callout context */

static void *true_fault(struct bt *bt, uint32_t gva, uint32_t error)
{
	bt->stats.true_faults++;
	bt->stats.exceptions++;
	bt_flags_in(bt);
	return bt_after_step(bt, x86_deliver_pf(&bt->x, gva, error));
}

static void *deliver(struct bt *bt, unsigned vec, bool has_error)
{
	bt->stats.exceptions++;
	bt_flags_in(bt);
	return bt_after_step(bt, x86_deliver(&bt->x, X86_EVENT_EXCEPTION, vec,
					     has_error, 0));
}

/* Restart the instruction. */
static void *again(struct bt *bt, struct tu *tu, struct tu_insn *in)
{
	bt_fpu_restore(bt);
	return tu->host + in->host_off;
}

/*
 * Is a mapping worth its price?  The supervisor window takes what is global or
 * the supervisor's own: user memory is another with each address space.  A
 * user window takes what its code touches; an address space that keeps missing
 * is sent back to SOFT as a whole.
 */
static bool map_here(struct bt *bt, const struct x86_walk *w)
{
	bool user = bt->ctx->user && bt->v.cr0 & CR0_PG;

	if (!user)
		return w->global || !w->user || !(bt->v.cr0 & CR0_PG);
	return true;
}

/* Does this address space keep missing its window? */
static bool thrashes(struct bt *bt)
{
	return bt->ctx->user && bt->root->graduated &&
	       bt->memory == MEMORY_AUTO &&
	       ++bt->root->faults > FAULTS_PER_TICK;
}

static void *hidden_fault(struct bt *bt, struct tu *tu, struct tu_insn *in,
			  uint32_t gva, const struct x86_walk *w, bool write)
{
	bt->stats.hidden_faults++;
	if (thrashes(bt)) {
		root_demote(bt, bt->root);
		return bt_resume(bt);
	}
	if (map_here(bt, w) &&
	    !window_map_page(bt, bt_window(bt), gva, w, write))
		return again(bt, tu, in);
	if (bt_patch_site(bt, tu, in, SITE_SOFT))
		return again(bt, tu, in);
	return bt_interp_site(bt, tu, in);
}

static void *memory_fault(struct bt *bt, struct tu *tu, struct tu_insn *in)
{
	uint32_t gva = bt->fault_addr - bt->gs;
	bool write = bt->fault_err & PFERR_W;
	uint8_t flags;
	struct x86_walk w;

	if (x86_translate(&bt->x, gva, (write ? X86_ACC_WRITE : 0) |
			  (bt->ctx->user ? X86_ACC_USER : 0), &w)) {
		if (++in->miss >= TRUE_LIMIT)
			bt_patch_site(bt, tu, in, SITE_SOFT);
		return true_fault(bt, gva, w.error);
	}
	flags = mem_flags(bt->mem, w.gpa);
	if (!(flags & (MEM_RAM | MEM_ROM)) || (write && flags & MEM_ROM)) {
		bt->stats.device_faults++;
		bt_patch_site(bt, tu, in, SITE_CALLOUT);
		return bt_interp_site(bt, tu, in);
	}
	if (write && flags & MEM_TRACED) {
		bt->stats.trace_faults++;
		if (++in->miss > 2)
			bt_patch_site(bt, tu, in, SITE_SOFT);
		return bt_interp_site(bt, tu, in);
	}
	return hidden_fault(bt, tu, in, gva, &w, write);
}

/* The access ran off the window: an address that wraps at 4 GiB. */
static bool off_window(const struct bt *bt)
{
	return bt->fault_addr - bt->gs >= 4 * GIB;
}

/* SDM Vol. 1 8.7 (CR0.NE), Vol. 3A 2.5 (CR4.OSXMMEXCPT). */
static void *fpe(struct bt *bt, struct tu *tu, struct tu_insn *in)
{
	unsigned vec = bt->fault_trap;

	if (vec == VEC_XM && !(bt->v.cr4 & CR4_OSXMMEXCPT))
		vec = VEC_UD;
	if (vec == VEC_MF && !(bt->v.cr0 & CR0_NE))
		return bt_interp_site(bt, tu, in);
	return deliver(bt, vec, false);
}

/*
 * fn_fault: translated code faulted at bt->fault_rip, or is to be stopped
 * there.  The guest's registers are those at the start of the instruction.
 */
void *bt_fault(struct bt *bt)
{
	const uint8_t *rip = (const uint8_t *)bt->fault_rip;
	struct tu *tu = tc_find(bt, rip);
	struct tu_insn *in = tu_insn_at(bt, tu, rip);

	bt_set_lin(bt, tu->eip + in->goff);
	switch (bt->fault) {
	case FAULT_KICK:
		return bt->leaving ? bt_stub(bt, STUB_leave) : (void *)rip;
	case FAULT_MEMORY:
		if (off_window(bt))
			return bt_interp_site(bt, tu, in);
		return memory_fault(bt, tu, in);
	case FAULT_FPE:
		return fpe(bt, tu, in);
	default:
		/* #GP of a misaligned SSE operand, #UD: the interpreter
		 * raises what the architecture says. */
		return bt_interp_site(bt, tu, in);
	}
}
