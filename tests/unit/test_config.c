// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration file: what it sets, and that errors name file and line.
 */
#define _GNU_SOURCE
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/lib/config.h"
#include "tools/lib/options.h"

static char path[] = "/tmp/umbra-test-XXXXXX";
static char err[OPTIONS_ERR_LEN];
static struct run_config c;

static int read_text_len(const char *text, size_t len)
{
	int fd, ret;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	run_config_fini(&c);
	*err = '\0';
	ret = config_read(&c, path, err);
	unlink(path);
	return ret;
}

static void expect_ok(const char *text)
{
	ck_assert_msg(!read_text_len(text, strlen(text)), "%s", err);
}

static void expect_error(const char *text, unsigned line, const char *cause)
{
	char where[64];

	ck_assert_int_lt(read_text_len(text, strlen(text)), 0);
	snprintf(where, sizeof(where), "%s:%u: ", path, line);
	ck_assert_msg(!strncmp(err, where, strlen(where)), "%s", err);
	ck_assert_msg(strstr(err, cause), "\"%s\" lacks \"%s\"", err, cause);
}

START_TEST(keys_are_stored)
{
	expect_ok("# a comment\n"
		  "\n"
		  "memsize = \"512\"\n"
		  "  kernel=\"/boot/vmlinuz\"   # another\n"
		  "CMDLINE = \"console=ttyS0 x=|22y|22\"\r\n"
		  "noReboot = \"TRUE\"\n"
		  "bt.tc_size = \"16M\"\n"
		  "monitor.virtual_exec = \"software\"");
	ck_assert_uint_eq(c.mem, 512ull << 20);
	ck_assert_str_eq(c.kernel, "/boot/vmlinuz");
	ck_assert_str_eq(c.cmdline, "console=ttyS0 x=\"y\"");
	ck_assert(c.no_reboot);
	ck_assert_uint_eq(c.settings.n, 2);
	ck_assert_str_eq(c.settings.v[0], "bt.tc_size=16M");
	ck_assert_str_eq(c.settings.v[1], "monitor.virtual_exec=software");
	ck_assert_ptr_null(c.settings.v[2]);
}
END_TEST

START_TEST(relative_files_start_at_the_files_directory)
{
	expect_ok("kernel = \"vmlinuz\"\ninitrd = \"a\"\ninitrd = \"/b\"\n");
	ck_assert_str_eq(c.kernel, "/tmp/vmlinuz");
	ck_assert_uint_eq(c.initrds.n, 2);
	ck_assert_str_eq(c.initrds.v[0], "/tmp/a");
	ck_assert_str_eq(c.initrds.v[1], "/b");
}
END_TEST

START_TEST(serial_keys_make_a_backend)
{
	expect_ok("kernel = \"k\"\n"
		  "serial0.fileName = \"out\"\n"
		  "serial1.fileType = \"pty\"\n"
		  "serial2.fileType = \"file\"\nserial2.fileName = \"/o\"\n");
	ck_assert_msg(!options_finish(&c, err), "%s", err);
	ck_assert_str_eq(c.serial[0], "file:/tmp/out");
	ck_assert_str_eq(c.serial[1], "pty");
	ck_assert_str_eq(c.serial[2], "file:/o");
	ck_assert_ptr_null(c.serial[3]);
}
END_TEST

START_TEST(errors_name_file_and_line)
{
	expect_error("\n\nfoo = \"1\"\n", 3, "foo: unknown key");
	expect_error("kernel = vmlinuz\n", 1, "double quotes");
	expect_error("kernel \"vmlinuz\"\n", 1, "key = \"value\"");
	expect_error("= \"x\"\n", 1, "key missing");
	expect_error("kernel = \"x\n", 1, "closing quote");
	expect_error("kernel = \"x\" y\n", 1, "after the closing quote");
	expect_error("kernel = \"\"\n", 1, "empty file name");
	expect_error("cmdline = \"|2\"\n", 1, "hexadecimal");
	expect_error("cmdline = \"|00\"\n", 1, "hexadecimal");
	expect_error("kernel = \"a\"\nKernel = \"b\"\n", 2, "set twice");
	expect_error("memsize = \"many\"\n", 1, "not an amount");
	expect_error("memsize = \"-1\"\n", 1, "not an amount");
	expect_error("#\nmemsize = \"0\"\n", 2, "below 1 MiB");
	expect_error("noReboot = \"maybe\"\n", 1, "TRUE or FALSE");
	expect_error("serial9.fileName = \"x\"\n", 1, "serial0 to serial3");
	expect_error("serial0.fileColour = \"x\"\n", 1, "unknown key");
	expect_error("serial0.fileType = \"tube\"\n", 1, "must be stdio");
	expect_error("bt. = \"x\"\n", 1, "unknown key");
}
END_TEST

START_TEST(incomplete_serial_keys_are_errors)
{
	expect_ok("kernel = \"k\"\n\nserial1.fileType = \"file\"\n");
	c.config = strdup("x.conf");
	ck_assert_int_lt(options_finish(&c, err), 0);
	ck_assert_str_eq(err, "x.conf:3: serial1.fileName: missing");
}
END_TEST

START_TEST(binary_and_overlong_files_are_errors)
{
	static char junk[20000];

	ck_assert_int_lt(read_text_len("a\0b\nc", 5), 0);
	memset(junk, '#', sizeof(junk));
	ck_assert_int_lt(read_text_len(junk, sizeof(junk)), 0);
	ck_assert(strstr(err, "too long"));
	srand(1);
	for (unsigned n = 0; n < 100; n++) {
		for (unsigned i = 0; i < sizeof(junk); i++)
			junk[i] = rand();
		ck_assert_int_lt(read_text_len(junk, sizeof(junk)), 0);
		ck_assert(strstr(err, path));
	}
}
END_TEST

START_TEST(missing_file_and_directory_are_errors)
{
	ck_assert_int_lt(config_read(&c, "/nonexistent/x", err), 0);
	ck_assert_str_eq(err, "/nonexistent/x: No such file or directory");
	ck_assert_int_lt(config_read(&c, "/tmp", err), 0);
	ck_assert_str_eq(err, "/tmp: is a directory");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("config");
	TCase *t = tcase_create("config");
	SRunner *r = srunner_create(s);

	tcase_add_test(t, keys_are_stored);
	tcase_add_test(t, relative_files_start_at_the_files_directory);
	tcase_add_test(t, serial_keys_make_a_backend);
	tcase_add_test(t, errors_name_file_and_line);
	tcase_add_test(t, incomplete_serial_keys_are_errors);
	tcase_add_test(t, binary_and_overlong_files_are_errors);
	tcase_add_test(t, missing_file_and_directory_are_errors);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
