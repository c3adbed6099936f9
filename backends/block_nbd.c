// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NBD client over a Unix socket: the network block device protocol, doc/proto.md
 * of the NBD project; fixed newstyle negotiation, simple replies.
 *
 * One request at a time on the one connection.  A server that breaks the
 * protocol or stays silent for TIMEOUT_S ends the connection, and every request
 * fails from then on.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/block_file.h"
#include "hypervisor/types.h"

#define NBD_MAGIC		0x4e42444d41474943ull	/* "NBDMAGIC" */
#define NBD_IHAVEOPT		0x49484156454f5054ull	/* "IHAVEOPT" */
#define NBD_OPT_REPLY		0x0003e889045565a9ull
#define NBD_REQUEST		0x25609513u
#define NBD_REPLY		0x67446698u
#define FLAG_FIXED_NEWSTYLE	0x0001
#define FLAG_NO_ZEROES		0x0002
#define TX_READ_ONLY		0x0002
#define TX_FLUSH		0x0004
#define TX_TRIM			0x0020
#define OPT_EXPORT_NAME		1u
#define OPT_GO			7u
#define REP_ACK			1u
#define REP_INFO		3u
#define REP_ERROR		0x80000000u
#define REP_ERR_UNSUP		0x80000001u
#define REP_ERR_UNKNOWN		0x80000006u
#define INFO_EXPORT		0u
#define REPLY_MAX		65536u
#define CHUNK			(1 * MIB)
#define TIMEOUT_S		30
#define EXPORT_NAME_MAX		255

enum { CMD_READ, CMD_WRITE, CMD_DISC, CMD_FLUSH, CMD_TRIM };

struct nbd_request {
	uint32_t magic;
	uint16_t flags, type;
	uint64_t handle, offset;
	uint32_t len;
} __attribute__((packed));

struct nbd_reply {
	uint32_t magic, error;
	uint64_t handle;
} __attribute__((packed));

struct nbd {
	struct block base;
	int fd;
	uint16_t flags;			/* TX_* */
	pthread_mutex_t lock;
	uint64_t handle;
	bool dead;
};

/* Where the server is; both parsed out of cfg->file. */
struct nbd_address {
	char socket[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char export[EXPORT_NAME_MAX + 1];
};

static int receive(int fd, void *buf, size_t len)
{
	char *p = buf;

	while (len) {
		ssize_t n = read(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (!n)
			return -ECONNRESET;
		p += n;
		len -= n;
	}
	return 0;
}

static int send_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n && errno != EAGAIN ? -errno : -ETIMEDOUT;
		p += n;
		len -= n;
	}
	return 0;
}

/*
 * Requests.
 */

/* The protocol's error numbers are Linux's. */
static int host_error(uint32_t error)
{
	switch (error) {
	case 0:
		return 0;
	case EPERM: case ENOMEM: case EINVAL: case ENOSPC: case EOVERFLOW:
	case ENOTSUP:
		return -(int)error;
	}
	return -EIO;
}

static int exchange(struct nbd *n, unsigned type, uint64_t off, void *buf,
		    size_t len, int *result)
{
	struct nbd_request q = {
		.magic = htobe32(NBD_REQUEST), .type = htobe16(type),
		.handle = ++n->handle, .offset = htobe64(off),
		.len = htobe32(len),
	};
	struct nbd_reply r;
	int ret = send_all(n->fd, &q, sizeof(q));

	if (!ret && type == CMD_WRITE)
		ret = send_all(n->fd, buf, len);
	if (!ret)
		ret = receive(n->fd, &r, sizeof(r));
	if (!ret && (be32toh(r.magic) != NBD_REPLY || r.handle != q.handle))
		ret = -EPROTO;
	if (ret)
		return ret;
	*result = host_error(be32toh(r.error));
	if (!*result && type == CMD_READ)
		ret = receive(n->fd, buf, len);
	return ret;
}

static int nbd_do(struct nbd *n, unsigned type, uint64_t off, void *buf,
		  size_t len)
{
	int result = 0, ret;

	pthread_mutex_lock(&n->lock);
	ret = n->dead ? -EIO : exchange(n, type, off, buf, len, &result);
	n->dead |= ret != 0;
	pthread_mutex_unlock(&n->lock);
	return ret ? ret : result;
}

static int in_chunks(struct block *b, unsigned type, uint64_t off, char *buf,
		     uint64_t len)
{
	int ret = 0;

	while (!ret && len) {
		size_t n = len < CHUNK ? len : CHUNK;

		ret = nbd_do((struct nbd *)b, type, off, buf, n);
		off += n;
		buf += buf ? n : 0;
		len -= n;
	}
	return ret;
}

static int nbd_read(struct block *b, uint64_t off, void *buf, size_t len)
{
	return in_chunks(b, CMD_READ, off, buf, len);
}

static int nbd_write(struct block *b, uint64_t off, const void *buf,
		     size_t len)
{
	return in_chunks(b, CMD_WRITE, off, (char *)buf, len);
}

/* A server without the command promises that it needs none. */
static int nbd_flush(struct block *b)
{
	struct nbd *n = (struct nbd *)b;

	return n->flags & TX_FLUSH ? nbd_do(n, CMD_FLUSH, 0, NULL, 0) : 0;
}

static int nbd_discard(struct block *b, uint64_t off, uint64_t len)
{
	return ((struct nbd *)b)->flags & TX_TRIM ?
	       in_chunks(b, CMD_TRIM, off, NULL, len) : 0;
}

static void nbd_close(struct block *b)
{
	struct nbd *n = (struct nbd *)b;
	struct nbd_request q = { .magic = htobe32(NBD_REQUEST),
				 .type = htobe16(CMD_DISC) };

	block_flush(b);
	if (!n->dead)
		send_all(n->fd, &q, sizeof(q));
	close(n->fd);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static const struct block_ops nbd_ops = {
	.name = "nbd",
	.read = nbd_read, .write = nbd_write, .flush = nbd_flush,
	.discard = nbd_discard, .close = nbd_close,
};

/*
 * Negotiation.
 */

static int send_option(int fd, uint32_t option, const void *data, size_t len)
{
	struct {
		uint64_t magic;
		uint32_t option, len;
	} __attribute__((packed)) head = {
		htobe64(NBD_IHAVEOPT), htobe32(option), htobe32(len),
	};
	int ret = send_all(fd, &head, sizeof(head));

	return ret ? ret : send_all(fd, data, len);
}

struct nbd_export {
	uint64_t size;
	uint16_t flags;
} __attribute__((packed));

/* One reply to OPT_GO.  1: another follows. */
static int go_reply(int fd, struct nbd_export *e)
{
	struct {
		uint64_t magic;
		uint32_t option, type, len;
	} __attribute__((packed)) head;
	uint8_t data[REPLY_MAX];
	int ret = receive(fd, &head, sizeof(head));
	uint32_t len = be32toh(head.len), type = be32toh(head.type);

	if (ret)
		return ret;
	if (be64toh(head.magic) != NBD_OPT_REPLY || len > sizeof(data))
		return -EPROTO;
	ret = receive(fd, data, len);
	if (ret)
		return ret;
	if (type == REP_ACK)
		return 0;
	if (type & REP_ERROR)
		return type == REP_ERR_UNSUP ? -ENOTSUP :
		       type == REP_ERR_UNKNOWN ? -ENOENT : -EACCES;
	/* u16 type of the information, then what it is about */
	if (type == REP_INFO && len == 2 + sizeof(*e) &&
	    data[0] == INFO_EXPORT && data[1] == INFO_EXPORT)
		memcpy(e, data + 2, sizeof(*e));
	return 1;
}

static int option_go(int fd, const char *name, struct nbd_export *e)
{
	uint8_t data[4 + EXPORT_NAME_MAX + 2] = { 0 };
	uint32_t len = strlen(name), be = htobe32(len);
	int ret;

	memcpy(data, &be, sizeof(be));
	memcpy(data + sizeof(be), name, len);
	ret = send_option(fd, OPT_GO, data, sizeof(be) + len + 2);
	if (ret)
		return ret;
	do
		ret = go_reply(fd, e);
	while (ret == 1);
	return ret;
}

static int option_export_name(int fd, const char *name, bool zeroes,
			      struct nbd_export *e)
{
	uint8_t reserved[124];
	int ret = send_option(fd, OPT_EXPORT_NAME, name, strlen(name));

	if (!ret)
		ret = receive(fd, e, sizeof(*e));
	return ret || !zeroes ? ret : receive(fd, reserved, sizeof(reserved));
}

static int negotiate(int fd, const char *name, struct nbd_export *e)
{
	struct {
		uint64_t magic, opt;
		uint16_t flags;
	} __attribute__((packed)) hello;
	uint32_t mine;
	int ret = receive(fd, &hello, sizeof(hello));

	if (ret)
		return ret;
	hello.flags = be16toh(hello.flags);
	if (be64toh(hello.magic) != NBD_MAGIC ||
	    be64toh(hello.opt) != NBD_IHAVEOPT ||
	    !(hello.flags & FLAG_FIXED_NEWSTYLE))
		return -EPROTO;
	mine = htobe32(hello.flags & (FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES));
	ret = send_all(fd, &mine, sizeof(mine));
	if (!ret)
		ret = option_go(fd, name, e);
	if (ret == -ENOTSUP)
		ret = option_export_name(fd, name,
					 !(hello.flags & FLAG_NO_ZEROES), e);
	return ret;
}

/*
 * Opening.
 */

/* Copy @len bytes of @s to @out (@room with its NUL), if they fit. */
static int take(char *out, size_t room, const char *s, size_t len)
{
	if (len >= room)
		return -ENAMETOOLONG;
	memcpy(out, s, len);
	out[len] = '\0';
	return 0;
}

/* nbd:unix:SOCKET[:exportname=NAME] */
static int parse_colons(struct nbd_address *a, const char *s)
{
	const char *name = strstr(s, ":exportname=");
	int ret = take(a->socket, sizeof(a->socket), s,
		       name ? (size_t)(name - s) : strlen(s));

	if (!ret && name)
		ret = take(a->export, sizeof(a->export), name + 12,
			   strlen(name + 12));
	return ret;
}

/* nbd+unix:///NAME?socket=SOCKET */
static int parse_url(struct nbd_address *a, const char *s)
{
	const char *q = strstr(s, "?socket=");
	int ret;

	if (!q)
		return -EINVAL;
	ret = take(a->export, sizeof(a->export), s, q - s);
	return ret ? ret : take(a->socket, sizeof(a->socket), q + 8,
				strlen(q + 8));
}

static int parse_address(struct nbd_address *a, const char *s)
{
	int ret = -EINVAL;

	memset(a, 0, sizeof(*a));
	if (!strncmp(s, "nbd:unix:", 9))
		ret = parse_colons(a, s + 9);
	else if (!strncmp(s, "nbd+unix:///", 12))
		ret = parse_url(a, s + 12);
	return !ret && !*a->socket ? -EINVAL : ret;
}

static int connect_to(const char *path)
{
	struct timeval tv = { .tv_sec = TIMEOUT_S };
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	if (fd < 0)
		return -errno;
	memcpy(sa.sun_path, path, strlen(path));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	ret = -errno;
	close(fd);
	return ret;
}

static int failed(const struct block_config *cfg, int ret, char *err)
{
	return block_fail(err, ret, cfg->file, "%s",
			  ret == -EPROTO ? "is not an NBD server" :
			  ret == -ENOENT ? "no such socket or export" :
			  ret == -EINVAL ? "expected nbd:unix:SOCKET"
					   "[:exportname=NAME]" :
			  ret == -EROFS ? "the server exports it read-only "
					  "(readonly=on)" : strerror(-ret));
}

static int attach(struct nbd *n, const struct block_config *cfg)
{
	struct nbd_address a;
	struct nbd_export e = { 0 };
	int ret = parse_address(&a, cfg->file);

	if (ret)
		return ret;
	ret = n->fd = connect_to(a.socket);
	if (ret < 0)
		return ret;
	ret = negotiate(n->fd, a.export, &e);
	n->flags = be16toh(e.flags);
	n->base.size = be64toh(e.size) & ~(uint64_t)(BLOCK_SECTOR - 1);
	n->base.read_only = cfg->read_only;
	if (!ret && n->flags & TX_READ_ONLY && !cfg->read_only)
		ret = -EROFS;
	return ret;
}

int nbd_open(struct block **out, const struct block_config *cfg, char *err)
{
	struct nbd *n = calloc(1, sizeof(*n));
	int ret;

	*out = NULL;
	if (!n)
		return block_fail(err, -ENOMEM, cfg->file, "out of memory");
	n->fd = -1;
	n->base.ops = &nbd_ops;
	pthread_mutex_init(&n->lock, NULL);
	ret = attach(n, cfg);
	if (ret) {
		if (n->fd >= 0)
			close(n->fd);
		free(n);
		return failed(cfg, ret, err);
	}
	*out = &n->base;
	return 0;
}
