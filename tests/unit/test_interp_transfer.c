/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Far transfers: direct, through call gates, to outer rings, and into and
 * out of v8086 mode.  Intel SDM Vol. 3A 5.8, Vol. 3B 20.
 */
#include "tests/unit/interp_rig.c"

CODE(far_jump_cs0, "ljmp $0x08, $0x10100");
CODE(far_jump_16, "ljmp $0x50, $0x5000");
CODE(far_jump_conforming, "ljmp $0x60, $0x10100");
CODE(far_jump_cs1, "ljmp $0x69, $0x10100");
CODE(far_call_gate, "lcall $0x38, $0");
CODE(far_jump_gate, "ljmp $0x38, $0");
CODE(far_ret, "lret");
CODE(far_ret_8, "lret $8");
CODE(iret_32, "iret");
CODE16(call_real, "lcall $0x2000, $0x100");
CODE16(v86_sensitive, "cli\nsti\npushfw\npopfw\niretw\nint $0x21");
CODE(sysenter_exit, "sysenter");
CODE(sysexit_code, "sysexit");

#define TARGET	0x10100

START_TEST(jump_to_the_same_ring_loads_cs)
{
	load(far_jump_cs0);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, TARGET);
	ck_assert_uint_eq(rig.v.seg[SEG_CS].selector, CS0);
}
END_TEST

START_TEST(jump_to_a_16_bit_segment_changes_the_code_size)
{
	load(far_jump_16);
	steps(1);
	ck_assert(!(rig.v.seg[SEG_CS].attr & SEG_DB));
	ck_assert_uint_eq(rig.v.rip, 0x5000);
}
END_TEST

START_TEST(jump_beyond_the_target_limit_is_gp0)
{
	gdt_set(CS0, 0, 0xfff, ACC_CODE, BIG);
	load(far_jump_cs0);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(jump_to_another_ring_is_gp)
{
	load(far_jump_cs1);
	step_faults(VEC_GP, CS1 & ~3);
	enter_ring3();
	load(far_jump_cs0);
	step_faults(VEC_GP, CS0);
}
END_TEST

START_TEST(conforming_code_runs_at_the_caller_s_ring)
{
	enter_ring3();
	load(far_jump_conforming);
	steps(1);
	ck_assert_uint_eq(rig.v.seg[SEG_CS].selector, CONFORMING | 3);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 3);
}
END_TEST

START_TEST(absent_code_is_np)
{
	gdt_set(CS0, 0, 0xfffff, ACC_CODE & ~0x80, FLAT);
	load(far_jump_cs0);
	step_faults(VEC_NP, CS0);
}
END_TEST

static void gate(uint8_t access, uint16_t sel, uint8_t count)
{
	gate_set(AT_GDT + GATE, sel, TARGET, access, count);
}

START_TEST(gate_to_the_same_ring_pushes_two_words)
{
	gate(ACC_CALL32, CS0, 0);
	load(far_call_gate);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, TARGET);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK - 8);
	ck_assert_uint_eq(get32(AT_STACK - 4), CS0);
	ck_assert_uint_eq(get32(AT_STACK - 8), AT_CODE + 7);
}
END_TEST

START_TEST(gate_to_an_inner_ring_switches_stacks_and_copies)
{
	enter_ring3();
	gate(ACC_CALL32 | ACC_DPL(3), CS0, 2);
	rig.v.gpr[GPR_SP] = AT_STACK - 8;
	put32(AT_STACK - 8, 0x1111);
	put32(AT_STACK - 4, 0x2222);
	load(far_call_gate);
	steps(1);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 0);
	ck_assert_uint_eq(rig.v.seg[SEG_SS].selector, DS0);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK0 - 24);
	ck_assert_uint_eq(get32(AT_STACK0 - 4), DS3);
	ck_assert_uint_eq(get32(AT_STACK0 - 8), AT_STACK - 8);
	ck_assert_uint_eq(get32(AT_STACK0 - 12), 0x2222);
	ck_assert_uint_eq(get32(AT_STACK0 - 16), 0x1111);
	ck_assert_uint_eq(get32(AT_STACK0 - 20), CS3);
	ck_assert_uint_eq(get32(AT_STACK0 - 24), AT_CODE + 7);
}
END_TEST

START_TEST(a_16_bit_gate_pushes_words)
{
	enter_ring3();
	gate(ACC_CALL16 | ACC_DPL(3), CS16, 1);
	put16(AT_GDT + GATE, 0x4000);
	rig.v.gpr[GPR_SP] = AT_STACK - 2;
	put16(AT_STACK - 2, 0x7777);
	load(far_call_gate);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, 0x4000);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK0 - 10);
	ck_assert_uint_eq(get16(AT_STACK0 - 6), 0x7777);
	ck_assert_uint_eq(get16(AT_STACK0 - 8), CS3);
}
END_TEST

START_TEST(gate_needs_dpl_and_rpl)
{
	enter_ring3();
	gate(ACC_CALL32, CS0, 0);
	load(far_call_gate);
	step_faults(VEC_GP, GATE);
}
END_TEST

START_TEST(absent_gate_is_np_with_the_gate_s_selector)
{
	gate(ACC_CALL32 & ~0x80, CS0, 0);
	load(far_call_gate);
	step_faults(VEC_NP, GATE);
}
END_TEST

START_TEST(gate_to_null_is_gp0)
{
	gate(ACC_CALL32, 0, 0);
	load(far_call_gate);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(jump_through_a_gate_may_not_change_rings)
{
	enter_ring3();
	gate(ACC_CALL32 | ACC_DPL(3), CS0, 0);
	load(far_jump_gate);
	step_faults(VEC_GP, CS0);
	gate(ACC_CALL32 | ACC_DPL(3), CONFORMING, 0);
	steps(1);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 3);
}
END_TEST

START_TEST(inner_stack_beyond_the_tss_is_ts)
{
	enter_ring3();
	rig.v.tr.limit = 8;
	gate(ACC_CALL32 | ACC_DPL(3), CS0, 0);
	load(far_call_gate);
	step_faults(VEC_TS, TSS_SEL);
}
END_TEST

START_TEST(bad_inner_stack_selector_is_ts)
{
	enter_ring3();
	put16(AT_TSS + 8, DS3);
	gate(ACC_CALL32 | ACC_DPL(3), CS0, 0);
	load(far_call_gate);
	step_faults(VEC_TS, DS3 & ~3);
}
END_TEST

START_TEST(inner_stack_without_room_is_ss_with_its_selector)
{
	enter_ring3();
	gdt_set(SPARE, 0, 0xfff, ACC_DATA, BIG);
	put16(AT_TSS + 8, SPARE);
	gate(ACC_CALL32 | ACC_DPL(3), CS0, 0);
	load(far_call_gate);
	step_faults(VEC_SS, SPARE);
}
END_TEST

static void push_words(unsigned n, const uint32_t *w)
{
	rig.v.gpr[GPR_SP] = AT_STACK - 4 * n;
	for (unsigned k = 0; k < n; k++)
		put32(AT_STACK - 4 * n + 4 * k, w[k]);
}
#define PUSH(...)							\
	push_words(sizeof((uint32_t[]){ __VA_ARGS__ }) / 4,		\
		   (const uint32_t[]){ __VA_ARGS__ })

START_TEST(ret_to_the_same_ring_drops_parameters)
{
	PUSH(TARGET, CS0, 1, 2, 3);
	load(far_ret_8);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, TARGET);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK - 4);
}
END_TEST

START_TEST(ret_to_an_outer_ring_drops_from_both_stacks)
{
	use_tss();
	PUSH(TARGET, CS3, 1, 2, AT_STACK1, DS3);
	load(far_ret_8);
	steps(1);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 3);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK1 + 8);
}
END_TEST

START_TEST(ret_to_an_outer_ring_empties_inner_data_segments)
{
	uint32_t err;

	ck_assert_int_eq(x86_load_segment(&rig.x, SEG_FS, DS3, &err), 0);
	ck_assert_int_eq(x86_load_segment(&rig.x, SEG_GS, CONFORMING, &err), 0);
	PUSH(TARGET, CS3, AT_STACK1, DS3);
	load(far_ret);
	steps(1);
	ck_assert_uint_eq(rig.v.seg[SEG_DS].selector, 0);
	ck_assert_uint_eq(rig.v.seg[SEG_ES].selector, 0);
	ck_assert_uint_eq(rig.v.seg[SEG_FS].selector, DS3);
	ck_assert_uint_eq(rig.v.seg[SEG_GS].selector, CONFORMING);
}
END_TEST

START_TEST(ret_to_an_inner_ring_is_gp)
{
	enter_ring3();
	PUSH(TARGET, CS0);
	load(far_ret);
	step_faults(VEC_GP, CS0);
}
END_TEST

START_TEST(ret_with_a_bad_outer_stack_is_gp)
{
	PUSH(TARGET, CS3, AT_STACK1, DS0);
	load(far_ret);
	step_faults(VEC_GP, DS0);
}
END_TEST

START_TEST(iret_in_ring3_keeps_iopl_and_if)
{
	enter_ring3();
	rig.v.rflags |= FLAG_IF;
	PUSH(TARGET, CS3, FLAG_IOPL | FLAG_CF | FLAG_AC);
	load(iret_32);
	steps(1);
	ck_assert_uint_eq(rig.v.rflags, FLAG_FIXED | FLAG_IF | FLAG_CF |
			  FLAG_AC);
}
END_TEST

START_TEST(iret_to_v86_loads_nine_dwords)
{
	use_tss();
	PUSH(0x10, 0x1000, FLAG_VM | FLAG_IF, 0x8000, 0x2000, 0x3000, 0x4000,
	     0x5000, 0x6000);
	load(iret_32);
	steps(1);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 3);
	ck_assert_uint_eq(rig.v.rip, 0x10);
	ck_assert_uint_eq(rig.v.seg[SEG_CS].base, 0x10000);
	ck_assert_uint_eq(rig.v.seg[SEG_SS].base, 0x20000);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], 0x8000);
	ck_assert_uint_eq(rig.v.seg[SEG_ES].selector, 0x3000);
	ck_assert_uint_eq(rig.v.seg[SEG_DS].selector, 0x4000);
	ck_assert_uint_eq(rig.v.seg[SEG_FS].selector, 0x5000);
	ck_assert_uint_eq(rig.v.seg[SEG_GS].selector, 0x6000);
	ck_assert_uint_eq(rig.v.seg[SEG_GS].limit, 0xffff);
}
END_TEST

START_TEST(interrupt_out_of_v86_pushes_and_clears_data_segments)
{
	enter_v86(3);
	vcpu_load_real(&rig.v, SEG_GS, 0x6000);
	rig.v.rip = 0x42;
	ck_assert_int_eq(x86_deliver(&rig.x, X86_EVENT_INTR, 6, false, 0),
			 X86_OK);
	ck_assert(!(rig.v.rflags & FLAG_VM));
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 0);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK0 - 36);
	ck_assert_uint_eq(get32(AT_STACK0 - 4), 0x6000);
	ck_assert_uint_eq(get32(AT_STACK0 - 24), AT_STACK);
	ck_assert(get32(AT_STACK0 - 28) & FLAG_VM);
	ck_assert_uint_eq(get32(AT_STACK0 - 32), 0x1000);
	ck_assert_uint_eq(get32(AT_STACK0 - 36), 0x42);
	ck_assert_uint_eq(rig.v.seg[SEG_GS].selector, 0);
	ck_assert(rig.v.seg[SEG_GS].attr & SEG_UNUSABLE);
}
END_TEST

START_TEST(v86_gate_to_a_ring_other_than_0_is_gp)
{
	enter_v86(3);
	idt_set(6, CS1 & ~3, AT_HANDLER, ACC_INT32);
	idt_set(VEC_GP, CS0, AT_HANDLER + 0x80, ACC_INT32);
	ck_assert_int_eq(x86_deliver(&rig.x, X86_EVENT_INTR, 6, false, 0),
			 X86_OK);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + 0x80);
	ck_assert_uint_eq(get32(rig.v.gpr[GPR_SP]), (CS1 & ~3u) | 1);
}
END_TEST

START_TEST(v86_with_iopl_below_3_traps_sensitive_instructions)
{
	static const uint8_t at[] = { 0, 1, 2, 3, 4, 5 };

	enter_v86(2);
	load(v86_sensitive);
	for (unsigned n = 0; n < sizeof(at); n++) {
		rig.v.rip = at[n];
		step_faults(VEC_GP, 0);
	}
}
END_TEST

START_TEST(v86_with_iopl_3_runs_them)
{
	enter_v86(3);
	put16(AT_STACK, 0x10);
	put16(AT_STACK + 2, 0x1000);
	put16(AT_STACK + 4, FLAG_CF);
	load(v86_sensitive);
	steps(5);
	ck_assert_uint_eq(rig.v.rip, 0x10);
	ck_assert(rig.v.rflags & FLAG_CF);
	ck_assert_uint_eq(rig.v.rflags & FLAG_IOPL, FLAG_IOPL);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK + 6);
}
END_TEST

START_TEST(real_mode_far_call_pushes_words)
{
	enter_real();
	load(call_real);
	steps(1);
	ck_assert_uint_eq(rig.v.seg[SEG_CS].base, 0x20000);
	ck_assert_uint_eq(rig.v.rip, 0x100);
	ck_assert_uint_eq(get32(AT_STACK - 4), 0x10000005);
}
END_TEST

START_TEST(sysenter_loads_flat_ring0_and_sysexit_ring3)
{
	enter_ring3();
	rig.v.rflags |= FLAG_IF;
	load(sysenter_exit);
	step_faults(VEC_GP, 0);
	rig.v.msr.sysenter_cs = CS0;
	rig.v.msr.sysenter_esp = AT_STACK0;
	rig.v.msr.sysenter_eip = TARGET;
	steps(1);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 0);
	ck_assert_uint_eq(rig.v.rip, TARGET);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK0);
	ck_assert(!(rig.v.rflags & FLAG_IF));
	load(sysexit_code);
	rig.v.gpr[GPR_CX] = AT_STACK;
	rig.v.gpr[GPR_DX] = 0x4444;
	steps(1);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 3);
	ck_assert_uint_eq(rig.v.seg[SEG_CS].selector, CS0 + 16 + 3);
	ck_assert_uint_eq(rig.v.rip, 0x4444);
}
END_TEST

START_TEST(near_branch_beyond_the_limit_is_gp)
{
	CODE(code, "jmp .+0x1000");

	rig.v.seg[SEG_CS].limit = AT_CODE + 0xfff;
	load(code);
	step_faults(VEC_GP, 0);
}
END_TEST

RIG_MAIN("interp_transfer", jump_to_the_same_ring_loads_cs,
	 jump_to_a_16_bit_segment_changes_the_code_size,
	 jump_beyond_the_target_limit_is_gp0, jump_to_another_ring_is_gp,
	 conforming_code_runs_at_the_caller_s_ring, absent_code_is_np,
	 gate_to_the_same_ring_pushes_two_words,
	 gate_to_an_inner_ring_switches_stacks_and_copies,
	 a_16_bit_gate_pushes_words, gate_needs_dpl_and_rpl,
	 absent_gate_is_np_with_the_gate_s_selector, gate_to_null_is_gp0,
	 jump_through_a_gate_may_not_change_rings,
	 inner_stack_beyond_the_tss_is_ts, bad_inner_stack_selector_is_ts,
	 inner_stack_without_room_is_ss_with_its_selector,
	 ret_to_the_same_ring_drops_parameters,
	 ret_to_an_outer_ring_drops_from_both_stacks,
	 ret_to_an_outer_ring_empties_inner_data_segments,
	 ret_to_an_inner_ring_is_gp, ret_with_a_bad_outer_stack_is_gp,
	 iret_in_ring3_keeps_iopl_and_if, iret_to_v86_loads_nine_dwords,
	 interrupt_out_of_v86_pushes_and_clears_data_segments,
	 v86_gate_to_a_ring_other_than_0_is_gp,
	 v86_with_iopl_below_3_traps_sensitive_instructions,
	 v86_with_iopl_3_runs_them, real_mode_far_call_pushes_words,
	 sysenter_loads_flat_ring0_and_sysexit_ring3,
	 near_branch_beyond_the_limit_is_gp)
