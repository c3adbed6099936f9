/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_DIFF_NATIVE_H
#define TESTS_DIFF_NATIVE_H

struct diff_shared;

/*
 * Start the oracle process @path (runner32), with @init and @ro of the shared
 * area filled in by @fill before it maps its own memory.  Returns the shared
 * area; exits with a message if the host cannot run 32-bit programs.
 */
struct diff_shared *native_start(const char *path,
				 void (*fill)(struct diff_shared *));

/* Run shared->slot[0 .. @count-1].  A lost oracle process is restarted and
 * its unfinished slots stay at status 0. */
void native_run(unsigned count);

void native_stop(void);

#endif
