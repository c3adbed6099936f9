// SPDX-License-Identifier: GPL-2.0-or-later
/* Drives as the user describes them: --drive, its short forms, the file. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/types.h"
#include "tools/lib/drive.h"
#include "tools/lib/options.h"

static struct drive_list l;
static char err[DRIVE_ERR_LEN];

static void add(const char *option, const char *value)
{
	ck_assert_msg(!drive_add(&l, option, value, err), "%s", err);
}

static void finish(bool snapshot)
{
	ck_assert_msg(!drive_finish(&l, snapshot, err), "%s", err);
}

static void refused(const char *value, const char *why)
{
	int ret = drive_add(&l, "drive", value, err);

	if (!ret)
		ret = drive_finish(&l, false, err);
	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_msg(strstr(err, why) != NULL, "%s", err);
	drive_list_fini(&l);
}

START_TEST(short_forms_have_their_places)
{
	add("hdb", "b.img");
	add("cdrom", "c.iso");
	add("fda", "f,1.img");
	finish(false);
	ck_assert_uint_eq(l.n, 3);
	ck_assert_int_eq(l.v[0].bus, 0);
	ck_assert_int_eq(l.v[0].unit, 1);
	ck_assert(!l.v[0].cdrom && !l.v[0].read_only);
	ck_assert_int_eq(l.v[1].bus, 1);
	ck_assert_int_eq(l.v[1].unit, 0);
	ck_assert(l.v[1].cdrom && l.v[1].read_only);
	ck_assert_int_eq(l.v[2].iface, DRIVE_FLOPPY);
	ck_assert_str_eq(l.v[2].file, "f,1.img");
}
END_TEST

START_TEST(all_keys_are_taken)
{
	add("drive", "file=a,,b.img,if=virtio,format=raw,readonly=on,"
	    "snapshot=off,cache=none,discard=unmap,serial=S1,id=d0,"
	    "file.locking=off,media=disk,index=3");
	finish(false);
	ck_assert_str_eq(l.v[0].file, "a,b.img");
	ck_assert_int_eq(l.v[0].iface, DRIVE_VIRTIO);
	ck_assert_str_eq(l.v[0].format, "raw");
	ck_assert_str_eq(l.v[0].serial, "S1");
	ck_assert_str_eq(l.v[0].id, "d0");
	ck_assert(l.v[0].read_only && l.v[0].discard && l.v[0].no_lock);
	ck_assert_int_eq(l.v[0].cache, BLOCK_DIRECT);
	ck_assert_int_eq(l.v[0].index, 3);
}
END_TEST

START_TEST(bus_and_unit_stand_for_an_index)
{
	add("drive", "file=a,bus=1,unit=1");
	add("drive", "file=b");
	add("drive", "file=c");
	add("drive", "media=cdrom");
	finish(false);
	ck_assert_int_eq(l.v[0].index, 3);
	ck_assert_int_eq(l.v[1].index, 0);
	ck_assert_int_eq(l.v[2].index, 1);
	ck_assert_int_eq(l.v[3].index, 2);
	ck_assert_ptr_eq(l.v[3].file, NULL);
}
END_TEST

START_TEST(snapshot_is_for_disks_that_are_written)
{
	add("hda", "a");
	add("cdrom", "b");
	add("drive", "file=c,if=scsi,readonly=on");
	finish(true);
	ck_assert(l.v[0].snapshot);
	ck_assert(!l.v[1].snapshot);
	ck_assert(!l.v[2].snapshot);
}
END_TEST

START_TEST(mistakes_are_named)
{
	refused("file=a,frob=1", "frob: unknown key (file if");
	refused("file=a,if=usb", "if=usb: must be ide");
	refused("file=a,cache=big", "cache=big");
	refused("file=a,readonly=maybe", "must be on or off");
	refused("file=a,index=x", "number");
	refused("file=a,index=4", "no such place");
	refused("file=a,bus=2,unit=0", "no such place");
	refused("file=", "empty file name");
	refused("file", "needs a value");
	refused("if=ide", "file is missing");
	refused("media=cdrom,if=virtio,file=a", "CD-ROM drives are on");
}
END_TEST

START_TEST(two_drives_do_not_share_a_place)
{
	add("hda", "a");
	add("drive", "file=b,index=0");
	ck_assert_int_eq(drive_finish(&l, false, err), -EINVAL);
	ck_assert_msg(strstr(err, "has a drive already") != NULL, "%s", err);
	drive_list_fini(&l);
	add("hdc", "a");
	add("cdrom", "b");
	ck_assert_int_eq(drive_finish(&l, false, err), -EINVAL);
}
END_TEST

static int key(const char *name, const char *value)
{
	return drive_set_key(&l, name, value, "/dir/", err);
}

/* @why: NULL if the devices fit; else what the error says. */
static void devices(const char *const *text, unsigned kept, const char *why)
{
	char line[OPTIONS_ERR_LEN];
	struct string_list list = { 0 };
	int ret;

	for (; *text; text++)
		ck_assert_int_eq(string_list_add(&list, *text), 0);
	ret = drive_take_devices(&l, &list, line);
	ck_assert_int_eq(ret, why ? -EINVAL : 0);
	ck_assert_msg(!why || strstr(line, why), "%s", line);
	if (!why)
		ck_assert_uint_eq(list.n, kept);
	string_list_fini(&list);
}

START_TEST(devices_place_drives_of_no_interface)
{
	static const char *const good[] = {
		"virtio-rng-pci", "virtio-blk-pci,drive=v,serial=S",
		"ide-cd,bus=ide.1,unit=1,drive=c", "scsi-hd,drive=s,scsi-id=3",
		"virtio-net,netdev=n", NULL,
	};

	add("drive", "file=v.img,if=none,id=v");
	add("drive", "file=c.iso,if=none,id=c");
	add("drive", "file=s.img,if=none,id=s");
	devices(good, 2, NULL);
	finish(false);
	ck_assert_int_eq(l.v[0].iface, DRIVE_VIRTIO);
	ck_assert_str_eq(l.v[0].serial, "S");
	ck_assert_int_eq(l.v[1].iface, DRIVE_IDE);
	ck_assert(l.v[1].cdrom);
	ck_assert_int_eq(l.v[1].index, 3);
	ck_assert_int_eq(l.v[2].iface, DRIVE_SCSI);
	ck_assert_int_eq(l.v[2].unit, 3);
	drive_list_fini(&l);
}
END_TEST

START_TEST(devices_and_drives_that_do_not_fit)
{
	static const struct {
		const char *device, *why;
	} bad[] = {
		{ "ide-hd,drive=none", "no --drive has id=none" },
		{ "ide-hd,drive=placed", "has its place already" },
		{ "ide-hd,drive=free,foo=1", "foo is not known (keys:" },
		{ "ide-hd,drive=free,bus=ide.x", "not a number" },
		{ "ide-hd,drive=free,unit=", "not a number" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		const char *const text[] = { bad[i].device, NULL };

		add("drive", "file=p.img,if=ide,id=placed");
		add("drive", "file=f.img,if=none,id=free");
		devices(text, 0, bad[i].why);
		drive_list_fini(&l);
	}
}
END_TEST

START_TEST(keys_of_the_file)
{
	ck_assert_int_eq(key("ide0:0.fileName", "a.vmdk"), 0);
	ck_assert_int_eq(key("ide0:0.readOnly", "TRUE"), 0);
	ck_assert_int_eq(key("IDE1:1.filename", "/abs"), 0);
	ck_assert_int_eq(key("ide1:1.deviceType", "cdrom-image"), 0);
	ck_assert_int_eq(key("floppy1.fileName", "f"), 0);
	ck_assert_int_eq(key("scsi0:3.fileName", "nbd:unix:/s"), 0);
	ck_assert_int_eq(key("ide0:0.frob", "x"), -ENOENT);
	ck_assert_int_eq(key("ide.fileName", "x"), -ENOENT);
	ck_assert_int_eq(key("memsize", "x"), -ENOENT);
	ck_assert_int_eq(key("ide0:1.readOnly", "x"), -EINVAL);
	ck_assert_int_eq(key("ide0:1.fileName", "b"), 0);
	finish(false);
	ck_assert_uint_eq(l.n, 5);
	ck_assert_str_eq(l.v[0].file, "/dir/a.vmdk");
	ck_assert(l.v[0].read_only);
	ck_assert_str_eq(l.v[1].file, "/abs");
	ck_assert(l.v[1].cdrom);
	ck_assert_int_eq(l.v[1].index, 3);
	ck_assert_int_eq(l.v[2].index, 1);
	ck_assert_str_eq(l.v[3].file, "nbd:unix:/s");
	ck_assert_int_eq(l.v[3].unit, 3);
}
END_TEST

static void clear(void)
{
	drive_list_fini(&l);
}

int main(void)
{
	const TTest *const list[] = {
		short_forms_have_their_places,
		all_keys_are_taken,
		bus_and_unit_stand_for_an_index,
		snapshot_is_for_disks_that_are_written,
		mistakes_are_named,
		two_drives_do_not_share_a_place,
		keys_of_the_file,
		devices_place_drives_of_no_interface,
		devices_and_drives_that_do_not_fit,
	};
	Suite *s = suite_create("drive");
	SRunner *r = srunner_create(s);

	for (unsigned i = 0; i < ARRAY_SIZE(list); i++) {
		TCase *t = tcase_create(list[i]->name);

		tcase_add_checked_fixture(t, NULL, clear);
		tcase_add_test(t, list[i]);
		suite_add_tcase(s, t);
	}
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
