// SPDX-License-Identifier: GPL-2.0-or-later
/* Drives as the user describes them; see drive.h. */
#include "tools/lib/drive.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hypervisor/types.h"

#define VALUE_MAX_LEN	4096

static const char *const if_names[DRIVE_IFS] = {
	"ide", "floppy", "scsi", "virtio", "none",
};

/* Buses of a kind, and units on each; 0: as many as there are drives. */
static const struct {
	unsigned buses, units;
} places[DRIVE_IFS] = {
	[DRIVE_IDE] = { 2, 2 },
	[DRIVE_FLOPPY] = { 1, 2 },
	[DRIVE_SCSI] = { 1, 7 },
	[DRIVE_VIRTIO] = { 1, 0 },
	[DRIVE_NONE] = { 1, 0 },
};

static const struct {
	const char *key, *values, *conf;
} keys[] = {
#define DRIVE_KEY(key, values, conf) { key, values, conf },
#include "tools/lib/drive.def"
#undef DRIVE_KEY
};

static int fail(char *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, DRIVE_ERR_LEN, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static void drive_fini(struct drive_opt *d)
{
	free(d->file);
	free(d->format);
	free(d->serial);
	free(d->id);
}

void drive_list_fini(struct drive_list *l)
{
	for (unsigned i = 0; i < l->n; i++)
		drive_fini(&l->v[i]);
	free(l->v);
	*l = (struct drive_list){ 0 };
}

static struct drive_opt *drive_new(struct drive_list *l)
{
	struct drive_opt *v = realloc(l->v, (l->n + 1) * sizeof(*v));

	if (!v)
		return NULL;
	l->v = v;
	v[l->n] = (struct drive_opt){ .index = DRIVE_UNPLACED,
				      .bus = DRIVE_UNPLACED,
				      .unit = DRIVE_UNPLACED };
	return &v[l->n++];
}

/*
 * Values.
 */

static int set_text(char **where, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*where);
	*where = copy;
	return 0;
}

static int set_switch(bool *where, const char *value, const char *on,
		      const char *off, char *err)
{
	if (!strcasecmp(value, on) || !strcasecmp(value, "true"))
		*where = true;
	else if (!strcasecmp(value, off) || !strcasecmp(value, "false"))
		*where = false;
	else
		return fail(err, "must be %s or %s", on, off);
	return 0;
}

static int set_number(int *where, const char *value, char *err)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (!isdigit((unsigned char)*value) || *end || n > 255)
		return fail(err, "must be a number up to 255");
	*where = n;
	return 0;
}

static int set_if(struct drive_opt *d, const char *value, char *err)
{
	for (unsigned i = 0; i < DRIVE_IFS; i++)
		if (!strcmp(value, if_names[i])) {
			d->iface = i;
			return 0;
		}
	return fail(err, "must be ide, floppy, scsi, virtio or none");
}

static int set_media(struct drive_opt *d, const char *value, char *err)
{
	/* VMware's names, too. */
	if (!strcasecmp(value, "cdrom") || !strcasecmp(value, "cdrom-image"))
		d->cdrom = true;
	else if (!strcasecmp(value, "disk"))
		d->cdrom = false;
	else
		return fail(err, "must be disk or cdrom");
	return 0;
}

static int set_cache(struct drive_opt *d, const char *value, char *err)
{
	static const struct {
		const char *name;
		enum block_cache cache;
	} caches[] = {
		{ "writeback", BLOCK_WRITEBACK }, { "none", BLOCK_DIRECT },
		{ "writethrough", BLOCK_WRITETHROUGH },
		{ "directsync", BLOCK_DIRECTSYNC }, { "unsafe", BLOCK_UNSAFE },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(caches); i++)
		if (!strcmp(value, caches[i].name)) {
			d->cache = caches[i].cache;
			return 0;
		}
	return fail(err, "must be writeback, none, writethrough, directsync "
		    "or unsafe");
}

static int set_locking(struct drive_opt *d, const char *value, char *err)
{
	bool on;
	int ret = set_switch(&on, value, "on", "off", err);

	d->no_lock = !ret && !on;
	return ret;
}

static int drive_set(struct drive_opt *d, const char *key, const char *value,
		     char *err)
{
	if (!strcmp(key, "file"))
		return *value ? set_text(&d->file, value) :
				fail(err, "empty file name");
	if (!strcmp(key, "format"))
		return set_text(&d->format, value);
	if (!strcmp(key, "serial"))
		return set_text(&d->serial, value);
	if (!strcmp(key, "id"))
		return set_text(&d->id, value);
	if (!strcmp(key, "if"))
		return set_if(d, value, err);
	if (!strcmp(key, "media"))
		return set_media(d, value, err);
	if (!strcmp(key, "index"))
		return set_number(&d->index, value, err);
	if (!strcmp(key, "bus"))
		return set_number(&d->bus, value, err);
	if (!strcmp(key, "unit"))
		return set_number(&d->unit, value, err);
	if (!strcmp(key, "readonly"))
		return set_switch(&d->read_only, value, "on", "off", err);
	if (!strcmp(key, "snapshot"))
		return set_switch(&d->snapshot, value, "on", "off", err);
	if (!strcmp(key, "discard"))
		return set_switch(&d->discard, value, "unmap", "ignore", err);
	if (!strcmp(key, "cache"))
		return set_cache(d, value, err);
	return set_locking(d, value, err);
}

/*
 * --drive
 */

static const char *key_known(const char *key)
{
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(keys[i].key, key))
			return keys[i].key;
	return NULL;
}

static int unknown_key(const char *key, char *err)
{
	size_t n = snprintf(err, DRIVE_ERR_LEN, "%.64s: unknown key (", key);

	for (unsigned i = 0; i < ARRAY_SIZE(keys) && n < DRIVE_ERR_LEN; i++)
		n += snprintf(err + n, DRIVE_ERR_LEN - n, "%s%s",
			      i ? " " : "", keys[i].key);
	if (n < DRIVE_ERR_LEN)
		snprintf(err + n, DRIVE_ERR_LEN - n, ")");
	return -EINVAL;
}

/* The next part of @s up to a single comma; "" at the end, *s NULL then. */
static int next_part(const char **s, char *out, char *err)
{
	const char *p = *s;
	size_t n = 0;

	for (; *p && (*p != ',' || p[1] == ','); p++) {
		if (*p == ',')
			p++;
		if (n + 1 == VALUE_MAX_LEN)
			return fail(err, "too long");
		out[n++] = *p;
	}
	out[n] = '\0';
	*s = *p ? p + 1 : NULL;
	return 0;
}

static int set_part(struct drive_opt *d, char *part, char *err)
{
	char cause[DRIVE_ERR_LEN], *eq = strchr(part, '=');
	const char *key;
	int ret;

	if (eq)
		*eq = '\0';
	key = key_known(part);
	if (!key)
		return unknown_key(part, err);
	if (!eq)
		return fail(err, "%s: needs a value", key);
	ret = drive_set(d, key, eq + 1, cause);
	return ret == -EINVAL ? fail(err, "%s=%.128s: %.256s", key, eq + 1,
				     cause) : ret;
}

static int set_parts(struct drive_opt *d, const char *value, char *err)
{
	char *part = malloc(VALUE_MAX_LEN);
	int ret = part ? 0 : -ENOMEM;

	while (!ret && value) {
		ret = next_part(&value, part, err);
		if (!ret)
			ret = set_part(d, part, err);
	}
	free(part);
	return ret;
}

/* The short forms. */
static const struct {
	const char *option;
	enum drive_if iface;
	int index;
	bool cdrom;
} shorts[] = {
	{ "hda", DRIVE_IDE, 0, false }, { "hdb", DRIVE_IDE, 1, false },
	{ "hdc", DRIVE_IDE, 2, false }, { "hdd", DRIVE_IDE, 3, false },
	{ "cdrom", DRIVE_IDE, 2, true },
	{ "fda", DRIVE_FLOPPY, 0, false }, { "fdb", DRIVE_FLOPPY, 1, false },
};

int drive_add(struct drive_list *l, const char *option, const char *value,
	      char *err)
{
	struct drive_opt *d = drive_new(l);

	if (!d)
		return -ENOMEM;
	for (unsigned i = 0; i < ARRAY_SIZE(shorts); i++) {
		if (strcmp(shorts[i].option, option))
			continue;
		d->iface = shorts[i].iface;
		d->index = shorts[i].index;
		d->cdrom = shorts[i].cdrom;
		return drive_set(d, "file", value, err);
	}
	return set_parts(d, value, err);
}

/*
 * The configuration file.
 */

/* "ide1:0.fileName": place and name.  Floppy drives have no bus. */
static bool parse_conf_key(const char *key, enum drive_if *iface, int *bus,
			   int *unit, const char **name)
{
	for (unsigned i = 0; i < DRIVE_NONE; i++) {
		size_t n = strlen(if_names[i]);
		const char *p = key + n;

		if (strncasecmp(key, if_names[i], n))
			continue;
		*iface = i;
		*bus = 0;
		if (i != DRIVE_FLOPPY) {
			if (!isdigit((unsigned char)*p) || p[1] != ':')
				return false;
			*bus = *p - '0';
			p += 2;
		}
		if (!isdigit((unsigned char)*p) || p[1] != '.')
			return false;
		*unit = *p - '0';
		*name = p + 2;
		return true;
	}
	return false;
}

static struct drive_opt *drive_at(struct drive_list *l, enum drive_if iface,
				  int bus, int unit)
{
	struct drive_opt *d;

	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].iface == iface && l->v[i].bus == bus &&
		    l->v[i].unit == unit)
			return &l->v[i];
	d = drive_new(l);
	if (d) {
		d->iface = iface;
		d->bus = bus;
		d->unit = unit;
	}
	return d;
}

int drive_set_key(struct drive_list *l, const char *key, const char *value,
		  const char *base, char *err)
{
	const char *name, *known = NULL;
	struct drive_opt *d;
	enum drive_if iface;
	char path[VALUE_MAX_LEN];
	int bus, unit;

	if (!parse_conf_key(key, &iface, &bus, &unit, &name))
		return -ENOENT;
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].conf && !strcasecmp(keys[i].conf, name))
			known = keys[i].key;
	if (!known)
		return -ENOENT;
	d = drive_at(l, iface, bus, unit);
	if (!d)
		return -ENOMEM;
	if (!strcmp(known, "file") && *value && *value != '/' &&
	    strncmp(value, "nbd", 3)) {
		if (snprintf(path, sizeof(path), "%s%s", base, value) >=
		    (int)sizeof(path))
			return fail(err, "too long");
		value = path;
	}
	return drive_set(d, known, value, err);
}

/*
 * Places.
 */

unsigned drive_units(enum drive_if iface)
{
	return places[iface].units;
}

static bool taken(const struct drive_list *l, const struct drive_opt *me,
		  int index)
{
	for (unsigned i = 0; i < l->n; i++)
		if (&l->v[i] != me && l->v[i].iface == me->iface &&
		    l->v[i].index == index)
			return true;
	return false;
}

/* The index that bus and unit, or nothing, stand for. */
static void find_index(const struct drive_list *l, struct drive_opt *d)
{
	unsigned units = places[d->iface].units;

	if (d->bus != DRIVE_UNPLACED || d->unit != DRIVE_UNPLACED) {
		d->index = (d->bus > 0 ? d->bus : 0) * (units ? units : 1) +
			   (d->unit > 0 ? d->unit : 0);
		return;
	}
	/* CD-ROM drives go where QEMU puts them, if that is free. */
	d->index = d->iface == DRIVE_IDE && d->cdrom ? 2 : 0;
	if (taken(l, d, d->index))
		d->index = 0;
	while (taken(l, d, d->index))
		d->index++;
}

static const char *name_of(const struct drive_opt *d)
{
	return d->file ? d->file : "empty drive";
}

static int check_place(const struct drive_list *l, struct drive_opt *d,
		       char *err)
{
	unsigned units = places[d->iface].units;
	unsigned buses = places[d->iface].buses;

	if (taken(l, d, d->index))
		return fail(err, "%.256s: index %d of %s has a drive already",
			    name_of(d), d->index, if_names[d->iface]);
	if ((units && d->index >= (int)(buses * units)) ||
	    (units && d->unit >= (int)units) || d->bus >= (int)buses)
		return fail(err, "%.256s: there is no such place (%s has %u "
			    "times %u)", name_of(d), if_names[d->iface], buses,
			    units);
	d->bus = units ? d->index / units : 0;
	d->unit = units ? d->index % units : (unsigned)d->index;
	return 0;
}

static int check_kind(const struct drive_opt *d, char *err)
{
	if (!d->file && !d->cdrom && d->iface != DRIVE_FLOPPY)
		return fail(err, "drive %s%d: file is missing",
			    if_names[d->iface], d->index);
	if (d->cdrom && (d->iface == DRIVE_FLOPPY ||
			 d->iface == DRIVE_VIRTIO))
		return fail(err, "%.256s: CD-ROM drives are on ide and scsi",
			    name_of(d));
	return 0;
}

int drive_finish(struct drive_list *l, bool snapshot, char *err)
{
	int ret = 0;

	/* Who says where it wants to be comes first. */
	for (unsigned i = 0; i < l->n; i++)
		if (l->v[i].index == DRIVE_UNPLACED &&
		    (l->v[i].bus != DRIVE_UNPLACED ||
		     l->v[i].unit != DRIVE_UNPLACED))
			find_index(l, &l->v[i]);
	for (unsigned i = 0; !ret && i < l->n; i++) {
		struct drive_opt *d = &l->v[i];

		if (d->index == DRIVE_UNPLACED)
			find_index(l, d);
		ret = check_place(l, d, err);
		if (!ret)
			ret = check_kind(d, err);
		d->read_only |= d->cdrom;
		d->snapshot |= snapshot && !d->read_only;
	}
	return ret;
}

void drive_help(FILE *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		fprintf(out, "    %s=%s\n", keys[i].key, keys[i].values);
}
