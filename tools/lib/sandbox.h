/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Confinement of the process before guest code runs: no new privileges, no
 * capabilities, no system calls but those of sandbox.def.
 */
#ifndef TOOLS_LIB_SANDBOX_H
#define TOOLS_LIB_SANDBOX_H

/*
 * Give up what a running machine does not need, for good.  A system call
 * outside sandbox.def then restores the terminal, prints a line with the
 * call's number, and ends the process as an internal error (stop.def).
 * Inside a handler that blocks SIGSYS, the kernel ends it with that signal.
 * @report_fd: where the line goes.
 *
 * Call when all files are open and the machine is created, while the process
 * has one thread: threads inherit, but are not caught up with.
 *
 * Returns NULL, or why there is no system call filter; privileges are given
 * up all the same.
 * prctl(2) PR_SET_NO_NEW_PRIVS, capabilities(7), seccomp(2).
 */
const char *sandbox_enter(int report_fd);

#endif
