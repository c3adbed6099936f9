/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Audio backends: where a sound card's samples go.  Lock held for all calls.
 */
#ifndef BACKENDS_AUDIO_H
#define BACKENDS_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audio_format {
	unsigned rate;		/* frames in a second, 1..65535 */
	unsigned channels;	/* 1 or 2 */
	unsigned bits;		/* 8 (unsigned) or 16 (signed, little-endian) */
};

struct audio_backend {
	const struct audio_ops *ops;
};

struct audio_ops {
	const char *name;
	/*
	 * @len bytes of samples, whole frames of @f.  Takes all of them, or
	 * loses them; must not block.
	 */
	void (*play)(struct audio_backend *b, const struct audio_format *f,
		     const void *samples, size_t len);
	void (*destroy)(struct audio_backend *b);
};

/*
 * A WAV file of 44100 Hz, 16 bits, stereo, written at once and made anew at
 * @path; its length fields are right whenever nothing is being played.
 * Silence between sounds is left out.  Before the sandbox is closed.
 * Returns 0 or a negative errno.
 */
int audio_wav_open(struct audio_backend **out, const char *path);

#endif
