/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mkgarbage SEED >FILE: a multiboot image of random bytes, entered in one of
 * several ways.  In most of them each exception skips a byte and goes on, so
 * that a lot of garbage gets executed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOAD	0x100000u
#define SIZE	0x40000u
#define HEADER	0x0		/* multiboot, with addresses (bit 16) */
#define ENTRY	0x40
#define IDT	0x1000
#define GDT	0x1800
#define STUB	0x1900
#define PAGES	0x2000		/* directory, then one table for 4 MiB */
#define BODY	0x8000		/* where garbage is entered */

static uint8_t img[SIZE];
static uint64_t state;

static uint32_t rnd(void)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return state >> 33;
}

static uint8_t *out;

static void bytes(const char *hex)
{
	unsigned v;

	for (; sscanf(hex, "%2x", &v) == 1; hex += 2)
		*out++ = v;
}

static void le32(uint32_t v)
{
	memcpy(out, &v, 4);
	out += 4;
}

static void header(void)
{
	out = img + HEADER;
	le32(0x1badb002);
	le32(1u << 16);
	le32(-(0x1badb002u + (1u << 16)));
	le32(LOAD + HEADER);
	le32(LOAD);
	le32(LOAD + SIZE);
	le32(LOAD + SIZE);
	le32(LOAD + ENTRY);
}

/*
 * Every vector goes to a stub that moves the interrupted eip on.  Vectors with
 * an error code drop it first.
 */
static void tables(void)
{
	uint32_t i, at;

	out = img + STUB;		/* without an error code */
	bytes("ff0424cf");		/* inc dword [esp]; iret */
	out = img + STUB + 16;		/* with one */
	bytes("83c404ff0424cf");	/* add esp, 4; the same */
	out = img + IDT;
	for (i = 0; i < 256; i++) {
		at = LOAD + STUB;
		if (i == 8 || (i >= 10 && i <= 14) || i == 17)
			at += 16;
		le32((at & 0xffff) | 0x00080000);
		le32((at & 0xffff0000) | 0xee00);
	}
	out = img + GDT;
	le32(0), le32(0);
	le32(0x0000ffff), le32(0x00cf9a00);
	le32(0x0000ffff), le32(0x00cf9200);
	le32(0x0000ffff), le32(0x00cffa00);
	le32(0x0000ffff), le32(0x00cff200);
	for (i = 5; i < 16; i++)
		le32(rnd()), le32(rnd());
	out = img + GDT + 0xf0;
	*out++ = 0x7f, *out++ = 0;
	le32(LOAD + GDT);
	out = img + GDT + 0xf8;
	*out++ = 0xff, *out++ = 7;
	le32(LOAD + IDT);
	out = img + PAGES;
	le32((LOAD + PAGES + 0x1000) | 7);
	for (i = 1; i < 1024; i++)
		le32(rnd() % 4 ? 0 : rnd() & ~(rnd() % 8 ? 0x80 : 0));
	for (i = 0; i < 1024; i++)
		le32(i << 12 | 7);
	for (i = 0; i < 40; i++)	/* some go elsewhere */
		((uint32_t *)(img + PAGES + 0x1000))[512 + rnd() % 512] = rnd();
}

static void entry(unsigned how)
{
	out = img + ENTRY;
	if (how == 0) {		/* straight into garbage, without an IDT */
		bytes("e9");
		le32(BODY - (out + 4 - img));
		return;
	}
	bytes("0f0115"), le32(LOAD + GDT + 0xf0);	/* lgdt */
	bytes("0f011d"), le32(LOAD + GDT + 0xf8);	/* lidt */
	bytes("ea"), le32(LOAD + (out + 6 - img)), *out++ = 8, *out++ = 0;
	bytes("66b810008ed88ec08ed08ee08ee8");
	bytes("bc"), le32(LOAD + SIZE - 0x100 - (rnd() & 0xfff));
	if (how >= 2) {		/* paging */
		bytes("b8"), le32(LOAD + PAGES);
		bytes("0f22d8b8"), le32(0x10);
		bytes("0f22e00f20c00d"), le32(0x80010000);
		bytes("0f22c0");
	}
	if (how == 3)
		bytes("fb");	/* interrupts on */
	bytes("b8"), le32(rnd()), bytes("bb"), le32(LOAD + (rnd() & 0x3ffff));
	bytes("b9"), le32(rnd() & 0xff), bytes("ba"), le32(rnd() & 0x3ff);
	bytes("be"), le32(LOAD + (rnd() & 0x3ffff));
	bytes("bf"), le32(LOAD + (rnd() & 0x3ffff));
	bytes("e9");
	le32(BODY - (out + 4 - img));
}

int main(int argc, char **argv)
{
	uint32_t i;

	if (argc != 2)
		return 2;
	state = strtoul(argv[1], NULL, 0) * 2654435761u + 12345;
	for (i = 0; i < 10; i++)
		rnd();
	for (i = 0; i < SIZE; i++)
		img[i] = rnd() >> 7;
	header();
	tables();
	entry(strtoul(argv[1], NULL, 0) % 4);
	return fwrite(img, SIZE, 1, stdout) != 1;
}
