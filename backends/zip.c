// SPDX-License-Identifier: GPL-2.0-or-later
/* Compression; see zip.h. */
#include "backends/zip.h"

#include <errno.h>
#include <string.h>

#ifdef HAVE_ZLIB

#include <zlib.h>

int zip_inflate(void *dst, size_t len, const void *src, size_t srclen,
		enum zip_wrap wrap)
{
	z_stream z = {
		.next_in = (void *)src, .avail_in = srclen,
		.next_out = dst, .avail_out = len,
	};
	int ret;

	if (inflateInit2(&z, wrap == ZIP_RAW ? -MAX_WBITS : MAX_WBITS) != Z_OK)
		return -ENOMEM;
	ret = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	/* QEMU's streams need not say that they end. */
	if ((ret != Z_STREAM_END && ret != Z_BUF_ERROR) || z.avail_out)
		return -EIO;
	return 0;
}

size_t zip_bound(size_t len)
{
	return compressBound(len);
}

int zip_deflate(void *dst, size_t *out, const void *src, size_t len)
{
	uLongf n = compressBound(len);

	if (compress2(dst, &n, src, len, Z_DEFAULT_COMPRESSION) != Z_OK)
		return -ENOMEM;
	*out = n;
	return 0;
}

#else

int zip_inflate(void *dst, size_t len, const void *src, size_t srclen,
		enum zip_wrap wrap)
{
	return -ENOTSUP;
}

size_t zip_bound(size_t len)
{
	return len;
}

int zip_deflate(void *dst, size_t *out, const void *src, size_t len)
{
	return -ENOTSUP;
}

#endif
