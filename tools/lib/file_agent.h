/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files for the monitor of a confined machine: a process beside it that opens
 * them, since the machine cannot.  The machine is not trusted with more than the
 * monitor needs: the agent opens what lies directly in one of the directories
 * that it was started with, for reading or writing what exists, and makes and
 * overwrites regular files whose name ends like a picture's (.ppm, .png) or in
 * .txt.
 */
#ifndef TOOLS_LIB_FILE_AGENT_H
#define TOOLS_LIB_FILE_AGENT_H

struct file_agent;

#define FILE_AGENT_DIRS	32

enum file_agent_mode { FILE_AGENT_READ, FILE_AGENT_WRITE, FILE_AGENT_DUMP };

/*
 * Start one; the current directory is among @dirs (file names or directories,
 * @n of them, the rest above FILE_AGENT_DIRS is left out).  Before there are
 * threads.  Returns 0 or a negative errno.
 */
int file_agent_start(struct file_agent **out, const char *const *dirs,
		     unsigned n);
/* NULL is fine.  The process ends; nobody waits for it. */
void file_agent_stop(struct file_agent *a);

/*
 * A descriptor, or a negative errno: that of open(2), -EXDEV for another
 * directory, -EINVAL for a dump that is none, -EPIPE when the agent is gone,
 * -ETIMEDOUT after five seconds.
 */
int file_agent_open(struct file_agent *a, const char *path,
		    enum file_agent_mode mode);

#endif
