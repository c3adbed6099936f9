/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rest of the interpreter: decoding limits, FPU and SSE state checks,
 * CPUID, MSRs, MMIO, and the engine around it.
 */
#include <cpuid.h>

#include "tests/unit/interp_rig.c"

CODE(ud2_code, "ud2");
CODE(vex, ".byte 0xc5, 0xf8, 0x58, 0xc0");	/* vaddps */
CODE(lock_mov, ".byte 0xf0, 0x89, 0x01");
CODE(lock_add_reg, ".byte 0xf0, 0x01, 0xc0");
CODE(lock_add_mem, "lock addl %eax, (%ecx)");
CODE(mov_cs, ".byte 0x8e, 0xc8");
CODE(fifteen, ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,"
	      "0x66,0x66,0x66,0x66,0x90");
CODE(sixteen, ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,"
	      "0x66,0x66,0x66,0x66,0x66,0x90");
CODE(fld1_fdiv, "fld1\nfldz\nfdivrp\nfwait\nnop");
CODE(fninit_code, "fninit");
CODE(fwait_code, "fwait");
CODE(fnsave_ecx, "fnsave (%ecx)");
CODE(fsqrt_code, "fsqrt");
CODE(paddb_code, "paddb %mm1, %mm0");
CODE(addps_code, "addps %xmm1, %xmm0");
CODE(addps_mem, "addps (%ecx), %xmm0");
CODE(movups_mem, "movups (%ecx), %xmm0");
CODE(divss_code, "divss %xmm1, %xmm0");
CODE(ldmxcsr_ecx, "ldmxcsr (%ecx)");
CODE(fxsave_ecx, "fxsave (%ecx)");
CODE(fxrstor_ecx, "fxrstor (%ecx)");
CODE(cvt, "cvtsi2sd %edx, %xmm0\naddsd %xmm0, %xmm0\ncvttsd2si %xmm0, %esp");
CODE(cpuid_code, "cpuid");
CODE(rdmsr_code, "rdmsr");
CODE(wrmsr_code, "wrmsr");
CODE(rdtsc_code, "rdtsc");
CODE(rdrand_code, "rdrand %edx");
CODE(rdrand_16, "rdrand %dx");
CODE(rdrand_rep, ".byte 0xf3\nrdrand %edx");
CODE(rdrand_locked, ".byte 0xf0\nrdrand %edx");
CODE(read_ecx, "movl (%ecx), %eax");
CODE(write_ecx, "movl %eax, (%ecx)");
CODE(cx8_ecx, "cmpxchg8b (%ecx)");
CODE(out_hlt, "outb %al, $0x80\nsti\nhlt\nhlt");
CODE(long_mode, "wrmsr");

static void fpu_on(void)
{
	rig.v.cr0 |= CR0_NE | CR0_MP;
	rig.v.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
	load(fninit_code);
	steps(1);
}

START_TEST(undefined_and_foreign_instructions_are_ud)
{
	load(ud2_code);
	step_faults(VEC_UD, NO_ERROR);
	load(vex);
	step_faults(VEC_UD, NO_ERROR);
	load(mov_cs);
	step_faults(VEC_UD, NO_ERROR);
}
END_TEST

START_TEST(lock_is_legal_on_memory_destinations_only)
{
	rig.v.gpr[GPR_CX] = AT_DATA;
	load(lock_mov);
	step_faults(VEC_UD, NO_ERROR);
	load(lock_add_reg);
	step_faults(VEC_UD, NO_ERROR);
	load(lock_add_mem);
	steps(1);
}
END_TEST

START_TEST(instructions_end_at_15_bytes)
{
	load(fifteen);
	steps(1);
	ck_assert_uint_eq(rig.v.rip, AT_CODE + 15);
	load(sixteen);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(fetch_beyond_the_code_limit_is_gp)
{
	load(fifteen);
	rig.v.seg[SEG_CS].limit = AT_CODE + 14;
	steps(1);
	load(fifteen);
	rig.v.seg[SEG_CS].limit = AT_CODE + 13;
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(unmasked_division_by_zero_is_mf_at_the_next_instruction)
{
	fpu_on();
	((uint16_t *)rig.v.fpu)[0] = 0x37b;	/* ZM clear */
	load(fld1_fdiv);
	steps(3);
	step_faults(VEC_MF, NO_ERROR);
}
END_TEST

START_TEST(ts_and_em_give_nm_or_ud)
{
	fpu_on();
	rig.v.cr0 |= CR0_TS;
	load(fsqrt_code);
	step_faults(VEC_NM, NO_ERROR);
	load(addps_code);
	step_faults(VEC_NM, NO_ERROR);
	load(fwait_code);
	step_faults(VEC_NM, NO_ERROR);
	rig.v.cr0 &= ~(uint64_t)CR0_MP;
	load(fwait_code);
	steps(1);
	rig.v.cr0 = (rig.v.cr0 & ~(uint64_t)CR0_TS) | CR0_EM;
	load(fsqrt_code);
	step_faults(VEC_NM, NO_ERROR);
	load(paddb_code);
	step_faults(VEC_UD, NO_ERROR);
	load(addps_code);
	step_faults(VEC_UD, NO_ERROR);
}
END_TEST

START_TEST(sse_needs_osfxsr_and_mmx_does_not)
{
	fpu_on();
	rig.v.cr4 &= ~(uint64_t)CR4_OSFXSR;
	load(addps_code);
	step_faults(VEC_UD, NO_ERROR);
	load(paddb_code);
	steps(1);
	ck_assert_uint_eq(rig.v.fpu[4], 0xff);
}
END_TEST

START_TEST(sse_operands_are_aligned_except_movups)
{
	fpu_on();
	rig.v.gpr[GPR_CX] = AT_DATA + 4;
	load(addps_mem);
	step_faults(VEC_GP, 0);
	load(movups_mem);
	steps(1);
}
END_TEST

/* 1.0f / 0.0f with MXCSR.ZM clear. */
static void divide_unmasked(void)
{
	uint32_t one = 0x3f800000, mxcsr = 0x1d80;

	fpu_on();
	memcpy(rig.v.fpu + 24, &mxcsr, 4);
	memset(rig.v.fpu + 160, 0, 32);
	memcpy(rig.v.fpu + 160, &one, 4);
	load(divss_code);
}

START_TEST(unmasked_sse_exception_is_xm_and_sets_its_flag)
{
	divide_unmasked();
	step_faults(VEC_XM, NO_ERROR);
	ck_assert_uint_eq(*(uint32_t *)(rig.v.fpu + 24), 0x1d84);
	ck_assert_uint_eq(*(uint32_t *)(rig.v.fpu + 160), 0x3f800000);
}
END_TEST

START_TEST(without_osxmmexcpt_it_is_ud)
{
	divide_unmasked();
	rig.v.cr4 &= ~(uint64_t)CR4_OSXMMEXCPT;
	step_faults(VEC_UD, NO_ERROR);
}
END_TEST

START_TEST(reserved_mxcsr_bits_are_gp)
{
	fpu_on();
	put32(AT_DATA, 0x11f80);
	rig.v.gpr[GPR_CX] = AT_DATA;
	load(ldmxcsr_ecx);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(fxsave_and_fxrstor_round_trip)
{
	uint8_t before[288];

	fpu_on();
	for (unsigned n = 0; n < 128; n++)
		rig.v.fpu[160 + n] = n;
	memcpy(before, rig.v.fpu, sizeof(before));
	rig.v.gpr[GPR_CX] = AT_DATA;
	load(fxsave_ecx);
	steps(1);
	memset(rig.v.fpu + 160, 0, 128);
	load(fxrstor_ecx);
	steps(1);
	ck_assert_int_eq(memcmp(before, rig.v.fpu, sizeof(before)), 0);
	rig.v.gpr[GPR_CX] = AT_DATA + 8;
	load(fxsave_ecx);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(fnsave_shows_guest_addresses_and_resets)
{
	fpu_on();
	load(fld1_fdiv);
	steps(1);
	rig.v.gpr[GPR_CX] = AT_DATA;
	load(fnsave_ecx);
	steps(1);
	ck_assert_uint_eq(get32(AT_DATA), 0xffff037f);
	ck_assert_uint_eq(get32(AT_DATA + 8), 0xffff3fff);
	ck_assert_uint_eq(get32(AT_DATA + 12), AT_CODE);
	ck_assert_uint_eq(get16(AT_DATA + 16), CS0);
	ck_assert_uint_eq(get16(AT_DATA + 36), 0x3fff);	/* exponent of 1.0 */
	ck_assert_uint_eq(rig.v.fpu[4], 0);
}
END_TEST

START_TEST(conversions_pass_general_registers)
{
	fpu_on();
	rig.v.gpr[GPR_DX] = -21;
	load(cvt);
	steps(3);
	ck_assert_uint_eq(rig.v.gpr[GPR_SP], (uint32_t)-42);
}
END_TEST

START_TEST(cpuid_offers_what_is_there_and_no_more)
{
	rig.v.gpr[GPR_AX] = 1;
	load(cpuid_code);
	steps(1);
	ck_assert(rig.v.gpr[GPR_DX] & 1u << 26);	/* SSE2 */
	ck_assert(!(rig.v.gpr[GPR_CX] & 1u << 28));	/* AVX */
	ck_assert(rig.v.gpr[GPR_CX] & 1u << 31);
	rig.v.gpr[GPR_AX] = 0x40000000;
	load(cpuid_code);
	steps(1);
	ck_assert_int_eq(memcmp(&(uint32_t[]){ rig.v.gpr[GPR_BX],
					       rig.v.gpr[GPR_CX],
					       rig.v.gpr[GPR_DX] },
				"UmbraUmbraUm", 12), 0);
	rig.v.gpr[GPR_AX] = 0x80000001;
	load(cpuid_code);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_DX], 1u << 20);	/* NX alone */
}
END_TEST

static bool host_has_rdrand(void)
{
	uint32_t a, b, c = 0, d;

	__get_cpuid(1, &a, &b, &c, &d);
	return c & bit_RDRND;
}

START_TEST(rdrand_is_offered_where_the_host_has_it)
{
	rig.v.gpr[GPR_AX] = 1;
	load(cpuid_code);
	steps(1);
	ck_assert_int_eq(!!(rig.v.gpr[GPR_CX] & bit_RDRND), host_has_rdrand());
	load(rdrand_code);
	if (!host_has_rdrand())
		step_faults(VEC_UD, NO_ERROR);
}
END_TEST

/* The odds of 128 equal bits are no worry. */
START_TEST(rdrand_gives_numbers_and_says_so_in_flags)
{
	uint32_t differs = 0, last = 0;

	for (unsigned n = 0; n < 5 && host_has_rdrand(); n++) {
		rig.v.rflags |= FLAGS_ARITH;
		load(rdrand_code);
		steps(1);
		ck_assert_uint_eq(rig.v.rflags & FLAGS_ARITH, FLAG_CF);
		if (n)
			differs |= last ^ rig.v.gpr[GPR_DX];
		last = rig.v.gpr[GPR_DX];
	}
	ck_assert_int_eq(differs != 0, host_has_rdrand());
}
END_TEST

START_TEST(rdrand_writes_its_operand_size_and_takes_no_prefix)
{
	if (!host_has_rdrand())
		return;
	rig.v.gpr[GPR_DX] = 0x12345678;
	load(rdrand_16);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_DX] >> 16, 0x1234);
	load(rdrand_rep);
	step_faults(VEC_UD, NO_ERROR);
	load(rdrand_locked);
	step_faults(VEC_UD, NO_ERROR);
}
END_TEST

START_TEST(unknown_msr_is_gp)
{
	rig.v.gpr[GPR_CX] = 0x12345;
	load(rdmsr_code);
	step_faults(VEC_GP, 0);
	load(wrmsr_code);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(msr_of_ring3_is_gp)
{
	enter_ring3();
	rig.v.gpr[GPR_CX] = 0x10;
	load(rdmsr_code);
	step_faults(VEC_GP, 0);
}
END_TEST

START_TEST(efer_keeps_lme_until_paging_is_turned_on)
{
	rig.v.gpr[GPR_CX] = 0xc0000080;
	rig.v.gpr[GPR_DX] = 0;
	rig.v.gpr[GPR_AX] = EFER_LME;
	load(long_mode);
	steps(1);
	ck_assert_uint_eq(rig.v.msr.efer, EFER_LME);
	rig.v.gpr[GPR_AX] = EFER_LMA;
	load(long_mode);
	step_faults(VEC_GP, 0);
	rig.v.gpr[GPR_AX] = EFER_NX;
	steps(1);
	ck_assert_uint_eq(rig.v.msr.efer, EFER_NX);
}
END_TEST

START_TEST(written_tsc_is_read_back)
{
	uint64_t tsc;

	rig.v.gpr[GPR_CX] = 0x10;
	rig.v.gpr[GPR_AX] = 1000;
	rig.v.gpr[GPR_DX] = 5;
	load(wrmsr_code);
	steps(1);
	load(rdtsc_code);
	steps(1);
	tsc = rig.v.gpr[GPR_DX] << 32 | rig.v.gpr[GPR_AX];
	ck_assert_uint_ge(tsc, 5ULL << 32);
	ck_assert_uint_lt(tsc, 6ULL << 32);
	rig.v.cr4 |= CR4_TSD;
	enter_ring3();
	load(rdtsc_code);
	step_faults(VEC_GP, 0);
}
END_TEST

static uint64_t mmio_off, mmio_val;
static unsigned mmio_size;

static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	mmio_off = off;
	mmio_size = size;
	return 0x5555aaaa;
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	mmio_off = off;
	mmio_size = size;
	mmio_val = val;
}

START_TEST(device_memory_is_accessed_in_one_piece)
{
	static const struct mmio_ops ops = { mmio_read, mmio_write };

	mem_add_mmio(rig.mem, 0xfec00000, PAGE_SIZE, &ops, NULL, "test");
	rig.v.gpr[GPR_CX] = 0xfec00010;
	load(read_ecx);
	steps(1);
	ck_assert_uint_eq(rig.v.gpr[GPR_AX], 0x5555aaaa);
	ck_assert_uint_eq(mmio_off, 0x10);
	ck_assert_uint_eq(mmio_size, 4);
	load(write_ecx);
	steps(1);
	ck_assert_uint_eq(mmio_val, 0x5555aaaa);
}
END_TEST

START_TEST(cmpxchg8b_writes_even_when_it_fails)
{
	page_on();
	rig.v.cr0 |= CR0_WP;
	set_pte(AT_DATA, 5);
	rig.v.gpr[GPR_CX] = AT_DATA;
	rig.v.gpr[GPR_AX] = 1;
	load(cx8_ecx);
	step_faults(VEC_PF, PFERR_P | PFERR_W);
}
END_TEST

static int ack(void *opaque)
{
	atomic_store(&rig.bus.intr, 0);
	return 0x30;
}

/* The engine: an interrupt ends a HLT, and a halt is reported. */
START_TEST(engine_takes_interrupts_and_reports_halt)
{
	struct engine_config cfg = { .mem = rig.mem, .bus = &rig.bus };
	struct engine_exit_info info;
	struct engine *e;
	char err[160];

	rig.bus.intr_ack = ack;
	load(out_hlt);
	idt_set(0x30, CS0, AT_HANDLER, ACC_INT32);
	put8(AT_HANDLER, 0xf4);
	ck_assert_int_eq(interp_engine_ops.create(&e, &cfg, err), 0);
	e->ops->set_state(e, &rig.v);
	atomic_store(&rig.bus.intr, 1);
	e->ops->run(e, &info);
	ck_assert_int_eq(info.exit, ENGINE_HALT);
	e->ops->get_state(e, &rig.v);
	/* STI's shadow covers HLT; the handler halted, too. */
	ck_assert_uint_eq(rig.v.rip, AT_HANDLER + 1);
	ck_assert_uint_eq(get32(rig.v.gpr[GPR_SP]), AT_CODE + 4);
	ck_assert_uint_eq(rig.ports, 1);
	atomic_store(&rig.bus.stop, 1);
	e->ops->run(e, &info);
	ck_assert_int_eq(info.exit, ENGINE_KICKED);
	e->ops->destroy(e);
}
END_TEST

RIG_MAIN("interp", undefined_and_foreign_instructions_are_ud,
	 lock_is_legal_on_memory_destinations_only,
	 instructions_end_at_15_bytes, fetch_beyond_the_code_limit_is_gp,
	 unmasked_division_by_zero_is_mf_at_the_next_instruction,
	 ts_and_em_give_nm_or_ud, sse_needs_osfxsr_and_mmx_does_not,
	 sse_operands_are_aligned_except_movups,
	 unmasked_sse_exception_is_xm_and_sets_its_flag,
	 without_osxmmexcpt_it_is_ud, reserved_mxcsr_bits_are_gp,
	 fxsave_and_fxrstor_round_trip,
	 fnsave_shows_guest_addresses_and_resets,
	 conversions_pass_general_registers,
	 cpuid_offers_what_is_there_and_no_more,
	 rdrand_is_offered_where_the_host_has_it,
	 rdrand_gives_numbers_and_says_so_in_flags,
	 rdrand_writes_its_operand_size_and_takes_no_prefix, unknown_msr_is_gp,
	 msr_of_ring3_is_gp, efer_keeps_lme_until_paging_is_turned_on,
	 written_tsc_is_read_back, device_memory_is_accessed_in_one_piece,
	 cmpxchg8b_writes_even_when_it_fails,
	 engine_takes_interrupts_and_reports_halt)
