// SPDX-License-Identifier: GPL-2.0-or-later
/* 8237A DMA controllers, by their registers. */
#include "tests/unit/rig.h"

#include <string.h>

#include "hypervisor/i8237.h"

#define CH2_WRITE	0x46	/* single, to memory */
#define CH2_READ	0x4a
#define CH2_AUTO	0x56
#define CH2_DOWN	0x66
#define CH1_WORDS	0x45	/* channel 5, to memory */

static struct i8237 *dma;
static unsigned told;

static void setup(void)
{
	rig_setup();
	ck_assert_int_eq(i8237_create(&dma, rig_ports, rig_mem()), 0);
}

static void put16(unsigned port, uint16_t val)
{
	out8(port, val);
	out8(port, val >> 8);
}

/* Channel 2, as a floppy driver does. */
static void program(uint8_t mode, gpa_t at, uint16_t count)
{
	out8(0x0a, 4 | 2);
	out8(0x0c, 0);
	out8(0x0b, mode);
	put16(0x04, at);
	put16(0x05, count);
	out8(0x81, at >> 16);
	out8(0x0a, 2);
}

static const char *at(gpa_t gpa)
{
	return (const char *)mem_hva(rig_mem(), gpa);
}

START_TEST(masked_until_programmed)
{
	char buf[4] = "abc";
	bool tc = true;

	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf, 4, &tc), 0);
	ck_assert(!tc);
	ck_assert_uint_eq(in8(0x0f), 0xff);
	program(CH2_WRITE, 0x12345, 3);
	ck_assert_uint_eq(in8(0x0f), 0xfb);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_READ, buf, 4, &tc), 0);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf, 4, &tc), 4);
	ck_assert(tc);
	ck_assert_str_eq(at(0x12345), "abc");
}
END_TEST

START_TEST(count_ends_the_transfer_and_masks)
{
	char buf[8] = "abcdefg";
	bool tc;

	program(CH2_WRITE, 0x20000, 4);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf, 3, &tc), 3);
	ck_assert(!tc);
	out8(0x0c, 0);
	ck_assert_uint_eq(in8(0x04), 3);
	ck_assert_uint_eq(in8(0x04), 0);
	ck_assert_uint_eq(in8(0x05), 1);
	ck_assert_uint_eq(in8(0x05), 0);
	ck_assert_uint_eq(in8(0x08), 0);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf + 3, 5, &tc), 2);
	ck_assert(tc);
	ck_assert_str_eq(at(0x20000), "abcde");
	ck_assert_uint_eq(in8(0x08), 0x04);
	ck_assert_uint_eq(in8(0x08), 0x00);
	ck_assert_uint_eq(in8(0x05), 0xff);
	ck_assert_uint_eq(in8(0x05), 0xff);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf, 1, &tc), 0);
}
END_TEST

START_TEST(auto_initialisation_starts_over)
{
	char buf[6] = "123456";
	bool tc;

	program(CH2_AUTO, 0x20000, 3);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf, 6, &tc), 4);
	ck_assert(tc);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf + 4, 2, &tc), 2);
	ck_assert(!tc);
	ck_assert_mem_eq(at(0x20000), "5634", 4);
}
END_TEST

START_TEST(address_wraps_within_its_page)
{
	char buf[4] = "abcd", back[4];

	program(CH2_WRITE, 0x2fffe, 3);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf, 4, NULL), 4);
	ck_assert_mem_eq(at(0x2fffe), "ab", 2);
	ck_assert_mem_eq(at(0x20000), "cd", 2);
	program(CH2_READ, 0x2fffe, 3);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_READ, back, 4, NULL), 4);
	ck_assert_mem_eq(back, buf, 4);
	program(CH2_DOWN, 0x20001, 3);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf, 4, NULL), 4);
	ck_assert_mem_eq(at(0x20000), "ba", 2);
	ck_assert_mem_eq(at(0x2fffe), "dc", 2);
}
END_TEST

START_TEST(word_channels_count_words)
{
	char buf[8] = "abcdefgh";
	bool tc;

	out8(0xd8, 0);
	out8(0xd6, CH1_WORDS);
	put16(0xc4, (0x23456 >> 1) & 0xffff);
	put16(0xc6, 2);
	out8(0x8b, 0x03);	/* bit 0 does not count */
	out8(0xd4, 1);
	ck_assert_uint_eq(i8237_move(dma, 5, I8237_WRITE, buf, 7, &tc), 6);
	ck_assert(tc);
	ck_assert_mem_eq(at(0x23456), "abcdef", 6);
}
END_TEST

START_TEST(verify_counts_and_moves_nothing)
{
	char buf[4] = "abc";
	bool tc;

	program(0x42, 0x20000, 3);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_READ, buf, 4, &tc), 4);
	ck_assert(tc);
	ck_assert_str_eq(buf, "abc");
	ck_assert_str_eq(at(0x20000), "");
}
END_TEST

START_TEST(absent_memory_reads_as_ones)
{
	uint8_t buf[4] = { 0 };

	program(CH2_READ, 0xfffffe, 3);
	mem_set_hole(rig_mem(), 0xff0000, 0x10000);
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_READ, buf, 4, NULL), 4);
	ck_assert_uint_eq(buf[0] & buf[1] & buf[2] & buf[3], 0xff);
}
END_TEST

static void tell(void *opaque)
{
	told++;
}

START_TEST(watcher_hears_of_an_open_channel)
{
	i8237_watch(dma, 2, tell, NULL);
	out8(0x08, 4);		/* disabled */
	program(CH2_WRITE, 0, 0);
	ck_assert_uint_eq(told, 0);
	out8(0x08, 0);
	ck_assert_uint_eq(told, 1);
	out8(0xd8, 0);		/* the other chip */
	ck_assert_uint_eq(told, 1);
	i8237_dreq(dma, 2, true);
	ck_assert_uint_eq(in8(0x08), 0x40);
	i8237_dreq(dma, 2, false);
	ck_assert_uint_eq(in8(0x08), 0);
}
END_TEST

static void disturb(void)
{
	program(CH2_READ, 0x55555, 9);
	out8(0x0c, 0);
}

START_TEST(save_and_load_in_the_middle)
{
	char buf[8] = "abcdefgh";

	program(CH2_WRITE, 0x20000, 7);
	i8237_move(dma, 2, I8237_WRITE, buf, 3, NULL);
	out8(0x0c, 0);
	in8(0x04);
	rig_save_load(dma, disturb);
	ck_assert_uint_eq(in8(0x04), 0);	/* the high byte is next */
	ck_assert_uint_eq(i8237_move(dma, 2, I8237_WRITE, buf + 3, 5, NULL),
			  5);
	ck_assert_mem_eq(at(0x20000), "abcdefgh", 8);
	ck_assert_uint_eq(in8(0x81), 2);
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		masked_until_programmed, count_ends_the_transfer_and_masks,
		auto_initialisation_starts_over,
		address_wraps_within_its_page, word_channels_count_words,
		verify_counts_and_moves_nothing, absent_memory_reads_as_ones,
		watcher_hears_of_an_open_channel, save_and_load_in_the_middle,
	};

	return rig_main("i8237", setup, list, ARRAY_SIZE(list));
}
