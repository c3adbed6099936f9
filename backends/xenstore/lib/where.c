// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the store is; xenstore_lib.h has the rules.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/xenstore/include/xenstore_lib.h"

#define WHERE_LEN	512

/*
 * systemd makes /run/user/UID at login, and says so in the environment of
 * what it starts, but not in that of su(1) or cron(8).
 */
static void user_rundir(char *out, size_t len)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	unsigned uid = geteuid();
	struct stat st;

	if (base && *base == '/') {
		snprintf(out, len, "%s/umbra", base);
		return;
	}
	snprintf(out, len, "/run/user/%u", uid);
	if (!stat(out, &st) && S_ISDIR(st.st_mode) && st.st_uid == uid)
		snprintf(out, len, "/run/user/%u/umbra", uid);
	else
		snprintf(out, len, "/tmp/umbra-%u", uid);
}

const char *xs_daemon_rundir(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char own[WHERE_LEN];
	const char *given = getenv("XENSTORED_RUNDIR");

	if (given)
		return given;
	pthread_mutex_lock(&lock);
	if (!*own)
		user_rundir(own, sizeof(own));
	pthread_mutex_unlock(&lock);
	return own;
}

const char *xs_daemon_socket(void)
{
	static __thread char path[WHERE_LEN + 8];
	const char *given = getenv("XENSTORED_PATH");

	if (given)
		return given;
	snprintf(path, sizeof(path), "%s/socket", xs_daemon_rundir());
	return path;
}

const char *xs_daemon_socket_ro(void)
{
	return xs_daemon_socket();
}
