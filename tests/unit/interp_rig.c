/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Included by each test_interp_*.c: a test program is one object file. */
#include "tests/unit/interp_rig.h"

struct rig rig;

void put8(uint32_t at, uint8_t val) { mem_write(rig.mem, at, &val, 1); }
void put16(uint32_t at, uint16_t val) { mem_write(rig.mem, at, &val, 2); }
void put32(uint32_t at, uint32_t val) { mem_write(rig.mem, at, &val, 4); }
void put64(uint32_t at, uint64_t val) { mem_write(rig.mem, at, &val, 8); }

uint64_t get64(uint32_t at)
{
	uint64_t val = 0;

	ck_assert_int_eq(mem_read(rig.mem, at, &val, 8), 0);
	return val;
}

uint32_t get32(uint32_t at) { return get64(at); }
uint16_t get16(uint32_t at) { return get64(at); }
uint8_t get8(uint32_t at) { return get64(at); }

static bool catch_exception(void *opaque, unsigned vector, bool has_error,
			    uint32_t error)
{
	rig.vector = vector;
	rig.has_error = has_error;
	rig.error = error;
	return rig.swallow;
}

static const struct x86_hooks hooks = { .exception = catch_exception };

static uint32_t pio_read(void *opaque, uint16_t port, unsigned size)
{
	rig.ports++;
	return 0x12345678;
}

static void pio_write(void *opaque, uint16_t port, unsigned size,
		      uint32_t val)
{
	rig.ports++;
}

void gdt_set(uint16_t sel, uint32_t base, uint32_t limit, uint8_t access,
	     uint8_t flags)
{
	uint32_t at = AT_GDT + (sel & ~7u);

	put32(at, (limit & 0xffff) | base << 16);
	put32(at + 4, (base >> 16 & 0xff) | (uint32_t)access << 8 |
	      (limit & 0xf0000) | (uint32_t)flags << 20 | (base & 0xff000000));
}

void gate_set(uint32_t at, uint16_t sel, uint32_t off, uint8_t access,
	      uint8_t count)
{
	put32(at, (off & 0xffff) | (uint32_t)sel << 16);
	put32(at + 4, (off & 0xffff0000) | (uint32_t)access << 8 | count);
}

void idt_set(unsigned vector, uint16_t sel, uint32_t off, uint8_t access)
{
	gate_set(AT_IDT + vector * 8, sel, off, access, 0);
}

uint8_t gdt_access(uint16_t sel)
{
	return get8(AT_GDT + (sel & ~7u) + 5);
}

static struct segment cached(uint16_t sel)
{
	uint32_t lo = get32(AT_GDT + (sel & ~7u));
	uint32_t hi = get32(AT_GDT + (sel & ~7u) + 4);
	uint32_t limit = (lo & 0xffff) | (hi & 0xf0000);

	return (struct segment){
		.base = lo >> 16 | (hi & 0xff) << 16 | (hi & 0xff000000),
		.limit = hi & 1u << 23 ? limit << 12 | 0xfff : limit,
		.attr = hi >> 8 & 0xf0ff, .selector = sel,
	};
}

static void set_data(uint16_t sel)
{
	static const uint8_t segs[] = { SEG_ES, SEG_SS, SEG_DS, SEG_FS,
					SEG_GS };

	for (unsigned n = 0; n < sizeof(segs); n++)
		rig.v.seg[segs[n]] = cached(sel);
}

static void tables_fill(void)
{
	gdt_set(CS0, 0, 0xfffff, ACC_CODE, FLAT);
	gdt_set(DS0, 0, 0xfffff, ACC_DATA, FLAT);
	gdt_set(CS3, 0, 0xfffff, ACC_CODE | ACC_DPL(3), FLAT);
	gdt_set(DS3, 0, 0xfffff, ACC_DATA | ACC_DPL(3), FLAT);
	gdt_set(CS1, 0, 0xfffff, ACC_CODE | ACC_DPL(1), FLAT);
	gdt_set(DS1, 0, 0xfffff, ACC_DATA | ACC_DPL(1), FLAT);
	gdt_set(TSS_SEL, AT_TSS, 0x2ff, ACC_TSS32, 0);
	gdt_set(TSS2_SEL, AT_TSS2, 0x67, ACC_TSS32, 0);
	gdt_set(CS16, 0, 0xffff, ACC_CODE, 0);
	gdt_set(SS16, 0, 0xffff, ACC_DATA, 0);
	gdt_set(CONFORMING, 0, 0xfffff, ACC_CODE | 4, FLAT);
	for (unsigned n = 0; n < 32; n++)
		idt_set(n, CS0, AT_HANDLER + n * 16, ACC_INT32);
}

void rig_setup(void)
{
	memset(&rig, 0, sizeof(rig));
	rig.vector = -1;
	ck_assert_int_eq(mem_create(&rig.mem, 4 * MIB), 0);
	rig.bus.pio_read = pio_read;
	rig.bus.pio_write = pio_write;
	ck_assert_int_eq(x86_init(&rig.x, &rig.v, rig.mem, &rig.bus, &hooks,
				  NULL), 0);
	vcpu_reset(&rig.v, 0, false);
	tables_fill();
	vcpu_set_flat32(&rig.v, CS0, DS0, AT_CODE);
	rig.v.gpr[GPR_SP] = AT_STACK;
	rig.v.gdtr = (struct desc_table){ .base = AT_GDT, .limit = 0xff };
	rig.v.idtr = (struct desc_table){ .base = AT_IDT, .limit = 0x7ff };
}

void rig_teardown(void)
{
	x86_fini(&rig.x);
	mem_destroy(rig.mem);
}

void load_at(uint32_t at, const uint8_t *code, const uint8_t *end)
{
	mem_write(rig.mem, at, code, end - code);
	rig.v.rip = at - rig.v.seg[SEG_CS].base;
}

void use_tss(void)
{
	put32(AT_TSS + 4, AT_STACK0);
	put16(AT_TSS + 8, DS0);
	put32(AT_TSS + 12, AT_STACK1);
	put16(AT_TSS + 16, DS1);
	put16(AT_TSS + 0x66, 0x68);
	rig.v.tr = cached(TSS_SEL);
	rig.v.tr.attr |= 2;
	put8(AT_GDT + TSS_SEL + 5, ACC_TSS32 | 2);
}

void enter_ring3(void)
{
	use_tss();
	rig.v.seg[SEG_CS] = cached(CS3);
	set_data(DS3);
}

void enter_v86(unsigned iopl)
{
	use_tss();
	for (unsigned s = 0; s < SEG_COUNT; s++) {
		vcpu_load_real(&rig.v, s, s == SEG_CS ? AT_CODE >> 4 : 0);
		rig.v.seg[s].attr |= 3u << SEG_DPL_SHIFT;
	}
	rig.v.rflags |= FLAG_VM | iopl << FLAG_IOPL_SHIFT;
	rig.v.rip = 0;
}

void enter_real(void)
{
	rig.v.cr0 &= ~(uint64_t)CR0_PE;
	for (unsigned s = 0; s < SEG_COUNT; s++)
		vcpu_load_real(&rig.v, s, s == SEG_CS ? AT_CODE >> 4 : 0);
	rig.v.idtr = (struct desc_table){ .base = 0, .limit = 0x3ff };
	rig.v.rip = 0;
}

void set_pte(uint32_t lin, uint32_t flags)
{
	put32(PTE(lin), (lin & ~0xfffu) | flags);
	x86_tlb_flush(&rig.x);
}

void page_on(void)
{
	put32(AT_PD, AT_PT | 7);
	for (uint32_t lin = 0; lin < 4 * MIB; lin += PAGE_SIZE)
		put32(PTE(lin), lin | 7);
	rig.v.cr3 = AT_PD;
	rig.v.cr0 |= CR0_PG;
}

void page_on_pae(void)
{
	put64(AT_PDPT, AT_PD | 1);
	put64(AT_PD, AT_PT | 7);
	for (uint32_t lin = 0; lin < 2 * MIB; lin += PAGE_SIZE)
		put64(PAE_PTE(lin), lin | 7);
	rig.v.cr3 = AT_PDPT;
	rig.v.pdpte[0] = AT_PD | 1;
	rig.v.cr4 |= CR4_PAE;
	rig.v.cr0 |= CR0_PG;
}

enum x86_result step(void)
{
	return x86_step(&rig.x);
}

void steps(unsigned n)
{
	while (n--)
		ck_assert_int_eq(step(), X86_OK);
}

void step_faults(int vector, int64_t error)
{
	struct vcpu before = rig.v;

	rig.swallow = true;
	rig.vector = -1;
	ck_assert_int_eq(step(), X86_OK);
	rig.swallow = false;
	ck_assert_int_eq(rig.vector, vector);
	ck_assert_int_eq(rig.has_error, error != NO_ERROR);
	if (error != NO_ERROR)
		ck_assert_uint_eq(rig.error, (uint32_t)error);
	/* Faults leave registers as they were. */
	ck_assert_uint_eq(rig.v.rip, before.rip);
	ck_assert_int_eq(memcmp(rig.v.gpr, before.gpr, sizeof(before.gpr)), 0);
	ck_assert_int_eq(memcmp(rig.v.seg, before.seg, sizeof(before.seg)), 0);
}

int rig_main(const char *name, const TTest *const *tests, unsigned n)
{
	Suite *s = suite_create(name);
	SRunner *sr;
	int failed;

	/* One test case each, so that CK_RUN_CASE=NAME picks one. */
	for (unsigned k = 0; k < n; k++) {
		TCase *tc = tcase_create(tests[k]->name);

		tcase_add_checked_fixture(tc, rig_setup, rig_teardown);
		tcase_add_test(tc, tests[k]);
		suite_add_tcase(s, tc);
	}
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
