/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gdb's remote protocol against a target of 64 KiB and one processor.  The
 * test is the client, on a socket of its own; the loop runs in a thread.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hypervisor/loop.h"
#include "hypervisor/vcpu.h"
#include "tools/lib/gdb.h"
#include "tests/unit/fuzz.h"

#define MEMORY		0x10000u

static struct loop *loop;
static struct gdb *gdb;
static pthread_t thread;
static int sock;
static char path[108];

/* The target. */
static struct vcpu v;
static uint8_t memory[MEMORY];
static struct engine_debug breaks;
static int resumed, stepped, stops, kills;

static unsigned t_cpus(void *o) { return 1; }
static void t_get(void *o, unsigned cpu, struct vcpu *out) { *out = v; }
static void t_set(void *o, unsigned cpu, const struct vcpu *in) { v = *in; }
static void t_kill(void *o) { kills++; }

static int t_read(void *o, unsigned cpu, bool phys, uint64_t a, void *buf,
		  size_t n)
{
	a -= phys ? 0 : 0x1000;		/* linear = physical + 1000h */
	if (a > MEMORY || n > MEMORY - a)
		return -EFAULT;
	memcpy(buf, memory + a, n);
	return 0;
}

static int t_write(void *o, unsigned cpu, bool phys, uint64_t a,
		   const void *buf, size_t n)
{
	a -= phys ? 0 : 0x1000;
	if (a > MEMORY || n > MEMORY - a)
		return -EFAULT;
	memcpy(memory + a, buf, n);
	return 0;
}

static int t_breaks(void *o, const struct engine_debug *d)
{
	breaks = *d;
	return 0;
}

/* Runs until the first breakpoint, at once; a step moves by one byte. */
static void t_resume(void *o, int step)
{
	struct engine_exit_info info = { .exit = ENGINE_DEBUG,
					 .break_kind = ENGINE_BREAK_STEP };

	if (step >= 0) {
		stepped++;
		v.rip++;
		gdb_stopped(gdb, 0, &info);
		return;
	}
	resumed++;
	if (!breaks.n)
		return;
	info.break_kind = breaks.bp[0].kind;
	info.break_addr = breaks.bp[0].addr;
	gdb_stopped(gdb, 0, &info);
}

static void t_stop(void *o)
{
	stops++;
	gdb_stopped(gdb, 0, NULL);
}

static void t_command(void *o, const char *line, FILE *out)
{
	fprintf(out, "you said %s\n", line);
}

static const struct gdb_target target = {
	.cpus = t_cpus, .get = t_get, .set = t_set, .read = t_read,
	.write = t_write, .set_breaks = t_breaks, .resume = t_resume,
	.stop = t_stop, .command = t_command, .kill = t_kill,
};

static void *run(void *arg)
{
	loop_run(loop);
	return NULL;
}

static void setup(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct timeval tv = { .tv_sec = 20 };
	char spec[128], err[160];

	snprintf(path, sizeof(path), "/tmp/umbra-test-gdb-%d", getpid());
	snprintf(spec, sizeof(spec), "unix:%s", path);
	strcpy(un.sun_path, path);
	vcpu_reset(&v, 0, false);
	vcpu_set_flat32(&v, 8, 16, 0x1234);
	ck_assert_int_eq(loop_create(&loop), 0);
	ck_assert_msg(!gdb_create(&gdb, loop, spec, &target, true, err,
				  sizeof(err)), "%s", err);
	ck_assert_int_eq(pthread_create(&thread, NULL, run, NULL), 0);
	sock = socket(AF_UNIX, SOCK_STREAM, 0);
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	ck_assert_int_eq(connect(sock, (void *)&un, sizeof(un)), 0);
}

static void teardown(void)
{
	close(sock);
	loop_quit(loop);
	pthread_join(thread, NULL);
	loop_lock(loop);
	gdb_destroy(gdb);
	loop_unlock(loop);
	loop_destroy(loop);
	unlink(path);
}

static char get(void)
{
	char c;

	ck_assert_int_eq(recv(sock, &c, 1, 0), 1);
	return c;
}

static void put(const char *text, size_t len)
{
	uint8_t sum = 0;
	char tail[4];

	for (size_t i = 0; i < len; i++)
		sum += text[i];
	snprintf(tail, sizeof(tail), "#%02x", sum);
	ck_assert_int_eq(send(sock, "$", 1, 0), 1);
	ck_assert_int_eq(send(sock, text, len, 0), (ssize_t)len);
	ck_assert_int_eq(send(sock, tail, 3, 0), 3);
}

/* The next packet's text. */
static const char *packet(void)
{
	static char buf[40000];
	unsigned n = 0;

	while (get() != '$')
		;
	while ((buf[n] = get()) != '#')
		ck_assert_uint_lt(++n, sizeof(buf));
	buf[n] = '\0';
	get();
	get();
	return buf;
}

static const char *ask(const char *text)
{
	put(text, strlen(text));
	return packet();
}

START_TEST(packets_are_acknowledged_until_asked_not_to)
{
	put("?", 1);
	ck_assert_int_eq(get(), '+');
	ck_assert_str_eq(packet(), "T02thread:1;");
	ck_assert_str_eq(ask("QStartNoAckMode"), "OK");
	put("?", 1);
	ck_assert_int_eq(get(), '$');
}
END_TEST

START_TEST(a_wrong_sum_is_refused)
{
	ck_assert_int_eq(send(sock, "$?#00", 5, 0), 5);
	ck_assert_int_eq(get(), '-');
	ck_assert_str_eq(ask("?"), "T02thread:1;");
}
END_TEST

START_TEST(unknown_packets_get_an_empty_reply)
{
	ck_assert_str_eq(ask("vMustReplyEmpty"), "");
	ck_assert_str_eq(ask("qNonsense"), "");
}
END_TEST

START_TEST(registers_are_read_and_written)
{
	v.gpr[GPR_DX] = 0x11223344;
	ck_assert_str_eq(ask("p2"), "44332211");
	ck_assert_str_eq(ask("P2=78563412"), "OK");
	ck_assert_uint_eq(v.gpr[GPR_DX], 0x12345678);
	ck_assert_str_eq(ask("p8"), "34120000");
	/* A selector without its hidden part would be a lie. */
	ck_assert_str_eq(ask("Pa=ffff0000"), "E01");
	ck_assert_str_eq(ask("pffff"), "E16");
}
END_TEST

START_TEST(all_registers_come_back_as_they_went)
{
	char all[4000];
	struct vcpu was;

	for (unsigned i = 0; i < 8; i++)
		v.gpr[i] = 0x01010101u * (i + 1);
	was = v;
	snprintf(all, sizeof(all), "G%s", ask("g"));
	/* 16 of 32 bits, 8 of 80, 8 of 32. */
	ck_assert_uint_eq(strlen(all), 1 + 2 * (16 * 4 + 8 * 10 + 8 * 4));
	ck_assert_str_eq(ask(all), "OK");
	ck_assert_int_eq(memcmp(&v, &was, sizeof(v)), 0);
}
END_TEST

START_TEST(eip_is_linear_in_real_mode)
{
	vcpu_reset(&v, 0, false);
	vcpu_load_real(&v, SEG_CS, 0xf000);
	v.rip = 0xfff0;
	ck_assert_str_eq(ask("p8"), "f0ff0f00");
	ck_assert_str_eq(ask("P8=f1ff0f00"), "OK");
	ck_assert_uint_eq(v.rip, 0xfff1);
}
END_TEST

START_TEST(the_description_names_every_register)
{
	const char *xml = ask("qXfer:features:read:target.xml:0,3fff");
	unsigned n = 0;

	ck_assert_int_eq(xml[0], 'l');
	ck_assert_ptr_nonnull(strstr(xml, "<architecture>i386<"));
	for (const char *p = xml; (p = strstr(p, "<reg ")); p++)
		n++;
	ck_assert_uint_eq(n, gdb_regs_count(false));
	v.msr.efer = EFER_LMA;
	xml = ask("qXfer:features:read:target.xml:0,3fff");
	ck_assert_ptr_nonnull(strstr(xml, "i386:x86-64"));
}
END_TEST

START_TEST(memory_is_linear_or_physical)
{
	memory[5] = 0xab;
	ck_assert_str_eq(ask("m1005,1"), "ab");
	ck_assert_str_eq(ask("M1006,2:cdef"), "OK");
	ck_assert_str_eq(ask("Qqemu.PhyMemMode:1"), "OK");
	ck_assert_str_eq(ask("m5,3"), "abcdef");
	ck_assert_str_eq(ask("m20000,4"), "E0e");
	/* A range that runs off is cut at a page. */
	ck_assert_uint_eq(strlen(ask("mf000,1800")), 2 * 0x1000);
}
END_TEST

START_TEST(binary_writes_unescape)
{
	char p[] = "X1000,3:}\x03" "a}\x5d";

	put(p, sizeof(p) - 1);
	ck_assert_str_eq(packet(), "OK");
	ck_assert_int_eq(memcmp(memory, "#a}", 3), 0);
}
END_TEST

START_TEST(breakpoints_reach_the_target_and_stop_it)
{
	ck_assert_str_eq(ask("Z1,c0100000,1"), "OK");
	ck_assert_uint_eq(breaks.n, 1);
	ck_assert_str_eq(ask("vCont;c"), "T05thread:1;hwbreak:;");
	ck_assert_str_eq(ask("z1,c0100000,1"), "OK");
	ck_assert_uint_eq(breaks.n, 0);
	ck_assert_str_eq(ask("z1,c0100000,1"), "E02");
	ck_assert_str_eq(ask("Z2,2000,4"), "OK");
	ck_assert_int_eq(breaks.bp[0].kind, ENGINE_BREAK_WRITE);
	ck_assert_str_eq(ask("c"), "T05thread:1;watch:2000;");
}
END_TEST

START_TEST(more_breakpoints_than_there_are_is_an_error)
{
	char z[32];

	for (unsigned i = 0; i < ENGINE_BREAKPOINTS; i++) {
		snprintf(z, sizeof(z), "Z0,%x,1", i);
		ck_assert_str_eq(ask(z), "OK");
	}
	ck_assert_str_eq(ask("Z0,9999,1"), "E1c");
}
END_TEST

START_TEST(a_step_and_an_interrupt)
{
	ck_assert_str_eq(ask("vCont;s:1;c"), "T05thread:1;");
	ck_assert_int_eq(stepped, 1);
	put("c", 1);
	while (!__atomic_load_n(&resumed, __ATOMIC_SEQ_CST))
		usleep(1000);
	ck_assert_int_eq(send(sock, "\x03", 1, 0), 1);
	ck_assert_str_eq(packet(), "T02thread:1;");
	ck_assert_int_eq(stops, 1);
}
END_TEST

START_TEST(monitor_output_comes_in_pieces)
{
	/* "hi" */
	ck_assert_str_eq(ask("qRcmd,6869"), "O796f7520736169642068690a");
	ck_assert_str_eq(packet(), "OK");
}
END_TEST

START_TEST(a_client_that_goes_lets_the_guest_run)
{
	ck_assert_str_eq(ask("Z1,1000,1"), "OK");
	close(sock);
	for (int i = 0; i < 5000 && !resumed; i++)
		usleep(1000);
	ck_assert_int_eq(resumed, 1);
	ck_assert_uint_eq(breaks.n, 0);
}
END_TEST

/* Whatever it is sent, the server lives and still answers. */
START_TEST(random_packets_do_no_harm)
{
	static const char first[] = "?gGpPmMXZzvHTqQDcsk";
	static const char chars[] = "0123456789abcdef,;:=-}#$ cmsCS\x03";
	unsigned n, cases = fuzz_cases(10000);
	char buf[64];

	srand(_i + 1);
	ck_assert_str_eq(ask("QStartNoAckMode"), "OK");
	for (unsigned i = 0; i < cases; i++) {
		n = 1 + rand() % 40;
		buf[0] = first[rand() % (sizeof(first) - 2)];
		for (unsigned k = 1; k < n; k++)
			buf[k] = chars[rand() % (sizeof(chars) - 1)];
		if (buf[0] == 'D')	/* the end of the session */
			buf[0] = '?';
		put(buf, n);
		if (i % 64 == 0) {
			static char sink[65536];

			while (recv(sock, sink, sizeof(sink),
				    MSG_DONTWAIT) > 0)
				;
		}
	}
	for (;;) {	/* drain; then see that it answers */
		const char *r = ask("qAttached");

		if (!strcmp(r, "1"))
			break;
		send(sock, "\x03", 1, 0);
	}
}
END_TEST

int main(void)
{
	Suite *s = suite_create("gdb");
	TCase *t = tcase_create("protocol");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, packets_are_acknowledged_until_asked_not_to);
	tcase_add_test(t, a_wrong_sum_is_refused);
	tcase_add_test(t, unknown_packets_get_an_empty_reply);
	tcase_add_test(t, registers_are_read_and_written);
	tcase_add_test(t, all_registers_come_back_as_they_went);
	tcase_add_test(t, eip_is_linear_in_real_mode);
	tcase_add_test(t, the_description_names_every_register);
	tcase_add_test(t, memory_is_linear_or_physical);
	tcase_add_test(t, binary_writes_unescape);
	tcase_add_test(t, breakpoints_reach_the_target_and_stop_it);
	tcase_add_test(t, more_breakpoints_than_there_are_is_an_error);
	tcase_add_test(t, a_step_and_an_interrupt);
	tcase_add_test(t, monitor_output_comes_in_pieces);
	tcase_add_test(t, a_client_that_goes_lets_the_guest_run);
	suite_add_tcase(s, t);
	t = tcase_create("random_packets_do_no_harm");
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, random_packets_do_no_harm, 0, 10);
	tcase_set_timeout(t, 30);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
