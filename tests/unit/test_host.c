// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The prober: what it says of a KVM that is missing, mad or stuck; and, where
 * there is one, of the host's own.
 */
#define _GNU_SOURCE
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fullvirt/hv/probe.h"
#include "hypervisor/host.h"

static struct host_kvm k;

static void expect(enum host_kvm_state state, const char *why)
{
	ck_assert_str_eq(host_kvm_state_name(k.state),
			 host_kvm_state_name(state));
	ck_assert_msg(!!strstr(k.why, why), "\"%s\" lacks \"%s\"", k.why, why);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

START_TEST(device_that_is_no_kvm_is_named_so)
{
	hv_probe("/nonexistent/kvm", &k);
	expect(HOST_KVM_MISSING, "no such device");
	hv_probe("/dev/null", &k);
	expect(HOST_KVM_BROKEN, "does not speak the KVM API");
	hv_probe("/", &k);
	expect(HOST_KVM_BROKEN, "directory");
}
END_TEST

START_TEST(device_without_permission_is_named_so)
{
	char path[] = "/tmp/umbra-test-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0), 0);
	close(fd);
	/* Root may open anything; be nobody for the time of the test. */
	if (!getuid())
		ck_assert_int_eq(seteuid(65534), 0);
	hv_probe(path, &k);
	if (!getuid())
		ck_assert_int_eq(seteuid(0), 0);
	unlink(path);
	expect(HOST_KVM_NO_PERMISSION, "permission denied");
}
END_TEST

static void prober_hangs(struct host_kvm *k, const char *device)
{
	sigset_t all;

	k->api_version = 12;
	k->probe[HOST_PROBE_REAL].result = PROBE_WORKS;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	for (;;)
		pause();
}

START_TEST(kvm_that_hangs_is_given_up)
{
	hv_probe_with(prober_hangs, 50, "", &k);
	expect(HOST_KVM_BROKEN, "never returns");
	ck_assert_int_eq(k.api_version, 12);
	ck_assert_int_eq(k.probe[HOST_PROBE_REAL].result, PROBE_WORKS);
	ck_assert_uint_ge(k.probe_us, 50000);
}
END_TEST

static void prober_dies(struct host_kvm *k, const char *device)
{
	k->state = HOST_KVM_USABLE;
	kill(getpid(), SIGKILL);
}

START_TEST(kvm_that_kills_its_user_is_broken)
{
	hv_probe_with(prober_dies, 5000, "", &k);
	expect(HOST_KVM_BROKEN, "killed");
}
END_TEST

static void prober_usable(struct host_kvm *k, const char *device)
{
	memset(k, 0, sizeof(*k));
}

START_TEST(result_of_the_child_comes_back)
{
	hv_probe_with(prober_usable, 5000, "", &k);
	expect(HOST_KVM_USABLE, "");
	ck_assert_str_eq(k.why, "");
}
END_TEST

START_TEST(injected_facts_are_used)
{
	static const struct host_caps mine = { .hardware = "mine" };

	host_caps_set(&mine);
	ck_assert_ptr_eq(host_caps(), &mine);
	host_caps_set(NULL);
	host_kvm_device_set("/nonexistent/kvm");
	ck_assert_int_eq(host_caps()->kvm.state, HOST_KVM_MISSING);
	/* Kept: the device is not looked at again. */
	host_kvm_device_set("/dev/null");
	ck_assert_int_eq(host_caps()->kvm.state, HOST_KVM_MISSING);
}
END_TEST

/*
 * Whatever this host has, each answer is one of the possible ones, and says
 * why if it is a bad one.
 */
START_TEST(answers_about_this_host_are_complete)
{
	const struct host_caps *c = host_caps();

	ck_assert_str_ne(c->hardware, "");
	ck_assert_uint_gt(c->max_map_count, 0);
	if (c->kvm.state != HOST_KVM_USABLE) {
		ck_assert_str_ne(c->kvm.why, "");
		return;
	}
	ck_assert_str_eq(c->kvm.why, "");
	for (unsigned i = 0; i < HOST_PROBE_COUNT; i++) {
		const struct host_probe_state *s = &c->kvm.probe[i];

		ck_assert_msg((s->result == PROBE_WORKS ||
			       s->result == PROBE_NOT_RUN) == !*s->why,
			      "%s: %s: %s", host_probe_text(i),
			      host_probe_result_name(s->result), s->why);
		if (s->result == PROBE_WORKS && i != HOST_PROBE_COMPAT &&
		    i != HOST_PROBE_USER64)
			ck_assert_uint_lt(s->insn_ns, 1000000);
	}
	/* What runs behind long mode cannot work without it. */
	if (c->kvm.probe[HOST_PROBE_LONG].result != PROBE_WORKS)
		ck_assert_int_eq(c->kvm.probe[HOST_PROBE_COMPAT].result,
				 PROBE_NOT_RUN);
}
END_TEST

START_TEST(kvms_count_is_believed_before_the_time)
{
	struct host_probe_state p = { .insn_ns = 150 };

	ck_assert(host_probe_emulated(&p));
	p.emulated = HOST_NO;
	ck_assert(!host_probe_emulated(&p));
	p.insn_ns = 1;
	p.emulated = HOST_YES;
	ck_assert(host_probe_emulated(&p));
	p.emulated = HOST_UNKNOWN;
	ck_assert(!host_probe_emulated(&p));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("host");
	TCase *t = tcase_create("host");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 30);
	tcase_add_test(t, device_that_is_no_kvm_is_named_so);
	tcase_add_test(t, device_without_permission_is_named_so);
	tcase_add_test(t, kvm_that_hangs_is_given_up);
	tcase_add_test(t, kvm_that_kills_its_user_is_broken);
	tcase_add_test(t, result_of_the_child_comes_back);
	tcase_add_test(t, injected_facts_are_used);
	tcase_add_test(t, kvms_count_is_believed_before_the_time);
	tcase_add_test(t, answers_about_this_host_are_complete);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
