/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is not a request to the store: places, permissions as text.
 */
#ifndef XENSTORE_LIB_H
#define XENSTORE_LIB_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen/io/xs_wire.h"

#define XS_PERM_NONE		0x00
#define XS_PERM_READ		0x01
#define XS_PERM_WRITE		0x02
/* Not used between programs and the library. */
#define XS_PERM_ENOENT_OK	0x04
#define XS_PERM_OWNER		0x08
#define XS_PERM_IGNORE		0x10

struct xs_permissions {
	unsigned int id;	/* domain */
	unsigned int perms;	/* XS_PERM_READ, XS_PERM_WRITE */
};

/* Bytes for a number of this type in decimal, with sign and NUL. */
#define MAX_STRLEN(x) ((sizeof(x) * CHAR_BIT + CHAR_BIT - 1) / 10 * 3 + 2)

/*
 * Where the store is.  $XENSTORED_PATH is the socket; without it, it is
 * `socket' in $XENSTORED_RUNDIR; without that, in the user's own directory:
 * $XDG_RUNTIME_DIR/umbra, else /run/user/UID/umbra, else /tmp/umbra-UID.
 * The strings are static.
 */
const char *xs_daemon_rundir(void);
const char *xs_daemon_socket(void);
/* The same socket: there is none for readers alone. */
const char *xs_daemon_socket_ro(void);

/* write(2) until all @len bytes are written.  False: errno says why. */
bool xs_write_all(int fd, const void *data, unsigned int len);

/*
 * Parse @num strings of the form "r5" (n none, r read, w write, b both; then
 * the domain), one behind the other at @strings, into @perms[0 .. num-1].
 * False with EINVAL if one is not of this form.
 */
bool xs_strings_to_perms(struct xs_permissions *perms, unsigned int num,
			 const char *strings);

#endif
