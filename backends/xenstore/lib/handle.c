// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening, closing, and one message in either direction.
 *
 * Before the first watch the thread that makes a request reads its answer
 * itself.  From then on a thread of the library reads everything, hands an
 * answer to whoever waits (there is one at most: h->request) and queues
 * events:
 *
 *	request ----> store ----> reader --+-- h->answer --> requester
 *	                                   +-- h->events --> xs_read_watch()
 *
 * The first failure is final: h->ended stays, every later request reports it.
 */
#define _GNU_SOURCE
#include "backends/xenstore/lib/handle.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/xenstore/include/xenstore.h"

/* The reader needs little; programs may have thousands of handles. */
#define READER_STACK	(64 * 1024)
#define PARTS_MAX	8

/*
 * Where nobody said which store, it is the user's own or root's: the directory
 * may be one in /tmp that somebody else was first to make.
 */
static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getenv("XENSTORED_PATH") || getenv("XENSTORED_RUNDIR"))
		return true;
	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) &&
	       (peer.uid == geteuid() || peer.uid == 0);
}

static int open_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fd;
	saved = 0;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		saved = errno;
	else if (!is_trusted(fd))
		saved = EACCES;
	if (!saved)
		return fd;
	close(fd);
	errno = saved;
	return -1;
}

static int open_path(const char *path, bool *is_socket)
{
	struct stat st;

	if (stat(path, &st))
		return -1;
	*is_socket = S_ISSOCK(st.st_mode);
	return *is_socket ? open_socket(path) :
			    open(path, O_RDWR | O_CLOEXEC);
}

/* Inside of a Xen guest the kernel's device leads to the store. */
static int open_any(bool *is_socket)
{
	static const char *const devices[] = {
		"/dev/xen/xenbus", "/proc/xen/xenbus",
	};
	int fd = open_path(xs_daemon_socket(), is_socket);
	int saved = errno;

	for (unsigned i = 0; fd < 0 && i < 2; i++)
		if (!access(devices[i], F_OK))
			fd = open_path(devices[i], is_socket);
	if (fd < 0)
		errno = saved;
	return fd;
}

struct xs_handle *xs_open(unsigned long flags)
{
	struct xs_handle *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->fd = open_any(&h->is_socket);
	if (h->fd < 0) {
		free(h);
		return NULL;
	}
	h->flags = flags;
	h->events_end = &h->events;
	h->ready[0] = h->ready[1] = -1;
	h->stop_reader[0] = h->stop_reader[1] = -1;
	pthread_mutex_init(&h->request, NULL);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	return h;
}

static void close_pipe(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static void handle_free(struct xs_handle *h)
{
	struct xs_message *m, *next;

	for (m = h->events; m; m = next) {
		next = m->next;
		free(m);
	}
	free(h->answer);
	close(h->fd);
	close_pipe(h->ready);
	close_pipe(h->stop_reader);
	free(h);
}

void xs_close(struct xs_handle *h)
{
	if (!h)
		return;
	if (h->has_reader) {
		close(h->stop_reader[1]);
		h->stop_reader[1] = -1;
		pthread_join(h->reader, NULL);
	}
	pthread_mutex_destroy(&h->request);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->changed);
	handle_free(h);
}

/* The reader and the holders of the locks are in the parent alone. */
void xs_daemon_destroy_postfork(struct xs_handle *h)
{
	handle_free(h);
}

struct xs_handle *xs_daemon_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_domain_open(void)
{
	return xs_open(0);
}

struct xs_handle *xs_daemon_open_readonly(void)
{
	return xs_open(0);
}

void xs_daemon_close(struct xs_handle *h)
{
	xs_close(h);
}

/*
 * Messages.
 */

/* Wait for input in the reader.  False: the handle is being closed. */
static bool reader_may_read(struct xs_handle *h)
{
	struct pollfd p[2] = {
		{ .fd = h->fd, .events = POLLIN },
		{ .fd = h->stop_reader[0], .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0)
		;
	return !p[1].revents;
}

/* 0, or the errno of a connection that is of no more use. */
static int read_all(struct xs_handle *h, void *buf, size_t len, bool reader)
{
	char *p = buf;

	while (len) {
		ssize_t n;

		if (reader && !reader_may_read(h))
			return EBADF;
		n = read(h->fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (!n)
			return EPIPE;
		p += n;
		len -= n;
	}
	return 0;
}

static int message_read(struct xs_handle *h, struct xs_message **out,
			bool reader)
{
	struct xsd_sockmsg head;
	struct xs_message *m;
	int ret = read_all(h, &head, sizeof(head), reader);

	*out = NULL;
	if (ret)
		return ret;
	if (head.len > XENSTORE_PAYLOAD_MAX)
		return EIO;
	m = malloc(sizeof(*m) + head.len + 1);
	if (!m)
		return ENOMEM;
	m->next = NULL;
	m->head = head;
	m->body[head.len] = '\0';
	ret = read_all(h, m->body, head.len, reader);
	if (ret)
		free(m);
	else
		*out = m;
	return ret;
}

void xs_update_ready(struct xs_handle *h)
{
	char c = 0;

	if (h->ready[0] < 0)
		return;
	/* Both ends do not block, and never hold more than one byte. */
	while (read(h->ready[0], &c, 1) > 0)
		;
	if ((h->events || h->ended) && write(h->ready[1], &c, 1) != 1)
		h->ended = EIO;
}

/* An event is two strings, path and token. */
static bool event_is_valid(const struct xs_message *m)
{
	size_t path = strnlen(m->body, m->head.len);

	return m->head.len && path + 1 < m->head.len &&
	       !m->body[m->head.len - 1];
}

/* h->lock held. */
static void message_deliver(struct xs_handle *h, struct xs_message *m)
{
	if (m->head.type != XS_WATCH_EVENT) {
		free(h->answer);
		h->answer = m;
	} else if (event_is_valid(m)) {
		*h->events_end = m;
		h->events_end = &m->next;
		xs_update_ready(h);
	} else {
		free(m);
	}
	pthread_cond_broadcast(&h->changed);
}

/* Read one message and deliver it.  False: the connection has ended. */
static bool message_take(struct xs_handle *h, bool reader)
{
	struct xs_message *m;
	int ret = message_read(h, &m, reader);

	pthread_mutex_lock(&h->lock);
	if (ret) {
		h->ended = ret;
		xs_update_ready(h);
		pthread_cond_broadcast(&h->changed);
	} else {
		message_deliver(h, m);
	}
	pthread_mutex_unlock(&h->lock);
	return !ret;
}

static void *reader_main(void *opaque)
{
	while (message_take(opaque, true))
		;
	return NULL;
}

/* Signals are for the program's own threads. */
static int reader_create(struct xs_handle *h)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int ret;

	pthread_attr_init(&attr);
	/* EINVAL where the system's least is more: then its default. */
	pthread_attr_setstacksize(&attr, READER_STACK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret = pthread_create(&h->reader, &attr, reader_main, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return ret;
}

bool xs_start_reader(struct xs_handle *h)
{
	int ret = 0;

	pthread_mutex_lock(&h->request);
	if (!h->has_reader) {
		if (h->stop_reader[0] < 0 &&
		    pipe2(h->stop_reader, O_CLOEXEC))
			ret = errno;
		if (!ret)
			ret = reader_create(h);
		h->has_reader = !ret;
	}
	pthread_mutex_unlock(&h->request);
	errno = ret ? ret : errno;
	return !ret;
}

/* 0 or errno.  A store that went away is an error, not a signal. */
static int send_all(struct xs_handle *h, struct iovec *part, unsigned n)
{
	while (n) {
		struct msghdr msg = { .msg_iov = part, .msg_iovlen = n };
		ssize_t sent;

		if (h->is_socket)
			sent = sendmsg(h->fd, &msg, MSG_NOSIGNAL);
		else
			sent = write(h->fd, part->iov_base, part->iov_len);
		if (sent < 0 && errno != EINTR)
			return errno;
		while (sent >= 0 && n && (size_t)sent >= part->iov_len) {
			sent -= part->iov_len;
			part++;
			n--;
		}
		if (n && sent > 0) {
			part->iov_base = (char *)part->iov_base + sent;
			part->iov_len -= sent;
		}
	}
	return 0;
}

static void connection_ended(struct xs_handle *h, int error)
{
	pthread_mutex_lock(&h->lock);
	if (!h->ended)
		h->ended = error;
	xs_update_ready(h);
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

/* The answer to the request that was sent, or NULL and *error. */
static struct xs_message *wait_answer(struct xs_handle *h, int *error)
{
	struct xs_message *m;

	pthread_mutex_lock(&h->lock);
	while (!h->answer && !h->ended) {
		if (h->has_reader) {
			pthread_cond_wait(&h->changed, &h->lock);
			continue;
		}
		pthread_mutex_unlock(&h->lock);
		message_take(h, false);
		pthread_mutex_lock(&h->lock);
	}
	m = h->answer;
	h->answer = NULL;
	*error = m ? 0 : h->ended;
	pthread_mutex_unlock(&h->lock);
	return m;
}

static int error_from_name(const char *name)
{
	size_t n = sizeof(xsd_errors) / sizeof(xsd_errors[0]);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(xsd_errors[i].errstring, name))
			return xsd_errors[i].errnum;
	return EINVAL;
}

static struct xs_message *talk_locked(struct xs_handle *h, uint32_t type,
				      struct iovec *part, unsigned n,
				      int *error)
{
	struct xs_message *m = NULL;

	pthread_mutex_lock(&h->lock);
	*error = h->ended;
	free(h->answer);
	h->answer = NULL;
	pthread_mutex_unlock(&h->lock);
	if (!*error)
		*error = send_all(h, part, n);
	if (*error) {
		connection_ended(h, *error);
		return NULL;
	}
	m = wait_answer(h, error);
	if (m && m->head.type == XS_ERROR) {
		*error = error_from_name(m->body);
	} else if (m && m->head.type != type) {
		*error = EIO;
		connection_ended(h, EIO);
	}
	if (*error) {
		free(m);
		m = NULL;
	}
	return m;
}

struct xs_message *xs_talk(struct xs_handle *h, uint32_t type, uint32_t tx_id,
			   const struct iovec *part, unsigned n)
{
	struct xsd_sockmsg head = { .type = type, .tx_id = tx_id };
	struct iovec all[PARTS_MAX + 1] = { { &head, sizeof(head) } };
	struct xs_message *m;
	size_t len = 0;
	int error;

	for (unsigned i = 0; i < n; i++) {
		all[i + 1] = part[i];
		len += part[i].iov_len;
	}
	/* The store would end the connection. */
	if (len > XENSTORE_PAYLOAD_MAX) {
		errno = E2BIG;
		return NULL;
	}
	head.len = len;
	pthread_mutex_lock(&h->request);
	m = talk_locked(h, type, all, n + 1, &error);
	pthread_mutex_unlock(&h->request);
	if (!m)
		errno = error;
	return m;
}
