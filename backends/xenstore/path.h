/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of nodes.  Xen docs/misc/xenstore.txt: letters, digits and -/_@; no
 * empty component, no slash at the end.
 */
#ifndef BACKENDS_XENSTORE_PATH_H
#define BACKENDS_XENSTORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/xenstore/include/xen/io/xs_wire.h"

/* Room for a canonical path and its NUL. */
#define XSD_PATH_ROOM	(XENSTORE_ABS_PATH_MAX + 1)

/*
 * Make @name absolute: one that begins neither with / nor with @ starts at
 * @base ("" for the root).  @out has XSD_PATH_ROOM bytes.
 * Returns 0, or -EINVAL for a name that is malformed or too long.
 */
int xsd_path_canonical(const char *name, const char *base, char *out);

/* Is @path @parent or below it?  Both canonical; "/" is above all but @. */
bool xsd_path_below(const char *path, const char *parent);

/* Length of the parent's path; "/a" has the parent "/", of length 1. */
size_t xsd_path_parent(const char *path);

#endif
