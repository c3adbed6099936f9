/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paging: rights, error codes, A and D, large pages, PAE, NX, and accesses
 * that cross a page.  Intel SDM Vol. 3A chapter 4.
 */
#include "tests/unit/interp_rig.c"

CODE(read_ecx, "movl (%ecx), %eax");
CODE(write_ecx, "movl %eax, (%ecx)");
CODE(add_ecx, "addl %eax, (%ecx)");
CODE(invlpg_ecx, "invlpg (%ecx)");
CODE(to_cr3, "movl %eax, %cr3");
CODE(to_cr0, "movl %eax, %cr0");
CODE(to_cr4, "movl %eax, %cr4");
CODE(rep_movsb, "rep movsb");
CODE(nops, "nop\nnop\nnop");
CODE(five_bytes, "movl $0x12345678, %eax");

#define P	1u
#define RW	2u
#define US	4u
#define A	0x20u
#define D	0x40u
#define PS	0x80u
#define NX	(1ULL << 63)

static void at(uint32_t lin)
{
	rig.v.gpr[GPR_CX] = lin;
}

START_TEST(read_sets_accessed_in_both_levels)
{
	page_on();
	load(read_ecx);
	at(AT_DATA);
	steps(1);
	ck_assert_uint_eq(get32(PTE(AT_DATA)) & (A | D), A);
	ck_assert_uint_eq(get32(AT_PD) & (A | D), A);
}
END_TEST

START_TEST(write_sets_dirty_in_the_leaf_only)
{
	page_on();
	load(write_ecx);
	at(AT_DATA);
	steps(1);
	ck_assert_uint_eq(get32(PTE(AT_DATA)) & (A | D), A | D);
	ck_assert_uint_eq(get32(AT_PD) & D, 0);
}
END_TEST

START_TEST(write_after_read_still_sets_dirty)
{
	page_on();
	at(AT_DATA);
	load(read_ecx);
	steps(1);
	load(write_ecx);
	steps(1);
	ck_assert(get32(PTE(AT_DATA)) & D);
}
END_TEST

START_TEST(failed_access_leaves_accessed_and_dirty_alone)
{
	page_on();
	enter_ring3();
	set_pte(AT_DATA, P | US);
	load(write_ecx);
	at(AT_DATA);
	step_faults(VEC_PF, PFERR_P | PFERR_W | PFERR_U);
	ck_assert_uint_eq(get32(PTE(AT_DATA)) & (A | D), 0);
}
END_TEST

START_TEST(error_code_tells_why)
{
	page_on();
	load(read_ecx);
	at(AT_DATA + 0x123);
	set_pte(AT_DATA, 0);
	step_faults(VEC_PF, 0);
	ck_assert_uint_eq(rig.v.cr2, AT_DATA + 0x123);
	enter_ring3();
	step_faults(VEC_PF, PFERR_U);
	set_pte(AT_DATA, P | RW);
	step_faults(VEC_PF, PFERR_P | PFERR_U);
	load(write_ecx);
	step_faults(VEC_PF, PFERR_P | PFERR_W | PFERR_U);
}
END_TEST

START_TEST(wp_protects_read_only_pages_from_ring0)
{
	page_on();
	set_pte(AT_DATA, P | US);
	load(write_ecx);
	at(AT_DATA);
	steps(1);
	rig.v.cr0 |= CR0_WP;
	load(write_ecx);
	step_faults(VEC_PF, PFERR_P | PFERR_W);
}
END_TEST

START_TEST(directory_rights_limit_the_table_s)
{
	page_on();
	put32(AT_PD, AT_PT | P | US);
	enter_ring3();
	load(write_ecx);
	at(AT_DATA);
	step_faults(VEC_PF, PFERR_P | PFERR_W | PFERR_U);
}
END_TEST

START_TEST(read_modify_write_faults_as_a_write)
{
	page_on();
	rig.v.cr0 |= CR0_WP;
	set_pte(AT_DATA, P | US);
	load(add_ecx);
	at(AT_DATA);
	step_faults(VEC_PF, PFERR_P | PFERR_W);
}
END_TEST

START_TEST(stale_translation_lives_until_invlpg)
{
	page_on();
	put32(AT_DATA, 1);
	put32(AT_STACK1, 2);
	load(read_ecx);
	at(AT_DATA);
	steps(1);
	put32(PTE(AT_DATA), AT_STACK1 | 7);
	load(invlpg_ecx);
	steps(1);
	load(read_ecx);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 2);
}
END_TEST

START_TEST(cr3_load_flushes)
{
	page_on();
	put32(AT_STACK1, 2);
	load(read_ecx);
	at(AT_DATA);
	steps(1);
	put32(PTE(AT_DATA), AT_STACK1 | 7);
	rig.v.gpr[GPR_AX] = AT_PD;
	load(to_cr3);
	steps(1);
	load(read_ecx);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 2);
}
END_TEST

START_TEST(four_megabyte_page_needs_pse)
{
	struct x86_walk w;

	page_on();
	put32(AT_PD + 4, P | RW | PS);		/* linear 4 MiB -> 0 */
	rig.v.cr4 |= CR4_PSE;
	ck_assert_int_eq(x86_translate(&rig.x, 0x412345, X86_ACC_WRITE, &w), 0);
	ck_assert_uint_eq(w.gpa, 0x12345);
	ck_assert_int_eq(w.page_shift, 22);
	ck_assert_uint_eq(get32(AT_PD + 4) & (A | D), A | D);
	rig.v.cr4 &= ~(uint64_t)CR4_PSE;
	/* The entry is a table's now, and that table is empty. */
	ck_assert_int_ne(x86_translate_peek(&rig.x, 0x412345, X86_ACC_READ,
					    &w), 0);
	ck_assert_uint_eq(w.error, 0);
}
END_TEST

START_TEST(pse36_takes_address_bits_from_the_middle)
{
	struct x86_walk w;

	page_on();
	rig.v.cr4 |= CR4_PSE;
	put32(AT_PD + 4, 0x00800000 | 3u << 13 | P | RW | PS);
	ck_assert_int_eq(x86_translate(&rig.x, 0x400000, 0, &w), 0);
	ck_assert_uint_eq(w.gpa, 0x300800000);
	put32(AT_PD + 4, 1u << 21 | P | RW | PS);
	ck_assert_int_ne(x86_translate(&rig.x, 0x400000, 0, &w), 0);
	ck_assert_uint_eq(w.error, PFERR_P | PFERR_RSVD);
}
END_TEST

START_TEST(peek_changes_no_entry)
{
	struct x86_walk w;

	page_on();
	ck_assert_int_eq(x86_translate_peek(&rig.x, AT_DATA, X86_ACC_WRITE,
					    &w), 0);
	ck_assert_uint_eq(get32(PTE(AT_DATA)) & (A | D), 0);
	ck_assert(!w.writable);
}
END_TEST

START_TEST(pae_walks_three_levels)
{
	page_on_pae();
	put64(PAE_PTE(AT_DATA), AT_STACK1 | 7);
	put32(AT_STACK1, 0x77);
	load(read_ecx);
	at(AT_DATA);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x77);
	ck_assert_uint_eq(get64(PAE_PTE(AT_DATA)) & (A | D), A);
	at(0x40000000);
	load(read_ecx);
	step_faults(VEC_PF, 0);
}
END_TEST

START_TEST(pae_two_megabyte_page)
{
	struct x86_walk w;

	page_on_pae();
	put64(AT_PD + 8, P | RW | PS);		/* linear 2 MiB -> 0 */
	ck_assert_int_eq(x86_translate(&rig.x, 0x212345, X86_ACC_WRITE, &w), 0);
	ck_assert_uint_eq(w.gpa, 0x12345);
	ck_assert_int_eq(w.page_shift, 21);
}
END_TEST

START_TEST(pae_reserved_bits_fault)
{
	page_on_pae();
	put64(PAE_PTE(AT_DATA), AT_DATA | 7 | 1ULL << 36);
	load(read_ecx);
	at(AT_DATA);
	step_faults(VEC_PF, PFERR_P | PFERR_RSVD);
	put64(PAE_PTE(AT_DATA), AT_DATA | 7 | NX);
	step_faults(VEC_PF, PFERR_P | PFERR_RSVD);
}
END_TEST

START_TEST(nx_page_faults_on_fetch_only)
{
	page_on_pae();
	rig.v.msr.efer |= EFER_NX;
	put64(PAE_PTE(AT_CODE), AT_CODE | 7 | NX);
	load(nops);
	step_faults(VEC_PF, PFERR_P | PFERR_I);
	put64(PAE_PTE(AT_CODE), AT_CODE | 7);
	put64(PAE_PTE(AT_DATA), AT_DATA | 7 | NX);
	x86_tlb_flush(&rig.x);
	load(read_ecx);
	at(AT_DATA);
	steps(1);
}
END_TEST

START_TEST(reserved_pdpte_bits_make_cr3_load_fault)
{
	page_on_pae();
	put64(AT_PDPT + 8, P | RW);
	rig.v.gpr[GPR_AX] = AT_PDPT;
	load(to_cr3);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(pdptes_are_read_at_the_cr3_load_only)
{
	page_on_pae();
	put64(AT_PDPT, 0);
	load(read_ecx);
	at(AT_DATA);
	steps(1);
	rig.v.gpr[GPR_AX] = AT_PDPT;
	load(to_cr3);
	steps(1);
	step_faults(VEC_PF, 0);
}
END_TEST

START_TEST(pg_without_pe_and_nw_without_cd_are_gp)
{
	load(to_cr0);
	rig.v.gpr[GPR_AX] = CR0_PG;
	step_faults(VEC_GP, 0);
	rig.v.gpr[GPR_AX] = CR0_PE | CR0_NW;
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(cr4_bits_that_are_not_offered_are_gp)
{
	load(to_cr4);
	rig.v.gpr[GPR_AX] = CR4_SMEP;
	step_faults(VEC_GP, 0);
	rig.v.gpr[GPR_AX] = CR4_PAE | CR4_PGE;
	steps(1);
	ck_assert_uint_eq(rig.v.cr4, CR4_PAE | CR4_PGE);
}
END_TEST

START_TEST(write_across_a_bad_page_writes_nothing)
{
	page_on();
	set_pte(AT_DATA + PAGE_SIZE, 0);
	rig.v.gpr[GPR_AX] = 0xffffffff;
	load(write_ecx);
	at(AT_DATA + PAGE_SIZE - 2);
	step_faults(VEC_PF, PFERR_W);
	ck_assert_uint_eq(rig.v.cr2, AT_DATA + PAGE_SIZE);
	ck_assert_uint_eq(get16(AT_DATA + PAGE_SIZE - 2), 0);
}
END_TEST

START_TEST(access_across_pages_joins_two_frames)
{
	page_on();
	put32(PTE(AT_DATA + PAGE_SIZE), AT_STACK1 | 7);
	rig.v.gpr[GPR_AX] = 0x44332211;
	load(write_ecx);
	at(AT_DATA + PAGE_SIZE - 1);
	steps(1);
	ck_assert_uint_eq(get8(AT_DATA + PAGE_SIZE - 1), 0x11);
	ck_assert_uint_eq(get16(AT_STACK1), 0x3322);
	rig.v.gpr[GPR_AX] = 0;
	load(read_ecx);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x44332211);
}
END_TEST

START_TEST(fetch_across_a_bad_page_faults_at_the_second)
{
	page_on();
	load_at(AT_CODE + PAGE_SIZE - 2, five_bytes, five_bytes_end);
	set_pte(AT_CODE + PAGE_SIZE, 0);
	step_faults(VEC_PF, 0);
	ck_assert_uint_eq(rig.v.cr2, AT_CODE + PAGE_SIZE);
}
END_TEST

START_TEST(fetch_wants_no_byte_beyond_the_instruction)
{
	page_on();
	load_at(AT_CODE + PAGE_SIZE - 3, nops, nops_end);
	set_pte(AT_CODE + PAGE_SIZE, 0);
	steps(3);
	step_faults(VEC_PF, 0);
}
END_TEST

START_TEST(rep_movs_stops_at_the_faulting_element)
{
	page_on();
	set_pte(AT_STACK1, 0);
	rig.v.gpr[GPR_SI] = AT_DATA;
	rig.v.gpr[GPR_DI] = AT_STACK1 - 3;
	rig.v.gpr[GPR_CX] = 8;
	idt_set(VEC_PF, CS0, AT_HANDLER, ACC_INT32);
	load(rep_movsb);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER);
	ck_assert_uint_eq(rig.v.gpr[GPR_CX], 5);
	ck_assert_uint_eq(rig.v.gpr[GPR_SI], AT_DATA + 3);
	ck_assert_uint_eq(rig.v.gpr[GPR_DI], AT_STACK1);
	ck_assert_uint_eq(get32(AT_STACK - 12), AT_CODE);
}
END_TEST

START_TEST(rewritten_code_is_decoded_anew)
{
	load(five_bytes);
	steps(1);
	put32(AT_CODE + 1, 0x9abcdef0);
	rig.v.rip = AT_CODE;
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x9abcdef0);
}
END_TEST

START_TEST(rom_drops_writes)
{
	put32(AT_DATA, 7);
	ck_assert_int_eq(mem_set_rom(rig.mem, AT_DATA, PAGE_SIZE), 0);
	load(write_ecx);
	at(AT_DATA);
	rig.v.gpr[GPR_AX] = 8;
	steps(1);
	ck_assert_uint_eq(get32(AT_DATA), 7);
}
END_TEST

static unsigned traced;

static void note(void *opaque, gpa_t gpa, size_t len)
{
	/* Told before the write. */
	ck_assert_uint_eq(get32(AT_DATA), 7);
	ck_assert_uint_eq(gpa, AT_DATA);
	ck_assert_uint_eq(len, 4);
	traced++;
}

START_TEST(traced_page_announces_writes)
{
	put32(AT_DATA, 7);
	load(write_ecx);
	at(AT_DATA);
	rig.v.gpr[GPR_AX] = 7;
	steps(1);
	rig.mem->trace = note;
	rig.mem->flags[AT_DATA >> PAGE_SHIFT] |= MEM_TRACED;
	rig.v.gpr[GPR_AX] = 8;
	load(write_ecx);
	steps(1);
	ck_assert_uint_eq(traced, 1);
	rig.mem->flags[AT_DATA >> PAGE_SHIFT] &= ~MEM_TRACED;
	ck_assert_uint_eq(get32(AT_DATA), 8);
}
END_TEST

RIG_MAIN("interp_page", read_sets_accessed_in_both_levels,
	 write_sets_dirty_in_the_leaf_only, write_after_read_still_sets_dirty,
	 failed_access_leaves_accessed_and_dirty_alone, error_code_tells_why,
	 wp_protects_read_only_pages_from_ring0,
	 directory_rights_limit_the_table_s,
	 read_modify_write_faults_as_a_write,
	 stale_translation_lives_until_invlpg, cr3_load_flushes,
	 four_megabyte_page_needs_pse,
	 pse36_takes_address_bits_from_the_middle, peek_changes_no_entry,
	 pae_walks_three_levels, pae_two_megabyte_page,
	 pae_reserved_bits_fault, nx_page_faults_on_fetch_only,
	 reserved_pdpte_bits_make_cr3_load_fault,
	 pdptes_are_read_at_the_cr3_load_only,
	 pg_without_pe_and_nw_without_cd_are_gp,
	 cr4_bits_that_are_not_offered_are_gp,
	 write_across_a_bad_page_writes_nothing,
	 access_across_pages_joins_two_frames,
	 fetch_across_a_bad_page_faults_at_the_second,
	 fetch_wants_no_byte_beyond_the_instruction,
	 rep_movs_stops_at_the_faulting_element,
	 rewritten_code_is_decoded_anew, rom_drops_writes,
	 traced_page_announces_writes)
