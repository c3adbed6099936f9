// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices: what the store wants of them, what the VM makes of it.
 *
 *	nothing --(backend state 1)--> ATTACHING --ok--> CONNECTED (both 4)
 *	                                  |failed: `error', both 6
 *	CONNECTED --(backend state 5, or the node removed)--> DETACHING
 *	DETACHING --ok--> nothing (both 6)   --failed: `error', both 4
 *	CONNECTED --(`params' changed)--> CHANGING --> CONNECTED (`media-status')
 *
 * A guest may also let go of a device that nobody asked back.
 *
 * While something is under way changes are not looked at; they are when it is
 * finished.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/net_open.h"
#include "backends/xenstore/attendant_priv.h"
#include "backends/xenstore/parcel.h"

#define BACKENDS	"/local/domain/0/backend"

/* Of one class: what a machine may say that it has. */
#define DEVICES_MAX	64

/* Nodes that the protocol itself uses; they are not the device's keys. */
static const char *const protocol_keys[] = {
	"state", "frontend", "frontend-id", "online", "error", "media-status",
	"parents",
};

/* What concerns a new medium, besides `params'. */
static const char *const media_keys[] = { "format", "mode", "force" };

static void *must(void *p)
{
	if (!p)
		_exit(1);
	return p;
}

static void back_path(const struct att *a, const char *class, unsigned n,
		      const char *key, char *out)
{
	snprintf(out, PATH_ROOM, BACKENDS "/%s/%u/%u%s%s", class,
		 a->info.domid, n, *key ? "/" : "", key);
}

static char *back_read(struct att *a, const char *class, unsigned n,
		       const char *key)
{
	char path[PATH_ROOM];

	back_path(a, class, n, key, path);
	return att_read(a, path);
}

/* What somebody has removed meanwhile is not made again. */
static void write_below(struct att *a, const char *dir, const char *key,
			const char *value)
{
	char path[2 * PATH_ROOM], *there = att_read(a, dir);

	if (!there)
		return;
	free(there);
	snprintf(path, sizeof(path), "%s/%s", dir, key);
	att_write(a, path, value);
}

static void back_write(struct att *a, const struct att_device *d,
		       const char *key, const char *value)
{
	char path[PATH_ROOM];

	back_path(a, d->class, d->n, "", path);
	write_below(a, path, key, value);
}

static void front_path(const struct att *a, const struct att_device *d,
		       char *out)
{
	snprintf(out, PATH_ROOM, "%s/device/%s/%u", a->dir, d->class, d->n);
}

static void set_states(struct att *a, const struct att_device *d,
		       enum xenbus_state state)
{
	char path[PATH_ROOM], text[4];

	snprintf(text, sizeof(text), "%u", state);
	front_path(a, d, path);
	write_below(a, path, "state", text);
	back_write(a, d, "state", text);
}

/*
 * The list.
 */

static struct att_device *device_find(struct att *a, const char *class,
				      unsigned n)
{
	struct att_device *d = a->devices;

	while (d && (d->n != n || strcmp(d->class, class)))
		d = d->next;
	return d;
}

static struct att_device *device_new(struct att *a, const char *class,
				     unsigned n)
{
	struct att_device *d = must(calloc(1, sizeof(*d)));

	snprintf(d->class, sizeof(d->class), "%s", class);
	d->n = n;
	d->params = must(strdup(""));
	d->next = a->devices;
	a->devices = d;
	return d;
}

static void device_free(struct att *a, struct att_device *d)
{
	struct att_device **where = &a->devices;

	while (*where != d)
		where = &(*where)->next;
	*where = d->next;
	for (unsigned i = 0; i < d->nkeys; i++)
		free(d->keys[i]);
	free(d->keys);
	free(d->params);
	free(d->wanted);
	free(d);
}

static void add_key(struct att_device *d, const char *key, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", key, value) < 0)
		_exit(1);
	d->keys = must(realloc(d->keys, (d->nkeys + 1) * sizeof(*d->keys)));
	d->keys[d->nkeys++] = text;
	if (!strcmp(key, "params")) {
		free(d->params);
		d->params = must(strdup(value));
	}
}

static bool is_protocol_key(const char *key)
{
	for (unsigned i = 0; i < sizeof(protocol_keys) /
	     sizeof(protocol_keys[0]); i++)
		if (!strcmp(protocol_keys[i], key))
			return true;
	return false;
}

static void read_keys(struct att *a, struct att_device *d)
{
	char path[PATH_ROOM];
	unsigned n = 0;
	char **v;

	back_path(a, d->class, d->n, "", path);
	v = xs_directory(a->h, XBT_NULL, path, &n);
	for (unsigned i = 0; v && i < n; i++) {
		char *value;

		if (is_protocol_key(v[i]) || strlen(v[i]) > 64)
			continue;
		value = back_read(a, d->class, d->n, v[i]);
		if (value)
			add_key(d, v[i], value);
		free(value);
	}
	free(v);
}

/*
 * Requests to the VM.
 */

static void parcel_device(struct parcel *p, const char *verb,
			  const struct att_device *d)
{
	char number[16];

	parcel_init(p);
	snprintf(number, sizeof(number), "%u", d->n);
	parcel_add(p, verb);
	parcel_add(p, d->class);
	parcel_add(p, number);
}

/* A file that the VM will open by this name.  Returns 0 or -errno. */
static int add_file(struct parcel *p, const char *path, bool writable)
{
	char text[PATH_ROOM + 8];
	int fd, ret;

	if (strlen(path) >= PATH_ROOM || *path != '/')
		return -EINVAL;
	fd = open(path, O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		  (writable ? O_RDWR : O_RDONLY));
	if (fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "file:%s", path);
	ret = parcel_add(p, text);
	if (!ret)
		ret = parcel_add_fd(p, fd);
	if (ret)
		close(fd);
	return ret;
}

/* The images below an image, as `umbra attach' found them: parents/0... */
static int add_parents(struct att *a, struct parcel *p,
		       const struct att_device *d)
{
	int ret = 0;

	for (unsigned i = 0; !ret; i++) {
		char key[32], *path;

		snprintf(key, sizeof(key), "parents/%u", i);
		path = back_read(a, d->class, d->n, key);
		if (!path)
			return 0;
		ret = add_file(p, path, false);
		free(path);
	}
	return ret;
}

/* A network of the kind `type', of which the machine gets one end. */
static int add_network(struct parcel *p, const struct att_device *d,
		       char *err, size_t errlen)
{
	const char *keys[PARCEL_STRINGS + 1], *type = "user";
	unsigned n = 0;
	int fd, ret;

	for (unsigned i = 0; i < d->nkeys && n < PARCEL_STRINGS; i++) {
		if (!strncmp(d->keys[i], "type=", 5))
			type = d->keys[i] + 5;
		else if (strncmp(d->keys[i], "mac=", 4) &&
			 strncmp(d->keys[i], "model=", 6))
			keys[n++] = d->keys[i];
	}
	keys[n] = NULL;
	ret = net_start(&fd, type, keys, err, errlen);
	if (ret)
		return ret;
	ret = parcel_add(p, "file:net");
	if (!ret)
		ret = parcel_add_fd(p, fd);
	if (ret)
		close(fd);
	return ret;
}

/* Disks name a file; @params "" is a drive without a medium. */
static int add_files(struct att *a, struct parcel *p,
		     const struct att_device *d, const char *params)
{
	char *mode;
	int ret;

	if (strcmp(d->class, "vbd") || *params != '/')
		return 0;
	mode = back_read(a, d->class, d->n, "mode");
	ret = add_file(p, params, mode && !strcmp(mode, "w"));
	free(mode);
	return ret ? ret : add_parents(a, p, d);
}

static void finish(struct att *a, struct att_device *d, int ret,
		   const char *text);

/* Send it; @ret: what went wrong before. */
static void request(struct att *a, struct att_device *d, struct parcel *p,
		    int ret, const char *why)
{
	char text[PATH_ROOM + 64];

	if (!ret)
		att_send(a, p);
	parcel_close_fds(p);
	if (!ret)
		return;
	if (!*why) {
		snprintf(text, sizeof(text), "opening the file: %s",
			 strerror(-ret));
		why = text;
	}
	finish(a, d, ret, why);
}

static void begin_attach(struct att *a, const char *class, unsigned n)
{
	struct att_device *d = device_new(a, class, n);
	static struct parcel p;
	char why[256] = "";
	int ret = 0;

	d->status = DEVICE_ATTACHING;
	read_keys(a, d);
	back_write(a, d, "state", "3");
	parcel_device(&p, "attach", d);
	for (unsigned i = 0; i < d->nkeys && !ret; i++)
		ret = parcel_add(&p, d->keys[i]);
	if (!ret && !strcmp(class, "vif"))
		ret = add_network(&p, d, why, sizeof(why));
	else if (!ret)
		ret = add_files(a, &p, d, d->params);
	request(a, d, &p, ret, why);
}

static void begin_detach(struct att *a, struct att_device *d)
{
	static struct parcel p;

	d->status = DEVICE_DETACHING;
	parcel_device(&p, "detach", d);
	request(a, d, &p, 0, "");
}

static void begin_media(struct att *a, struct att_device *d,
			const char *params)
{
	static struct parcel p;
	int ret;

	d->status = DEVICE_CHANGING;
	d->wanted = must(strdup(params));
	parcel_device(&p, "media", d);
	ret = parcel_add_key(&p, "params", params);
	for (unsigned i = 0; !ret && i < sizeof(media_keys) /
	     sizeof(media_keys[0]); i++) {
		char *value = back_read(a, d->class, d->n, media_keys[i]);

		if (value)
			ret = parcel_add_key(&p, media_keys[i], value);
		free(value);
	}
	if (!ret)
		ret = add_files(a, &p, d, params);
	request(a, d, &p, ret, "");
}

/*
 * What the store says of one device.
 */

static void check(struct att *a, const char *class, unsigned n)
{
	struct att_device *d = device_find(a, class, n);
	char *state, *params;
	int now;

	if (d && d->status != DEVICE_CONNECTED)
		return;
	state = back_read(a, class, n, "state");
	if (!state && errno != ENOENT)
		return;		/* no store: that says nothing of devices */
	now = state ? atoi(state) : 0;
	free(state);
	if (!d && now == XENBUS_INITIALISING)
		begin_attach(a, class, n);
	else if (d && (!now || now == XENBUS_CLOSING))
		begin_detach(a, d);
	if (!d || now != XENBUS_CONNECTED)
		return;
	params = back_read(a, class, n, "params");
	if (params && strcmp(params, d->params))
		begin_media(a, d, params);
	free(params);
}

static void check_class(struct att *a, const char *class)
{
	char path[PATH_ROOM];
	unsigned n = 0;
	char **v;

	if (!a->h || strlen(class) >= 32)
		return;
	snprintf(path, sizeof(path), BACKENDS "/%s/%u", class, a->info.domid);
	v = xs_directory(a->h, XBT_NULL, path, &n);
	for (unsigned i = 0; v && i < n; i++)
		check(a, class, strtoul(v[i], NULL, 10));
	free(v);
}

/* Everything, also what has been removed. */
static void check_all(struct att *a)
{
	unsigned n = 0;
	char **v = xs_directory(a->h, XBT_NULL, BACKENDS, &n);
	struct att_device *d, *next;

	for (unsigned i = 0; v && i < n; i++)
		check_class(a, v[i]);
	free(v);
	for (d = a->devices; d; d = next) {
		next = d->next;
		check(a, d->class, d->n);
	}
}

void att_device_event(struct att *a, const char *path)
{
	char class[32];
	unsigned id, n;

	if (sscanf(path, BACKENDS "/%31[^/]/%u/%u", class, &id, &n) == 3) {
		if (id == a->info.domid)
			check(a, class, n);
		return;
	}
	if (sscanf(path, BACKENDS "/%31[^/]/%u", class, &id) == 2 &&
	    id != a->info.domid)
		return;
	check_all(a);
}

/*
 * What the VM says.
 */

static void finish_media(struct att *a, struct att_device *d, int ret,
			 const char *text)
{
	d->status = DEVICE_CONNECTED;
	if (ret) {
		back_write(a, d, "params", d->params);
		free(d->wanted);
	} else {
		free(d->params);
		d->params = d->wanted;
	}
	d->wanted = NULL;
	back_write(a, d, "media-status", ret ? text : "ok");
}

static void finish(struct att *a, struct att_device *d, int ret,
		   const char *text)
{
	enum device_status was = d->status;

	if (was == DEVICE_CHANGING) {
		finish_media(a, d, ret, text);
		return;
	}
	if (ret)
		back_write(a, d, "error", text);
	if ((was == DEVICE_ATTACHING) == !ret) {
		d->status = DEVICE_CONNECTED;
		set_states(a, d, XENBUS_CONNECTED);
	} else {
		set_states(a, d, XENBUS_CLOSED);
		device_free(a, d);
	}
}

void att_device_done(struct att *a, const struct parcel *p)
{
	struct att_device *d;
	unsigned n;

	if (p->n != 5)
		return;
	n = strtoul(p->arg[2], NULL, 10);
	d = device_find(a, p->arg[1], n);
	if (!d)
		return;
	/* Unasked: the guest has thrown it out. */
	if (d->status == DEVICE_CONNECTED)
		d->status = DEVICE_DETACHING;
	finish(a, d, atoi(p->arg[3]), p->arg[4]);
	/* What was wanted in the meantime. */
	if (a->h)
		check(a, p->arg[1], n);
}

/*
 * Devices that are there already.
 */

static void write_device(struct att *a, struct att_device *d)
{
	char front[PATH_ROOM], back[PATH_ROOM], id[16];

	back_path(a, d->class, d->n, "", back);
	front_path(a, d, front);
	att_write(a, front, "");
	att_write(a, back, "");
	snprintf(id, sizeof(id), "%u", a->info.domid);
	write_below(a, front, "backend", back);
	write_below(a, front, "backend-id", "0");
	back_write(a, d, "frontend", front);
	back_write(a, d, "frontend-id", id);
	back_write(a, d, "online", "1");
	for (unsigned i = 0; i < d->nkeys; i++) {
		char *eq = strchr(d->keys[i], '=');

		*eq = '\0';
		back_write(a, d, d->keys[i], strcmp(d->keys[i], "params") ?
			   eq + 1 : d->params);
		*eq = '=';
	}
	set_states(a, d, XENBUS_CONNECTED);
}

static bool class_is_sane(const char *class)
{
	size_t len = strlen(class);

	return len && len < 32 &&
	       strspn(class, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

void att_device_publish(struct att *a, const struct parcel *p)
{
	struct att_device *d;
	unsigned n;

	if (p->n < 3 || !class_is_sane(p->arg[1]))
		return;
	n = strtoul(p->arg[2], NULL, 10);
	if (n >= DEVICES_MAX || device_find(a, p->arg[1], n))
		return;
	d = device_new(a, p->arg[1], n);
	d->status = DEVICE_CONNECTED;
	for (unsigned i = 3; i < p->n; i++) {
		char key[64];
		const char *eq = strchr(p->arg[i], '=');

		if (!eq || eq - p->arg[i] >= (int)sizeof(key))
			continue;
		memcpy(key, p->arg[i], eq - p->arg[i]);
		key[eq - p->arg[i]] = '\0';
		if (!is_protocol_key(key) && !strchr(key, '/'))
			add_key(d, key, eq + 1);
	}
	write_device(a, d);
}

void att_device_rewrite(struct att *a)
{
	for (struct att_device *d = a->devices; d; d = d->next)
		write_device(a, d);
}
