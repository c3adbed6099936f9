/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's terminal: raw while the VM runs, as it was on every way out.
 */
#ifndef BACKENDS_TTY_H
#define BACKENDS_TTY_H

/*
 * Make the terminal on @fd raw: no echo, no line editing, no signals from the
 * keyboard; output processing stays on, since log lines share the terminal.
 * From then on exit(), abort(), a fault of ours and SIGTSTP restore it, and
 * SIGCONT makes it raw again.  Main thread; one terminal per process.
 * Returns 0, -ENOTTY, -EBUSY, or what tcsetattr(3) reports.
 */
int tty_raw(int fd);

/* Back to the mode tty_raw() found.  Any thread, async-signal-safe. */
void tty_restore(void);

#endif
