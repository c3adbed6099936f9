// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration file: a line at a time, each error with its line.
 */
#include "tools/lib/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "hypervisor/types.h"
#include "tools/lib/options.h"

/* More than any path or kernel command line needs. */
#define LINE_MAX_LEN	16384

struct reader {
	struct run_config *c;
	const char *path;
	char *base;			/* directory of the file, with slash */
	unsigned line;
	struct string_list seen;	/* keys so far */
	char *err;
};

static char *skip_space(char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static int hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' :
	       isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/*
 * Decode the value behind its opening quote, in place.  *end is what follows
 * the closing quote.
 */
static const char *decode_value(char *s, char **end)
{
	char *out = s;

	for (; *s != '"'; s++) {
		if (!*s)
			return "closing quote missing";
		if (*s == '|') {
			int hi = hex_digit(s[1]);
			int lo = hi < 0 ? -1 : hex_digit(s[2]);

			if (lo < 0 || !(hi | lo))
				return "| must be followed by two hexadecimal "
				       "digits, not 00";
			*out++ = hi << 4 | lo;
			s += 2;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
	*end = s + 1;
	return NULL;
}

const char *config_split(char *line, char **key, char **value)
{
	char *p = skip_space(line), *end;
	const char *why;

	*key = NULL;
	if (!*p || *p == '#')
		return NULL;
	end = p + strcspn(p, "= \t\"\r\n");
	if (end == p)
		return "key missing";
	*value = skip_space(end);
	if (**value != '=')
		return "expected key = \"value\"";
	*value = skip_space(*value + 1);
	*end = '\0';
	if (**value != '"')
		return "the value must be in double quotes";
	why = decode_value(++*value, &end);
	if (why)
		return why;
	end = skip_space(end);
	if (*end && *end != '#')
		return "text after the closing quote";
	*key = p;
	return NULL;
}

static int fail_line(struct reader *r, const char *key, const char *why)
{
	char cause[256];

	snprintf(cause, sizeof(cause), "%s", why);	/* may be r->err */
	snprintf(r->err, OPTIONS_ERR_LEN, "%s:%u: %s%s%s", r->path, r->line,
		 key, *key ? ": " : "", cause);
	return -EINVAL;
}

static bool seen_before(struct reader *r, const char *key)
{
	if (!strcasecmp(key, "initrd"))
		return false;
	for (unsigned i = 0; i < r->seen.n; i++)
		if (!strcasecmp(r->seen.v[i], key))
			return true;
	return false;
}

static int read_line(struct reader *r, char *line)
{
	char *key, *value;
	const char *why = config_split(line, &key, &value);
	int ret;

	if (why)
		return fail_line(r, "", why);
	if (!key)
		return 0;
	if (seen_before(r, key))
		return fail_line(r, key, "set twice");
	ret = string_list_add(&r->seen, key);
	if (!ret)
		ret = options_set_key(r->c, key, value, r->base, r->line,
				      r->err);
	if (ret == -ENOENT)
		return fail_line(r, key, "unknown key");
	if (ret == -ENOMEM)
		return fail_line(r, key, "out of memory");
	return ret ? fail_line(r, key, r->err) : 0;
}

static int read_lines(struct reader *r, FILE *f)
{
	static char line[LINE_MAX_LEN];

	while (fgets(line, sizeof(line), f)) {
		size_t len = strlen(line);
		int ret;

		r->line++;
		if (len + 1 == sizeof(line) && line[len - 1] != '\n')
			return fail_line(r, "", "line is too long");
		/* fgets() does not tell of NUL bytes; a cut line does. */
		if ((!len || line[len - 1] != '\n') && !feof(f))
			return fail_line(r, "", "not a text file");
		ret = read_line(r, line);
		if (ret)
			return ret;
	}
	return ferror(f) ? fail_line(r, "", strerror(errno)) : 0;
}

static int open_failed(const char *path, const char *why, char *err)
{
	snprintf(err, OPTIONS_ERR_LEN, "%s: %s", path, why);
	return -EINVAL;
}

int config_read(struct run_config *c, const char *path, char *err)
{
	struct reader r = { .c = c, .path = path, .err = err };
	const char *slash = strrchr(path, '/');
	struct stat st;
	FILE *f = fopen(path, "re");
	int ret;

	if (!f)
		return open_failed(path, strerror(errno), err);
	if (!fstat(fileno(f), &st) && S_ISDIR(st.st_mode))
		ret = open_failed(path, "is a directory", err);
	else if (!(r.base = strndup(path, slash ? slash + 1 - path : 0)))
		ret = open_failed(path, "out of memory", err);
	else
		ret = read_lines(&r, f);
	fclose(f);
	free(r.base);
	string_list_fini(&r.seen);
	return ret;
}
