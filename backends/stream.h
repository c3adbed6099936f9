/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Servers on stream sockets: monitor, QMP, gdb, VNC, serial ports.
 *
 * All functions and callbacks run with the loop's lock held.  Nothing blocks:
 * output is buffered and sent from the loop.
 */
#ifndef BACKENDS_STREAM_H
#define BACKENDS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct stream_conn;
struct stream_server;

struct stream_ops {
	/* A client came.  Keep what belongs to it with stream_set_user(). */
	void (*opened)(void *opaque, struct stream_conn *c);
	/* @len > 0 bytes from it; not after stream_close(). */
	void (*input)(void *opaque, struct stream_conn *c, const uint8_t *buf,
		      size_t len);
	/* It is gone, by itself or by stream_close(); @c dies on return. */
	void (*closed)(void *opaque, struct stream_conn *c);
};

/*
 * Listen on @spec: "unix:PATH" (mode 0600; a socket there that nobody serves
 * is replaced) or "tcp:[HOST:]PORT" (HOST is a numeric address; without it
 * the loopback).  @clients: how many at once, more are turned away.
 * Main thread, before the sandbox.
 * Returns 0, or a negative errno with one line in @err (@errlen bytes).
 */
int stream_listen(struct stream_server **out, struct loop *l,
		  const char *spec, unsigned clients,
		  const struct stream_ops *ops, void *opaque, char *err,
		  size_t errlen);
/*
 * Connect to @spec as the only client of a server that accepts none; opened()
 * is called before this returns.  Otherwise as above.
 */
int stream_connect(struct stream_server **out, struct loop *l,
		   const char *spec, const struct stream_ops *ops,
		   void *opaque, char *err, size_t errlen);
/* Close all connections (their closed() is called) and stop listening. */
void stream_server_destroy(struct stream_server *s);
/* The TCP port in use (0 in @spec lets the host choose), or 0. */
unsigned stream_port(const struct stream_server *s);

/* As stream_listen() would parse it. */
bool stream_spec_valid(const char *spec);

/*
 * Queue @len bytes.  A client that is 64 MiB behind is closed.
 */
void stream_send(struct stream_conn *c, const void *buf, size_t len);
/* Bytes queued and not yet taken by the host. */
size_t stream_backlog(const struct stream_conn *c);
/* Leave what it sends in the host's buffers until let go. */
void stream_hold(struct stream_conn *c, bool hold);
/* Close when what is queued is sent (or cannot be). */
void stream_close(struct stream_conn *c);

void stream_set_user(struct stream_conn *c, void *user);
void *stream_user(const struct stream_conn *c);

#endif
