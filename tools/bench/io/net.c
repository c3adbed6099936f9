// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Net rows.  The client names one of the peer's services by a letter and says
 * how many bytes it will be (8 bytes, big-endian):
 *
 *	s	it sends them; the peer answers "k" when it has them all
 *	r	the peer sends them
 *	e	the peer sends back each byte that it gets
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/bench/bench.h"

#define CHUNK	65536u

static char buf[CHUNK];

static void put(int s, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(s, p, len, MSG_NOSIGNAL);

		if (n <= 0)
			bench_fail("send");
		p += n;
		len -= n;
	}
}

static void get(int s, size_t len)
{
	ssize_t n = recv(s, buf, len, MSG_WAITALL);

	if (n == (ssize_t)len)
		return;
	errno = n < 0 ? errno : ECONNRESET;
	bench_fail("receive");
}

/* Connect to $BENCH_PEER and ask for @service with @len bytes. */
static int ask(char service, uint64_t len)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *peer = getenv("BENCH_PEER");
	unsigned port = 0;
	uint64_t be = htobe64(len);
	char host[16];
	int s, on = 1;

	errno = EINVAL;
	if (!peer || sscanf(peer, "%15[0-9.]:%u", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &a.sin_addr) != 1)
		bench_fail("BENCH_PEER");
	a.sin_port = htons(port);
	s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof(a)))
		bench_fail(peer);
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	put(s, &service, 1);
	put(s, &be, sizeof(be));
	return s;
}

uint32_t run_net_send(unsigned iters)
{
	int s = ask('s', (uint64_t)iters * CHUNK);

	for (unsigned i = 0; i < iters; i++)
		put(s, buf, CHUNK);
	get(s, 1);
	close(s);
	return iters;
}

uint32_t run_net_receive(unsigned iters)
{
	int s = ask('r', (uint64_t)iters * CHUNK);

	for (unsigned i = 0; i < iters; i++)
		get(s, CHUNK);
	close(s);
	return iters;
}

uint32_t run_net_echo(unsigned iters)
{
	int s = ask('e', iters);

	for (unsigned i = 0; i < iters; i++) {
		put(s, buf, 1);
		get(s, 1);
	}
	close(s);
	return iters;
}
