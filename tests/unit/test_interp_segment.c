/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Segments: limits, types, privilege of loads, stacks of both sizes.
 * Intel SDM Vol. 3A 5.3 to 5.7.
 */
#include "tests/unit/interp_rig.c"

CODE(read_fs, "movl %fs:(%ecx), %eax");
CODE(write_fs, "movl %eax, %fs:(%ecx)");
CODE(read_cs, "movl %cs:(%ecx), %eax");
CODE(write_cs, "movl %eax, %cs:(%ecx)");
CODE(mov_fs, "movw %ax, %fs");
CODE(mov_ss, "movw %ax, %ss");
CODE(push_eax, "pushl %eax");
CODE(push_esp, "pushl %esp");
CODE(pop_mem_esp, "popl 4(%esp)");
CODE(pusha_32, "pusha");
CODE(enter_8, "enter $8, $0");
CODE(lsl_ar, "lsl %cx, %eax\nlar %cx, %edx");
CODE(verrw, "verr %cx\nsetz %al\nverw %cx\nsetz %ah");
CODE(arpl_ax, "arpl %cx, %ax");
CODE(movs_es, "movsl %fs:(%esi), %es:(%edi)");
CODE16(real_read, "movw (%bx), %ax");

/* FS loaded with a fresh descriptor. */
static void fs_set(uint32_t base, uint32_t limit, uint8_t access,
		   uint8_t flags)
{
	uint32_t err;

	gdt_set(SPARE, base, limit, access, flags);
	ck_assert_int_eq(x86_load_segment(&rig.x, SEG_FS, SPARE, &err), 0);
}

static void read_at(uint32_t off)
{
	load(read_fs);
	rig.v.gpr[GPR_CX] = off;
}

START_TEST(limit_is_the_last_valid_byte)
{
	fs_set(AT_DATA, 0xff, ACC_DATA, BIG);
	read_at(0xfc);
	steps(1);
	read_at(0xfd);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(expand_down_segment_is_valid_above_its_limit)
{
	put32(AT_DATA + 0x100, 0xfeedface);
	fs_set(AT_DATA, 0xff, ACC_DATA | 4, BIG);
	read_at(0xff);
	step_faults(VEC_GP, 0);
	read_at(0x100);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0xfeedface);
}
END_TEST

START_TEST(small_expand_down_segment_ends_at_64k)
{
	fs_set(AT_DATA, 0xff, ACC_DATA | 4, 0);
	read_at(0xfffc);
	steps(1);
	read_at(0xfffd);
	step_faults(VEC_GP, 0);
	read_at(0x10000);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(null_selector_loads_and_faults_on_use)
{
	load(mov_fs);
	rig.v.gpr[GPR_AX] = 3;
	steps(1);
	ck_assert_uint_eq(rig.v.seg[SEG_FS].selector, 3);
	read_at(0);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(null_ss_is_refused)
{
	load(mov_ss);
	rig.v.gpr[GPR_AX] = 0;
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(read_only_data_refuses_writes)
{
	fs_set(AT_DATA, 0xff, 0x91, BIG);
	read_at(0);
	steps(1);
	load(write_fs);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(code_is_never_writable)
{
	rig.v.gpr[GPR_CX] = AT_DATA;
	load(read_cs);
	steps(1);
	load(write_cs);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(execute_only_code_is_not_readable)
{
	rig.v.seg[SEG_CS].attr &= ~SEG_TYPE_WRITE;
	load(read_cs);
	step_faults(VEC_GP, 0);
	gdt_set(SPARE, 0, 0xfffff, 0x99, FLAT);
	rig.v.gpr[GPR_AX] = SPARE;
	load(mov_fs);
	step_faults(VEC_GP, SPARE);
}
END_TEST

START_TEST(load_sets_the_accessed_bit)
{
	fs_set(0, 0xfffff, 0x92, FLAT);
	ck_assert_uint_eq(gdt_access(SPARE), 0x93);
}
END_TEST

START_TEST(absent_segment_is_np_and_absent_stack_is_ss)
{
	gdt_set(SPARE, 0, 0xfffff, 0x13, FLAT);
	rig.v.gpr[GPR_AX] = SPARE;
	load(mov_fs);
	step_faults(VEC_NP, SPARE);
	load(mov_ss);
	step_faults(VEC_SS, SPARE);
}
END_TEST

START_TEST(selector_beyond_the_table_is_gp)
{
	load(mov_fs);
	rig.v.gpr[GPR_AX] = 0x100;
	step_faults(VEC_GP, 0x100);
	rig.v.gpr[GPR_AX] = 0x0c;	/* no LDT */
	step_faults(VEC_GP, 0x0c);
}
END_TEST

START_TEST(ring3_may_not_load_ring0_data)
{
	enter_ring3();
	load(mov_fs);
	rig.v.gpr[GPR_AX] = DS0;
	step_faults(VEC_GP, DS0);
	rig.v.gpr[GPR_AX] = DS3;
	steps(1);
}
END_TEST

START_TEST(rpl_weakens_the_load)
{
	load(mov_fs);
	rig.v.gpr[GPR_AX] = DS0 | 3;
	step_faults(VEC_GP, DS0);
}
END_TEST

START_TEST(conforming_code_loads_from_any_ring)
{
	enter_ring3();
	load(mov_fs);
	rig.v.gpr[GPR_AX] = CONFORMING;
	steps(1);
}
END_TEST

START_TEST(ss_must_match_cpl_exactly)
{
	load(mov_ss);
	rig.v.gpr[GPR_AX] = DS3;
	step_faults(VEC_GP, DS3 & ~3);
	rig.v.gpr[GPR_AX] = CS0;
	step_faults(VEC_GP, CS0);
}
END_TEST

START_TEST(push_beyond_the_stack_limit_is_ss)
{
	rig.v.seg[SEG_SS].limit = 0xfff;
	rig.v.gpr[GPR_SP] = 0x1004;
	load(push_eax);
	step_faults(VEC_SS, 0);
}
END_TEST

START_TEST(push_esp_faults_without_moving_esp)
{
	page_on();
	set_pte(AT_STACK - 4, 0);
	load(push_esp);
	step_faults(VEC_PF, PFERR_W);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], AT_STACK);
}
END_TEST

START_TEST(push_esp_pushes_the_old_value)
{
	load(push_esp);
	steps(1);
	ck_assert_uint_eq(get32(AT_STACK - 4), AT_STACK);
}
END_TEST

START_TEST(pop_to_esp_relative_address_uses_the_new_esp)
{
	rig.v.gpr[GPR_SP] = AT_STACK - 16;
	put32(AT_STACK - 16, 0x11223344);
	load(pop_mem_esp);
	steps(1);
	ck_assert_uint_eq(get32(AT_STACK - 8), 0x11223344);
}
END_TEST

START_TEST(small_stack_wraps_at_64k_and_keeps_the_upper_half)
{
	rig.v.seg[SEG_SS].attr &= ~SEG_DB;
	rig.v.seg[SEG_SS].limit = 0xffff;
	rig.v.gpr[GPR_SP] = 0xabcd0000;
	rig.v.gpr[GPR_AX] = 0x55aa55aa;
	load(push_eax);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], 0xabcdfffc);
	ck_assert_uint_eq(get32(0xfffc), 0x55aa55aa);
}
END_TEST

START_TEST(pusha_writes_nothing_when_its_last_page_is_missing)
{
	page_on();
	rig.v.gpr[GPR_SP] = AT_STACK + 8;
	set_pte(AT_STACK - 4, 0);
	load(pusha_32);
	step_faults(VEC_PF, PFERR_W);
	ck_assert_uint_eq(get32(AT_STACK + 4), 0);
}
END_TEST

START_TEST(enter_probes_the_new_top_of_stack)
{
	page_on();
	rig.v.gpr[GPR_SP] = AT_STACK + 8;
	set_pte(AT_STACK - 4, 0);
	load(enter_8);
	step_faults(VEC_PF, PFERR_W);
}
END_TEST

START_TEST(lsl_scales_and_lar_masks)
{
	rig.v.gpr[GPR_CX] = CS0;
	load(lsl_ar);
	steps(2);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0xffffffff);
	/* Bits 16..19 are undefined. */
	ck_assert_uint_eq(rig.v.gpr[GPR_DX] & 0x00f0ff00, 0x00c09b00);
	ck_assert(rig.v.rflags & FLAG_ZF);
}
END_TEST

START_TEST(lar_of_an_inner_segment_only_clears_zf)
{
	enter_ring3();
	rig.v.gpr[GPR_CX] = CS0;
	rig.v.gpr[GPR_AX] = rig.v.gpr[GPR_DX] = 1;
	rig.v.rflags |= FLAG_ZF;
	load(lsl_ar);
	steps(2);
	ck_assert_uint_eq(rig.v.gpr[GPR_DX], 1);
	ck_assert(!(rig.v.rflags & FLAG_ZF));
}
END_TEST

START_TEST(verr_and_verw_tell_code_from_data)
{
	rig.v.gpr[GPR_CX] = CS0;
	load(verrw);
	steps(4);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x0001);
	rig.v.gpr[GPR_CX] = DS0;
	load(verrw);
	steps(4);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x0101);
}
END_TEST

START_TEST(arpl_raises_rpl_and_is_undefined_in_v86)
{
	rig.v.gpr[GPR_AX] = 0x40;
	rig.v.gpr[GPR_CX] = 3;
	load(arpl_ax);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x43);
	enter_v86(3);
	load(arpl_ax);
	step_faults(VEC_UD, NO_ERROR);
}
END_TEST

START_TEST(real_mode_access_across_64k_is_gp)
{
	enter_real();
	load(real_read);
	rig.v.gpr[GPR_BX] = 0xffff;
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(unreal_mode_keeps_the_big_limit)
{
	CODE16(code, "movw %ax, %ds\naddr32 movl (%ebx), %eax");
	enter_real();
	rig.v.seg[SEG_DS].limit = 0xffffffff;
	put32(0x200000, 0xcafe);
	rig.v.gpr[GPR_AX] = 0;
	rig.v.gpr[GPR_BX] = 0x200000;
	load(code);
	steps(2);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0xcafe);
}
END_TEST

START_TEST(string_source_override_leaves_es_alone)
{
	fs_set(AT_DATA, 0xff, ACC_DATA, BIG);
	put32(AT_DATA + 4, 0x1234567);
	rig.v.gpr[GPR_SI] = 4;
	rig.v.gpr[GPR_DI] = AT_DATA + 0x40;
	load(movs_es);
	steps(1);
	ck_assert_uint_eq(get32(AT_DATA + 0x40), 0x1234567);
}
END_TEST

RIG_MAIN("interp_segment", limit_is_the_last_valid_byte,
	 expand_down_segment_is_valid_above_its_limit,
	 small_expand_down_segment_ends_at_64k,
	 null_selector_loads_and_faults_on_use, null_ss_is_refused,
	 read_only_data_refuses_writes, code_is_never_writable,
	 execute_only_code_is_not_readable, load_sets_the_accessed_bit,
	 absent_segment_is_np_and_absent_stack_is_ss,
	 selector_beyond_the_table_is_gp, ring3_may_not_load_ring0_data,
	 rpl_weakens_the_load, conforming_code_loads_from_any_ring,
	 ss_must_match_cpl_exactly, push_beyond_the_stack_limit_is_ss,
	 push_esp_faults_without_moving_esp, push_esp_pushes_the_old_value,
	 pop_to_esp_relative_address_uses_the_new_esp,
	 small_stack_wraps_at_64k_and_keeps_the_upper_half,
	 pusha_writes_nothing_when_its_last_page_is_missing,
	 enter_probes_the_new_top_of_stack, lsl_scales_and_lar_masks,
	 lar_of_an_inner_segment_only_clears_zf,
	 verr_and_verw_tell_code_from_data,
	 arpl_raises_rpl_and_is_undefined_in_v86,
	 real_mode_access_across_64k_is_gp, unreal_mode_keeps_the_big_limit,
	 string_source_override_leaves_es_alone)
