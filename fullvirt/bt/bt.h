/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The BT engine's private state, shared by its files.
 *
 * Host registers while translated code runs:
 *   eax ecx edx ebx ebp esi edi   the guest's own; upper halves are zero
 *   r15d                          guest esp; upper half zero
 *   r14                           struct bt
 *   r12                           12, the page shift, for flag-free shrx
 *   r8..r11, r13                  scratch, dead between guest instructions
 *   rsp                           return-prediction stack of this privilege
 *   rflags                        guest CF PF AF ZF SF OF DF
 *   gs base                       window of the current context
 * Everything else of the guest is in bt->v; IF, DF, IOPL and the other system
 * flags are in bt->sysflags.
 *
 * All callouts from the TC have one shape: save the guest registers in bt->v,
 * run a C function that returns the host address to go on at, restore.  The
 * C function leaves bt->v.rip at the guest instruction which that address
 * stands for, so every return is a point where an interrupt can be taken.
 */
#ifndef FULLVIRT_BT_BT_H
#define FULLVIRT_BT_BT_H

#include <pthread.h>
#include <signal.h>

#include "fullvirt/x86/interp.h"
#include "hypervisor/engine.h"
#include "hypervisor/mem.h"

#define NPAGES		(1u << 20)	/* pages of a 4 GiB linear space */
#define IBTC_SIZE	(1u << 16)	/* indexed by the low 16 bits of eip */
#define MAX_CTX		128
#define NSITES		1024
#define NPROBATION	256
#define NMOVED		256
#define NLOCALS		256	/* looked at by every CR3 load: 3 ns each */
#define MAX_ROOTS	256
#define RSTACK_SIZE	(16 * KIB)
/* Around a window. A bit-string operand reaches 256 MiB to either side of its base. */
#define WINDOW_GUARD	(512 * MIB)

/* Software TLBs (SOFT template): by privilege and by access. */
enum soft_kind { SOFT_KR, SOFT_KW, SOFT_UR, SOFT_UW, SOFT_KINDS };

/* Counters: name, what it counts. */
#define BT_STATS(X)							\
	X(tu_made, "translation units made")				\
	X(tu_insns, "guest instructions translated")			\
	X(tu_bytes_in, "guest bytes translated")			\
	X(tu_bytes_out, "host bytes emitted")				\
	X(tu_dead, "translation units invalidated")			\
	X(tc_flush, "translation cache flushes")			\
	X(chains, "exits chained")					\
	X(unchains, "exits unchained")					\
	X(dispatches, "entries to the dispatcher")			\
	X(ind_misses, "indirect lookups that missed")			\
	X(guard_misses, "page guards that failed")			\
	X(callouts, "instructions interpreted from the TC")		\
	X(interp_runs, "instructions interpreted outside the TC")	\
	X(soft_misses, "software TLB misses")				\
	X(soft_fills, "software TLB fills")				\
	X(soft_flushes, "software TLB flushes")				\
	X(hidden_faults, "host faults the guest never saw")		\
	X(true_faults, "host faults that the guest got")		\
	X(trace_faults, "host faults on traced pages")			\
	X(device_faults, "host faults on device pages")			\
	X(sites_soft, "instructions moved to SOFT")			\
	X(sites_callout, "instructions moved to a callout")		\
	X(sites_back, "instructions moved back to WINDOW")		\
	X(maps, "window mappings made")					\
	X(unmaps, "window mappings dropped")				\
	X(validations, "windows validated on a TLB flush")		\
	X(evictions, "windows evicted")					\
	X(restarts, "windows emptied to make room")			\
	X(locals_shut, "times that pages which are not global went")	\
	X(graduations, "address spaces moved to WINDOW")		\
	X(demotions, "address spaces moved back to SOFT")		\
	X(code_writes, "writes to pages with translated code")		\
	X(code_hits, "of these, writes to translated bytes")		\
	X(kicks, "kick signals")					\
	X(remote_writes, "writes by other threads put off until a boundary") \
	X(kick_steps, "host instructions stepped to a boundary")	\
	X(interrupts, "interrupts delivered")				\
	X(exceptions, "exceptions raised by translated code")		\
	X(cr3_loads, "CR3 loads")					\
	X(hypercalls, "hypercalls")					\
	X(rstack_resets, "return stacks reset after overflow")		\
	X(fpu_saves, "FPU state saved for C code")

struct bt_stats {
#define X(name, text) uint64_t name;
	BT_STATS(X)
#undef X
};

/*
 * What translation specialises on.  A TU made for one context is entered only
 * in that context.  States outside these (TF, NT, breakpoints) have no context
 * and are interpreted.  Below, eip is short for the linear address of code;
 * only bt->v.rip is an offset in CS.
 */
#define CTX_CPL_MASK	0x0003u
#define CTX_FS_OK	0x0004u	/* FS usable, 4 GiB limit, writable */
#define CTX_GS_OK	0x0008u
#define CTX_IOPL_SHIFT	4
#define CTX_IOPL_MASK	0x0030u
#define CTX_FPU		0x0040u	/* TS = EM = 0 */
#define CTX_SSE		0x0080u	/* CTX_FPU and CR4.OSFXSR */
#define CTX_WINDOW	0x0100u	/* memory template: WINDOW, else SOFT */
#define CTX_PG		0x0200u
#define CTX_TSD		0x0400u	/* rdtsc faults here */
#define CTX_DF		0x0800u	/* direction flag set */
#define CTX_SEG		0x1000u	/* not flat: bases and limits are applied */
#define CTX_CODE16	0x2000u
#define CTX_STACK16	0x4000u

struct ctx {
	uint32_t flags;
	uint32_t cs_base, cs_limit;	/* 0 and 4 GiB - 1 unless CTX_SEG */
	uint32_t id;
	bool user;		/* CPL 3 */
	uint8_t *ret_miss;	/* routine: a return was not predicted */
	uint64_t rs_top;	/* its return stack: [rs_top] holds ret_miss */
	uint64_t rs_save;	/* rsp there while another context runs */
	struct ctx *flip[2];	/* the context with FS, GS (not) usable */
};

struct tu_insn {
	uint32_t host_off;	/* from tu->host */
	uint16_t goff;		/* eip - tu->eip */
	uint8_t len;
	uint8_t miss : 4;	/* faults here that speak for SOFT */
	uint8_t tries : 4;	/* times it was moved to SOFT and back */
};

#define TU_DEAD		1u
#define TU_GUARDED	2u	/* enter through a check of the X table */
#define TU_PATCH	4u	/* stands for one instruction of .parent */
#define TU_FALLS	8u	/* the sentinel is a boundary: falls through */

struct tu {
	uint8_t *host;
	uint32_t host_len;
	uint32_t eip;		/* of the first instruction */
	uint32_t gpfn, gpfn2;	/* pages of its source; gpfn2 = 0: one page */
	uint16_t lo, hi;	/* source bytes in gpfn: [lo, hi) */
	uint16_t hi2;		/* source bytes in gpfn2: [0, hi2) */
	uint16_t flags;		/* TU_* */
	uint32_t ctx;		/* id */
	uint32_t insn0, ninsn;	/* in tc.insns; one more is a sentinel */
	uint32_t exit0, nexit;	/* in tc.exits */
	uint32_t entry0, nentry; /* in tc.entries */
	uint32_t page_next, page_next2;	/* other TUs on gpfn, gpfn2 */
	uint32_t parent, parent_insn;	/* TU_PATCH */
};

/* A way out of a TU to a known guest address. */
struct tu_exit {
	uint8_t *patch;		/* the rel32 to patch */
	uint8_t *thunk;		/* where it points when not chained */
	uint32_t eip;
	uint32_t tu;
	uint32_t target;	/* entry it is chained to, 0: none */
	uint32_t next;		/* other exits chained to the same entry */
};

/* A guest address at which a TU can be entered; also its hash-table node. */
struct tc_entry {
	uint8_t *body;		/* no check */
	uint8_t *guarded;	/* checks that the page is still mapped so */
	uint32_t eip, gpfn, ctx;
	uint32_t tu;
	uint32_t hash_next;
	uint32_t in;		/* exits chained here */
};

#define TC_HASH		(1u << 18)

struct tc {
	uint8_t *code;		/* start; the stubs come first */
	uint8_t *units;		/* first byte behind the stubs */
	uint8_t *next, *end;
	struct tu *tus;		/* [0] unused; sorted by host address */
	uint32_t ntus, max_tus;
	struct tu_insn *insns;
	uint32_t ninsns, max_insns;
	struct tu_exit *exits;	/* [0] unused */
	uint32_t nexits, max_exits;
	struct tc_entry *entries; /* [0] unused */
	uint32_t nentries, max_entries;
	uint32_t *hash;
	uint32_t *page_tus;	/* per gpfn: list head of its TUs */
	uint8_t *page_heat;	/* per gpfn: how often code there was changed */
	uint64_t npages;
};

/* One host mapping in a window. */
struct wmap {
	uint32_t pn, npages;
	uint32_t gpfn;
	bool writable, global;
	bool large;		/* the directory entry maps it */
	uint32_t splits;	/* host mappings that mprotect() made of it */
	gpa_t pte_gpa, pde_gpa;	/* ~0: unpaged */
	uint64_t pte, pde;	/* as they were */
};

/* The pages of the supervisor window that are not global, and some that were. */
struct locals {
	uint32_t pn[NLOCALS], n;
	uint32_t turn;		/* the next to be evicted */
	uint32_t gone;		/* evicted or not true any more, since: */
	uint64_t since_ns;
	uint64_t shut_ns;	/* none are mapped until then; 0: they are */
	uint32_t shut;		/* so many times so far */
};

struct window {
	uint8_t *base;		/* HVA of linear 0 */
	uint32_t *index;	/* per page number: position in maps, plus 1 */
	struct wmap *maps;
	uint32_t nmaps, cap;
	uint32_t vmas;		/* host mappings that all this takes, at most */
	uint32_t mode;		/* paging-mode bits it was filled under */
};

/* A guest address space: what we know about one CR3 value. */
struct root {
	uint32_t cr3;
	bool used;
	bool graduated;		/* runs WINDOW at CPL 3 */
	struct window *win;	/* NULL: no user window */
	uint32_t ticks;		/* interrupts taken in user mode since young */
	uint32_t faults;	/* hidden faults since the last tick */
	uint32_t backoff;	/* ticks to stay young after a demotion */
	uint64_t last_use;
};

struct soft_list {
	uint32_t *pn;		/* page | kind << 20 */
	uint32_t n;
};
/* Every slot of every table: a list cannot overflow with live entries. */
#define SOFT_LIST_MAX	(8 * NPAGES)
#define SOFT_LIST_X	SOFT_KINDS	/* kinds of X-table entries: + user */

enum bt_fault_kind { FAULT_NONE, FAULT_MEMORY, FAULT_GP, FAULT_FPE, FAULT_ILL,
		     FAULT_KICK };

struct bt {
	struct engine engine;
	struct vcpu v;

	/* Hot fields, addressed from r14 by the stubs and templates. */
	uint32_t sysflags;	/* rflags but for the arithmetic ones */
	uint32_t poll;		/* an interrupt or NMI waits */
	uint64_t hflags;	/* the arithmetic ones, during callouts */
	uint64_t r8, r9, r10, r11; /* scratch registers at the last callout */
	uint64_t site;		/* return address of the last callout */
	uint64_t resume;	/* where to go back to */
	uint64_t resume_stub;	/* address of the resume stub */
	uint64_t c_rsp;		/* the VMM's stack */
	uint64_t rs_save;	/* rsp of the return stack during callouts */
	uint64_t rs_top;	/* start of the current return stack */
	uint64_t kick;		/* set by the signal handler */
	/*
	 * CTX_SEG: last offset that may be read, written through a segment
	 * register, -1 where only the interpreter can tell.
	 */
	int64_t seg_limit[2][SEG_COUNT];
	/*
	 * The last flat descriptor loaded into DS and ES, so that loading it
	 * again is a comparison (see templates.c).
	 */
	struct seg_cache {
		uint32_t neg_sel, lin;	/* -selector; where its descriptor is */
		uint64_t neg_raw;	/* -its 8 bytes */
		struct segment seg;
	} seg_cache[2];		/* ES, DS */
	void *(*fn_interp)(struct bt *);
	void *(*fn_soft_read)(struct bt *);
	void *(*fn_soft_write)(struct bt *);
	void *(*fn_chain)(struct bt *);
	void *(*fn_indirect)(struct bt *);
	void *(*fn_guard)(struct bt *);
	void *(*fn_fault)(struct bt *);
	void *(*fn_async)(struct bt *);
	void *(*fn_hot[16])(struct bt *);	/* enum bt_hot */

	/* The rest. */
	struct x86 x;
	struct mem *mem;
	struct engine_bus *bus;
	struct tc tc;
	struct ctx ctxs[MAX_CTX];
	unsigned nctx;
	uint8_t ctx_hint[256];	/* by flags: id + 1 of a context to try */
	struct ctx *ctx;	/* current; NULL: interpret */
	bool fpu_live;		/* guest FPU state is in the host registers */
	bool leaving;
	bool redispatch;	/* the async callout must look up rip */
	uint64_t gs;		/* gs base now */

	struct window kwin;
	struct root roots[MAX_ROOTS];
	struct root *root;	/* of the current CR3 */
	uint64_t root_clock;
	uint32_t vmas, vma_budget;
	uint64_t restarted_ns;	/* when a window was last emptied for room */
	struct soft_list soft[2];	/* non-global, global */
	struct locals locals;
	/* Pages that no mapping of kwin keeps up with: see give_up(). */
	struct { uint32_t pn, moves; } moved[NMOVED];
	uint32_t restless[NPAGES / 32];
	bool any_restless;
	uint32_t soft_global[NPAGES / 32]; /* bit: the second names the page */
	bool big[1024];		/* 4 MiB of linear space: had a large page */
	bool pieces[1024];	/* the same: windows have pieces of one */

	/* From the signal handler. */
	pthread_t thread;
	bool running;		/* between run()'s begin and end */
	uint8_t *rstacks;	/* MAX_CTX return stacks with guards */
	enum bt_fault_kind fault;
	uint64_t fault_rip, fault_addr;
	uint32_t fault_trap, fault_err;
	bool stepping;

	/* Callout sites found recently, by return address. */
	struct { uint64_t site; struct tu *tu; struct tu_insn *in; }
		sites[NSITES];

	/* User instructions on probation in SOFT, see sites_review(). */
	struct probation { uint32_t patch, due; uint8_t code[5]; }
		probation[NPROBATION];
	uint32_t nprobation;
	uint32_t ticks;		/* interrupts taken in user mode */
	uint64_t cool_at;	/* kicks at which to forget page_heat */
	uint32_t hot_runs;	/* interpreted on hot pages since then */

	/* Writes by other threads, see remote.c. */
	struct remote {
		pthread_mutex_t lock;
		struct remote_write *first, **last;
		bool pending;
	} remote;

	struct engine_debug debug;	/* x.debug, if there is any in it */
	bool watching;		/* a data breakpoint among them */

	struct engine_exit_info *info;
	struct bt_stats stats;
	FILE *log, *perf_map;
	uint32_t invalidated;	/* bumped when any TU dies */
	bool verify;
	enum { MEMORY_AUTO, MEMORY_SOFT, MEMORY_WINDOW } memory;

	/* Tables far behind, at the offsets below. */
	uint8_t end[];
};

/*
 * The arena: struct bt at 0, then the tables that templates address as
 * r14 + index * scale + constant.  Sparse: only touched pages cost memory.
 */
#define ARENA_X(user)	(0x0100000ull + (user) * 0x0400000ull)
#define ARENA_TAG(k)	(0x0c00000ull + (k) * 0x0400000ull)
#define ARENA_ADD(k)	(0x2000000ull + (k) * 0x0800000ull)
#define ARENA_IBTC_TAG(c) (0x4000000ull + (c) * 0x0040000ull)
#define ARENA_IBTC_HOST(c) (0x6000000ull + (c) * 0x0080000ull)
#define ARENA_SIZE	0xa000000ull

/* gpfn + 1 of each page that may be executed at this privilege, or 0. */
static inline uint32_t *bt_x(struct bt *bt, bool user)
{
	return (uint32_t *)((uint8_t *)bt + ARENA_X(user));
}

/* The linear address of rip, and its inverse. */
static inline uint32_t bt_lin(const struct bt *bt)
{
	return (uint32_t)(bt->v.rip + bt->v.seg[SEG_CS].base);
}

static inline void bt_set_lin(struct bt *bt, uint32_t lin)
{
	bt->v.rip = (uint32_t)(lin - bt->v.seg[SEG_CS].base);
}

static inline int32_t *bt_tag(struct bt *bt, enum soft_kind k)
{
	return (int32_t *)((uint8_t *)bt + ARENA_TAG(k));
}

static inline uint64_t *bt_add(struct bt *bt, enum soft_kind k)
{
	return (uint64_t *)((uint8_t *)bt + ARENA_ADD(k));
}

static inline int32_t *bt_ibtc_tag(struct bt *bt, uint32_t ctx)
{
	return (int32_t *)((uint8_t *)bt + ARENA_IBTC_TAG(ctx));
}

/*
 * The tag of an empty slot.  0 is what eip ffffffff compares equal to, so its
 * slot holds 1, which stands for an eip of another slot.
 */
static inline int32_t bt_ibtc_empty(uint32_t slot)
{
	return slot == IBTC_SIZE - 1;
}

static inline uint8_t **bt_ibtc_host(struct bt *bt, uint32_t ctx)
{
	return (uint8_t **)((uint8_t *)bt + ARENA_IBTC_HOST(ctx));
}

/* Stubs at the start of the TC: offsets from tc.code, filled by stubs.c. */
#define BT_STUBS(X)							\
	X(enter) X(interp) X(soft_read) X(soft_write) X(chain)		\
	X(indirect) X(guard) X(fault) X(async) X(resume) X(resume_check)	\
	X(resume_end) X(leave) X(hot)

enum bt_stub {
#define X(name) STUB_##name,
	BT_STUBS(X)
#undef X
	STUB_COUNT
};

/* Specialised callouts: name, C function; stub is STUB_hot + HOT_STRIDE * n. */
#define BT_HOTS(X)							\
	X(string) X(scan) X(popf) X(mov_seg) X(pop_seg) X(iret) X(sysenter)	\
	X(sysexit) X(int_n) X(desc_table) X(hypercall)

enum bt_hot {
#define X(name) HOT_##name,
	BT_HOTS(X)
#undef X
	HOT_COUNT
};

/* What HOT_string and HOT_scan find in r9d: operand size in bytes, and these. */
#define HOT_SIZE	0x07u
#define HOT_SOURCE	0x08u	/* MOVS, CMPS; else STOS, SCAS */
#define HOT_REP		0x10u	/* any REP; for HOT_scan: REPE */
#define HOT_REPNE	0x20u

/*
 * All that follows: vCPU thread, unless it says otherwise.  "@eip" is the
 * address of a guest instruction, "@host" one in the TC.  What returns void *
 * returns the host address to resume at, with v.rip and the context to match.
 */

/* stubs.c */
extern uint32_t bt_stub_off[STUB_COUNT];
/* Copy the stubs to the start of the TC; sets tc.units. */
void bt_stubs_install(struct bt *bt);
/* Run at @host until something resumes at STUB_leave. */
void bt_enter(struct bt *bt, void *host);
uint8_t *bt_stub(const struct bt *bt, enum bt_stub s);
uint8_t *bt_hot_stub(const struct bt *bt, enum bt_hot h);

/* tc.c */
/* @size: bytes of code.  Returns 0, -ENOMEM or what mmap reports. */
int tc_init(struct bt *bt, uint64_t size);
void tc_fini(struct bt *bt);
/* Forget every TU and context (bt->ctx is NULL then).  Saves the FPU. */
void tc_flush(struct bt *bt);
/* Is there room for one more TU of any shape? */
bool tc_room(struct bt *bt);
/* The live entry for @eip on frame @gpfn in context @ctx, or NULL. */
struct tc_entry *tc_lookup(struct bt *bt, uint32_t eip, uint32_t gpfn,
			   uint32_t ctx);
/* TC backmap: the TU (dead ones, too) that @host is in, NULL for stubs.  Also
 * called by the signal handlers. */
struct tu *tc_find(struct bt *bt, const uint8_t *host);
/* Its instruction there; behind the last body, the sentinel (len 0). */
struct tu_insn *tu_insn_at(struct bt *bt, struct tu *tu, const uint8_t *host);
/* Make @eip of @tu known; @guarded = @body for a TU without guards. */
void tc_add_entry(struct bt *bt, struct tu *tu, uint32_t eip, uint8_t *body,
		  uint8_t *guarded);
/* Patch exit @exit to jump to @to; nothing if it is chained already. */
void tc_chain(struct bt *bt, uint32_t exit, struct tc_entry *to);
/* Cut every way into @tu.  Resets all return stacks; bumps invalidated. */
void tu_kill(struct bt *bt, struct tu *tu);
/* Trace a page before reading code from it; undone if none came of it. */
void tc_trace_page(struct bt *bt, uint32_t gpfn);
void tc_untrace_unused(struct bt *bt, uint32_t gpfn);
/* Put @tu on the lists of its pages, which are traced from then on. */
void tu_register_pages(struct bt *bt, struct tu *tu);
/* [gpa, gpa + len) is about to change: kill what was made from it. */
bool tc_write(struct bt *bt, gpa_t gpa, uint64_t len);
/* Forget how often code in [gpa, gpa + len) was patched. */
void tc_cool(struct bt *bt, gpa_t gpa, uint64_t len);
/* Linear page @pn does not map frame @gpfn any more: kill the TUs that are
 * entered there without a guard. */
void tc_kill_linear(struct bt *bt, uint32_t pn, uint32_t gpfn);

/* translate.c */
/*
 * Translate at @eip = @gpa for the present context; may flush the cache.
 * NULL: this instruction must be interpreted.  Saves the FPU.
 */
struct tc_entry *bt_translate(struct bt *bt, uint32_t eip, gpa_t gpa,
			      bool global);
enum site_mode { SITE_SOFT, SITE_CALLOUT };
/*
 * Replace the code of @in.  False if there is no room for that: interpret it
 * this once.  Saves the FPU; constant time.
 */
bool bt_patch_site(struct bt *bt, struct tu *tu, struct tu_insn *in,
		   enum site_mode mode);
/* Give patched user instructions their windows back when it is time. */
void bt_review_sites(struct bt *bt);

/* softmmu.c */
/* Returns 0 or -ENOMEM. */
int soft_init(struct bt *bt);
void soft_fini(struct bt *bt);
/* Walk for @gva and cache the result.  False: @w says why not. */
bool soft_fill(struct bt *bt, uint32_t gva, bool user, bool write,
	       struct x86_walk *w);
/* The architecture's flushes; they cost what was filled. */
void soft_flush(struct bt *bt, bool global_too);
/* Returns whether code was executed there since the last flush. */
bool soft_invlpg(struct bt *bt, uint32_t gva);
/* The same, and what was cached of the page is cached again if it may be. */
bool soft_renew(struct bt *bt, uint32_t gva);
/* Frame @gpfn is traced now: no entry may write it. */
void soft_protect(struct bt *bt, uint32_t gpfn);
/* Code may be fetched from @gva's page, frame @gpfn, at this privilege. */
void soft_x_fill(struct bt *bt, uint32_t gva, uint32_t gpfn, bool user,
		 bool global);
/* x86_hooks.hva.  @access: X86_ACC_*; @size bytes within one page. */
void *soft_hva(void *opaque, gva_t gva, unsigned size, unsigned access);

/* window.c */
/* Reserve; nothing mapped.  Returns 0, -ENOMEM or what mmap reports. */
int window_init(struct bt *bt, struct window *w);
void window_fini(struct bt *bt, struct window *w);
/* Unmap everything in one call. */
void window_drop_all(struct bt *bt, struct window *w);
/*
 * Map @gva's page, and neighbours, as its walk allows; its frame is backed.
 * Returns 0, -ENOSPC when the budget is spent, or what mmap reports.  4 us.
 */
int window_map_page(struct bt *bt, struct window *w, uint32_t gva,
		    const struct x86_walk *w_, bool write);
/* A flush: unmap what the guest's tables do not say any more. */
void window_validate(struct bt *bt, struct window *w, bool global_too);
/* The same for a CR3 load, in the supervisor window. */
void window_validate_locals(struct bt *bt);
void window_invlpg(struct bt *bt, struct window *w, uint32_t gva);
/* The same; if the page is mapped elsewhere now, so is the window's.  4 us. */
void window_renew(struct bt *bt, struct window *w, uint32_t gva);
/* Frame @gpfn is traced now: no window may write it. */
void windows_protect(struct bt *bt, uint32_t gpfn);
/* What is known about @cr3; a new one takes the place of the oldest. */
struct root *root_get(struct bt *bt, uint32_t cr3);
/* To WINDOW, to SOFT; bt_set_ctx() must follow.  Out of memory: stays SOFT. */
void root_graduate(struct bt *bt, struct root *r);
/* As window_validate() for r->win, which must exist. */
void root_validate(struct bt *bt, struct root *r);
void root_demote(struct bt *bt, struct root *r);
/* The window of the present context, which has one. */
struct window *bt_window(struct bt *bt);

/* context.c, dispatch.c */
/* Go on at v.rip after anything happened; flags are out. */
void *bt_resume(struct bt *bt);
/* End run() with @why. */
void *bt_leave(struct bt *bt, enum engine_exit why);
/* Go on after x86_step() or a delivery; flags are in v.rflags. */
void *bt_after_step(struct bt *bt, enum x86_result r);
/* v.rflags from hflags and sysflags, and back. */
void bt_flags_in(struct bt *bt);
void bt_flags_out(struct bt *bt);
void bt_set_ctx(struct bt *bt);
void bt_set_ctx_flat(struct bt *bt);
bool bt_set_ctx_seg(struct bt *bt, enum seg_reg seg);
/* As bt_resume() where bt->ctx is up to date. */
void *bt_go(struct bt *bt);
/* Empty all return stacks. */
void bt_rstack_reset(struct bt *bt);
/* Before ordinary C code or a look at v.fpu, and before going back to the TC;
 * either may be called twice. */
void bt_fpu_save(struct bt *bt);
void bt_fpu_restore(struct bt *bt);
void bt_mxcsr_mask(struct bt *bt);
/* Interpret @in of @tu, where v.rip is, and go on behind it. */
void *bt_interp_site(struct bt *bt, struct tu *tu, struct tu_insn *in);
/* The instruction that called out (bt->site); sets v.rip. */
struct tu_insn *bt_locate(struct bt *bt, struct tu **tu);
/* The code for @eip if it directly follows @in, else NULL. */
uint8_t *bt_next_host(struct bt *bt, struct tu *tu, struct tu_insn *in,
		      uint32_t eip);
void bt_dispatch_init(struct bt *bt);

/* hot.c, gates.c */
/* The hypercall of the present registers, by the machine; rip is behind it. */
void bt_hypercall(struct bt *bt);
void bt_hot_init(struct bt *bt);
/* Forget the flat descriptors: the GDT, DS or ES changed behind templates. */
void bt_seg_cache_clear(struct bt *bt);
void bt_gates_init(struct bt *bt);
extern const struct x86_hooks bt_hooks;

/* fault.c */
void *bt_fault(struct bt *bt);
/* Install the handlers, once for the process.  Returns 0 or -errno. */
int bt_signals_init(void);
/* Make the calling thread @bt's vCPU thread. */
void bt_signals_thread(struct bt *bt);
/*
 * Writes to guest memory by other threads (remote.c).  drain: vCPU thread,
 * before any event is taken.  running: run() begins or ends.
 */
void bt_remote_init(struct bt *bt);
void bt_remote_fini(struct bt *bt);
void bt_remote_drain(struct bt *bt);
void bt_remote_running(struct bt *bt, bool running);
static inline bool bt_remote_pending(const struct bt *bt)
{
	return __atomic_load_n(&bt->remote.pending, __ATOMIC_SEQ_CST);
}

/* engine_ops.kick.  Any thread; async-signal-safe. */
void bt_kick(struct engine *e);
extern __thread struct bt *bt_current;

#endif
