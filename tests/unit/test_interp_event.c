/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions, interrupts, double faults, single step, breakpoints, shadows.
 * Intel SDM Vol. 3A chapter 6, Vol. 3B 17.
 */
#include "tests/unit/interp_rig.c"

#define DR6_BD	(1u << 13)

CODE(int_80, "int $0x80");
CODE(int3_code, "int3");
CODE(into_code, "into");
CODE(int1_code, ".byte 0xf1");
CODE(ud2_code, "ud2");
CODE(nops, "nop\nnop\nnop\nnop");
CODE(sti_nop, "sti\nnop\nnop");
CODE(mov_ss_nop, "movw %ax, %ss\nnop\nnop");
CODE(div_ecx, "divl %ecx");
CODE(popf_nops, "popf\nnop\nnop");
CODE(write_ecx, "movl %eax, (%ecx)");
CODE(read_dr7, "movl %dr7, %eax");
CODE(rep_stosb, "rep stosb");
CODE(bound_code, "bound %eax, (%ecx)");
CODE(hlt_code, "hlt");
CODE16(real_int, "int $0x40");

static uint32_t frame(unsigned n)
{
	return get32(rig.v.gpr[GPR_SP] + 4 * n);
}

START_TEST(interrupt_gate_clears_if_and_trap_gate_keeps_it)
{
	rig.v.rflags |= FLAG_IF;
	idt_set(0x80, CS0, AT_HANDLER, ACC_TRAP32);
	load(int_80);
	steps(1);
	ck_assert(rig.v.rflags & FLAG_IF);
	idt_set(0x80, CS0, AT_HANDLER, ACC_INT32);
	load(int_80);
	steps(1);
	ck_assert(!(rig.v.rflags & FLAG_IF));
	ck_assert_uint_eq(frame(0), AT_CODE + 2);
	ck_assert_uint_eq(frame(1), CS0);
	ck_assert(frame(2) & FLAG_IF);
}
END_TEST

START_TEST(int_n_needs_the_gate_s_dpl)
{
	enter_ring3();
	idt_set(0x80, CS0, AT_HANDLER, ACC_INT32);
	load(int_80);
	step_faults(VEC_GP, 0x80 * 8 + 2);
	idt_set(0x80, CS0, AT_HANDLER, ACC_INT32 | ACC_DPL(3));
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK0 - 20);
	ck_assert_uint_eq(frame(4), DS3);
	ck_assert_uint_eq(frame(3), AT_STACK);
}
END_TEST

START_TEST(hardware_exception_ignores_the_gate_s_dpl)
{
	enter_ring3();
	load(ud2_code);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_UD * 16);
}
END_TEST

START_TEST(gate_beyond_the_idt_limit_is_gp)
{
	rig.v.idtr.limit = 0x80 * 8;
	load(int_80);
	step_faults(VEC_GP, 0x80 * 8 + 2);
}
END_TEST

START_TEST(absent_gate_is_np)
{
	idt_set(0x80, CS0, AT_HANDLER, ACC_INT32 & ~0x80);
	load(int_80);
	step_faults(VEC_NP, 0x80 * 8 + 2);
}
END_TEST

START_TEST(a_16_bit_gate_makes_a_16_bit_frame)
{
	idt_set(0x80, CS0, 0xffff5000, ACC_INT16);
	load(int_80);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, 0x5000);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK - 6);
	ck_assert_uint_eq(get16(AT_STACK - 6), (uint16_t)(AT_CODE + 2));
}
END_TEST

START_TEST(fault_points_at_the_instruction_and_sets_rf)
{
	load(div_ecx);
	steps(1);
	ck_assert_uint_eq(frame(0), AT_CODE);
	ck_assert(frame(2) & FLAG_RF);
	load(int3_code);
	steps(1);
	ck_assert_uint_eq(frame(0), AT_CODE + 1);
	ck_assert(!(frame(2) & FLAG_RF));
}
END_TEST

START_TEST(into_traps_only_on_overflow)
{
	load(into_code);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 1);
	rig.v.rflags |= FLAG_OF;
	load(into_code);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_OF * 16);
}
END_TEST

START_TEST(icebp_ignores_dpl)
{
	enter_ring3();
	load(int1_code);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	ck_assert_uint_eq(frame(0), AT_CODE + 1);
}
END_TEST

START_TEST(bound_outside_is_br)
{
	put32(AT_DATA, 5);
	put32(AT_DATA + 4, 10);
	rig.v.gpr[GPR_CX] = AT_DATA;
	rig.v.gpr[GPR_AX] = 10;
	load(bound_code);
	steps(1);
	rig.v.gpr[GPR_AX] = -1;
	load(bound_code);
	step_faults(VEC_BR, NO_ERROR);
}
END_TEST

START_TEST(error_code_of_external_delivery_has_ext)
{
	idt_set(0x30, SPARE, AT_HANDLER, ACC_INT32);
	x86_deliver(&rig.x, X86_EVENT_INTR, 0x30, false, 0);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_GP * 16);
	ck_assert_uint_eq(frame(0), SPARE | 1);
	ck_assert_uint_eq(frame(1), AT_CODE);
}
END_TEST

START_TEST(contributory_after_contributory_is_double_fault)
{
	idt_set(VEC_DE, CS0, AT_HANDLER, ACC_INT32 & ~0x80);
	load(div_ecx);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DF * 16);
	ck_assert_uint_eq(frame(0), 0);
	ck_assert_uint_eq(frame(1), AT_CODE);
}
END_TEST

START_TEST(benign_then_contributory_is_just_the_second)
{
	idt_set(VEC_UD, CS0, AT_HANDLER, ACC_INT32 & ~0x80);
	load(ud2_code);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_NP * 16);
	ck_assert_uint_eq(frame(0), VEC_UD * 8 + 3);
}
END_TEST

START_TEST(page_fault_while_delivering_page_fault_is_double_fault)
{
	page_on();
	idt_set(VEC_PF, CS0, AT_HANDLER, ACC_INT32);
	set_pte(AT_DATA, 0);
	/* The handler's frame does not fit; #DF has a stack of its own. */
	use_tss();
	gdt_set(TSS2_SEL, AT_TSS2, 0x67, ACC_TSS32, 0);
	put32(AT_TSS2 + 0x1c, AT_PD);
	put32(AT_TSS2 + 0x20, AT_HANDLER);
	put32(AT_TSS2 + 0x24, FLAG_FIXED);
	put32(AT_TSS2 + 0x38, AT_STACK1);
	put16(AT_TSS2 + 0x48, DS0);
	put16(AT_TSS2 + 0x4c, CS0);
	put16(AT_TSS2 + 0x50, DS0);
	gate_set(AT_IDT + VEC_DF * 8, TSS2_SEL, 0, ACC_TASK, 0);
	rig.v.gpr[GPR_SP] = AT_DATA + 8;
	rig.v.gpr[GPR_CX] = AT_DATA;
	load(write_ecx);
	steps(1);
	ck_assert_uint_eq(rig.v.tr.selector, TSS2_SEL);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK1 - 4);
	ck_assert_uint_eq(get32(AT_TSS + 0x20), AT_CODE);
	ck_assert_uint_eq(rig.v.cr2, AT_DATA + 4);
}
END_TEST

START_TEST(fault_in_double_fault_shuts_down)
{
	rig.v.idtr.limit = 0;
	load(ud2_code);
	ck_assert_int_eq(step(), X86_SHUTDOWN);
	ck_assert_int_eq(rig.v.activity, ACTIVITY_SHUTDOWN);
}
END_TEST

START_TEST(real_mode_interrupt_uses_the_vector_table)
{
	enter_real();
	put32(0x40 * 4, 0x20000300);
	rig.v.rflags |= FLAG_IF | FLAG_TF;
	rig.v.rflags &= ~(uint64_t)FLAG_TF;
	load(real_int);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, 0x300);
	ck_assert_uint_eq(rig.v.seg[SEG_CS].base, 0x20000);
	ck_assert_uint_eq(get16(AT_STACK - 6), 2);
	ck_assert_uint_eq(get16(AT_STACK - 4), 0x1000);
	ck_assert(get16(AT_STACK - 2) & FLAG_IF);
	ck_assert(!(rig.v.rflags & FLAG_IF));
}
END_TEST

START_TEST(sti_holds_interrupts_for_one_instruction)
{
	load(sti_nop);
	steps(1);
	ck_assert_uint_eq(rig.v.shadow, SHADOW_STI);
	steps(1);
	ck_assert_uint_eq(rig.v.shadow, 0);
	/* With IF already set there is no shadow. */
	load(sti_nop);
	steps(1);
	ck_assert_uint_eq(rig.v.shadow, 0);
}
END_TEST

START_TEST(single_step_traps_after_the_instruction)
{
	rig.v.rflags |= FLAG_TF;
	load(nops);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	ck_assert_uint_eq(frame(0), AT_CODE + 1);
	ck_assert(frame(2) & FLAG_TF);
	ck_assert(!(rig.v.rflags & FLAG_TF));
	ck_assert(rig.v.dr[6] & (1u << 14));
}
END_TEST

START_TEST(popf_that_sets_tf_traps_one_instruction_later)
{
	rig.v.gpr[GPR_SP] -= 4;
	put32(AT_STACK - 4, FLAG_TF);
	load(popf_nops);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 1);
	steps(1);
	ck_assert_uint_eq(frame(0), AT_CODE + 2);
}
END_TEST

START_TEST(mov_ss_holds_the_single_step_trap)
{
	rig.v.rflags |= FLAG_TF;
	rig.v.gpr[GPR_AX] = DS0;
	load(mov_ss_nop);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 2);
	ck_assert_uint_eq(rig.v.shadow, SHADOW_MOV_SS);
	steps(1);
	ck_assert_uint_eq(frame(0), AT_CODE + 3);
}
END_TEST

START_TEST(single_step_stops_rep_after_each_element)
{
	rig.v.rflags |= FLAG_TF;
	rig.v.gpr[GPR_CX] = 3;
	rig.v.gpr[GPR_DI] = AT_DATA;
	load(rep_stosb);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_CX], 2);
	ck_assert_uint_eq(frame(0), AT_CODE);
}
END_TEST

START_TEST(instruction_breakpoint_is_a_fault_that_rf_masks)
{
	rig.v.dr[0] = AT_CODE + 1;
	rig.v.dr[7] |= 2;
	load(nops);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 1);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	ck_assert_uint_eq(frame(0), AT_CODE + 1);
	ck_assert_uint_eq(rig.v.dr[6] & 15, 1);
	rig.v.rip = AT_CODE + 1;
	rig.v.rflags |= FLAG_RF;
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 2);
	ck_assert(!(rig.v.rflags & FLAG_RF));
}
END_TEST

START_TEST(data_breakpoint_is_a_trap_behind_the_write)
{
	rig.v.dr[1] = AT_DATA + 2;
	rig.v.dr[7] |= 8 | 1u << 20 | 1u << 22;	/* L1.. G1, write, 2 bytes */
	rig.v.gpr[GPR_CX] = AT_DATA;
	rig.v.gpr[GPR_AX] = 0x99;
	load(write_ecx);
	steps(1);
	ck_assert_uint_eq(get32(AT_DATA), 0x99);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	ck_assert_uint_eq(frame(0), AT_CODE + 2);
	ck_assert_uint_eq(rig.v.dr[6] & 15, 2);
	/* Just beside it: nothing. */
	rig.v.gpr[GPR_CX] = AT_DATA + 4;
	load(write_ecx);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 2);
}
END_TEST

START_TEST(breakpoint_on_the_frame_of_db_ends)
{
	rig.v.dr[0] = AT_STACK - 4;
	rig.v.dr[7] |= 2 | 1u << 16 | 3u << 18;	/* G0, write, 4 bytes */
	rig.v.rflags |= FLAG_TF;
	load(nops);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	put8(rig.v.rip, 0x90);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16 + 1);
}
END_TEST

START_TEST(general_detect_guards_the_debug_registers)
{
	rig.v.dr[7] |= 1u << 13;
	load(read_dr7);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	ck_assert_uint_eq(frame(0), AT_CODE);
	ck_assert(rig.v.dr[6] & DR6_BD);
	ck_assert(!(rig.v.dr[7] & 1u << 13));
}
END_TEST

START_TEST(alignment_is_checked_in_ring3_only)
{
	rig.v.cr0 |= CR0_AM;
	rig.v.rflags |= FLAG_AC;
	rig.v.gpr[GPR_CX] = AT_DATA + 1;
	load(write_ecx);
	steps(1);
	enter_ring3();
	load(write_ecx);
	step_faults(VEC_AC, 0);
}
END_TEST

START_TEST(halt_reports_and_advances)
{
	load(hlt_code);
	ck_assert_int_eq(step(), X86_HALT);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 1);
	ck_assert_int_eq(rig.v.activity, ACTIVITY_HALT);
	enter_ring3();
	load(hlt_code);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(nmi_blocks_itself_until_iret)
{
	x86_deliver(&rig.x, X86_EVENT_NMI, VEC_NMI, false, 0);
	ck_assert_uint_eq(rig.v.nmi_masked, 1);
	put8(AT_HANDLER + VEC_NMI * 16, 0xcf);
	steps(1);
	ck_assert_uint_eq(rig.v.nmi_masked, 0);
	ck_assert_uint_eq(rig.v.rip, AT_CODE);
}
END_TEST

RIG_MAIN("interp_event", interrupt_gate_clears_if_and_trap_gate_keeps_it,
	 int_n_needs_the_gate_s_dpl,
	 hardware_exception_ignores_the_gate_s_dpl,
	 gate_beyond_the_idt_limit_is_gp, absent_gate_is_np,
	 a_16_bit_gate_makes_a_16_bit_frame,
	 fault_points_at_the_instruction_and_sets_rf,
	 into_traps_only_on_overflow, icebp_ignores_dpl, bound_outside_is_br,
	 error_code_of_external_delivery_has_ext,
	 contributory_after_contributory_is_double_fault,
	 benign_then_contributory_is_just_the_second,
	 page_fault_while_delivering_page_fault_is_double_fault,
	 fault_in_double_fault_shuts_down,
	 real_mode_interrupt_uses_the_vector_table,
	 sti_holds_interrupts_for_one_instruction,
	 single_step_traps_after_the_instruction,
	 popf_that_sets_tf_traps_one_instruction_later,
	 mov_ss_holds_the_single_step_trap,
	 single_step_stops_rep_after_each_element,
	 instruction_breakpoint_is_a_fault_that_rf_masks,
	 data_breakpoint_is_a_trap_behind_the_write,
	 breakpoint_on_the_frame_of_db_ends,
	 general_detect_guards_the_debug_registers,
	 alignment_is_checked_in_ring3_only, halt_reports_and_advances,
	 nmi_blocks_itself_until_iret)
