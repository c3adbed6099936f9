// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "backends/tty.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static struct {
	volatile sig_atomic_t raw;	/* `saved` is to be put back */
	int fd;
	struct termios saved, mode;
} tty;

void tty_restore(void)
{
	int saved_errno = errno;

	if (tty.raw) {
		tty.raw = 0;
		tcsetattr(tty.fd, TCSANOW, &tty.saved);
	}
	errno = saved_errno;
}

/* SA_RESETHAND: on return the signal takes its usual course. */
static void on_crash(int sig)
{
	tty_restore();
	raise(sig);
}

static void on_tstp(int sig)
{
	int saved_errno = errno;
	bool raw = tty.raw;

	tty_restore();
	raise(SIGSTOP);
	/* Continued, perhaps in the background: then SIGTTOU stops us. */
	if (raw && !tcsetattr(tty.fd, TCSANOW, &tty.mode))
		tty.raw = 1;
	errno = saved_errno;
}

/* SIGSTOP cannot be caught: a shell may have changed the terminal since. */
static void on_cont(int sig)
{
	int saved_errno = errno;

	if (tty.raw && tcgetpgrp(tty.fd) == getpgrp())
		tcsetattr(tty.fd, TCSANOW, &tty.mode);
	errno = saved_errno;
}

/* An engine that catches faults of its own replaces these afterwards. */
static void catch(int sig, void (*fn)(int), int flags)
{
	struct sigaction old, sa = { .sa_handler = fn, .sa_flags = flags };

	if (!sigaction(sig, NULL, &old) && old.sa_handler == SIG_DFL)
		sigaction(sig, &sa, NULL);
}

static void catch_all(void)
{
	static const int crashes[] = { SIGABRT, SIGSEGV, SIGBUS, SIGILL,
				       SIGFPE };

	for (unsigned i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		catch(crashes[i], on_crash, SA_RESETHAND | SA_ONSTACK);
	catch(SIGTSTP, on_tstp, SA_RESTART | SA_ONSTACK);
	catch(SIGCONT, on_cont, SA_RESTART | SA_ONSTACK);
}

int tty_raw(int fd)
{
	static bool prepared;

	if (tty.raw)
		return -EBUSY;
	if (tcgetattr(fd, &tty.saved))
		return -errno;
	tty.fd = fd;
	tty.mode = tty.saved;
	cfmakeraw(&tty.mode);
	tty.mode.c_oflag |= tty.saved.c_oflag & OPOST;
	if (!prepared && atexit(tty_restore))
		return -ENOMEM;
	if (!prepared)
		catch_all();
	prepared = true;
	if (tcsetattr(fd, TCSANOW, &tty.mode))
		return -errno;
	tty.raw = 1;
	return 0;
}
