/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zlib, where it was there at build time (HAVE_ZLIB); -ENOTSUP otherwise.
 */
#ifndef BACKENDS_ZIP_H
#define BACKENDS_ZIP_H

#include <stddef.h>

enum zip_wrap {
	ZIP_ZLIB,		/* RFC 1950 */
	ZIP_RAW,		/* RFC 1951 */
};

/*
 * Decompress @src to exactly @len bytes at @dst; what follows the stream in
 * @src is ignored.  Returns 0, -EIO (damaged, or another length), -ENOMEM.
 */
int zip_inflate(void *dst, size_t len, const void *src, size_t srclen,
		enum zip_wrap wrap);

/* Most bytes that zip_deflate() can make of @len. */
size_t zip_bound(size_t len);
/* Compress with RFC 1950's wrapping; *out: bytes at @dst. */
int zip_deflate(void *dst, size_t *out, const void *src, size_t len);

#endif
