// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sandbox.def as a seccomp filter; privileges.
 *
 * HAVE_SECCOMP: libseccomp was there at build time.
 */
#define _GNU_SOURCE
#include "tools/lib/sandbox.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The bounding set is what a set-user-ID program could regain; only root can
 * empty it, and no_new_privs says the same.
 */
static int drop_privileges(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			break;
	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

#if !defined(HAVE_SECCOMP)

static const char *filter_load(int fd)
{
	return "built without libseccomp";
}

#elif defined(__SANITIZE_ADDRESS__)

static const char *filter_load(int fd)
{
	return "sanitizers make system calls of their own";
}

#else

#include <fcntl.h>
#include <linux/fs.h>	/* BLKGETSIZE64 */
#include <linux/kvm.h>	/* ioctl numbers */
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "backends/tty.h"
#include "hypervisor/types.h"

/* Sorted by number, instead of tried in turn. */
#define OPTIMIZE_TREE	2

enum {
#define STOP(name, status, text) STATUS_##name = status,
#include "hypervisor/stop.def"
#undef STOP
};

static int report_fd;

static void on_refused(int sig, siginfo_t *si, void *uc)
{
	char line[80];
	int n = snprintf(line, sizeof(line), "umbra: sandbox: system call %d "
			 "refused\n", si->si_syscall);

	tty_restore();
	if (write(report_fd, line, n) < 0) {
		/* The exit status has to do. */
	}
	_exit(STATUS_INTERNAL);
}

static int catch_refused(void)
{
	struct sigaction sa = { .sa_sigaction = on_refused,
				.sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigfillset(&sa.sa_mask);
	return sigaction(SIGSYS, &sa, NULL) ? -errno : 0;
}

static int add_rules(scmp_filter_ctx f)
{
	const uint64_t SELF = getpid();
	const struct {
		int call;
		uint32_t action;
		unsigned nargs;
		struct scmp_arg_cmp arg;
	} rules[] = {
#define CALL(name) \
	{ SCMP_SYS(name), SCMP_ACT_ALLOW, 0, { 0 } },
#define CALL_IF(name, arg, mask, value) \
	{ SCMP_SYS(name), SCMP_ACT_ALLOW, 1, \
	  { arg, SCMP_CMP_MASKED_EQ, mask, value } },
#define CALL_FAILS(name, error) \
	{ SCMP_SYS(name), SCMP_ACT_ERRNO(error), 0, { 0 } },
#include "tools/lib/sandbox.def"
#undef CALL
#undef CALL_IF
#undef CALL_FAILS
	};
	int ret = 0;

	for (unsigned i = 0; !ret && i < ARRAY_SIZE(rules); i++)
		ret = seccomp_rule_add_array(f, rules[i].action, rules[i].call,
					     rules[i].nargs, &rules[i].arg);
	return ret;
}

/*
 * The last two attributes only matter for speed, and old kernels lack them.
 * CTL_SSB keeps the processor's store bypass as it is without a filter:
 * kernels before 5.16 would slow down every store of the guest.
 */
static int set_attributes(scmp_filter_ctx f)
{
	int ret = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);

	seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, OPTIMIZE_TREE);
	seccomp_attr_set(f, SCMP_FLTATR_CTL_SSB, 1);
	return ret;
}

static const char *filter_load(int fd)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
	int ret = f ? set_attributes(f) : -ENOMEM;

	report_fd = fd;
	tzset();	/* gmtime_r() would read /etc/localtime */
	if (!ret)
		ret = add_rules(f);
	if (!ret)
		ret = catch_refused();
	if (!ret)
		ret = seccomp_load(f);
	seccomp_release(f);
	return ret ? strerror(-ret) : NULL;
}

#endif

const char *sandbox_enter(int fd)
{
	int ret = drop_privileges();
	const char *why = filter_load(fd);

	return ret && !why ? strerror(-ret) : why;
}
