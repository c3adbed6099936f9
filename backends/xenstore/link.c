// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verbs from the attendant: control, balloon, attach, detach, media, note.
 * To it: done CLASS N RET TEXT, ballooned RET TEXT, publish, device.
 */
#define _GNU_SOURCE
#include "backends/xenstore/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/offer.h"
#include "backends/xenstore/parcel.h"
#include "hypervisor/hotplug.h"
#include "hypervisor/loop.h"
#include "hypervisor/types.h"

struct link {
	struct link_config cfg;
	bool gone;		/* the attendant is */
};

static void link_lost(struct link *l, const char *why)
{
	if (l->gone)
		return;
	l->gone = true;
	loop_del_fd(l->cfg.loop, l->cfg.fd);
	fprintf(l->cfg.log, "umbra: xenstore: %s; the machine goes on without "
		"it\n", why);
}

static void send_parcel(struct link *l, const struct parcel *p)
{
	int ret = l->gone ? 0 : parcel_send(l->cfg.fd, p);

	if (ret)
		link_lost(l, ret == -EPIPE || ret == -ECONNRESET ?
			  "the attendant has gone" : strerror(-ret));
}

static void send_strings(struct link *l, const char *const *v, unsigned n)
{
	struct parcel p;
	int ret = 0;

	parcel_init(&p);
	for (unsigned i = 0; i < n && !ret; i++)
		ret = parcel_add(&p, v[i]);
	if (!ret)
		send_parcel(l, &p);
}

/* How a request ended; @text is meaningful for errors. */
static void send_done(struct link *l, const char *verb, const char *class,
		      unsigned n, int ret, const char *text)
{
	char number[16], result[16];
	const char *v[] = { verb, class, number, result, ret ? text : "" };

	snprintf(number, sizeof(number), "%u", n);
	snprintf(result, sizeof(result), "%d", ret);
	if (ret != -EINPROGRESS)
		send_strings(l, v, ARRAY_SIZE(v));
}

static void on_done(void *opaque, const char *class, unsigned n, int ret,
		    const char *text)
{
	send_done(opaque, "done", class, n, ret, text ? text : strerror(-ret));
}

static int parse_unsigned(const char *text, unsigned long max,
			  unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno || end == text || *end || *out > max ? -EINVAL : 0;
}

/* CLASS N KEY=VALUE... and the files "path=..." that came along. */
static int get_args(const struct parcel *p, struct hotplug_args *a)
{
	static const char file[] = "file:";
	unsigned long n;
	unsigned keys = 0;

	if (p->n < 3 || parse_unsigned(p->arg[2], ~0u, &n))
		return -EBADMSG;
	a->n = n;
	a->nfiles = 0;
	for (unsigned i = 3; i < p->n; i++) {
		if (!strncmp(p->arg[i], file, sizeof(file) - 1)) {
			if (a->nfiles == p->nfds)
				return -EBADMSG;
			a->files[a->nfiles].path = p->arg[i] + sizeof(file) - 1;
			a->files[a->nfiles].fd = p->fd[a->nfiles];
			a->nfiles++;
		} else if (keys < HOTPLUG_KEYS_MAX) {
			a->keys[keys++] = p->arg[i];
		} else {
			return -EBADMSG;
		}
	}
	a->keys[keys] = NULL;
	return 0;
}

static void offer_files(const struct hotplug_args *a)
{
	for (unsigned i = 0; i < a->nfiles; i++)
		offer_add(a->files[i].path, a->files[i].fd);
}

static void on_attach(struct link *l, const struct parcel *p)
{
	char err[HOTPLUG_ERR_LEN] = "";
	struct hotplug_args a;
	int ret = get_args(p, &a);

	if (ret)
		return;
	offer_files(&a);
	if (!strcmp(p->arg[0], "attach"))
		ret = hotplug_attach(l->cfg.hotplug, p->arg[1], &a, err);
	else
		ret = hotplug_media(l->cfg.hotplug, p->arg[1], &a, err);
	offer_clear();
	send_done(l, "done", p->arg[1], a.n, ret, err);
}

static void on_detach(struct link *l, const struct parcel *p)
{
	char err[HOTPLUG_ERR_LEN] = "";
	unsigned long n;
	int ret;

	if (p->n != 3 || parse_unsigned(p->arg[2], ~0u, &n))
		return;
	ret = hotplug_detach(l->cfg.hotplug, p->arg[1], n, err);
	send_done(l, "done", p->arg[1], n, ret, err);
}

static void on_balloon(struct link *l, const struct parcel *p)
{
	char err[HOTPLUG_ERR_LEN] = "";
	unsigned long kib;
	int ret;

	if (p->n != 2 || parse_unsigned(p->arg[1], ~0ul / KIB, &kib))
		return;
	ret = hotplug_balloon(l->cfg.hotplug, (uint64_t)kib * KIB, err);
	send_done(l, "ballooned", "memory", 0, ret, err);
}

static void on_control(struct link *l, const struct parcel *p)
{
	static const char *const names[] = {
		[LINK_POWEROFF] = "poweroff",
		[LINK_REBOOT] = "reboot",
		[LINK_HALT] = "halt",
	};

	for (unsigned i = 0; p->n == 2 && i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], p->arg[1]))
			l->cfg.control(l->cfg.opaque, i);
}

static void on_note(struct link *l, const struct parcel *p)
{
	if (p->n == 2)
		fprintf(l->cfg.log, "umbra: xenstore: %s\n", p->arg[1]);
}

static const struct {
	const char *verb;
	void (*fn)(struct link *l, const struct parcel *p);
} verbs[] = {
	{ "attach", on_attach },
	{ "media", on_attach },
	{ "detach", on_detach },
	{ "balloon", on_balloon },
	{ "control", on_control },
	{ "note", on_note },
};

static void on_parcel(void *opaque, int fd, short revents)
{
	struct link *l = opaque;
	static struct parcel p;		/* loop's thread alone */
	int ret = parcel_receive(fd, &p);

	if (ret == -EAGAIN)
		return;
	if (ret) {
		link_lost(l, "the attendant has gone");
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(verbs); i++)
		if (!strcmp(verbs[i].verb, p.arg[0]))
			verbs[i].fn(l, &p);
	parcel_close_fds(&p);
}

void link_publish(struct link *l, const char *path, const char *value)
{
	const char *v[] = { "publish", path, value };

	send_strings(l, v, ARRAY_SIZE(v));
}

void link_publish_device(struct link *l, const char *class, unsigned n,
			 const char *const *keys)
{
	const char *v[3 + HOTPLUG_KEYS_MAX] = { "device", class };
	char number[16];
	unsigned i = 3;

	snprintf(number, sizeof(number), "%u", n);
	v[2] = number;
	for (; *keys && i < ARRAY_SIZE(v); keys++)
		v[i++] = *keys;
	send_strings(l, v, i);
}

int link_create(struct link **out, const struct link_config *cfg)
{
	struct link *l = calloc(1, sizeof(*l));
	int ret = l ? 0 : -ENOMEM;

	*out = NULL;
	if (!ret && fcntl(cfg->fd, F_SETFL, O_NONBLOCK))
		ret = -errno;
	if (!ret)
		ret = loop_add_fd(cfg->loop, cfg->fd, POLLIN, on_parcel, l);
	if (ret) {
		free(l);
		close(cfg->fd);
		return ret;
	}
	l->cfg = *cfg;
	hotplug_on_done(cfg->hotplug, on_done, l);
	*out = l;
	return 0;
}

void link_destroy(struct link *l)
{
	if (!l)
		return;
	hotplug_on_done(l->cfg.hotplug, NULL, NULL);
	if (!l->gone)
		loop_del_fd(l->cfg.loop, l->cfg.fd);
	close(l->cfg.fd);
	free(l);
}
