// SPDX-License-Identifier: GPL-2.0-or-later
/* The floppy controller at its ports: 82077AA datasheet. */
#include "tests/unit/rig.h"

#include <errno.h>

#include "hypervisor/fdc.h"
#include "hypervisor/i8237.h"
#include "tests/unit/medium.h"

#define FLOPPY	(1440 * KIB)
#define TRACK	(18 * 512)
#define DATA	0x20000
#define RQM	0x80
#define DIO	0x40

static struct fdc *fdc;
static struct i8237 *dma;
static struct medium *disk;
static struct block_queue *q, *empty_q;
static struct rig_wire irq;

static void wait_io(void)
{
	block_queue_drain(q);
}

static void put(uint8_t byte)
{
	ck_assert_uint_eq(in8(0x3f4) & (RQM | DIO), RQM);
	out8(0x3f5, byte);
}

static uint8_t get(void)
{
	ck_assert_uint_eq(in8(0x3f4) & (RQM | DIO), RQM | DIO);
	return in8(0x3f5);
}

static void command(unsigned n, const uint8_t *bytes)
{
	for (unsigned i = 0; i < n; i++)
		put(bytes[i]);
	wait_io();
}
#define COMMAND(...) \
	command(sizeof((uint8_t[]){ __VA_ARGS__ }), \
		(uint8_t[]){ __VA_ARGS__ })

/* ST0 << 8 | cylinder. */
static unsigned sense(void)
{
	unsigned st0;

	put(0x08);
	st0 = get();
	return st0 << 8 | get();
}

/* The seven result bytes. */
static void expect(uint8_t st0, uint8_t st1, uint8_t c, uint8_t h, uint8_t r)
{
	ck_assert(irq.level);
	ck_assert_uint_eq(get(), st0);
	ck_assert(!irq.level);
	ck_assert_uint_eq(get(), st1);
	get();
	ck_assert_uint_eq(get(), c);
	ck_assert_uint_eq(get(), h);
	ck_assert_uint_eq(get(), r);
	ck_assert_uint_eq(get(), 2);
	ck_assert_uint_eq(in8(0x3f4), RQM);
}

static void dma_setup(uint32_t addr, uint32_t len, uint8_t mode)
{
	out8(0x0a, 6);
	out8(0x0c, 0);
	out8(0x0b, mode | 2);
	out8(0x04, addr);
	out8(0x04, addr >> 8);
	out8(0x81, addr >> 16);
	out8(0x05, len - 1);
	out8(0x05, (len - 1) >> 8);
	out8(0x0a, 2);
}
#define TO_MEMORY	0x44
#define TO_DEVICE	0x48

static void reset_fdc(void)
{
	out8(0x3f2, 0x00);
	out8(0x3f2, 0x1c);
	ck_assert(irq.level);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_uint_eq(sense() >> 8, 0xc0 | i);
	COMMAND(0x03, 0xdf, 0x02);	/* SPECIFY, DMA */
	out8(0x3f7, 0);			/* 500 kbit/s */
}

static void setup(void)
{
	struct fdc_config cfg = { .channel = 2 };

	rig_setup();
	cfg.ports = rig_ports;
	cfg.irq = rig_irq(&irq);
	ck_assert_int_eq(i8237_create(&dma, rig_ports, rig_mem()), 0);
	cfg.dma = dma;
	ck_assert_int_eq(fdc_create(&fdc, &cfg), 0);
	disk = medium_new(FLOPPY);
	q = medium_queue(disk, rig_loop);
	empty_q = medium_queue(NULL, rig_loop);
	loop_lock(rig_loop);
	ck_assert_int_eq(fdc_attach(fdc, 0, q), 0);
	ck_assert_int_eq(fdc_attach(fdc, 1, empty_q), 0);
	device_reset((struct device *)fdc);
	reset_fdc();
}

static void seek(uint8_t cyl)
{
	COMMAND(0x0f, 0, cyl);
	ck_assert(irq.level);
	ck_assert_uint_eq(sense(), 0x2000 | cyl);
}

START_TEST(reset_reports_four_drives_and_no_fifth)
{
	put(0x08);
	ck_assert_uint_eq(get(), 0x80);
	ck_assert_uint_eq(in8(0x3f4), RQM);
	out8(0x3f4, 0x80);		/* DSR: the same */
	ck_assert_uint_eq(sense() >> 8, 0xc0);
}
END_TEST

START_TEST(version_is_enhanced)
{
	put(0x10);
	ck_assert_uint_eq(get(), 0x90);
	put(0x1f);			/* no such command */
	ck_assert_uint_eq(get(), 0x80);
}
END_TEST

static void read_a_track(void)
{
	seek(3);
	dma_setup(DATA, TRACK, TO_MEMORY);
	COMMAND(0x46, 4, 3, 1, 1, 2, 18, 0x1b, 0xff);
	expect(0x04, 0, 4, 1, 1);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA), disk->data +
				(3 * 2 + 1) * TRACK, TRACK), 0);
}

START_TEST(dma_read_of_a_track)
{
	read_a_track();
}
END_TEST

START_TEST(multi_track_goes_on_to_the_other_side)
{
	seek(2);
	dma_setup(DATA, 20 * 512, TO_MEMORY);
	COMMAND(0xe6, 0, 2, 0, 9, 2, 18, 0x1b, 0xff);
	expect(0x04, 0, 2, 1, 11);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA), disk->data + 2 * 2 *
				TRACK + 8 * 512, 20 * 512), 0);
}
END_TEST

START_TEST(end_of_track_without_terminal_count_is_abnormal)
{
	seek(0);
	dma_setup(DATA, 0x8000, TO_MEMORY);
	COMMAND(0x46, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
	expect(0x40, 0x80, 1, 0, 1);
}
END_TEST

START_TEST(dma_write_reaches_the_medium)
{
	uint8_t *ram = mem_hva(rig_mem(), DATA);

	for (unsigned i = 0; i < 1024; i++)
		ram[i] = i * 3;
	seek(1);
	dma_setup(DATA, 1024, TO_DEVICE);
	COMMAND(0x45, 0, 1, 0, 5, 2, 18, 0x1b, 0xff);
	expect(0, 0, 1, 0, 7);
	ck_assert_int_eq(memcmp(ram, disk->data + 2 * TRACK + 4 * 512, 1024),
			 0);
}
END_TEST

START_TEST(masked_channel_waits_until_it_is_unmasked)
{
	seek(0);
	dma_setup(DATA, 512, TO_MEMORY);
	out8(0x0a, 6);
	COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	ck_assert(!irq.level);
	ck_assert_uint_eq(in8(0x3f4) & RQM, 0);
	out8(0x0a, 2);
	expect(0, 0, 0, 0, 2);
}
END_TEST

START_TEST(bytes_by_the_host_without_dma)
{
	uint8_t buf[512];

	COMMAND(0x03, 0xdf, 0x03);
	seek(0);
	COMMAND(0x46, 0, 0, 0, 4, 2, 4, 0x1b, 0xff);
	for (unsigned i = 0; i < 512; i++) {
		ck_assert(irq.level);
		ck_assert_uint_eq(in8(0x3f4), 0xf0);
		buf[i] = in8(0x3f5);
	}
	expect(0x40, 0x80, 1, 0, 1);
	ck_assert_int_eq(memcmp(buf, disk->data + 3 * 512, 512), 0);
	COMMAND(0x45, 0, 0, 0, 4, 2, 4, 0x1b, 0xff);
	for (unsigned i = 0; i < 512; i++)
		out8(0x3f5, 0x99);
	wait_io();
	expect(0x40, 0x80, 1, 0, 1);
	ck_assert_uint_eq(disk->data[3 * 512 + 511], 0x99);
}
END_TEST

START_TEST(what_is_not_on_the_disk_is_not_found)
{
	dma_setup(DATA, 512, TO_MEMORY);
	seek(5);
	COMMAND(0x46, 0, 5, 0, 19, 2, 18, 0x1b, 0xff);	/* sector */
	expect(0x40, 0x04, 5, 0, 19);
	COMMAND(0x46, 0, 6, 0, 1, 2, 18, 0x1b, 0xff);	/* cylinder */
	expect(0x40, 0x04, 6, 0, 1);
	COMMAND(0x46, 0, 5, 0, 1, 3, 18, 0x1b, 0xff);	/* size */
	expect(0x40, 0x04, 5, 0, 1);
	out8(0x3f7, 2);					/* data rate */
	COMMAND(0x46, 0, 5, 0, 1, 2, 18, 0x1b, 0xff);
	expect(0x40, 0x01, 5, 0, 1);
	out8(0x3f7, 0);
	COMMAND(0x4a, 1);				/* no disk */
	expect(0x41, 0x01, 0, 0, 1);
	ck_assert_uint_eq(disk->reads, 0);
}
END_TEST

START_TEST(read_id_finds_the_format)
{
	seek(7);
	COMMAND(0x4a, 0x04);
	expect(0x04, 0, 7, 1, 1);
}
END_TEST

START_TEST(protected_disks_are_not_written)
{
	disk->b.read_only = true;
	COMMAND(0x04, 0);
	ck_assert_uint_eq(get() & 0x40, 0x40);
	seek(0);
	dma_setup(DATA, 512, TO_DEVICE);
	COMMAND(0x45, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	expect(0x40, 0x02, 0, 0, 1);
	ck_assert_uint_eq(disk->writes, 0);
}
END_TEST

START_TEST(format_fills_the_track)
{
	seek(9);
	dma_setup(DATA, 72, TO_DEVICE);
	COMMAND(0x4d, 0, 2, 18, 0x1b, 0xf6);
	expect(0, 0, 9, 0, 1);
	for (unsigned i = 0; i < TRACK; i++)
		ck_assert_uint_eq(disk->data[18 * TRACK + i], 0xf6);
}
END_TEST

START_TEST(change_line_falls_when_the_heads_move)
{
	struct medium *other = medium_new(720 * KIB);

	ck_assert_uint_eq(in8(0x3f7) & 0x80, 0x80);
	seek(1);
	ck_assert_uint_eq(in8(0x3f7) & 0x80, 0);
	ck_assert_int_eq(fdc_change(fdc, 0, &other->b), 0);
	ck_assert_uint_eq(in8(0x3f7) & 0x80, 0x80);
	seek(0);
	ck_assert_uint_eq(in8(0x3f7) & 0x80, 0);
	out8(0x3f7, 2);
	dma_setup(DATA, 512, TO_MEMORY);
	COMMAND(0x46, 0, 0, 0, 9, 2, 9, 0x1b, 0xff);
	expect(0, 0, 1, 0, 1);
	ck_assert_int_eq(fdc_change(fdc, 0, NULL), 0);
	seek(3);
	ck_assert_uint_eq(in8(0x3f7) & 0x80, 0x80);	/* no disk: stays */
}
END_TEST

START_TEST(drive_that_is_not_there_has_no_track_0)
{
	COMMAND(0x07, 2);
	ck_assert_uint_eq(sense(), 0x7200);
	COMMAND(0x07, 0);
	ck_assert_uint_eq(sense(), 0x2000);
}
END_TEST

START_TEST(types_go_by_the_medium)
{
	static const struct { uint32_t kib; uint8_t cmos; } sizes[] = {
		{ 360, 1 }, { 1200, 2 }, { 720, 3 }, { 1440, 4 }, { 2880, 5 },
		{ 1266, 4 }, { 2000, 5 },
	};
	struct fdc_config cfg = { rig_ports, dma, 2, rig_irq(&irq) };

	ck_assert_uint_eq(fdc_cmos_type(fdc, 1), 4);
	device_destroy((struct device *)fdc);
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct ports *ports;
		struct fdc *f;

		ck_assert_int_eq(ports_create(&ports), 0);
		cfg.ports = ports;
		ck_assert_int_eq(fdc_create(&f, &cfg), 0);
		ck_assert_int_eq(fdc_attach(f, 0, medium_queue(medium_new(
			sizes[i].kib * KIB), rig_loop)), 0);
		ck_assert_uint_eq(fdc_cmos_type(f, 0), sizes[i].cmos);
		ck_assert_int_eq(fdc_attach(f, 1, medium_queue(medium_new(
			3000 * KIB), rig_loop)), -EFBIG);
	}
}
END_TEST

START_TEST(errors_of_the_host_are_data_errors)
{
	disk->error = -EIO;
	seek(0);
	dma_setup(DATA, 512, TO_MEMORY);
	COMMAND(0x46, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
	expect(0x40, 0x20, 0, 0, 1);
}
END_TEST

static void disturb(void)
{
	device_reset((struct device *)fdc);
}

START_TEST(state_survives_in_use)
{
	uint8_t buf[512];

	COMMAND(0x03, 0xdf, 0x03);
	seek(6);
	COMMAND(0x46, 0, 6, 0, 4, 2, 4, 0x1b, 0xff);
	for (unsigned i = 0; i < 200; i++)
		buf[i] = in8(0x3f5);
	rig_save_load(fdc, disturb);
	for (unsigned i = 200; i < 512; i++)
		buf[i] = in8(0x3f5);
	ck_assert_int_eq(memcmp(buf, disk->data + 12 * TRACK + 3 * 512, 512),
			 0);
	expect(0x40, 0x80, 7, 0, 1);
	put(0x0f);			/* half a command */
	put(0);
	rig_save_load(fdc, disturb);
	put(9);
	ck_assert_uint_eq(sense(), 0x2009);
}
END_TEST

/* Random bytes at all registers: no crash, and a reset always helps. */
START_TEST(random_accesses_do_no_harm)
{
	unsigned rng = 3;

	for (unsigned k = 0; k < 100000; k++) {
		unsigned port = 0x3f0 + rand_r(&rng) % 8;
		uint8_t val = rand_r(&rng);

		if (port == 0x3f6)
			continue;
		if (rand_r(&rng) % 4)
			port = 0x3f5;
		if (rand_r(&rng) % 3)
			val &= 0x4f;
		if (port == 0x3f2 && rand_r(&rng) % 8)
			val |= 0x0c;
		if (rand_r(&rng) % 3)
			out8(port, val);
		else
			in8(port);
		if (!(k % 16))
			dma_setup(DATA, 1 + rand_r(&rng) % 0x8000,
				  rand_r(&rng) % 2 ? TO_MEMORY : TO_DEVICE);
		wait_io();
	}
	reset_fdc();
	read_a_track();
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		reset_reports_four_drives_and_no_fifth,
		version_is_enhanced,
		dma_read_of_a_track,
		multi_track_goes_on_to_the_other_side,
		end_of_track_without_terminal_count_is_abnormal,
		dma_write_reaches_the_medium,
		masked_channel_waits_until_it_is_unmasked,
		bytes_by_the_host_without_dma,
		what_is_not_on_the_disk_is_not_found,
		read_id_finds_the_format,
		protected_disks_are_not_written,
		format_fills_the_track,
		change_line_falls_when_the_heads_move,
		drive_that_is_not_there_has_no_track_0,
		types_go_by_the_medium,
		errors_of_the_host_are_data_errors,
		state_survives_in_use,
		random_accesses_do_no_harm,
	};

	return rig_main("fdc", setup, list, ARRAY_SIZE(list));
}
