/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A BT engine that runs nothing: guest code assembled in the test is
 * translated at a fixed address, flat and unpaged, and looked at.
 */
#ifndef TESTS_UNIT_BT_RIG_H
#define TESTS_UNIT_BT_RIG_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fullvirt/bt/templates.h"
#include "hypervisor/mem.h"

#define AT_CODE		0x10000u
#define RIG_CS		0x08
#define RIG_DS		0x10

/* Guest (32-bit) or host (64-bit) code in a test.  Assembled, not run. */
#define CODE_BITS(name, bits, text)					\
	__asm__(".pushsection .rodata\n.code" bits "\n" #name ":\n"	\
		text "\n" #name "_end:\n.code64\n.popsection\n");	\
	extern const uint8_t name[], name##_end[]

static struct bt *bt;
static struct mem *rig_mem;
static struct engine_bus rig_bus;

/* @memory: "bt.memory=..."; @cpl: 0 or 3. */
static inline void bt_rig_setup(const char *memory, unsigned cpl)
{
	const char *options[] = { memory, NULL };
	struct engine_config cfg = { .bus = &rig_bus, .options = options };
	struct engine *e;
	struct vcpu v;
	char err[160];

	ck_assert_int_eq(mem_create(&rig_mem, 4 * MIB), 0);
	cfg.mem = rig_mem;
	ck_assert_msg(bt_engine_ops.create(&e, &cfg, err) == 0, "%s", err);
	bt = (struct bt *)e;
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, RIG_CS, RIG_DS, AT_CODE);
	for (unsigned s = 0; s < SEG_COUNT; s++)
		v.seg[s].attr |= cpl << SEG_DPL_SHIFT;
	v.cr4 |= CR4_OSFXSR;
	v.cr0 &= ~(CR0_EM | CR0_TS);
	bt_engine_ops.set_state(e, &v);
	bt_set_ctx(bt);
	ck_assert_ptr_nonnull(bt->ctx);
}

static inline struct tu *rig_tu(const struct tc_entry *n)
{
	return &bt->tc.tus[n->tu];
}

/* Translate [@from, @to) as if it stood at @eip; @guarded: not global. */
static inline struct tc_entry *rig_translate_at(uint32_t eip,
						const uint8_t *from,
						const uint8_t *to,
						bool guarded)
{
	ck_assert_int_eq(mem_write(rig_mem, eip, from, to - from), 0);
	soft_x_fill(bt, eip, eip >> PAGE_SHIFT, bt->ctx->user, !guarded);
	return bt_translate(bt, eip, eip, !guarded);
}

#define rig_translate(name)						\
	rig_tu(rig_translate_at(AT_CODE, name, name##_end, false))

/* Host code of guest instruction @k. */
static inline uint8_t *rig_host(const struct tu *tu, unsigned k)
{
	return tu->host + bt->tc.insns[tu->insn0 + k].host_off;
}

#endif
