/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The client library of the xenstore, libxenstore.so.4: the interface of Xen
 * 4.17.
 *
 * A function that fails returns false, NULL or -1 and sets errno: to what the
 * store answered (ENOENT, EACCES, EAGAIN, EINVAL, E2BIG, ENOSPC, EEXIST,
 * ENOSYS ...), or to EIO, EPIPE, ENOTCONN, EBADF or ECONNRESET when it cannot
 * be talked to any more; ENOMEM.  What a function returns by pointer is from
 * malloc(), one block, unless it says otherwise.
 *
 * A handle may be used by several threads; requests are made one after the
 * other, watch events may be read meanwhile.  After fork() only the parent
 * may use it.
 */
#ifndef XENSTORE_H
#define XENSTORE_H

#include "xenstore_lib.h"

struct xs_handle;
typedef uint32_t xs_transaction_t;

/* The transaction of requests outside of transactions. */
#define XBT_NULL 0

/* Flags of xs_open(); the first two have no effect any more. */
#define XS_OPEN_READONLY	(1UL << 0)
#define XS_OPEN_SOCKETONLY	(1UL << 1)
/*
 * After xs_unwatch() no event of that watch is delivered that was pending.
 * The token must be the watch's own, or at least not be used for another
 * watch on a path above or below.
 */
#define XS_UNWATCH_FILTER	(1UL << 2)

/* Connect to the socket or, where there is none, to Xen's own device. */
struct xs_handle *xs_open(unsigned long flags);
/* NULL is allowed. */
void xs_close(struct xs_handle *h);

/* Older names of xs_open(0) and xs_close(). */
struct xs_handle *xs_daemon_open(void);
struct xs_handle *xs_domain_open(void);
struct xs_handle *xs_daemon_open_readonly(void);
void xs_daemon_close(struct xs_handle *h);

/* In a child after fork(): give up the parent's handle. */
void xs_daemon_destroy_postfork(struct xs_handle *h);

/*
 * The names of the children of @path.  Returns an array of *@num strings,
 * which may be 0 (the array is not NULL then).
 */
char **xs_directory(struct xs_handle *h, xs_transaction_t t,
		    const char *path, unsigned int *num);

/* The value of @path, *@len (if not NULL) bytes and a NUL after them. */
void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path,
	      unsigned int *len);

/* Set the value; @path and its parents are made as needed. */
bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path,
	      const void *data, unsigned int len);

/* Make @path and its parents, or leave it as it is. */
bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path);

/* Remove @path and all below.  It need not exist, but its parent must. */
bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);

/* Not supported since Xen 4.11: returns false. */
bool xs_restrict(struct xs_handle *h, unsigned domid);

/*
 * Permissions: the first element's id owns the node, its perms are those of
 * everybody who is not named after it.  *@num elements.
 */
struct xs_permissions *xs_get_permissions(struct xs_handle *h,
					  xs_transaction_t t,
					  const char *path, unsigned int *num);
/* For the owner and for domain 0. */
bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t,
			const char *path, struct xs_permissions *perms,
			unsigned int num_perms);

/*
 * Hear of changes at @path and below, of @introduceDomain or @releaseDomain.
 * There is one event at once, for @path itself.
 */
bool xs_watch(struct xs_handle *h, const char *path, const char *token);
bool xs_unwatch(struct xs_handle *h, const char *path, const char *token);

/* Readable while events are pending (poll(2)); never read from it. */
int xs_fileno(struct xs_handle *h);

/*
 * The next event as { path, token }, free()d in one go.  xs_check_watch()
 * fails with EAGAIN when there is none, xs_read_watch() waits for one and
 * sets *@num to 2.
 */
char **xs_check_watch(struct xs_handle *h);
char **xs_read_watch(struct xs_handle *h, unsigned int *num);

/*
 * A transaction sees the store as it was at the start; others see its changes
 * when it ends with @abort false.  That fails with EAGAIN if somebody changed
 * what it looked at or changed: do all of it again.  0 on failure.
 */
xs_transaction_t xs_transaction_start(struct xs_handle *h);
bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);

/* Domain 0 alone: a domain appears, targets another, is resumed, ends. */
bool xs_introduce_domain(struct xs_handle *h, unsigned int domid,
			 unsigned long mfn, unsigned int eventchn);
bool xs_set_target(struct xs_handle *h, unsigned int domid,
		   unsigned int target);
bool xs_resume_domain(struct xs_handle *h, unsigned int domid);
bool xs_release_domain(struct xs_handle *h, unsigned int domid);

/* "/local/domain/DOMID" */
char *xs_get_domain_path(struct xs_handle *h, unsigned int domid);
bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid);

/* Is @child @parent, or below it?  Compares text; cannot fail. */
bool xs_path_is_subpath(const char *parent, const char *child);

/*
 * A command to the store itself, @len bytes of arguments at @data, each with
 * its NUL.  Returns the answer.
 */
char *xs_control_command(struct xs_handle *h, const char *cmd, void *data,
			 unsigned int len);
/* The older name. */
char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data,
		       unsigned int len);

/* Xen's event channel for suspending; -1 where there is none. */
int xs_suspend_evtchn_port(int domid);

#endif
