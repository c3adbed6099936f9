// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line: names, spellings, values, errors.
 */
#include <check.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/lib/options.h"

#define MIB	(1ull << 20)

static char err[OPTIONS_ERR_LEN];
static struct run_config c;

static int parse(const char *first, ...)
{
	char *argv[32];
	int argc = 0;
	va_list ap;

	va_start(ap, first);
	for (const char *a = first; a; a = va_arg(ap, const char *))
		argv[argc++] = (char *)a;
	va_end(ap);
	run_config_fini(&c);
	*err = '\0';
	return options_parse(&c, argc, argv, err);
}

#define expect_ok(...) \
	ck_assert_msg(!parse(__VA_ARGS__, NULL), "%s", err)
#define expect_error(text, ...) do { \
	ck_assert_int_lt(parse(__VA_ARGS__, NULL), 0); \
	ck_assert_msg(strstr(err, text), "\"%s\" lacks \"%s\"", err, text); \
} while (0)

START_TEST(long_options_are_stored)
{
	expect_ok("--kernel", "k", "--initrd", "i", "--append", "a b",
		  "--mem", "64M", "--serial", "pty", "--no-reboot", "--log",
		  "l", "--stats", "--engine", "interp");
	ck_assert_str_eq(c.kernel, "k");
	ck_assert_str_eq(c.initrds.v[0], "i");
	ck_assert_str_eq(c.cmdline, "a b");
	ck_assert_uint_eq(c.mem, 64 * MIB);
	ck_assert_str_eq(c.serial[0], "pty");
	ck_assert(c.no_reboot && c.stats);
	ck_assert_str_eq(c.log, "l");
	ck_assert_str_eq(c.engine, "interp");
}
END_TEST

START_TEST(sandbox_is_on_off_or_not_given)
{
	expect_ok("--kernel", "k");
	ck_assert_int_eq(c.sandbox, NOT_GIVEN);
	expect_ok("--sandbox", "off", "--sandbox", "on");
	ck_assert_int_eq(c.sandbox, ON);
	expect_ok("--sandbox=off");
	ck_assert_int_eq(c.sandbox, OFF);
	expect_error("must be on or off", "--sandbox", "yes");
	expect_error("needs a value", "--sandbox");
}
END_TEST

START_TEST(qemu_spellings_mean_the_same)
{
	expect_ok("-m", "128", "-kernel", "k", "-initrd", "i", "-append",
		  "x", "-nographic", "-no-reboot", "-serial", "mon:stdio");
	ck_assert_uint_eq(c.mem, 128 * MIB);
	ck_assert_str_eq(c.kernel, "k");
	ck_assert_str_eq(c.cmdline, "x");
	ck_assert(c.no_reboot);
	ck_assert_str_eq(c.serial[0], "stdio");
}
END_TEST

START_TEST(nographic_leaves_a_serial_choice_alone)
{
	expect_ok("-serial", "file:/x", "-nographic");
	ck_assert_str_eq(c.serial[0], "file:/x");
	expect_ok("-nographic", "-serial", "file:/x");
	ck_assert_str_eq(c.serial[0], "file:/x");
}
END_TEST

START_TEST(repeated_serial_counts_ports)
{
	expect_ok("--serial", "stdio", "--serial=null");
	ck_assert_str_eq(c.serial[0], "stdio");
	ck_assert_str_eq(c.serial[1], "null");
	expect_error("more than 4", "--serial", "null", "--serial", "null",
		     "--serial", "null", "--serial", "null", "--serial",
		     "null");
}
END_TEST

START_TEST(equals_sign_gives_the_value)
{
	expect_ok("--append=a=b", "-m=1G");
	ck_assert_str_eq(c.cmdline, "a=b");
	ck_assert_uint_eq(c.mem, 1024 * MIB);
}
END_TEST

START_TEST(perf_map_has_an_optional_value)
{
	expect_ok("--perf-map", "--stats");
	ck_assert(c.perf_map && !c.perf_map_file && c.stats);
	expect_ok("--perf-map", "f");
	ck_assert_str_eq(c.perf_map_file, "f");
	expect_ok("--perf-map");
	ck_assert(c.perf_map);
}
END_TEST

START_TEST(settings_go_to_the_engine)
{
	expect_ok("--set", "bt.memory=soft", "--set", "monitor.x=1");
	ck_assert_str_eq(c.settings.v[0], "bt.memory=soft");
	ck_assert_str_eq(c.settings.v[1], "monitor.x=1");
	expect_error("KEY=VALUE", "--set", "bt.memory");
	expect_error("unknown key", "--set", "foo=1");
	expect_error("unknown key", "--set", "bt.=1");
}
END_TEST

START_TEST(processors_are_counted_from_one)
{
	expect_ok("--cpus", "4");
	ck_assert_uint_eq(c.cpus, 4);
	expect_ok("-smp", "15");
	ck_assert_uint_eq(c.cpus, 15);
	expect_error("1 to 15", "--cpus", "0");
	expect_error("1 to 15", "--cpus", "16");
	expect_error("1 to 15", "--cpus", "-1");
	expect_error("1 to 15", "--cpus", "two");
	expect_error("1 to 15", "--cpus", "");
}
END_TEST

START_TEST(errors_name_the_option)
{
	expect_error("--frobnicate: unknown option", "--frobnicate");
	expect_error("-cpu: unknown option", "-cpu", "2");
	expect_error("---mem: unknown option", "---mem", "1");
	expect_error("vmlinuz: not an option", "vmlinuz");
	expect_error("--kernel: needs a value", "--kernel");
	expect_error("--stats=1: takes no value", "--stats=1");
	expect_error("--serial tube: no such", "--serial", "tube");
	expect_error("--serial file:: no such", "--serial", "file:");
	expect_error("--serial pty:x: no such", "--serial", "pty:x");
	expect_error("--kernel : empty", "--kernel", "");
	expect_error("-: unknown", "-");
}
END_TEST

START_TEST(absurd_memory_is_refused_with_the_reason)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "0", "below 1 MiB" }, { "512K", "below 1 MiB" },
		{ "1025K", "multiple of 4 KiB" }, { "64G", "above 63 GiB" },
		{ "99999999999999999999", "not an amount" },
		{ "17179869184G", "not an amount" },
		{ "-1", "not an amount" }, { "", "not an amount" },
		{ "1T", "above 63 GiB" }, { "12 M", "not an amount" },
		{ "0x100", "not an amount" }, { "1MM", "not an amount" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_error(cases[i].why, "--mem", cases[i].text);
	ck_assert_str_eq(mem_problem(2 * MIB, MIB),
			 "more than this host's memory and swap");
	ck_assert_ptr_null(mem_problem(MIB, MIB));
}
END_TEST

START_TEST(sizes_have_suffixes)
{
	uint64_t n;

	ck_assert(!size_parse("3", 7, &n) && n == 21);
	ck_assert(!size_parse("3k", 7, &n) && n == 3 << 10);
	ck_assert(!size_parse("3MB", 7, &n) && n == 3 << 20);
	ck_assert(!size_parse("2GiB", 7, &n) && n == 2ull << 30);
}
END_TEST

START_TEST(command_line_overrides_the_file)
{
	char path[] = "/tmp/umbra-test-XXXXXX";
	static const char text[] = "memsize = \"64\"\nkernel = \"/k\"\n"
		"initrd = \"/i\"\nserial0.fileType = \"pty\"\n";
	int fd = mkstemp(path);

	ck_assert_int_eq(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	/* The file comes first wherever --config stands. */
	expect_ok("--mem", "128M", "--initrd", "a", "--initrd", "b",
		  "--serial", "null", "--config", path);
	ck_assert_int_eq(options_finish(&c, err), 0);
	ck_assert_uint_eq(c.mem, 128 * MIB);
	ck_assert_str_eq(c.kernel, "/k");
	ck_assert_uint_eq(c.initrds.n, 2);
	ck_assert_str_eq(c.initrds.v[0], "a");
	ck_assert_str_eq(c.serial[0], "null");
	expect_error("given twice", "--config", path, "--config", path);
	unlink(path);
}
END_TEST

START_TEST(defaults_are_filled_in)
{
	expect_ok("--kernel", "k");
	ck_assert_int_eq(options_finish(&c, err), 0);
	ck_assert_uint_eq(c.mem, 256 * MIB);
	ck_assert_str_eq(c.serial[0], "stdio");
	ck_assert_ptr_null(c.serial[1]);
	ck_assert_ptr_null(c.cmdline);
	expect_ok("--stats");
	ck_assert_int_lt(options_finish(&c, err), 0);
	ck_assert(strstr(err, "no kernel"));
}
END_TEST

START_TEST(help_of_one_option)
{
	static const char *const asked[] = { "vga", "set", "serial", "mem" };
	char arg[32], text[1024];

	for (unsigned i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		struct run_config c = { 0 };
		char *argv[] = { arg, "help" };
		FILE *f = fmemopen(text, sizeof(text), "w");

		snprintf(arg, sizeof(arg), "--%s", asked[i]);
		ck_assert_int_eq(options_parse(&c, 2, argv, err), 0);
		ck_assert_str_eq(c.help_of, asked[i]);
		options_help(f, c.help_of);
		fclose(f);
		ck_assert(strstr(text, arg));
		ck_assert_ptr_eq(strstr(strstr(text, "--") + 2, "  --"), NULL);
		run_config_fini(&c);
	}
}
END_TEST

static void terminal(const char *const *argv, int n, const char *serial,
		     const char *why)
{
	struct run_config c = { 0 };
	int ret;

	ck_assert_int_eq(options_parse(&c, n, (char **)argv, err), 0);
	ret = options_finish(&c, err);
	if (why) {
		ck_assert_int_eq(ret, -EINVAL);
		ck_assert_msg(strstr(err, why) != NULL, "%s", err);
	} else {
		ck_assert_msg(!ret, "%s", err);
		ck_assert_str_eq(c.serial[0], serial);
	}
	run_config_fini(&c);
}

START_TEST(one_thing_has_the_terminal)
{
	static const char *const none[] = { "--bios", "x" };
	static const char *const text[] = { "--bios", "x", "-display", "curses" };
	static const char *const hmp[] = { "--bios", "x", "-monitor", "stdio" };
	static const char *const both[] = { "--bios", "x", "-monitor", "stdio",
					    "-display", "text",
					    "-serial", "null" };
	static const char *const com[] = { "--bios", "x", "-monitor", "stdio",
					   "-serial", "null",
					   "-serial", "stdio" };
	static const char *const gtk[] = { "--bios", "x", "-display", "gtk" };

	terminal(none, 2, "stdio", NULL);
	terminal(text, 4, "null", NULL);
	terminal(hmp, 4, "null", NULL);
	terminal(both, 8, NULL, "shows the screen");
	terminal(com, 8, NULL, "serial port 1's");
	terminal(gtk, 4, NULL, "text, none or vnc=");
}
END_TEST

/* Every option of the table stands in --help and in the manual page. */
START_TEST(help_and_manual_list_every_option)
{
	static const char *const names[] = {
#define OPT(kind, name, alias, arg, key, field, help) name,
#include "tools/lib/options.def"
#undef OPT
	};
	char help[8192] = "", roff[8192] = "";
	FILE *h = fmemopen(help, sizeof(help), "w");
	FILE *r = fmemopen(roff, sizeof(roff), "w");

	options_help(h, NULL);
	options_roff(r);
	fclose(h);
	fclose(r);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char want[64];

		snprintf(want, sizeof(want), "--%s", names[i]);
		ck_assert_msg(strstr(help, want), "%s", want);
		snprintf(want, sizeof(want), "%.*s",
			 (int)strcspn(names[i], "-"), names[i]);
		ck_assert_msg(strstr(roff, want), "%s", want);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("options");
	TCase *t = tcase_create("options");
	SRunner *r = srunner_create(s);

	tcase_add_test(t, long_options_are_stored);
	tcase_add_test(t, sandbox_is_on_off_or_not_given);
	tcase_add_test(t, qemu_spellings_mean_the_same);
	tcase_add_test(t, nographic_leaves_a_serial_choice_alone);
	tcase_add_test(t, repeated_serial_counts_ports);
	tcase_add_test(t, equals_sign_gives_the_value);
	tcase_add_test(t, perf_map_has_an_optional_value);
	tcase_add_test(t, settings_go_to_the_engine);
	tcase_add_test(t, processors_are_counted_from_one);
	tcase_add_test(t, errors_name_the_option);
	tcase_add_test(t, absurd_memory_is_refused_with_the_reason);
	tcase_add_test(t, sizes_have_suffixes);
	tcase_add_test(t, command_line_overrides_the_file);
	tcase_add_test(t, defaults_are_filled_in);
	tcase_add_test(t, help_and_manual_list_every_option);
	tcase_add_test(t, help_of_one_option);
	tcase_add_test(t, one_thing_has_the_terminal);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
