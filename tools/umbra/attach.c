// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra attach, detach and eject: devices of a running machine.
 *
 * An image is opened here first, as this user and without locks: what is wrong
 * with it is said at once, and the images below it are listed for the
 * attendant, which opens all of them for the machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/block.h"
#include "hypervisor/types.h"
#include "tools/umbra/cmd.h"
#include "tools/umbra/domain.h"

#define NODES_MAX	40
#define NUMBERS_MAX	64

static const struct class {
	const char *word, *name;	/* of the command; of the nodes */
	const char *keys;		/* that may be given, " key key " */
} classes[] = {
	{ "disk", "vbd", " bus format readonly serial " },
	{ "nic", "vif", " type model mac ifname restrict net host dhcpstart dns "
	  "hostname tftp bootfile hostfwd " },
};

struct request {
	struct domain d;
	const struct class *class;
	unsigned n;
	char front[DOMAIN_PATH / 2], back[DOMAIN_PATH / 2];
	struct domain_node node[NODES_MAX];
	unsigned count;
	char text[8][16];
	char *real;		/* path of the image */
	struct block *image;
	bool failed;
	char *why;
};

static const struct class *class_find(const char *command, const char *word)
{
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].word, word))
			return &classes[i];
	die("%s: %s: no such kind of device (disk or nic)", command, word);
}

static void set_places(struct request *r)
{
	snprintf(r->front, sizeof(r->front), "%s/device/%s/%u", r->d.dir,
		 r->class->name, r->n);
	snprintf(r->back, sizeof(r->back), "/local/domain/0/backend/%s/%u/%u",
		 r->class->name, r->d.id, r->n);
}

static void add(struct request *r, const char *dir, const char *key,
		const char *value)
{
	if (r->count == NODES_MAX)
		die("%s: too many settings", r->d.command);
	snprintf(r->node[r->count].path, DOMAIN_PATH, "%s/%s", dir, key);
	r->node[r->count++].value = value;
}

/* The lowest number that no device has, or had and is still closing. */
static void choose_number(struct request *r)
{
	char path[DOMAIN_PATH], *state;

	for (r->n = 0; r->n < NUMBERS_MAX; r->n++) {
		snprintf(path, sizeof(path),
			 "/local/domain/0/backend/%s/%u/%u/state",
			 r->class->name, r->d.id, r->n);
		state = xs_read(r->d.h, XBT_NULL, path, NULL);
		free(state);
		if (!state)
			return;
	}
	die("attach: the machine has %u such devices", NUMBERS_MAX);
}

static const char *check_free(struct domain *d, xs_transaction_t t,
			      void *opaque)
{
	struct request *r = opaque;
	unsigned len;
	char *v = xs_read(d->h, t, r->back, &len);

	free(v);
	return v ? "somebody else attached a device at the same time; try "
		   "again" : NULL;
}

/* "parents/0" ... */
static void add_parents(struct request *r, const struct block *image)
{
	unsigned i = 0;

	for (const struct block *b = image->parent; b; b = b->parent, i++) {
		if (i == ARRAY_SIZE(r->text))
			die("attach: %s: too many images below it", r->real);
		snprintf(r->text[i], sizeof(r->text[i]), "parents/%u", i);
		add(r, r->back, r->text[i], b->name);
	}
}

/* The value of KEY=VALUE among @argv, or NULL. */
static const char *setting(int argc, char **argv, const char *key)
{
	size_t n = strlen(key);

	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], key, n) && argv[i][n] == '=')
			return argv[i] + n + 1;
	return NULL;
}

static void open_image(struct request *r, const char *file, const char *format)
{
	struct block_config cfg = { .file = file, .format = format,
				    .read_only = true, .no_lock = true };
	char err[BLOCK_ERR_LEN];

	if (block_open(&r->image, &cfg, err))
		die("%s: %s", r->d.command, err);
	r->real = realpath(file, NULL);
	if (!r->real)
		die("%s: %s: %s", r->d.command, file, strerror(errno));
}

static void describe_disk(struct request *r, int argc, char **argv)
{
	const char *ro = setting(argc, argv, "readonly");
	const char *bus = setting(argc, argv, "bus");

	if (!argc || strchr(argv[0], '='))
		die("attach: which image? (umbra attach MACHINE disk FILE "
		    "[KEY=VALUE]...)");
	open_image(r, argv[0], setting(argc, argv, "format"));
	add(r, r->back, "params", r->real);
	add(r, r->back, "format", r->image->ops->name);
	add(r, r->back, "mode", ro && !strcmp(ro, "on") ? "r" : "w");
	add(r, r->back, "device-type", "disk");
	add(r, r->front, "device-type", "disk");
	if (!bus)
		add(r, r->back, "bus", "virtio");
	add_parents(r, r->image);
}

/* Locally administered, as QEMU's; two cards must differ. */
static void describe_nic(struct request *r, int argc, char **argv)
{
	static char mac[18];
	uint8_t b[3];
	const char *model = setting(argc, argv, "model");

	if (model && strcmp(model, "virtio-net") && strcmp(model, "pcnet"))
		die("attach: model=%s: must be virtio-net or pcnet", model);
	if (!setting(argc, argv, "type"))
		add(r, r->back, "type", "user");
	if (setting(argc, argv, "mac"))
		return;
	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		die("attach: no random numbers: %s", strerror(errno));
	snprintf(mac, sizeof(mac), "52:54:00:%02x:%02x:%02x", b[0], b[1],
		 b[2]);
	add(r, r->back, "mac", mac);
}

/* KEY=VALUE; what describe_disk() has taken already is not written again. */
static void add_settings(struct request *r, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		char *eq = strchr(argv[i], '='), key[40];

		if (!eq && !i && !strcmp(r->class->word, "disk"))
			continue;
		if (!eq || eq - argv[i] > 32)
			die("attach: %s: must be KEY=VALUE", argv[i]);
		snprintf(key, sizeof(key), " %.*s ", (int)(eq - argv[i]),
			 argv[i]);
		if (!strstr(r->class->keys, key))
			die("attach: %s: unknown key (there are:%s)", argv[i],
			    r->class->keys);
		if (!strcmp(key, " format ") || !strcmp(key, " readonly "))
			continue;
		key[strlen(key) - 1] = '\0';
		add(r, r->back, key + 1, eq + 1);
	}
}

/* The backend has come to rest: connected, closed or away. */
static bool is_settled(struct domain *d, void *opaque)
{
	struct request *r = opaque;
	char *state = domain_read(d, "%s/state", r->back);
	int now = state ? atoi(state) : 6;

	free(state);
	if (now != 4 && now != 6)
		return false;
	r->failed = now == 6;
	r->why = domain_read(d, "%s/error", r->back);
	return true;
}

static void remove_device(struct request *r)
{
	xs_rm(r->d.h, XBT_NULL, r->back);
	xs_rm(r->d.h, XBT_NULL, r->front);
}

int cmd_attach(int argc, char **argv)
{
	static struct request r;
	unsigned seconds = DOMAIN_TIMEOUT;
	char id[16];

	domain_timeout(&argc, &argv, "attach", &seconds);
	if (argc < 2)
		die("attach: umbra attach [--timeout SECONDS] MACHINE disk "
		    "FILE|nic [KEY=VALUE]...");
	domain_open(&r.d, "attach", argv[0]);
	r.class = class_find("attach", argv[1]);
	choose_number(&r);
	set_places(&r);
	snprintf(id, sizeof(id), "%u", r.d.id);
	if (!strcmp(r.class->word, "disk"))
		describe_disk(&r, argc - 2, argv + 2);
	else
		describe_nic(&r, argc - 2, argv + 2);
	add_settings(&r, argc - 2, argv + 2);
	add(&r, r.front, "backend", r.back);
	add(&r, r.front, "backend-id", "0");
	add(&r, r.front, "state", "1");
	add(&r, r.back, "frontend", r.front);
	add(&r, r.back, "frontend-id", id);
	add(&r, r.back, "online", "1");
	add(&r, r.back, "state", "1");
	domain_write(&r.d, r.node, r.count, check_free, &r);
	if (!domain_wait(&r.d, r.back, seconds, is_settled, &r))
		die("attach: the machine has not answered in %u seconds "
		    "(%s stays)", seconds, r.back);
	if (r.failed) {
		remove_device(&r);
		die("attach: %s", r.why ? r.why : "refused");
	}
	printf("%s %u\n", r.class->word, r.n);
	block_close(r.image);
	domain_close(&r.d);
	return 0;
}

static unsigned parse_number(const char *command, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (end == text || *end || n > NUMBERS_MAX)
		die("%s: %s: not a device's number (see umbra list MACHINE)",
		    command, text);
	return n;
}

static const char *check_connected(struct domain *d, xs_transaction_t t,
				   void *opaque)
{
	struct request *r = opaque;
	char path[DOMAIN_PATH], *v;
	bool good;

	snprintf(path, sizeof(path), "%s/state", r->back);
	v = xs_read(d->h, t, path, NULL);
	good = v && !strcmp(v, "4");
	free(v);
	snprintf(path, sizeof(path), "%s/error", r->back);
	xs_rm(d->h, t, path);
	return good ? NULL : "there is no such device (see umbra list "
			     "MACHINE)";
}

int cmd_detach(int argc, char **argv)
{
	static struct request r;
	unsigned seconds = DOMAIN_TIMEOUT;

	domain_timeout(&argc, &argv, "detach", &seconds);
	if (argc != 3)
		die("detach: umbra detach [--timeout SECONDS] MACHINE "
		    "disk|nic N");
	domain_open(&r.d, "detach", argv[0]);
	r.class = class_find("detach", argv[1]);
	r.n = parse_number("detach", argv[2]);
	set_places(&r);
	add(&r, r.back, "online", "0");
	add(&r, r.back, "state", "5");
	domain_write(&r.d, r.node, r.count, check_connected, &r);
	if (!domain_wait(&r.d, r.back, seconds, is_settled, &r))
		die("detach: the guest has not let it go in %u seconds",
		    seconds);
	if (!r.failed)		/* connected as before */
		die("detach: %s", r.why ? r.why : "refused");
	remove_device(&r);
	domain_close(&r.d);
	return 0;
}

static bool is_type(struct domain *d, unsigned n, const char *want)
{
	char *type = domain_read(d, "/local/domain/0/backend/vbd/%u/%u/"
				 "device-type", d->id, n);
	bool yes = type && !strcmp(type, want);

	free(type);
	return yes;
}

static bool has_changed(struct domain *d, void *opaque)
{
	struct request *r = opaque;
	char *status = domain_read(d, "%s/media-status", r->back);

	if (status && !strcmp(status, "pending")) {
		free(status);
		return false;
	}
	r->failed = !status || strcmp(status, "ok");
	r->why = status;
	return true;
}

static bool same_medium(struct request *r)
{
	char *now = domain_read(&r->d, "%s/params", r->back);
	bool same = now && !strcmp(now, r->real ? r->real : "");

	free(now);
	return same;
}

/* umbra eject MACHINE [N [FILE]] */
int cmd_eject(int argc, char **argv)
{
	static struct request r;
	unsigned seconds = DOMAIN_TIMEOUT;
	const char *force = "0";

	domain_timeout(&argc, &argv, "eject", &seconds);
	if (argc && !strcmp(argv[0], "--force")) {
		force = "1";
		argc--;
		argv++;
	}
	if (argc < 1 || argc > 3)
		die("eject: umbra eject [--timeout SECONDS] [--force] MACHINE "
		    "[N [FILE]]");
	domain_open(&r.d, "eject", argv[0]);
	r.class = class_find("eject", "disk");
	if (argc > 1)
		r.n = parse_number("eject", argv[1]);
	else
		while (r.n < NUMBERS_MAX && !is_type(&r.d, r.n, "cdrom"))
			r.n++;
	if (r.n == NUMBERS_MAX)
		die("eject: the machine has no CD-ROM drive");
	set_places(&r);
	if (argc > 2)
		open_image(&r, argv[2], NULL);
	if (same_medium(&r))
		return 0;
	add(&r, r.back, "force", force);
	/* CD-ROMs are read; floppies are written if the file can be. */
	add(&r, r.back, "mode", is_type(&r.d, r.n, "floppy") && r.real &&
	    !access(r.real, W_OK) ? "w" : "r");
	add(&r, r.back, "format", r.image ? r.image->ops->name : "");
	add(&r, r.back, "media-status", "pending");
	add(&r, r.back, "params", r.real ? r.real : "");
	domain_write(&r.d, r.node, r.count, check_connected, &r);
	if (!domain_wait(&r.d, r.back, seconds, has_changed, &r))
		die("eject: the machine has not answered in %u seconds",
		    seconds);
	if (r.failed)
		die("eject: %s", r.why ? r.why : "the device is gone");
	block_close(r.image);
	domain_close(&r.d);
	return 0;
}
