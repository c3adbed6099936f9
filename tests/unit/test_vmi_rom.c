/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vmi_rom.c: which ROM files are taken, and why others are not. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/vmi_private.h"
#include "hypervisor/vmi_rom.h"
#include "spec/vmi.h"

static uint8_t rom[VMI_ROM_MAX + 512];
static size_t len;
static struct vmi_rom_info info;
static char err[VMI_ROM_ERR_LEN];

static void take(unsigned kind)
{
	const uint8_t *image = vmi_rom_builtin(kind, &len);

	memset(rom, 0, sizeof(rom));
	memcpy(rom, image, len);
}

static void setup(void)
{
	take(VMI_ROM_BT);
}

static struct vmi_rom_header *header(void)
{
	return (void *)rom;
}

/* Refused, and the reason has @why in it.  The sum is made right first. */
static void refused(const char *why)
{
	vmi_rom_fix_sum(rom, len);
	ck_assert_int_ne(vmi_rom_parse(rom, len, &info, err), 0);
	ck_assert_msg(strstr(err, why), "said \"%s\", not \"%s\"", err, why);
}

START_TEST(builtin_roms_are_taken)
{
	for (unsigned k = VMI_ROM_NATIVE; k <= VMI_ROM_HV; k++) {
		take(k);
		ck_assert_int_eq(vmi_rom_parse(rom, len, &info, err), 0);
		ck_assert_uint_eq(info.kind, k);
		ck_assert(info.ours);
		ck_assert_str_eq(info.license, "GPL");
		ck_assert_uint_eq(info.ncalls, VMI_CALLS);
		ck_assert_uint_eq(vmi_rom_sum(rom, len), 0);
	}
	ck_assert_ptr_null(vmi_rom_builtin(3, &len));
}
END_TEST

START_TEST(a_3_0_rom_and_a_rom_of_later_3_x_are_taken)
{
	header()->api_version_min = 0;
	vmi_rom_fix_sum(rom, len);
	ck_assert_int_eq(vmi_rom_parse(rom, len, &info, err), 0);
	header()->api_version_min = 9;
	vmi_rom_fix_sum(rom, len);
	ck_assert_int_eq(vmi_rom_parse(rom, len, &info, err), 0);
	ck_assert_uint_eq(info.minor, 9);
}
END_TEST

START_TEST(another_major_version_is_refused)
{
	header()->api_version_maj = 13;
	refused("VMI 13.1");
}
END_TEST

START_TEST(short_files_are_refused)
{
	for (size_t n = 0; n < len; n++)
		ck_assert_int_ne(vmi_rom_parse(rom, n, &info, err), 0);
	ck_assert_int_ne(vmi_rom_parse(rom, sizeof(rom), &info, err), 0);
	header()->rom_length = 0;
	refused("length byte");
}
END_TEST

START_TEST(a_wrong_checksum_is_refused)
{
	rom[len - 1]++;
	ck_assert_int_ne(vmi_rom_parse(rom, len, &info, err), 0);
	ck_assert_ptr_nonnull(strstr(err, "checksum"));
}
END_TEST

START_TEST(other_signatures_are_refused)
{
	header()->vrom_signature++;
	refused("cVmi");
	setup();
	header()->rom_signature = 0x55aa;
	refused("55 AA");
}
END_TEST

START_TEST(licenses_that_guests_refuse_are_refused)
{
	static const char *const bad[] = { "gpl", "GPL v3", "GPL ", "" };

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		setup();
		header()->license_offs = len - 16;
		strcpy((char *)rom + len - 16, bad[i]);
		refused("license");
	}
	setup();
	header()->license_offs = len - 16;
	strcpy((char *)rom + len - 16, "GPL v2");
	vmi_rom_fix_sum(rom, len);
	ck_assert_int_eq(vmi_rom_parse(rom, len, &info, err), 0);
	/* No end in the image. */
	memcpy(rom + len - 3, "GPL", 3);
	header()->license_offs = len - 3;
	refused("no end");
	header()->license_offs = 0;
	refused("no license");
}
END_TEST

START_TEST(pci_structures_that_guests_refuse_are_refused)
{
	struct vmi_pci_header *p = (void *)(rom + header()->pci_header_offs);

	p->device++;
	refused("15ad:0801");
	p->device--;
	p->image_length++;
	refused("another length");
	p->image_length--;
	p->signature++;
	refused("PCIR");
	header()->pci_header_offs = 0;
	refused("no PCI");
	header()->pci_header_offs = len - 4;
	refused("outside");
}
END_TEST

START_TEST(pnp_headers_are_checked)
{
	struct vmi_pnp_header *p = (void *)(rom + header()->pnp_header_offs);

	p->checksum++;
	refused("checksum");
	header()->pnp_header_offs = len - 8;
	refused("outside");
	header()->pnp_header_offs = 0;
	vmi_rom_fix_sum(rom, len);
	ck_assert_int_eq(vmi_rom_parse(rom, len, &info, err), 0);
	ck_assert_str_eq(info.product, "UNKNOWN");
}
END_TEST

START_TEST(slots_that_jump_out_of_the_image_are_refused)
{
	int32_t far = 0x10000000;

	rom[VMI_OFF_INIT] = 0xe9;
	memcpy(rom + VMI_OFF_INIT + 1, &far, 4);
	refused("80h");
	setup();
	rom[VMI_OFF_GET_RELOC] = 0x90;
	refused("88h");
}
END_TEST

START_TEST(a_hole_must_be_page_aligned)
{
	header()->virtual_top = 0xfc000001;
	refused("virtual_top");
}
END_TEST

START_TEST(private_parts_that_lie_are_refused)
{
	rom[VMI_ROM_CALLS_AT] = 255;
	refused("private");
	setup();
	rom[VMI_ROM_TABLE_AT + 1] = 0xff;
	refused("private");
	setup();
	rom[VMI_ROM_KIND_AT] = 7;
	refused("private");
	setup();
	rom[VMI_ROM_PROTOCOL_AT]++;
	refused("another version");
}
END_TEST

/* The answer of call @nr: offset, type. */
static uint8_t *answer(unsigned nr)
{
	return rom + (rom[VMI_ROM_TABLE_AT] | rom[VMI_ROM_TABLE_AT + 1] << 8) +
	       nr * VMI_ANSWER_SIZE;
}

START_TEST(answers_that_would_stop_guests_are_refused)
{
	answer(VMI_CALL_IRET)[2] = VMI_RELOC_NONE;
	refused("IRET");
	setup();
	answer(VMI_CALL_SET_CR3)[2] = VMI_RELOC_JUMP;
	refused("SetCR3");
	setup();
	answer(VMI_CALL_CPUID)[2] = 4;
	refused("CPUID");
	setup();
	answer(VMI_CALL_SET_CR3)[1] = 0xff;
	refused("SetCR3");
	setup();
	answer(VMI_CALL_SET_ALARM)[2] = VMI_RELOC_NONE;
	refused("GetCycleFrequency without SetAlarm");
	setup();
	answer(VMI_CALL_DISABLE_INTERRUPTS)[2] = VMI_RELOC_NONE;
	refused("GetInterruptMask without DisableInterrupts");
}
END_TEST

/* Whatever the bytes, nothing outside of them is read (SAN=1 sees that). */
START_TEST(random_damage_is_survived)
{
	srand(_i);
	for (int n = 0; n < 2000; n++) {
		uint8_t *copy = malloc(len);

		memcpy(copy, rom, len);
		for (int k = rand() % 8; k >= 0; k--)
			copy[rand() % 0x140] = rand();
		vmi_rom_fix_sum(copy, len);
		if (!vmi_rom_parse(copy, len, &info, err)) {
			unsigned at;

			for (unsigned nr = 0; nr < 300; nr++)
				vmi_rom_answer(copy, &info, nr, &at);
		}
		free(copy);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vmi_rom");
	TCase *t = tcase_create("vmi_rom");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, builtin_roms_are_taken);
	tcase_add_test(t, a_3_0_rom_and_a_rom_of_later_3_x_are_taken);
	tcase_add_test(t, another_major_version_is_refused);
	tcase_add_test(t, short_files_are_refused);
	tcase_add_test(t, a_wrong_checksum_is_refused);
	tcase_add_test(t, other_signatures_are_refused);
	tcase_add_test(t, licenses_that_guests_refuse_are_refused);
	tcase_add_test(t, pci_structures_that_guests_refuse_are_refused);
	tcase_add_test(t, pnp_headers_are_checked);
	tcase_add_test(t, slots_that_jump_out_of_the_image_are_refused);
	tcase_add_test(t, a_hole_must_be_page_aligned);
	tcase_add_test(t, private_parts_that_lie_are_refused);
	tcase_add_test(t, answers_that_would_stop_guests_are_refused);
	tcase_add_loop_test(t, random_damage_is_survived, 0, 4);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
