/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The x87 environment in its four memory formats, FNSAVE/FRSTOR, and
 * FXSAVE/FXRSTOR: done in C on the image, so that no host address can show
 * up in the instruction and data pointers.
 *
 * Intel SDM Vol. 1 8.1.8 to 8.1.10 (figures 8-9 to 8-12), 10.5.1.
 */
#include "fullvirt/x86/fpu.h"
#include "fullvirt/x86/operand.h"

#define ST_BYTES	80	/* eight registers of ten bytes */
#define FXSAVE_ALIGN	15u
/* A 32-bit program has eight XMM registers; the rest stays untouched. */
#define FXSAVE_BYTES	288

enum { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

void fpu_set_top(struct fxsave *f, unsigned top)
{
	uint64_t old[8][2];
	unsigned shift = (top - fpu_top(f)) & 7;

	copy_raw(old, f->st, sizeof(old));
	for (unsigned n = 0; n < 8; n++)
		copy_raw(f->st[n], old[(n + shift) & 7], 16);
	f->fsw = (f->fsw & ~(7u << 11)) | top << 11;
}

void fpu_enter_mmx(struct fxsave *f)
{
	fpu_set_top(f, 0);
	f->ftw = 0xff;
}

static unsigned tag_of(const uint8_t *st)
{
	uint16_t exp = load_raw(st + 8, 2) & 0x7fff;
	uint64_t frac = load_raw(st, 8);

	if (!exp && !frac)
		return TAG_ZERO;
	if (!exp || exp == 0x7fff || !(frac >> 63))
		return TAG_SPECIAL;
	return TAG_VALID;
}

/* Two bits for each physical register. */
static uint16_t full_tags(const struct fxsave *f)
{
	unsigned top = fpu_top(f), tags = 0;

	for (unsigned p = 0; p < 8; p++) {
		unsigned tag = f->ftw >> p & 1 ? tag_of(f->st[(p - top) & 7]) :
			       TAG_EMPTY;

		tags |= tag << 2 * p;
	}
	return tags;
}

static uint8_t short_tags(uint16_t full)
{
	uint8_t tags = 0;

	for (unsigned p = 0; p < 8; p++)
		if ((full >> 2 * p & 3) != TAG_EMPTY)
			tags |= 1u << p;
	return tags;
}

/* 14 or 28 bytes. */
static unsigned env_bytes(const struct insn *i)
{
	return i->osize == 4 ? 28 : 14;
}

/* Pointers as one linear address, for the real-mode formats. */
static uint32_t real_address(uint16_t sel, uint32_t off)
{
	return ((uint32_t)sel << 4) + off;
}

static void env_store16(const struct fxsave *f, bool real, uint16_t *e)
{
	uint32_t ip = real_address(f->fcs, f->fip);
	uint32_t dp = real_address(f->fds, f->fdp);

	e[0] = f->fcw;
	e[1] = f->fsw;
	e[2] = full_tags(f);
	e[3] = real ? ip : f->fip;
	e[4] = real ? (ip >> 16 & 15) << 12 | f->fop : f->fcs;
	e[5] = real ? dp : f->fdp;
	e[6] = real ? (dp >> 16 & 15) << 12 : f->fds;
}

static void env_store32(const struct fxsave *f, bool real, uint32_t *e)
{
	uint32_t ip = real_address(f->fcs, f->fip);
	uint32_t dp = real_address(f->fds, f->fdp);

	e[0] = 0xffff0000 | f->fcw;
	e[1] = 0xffff0000 | f->fsw;
	e[2] = 0xffff0000 | full_tags(f);
	e[3] = real ? 0xffff0000 | (ip & 0xffff) : f->fip;
	e[4] = real ? (ip >> 16) << 12 | f->fop :
	       (uint32_t)f->fop << 16 | f->fcs;
	e[5] = real ? 0xffff0000 | (dp & 0xffff) : f->fdp;
	e[6] = real ? (dp >> 16) << 12 : 0xffff0000 | f->fds;
}

static void env_store(struct x86 *x, const struct insn *i, void *buf)
{
	const struct fxsave *f = fpu_image(x);
	bool real = vcpu_real_or_v86(x->v);

	if (i->osize == 4)
		env_store32(f, real, buf);
	else
		env_store16(f, real, buf);
}

static void pointers_load(struct fxsave *f, uint32_t ip, uint16_t cs,
			  uint32_t dp, uint16_t ds, uint16_t op)
{
	f->fip = ip;
	f->fcs = cs;
	f->fdp = dp;
	f->fds = ds;
	f->fop = op & 0x7ff;
	f->rsvd2 = f->rsvd3 = 0;
}

static void pointers_load16(struct fxsave *f, bool real, const uint16_t *e)
{
	if (real)
		pointers_load(f, e[3] | (uint32_t)(e[4] >> 12) << 16, 0,
			      e[5] | (uint32_t)(e[6] >> 12) << 16, 0, e[4]);
	else
		pointers_load(f, e[3], e[4], e[5], e[6], f->fop);
}

static void pointers_load32(struct fxsave *f, bool real, const uint32_t *e)
{
	if (real)
		pointers_load(f, (e[3] & 0xffff) | (e[4] >> 12) << 16, 0,
			      (e[5] & 0xffff) | (e[6] >> 12) << 16, 0, e[4]);
	else
		pointers_load(f, e[3], e[4], e[5], e[6], e[4] >> 16);
}

/* @rotate: FLDENV moves TOP over registers that stay; FRSTOR loads them. */
static void env_load(struct x86 *x, const struct insn *i, const void *buf,
		     bool rotate)
{
	struct fxsave *f = fpu_image(x);
	bool real = vcpu_real_or_v86(x->v);
	unsigned step = i->osize;
	const uint8_t *e = buf;
	uint16_t fsw = load_raw(e + step, 2);

	f->fcw = (load_raw(e, 2) & FCW_VALID) | FCW_FIXED;
	if (rotate)
		fpu_set_top(f, fsw >> 11 & 7);
	f->fsw = fsw;
	f->ftw = short_tags(load_raw(e + 2 * step, 2));
	if (i->osize == 4)
		pointers_load32(f, real, buf);
	else
		pointers_load16(f, real, buf);
	fpu_summarize(f);
}

static uint32_t env_linear(struct x86 *x, const struct insn *i, unsigned n,
			   bool write)
{
	return x86_linear_aligned(x, i->seg, ea_offset(x->v, i), n, i->osize,
				  write);
}

static void fpu_reset(struct fxsave *f)
{
	fpu_set_top(f, 0);
	f->fcw = 0x37f;
	f->fsw = 0;
	f->ftw = 0;
	pointers_load(f, 0, 0, 0, 0, 0);
}

void op_fninit(struct x86 *x, const struct insn *i)
{
	fpu_check(x, i->fpu_class);
	fpu_reset(fpu_image(x));
}

/* Stores the environment, then masks every exception. */
void op_fnstenv(struct x86 *x, const struct insn *i)
{
	uint32_t buf[7], lin;
	unsigned n = env_bytes(i);

	fpu_check(x, i->fpu_class);
	lin = env_linear(x, i, n, true);
	env_store(x, i, buf);
	x86_lin_write_bytes(x, lin, buf, n, x->cache->user);
	fpu_image(x)->fcw |= FCW_MASKS;
	fpu_summarize(fpu_image(x));
}

void op_fldenv(struct x86 *x, const struct insn *i)
{
	uint32_t buf[7], lin;
	unsigned n = env_bytes(i);

	fpu_check(x, i->fpu_class);
	lin = env_linear(x, i, n, false);
	x86_lin_read_bytes(x, lin, buf, n, x->cache->user);
	env_load(x, i, buf, true);
}

void op_fnsave(struct x86 *x, const struct insn *i)
{
	uint8_t buf[28 + ST_BYTES] __attribute__((aligned(8)));
	unsigned n = env_bytes(i);
	struct fxsave *f = fpu_image(x);
	uint32_t lin;

	fpu_check(x, i->fpu_class);
	lin = env_linear(x, i, n + ST_BYTES, true);
	env_store(x, i, buf);
	for (unsigned r = 0; r < 8; r++)
		copy_raw(buf + n + r * 10, f->st[r], 10);
	x86_lin_write_bytes(x, lin, buf, n + ST_BYTES, x->cache->user);
	fpu_reset(f);
}

void op_frstor(struct x86 *x, const struct insn *i)
{
	uint8_t buf[28 + ST_BYTES] __attribute__((aligned(8)));
	unsigned n = env_bytes(i);
	struct fxsave *f = fpu_image(x);
	uint32_t lin;

	fpu_check(x, i->fpu_class);
	lin = env_linear(x, i, n + ST_BYTES, false);
	x86_lin_read_bytes(x, lin, buf, n + ST_BYTES, x->cache->user);
	env_load(x, i, buf, false);
	for (unsigned r = 0; r < 8; r++) {
		copy_raw(f->st[r], buf + n + r * 10, 10);
		store_raw(f->st[r] + 10, 2, 0);
		store_raw(f->st[r] + 12, 4, 0);
	}
}

static uint32_t fxsave_linear(struct x86 *x, const struct insn *i, bool write)
{
	uint32_t lin;

	fpu_check(x, i->fpu_class);
	lin = x86_linear_aligned(x, i->seg, ea_offset(x->v, i), 512, 1, write);
	if (lin & FXSAVE_ALIGN)
		x86_gp(x, 0);
	return lin;
}

void op_fxsave(struct x86 *x, const struct insn *i)
{
	uint32_t lin = fxsave_linear(x, i, true);

	x86_lin_probe_write(x, lin, 512, x->cache->user);
	x86_lin_write_bytes(x, lin, x->v->fpu, FXSAVE_BYTES, x->cache->user);
}

void op_fxrstor(struct x86 *x, const struct insn *i)
{
	struct fxsave *f = fpu_image(x);
	uint8_t *buf = x->cache->fpu->bounce;
	const struct fxsave *new = (const struct fxsave *)buf;
	uint32_t lin = fxsave_linear(x, i, false);

	/* AMD processors touch the last byte first: CR2 tells. */
	x86_lin_read(x, lin + 511, 1, x->cache->user);
	x86_lin_read_bytes(x, lin, buf, 512, x->cache->user);
	if (new->mxcsr & ~MXCSR_VALID)
		x86_gp(x, 0);
	copy_raw(f, buf, FXSAVE_BYTES);
	f->fcw = (f->fcw & FCW_VALID) | FCW_FIXED;
	f->fop &= 0x7ff;
	f->rsvd1 = 0;
	f->rsvd2 = f->rsvd3 = 0;
	f->mxcsr_mask = MXCSR_VALID;
	for (unsigned r = 0; r < 8; r++) {
		store_raw(f->st[r] + 10, 2, 0);
		store_raw(f->st[r] + 12, 4, 0);
	}
	fpu_summarize(f);
}
