/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the interpreter's files share: its private state, the way exceptions
 * travel, and the helpers between rooms.
 *
 * Exceptions unwind: whoever finds one records it and jumps to the innermost
 * x86_try().  Handlers therefore do everything that can fail before they
 * change the vCPU, and need no error paths.
 */
#ifndef FULLVIRT_X86_PRIV_H
#define FULLVIRT_X86_PRIV_H

#include "fullvirt/x86/insn.h"
#include "fullvirt/x86/interp.h"
#include "hypervisor/engine.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

#define likely(c)	__builtin_expect(!!(c), 1)
#define unlikely(c)	__builtin_expect(!!(c), 0)

/* Translations by use; entries of one use never serve another. */
enum tlb_use { TLB_READ, TLB_WRITE, TLB_EXEC, TLB_USES };
#define TLB_BITS	9
#define TLB_SIZE	(1u << TLB_BITS)
/* Tags: page number below, generation above. */
#define TLB_GEN_SHIFT	20

struct tlb_entry {
	uint64_t tag;
	uint8_t *hva;		/* of the page */
	gpa_t gpa;		/* of the page */
};

struct tlb_context {
	uint64_t cr3, cr0, cr4;	/* paging bits; EFER.NXE is in cr4 */
};

#define DECODE_BITS	14
#define DECODE_SIZE	(1u << DECODE_BITS)

/* An exception under way. */
struct fault {
	uint8_t vector;
	bool has_error;
	bool trap;		/* not a fault: RF stays out of the frame */
	uint32_t error;
	gva_t cr2;		/* VEC_PF only */
};

/* Why a try ended early. */
enum unwind { UNWIND_NONE, UNWIND_FAULT, UNWIND_STOP };

struct fpu_arena;

/* Private state; the public header calls it the decode cache. */
struct x86_decode_cache {
	void *catch[5];		/* __builtin_setjmp buffer of the innermost try */
	enum unwind unwind;
	struct fault fault;
	enum x86_result result;	/* of the current instruction */

	uint32_t next_eip;	/* committed when the handler returns */
	bool user;		/* CPL 3 */
	bool slow;		/* TLB off: hooks->hva set, or data breakpoints */
	bool data_break;	/* DR7 enables a data or I/O breakpoint */
	bool code_break;	/* DR7 enables an instruction breakpoint */
	bool single_step;	/* TF was set when the instruction began */
	uint8_t ext;		/* EXT bit for error codes during delivery */
	uint32_t dr6_pending;	/* debug traps collected by this instruction */
	/* A watchpoint of the debugger that this instruction has met. */
	const struct engine_breakpoint *watch_hit;
	uint64_t intrs, exceptions;	/* delivered, for statistics */

	struct tlb_context tlb_context;	/* that the TLB was filled under */
	bool tlb_large;		/* holds pieces of a large page */
	uint64_t tlb_gen;	/* generation << TLB_GEN_SHIFT */
	struct tlb_entry tlb[2][TLB_USES][TLB_SIZE];	/* [user][use] */

	struct fpu_arena *fpu;
	uint8_t fetch[16];	/* bytes of an instruction that was hard to get */
	struct insn scratch;	/* decoded from .fetch */
	struct insn entries[DECODE_SIZE];
};

/* Exceptions: fault.c */
_Noreturn void x86_fault(struct x86 *x, unsigned vector);
_Noreturn void x86_fault_error(struct x86 *x, unsigned vector, uint32_t error);
_Noreturn void x86_fault_page(struct x86 *x, gva_t gva, uint32_t error);
/* Trap #DB with @dr6 bits set, rip already behind the instruction. */
_Noreturn void x86_rethrow(struct x86 *x, const struct fault *f);
_Noreturn void x86_trap_debug(struct x86 *x, uint32_t dr6);
/* Give up on this instruction: X86_CANNOT with a reason, or another result. */
_Noreturn void x86_cannot(struct x86 *x, const char *why);
_Noreturn void x86_stop(struct x86 *x, enum x86_result r);
/* Run @fn; false if it unwound (c->unwind says how). */
typedef void x86_try_fn(struct x86 *x, void *arg);
bool x86_try(struct x86 *x, x86_try_fn *fn, void *arg);

static inline void x86_ud(struct x86 *x) { x86_fault(x, VEC_UD); }
static inline void x86_gp(struct x86 *x, uint32_t e)
{
	x86_fault_error(x, VEC_GP, e);
}

/* Execution: step.c.  Runs up to @n instructions inside one try. */
enum x86_result x86_run(struct x86 *x, unsigned n);
/* What the handlers assume about v (CPL, breakpoints); after outside edits. */
void x86_refresh(struct x86 *x);
/* The decoded instruction at CS:rip. */
const struct insn *x86_fetch(struct x86 *x);

/* Translation: tlb.c */
void x86_tlb_invlpg(struct x86 *x, gva_t gva);
void x86_tlb_context(struct x86 *x);
/* HVA of @lin for @use and fill; NULL when not plain RAM (*gpa is set). */
uint8_t *x86_lin_slow(struct x86 *x, gva_t lin, enum tlb_use use, bool user,
		      unsigned size, gpa_t *gpa);

static inline uint8_t *x86_lin_fast(struct x86 *x, uint32_t lin,
				    enum tlb_use use, bool user)
{
	struct x86_decode_cache *c = x->cache;
	struct tlb_entry *e = &c->tlb[user][use][(lin >> PAGE_SHIFT) &
						 (TLB_SIZE - 1)];

	if (unlikely(e->tag != ((lin >> PAGE_SHIFT) | c->tlb_gen)))
		return NULL;
	if (use == TLB_WRITE &&
	    unlikely(x->mem->flags[e->gpa >> PAGE_SHIFT] & MEM_TRACED))
		return NULL;
	return e->hva + (lin & (PAGE_SIZE - 1));
}

/*
 * Linear memory: access.c.  @user: with CPL-3 rights.  All raise #PF.
 * Sizes 1, 2, 4 and 8 for values; up to a page for bytes.
 */
uint64_t x86_lin_read_any(struct x86 *x, gva_t lin, unsigned size, bool user);
void x86_lin_write_any(struct x86 *x, gva_t lin, unsigned size, uint64_t val,
		       bool user);
void x86_lin_read_bytes(struct x86 *x, gva_t lin, void *buf, unsigned n,
			bool user);
void x86_lin_write_bytes(struct x86 *x, gva_t lin, const void *buf, unsigned n,
			 bool user);
/* Raise what a write of @n bytes would raise, set D, write nothing. */
void x86_lin_probe_write(struct x86 *x, gva_t lin, unsigned n, bool user);

/* Guest addresses need not be aligned. */
typedef uint16_t unaligned16 __attribute__((aligned(1), may_alias));
typedef uint32_t unaligned32 __attribute__((aligned(1), may_alias));
typedef uint64_t unaligned64 __attribute__((aligned(1), may_alias));

static inline uint64_t load_raw(const void *p, unsigned size)
{
	switch (size) {
	case 1: return *(const uint8_t *)p;
	case 2: return *(const unaligned16 *)p;
	case 4: return *(const unaligned32 *)p;
	default: return *(const unaligned64 *)p;
	}
}

static inline void store_raw(void *p, unsigned size, uint64_t val)
{
	switch (size) {
	case 1: *(uint8_t *)p = val; break;
	case 2: *(unaligned16 *)p = val; break;
	case 4: *(unaligned32 *)p = val; break;
	default: *(unaligned64 *)p = val; break;
	}
}

/* libc's memcpy uses vector registers, which may be the guest's. */
static inline void copy_raw(void *to, const void *from, unsigned n)
{
	uint8_t *t = to;
	const uint8_t *f = from;

	for (; n >= 8; n -= 8, t += 8, f += 8)
		store_raw(t, 8, load_raw(f, 8));
	while (n--)
		*t++ = *f++;
}

static inline bool crosses_page(uint32_t lin, unsigned size)
{
	return (lin & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
}

static inline uint64_t x86_lin_read(struct x86 *x, uint32_t lin,
				    unsigned size, bool user)
{
	if (likely(!x->cache->slow && !crosses_page(lin, size))) {
		uint8_t *p = x86_lin_fast(x, lin, TLB_READ, user);

		if (likely(p))
			return load_raw(p, size);
	}
	return x86_lin_read_any(x, lin, size, user);
}

static inline void x86_lin_write(struct x86 *x, uint32_t lin, unsigned size,
				 uint64_t val, bool user)
{
	if (likely(!x->cache->slow && !crosses_page(lin, size))) {
		uint8_t *p = x86_lin_fast(x, lin, TLB_WRITE, user);

		if (likely(p)) {
			store_raw(p, size, val);
			return;
		}
	}
	x86_lin_write_any(x, lin, size, val, user);
}

static inline void x86_lin_probe(struct x86 *x, uint32_t lin, unsigned size,
				 bool user)
{
	if (unlikely(x->cache->slow || crosses_page(lin, size) ||
		     !x86_lin_fast(x, lin, TLB_WRITE, user)))
		x86_lin_probe_write(x, lin, size, user);
}

/* Descriptor tables and TSS: supervisor rights whatever the CPL. */
static inline uint64_t x86_sys_read(struct x86 *x, gva_t lin, unsigned size)
{
	return x86_lin_read(x, lin, size, false);
}

static inline void x86_sys_write(struct x86 *x, gva_t lin, unsigned size,
				 uint64_t val)
{
	x86_lin_write(x, lin, size, val, false);
}

/*
 * Logical addresses: access.c.  Limit, type and alignment checks; raises
 * #GP(0), #SS(0) or #AC(0).
 */
bool x86_in_limit(const struct segment *s, uint32_t off, unsigned size);
uint32_t x86_seg_check(struct x86 *x, unsigned seg, uint32_t off,
		       unsigned size, bool write);
void x86_check_align(struct x86 *x);

#define SEG_FLAT_MASK	(SEG_UNUSABLE | SEG_TYPE_CODE | SEG_TYPE_DOWN | \
			 SEG_TYPE_WRITE)

/* @align: a power of two; 1 if the access may be unaligned. */
static inline uint32_t x86_linear_aligned(struct x86 *x, unsigned seg,
					  uint32_t off, unsigned size,
					  unsigned align, bool write)
{
	const struct segment *s = &x->v->seg[seg];
	uint32_t lin = (uint32_t)s->base + off;

	/* Writable, expand-up data within the limit: nearly always. */
	if (unlikely((s->attr & SEG_FLAT_MASK) != SEG_TYPE_WRITE ||
		     (uint64_t)off + size - 1 > s->limit))
		lin = x86_seg_check(x, seg, off, size, write);
	if (unlikely(lin & (align - 1)) && unlikely(x->v->rflags & FLAG_AC))
		x86_check_align(x);
	return lin;
}

static inline uint32_t x86_linear(struct x86 *x, unsigned seg, uint32_t off,
				  unsigned size, bool write)
{
	return x86_linear_aligned(x, seg, off, size, size, write);
}

static inline uint64_t x86_ld(struct x86 *x, unsigned seg, uint32_t off,
			      unsigned size)
{
	return x86_lin_read(x, x86_linear(x, seg, off, size, false), size,
			    x->cache->user);
}

static inline void x86_st(struct x86 *x, unsigned seg, uint32_t off,
			  unsigned size, uint64_t val)
{
	x86_lin_write(x, x86_linear(x, seg, off, size, true), size, val,
		      x->cache->user);
}

/* Flags */
static inline void flags_set(struct vcpu *v, uint32_t mask, uint32_t val)
{
	v->rflags = (v->rflags & ~(uint64_t)mask) | (val & mask);
}

/* Stack of the current mode: stack.c */
static inline uint32_t stack_mask(const struct vcpu *v)
{
	return v->seg[SEG_SS].attr & SEG_DB ? 0xffffffff : 0xffff;
}
void x86_push(struct x86 *x, unsigned size, uint32_t val);
/* Value @n bytes above the top; does not move esp. */
uint32_t x86_stack_peek(struct x86 *x, uint32_t n, unsigned size);
void x86_sp_add(struct vcpu *v, uint32_t n);

/* Change EIP within the current segment: #GP(0) beyond the limit. */
void x86_branch(struct x86 *x, uint32_t eip, unsigned osize);

/* Descriptors: desc.c */
struct desc { uint32_t lo, hi; };
#define DESC_TYPE(d)	(((d).hi >> 8) & 0xf)
#define DESC_S		(1u << 12)
#define DESC_P		(1u << 15)
#define DESC_DPL(d)	(((d).hi >> 13) & 3)
#define DESC_IS_CODE(d)	(((d).hi & (DESC_S | 1u << 11)) == (DESC_S | 1u << 11))
#define DESC_CONFORM	(1u << 10)
#define DESC_RW		(1u << 9)
#define DESC_ACCESSED	(1u << 8)
#define DESC_BUSY	(1u << 9)
#define TYPE_TSS16	1
#define TYPE_LDT	2
#define TYPE_TSS16_BUSY	3
#define TYPE_CALL16	4
#define TYPE_TASK_GATE	5
#define TYPE_INT16	6
#define TYPE_TRAP16	7
#define TYPE_TSS32	9
#define TYPE_TSS32_BUSY	11
#define TYPE_CALL32	12
#define TYPE_INT32	14
#define TYPE_TRAP32	15
#define SEL_RPL(s)	((s) & 3u)
#define SEL_ERR(s)	((s) & 0xfffcu)
#define SEL_NULL(s)	(((s) & 0xfffcu) == 0)

/* Linear address of @sel's descriptor; false beyond its table's limit. */
bool x86_desc_addr(struct x86 *x, uint16_t sel, gva_t *lin);
/* Read it; raise @vector with the selector if it is beyond the table. */
struct desc x86_desc_read(struct x86 *x, uint16_t sel, unsigned vector);
void x86_desc_set_accessed(struct x86 *x, uint16_t sel, struct desc *d);
uint32_t desc_base(struct desc d);
uint32_t desc_limit(struct desc d);
struct segment desc_segment(uint16_t sel, struct desc d);
struct segment x86_null_segment(uint16_t sel);

/* Segment registers: segment.c.  All raise. */
void x86_seg_load(struct x86 *x, unsigned seg, uint16_t sel);
void x86_seg_load_real(struct x86 *x, unsigned seg, uint16_t sel);
/* Check @sel as SS for privilege @cpl (@vector: VEC_GP or VEC_TS). */
struct segment x86_ss_check(struct x86 *x, uint16_t sel, unsigned cpl,
			    unsigned vector);
/* After a change to an outer ring: drop data segments it may not hold. */
void x86_seg_drop_inner(struct x86 *x, unsigned cpl);
void x86_load_ldtr(struct x86 *x, uint16_t sel, unsigned vector);

/* Far transfers: transfer.c, event.c, task.c */
void x86_far_jump(struct x86 *x, uint16_t sel, uint32_t off, unsigned osize);
void x86_far_call(struct x86 *x, uint16_t sel, uint32_t off, unsigned osize);
void x86_far_ret(struct x86 *x, unsigned osize, uint32_t drop);
void x86_iret(struct x86 *x, unsigned osize);
/* Check @d (of @sel) as the target of a direct transfer at @cpl. */
void x86_code_check(struct x86 *x, uint16_t sel, struct desc d, unsigned cpl,
		    unsigned rpl);
/* SS:ESP for @cpl out of the TSS. */
void x86_tss_stack(struct x86 *x, unsigned cpl, uint16_t *ss, uint32_t *esp);
void x86_set_rflags(struct x86 *x, uint32_t mask, uint32_t val);

enum task_reason { TASK_JUMP, TASK_CALL, TASK_IRET, TASK_EVENT };
void x86_task_switch(struct x86 *x, uint16_t sel, struct desc d,
		     enum task_reason why, uint32_t return_eip);

/* Deliver through the IDT (or IVT); raises what goes wrong on the way. */
struct event {
	enum x86_event kind;
	uint8_t vector;
	bool has_error;
	bool set_rf;		/* in the frame */
	uint32_t error;
	uint32_t return_eip;
};
void x86_event_enter(struct x86 *x, const struct event *ev);
/* As above, then the rules for double and triple faults. */
enum x86_result x86_event_deliver(struct x86 *x, struct event ev);
enum x86_result x86_fault_deliver(struct x86 *x);

/* Debug registers: debug.c */
#define DR6_BS	(1u << 14)	/* single step */
#define DR6_BT	(1u << 15)	/* T bit of a TSS */
void x86_debug_refresh(struct x86 *x);
void x86_debug_fetch(struct x86 *x, uint32_t lin);
void x86_debug_data(struct x86 *x, uint32_t lin, unsigned size, bool write);
void x86_debug_io(struct x86 *x, uint16_t port, unsigned size);
/* Stop at the debugger's breakpoint at @lin, if there is one. */
void x86_debugger_fetch(struct x86 *x, uint32_t lin);
/* Stop for a watchpoint that was met. */
static inline void x86_debugger_watch(struct x86 *x)
{
	if (!x->cache->watch_hit)
		return;
	x->debug_hit = x->cache->watch_hit;
	x->cache->watch_hit = NULL;
	x86_stop(x, X86_DEBUG);
}

/* Bus: io.c */
static inline void x86_bus_enter(struct x86 *x)
{
	if (x->hooks && x->hooks->bus_enter)
		x->hooks->bus_enter(x->opaque);
}
void x86_io_check(struct x86 *x, uint16_t port, unsigned size);
uint32_t x86_io_read(struct x86 *x, uint16_t port, unsigned size);
void x86_io_write(struct x86 *x, uint16_t port, unsigned size, uint32_t val);

/* Control and debug registers: cr.c, debug.c.  CPL and existence checked. */
void x86_mov_to_cr(struct x86 *x, unsigned n, uint32_t val);
uint32_t x86_mov_from_cr(struct x86 *x, unsigned n);
void x86_mov_to_dr(struct x86 *x, unsigned n, uint32_t val);
uint32_t x86_mov_from_dr(struct x86 *x, unsigned n);
void x86_write_cr0(struct x86 *x, uint32_t val);
void x86_set_cr3(struct x86 *x, uint64_t cr3);
/* Would that go without a fault? */
bool x86_cr3_loads(const struct x86 *x, uint64_t cr3);
/* The hypercall of the present registers, vmi.c. */
void x86_hypercall(struct x86 *x);

/* FPU: fpu.c */
int x86_fpu_init(struct x86 *x);
void x86_fpu_fini(struct x86 *x);
/* Does fpu.c know it?  @i has everything but fn. */
struct ZydisDecodedInstruction_;
struct ZydisDecodedOperand_;
void x86_fpu_decode(struct insn *i, const struct ZydisDecodedInstruction_ *z,
		    const struct ZydisDecodedOperand_ *ops,
		    const uint8_t *bytes);

#endif
