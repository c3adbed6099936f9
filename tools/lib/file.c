/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading whole files; see file.h. */
#include "tools/lib/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_fd(int fd, size_t max, void **data, size_t *len,
		   const char **why)
{
	struct stat st;
	ssize_t n;

	*why = NULL;
	if (fstat(fd, &st))
		return -errno;
	*why = "not a regular file";
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*why = st.st_size ? "too large" : "is empty";
	if (!st.st_size || (uint64_t)st.st_size > max)
		return -EINVAL;
	*why = NULL;
	*data = malloc(st.st_size);
	if (!*data)
		return -ENOMEM;
	n = read(fd, *data, st.st_size);
	if (n == st.st_size) {
		*len = n;
		return 0;
	}
	free(*data);
	*data = NULL;
	return n < 0 ? -errno : -EIO;
}

int file_load(const char *path, size_t max, void **data, size_t *len,
	      char *err, size_t err_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *why = NULL;
	int code;

	*data = NULL;
	if (fd < 0) {
		code = -errno;
	} else {
		code = read_fd(fd, max, data, len, &why);
		close(fd);
	}
	if (code)
		snprintf(err, err_len, "%s: %s", path,
			 why ? why : strerror(-code));
	return code;
}
