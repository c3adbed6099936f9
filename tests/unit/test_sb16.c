// SPDX-License-Identifier: GPL-2.0-or-later
/* Sound Blaster 16 by its ports, and WAV files. */
#include "tests/unit/rig.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/audio.h"
#include "hypervisor/i8237.h"
#include "hypervisor/sb16.h"

static struct sb16 *card;
static struct i8237 *dma;
static struct rig_wire line;
static struct {
	struct audio_format f;
	uint8_t bytes[1 << 16];
	size_t len;
} heard;

static void hear(struct audio_backend *b, const struct audio_format *f,
		 const void *samples, size_t len)
{
	heard.f = *f;
	ck_assert_uint_le(heard.len + len, sizeof(heard.bytes));
	memcpy(heard.bytes + heard.len, samples, len);
	heard.len += len;
}

static const struct audio_ops ear_ops = { "ear", hear, NULL };
static struct audio_backend ear = { &ear_ops };

static void setup(void)
{
	struct sb16_config cfg = { .audio = &ear };

	rig_setup();
	ck_assert_int_eq(i8237_create(&dma, rig_ports, rig_mem()), 0);
	cfg.ports = rig_ports;
	cfg.clock = rig_clock;
	cfg.dma = dma;
	cfg.irq = rig_irq(&line);
	ck_assert_int_eq(sb16_create(&card, &cfg), 0);
}

static void dsp(unsigned n, ...)
{
	va_list ap;

	va_start(ap, n);
	while (n--)
		out8(0x22c, va_arg(ap, int));
	va_end(ap);
}

/* Channel 1 or 5 reads @len bytes at 20000h, over and over. */
static void program_dma(unsigned channel, unsigned len)
{
	if (channel == 1) {
		out8(0x0a, 5);
		out8(0x0c, 0);
		out8(0x0b, 0x59);
		out8(0x02, 0);
		out8(0x02, 0);
		out8(0x03, len - 1);
		out8(0x03, (len - 1) >> 8);
		out8(0x83, 2);
		out8(0x0a, 1);
	} else {
		out8(0xd4, 5);
		out8(0xd8, 0);
		out8(0xd6, 0x59);
		out8(0xc4, 0);
		out8(0xc4, 0);
		out8(0xc6, len / 2 - 1);
		out8(0xc6, (len / 2 - 1) >> 8);
		out8(0x8b, 2);
		out8(0xd4, 1);
	}
}

static void advance_ms(unsigned ms)
{
	while (ms--)
		rig_advance(1000000);
}

START_TEST(reset_answers_and_tells_the_version)
{
	out8(0x226, 1);
	out8(0x226, 0);
	ck_assert_uint_eq(in8(0x22e) & 0x80, 0x80);
	ck_assert_uint_eq(in8(0x22a), 0xaa);
	ck_assert_uint_eq(in8(0x22e) & 0x80, 0);
	ck_assert_uint_eq(in8(0x22c) & 0x80, 0);
	dsp(1, 0xe1);
	ck_assert_uint_eq(in8(0x22a), 4);
	ck_assert_uint_eq(in8(0x22a), 5);
	dsp(2, 0xe0, 0x55);
	ck_assert_uint_eq(in8(0x22a), 0xaa);
	out8(0x224, 0x80);
	ck_assert_uint_eq(in8(0x225), 2);
	out8(0x224, 0x81);
	out8(0x225, 0);
	ck_assert_uint_eq(in8(0x225), 0x22);
}
END_TEST

START_TEST(software_can_ask_for_an_interrupt)
{
	dsp(1, 0xf2);
	ck_assert(line.level);
	out8(0x224, 0x82);
	ck_assert_uint_eq(in8(0x225), 1);
	in8(0x22f);
	ck_assert(line.level);
	in8(0x22e);
	ck_assert(!line.level);
}
END_TEST

START_TEST(single_block_takes_its_time)
{
	for (unsigned i = 0; i < 256; i++)
		mem_write(rig_mem(), 0x20000 + i, &(uint8_t){ i }, 1);
	program_dma(1, 256);
	dsp(2, 0x40, 131);		/* 8000 Hz */
	dsp(3, 0x14, 199, 0);		/* 200 bytes: 25 ms */
	advance_ms(20);
	ck_assert(!line.level);
	ck_assert_uint_ge(heard.len, 100);
	ck_assert_uint_le(heard.len, 160);
	advance_ms(11);
	ck_assert(line.level);
	ck_assert_uint_eq(heard.len, 200);
	ck_assert_uint_eq(heard.bytes[199], 199);
	ck_assert_uint_eq(heard.f.rate, 8000);
	ck_assert_uint_eq(heard.f.bits, 8);
	in8(0x22e);
	advance_ms(50);
	ck_assert_uint_eq(heard.len, 200);
	ck_assert(!line.level);
}
END_TEST

START_TEST(automatic_blocks_go_on_until_told)
{
	program_dma(5, 4096);
	dsp(3, 0x41, 44100 >> 8, 44100 & 255);
	/* 16 bits, stereo, signed, blocks of 1024 samples: 11.6 ms. */
	dsp(4, 0xb6, 0x30, 1023 & 255, 1023 >> 8);
	for (unsigned i = 0; i < 100; i++) {
		advance_ms(1);
		in8(0x22f);
	}
	ck_assert_uint_ge(line.rises, 7);
	ck_assert_uint_le(line.rises, 9);
	ck_assert_uint_eq(heard.f.channels, 2);
	ck_assert_uint_eq(heard.f.bits, 16);
	/* 100 ms are 17640 bytes, of which up to a tick is not there yet. */
	ck_assert_uint_ge(heard.len, 16000);
	ck_assert_uint_le(heard.len, 17640);
	dsp(1, 0xd5);
	heard.len = 0;
	advance_ms(50);
	ck_assert_uint_eq(heard.len, 0);
	dsp(1, 0xd6);
	advance_ms(8);
	ck_assert_uint_gt(heard.len, 0);
	dsp(1, 0xd9);
	advance_ms(50);
	heard.len = 0;
	advance_ms(50);
	ck_assert_uint_eq(heard.len, 0);
}
END_TEST

START_TEST(masked_channel_stalls)
{
	dsp(3, 0x14, 99, 0);
	advance_ms(100);
	ck_assert_uint_eq(heard.len, 0);
	ck_assert(!line.level);
	program_dma(1, 256);
	advance_ms(100);
	ck_assert_uint_eq(heard.len, 100);
	ck_assert(line.level);
}
END_TEST

static void stop(void)
{
	out8(0x226, 1);
	out8(0x226, 0);
}

START_TEST(save_and_load_while_it_plays)
{
	program_dma(1, 256);
	dsp(2, 0x40, 131);
	dsp(3, 0x14, 199, 0);
	advance_ms(12);
	rig_save_load(card, stop);
	advance_ms(30);
	ck_assert_uint_eq(heard.len, 200);
	ck_assert(line.level);
}
END_TEST

START_TEST(no_bytes_harm)
{
	uint32_t x = 7;

	program_dma(1, 256);
	program_dma(5, 4096);
	for (unsigned i = 0; i < 100000; i++) {
		x = x * 1664525 + 1013904223;
		if (x >> 28 < 12)
			out8(0x220 + (x >> 24 & 15), x >> 16);
		else
			in8(0x220 + (x >> 24 & 15));
		if (i % 100 == 0)
			rig_advance(3000000);
		heard.len = 0;
	}
}
END_TEST

START_TEST(wav_file_holds_what_was_played)
{
	static const struct audio_format mono = { 22050, 1, 8 };
	static const struct audio_format stereo = { 44100, 2, 16 };
	char name[] = "/tmp/umbra-wav-XXXXXX";
	int fd = mkstemp(name);
	struct audio_backend *b;
	uint8_t p[128];
	uint32_t len;

	ck_assert_int_eq(audio_wav_open(&b, name), 0);
	b->ops->play(b, &mono, "\x00\xff", 2);
	b->ops->play(b, &stereo, "\x34\x12\xcc\xed", 4);
	b->ops->destroy(b);
	ck_assert_int_eq(read(fd, p, sizeof(p)), 44 + 5 * 4);
	unlink(name);
	ck_assert_mem_eq(p, "RIFF", 4);
	memcpy(&len, p + 40, 4);
	ck_assert_uint_eq(len, 20);
	memcpy(&len, p + 4, 4);
	ck_assert_uint_eq(len, 56);
	ck_assert_mem_eq(p + 44, "\x00\x80\x00\x80\x00\x80\x00\x80", 8);
	ck_assert_mem_eq(p + 52, "\x00\x7f\x00\x7f\x00\x7f\x00\x7f", 8);
	ck_assert_mem_eq(p + 60, "\x34\x12\xcc\xed", 4);
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		reset_answers_and_tells_the_version,
		software_can_ask_for_an_interrupt,
		single_block_takes_its_time,
		automatic_blocks_go_on_until_told, masked_channel_stalls,
		save_and_load_while_it_plays, no_bytes_harm,
		wav_file_holds_what_was_played,
	};

	return rig_main("sb16", setup, list, ARRAY_SIZE(list));
}
