// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Invariants, all under the loop's lock:
 *  - `out` is watched for POLLOUT exactly while the ring holds something;
 *  - `in` is watched for POLLIN exactly while a receiver is set, input has
 *    not ended and the queue has room (or overflow is to be dropped).
 */
#define _GNU_SOURCE
#include "backends/char_fd.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "hypervisor/loop.h"

/* How long char_fd_flush() may wait for a slow reader. */
#define FLUSH_MS	2000

/* One byte stays free for the end-of-input character. */
#define QUEUE_LIMIT	(CHAR_QUEUE - 1)

static void watch_input(struct char_fd *f)
{
	bool want = f->receiver && !f->eof &&
		    (f->lossy || f->queued < QUEUE_LIMIT);

	if (f->in >= 0)
		loop_set_events(f->loop, f->in, want ? POLLIN : 0);
}

/* Hand queued input to the front-end as far as it has room. */
static void deliver(struct char_fd *f)
{
	while (f->queued && f->receiver) {
		size_t n = f->receiver->room(f->opaque);

		if (n > f->queued)
			n = f->queued;
		if (!n)
			break;
		f->receiver->receive(f->opaque, f->queue, n);
		f->queued -= n;
		memmove(f->queue, f->queue + n, f->queued);
	}
	watch_input(f);
}

void char_fd_inject(struct char_fd *f, const uint8_t *buf, size_t len)
{
	if (len > CHAR_QUEUE - f->queued)
		len = CHAR_QUEUE - f->queued;
	memcpy(f->queue + f->queued, buf, len);
	f->queued += len;
	deliver(f);
}

static void input_ended(struct char_fd *f)
{
	f->eof = true;
	watch_input(f);
	if (f->ended)
		f->ended(f);
}

static void on_input(void *opaque, int fd, short revents)
{
	struct char_fd *f = opaque;
	uint8_t buf[512];
	size_t room = QUEUE_LIMIT - f->queued;
	ssize_t n;

	if (f->lossy || room > sizeof(buf))
		room = sizeof(buf);
	n = read(fd, buf, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		input_ended(f);
		return;
	}
	if (f->filter)
		n = f->filter(f, buf, n);
	if ((size_t)n > QUEUE_LIMIT - f->queued)
		n = QUEUE_LIMIT - f->queued;
	char_fd_inject(f, buf, n);
}

static void output_failed(struct char_fd *f)
{
	if (!f->dead)
		fprintf(f->log, "umbra: %s: %s (output is dropped from here "
			"on)\n", f->what, strerror(errno));
	f->dead = true;
	f->used = 0;
	loop_set_events(f->loop, f->out, 0);
}

/* One write() from the ring.  False if it would have blocked or failed. */
static bool send_some(struct char_fd *f)
{
	size_t n = CHAR_RING - f->head;
	ssize_t done;

	if (n > f->used)
		n = f->used;
	if (n > f->chunk)
		n = f->chunk;
	done = write(f->out, f->ring + f->head, n);
	if (done < 0) {
		if (errno != EINTR && errno != EAGAIN)
			output_failed(f);
		return false;
	}
	f->head = (f->head + done) % CHAR_RING;
	f->used -= done;
	return true;
}

static void on_output(void *opaque, int fd, short revents)
{
	struct char_fd *f = opaque;

	if (f->used)
		send_some(f);
	if (!f->used)
		loop_set_events(f->loop, f->out, 0);
}

size_t char_fd_write(struct char_backend *b, const uint8_t *buf, size_t len)
{
	struct char_fd *f = (struct char_fd *)b;
	size_t left = CHAR_RING - f->used;

	if (f->dead || f->out < 0)
		return len;
	if (len > left)
		len = left;
	for (size_t i = 0; i < len; i++)
		f->ring[(f->head + f->used++) % CHAR_RING] = buf[i];
	if (f->used)
		loop_set_events(f->loop, f->out, POLLOUT);
	return len;
}

void char_fd_set_receiver(struct char_backend *b,
			  const struct char_receiver *r, void *opaque)
{
	struct char_fd *f = (struct char_fd *)b;

	f->receiver = r;
	f->opaque = opaque;
	deliver(f);
}

void char_fd_resume_input(struct char_backend *b)
{
	deliver((struct char_fd *)b);
}

/*
 * A terminal in blocking mode takes what its driver has room for and sleeps
 * on the rest, so keep pieces small; a pipe that polls writable takes
 * PIPE_BUF; files do not sleep.
 */
static size_t unblocked_chunk(int fd)
{
	struct stat st;

	if (fstat(fd, &st) || S_ISCHR(st.st_mode))
		return 128;
	return S_ISREG(st.st_mode) ? CHAR_RING : 4096;
}

int char_fd_init(struct char_fd *f, struct loop *l, FILE *log,
		 const char *what, int in, int out)
{
	int ret;

	f->loop = l;
	f->log = log;
	f->what = what;
	f->in = in;
	f->out = out;
	f->chunk = out < 0 ? 0 : unblocked_chunk(out);
	if (out >= 0) {
		ret = loop_add_fd(l, out, 0, on_output, f);
		if (ret)
			return ret;
	}
	if (in >= 0) {
		ret = loop_add_fd(l, in, 0, on_input, f);
		if (ret && out >= 0)
			loop_del_fd(l, out);
		if (ret)
			return ret;
	}
	return 0;
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void char_fd_flush(struct char_backend *b)
{
	struct char_fd *f = (struct char_fd *)b;
	long end = now_ms() + FLUSH_MS, left;

	while (f->used && !f->dead && (left = end - now_ms()) > 0) {
		struct pollfd p = { f->out, POLLOUT, 0 };

		if (poll(&p, 1, left) > 0)
			send_some(f);
	}
}

void char_fd_fini(struct char_fd *f)
{
	f->receiver = NULL;
	if (f->out >= 0) {
		char_fd_flush(&f->base);
		loop_del_fd(f->loop, f->out);
		close(f->out);
	}
	if (f->in >= 0) {
		loop_del_fd(f->loop, f->in);
		close(f->in);
	}
}
