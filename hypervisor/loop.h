/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event loop of the main thread, and the machine lock.
 *
 * Every device, timer and character backend runs under this one lock:
 * callbacks from the loop are made with it held, the vCPU thread takes it
 * around each device access.  Callbacks must not block.
 */
#ifndef HYPERVISOR_LOOP_H
#define HYPERVISOR_LOOP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

/* @revents: POLLIN, POLLOUT, POLLHUP, POLLERR as poll(2) gives them. */
typedef void loop_fn(void *opaque, int fd, short revents);

/* Returns 0 or a negative errno. */
int loop_create(struct loop **out);
void loop_destroy(struct loop *l);

/*
 * Watch @fd, which the caller keeps and closes.  @events: POLLIN, POLLOUT, or
 * 0 for the moment.  Returns 0, -EEXIST if it is watched already, -ENOMEM.
 * Lock held (or before loop_run()); any thread.
 */
int loop_add_fd(struct loop *l, int fd, short events, loop_fn *fn,
		void *opaque);
/* Change what to watch for; cheap when it is the same as before. */
void loop_set_events(struct loop *l, int fd, short events);
void loop_del_fd(struct loop *l, int fd);

/*
 * Dispatch until loop_quit().  Called without the lock, which is held around
 * each round of callbacks.
 */
void loop_run(struct loop *l);
/* Any thread, with or without the lock; async-signal-safe. */
void loop_quit(struct loop *l);
/* Make loop_run() go round once; as loop_quit() otherwise. */
void loop_wake(struct loop *l);

void loop_lock(struct loop *l);
/* False: somebody else has it. */
bool loop_trylock(struct loop *l);
void loop_unlock(struct loop *l);
/* Wait on @c; the lock is given up meanwhile and held again afterwards. */
void loop_wait(struct loop *l, pthread_cond_t *c);

#endif
