// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The descriptor: some lines of text inside the image.  "Virtual Disk Format
 * 5.0", chapter "The Descriptor File".
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "backends/block_file.h"
#include "backends/vmdk_format.h"
#include "hypervisor/types.h"

static const char geometry_keys[][32] = {
	"ddb.geometry.cylinders", "ddb.geometry.heads", "ddb.geometry.sectors",
};

/* Cut spaces and quotes off both ends of @s, in place. */
static char *trim(char *s)
{
	char *end = s + strlen(s);

	while (isspace((unsigned char)*s) || *s == '"')
		s++;
	while (end > s && (isspace((unsigned char)end[-1]) || end[-1] == '"'))
		*--end = '\0';
	return s;
}

static int parse_id(uint32_t *out, const char *value)
{
	char *end;
	unsigned long n = strtoul(value, &end, 16);

	if (end == value || *end || n > UINT32_MAX)
		return -EINVAL;
	*out = n;
	return 0;
}

static void parse_geometry(struct vmdk_desc *d, unsigned i, const char *value)
{
	uint32_t *fields[] = { &d->geometry.cylinders, &d->geometry.heads,
			       &d->geometry.sectors };
	unsigned long n = strtoul(value, NULL, 10);

	*fields[i] = n <= UINT16_MAX ? n : 0;
}

static int parse_key(struct vmdk_desc *d, const char *key, const char *value,
		     const char **why)
{
	int ret = 0;

	if (!strcasecmp(key, "CID"))
		ret = parse_id(&d->cid, value);
	else if (!strcasecmp(key, "parentCID"))
		ret = parse_id(&d->parent_cid, value);
	else if (!strcasecmp(key, "createType"))
		snprintf(d->type, sizeof(d->type), "%s", value);
	else if (!strcasecmp(key, "parentFileNameHint") && !d->parent_hint)
		ret = (d->parent_hint = strdup(value)) ? 0 : -ENOMEM;
	for (unsigned i = 0; i < ARRAY_SIZE(geometry_keys); i++)
		if (!strcasecmp(key, geometry_keys[i]))
			parse_geometry(d, i, value);
	if (ret == -EINVAL)
		*why = "descriptor: bad content ID";
	return ret;
}

/*
 * Extent lines ("RW 2048 SPARSE ...") have no '=', and say nothing that the
 * header does not say.
 */
static int parse_line(struct vmdk_desc *d, char *line, const char **why)
{
	char *eq = strchr(line, '=');

	if (*line == '#' || !eq)
		return 0;
	*eq = '\0';
	return parse_key(d, trim(line), trim(eq + 1), why);
}

static int check(const struct vmdk_desc *d, const char **why)
{
	if (strcasecmp(d->type, "monolithicSparse") &&
	    strcasecmp(d->type, "streamOptimized"))
		*why = "neither monolithicSparse nor streamOptimized (convert "
		       "it with the program that made it)";
	else if (d->parent_cid != VMDK_NO_PARENT && !d->parent_hint)
		*why = "descriptor: the parent has no name";
	else
		return 0;
	return -EINVAL;
}

int vmdk_desc_parse(struct vmdk_desc *d, const char *text, size_t len,
		    const char **why)
{
	char *copy = strndup(text, len), *p = copy, *line;
	int ret = copy ? 0 : -ENOMEM;

	*d = (struct vmdk_desc){ .parent_cid = VMDK_NO_PARENT };
	*why = "out of memory";
	while (!ret && (line = strsep(&p, "\n")))
		ret = parse_line(d, line, why);
	free(copy);
	return ret ? ret : check(d, why);
}

void vmdk_desc_fini(struct vmdk_desc *d)
{
	free(d->parent_hint);
	d->parent_hint = NULL;
}

uint32_t vmdk_new_cid(void)
{
	uint32_t id;

	/* Two values have a meaning of their own. */
	do
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			abort();
	while (id >= VMDK_NO_PARENT - 1);
	return id;
}

/* Cylinders of 16 * 63 sectors, as everybody writes for an IDE disk. */
static unsigned cylinders(uint64_t size)
{
	uint64_t n = size / (16 * 63 * BLOCK_SECTOR);

	return n > 16383 ? 16383 : n;
}

int vmdk_desc_print(char *buf, size_t len, const struct vmdk_create *c,
		    const char *type, const char *file)
{
	const char *slash = strrchr(file, '/');
	int n = snprintf(buf, len,
		"# Disk DescriptorFile\n"
		"version=1\n"
		"CID=%08x\n"
		"parentCID=%08x\n"
		"createType=\"%s\"\n"
		"%s%s%s"
		"\n# Extent description\n"
		"RW %llu SPARSE \"%s\"\n"
		"\n# The Disk Data Base\n#DDB\n\n"
		"ddb.virtualHWVersion = \"4\"\n"
		"ddb.geometry.cylinders = \"%u\"\n"
		"ddb.geometry.heads = \"16\"\n"
		"ddb.geometry.sectors = \"63\"\n"
		"ddb.adapterType = \"ide\"\n",
		vmdk_new_cid(), c->parent_cid, type,
		c->parent_hint ? "parentFileNameHint=\"" : "",
		c->parent_hint ? c->parent_hint : "",
		c->parent_hint ? "\"\n" : "",
		(unsigned long long)c->size / BLOCK_SECTOR,
		slash ? slash + 1 : file, cylinders(c->size));

	return n >= (int)len ? -ENAMETOOLONG : 0;
}

/* Where the eight digits behind "\nKEY=" are in @text, or NULL. */
static char *find_id(char *text, const char *key)
{
	char line[32], *p;
	unsigned n = snprintf(line, sizeof(line), "\n%s=", key);

	p = strstr(text, line);
	return p && strspn(p + n, "0123456789abcdefABCDEF") == 8 ? p + n :
								   NULL;
}

int vmdk_desc_patch(struct vmdk *v, const char *key, uint32_t id)
{
	uint64_t off = v->head.desc_offset * BLOCK_SECTOR;
	size_t len = v->head.desc_size * BLOCK_SECTOR;
	char *text = calloc(1, len + 1), digits[9], *p;
	int ret = text ? file_read_all(v->fd, off, text, len) : -ENOMEM;

	p = ret ? NULL : find_id(text, key);
	snprintf(digits, sizeof(digits), "%08x", id);
	if (!ret)
		ret = p ? file_write(v->fd, off + (p - text), digits, 8) :
			  -EINVAL;
	free(text);
	return ret;
}
