/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading whole files. */
#ifndef TOOLS_LIB_FILE_H
#define TOOLS_LIB_FILE_H

#include <stddef.h>

/*
 * Read the regular file @path of at most @max bytes.  *@data is the caller's
 * to free.  Returns 0, or a negative errno with "PATH: cause" in @err.
 */
int file_load(const char *path, size_t max, void **data, size_t *len,
	      char *err, size_t err_len);

#endif
