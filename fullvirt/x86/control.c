/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control transfer: near forms here; far forms unpack their operands here and
 * go on in transfer.c; software interrupts go on in event.c.
 */
#include "fullvirt/x86/cond.h"
#include "fullvirt/x86/operand.h"

void x86_branch(struct x86 *x, uint32_t eip, unsigned osize)
{
	if (osize == 2)
		eip &= 0xffff;
	if (unlikely(eip > x->v->seg[SEG_CS].limit))
		x86_gp(x, 0);
	x->cache->next_eip = eip;
}

static uint32_t relative_target(struct x86 *x, const struct insn *i)
{
	return x->cache->next_eip + i->imm;
}

void op_jcc(struct x86 *x, const struct insn *i)
{
	if (cond_true(x->v->rflags, i->aux))
		x86_branch(x, relative_target(x, i), i->osize);
}

/* Far forms: 9A, EA, and FF /3, FF /5. */
static bool far_form(const struct insn *i)
{
	unsigned reg = i->modrm >> 3 & 7;

	return i->opcode == 0x9a || i->opcode == 0xea ||
	       (i->opcode == 0xff && (reg == 3 || reg == 5));
}

static void far_operand(struct x86 *x, const struct insn *i, uint16_t *sel,
			uint32_t *off)
{
	uint32_t at;

	if (i->opcode != 0xff) {
		*sel = i->imm2;
		*off = i->imm;
		return;
	}
	if (i->op[0].kind != OPND_MEM)
		x86_ud(x);
	at = ea_offset(x->v, i);
	*off = x86_ld(x, i->seg, at, i->osize);
	at += i->osize;
	*sel = x86_ld(x, i->seg, i->asize == 2 ? at & 0xffff : at, 2);
}

static uint32_t near_target(struct x86 *x, const struct insn *i)
{
	return i->opcode == 0xff ? operand_get(x, i, 0) :
	       relative_target(x, i);
}

void op_jmp(struct x86 *x, const struct insn *i)
{
	uint16_t sel;
	uint32_t off;

	if (far_form(i)) {
		far_operand(x, i, &sel, &off);
		x86_far_jump(x, sel, off, i->osize);
	} else {
		x86_branch(x, near_target(x, i), i->osize);
	}
}

void op_call(struct x86 *x, const struct insn *i)
{
	uint32_t off, ret = x->cache->next_eip;
	uint16_t sel;

	if (far_form(i)) {
		far_operand(x, i, &sel, &off);
		x86_far_call(x, sel, off, i->osize);
		return;
	}
	x86_branch(x, near_target(x, i), i->osize);
	x86_push(x, i->osize, ret);
}

/* C2, C3 near; CA, CB far.  The immediate is a count of bytes to drop. */
void op_ret(struct x86 *x, const struct insn *i)
{
	uint32_t drop = i->op[0].kind == OPND_IMM ? i->imm & 0xffff : 0;

	if (i->opcode & 8) {
		x86_far_ret(x, i->osize, drop);
		return;
	}
	x86_branch(x, x86_stack_peek(x, 0, i->osize), i->osize);
	x86_sp_add(x->v, i->osize + drop);
}

void op_iret(struct x86 *x, const struct insn *i)
{
	x86_iret(x, i->osize);
}

void op_jcxz(struct x86 *x, const struct insn *i)
{
	if (!gpr_get(x->v, GPR_CX, i->asize))
		x86_branch(x, relative_target(x, i), i->osize);
}

/* aux: 0 LOOP, 1 LOOPE, 2 LOOPNE. */
void op_loop(struct x86 *x, const struct insn *i)
{
	uint32_t n = gpr_get(x->v, GPR_CX, i->asize) - 1;
	bool zf = x->v->rflags & FLAG_ZF, go;

	go = i->asize == 2 ? (uint16_t)n : n;
	if (i->aux)
		go = go && zf == (i->aux == 1);
	if (go)
		x86_branch(x, relative_target(x, i), i->osize);
	gpr_set(x->v, GPR_CX, i->asize, n);
}

static void software_int(struct x86 *x, unsigned vector,
			 enum x86_event kind)
{
	struct event ev = { .kind = kind, .vector = vector,
			    .return_eip = x->cache->next_eip };

	x86_event_enter(x, &ev);
	x->cache->next_eip = x->v->rip;
}

void op_int(struct x86 *x, const struct insn *i)
{
	/* v8086: IOPL 3 or the monitor gets it (CR4.VME is not offered). */
	if (x->v->rflags & FLAG_VM && (x->v->rflags & FLAG_IOPL) != FLAG_IOPL)
		x86_gp(x, 0);
	software_int(x, i->imm & 0xff, X86_EVENT_SOFT_INT);
}

void op_int3(struct x86 *x, const struct insn *i)
{
	software_int(x, VEC_BP, X86_EVENT_SOFT_INT);
}

void op_into(struct x86 *x, const struct insn *i)
{
	if (x->v->rflags & FLAG_OF)
		software_int(x, VEC_OF, X86_EVENT_SOFT_INT);
}

/* ICEBP: a hardware #DB, without DPL check and with EXT. */
void op_int1(struct x86 *x, const struct insn *i)
{
	software_int(x, VEC_DB, X86_EVENT_EXCEPTION);
}

void op_bound(struct x86 *x, const struct insn *i)
{
	uint32_t at = ea_offset(x->v, i), index, lo, hi;
	uint32_t mask = i->asize == 2 ? 0xffff : 0xffffffff;
	unsigned size = i->osize, shift = 32 - size * 8;

	if (i->op[1].kind != OPND_MEM)
		x86_ud(x);
	index = reg_get(x->v, i->op[0].reg, size) << shift;
	lo = (uint32_t)x86_ld(x, i->seg, at, size) << shift;
	hi = (uint32_t)x86_ld(x, i->seg, (at + size) & mask, size) << shift;
	if ((int32_t)index < (int32_t)lo || (int32_t)index > (int32_t)hi)
		x86_fault(x, VEC_BR);
}

/* Flat segments for SYSENTER and SYSEXIT, SDM Vol. 2B. */
static void fast_segments(struct x86 *x, uint16_t cs, uint16_t ss,
			  unsigned dpl)
{
	uint32_t attr = SEG_P | SEG_S | SEG_DB | SEG_G | SEG_TYPE_WRITE |
			SEG_TYPE_ACCESSED | dpl << SEG_DPL_SHIFT;

	x->v->seg[SEG_CS] = (struct segment){
		.limit = 0xffffffff, .attr = attr | SEG_TYPE_CODE,
		.selector = cs };
	x->v->seg[SEG_SS] = (struct segment){
		.limit = 0xffffffff, .attr = attr, .selector = ss };
	x86_refresh(x);
}

void op_sysenter(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	uint16_t cs = v->msr.sysenter_cs;

	if (vcpu_real_mode(v) || SEL_NULL(cs))
		x86_gp(x, 0);
	v->rflags &= ~(uint64_t)(FLAG_VM | FLAG_IF);
	fast_segments(x, SEL_ERR(cs), SEL_ERR(cs) + 8, 0);
	v->gpr[GPR_SP] = (uint32_t)v->msr.sysenter_esp;
	x->cache->next_eip = v->msr.sysenter_eip;
}

void op_sysexit(struct x86 *x, const struct insn *i)
{
	struct vcpu *v = x->v;
	uint16_t cs = v->msr.sysenter_cs;

	if (vcpu_real_mode(v) || SEL_NULL(cs) || vcpu_cpl(v))
		x86_gp(x, 0);
	fast_segments(x, (SEL_ERR(cs) + 16) | 3, (SEL_ERR(cs) + 24) | 3, 3);
	v->gpr[GPR_SP] = (uint32_t)v->gpr[GPR_CX];
	x->cache->next_eip = v->gpr[GPR_DX];
}
