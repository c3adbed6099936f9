/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TC verifier: what it lets pass, and that each rule refuses. */
#include "tests/unit/bt_rig.h"

#include <errno.h>

#include "fullvirt/bt/verify.h"

static char why[VERIFY_WHY];

#define accepted(tu)							\
	do {								\
		int r_ = verify_tu(bt, tu, why);			\
		ck_assert_msg(r_ == 0, "refused: %s", why);		\
	} while (0)

#define refused(tu, reason)						\
	do {								\
		ck_assert_int_eq(verify_tu(bt, tu, why), -EINVAL);	\
		ck_assert_msg(strstr(why, reason), "refused for: %s", why); \
	} while (0)

/* ------------------------------------------------ single instructions */

/* One guest instruction whose host code is [@from, @to). */
static struct tu *hand_made(const uint8_t *from, const uint8_t *to)
{
	struct tc *tc = &bt->tc;
	struct tu *tu = &tc->tus[tc->ntus++];
	uint32_t n = to - from;

	memcpy(tc->next, from, n);
	*tu = (struct tu){ .host = tc->next, .host_len = n, .eip = AT_CODE,
			   .gpfn = AT_CODE >> PAGE_SHIFT, .ctx = bt->ctx->id,
			   .insn0 = tc->ninsns, .ninsn = 1,
			   .exit0 = tc->nexits, .entry0 = tc->nentries };
	tc->insns[tc->ninsns++] = (struct tu_insn){ .len = 1 };
	tc->insns[tc->ninsns++] = (struct tu_insn){ .host_off = n, .goff = 1 };
	tc->next += n;
	return tu;
}

/* Good alone, in a window context of privilege 0. */
#define GOOD(X)								\
	X(alu_on_window_passes, "addl %eax, %gs:4(%ebx,%esi,2)")	\
	X(absolute_address_passes, "addr32 movl %gs:0x1234, %ecx")	\
	X(guest_esp_is_r15, "movl %gs:(%r15d), %eax; leal 4(%r15), %r15d") \
	X(address_in_r8_passes, "movl %gs:(%r8d), %eax")		\
	X(value_in_r13_passes, "movl %gs:(%esi), %r13d; movl %r13d, %eax") \
	X(locked_compare_passes, "lock cmpxchg8b %gs:(%edi)")		\
	X(bit_string_in_window_passes, "btsl %eax, %gs:(%ebx)")		\
	X(word_and_byte_pass, "movw %ax, %gs:(%ebx); movb %ah, %gs:(%ebx)") \
	X(x87_passes, "fldt %gs:(%eax); fmulp; fstpl %gs:(%eax)")	\
	X(sse2_passes, "paddb %xmm1, %xmm2; movups %gs:(%eax), %xmm0")	\
	X(mxcsr_passes, "ldmxcsr %gs:(%eax); stmxcsr %gs:(%eax)")	\
	X(lea_of_guest_registers_passes, "leal 8(%rax,%r15,1), %ecx")	\
	X(loop_by_ecx_passes, "1: decl %eax; addr32 loop 1b")		\
	X(nop_with_operand_passes, "nopl 0(%rax,%rax,1)")

#define X(name, text)							\
	CODE_BITS(code_##name, "64", "0: " text "; jmp 0b");		\
	START_TEST(name)						\
	{								\
		bt_rig_setup("bt.memory=window", 0);			\
		accepted(hand_made(code_##name, code_##name##_end));	\
	}								\
	END_TEST
GOOD(X)
#undef X

#define LIST	"not in the list"
#define OUTSIDE	"outside the window"

/* What is refused there, and a part of the reason. */
#define BAD(X)								\
	X(syscall_is_refused, "syscall", LIST)				\
	X(sysenter_is_refused, "sysenter", LIST)			\
	X(int_is_refused, "int $0x80", LIST)				\
	X(int3_is_refused, "int3", LIST)				\
	X(hlt_is_refused, "hlt", LIST)					\
	X(in_is_refused, "inb %dx, %al", LIST)				\
	X(out_is_refused, "outb %al, %dx", LIST)			\
	X(cli_is_refused, "cli", LIST)					\
	X(iret_is_refused, "iretq", "64-bit")				\
	X(wrgsbase_is_refused, "wrgsbase %eax", LIST)			\
	X(rdgsbase_is_refused, "rdgsbase %eax", LIST)			\
	X(wrpkru_is_refused, "wrpkru", LIST)				\
	X(xgetbv_is_refused, "xgetbv", LIST)				\
	X(cpuid_is_refused, "cpuid", LIST)				\
	X(rdtsc_alone_is_refused, "rdtsc", LIST)			\
	X(rdtscp_is_refused, "rdtscp", LIST)				\
	X(rdrand_is_refused, "rdrand %eax", LIST)			\
	X(popcnt_is_refused, "popcnt %eax, %eax", LIST)			\
	X(sse4_is_refused, "pmulld %xmm0, %xmm1", LIST)			\
	X(avx_is_refused, "vaddps %ymm0, %ymm1, %ymm2", "VEX")		\
	X(ud0_is_refused, ".byte 0x0f, 0xff, 0xc0", LIST)		\
	X(incssp_is_refused, "incsspd %eax", LIST)			\
	X(xbegin_is_refused, "xbegin 0b", LIST)				\
	X(clflush_is_refused, "clflush %gs:(%eax)", LIST)		\
	X(fxsave_is_refused, "fxsave %gs:(%eax)", LIST)			\
	X(fnstenv_is_refused, "fnstenv %gs:(%eax)", LIST)		\
	X(frstor_is_refused, "frstor %gs:(%eax)", LIST)			\
	X(lgdt_is_refused, "lgdt %gs:(%eax)", LIST)			\
	X(std_is_refused, "std", LIST)					\
	X(cld_is_refused, "cld", LIST)					\
	X(movs_is_refused, "movsb", LIST)				\
	X(rep_stos_is_refused, "rep stosl", LIST)			\
	X(xlat_is_refused, "xlat", LIST)				\
	X(maskmov_is_refused, "maskmovq %mm0, %mm1", "implied memory")	\
	X(push_is_refused, "pushq %rax", LIST)				\
	X(pop_is_refused, "popq %rax", LIST)				\
	X(pushf_without_pop_is_refused, "pushfq; nop", LIST)		\
	X(popf_is_refused, "popfq", LIST)				\
	X(leave_is_refused, "leave", LIST)				\
	X(load_of_segment_is_refused, "movl %eax, %ds", "no guest has")	\
	X(read_of_segment_is_refused, "movl %ds, %eax", "no guest has")	\
	X(control_register_is_refused, "movq %cr0, %rax", "64-bit")	\
	X(far_return_is_refused, "lretl", LIST)				\
	X(return_with_operand_is_refused, "ret $8", LIST)		\
	X(jump_by_register_is_refused, "jmp *%rax", "indirect jump")	\
	X(jump_by_memory_is_refused, "jmp *%gs:(%eax)", "indirect jump") \
	X(jump_by_table_alone_is_refused, "jmp *0x6000000(%r14,%r9,8)",	\
	  "indirect jump")						\
	X(call_by_register_is_refused, "call *%rax", LIST)		\
	X(plain_memory_is_refused, "movl (%rax), %eax", OUTSIDE)	\
	X(address_of_64_bits_is_refused, "movl %gs:(%rax), %eax", OUTSIDE) \
	X(fs_is_refused, "movl %fs:(%eax), %eax", "segment prefix")	\
	X(rip_relative_is_refused, "movl 0b(%rip), %eax", "RIP")	\
	X(moffs_is_refused, "movabsl 0x1234, %eax", "implied memory")	\
	X(address_size_alone_is_refused, "movl (%eax), %eax",		\
	  "address-size")						\
	X(soft_access_alone_is_refused, "movl (%r8,%r10), %eax", OUTSIDE) \
	X(window_by_scratch_is_refused, "movl %gs:(%r10d), %eax",	\
	  "scratch")							\
	X(bt_field_is_refused, "movl 0x10(%r14), %eax", "struct bt")	\
	X(store_to_bt_is_refused, "movl %eax, 0x600(%r14)", "struct bt") \
	X(indexed_bt_is_refused, "movl 0x600(%r14,%rax), %eax",		\
	  "struct bt")							\
	X(write_of_r12_is_refused, "movl %eax, %r12d", "r12 or r14")	\
	X(read_of_r14_is_refused, "movl %r14d, %eax", "r12 or r14")	\
	X(write_of_rsp_is_refused, "movl %eax, %esp", "stack pointer")	\
	X(lea_of_rsp_is_refused, "leal 8(%rsp), %eax", "lea of")	\
	X(read_of_spl_is_refused, "movb %spl, %al", "stack pointer")	\
	X(wide_operation_is_refused, "addq %rax, %rax", "64-bit")	\
	X(wide_r15_is_refused, "movq %rax, %r15", "64-bit")		\
	X(read_of_scratch_is_refused, "movl %r10d, %eax", "scratch")	\
	X(lea_of_scratch_is_refused, "leal (%r10,%rax), %eax", "scratch") \
	X(arithmetic_on_scratch_is_refused, "addl %eax, %r8d", "scratch") \
	X(arithmetic_on_r13_is_refused, "addl %eax, %r13d", "r13")	\
	X(rcx_saved_for_no_reason_is_refused, "movq %rcx, %r11; nop",	\
	  "64-bit")							\
	X(jrcxz_is_refused, "1: jrcxz 1b", "rcx")			\
	X(loop_by_rcx_is_refused, "1: loop 1b", "rcx")			\
	X(jump_into_instruction_is_refused, "jmp 1f + 1; 1: movl $0, %eax", \
	  "no entry")							\
	X(jump_out_is_refused, "jmp 0b - 4096", "no entry")		\
	X(call_out_is_refused, "call 0b - 4096", "no entry")		\
	X(call_without_landing_is_refused, "1: nop; call 1b; nop",	\
	  "landing")							\
	X(tail_that_is_no_instruction_is_refused, "jmp 0b; .byte 0x06",	\
	  "not an instruction")

#define X(name, text, reason)						\
	CODE_BITS(code_##name, "64", "0: " text "; jmp 0b");		\
	START_TEST(name)						\
	{								\
		bt_rig_setup("bt.memory=window", 0);			\
		refused(hand_made(code_##name, code_##name##_end), reason); \
	}								\
	END_TEST
BAD(X)
#undef X

CODE_BITS(runs_out, "64", "movl $1, %eax");

START_TEST(running_out_of_the_end_is_refused)
{
	bt_rig_setup("bt.memory=window", 0);
	refused(hand_made(runs_out, runs_out_end), "runs out");
}
END_TEST

START_TEST(window_without_one_is_refused)
{
	struct tu *tu;

	bt_rig_setup("bt.memory=window", 0);
	tu = hand_made(code_alu_on_window_passes,
		       code_alu_on_window_passes_end);
	bt->ctxs[tu->ctx].flags &= ~CTX_WINDOW;
	refused(tu, "context without one");
}
END_TEST

/* ------------------------------------------------ the software TLB */

CODE_BITS(load, "32", "1: movl (%ebx), %eax; jmp 1b");
CODE_BITS(store, "32", "1: movl %eax, (%ebx); jmp 1b");

/*
 * Host code of load and store, by offset:
 * 00 lea r8d, [rbx]	03 lea r9d, [r8+3]	07 shrx r10d, r8d, r12d
 * 0c shrx r9d, r9d	11 mov r11, rcx		14 mov ecx, [TAG]
 * 1c lea ecx, [..+1]	21 jecxz +8		24 mov rcx, r11
 * 27 call soft_*	2c mov rcx, r11		2f mov r10, [ADD]
 * 37 mov eax, [r8+r10]	3b jmp
 */
static struct tu *soft(const char *memory, unsigned cpl, const uint8_t *from,
		       const uint8_t *to)
{
	struct tu *tu;

	bt_rig_setup(memory, cpl);
	tu = rig_tu(rig_translate_at(AT_CODE, from, to, false));
	accepted(tu);
	return tu;
}

#define SOFT(name)	soft("bt.memory=soft", 0, name, name##_end)

static void put32(uint8_t *at, uint32_t val)
{
	memcpy(at, &val, 4);
}

START_TEST(soft_load_and_store_pass)
{
	SOFT(load);
	accepted(rig_translate(store));
}
END_TEST

START_TEST(soft_span_too_short_is_refused)
{
	struct tu *tu = SOFT(load);

	ck_assert_uint_eq(tu->host[0x06], 3);
	tu->host[0x06] = 2;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_span_negative_is_refused)
{
	struct tu *tu = SOFT(load);

	tu->host[0x06] = 0x83;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_tag_of_other_privilege_is_refused)
{
	struct tu *tu = SOFT(load);

	put32(tu->host + 0x18, ARENA_TAG(SOFT_UR));
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_user_with_supervisor_tag_is_refused)
{
	struct tu *tu = soft("bt.memory=soft", 3, load, load_end);

	put32(tu->host + 0x18, ARENA_TAG(SOFT_KR));
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_add_of_other_kind_is_refused)
{
	struct tu *tu = SOFT(load);

	put32(tu->host + 0x33, ARENA_ADD(SOFT_KW));
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_store_by_read_tag_is_refused)
{
	struct tu *tu = SOFT(load);

	ck_assert_uint_eq(tu->host[0x38], 0x8b);
	tu->host[0x38] = 0x89;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_load_by_write_tag_is_refused)
{
	struct tu *tu = SOFT(store);

	tu->host[0x38] = 0x8b;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_wide_access_is_refused)
{
	struct tu *tu = SOFT(load);

	tu->host[0x37] |= 8;	/* REX.W */
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_tag_compared_wrongly_is_refused)
{
	struct tu *tu = SOFT(load);

	ck_assert_uint_eq(tu->host[0x20], 1);
	tu->host[0x20] = 0;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_page_of_other_register_is_refused)
{
	struct tu *tu = SOFT(load);

	tu->host[0x0b] ^= 1;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_shift_by_other_register_is_refused)
{
	struct tu *tu = SOFT(load);

	tu->host[0x09] ^= 0x08;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_skip_elsewhere_is_refused)
{
	struct tu *tu = SOFT(load);

	ck_assert_uint_eq(tu->host[0x23], 8);
	tu->host[0x23] = 8 + 3;
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_without_callout_is_refused)
{
	struct tu *tu = SOFT(load);

	memcpy(tu->host + 0x27, "\x0f\x1f\x44\x00\x00", 5);
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_with_wrong_callout_is_refused)
{
	struct tu *tu = SOFT(load);

	put32(tu->host + 0x28, bt_stub(bt, STUB_soft_write) -
			       (tu->host + 0x2c));
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_that_loses_rcx_is_refused)
{
	struct tu *tu = SOFT(load);

	memcpy(tu->host + 0x11, "\x0f\x1f\x00", 3);
	refused(tu, "scratch");
}
END_TEST

START_TEST(soft_address_changed_is_refused)
{
	struct tu *tu = SOFT(load);

	tu->host[0x3a] = 0x18;	/* [r8 + r11] */
	refused(tu, "scratch");
}
END_TEST

START_TEST(jump_behind_the_checks_is_refused)
{
	struct tu *tu = SOFT(load);

	put32(tu->host + 0x3c, 0x37 - 0x40);
	refused(tu, "no entry");
}
END_TEST

START_TEST(jump_between_the_checks_is_refused)
{
	struct tu *tu = SOFT(load);

	put32(tu->host + 0x3c, 0x2c - 0x40);
	refused(tu, "no entry");
}
END_TEST

START_TEST(resuming_behind_the_checks_is_refused)
{
	struct tu *tu = SOFT(load);

	bt->tc.insns[tu->insn0 + 1].host_off = 0x37;
	refused(tu, "must not come");
}
END_TEST

START_TEST(entering_behind_the_checks_is_refused)
{
	struct tu *tu = SOFT(load);

	bt->tc.entries[tu->entry0].body = tu->host + 0x37;
	refused(tu, "bad entry");
}
END_TEST

CODE_BITS(bits, "32", "1: btl $3, (%ebx); jmp 1b");

START_TEST(bit_string_by_soft_is_refused)
{
	struct tu *tu = SOFT(bits);
	uint8_t *access = tu->host + 0x37;

	/* bt dword [r8 + r10], imm8 into bt [r8 + r10], eax; nop */
	ck_assert_uint_eq(access[1], 0x0f);
	ck_assert_uint_eq(access[2], 0xba);
	memcpy(access, "\x43\x0f\xa3\x04\x10\x90", 6);
	refused(tu, "scratch");
}
END_TEST

/* ------------------------------------------------ fields of struct bt */

CODE_BITS(cli_sti, "32", "cli; sti; nop; movl %cr0, %eax; 1: jmp 1b");

START_TEST(interrupt_flag_and_cr_are_for_privilege_0)
{
	struct tu *tu;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(cli_sti);
	accepted(tu);
	bt->ctxs[tu->ctx].flags |= 3;
	refused(tu, "store to struct bt");
}
END_TEST

START_TEST(other_system_flags_are_refused)
{
	struct tu *tu;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(cli_sti);
	rig_host(tu, 1)[-1] |= 0x30;	/* IOPL */
	refused(tu, "store to struct bt");
}
END_TEST

CODE_BITS(read_cr, "32", "movl %cr3, %eax; 1: jmp 1b");

START_TEST(control_register_for_users_is_refused)
{
	struct tu *tu;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(read_cr);
	accepted(tu);
	bt->ctxs[tu->ctx].flags |= 3;
	refused(tu, "load from struct bt");
}
END_TEST

CODE_BITS(clock_read, "32", "rdtsc; 1: jmp 1b");

START_TEST(half_of_rdtsc_is_refused)
{
	struct tu *tu;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(clock_read);
	accepted(tu);
	memcpy(rig_host(tu, 1) - 3, "\x0f\x1f\x00", 3);
	refused(tu, LIST);
}
END_TEST

CODE_BITS(flags, "32", "pushf; popf; 1: jmp 1b");

START_TEST(popf_to_other_flags_is_refused)
{
	struct tu *tu;
	uint8_t *p, *end;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(flags);
	accepted(tu);
	/* and r8d, IF >> 8 */
	end = rig_host(tu, 2);
	for (p = rig_host(tu, 1); p < end; p++)
		if (!memcmp(p, "\x41\x83\xe0\x02", 4))
			break;
	ck_assert_ptr_ne(p, end);
	p[3] = 0x32;
	refused(tu, "scratch");
}
END_TEST

CODE_BITS(reload, "32", "movl %eax, %ds; 1: jmp 1b");

START_TEST(segment_reload_into_another_field_is_refused)
{
	struct tu *tu;
	uint8_t *p, *end;
	uint32_t disp;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(reload);
	accepted(tu);
	/* mov [r14 + disp], r8 */
	end = rig_host(tu, 1);
	for (p = tu->host; p < end; p++)
		if (p[0] == 0x4d && p[1] == 0x89)
			break;
	ck_assert_ptr_ne(p, end);
	if (p[2] == 0x86) {
		memcpy(&disp, p + 3, 4);
		put32(p + 3, disp + 8);
	} else {
		p[3] += 8;
	}
	refused(tu, "scratch");
}
END_TEST

/* ------------------------------------------------ segments */

/* A load through DS with a base, as accepted. */
static struct tu *segmented(void)
{
	struct tu *tu;

	bt_rig_setup("bt.memory=soft", 0);
	bt->v.seg[SEG_DS].base = 0x100;
	bt_set_ctx(bt);
	ck_assert(bt->ctx->flags & CTX_SEG);
	tu = rig_translate(load);
	accepted(tu);
	return tu;
}

/* The place of @n bytes @what in @tu. */
static uint8_t *find(const struct tu *tu, const char *what, unsigned n)
{
	for (uint8_t *p = tu->host; p + n <= tu->host + tu->host_len; p++)
		if (!memcmp(p, what, n))
			return p;
	ck_abort_msg("not in the code");
}

START_TEST(segment_limit_from_elsewhere_is_refused)
{
	struct tu *tu = segmented();

	/* mov r9, [r14 + disp] */
	put32(find(tu, "\x4d\x8b\x8e", 3) + 3, __builtin_offsetof(struct bt,
								  c_rsp));
	refused(tu, "64-bit");
}
END_TEST

START_TEST(segment_base_from_elsewhere_is_refused)
{
	struct tu *tu = segmented();
	uint8_t *p = find(tu, "\x45\x8b\x8e", 3);	/* mov r9d, [r14 + disp] */

	put32(p + 3, __builtin_offsetof(struct bt, v.cr3));
	refused(tu, "64-bit");
}
END_TEST

START_TEST(jump_behind_the_limit_check_is_refused)
{
	struct tu *tu = segmented();
	uint8_t *jmp = rig_host(tu, 1);

	put32(jmp + 1, find(tu, "\x45\x8b\x8e", 3) - (jmp + 5));
	refused(tu, "no entry");
}
END_TEST

/* ------------------------------------------------ control flow */

CODE_BITS(indirect, "32", "jmp *%eax");

START_TEST(lookup_in_another_context_is_refused)
{
	struct tu *tu;
	uint8_t *p;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(indirect);
	accepted(tu);
	for (p = tu->host; memcmp(p, "\x43\x8b\x8c\x8e", 4); p++)
		ck_assert(p < tu->host + tu->host_len);
	put32(p + 4, ARENA_IBTC_TAG(tu->ctx + 1));
	refused(tu, "scratch");
}
END_TEST

CODE_BITS(calls, "32", "call 1f; 1: nop; call 1b; nop; 2: jmp 2b");

START_TEST(landing_for_another_address_is_refused)
{
	struct tu *tu;
	uint8_t *p;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(calls);
	accepted(tu);
	/* lea ecx, [r8 - expected] */
	for (p = tu->host; memcmp(p, "\x41\x8d\x88", 3); p++)
		ck_assert(p < tu->host + tu->host_len);
	p[3]++;
	refused(tu, "landing");
}
END_TEST

CODE_BITS(there, "32", "1: jmp 1b");
CODE_BITS(away, "32", ".byte 0xe9; .long 0x10000 - 5");	/* a page on */

struct pair {
	struct tu *from;
	struct tc_entry *to;
};

/* A TU that leaves to another page, chained to the one there. */
static struct pair chained(bool guarded)
{
	struct pair p;

	bt_rig_setup("bt.memory=window", 0);
	p.to = rig_translate_at(AT_CODE + 0x10000, there, there_end, guarded);
	p.from = rig_translate(away);
	ck_assert_uint_eq(p.from->nexit, 1);
	accepted(p.from);
	tc_chain(bt, p.from->exit0, p.to);
	accepted(p.from);
	return p;
}

START_TEST(chain_to_a_live_entry_passes)
{
	chained(false);
	chained(true);
}
END_TEST

START_TEST(chain_to_the_dead_is_refused)
{
	struct pair p = chained(false);

	rig_tu(p.to)->flags |= TU_DEAD;
	refused(p.from, "no entry");
}
END_TEST

START_TEST(chain_to_another_context_is_refused)
{
	struct pair p = chained(false);

	rig_tu(p.to)->ctx++;
	refused(p.from, "no entry");
}
END_TEST

START_TEST(chain_past_the_guard_is_refused)
{
	struct pair p = chained(true);
	uint8_t *at = bt->tc.exits[p.from->exit0].patch;

	put32(at, p.to->body - (at + 4));
	refused(p.from, "no entry");
}
END_TEST

START_TEST(chain_to_another_address_is_refused)
{
	struct pair p = chained(false);

	bt->tc.exits[p.from->exit0].eip++;
	refused(p.from, "something else");
}
END_TEST

START_TEST(unchained_exit_that_strays_is_refused)
{
	struct pair p = chained(false);

	bt->tc.exits[p.from->exit0].target = 0;
	refused(p.from, "stray exit");
}
END_TEST

START_TEST(thunk_of_another_exit_is_refused)
{
	struct pair p = chained(false);

	bt->tc.exits[p.from->exit0].thunk[2]++;
	refused(p.from, "no entry");
}
END_TEST

START_TEST(guard_of_another_frame_is_refused)
{
	struct tc_entry *n;

	bt_rig_setup("bt.memory=window", 0);
	n = rig_translate_at(AT_CODE, there, there_end, true);
	accepted(rig_tu(n));
	rig_tu(n)->gpfn++;
	refused(rig_tu(n), "without its guard");
}
END_TEST

/* ------------------------------------------------ patches, contexts */

START_TEST(patched_site_and_its_patch_pass)
{
	struct tu *tu;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(load);
	ck_assert(bt_patch_site(bt, tu, &bt->tc.insns[tu->insn0], SITE_SOFT));
	accepted(tu);
	accepted(&bt->tc.tus[bt->tc.ntus - 1]);
}
END_TEST

START_TEST(patch_of_another_instruction_is_refused)
{
	struct tu *tu, *p;

	bt_rig_setup("bt.memory=window", 0);
	tu = rig_translate(load);
	ck_assert(bt_patch_site(bt, tu, &bt->tc.insns[tu->insn0], SITE_SOFT));
	p = &bt->tc.tus[bt->tc.ntus - 1];
	p->parent_insn = 1;
	refused(tu, "no entry");
	refused(p, "no entry");
}
END_TEST

START_TEST(return_miss_routine_passes)
{
	struct ctx *c;

	bt_rig_setup("bt.memory=window", 0);
	c = &bt->ctxs[0];
	bt->tc.next = bt->tc.units;
	tpl_ctx_routines(bt, c);
	ck_assert_msg(!verify_ctx(bt, c, why), "%s", why);
	c->ret_miss[3]++;
	ck_assert_int_eq(verify_ctx(bt, c, why), -EINVAL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("verify");
	TCase *t = tcase_create("verify");
	SRunner *r = srunner_create(s);
	const TTest *const tests[] = {
#define X(name, text)		name,
		GOOD(X)
#undef X
#define X(name, text, reason)	name,
		BAD(X)
#undef X
		running_out_of_the_end_is_refused,
		window_without_one_is_refused, soft_load_and_store_pass,
		soft_span_too_short_is_refused, soft_span_negative_is_refused,
		soft_tag_of_other_privilege_is_refused,
		soft_user_with_supervisor_tag_is_refused,
		soft_add_of_other_kind_is_refused,
		soft_store_by_read_tag_is_refused,
		soft_load_by_write_tag_is_refused, soft_wide_access_is_refused,
		soft_tag_compared_wrongly_is_refused,
		soft_page_of_other_register_is_refused,
		soft_shift_by_other_register_is_refused,
		soft_skip_elsewhere_is_refused, soft_without_callout_is_refused,
		soft_with_wrong_callout_is_refused,
		soft_that_loses_rcx_is_refused, soft_address_changed_is_refused,
		jump_behind_the_checks_is_refused,
		jump_between_the_checks_is_refused,
		resuming_behind_the_checks_is_refused,
		entering_behind_the_checks_is_refused,
		bit_string_by_soft_is_refused,
		interrupt_flag_and_cr_are_for_privilege_0,
		other_system_flags_are_refused,
		control_register_for_users_is_refused,
		half_of_rdtsc_is_refused, popf_to_other_flags_is_refused,
		segment_reload_into_another_field_is_refused,
		segment_limit_from_elsewhere_is_refused,
		segment_base_from_elsewhere_is_refused,
		jump_behind_the_limit_check_is_refused,
		lookup_in_another_context_is_refused,
		landing_for_another_address_is_refused,
		chain_to_a_live_entry_passes, chain_to_the_dead_is_refused,
		chain_to_another_context_is_refused,
		chain_past_the_guard_is_refused,
		chain_to_another_address_is_refused,
		unchained_exit_that_strays_is_refused,
		thunk_of_another_exit_is_refused,
		guard_of_another_frame_is_refused,
		patched_site_and_its_patch_pass,
		patch_of_another_instruction_is_refused,
		return_miss_routine_passes,
	};

	for (unsigned i = 0; i < ARRAY_SIZE(tests); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
