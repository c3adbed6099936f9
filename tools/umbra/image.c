// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * umbra image: disk images without a machine.  Letters and exit statuses are
 * those of qemu-img where both have the function.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/block.h"
#include "backends/block_file.h"
#include "backends/vmdk.h"
#include "hypervisor/types.h"
#include "tools/lib/options.h"
#include "tools/umbra/cmd.h"

#define STATUS_CORRUPT	2
#define STATUS_LEAKS	3
#define STATUS_NO_CHECK	63
#define CHUNK		(1 * MIB)
#define ZERO_UNIT	(64 * KIB)	/* what is left out if it is zeros */

/* What the letters were followed by, and the rest. */
struct args {
	const char *format;		/* -f */
	const char *out_format;		/* -O */
	const char *parent;		/* -b */
	const char *parent_format;	/* -F */
	const char *subformat;		/* -o subformat= */
	bool recover;			/* -r */
	const char *names[2];
	int n;
};

static char err[BLOCK_ERR_LEN];

static void image_usage(FILE *out)
{
	static const struct {
		const char *name, *args, *help;
	} commands[] = {
#define IMAGE(name, args, help) { #name, args, help },
#include "tools/umbra/image.def"
#undef IMAGE
	};

	fputs("usage:\n", out);
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  umbra image %s %s\n      %s\n",
			commands[i].name, commands[i].args, commands[i].help);
	fputs("\nFORMAT: raw, vmdk, qcow2 (to read), nbd; without -f the "
	      "ending of the name\nsays it.  TYPE: monolithicSparse or "
	      "streamOptimized.  SIZE: bytes, or with a\nsuffix K, M, G, T.\n",
	      out);
}

static const char *option_value(int argc, char **argv, int *i)
{
	if (argv[*i][2])
		return argv[*i] + 2;
	if (++*i >= argc)
		die("image: %s: needs a value", argv[*i - 1]);
	return argv[*i];
}

static const char *subformat_of(const char *option)
{
	if (strncmp(option, "subformat=", 10))
		die("image: -o %s: unknown key (subformat is one)", option);
	return option + 10;
}

/* @letters: those that the command knows. */
static void parse_args(struct args *a, int argc, char **argv,
		       const char *letters, int min, int max)
{
	memset(a, 0, sizeof(*a));
	for (int i = 0; i < argc; i++) {
		char c = argv[i][0] == '-' ? argv[i][1] : 0;

		if (!c) {
			if (a->n == max)
				die("image: %s: one argument too many",
				    argv[i]);
			a->names[a->n++] = argv[i];
			continue;
		}
		if (!strchr(letters, c))
			die("image: %s: unknown option (see umbra image)",
			    argv[i]);
		switch (c) {
		case 'f': a->format = option_value(argc, argv, &i); break;
		case 'O': a->out_format = option_value(argc, argv, &i); break;
		case 'b': a->parent = option_value(argc, argv, &i); break;
		case 'F':
			a->parent_format = option_value(argc, argv, &i);
			break;
		case 'o':
			a->subformat = subformat_of(option_value(argc, argv,
								 &i));
			break;
		case 'r': a->recover = true; break;
		}
	}
	if (a->n < min)
		die("image: a file name is missing (see umbra image)");
}

static struct block *open_config(const struct block_config *cfg)
{
	struct block *b;

	if (block_open(&b, cfg, err))
		die("%s", err);
	return b;
}

static struct block *open_image(const char *file, const char *format,
				bool read_only, bool no_parent)
{
	struct block_config cfg = { .file = file, .format = format,
				    .read_only = read_only,
				    .no_parent = no_parent };

	return open_config(&cfg);
}

/* The format to make, from -f or -O or the name. */
static const char *format_to_make(const char *asked, const char *file)
{
	size_t n = strlen(file);

	if (!asked)
		asked = n > 5 && !strcasecmp(file + n - 5, ".vmdk") ? "vmdk" :
								      "raw";
	if (strcmp(asked, "raw") && strcmp(asked, "vmdk"))
		die("%s: %s cannot be made (raw and vmdk can)", file, asked);
	return asked;
}

static void create_raw(const char *file, uint64_t size)
{
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		die("%s: %s", file, strerror(errno));
	if (ftruncate(fd, size) || fsync(fd)) {
		int saved = errno;

		unlink(file);
		die("%s: %s", file, strerror(saved));
	}
	close(fd);
}

static void parent_of_new(struct vmdk_create *c, const struct args *a)
{
	char *path = file_beside(a->names[0], a->parent);
	struct block *p;

	if (!path)
		die("out of memory");
	p = open_image(path, a->parent_format ? a->parent_format : "vmdk",
		       true, false);
	c->parent_hint = a->parent;
	c->parent_cid = vmdk_cid(p);
	if (c->parent_cid == VMDK_NO_PARENT)
		die("%s: the parent of a VMDK must be one (convert it)", path);
	if (!c->size)
		c->size = p->size;
	block_close(p);
	free(path);
}

static int image_create(int argc, char **argv)
{
	struct vmdk_create c = { .parent_cid = VMDK_NO_PARENT };
	struct args a;
	const char *format;

	parse_args(&a, argc, argv, "fbF", 1, 2);
	format = format_to_make(a.format, a.names[0]);
	if (a.n == 2 && size_parse(a.names[1], 1, &c.size))
		die("%s: not a size (such as 10G)", a.names[1]);
	if (c.size % BLOCK_SECTOR)
		die("%s: not a multiple of 512 bytes", a.names[1]);
	if (a.parent && strcmp(format, "vmdk"))
		die("%s: a child must be of format vmdk", a.names[0]);
	if (a.parent)
		parent_of_new(&c, &a);
	else if (a.n < 2)
		die("%s: no size given", a.names[0]);
	if (!strcmp(format, "raw"))
		create_raw(a.names[0], c.size);
	else if (vmdk_create(a.names[0], &c, err))
		die("%s", err);
	return 0;
}

static void print_size(const char *what, uint64_t n)
{
	static const char units[][4] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double x = n;
	unsigned u = 0;

	while (x >= 1024 && u + 1 < ARRAY_SIZE(units)) {
		x /= 1024;
		u++;
	}
	printf("%s: %.3g %s (%llu bytes)\n", what, x, units[u],
	       (unsigned long long)n);
}

/* Of an image that a machine uses, too. */
static int image_info(int argc, char **argv)
{
	struct block_config cfg = { .read_only = true, .no_parent = true,
				    .no_lock = true };
	struct args a;
	struct block *b;
	struct stat st;

	parse_args(&a, argc, argv, "f", 1, 1);
	cfg.file = a.names[0];
	cfg.format = a.format;
	b = open_config(&cfg);
	printf("image: %s\nfile format: %s\n", a.names[0], b->ops->name);
	if (vmdk_create_type(b))
		printf("create type: %s\n", vmdk_create_type(b));
	print_size("virtual size", b->size);
	if (!stat(a.names[0], &st))
		print_size("disk size", (uint64_t)st.st_blocks * 512);
	if (vmdk_parent_hint(b))
		printf("parent: %s\n", vmdk_parent_hint(b));
	if (vmdk_cid(b) != VMDK_NO_PARENT)
		printf("content ID: %08x\n", vmdk_cid(b));
	if (b->geometry.cylinders)
		printf("geometry: %u cylinders, %u heads, %u sectors\n",
		       b->geometry.cylinders, b->geometry.heads,
		       b->geometry.sectors);
	block_close(b);
	return 0;
}

/* Write @len bytes of @buf that are not zeros already. */
static int copy_nonzero(struct block *dst, uint64_t off, const char *buf,
			uint64_t len)
{
	int ret = 0;

	while (!ret && len) {
		uint64_t n = len < ZERO_UNIT ? len : ZERO_UNIT;

		if (!block_is_zero(buf, n))
			ret = block_write(dst, off, buf, n);
		off += n;
		buf += n;
		len -= n;
	}
	return ret;
}

/*
 * Copy what @src holds: with its parents, or (@own) in this image alone.
 * @dst reads as zeros (not @own).
 */
static int copy(struct block *dst, struct block *src, bool own)
{
	char *buf = malloc(CHUNK);
	int ret = buf ? 0 : -ENOMEM;

	for (uint64_t off = 0, len; !ret && off < src->size; off += len) {
		int kind;

		len = CHUNK;
		kind = block_extent(src, off, &len);
		if (kind < 0)
			ret = kind;
		if (ret || (own ? kind == BLOCK_PARENT : kind == BLOCK_ZERO))
			continue;
		ret = block_read(src, off, buf, len);
		if (!ret)
			ret = own ? block_write(dst, off, buf, len) :
				    copy_nonzero(dst, off, buf, len);
	}
	free(buf);
	return ret ? ret : block_flush(dst);
}

static void convert_sparse(struct block *src, const char *file, bool vmdk)
{
	struct vmdk_create c = { .size = src->size,
				 .parent_cid = VMDK_NO_PARENT };
	struct block *dst;
	int ret;

	if (!vmdk)
		create_raw(file, src->size);
	else if (vmdk_create(file, &c, err))
		die("%s", err);
	dst = open_image(file, vmdk ? "vmdk" : "raw", false, false);
	ret = copy(dst, src, false);
	block_close(dst);
	if (ret) {
		unlink(file);
		die("%s: %s", file, strerror(-ret));
	}
}

static int image_convert(int argc, char **argv)
{
	struct args a;
	const char *format;
	struct block *src;
	bool stream;

	parse_args(&a, argc, argv, "fOo", 2, 2);
	format = format_to_make(a.out_format, a.names[1]);
	stream = a.subformat && !strcmp(a.subformat, "streamOptimized");
	if (a.subformat && strcmp(format, "vmdk"))
		die("image: -o subformat: only for vmdk");
	if (a.subformat && !stream && strcmp(a.subformat, "monolithicSparse"))
		die("image: -o subformat=%s: unknown (monolithicSparse and "
		    "streamOptimized can be made)", a.subformat);
	src = open_image(a.names[0], a.format, true, false);
	if (!stream)
		convert_sparse(src, a.names[1], !strcmp(format, "vmdk"));
	else if (vmdk_export(a.names[1], src, err))
		die("%s", err);
	block_close(src);
	return 0;
}

/* Compressed and other read-only formats: whatever is wrong fails a read. */
static int read_all(struct block *b)
{
	char *buf = malloc(CHUNK);
	int ret = buf ? 0 : -ENOMEM;
	uint64_t off = 0, len;

	for (; !ret && off < b->size; off += len) {
		len = CHUNK;
		ret = block_extent(b, off, &len);
		if (ret == BLOCK_DATA)
			ret = block_read(b, off, buf, len);
		else if (ret > 0)
			ret = 0;
	}
	free(buf);
	if (ret)
		printf("damaged near byte %llu: %s\n",
		       (unsigned long long)off, strerror(-ret));
	return ret;
}

static int print_report(const struct vmdk_report *r)
{
	printf("%llu grains are allocated\n", (unsigned long long)r->grains);
	if (r->unclean)
		printf("the image was not closed (-r recovers it, as opening "
		       "it for writing does)\n");
	if (r->outside || r->shared)
		printf("%llu entries point out of the file, %llu into "
		       "another grain\n", (unsigned long long)r->outside,
		       (unsigned long long)r->shared);
	if (r->differing)
		printf("%llu entries differ from the redundant ones\n",
		       (unsigned long long)r->differing);
	if (r->leaked)
		printf("%llu bytes of the file are not used\n",
		       (unsigned long long)r->leaked);
	if (r->outside || r->shared || (r->differing && !r->unclean))
		return STATUS_CORRUPT;
	return r->leaked ? STATUS_LEAKS : 0;
}

static int image_check(int argc, char **argv)
{
	struct vmdk_report r;
	struct args a;
	struct block *b;
	int status = 0, ret;

	parse_args(&a, argc, argv, "fr", 1, 1);
	if (a.recover)
		block_close(open_image(a.names[0], a.format, false, true));
	b = open_image(a.names[0], a.format, true, true);
	if (!strcmp(b->ops->name, "raw") || !strcmp(b->ops->name, "nbd")) {
		fprintf(stderr, "umbra: %s: %s images have nothing to check\n",
			a.names[0], b->ops->name);
		block_close(b);
		return STATUS_NO_CHECK;
	}
	if (vmdk_cid(b) != VMDK_NO_PARENT) {
		ret = vmdk_check(b, &r);
		if (ret)
			die("%s: %s", a.names[0], strerror(-ret));
		status = print_report(&r);
	}
	if (!status && read_all(b))
		status = STATUS_CORRUPT;
	block_close(b);
	if (!status)
		printf("no errors were found\n");
	return status;
}

/*
 * The child stays a valid child with the same contents all the time: its own
 * grains cover what changes in the parent.
 */
static int image_commit(int argc, char **argv)
{
	struct block *child, *parent;
	struct args a;
	char *path;
	int ret;

	parse_args(&a, argc, argv, "f", 1, 1);
	block_close(open_image(a.names[0], a.format, true, false));
	child = open_image(a.names[0], a.format, false, true);
	if (!vmdk_parent_hint(child))
		die("%s: has no parent", a.names[0]);
	path = file_beside(a.names[0], vmdk_parent_hint(child));
	if (!path)
		die("out of memory");
	parent = open_image(path, "vmdk", false, false);
	if (child->size > parent->size)
		die("%s: smaller than its child", path);
	ret = vmdk_adopt(child, parent);
	if (!ret)
		ret = copy(parent, child, true);
	block_close(parent);
	block_close(child);
	if (ret)
		die("%s: %s", path, strerror(-ret));
	printf("%s now has the contents of %s, which can be deleted\n", path,
	       a.names[0]);
	free(path);
	return 0;
}

int cmd_image(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*fn)(int argc, char **argv);
	} commands[] = {
#define IMAGE(name, args, help) { #name, image_##name },
#include "tools/umbra/image.def"
#undef IMAGE
	};

	for (unsigned i = 0; argc && i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[0], commands[i].name))
			return commands[i].fn(argc - 1, argv + 1);
	if (argc && strcmp(argv[0], "--help") && strcmp(argv[0], "help"))
		die("image: %s: no such command (see umbra image)", argv[0]);
	image_usage(stdout);
	return 0;
}
