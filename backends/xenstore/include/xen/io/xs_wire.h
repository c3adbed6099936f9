/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore wire protocol: every message is a struct xsd_sockmsg and `len'
 * bytes of payload.  Numbers and names are those of Xen 4.17
 * (docs/misc/xenstore.txt); a program may include this through xenstore.h.
 */
#ifndef _XS_WIRE_H
#define _XS_WIRE_H

#include <errno.h>
#include <stdint.h>

enum xsd_sockmsg_type {
	XS_CONTROL		= 0,
	XS_DIRECTORY		= 1,
	XS_READ			= 2,
	XS_GET_PERMS		= 3,
	XS_WATCH		= 4,
	XS_UNWATCH		= 5,
	XS_TRANSACTION_START	= 6,
	XS_TRANSACTION_END	= 7,
	XS_INTRODUCE		= 8,
	XS_RELEASE		= 9,
	XS_GET_DOMAIN_PATH	= 10,
	XS_WRITE		= 11,
	XS_MKDIR		= 12,
	XS_RM			= 13,
	XS_SET_PERMS		= 14,
	XS_WATCH_EVENT		= 15,
	XS_ERROR		= 16,
	XS_IS_DOMAIN_INTRODUCED	= 17,
	XS_RESUME		= 18,
	XS_SET_TARGET		= 19,
	/* 20 was XS_RESTRICT */
	XS_RESET_WATCHES	= 21,
	XS_DIRECTORY_PART	= 22,
	XS_TYPE_COUNT		= 23,
	XS_INVALID		= 0xffff
};

#define XS_DEBUG XS_CONTROL

#define XS_WRITE_NONE		"NONE"
#define XS_WRITE_CREATE		"CREATE"
#define XS_WRITE_CREATE_EXCL	"CREATE|EXCL"

/* An error travels as the name of its errno value. */
struct xsd_errors {
	int errnum;
	const char *errstring;
};

#define XSD_ERROR(e) { e, #e }
static const struct xsd_errors xsd_errors[] __attribute__((unused)) = {
	XSD_ERROR(EINVAL), XSD_ERROR(EACCES), XSD_ERROR(EEXIST),
	XSD_ERROR(EISDIR), XSD_ERROR(ENOENT), XSD_ERROR(ENOMEM),
	XSD_ERROR(ENOSPC), XSD_ERROR(EIO), XSD_ERROR(ENOTEMPTY),
	XSD_ERROR(ENOSYS), XSD_ERROR(EROFS), XSD_ERROR(EBUSY),
	XSD_ERROR(EAGAIN), XSD_ERROR(EISCONN), XSD_ERROR(E2BIG),
	XSD_ERROR(EPERM),
};

struct xsd_sockmsg {
	uint32_t type;		/* enum xsd_sockmsg_type */
	uint32_t req_id;	/* the answer has the request's */
	uint32_t tx_id;		/* transaction, 0: none */
	uint32_t len;		/* bytes that follow */
};

/* Elements of what xs_read_watch() and xs_check_watch() return. */
enum xs_watch_type {
	XS_WATCH_PATH = 0,
	XS_WATCH_TOKEN
};

/* A longer payload ends the connection. */
#define XENSTORE_PAYLOAD_MAX	4096
/* A longer path is an error (EINVAL). */
#define XENSTORE_ABS_PATH_MAX	3072
#define XENSTORE_REL_PATH_MAX	2048

#endif
