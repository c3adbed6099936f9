/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Task switches, 32- and 16-bit, and the I/O permission bitmap.
 * Intel SDM Vol. 3A chapter 7, Vol. 1 19.5.
 */
#include "tests/unit/interp_rig.c"

#define BUSY	2

CODE(jump_tss2, "ljmp $0x30, $0");
CODE(call_tss2, "lcall $0x30, $0");
CODE(call_task_gate, "lcall $0x78, $0");
CODE(iret_32, "iret");
CODE(int_80, "int $0x80");
CODE(ud2_code, "ud2");
CODE(in_al, "inb $0x60, %al");
CODE(in_dx, "inw %dx, %ax");
CODE(ltr_ax, "ltr %ax");

#define ENTRY	0x12000u

/* A complete ring 0 task in the second TSS. */
static void task2(void)
{
	use_tss();
	put32(AT_TSS2 + 0x1c, 0);
	put32(AT_TSS2 + 0x20, ENTRY);
	put32(AT_TSS2 + 0x24, FLAG_FIXED | FLAG_CF);
	for (unsigned n = 0; n < 8; n++)
		put32(AT_TSS2 + 0x28 + 4 * n, 0x100 + n);
	put32(AT_TSS2 + 0x38, AT_STACK1);
	for (unsigned n = 0; n < 6; n++)
		put32(AT_TSS2 + 0x48 + 4 * n, n == 1 ? CS0 : DS0);
	put32(AT_TSS2 + 0x60, 0);
	put32(AT_TSS2 + 0x64, 0x680000);
}

START_TEST(jump_saves_the_old_task_and_loads_the_new)
{
	task2();
	rig.v.gpr[GPR_AX] = 0xaaaa;
	rig.v.rflags |= FLAG_ZF;
	load(jump_tss2);
	steps(1);
	ck_assert_uint_eq(get32(AT_TSS + 0x20), AT_CODE + 7);
	ck_assert_uint_eq(get32(AT_TSS + 0x24), FLAG_FIXED | FLAG_ZF);
	ck_assert_uint_eq(get32(AT_TSS + 0x28), 0xaaaa);
	ck_assert_uint_eq(get16(AT_TSS + 0x4c), CS0);
	ck_assert_uint_eq(rig.v.rip, ENTRY);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x100);
	ck_assert_uint_eq(rig.v.gpr[GPR_DI], 0x107);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK1);
	ck_assert_uint_eq(rig.v.rflags, FLAG_FIXED | FLAG_CF);
	ck_assert_uint_eq(rig.v.tr.selector, TSS2_SEL);
	ck_assert(rig.v.cr0 & CR0_TS);
}
END_TEST

START_TEST(jump_moves_the_busy_bit)
{
	task2();
	load(jump_tss2);
	steps(1);
	ck_assert_uint_eq(gdt_access(TSS_SEL) & BUSY, 0);
	ck_assert_uint_eq(gdt_access(TSS2_SEL) & BUSY, BUSY);
}
END_TEST

START_TEST(call_nests_and_iret_returns)
{
	task2();
	rig.v.gpr[GPR_BX] = 0xbbbb;
	load(call_tss2);
	steps(1);
	ck_assert_uint_eq(get16(AT_TSS2), TSS_SEL);
	ck_assert(rig.v.rflags & FLAG_NT);
	ck_assert_uint_eq(gdt_access(TSS_SEL) & BUSY, BUSY);
	ck_assert_uint_eq(gdt_access(TSS2_SEL) & BUSY, BUSY);
	load_at(ENTRY, iret_32, iret_32_end);
	steps(1);
	ck_assert_uint_eq(rig.v.tr.selector, TSS_SEL);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 7);
	ck_assert_uint_eq(rig.v.gpr[GPR_BX], 0xbbbb);
	ck_assert_uint_eq(gdt_access(TSS2_SEL) & BUSY, 0);
	ck_assert(!(get32(AT_TSS2 + 0x24) & FLAG_NT));
	ck_assert_uint_eq(get32(AT_TSS2 + 0x20), ENTRY + 1);
}
END_TEST

START_TEST(busy_task_is_refused)
{
	task2();
	gdt_set(TSS2_SEL, AT_TSS2, 0x67, ACC_TSS32 | BUSY, 0);
	load(jump_tss2);
	step_faults(VEC_GP, TSS2_SEL);
}
END_TEST

START_TEST(absent_and_short_tss_are_np_and_ts)
{
	task2();
	gdt_set(TSS2_SEL, AT_TSS2, 0x67, ACC_TSS32 & ~0x80, 0);
	load(jump_tss2);
	step_faults(VEC_NP, TSS2_SEL);
	gdt_set(TSS2_SEL, AT_TSS2, 0x66, ACC_TSS32, 0);
	step_faults(VEC_TS, TSS2_SEL);
}
END_TEST

START_TEST(tss_needs_dpl)
{
	task2();
	enter_ring3();
	load(jump_tss2);
	step_faults(VEC_GP, TSS2_SEL);
}
END_TEST

START_TEST(task_gate_reaches_a_task_of_higher_privilege)
{
	task2();
	enter_ring3();
	gate_set(AT_GDT + TASK_GATE, TSS2_SEL, 0, ACC_TASK | ACC_DPL(3), 0);
	load(call_task_gate);
	steps(1);
	ck_assert_uint_eq(rig.v.tr.selector, TSS2_SEL);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 0);
	ck_assert_uint_eq(get16(AT_TSS + 0x4c), CS3);
}
END_TEST

START_TEST(interrupt_through_a_task_gate_pushes_its_error_code)
{
	task2();
	gate_set(AT_IDT + VEC_GP * 8, TSS2_SEL, 0, ACC_TASK, 0);
	x86_deliver(&rig.x, X86_EVENT_EXCEPTION, VEC_GP, true, 0x1234);
	ck_assert_uint_eq(rig.v.rip, ENTRY);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK1 - 4);
	ck_assert_uint_eq(get32(AT_STACK1 - 4), 0x1234);
	ck_assert_uint_eq(get32(AT_TSS + 0x20), AT_CODE);
	ck_assert(get32(AT_TSS + 0x24) & FLAG_RF);
}
END_TEST

START_TEST(software_interrupt_through_a_task_gate_saves_the_next_eip)
{
	task2();
	gate_set(AT_IDT + 0x80 * 8, TSS2_SEL, 0, ACC_TASK, 0);
	load(int_80);
	steps(1);
	ck_assert_uint_eq(get32(AT_TSS + 0x20), AT_CODE + 2);
	ck_assert_uint_eq(rig.v.rip, ENTRY);
}
END_TEST

START_TEST(bad_selector_in_the_new_task_faults_there)
{
	task2();
	put32(AT_TSS2 + 0x54, 0x100);		/* DS beyond the GDT */
	load(jump_tss2);
	steps(1);
	ck_assert_uint_eq(rig.v.tr.selector, TSS2_SEL);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_TS * 16);
	ck_assert_uint_eq(get32(rig.v.gpr[GPR_SP]), 0x100);
	ck_assert_uint_eq(get32(rig.v.gpr[GPR_SP] + 4), ENTRY);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK1 - 16);
}
END_TEST

START_TEST(switch_loads_cr3_when_paging)
{
	task2();
	page_on();
	put32(AT_PDPT, AT_PT | 7);		/* another directory */
	put32(AT_TSS2 + 0x1c, AT_PDPT);
	load(jump_tss2);
	steps(1);
	ck_assert_uint_eq(rig.v.cr3, AT_PDPT);
}
END_TEST

START_TEST(t_bit_traps_in_the_new_task)
{
	task2();
	put16(AT_TSS2 + 0x64, 1);
	load(jump_tss2);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	ck_assert_uint_eq(get32(rig.v.gpr[GPR_SP]), ENTRY);
	ck_assert(rig.v.dr[6] & (1u << 15));
}
END_TEST

START_TEST(t_bit_traps_before_the_handler_task_s_first_instruction)
{
	task2();
	put16(AT_TSS2 + 0x64, 1);
	gate_set(AT_IDT + 0x30 * 8, TSS2_SEL, 0, ACC_TASK, 0);
	x86_deliver(&rig.x, X86_EVENT_INTR, 0x30, false, 0);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + VEC_DB * 16);
	ck_assert_uint_eq(get32(rig.v.gpr[GPR_SP]), ENTRY);
}
END_TEST

START_TEST(switch_into_v86)
{
	task2();
	put32(AT_TSS2 + 0x24, FLAG_FIXED | FLAG_VM);
	put32(AT_TSS2 + 0x20, 0x10);
	for (unsigned n = 0; n < 6; n++)
		put32(AT_TSS2 + 0x48 + 4 * n, 0x1000 + n);
	load(jump_tss2);
	steps(1);
	ck_assert_uint_eq(vcpu_cpl(&rig.v), 3);
	ck_assert_uint_eq(rig.v.seg[SEG_CS].base, 0x10010);
	ck_assert_uint_eq(rig.v.seg[SEG_GS].base, 0x10050);
}
END_TEST

START_TEST(a_16_bit_task_loads_words)
{
	task2();
	gdt_set(TSS2_SEL, AT_TSS2, 0x2b, ACC_TSS16, 0);
	memset(mem_hva(rig.mem, AT_TSS2), 0, 0x2c);
	put16(AT_TSS2 + 0x0e, 0x5000);
	put16(AT_TSS2 + 0x10, FLAG_FIXED);
	put16(AT_TSS2 + 0x12, 0x1234);
	put16(AT_TSS2 + 0x1a, 0x9000);
	put16(AT_TSS2 + 0x22, DS0);
	put16(AT_TSS2 + 0x24, CS16);
	put16(AT_TSS2 + 0x26, SS16);
	put16(AT_TSS2 + 0x28, DS0);
	load(call_tss2);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, 0x5000);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX] & 0xffff, 0x1234);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP] & 0xffff, 0x9000);
	ck_assert_uint_eq(get16(AT_TSS2), TSS_SEL);
	ck_assert(rig.v.seg[SEG_FS].attr & SEG_UNUSABLE);
}
END_TEST

START_TEST(iret_to_a_task_that_is_not_busy_is_ts)
{
	task2();
	rig.v.rflags |= FLAG_NT;
	put16(AT_TSS, TSS2_SEL);
	load(iret_32);
	step_faults(VEC_TS, TSS2_SEL);
}
END_TEST

START_TEST(unwritable_old_tss_faults_in_the_old_task)
{
	task2();
	page_on();
	put32(AT_TSS2 + 0x1c, AT_PD);
	rig.v.cr0 |= CR0_WP;
	set_pte(AT_TSS, 1);
	load(jump_tss2);
	step_faults(VEC_PF, PFERR_P | PFERR_W);
	ck_assert_uint_eq(rig.v.tr.selector, TSS_SEL);
}
END_TEST

START_TEST(ltr_marks_busy_and_refuses_busy)
{
	rig.v.gpr[GPR_AX] = TSS2_SEL;
	load(ltr_ax);
	steps(1);
	ck_assert_uint_eq(gdt_access(TSS2_SEL) & BUSY, BUSY);
	load(ltr_ax);
	step_faults(VEC_GP, TSS2_SEL);
}
END_TEST

START_TEST(ring3_io_needs_the_bitmap)
{
	enter_ring3();
	put8(AT_TSS + 0x68 + 0x60 / 8, 1);
	load(in_al);
	step_faults(VEC_GP, 0);
	ck_assert_uint_eq(rig.ports, 0);
	put8(AT_TSS + 0x68 + 0x60 / 8, 0);
	steps(1);
	ck_assert_uint_eq(rig.ports, 1);
}
END_TEST

START_TEST(bitmap_bits_of_the_whole_access_count)
{
	enter_ring3();
	rig.v.gpr[GPR_DX] = 0x67;
	put8(AT_TSS + 0x68 + 0x68 / 8, 1);	/* port 0x68 */
	load(in_dx);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(bitmap_beyond_the_tss_forbids)
{
	enter_ring3();
	rig.v.gpr[GPR_DX] = 0x1500;
	load(in_dx);
	step_faults(VEC_GP, 0);
	rig.v.rflags |= FLAG_IOPL;
	steps(1);
}
END_TEST

START_TEST(v86_io_asks_the_bitmap_whatever_iopl)
{
	enter_v86(3);
	put8(AT_TSS + 0x68 + 0x60 / 8, 1);
	load(in_al);
	step_faults(VEC_GP, 0);
}
END_TEST

RIG_MAIN("interp_task", jump_saves_the_old_task_and_loads_the_new,
	 jump_moves_the_busy_bit, call_nests_and_iret_returns,
	 busy_task_is_refused, absent_and_short_tss_are_np_and_ts,
	 tss_needs_dpl, task_gate_reaches_a_task_of_higher_privilege,
	 interrupt_through_a_task_gate_pushes_its_error_code,
	 software_interrupt_through_a_task_gate_saves_the_next_eip,
	 bad_selector_in_the_new_task_faults_there,
	 switch_loads_cr3_when_paging, t_bit_traps_in_the_new_task,
	 t_bit_traps_before_the_handler_task_s_first_instruction,
	 switch_into_v86, a_16_bit_task_loads_words,
	 iret_to_a_task_that_is_not_busy_is_ts,
	 unwritable_old_tss_faults_in_the_old_task,
	 ltr_marks_busy_and_refuses_busy, ring3_io_needs_the_bitmap,
	 bitmap_bits_of_the_whole_access_count,
	 bitmap_beyond_the_tss_forbids, v86_io_asks_the_bitmap_whatever_iopl)
