/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making network backends from what the user wrote:
 *
 *	user[,hostfwd=tcp|udp:[ADDR]:PORT-[ADDR]:PORT]...[,restrict=on|off]
 *		[,net=ADDR/BITS][,host=ADDR][,dhcpstart=ADDR][,dns=ADDR]
 *		[,hostname=NAME][,tftp=DIR][,bootfile=NAME]
 *	tap[,ifname=NAME]
 *	socket,listen=unix:PATH|tcp:[ADDR:]PORT
 *	socket,connect=unix:PATH|tcp:[ADDR:]PORT
 *
 * each with [,pcap=FILE], which records the frames of both directions.
 */
#ifndef BACKENDS_NET_OPEN_H
#define BACKENDS_NET_OPEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct loop;
struct net_backend;

struct net_open_args {
	struct loop *loop;
	FILE *log;
};

/* "key=value" strings; the last is NULL. */
struct net_keys {
	const char *const *v;
};

/*
 * Make a backend of @kind with @keys ("key=value", NULL-terminated).
 * Main thread, before any other thread exists (user networking forks) and
 * before the sandbox.  Returns 0, or a negative errno with one line in @err
 * (@errlen bytes).
 */
int net_open(struct net_backend **out, const char *kind,
	     const char *const *keys, const struct net_open_args *args,
	     char *err, size_t errlen);

/*
 * The same in two steps, for a machine that is confined already: another
 * process of the user's makes the descriptor, the machine a backend of it.
 * @kind: "user" or "tap"; other kinds are -ENOTSUP.
 */
int net_start(int *fd, const char *kind, const char *const *keys, char *err,
	      size_t errlen);
/* @fd is the backend's now, also on errors. */
int net_adopt(struct net_backend **out, const char *kind, int fd,
	      const struct net_open_args *args, char *err, size_t errlen);

/* Names of the kinds and their keys, for help: NULL beyond the last. */
const char *net_kind_help(unsigned n);

/* The value of @key in @keys from *@at on (advanced behind it), or NULL. */
const char *net_key(const char *const *keys, const char *key, unsigned *at);

/* One constructor for each kind; keys are known to be valid names. */
int net_user_open(struct net_backend **out, const char *const *keys,
		  const struct net_open_args *args, char *err, size_t errlen);
int net_user_start(int *fd, const char *const *keys, char *err,
		   size_t errlen);
int net_tap_start(int *fd, const char *const *keys, char *err,
		  size_t errlen);
int net_tap_open(struct net_backend **out, const char *const *keys,
		 const struct net_open_args *args, char *err, size_t errlen);
int net_socket_open(struct net_backend **out, const char *const *keys,
		    const struct net_open_args *args, char *err,
		    size_t errlen);
/*
 * Record what passes @inner, which is the new backend's, in @path.
 * libpcap file format, link type 1.
 */
int net_pcap_wrap(struct net_backend **out, struct net_backend *inner,
		  const char *path, const struct net_open_args *args,
		  char *err, size_t errlen);

#endif
