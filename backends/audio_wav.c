/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WAV files (RIFF, Microsoft and IBM 1991; PCM).  Whatever the card plays is
 * brought to one format by repeating or leaving out samples, and written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/audio.h"

#define RATE		44100
#define CHANNELS	2
#define FRAME		4	/* bytes: 16 bits, two channels */
#define DATA_MAX	0x7fffff00u	/* bytes: what a WAV can say it has */
#define CHUNK_FRAMES	1024

struct header {
	char riff[4];
	uint32_t riff_len;
	char wave[4], fmt[4];
	uint32_t fmt_len;
	uint16_t format, channels;
	uint32_t rate, byte_rate;
	uint16_t frame, bits;
	char data[4];
	uint32_t data_len;
} __attribute__((packed));

struct wav {
	struct audio_backend base;
	int fd;
	uint32_t len;		/* bytes of samples in the file */
	uint32_t phase;		/* of RATE: part of a source frame not played */
	int16_t out[CHUNK_FRAMES][CHANNELS];
	unsigned n;		/* frames in @out */
};

static int write_header(struct wav *w)
{
	struct header h = {
		.riff = "RIFF", .riff_len = sizeof(h) - 8 + w->len,
		.wave = "WAVE", .fmt = "fmt ", .fmt_len = 16,
		.format = 1 /* PCM */, .channels = CHANNELS,
		.rate = RATE, .byte_rate = RATE * FRAME,
		.frame = FRAME, .bits = 16,
		.data = "data", .data_len = w->len,
	};

	if (lseek(w->fd, 0, SEEK_SET) < 0 ||
	    write(w->fd, &h, sizeof(h)) != (ssize_t)sizeof(h) ||
	    lseek(w->fd, 0, SEEK_END) < 0)
		return -EIO;
	return 0;
}

/* A full disk, or 2 GiB of sound: the rest is lost. */
static void flush(struct wav *w)
{
	size_t bytes = w->n * FRAME;

	w->n = 0;
	if (bytes && w->len + bytes <= DATA_MAX &&
	    write(w->fd, w->out, bytes) == (ssize_t)bytes)
		w->len += bytes;
}

static void put_frame(struct wav *w, int16_t left, int16_t right)
{
	w->out[w->n][0] = left;
	w->out[w->n][1] = right;
	if (++w->n == CHUNK_FRAMES)
		flush(w);
}

static int16_t sample(const uint8_t *p, unsigned bits)
{
	return bits == 8 ? (*p - 128) * 256 : (int16_t)(p[0] | p[1] << 8);
}

static void play(struct audio_backend *b, const struct audio_format *f,
		 const void *samples, size_t len)
{
	struct wav *w = (struct wav *)b;
	unsigned size = f->bits / 8, frame = size * f->channels;
	const uint8_t *p = samples;

	for (; len >= frame; len -= frame, p += frame) {
		int16_t left = sample(p, f->bits);
		int16_t right = f->channels == 2 ? sample(p + size, f->bits) :
				left;

		/* Each source frame lasts RATE / f->rate of ours. */
		for (w->phase += RATE; w->phase >= f->rate;
		     w->phase -= f->rate)
			put_frame(w, left, right);
	}
	flush(w);
	write_header(w);
}

static void destroy(struct audio_backend *b)
{
	struct wav *w = (struct wav *)b;

	flush(w);
	write_header(w);
	close(w->fd);
	free(w);
}

static const struct audio_ops wav_ops = { "wav", play, destroy };

int audio_wav_open(struct audio_backend **out, const char *path)
{
	struct wav *w = calloc(1, sizeof(*w));
	int err;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->base.ops = &wav_ops;
	w->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	err = w->fd < 0 ? -errno : write_header(w);
	if (err) {
		if (w->fd >= 0)
			close(w->fd);
		free(w);
		return err;
	}
	*out = &w->base;
	return 0;
}
