// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A /dev/kvm that fails, for LD_PRELOAD: stands in front of open() and ioctl().
 *
 * BADKVM is "WHAT=VALUE":
 *	open=ERRNO	open("/dev/kvm") fails
 *	create=ERRNO	KVM_CREATE_VM fails
 *	run=ERRNO	KVM_RUN fails, for good
 *	gone=ERRNO	so does every call about the VM and its processors
 *	exit=REASON	KVM_RUN returns with this exit reason
 *	slots=N		KVM says that it has N memory slots
 * KVM_RUN is the host's own for the first calls of a process, and always in
 * children: the prober's guests are not meant.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define GOOD_RUNS	5
#define HARDWARE_REASON	0x80000021ULL

static char what[16];
static int value;
static pid_t parent;
static int runs;
static size_t run_size;

__attribute__((constructor)) static void init(void)
{
	const char *s = getenv("BADKVM"), *eq = s ? strchr(s, '=') : NULL;

	parent = getpid();
	if (!eq || (size_t)(eq - s) >= sizeof(what))
		return;
	memcpy(what, s, eq - s);
	value = atoi(eq + 1);
}

static int is(const char *name)
{
	return !strcmp(what, name);
}

static int fail(int code)
{
	errno = code;
	return -1;
}

static int open_kvm(const char *symbol, const char *path, int flags, int mode)
{
	int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, symbol);

	if (is("open") && !strcmp(path, "/dev/kvm"))
		return fail(value);
	return real(path, flags, mode);
}

#define OPEN(name) \
int name(const char *path, int flags, ...) \
{ \
	va_list ap; \
	int mode; \
\
	va_start(ap, flags); \
	mode = va_arg(ap, int); \
	va_end(ap); \
	return open_kvm(#name, path, flags, mode); \
}
OPEN(open)
OPEN(open64)

/* What KVM says besides the reason. */
static int exit_with(int fd)
{
	struct kvm_run *run = mmap(NULL, run_size, PROT_READ | PROT_WRITE,
				   MAP_SHARED, fd, 0);

	if (run == MAP_FAILED)
		return fail(ENOMEM);
	run->exit_reason = value;
	if (value == KVM_EXIT_FAIL_ENTRY)
		run->fail_entry.hardware_entry_failure_reason =
			HARDWARE_REASON;
	if (value == KVM_EXIT_INTERNAL_ERROR) {
		run->internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
		run->internal.ndata = 0;
	}
	munmap(run, run_size);
	return 0;
}

static int bad_run(int fd)
{
	return is("exit") ? exit_with(fd) : fail(value);
}

int ioctl(int fd, unsigned long request, ...)
{
	int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
	va_list ap;
	void *arg;
	int ret;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (request == KVM_CREATE_VM && is("create"))
		return fail(value);
	if (request == KVM_CHECK_EXTENSION && is("slots") &&
	    arg == (void *)KVM_CAP_NR_MEMSLOTS)
		return value;
	if (is("gone") && getpid() == parent && runs > GOOD_RUNS &&
	    _IOC_TYPE(request) == KVMIO)
		return fail(value);
	if (request == KVM_RUN && (is("run") || is("gone") || is("exit")) &&
	    getpid() == parent && ++runs > GOOD_RUNS)
		return bad_run(fd);
	ret = real(fd, request, arg);
	if (request == KVM_GET_VCPU_MMAP_SIZE && ret > 0)
		run_size = ret;
	return ret;
}
