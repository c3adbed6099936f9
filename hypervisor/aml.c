/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AML writer; see aml.h. */
#include "hypervisor/aml.h"

#include <assert.h>
#include <string.h>

#define ZERO_OP		0x00
#define ONE_OP		0x01
#define NAME_OP		0x08
#define BYTE_PREFIX	0x0a
#define WORD_PREFIX	0x0b
#define DWORD_PREFIX	0x0c
#define SCOPE_OP	0x10
#define BUFFER_OP	0x11
#define PACKAGE_OP	0x12
#define METHOD_OP	0x14
#define MULTI_NAME	0x2f
#define ARG0_OP		0x68
#define STORE_OP	0x70
#define AND_OP		0x7b
#define NOTIFY_OP	0x86
#define IF_OP		0xa0
#define REGION_OP	0x80	/* behind the prefix, as the next ones */
#define FIELD_OP	0x81
#define SYSTEM_IO	1
#define FIELD_DWORD	0x43	/* DWordAcc, NoLock, WriteAsZeros */
#define EXT_PREFIX	0x5b
#define DEVICE_OP	0x82

/* Resource descriptors, 6.4.2 and 6.4.3. */
#define RES_IRQ		0x22	/* small, 2 bytes: edge, active high */
#define RES_IO		0x47	/* small, 7 bytes */
#define RES_IO_16	0x01	/* decodes 16 bits */
#define RES_DWORD	0x87	/* large: address space */
#define RES_WORD	0x88
#define RES_END		0x79
#define SPACE_MEMORY	0
#define SPACE_IO	1
#define SPACE_BUS	2
#define SPACE_FIXED	0x0c	/* minimum and maximum are fixed; producer */
#define IO_ENTIRE	0x03
#define MEM_WRITABLE	0x01

static void byte(struct aml *a, uint8_t val)
{
	assert(a->len < AML_MAX);
	a->code[a->len++] = val;
}

static void word(struct aml *a, uint16_t val)
{
	byte(a, val);
	byte(a, val >> 8);
}

static void dword(struct aml *a, uint32_t val)
{
	word(a, val);
	word(a, val >> 16);
}

static void name_string(struct aml *a, const char *name)
{
	if (*name == '\\')
		byte(a, *name++);
	assert(strlen(name) == 4);
	for (int i = 0; i < 4; i++)
		byte(a, name[i]);
}

static void begin(struct aml *a)
{
	assert(a->depth < AML_DEPTH);
	a->start[a->depth++] = a->len;
}

/*
 * PkgLength counts itself: one byte up to 63, else two with the low four
 * bits in the first (17.2.4).
 */
void aml_end(struct aml *a)
{
	unsigned at = a->start[--a->depth];
	unsigned body = a->len - at;
	unsigned extra = body + 1 < 64 ? 1 : 2;

	assert(body + 2 < 4096 && a->len + extra <= AML_MAX);
	memmove(a->code + at + extra, a->code + at, body);
	body += extra;
	a->len += extra;
	if (extra == 1) {
		a->code[at] = body;
	} else {
		a->code[at] = 1 << 6 | (body & 15);
		a->code[at + 1] = body >> 4;
	}
}

void aml_scope(struct aml *a, const char *name)
{
	byte(a, SCOPE_OP);
	begin(a);
	name_string(a, name);
}

void aml_device(struct aml *a, const char *name)
{
	byte(a, EXT_PREFIX);
	byte(a, DEVICE_OP);
	begin(a);
	name_string(a, name);
}

void aml_ref(struct aml *a, const char *name)
{
	name_string(a, name);
}

/* 20.2.2: root, how many names, the names. */
void aml_path(struct aml *a, const char *path)
{
	assert(*path == '\\' && strlen(path) % 5 == 0);
	byte(a, *path);
	byte(a, MULTI_NAME);
	byte(a, strlen(path) / 5);
	for (path++; *path; path += path[4] ? 5 : 4)
		for (int i = 0; i < 4; i++)
			byte(a, path[i]);
}

void aml_method(struct aml *a, const char *name, unsigned nargs)
{
	byte(a, METHOD_OP);
	begin(a);
	name_string(a, name);
	byte(a, nargs);
}

void aml_if(struct aml *a)
{
	byte(a, IF_OP);
	begin(a);
}

void aml_arg(struct aml *a, unsigned n)
{
	byte(a, ARG0_OP + n);
}

void aml_and(struct aml *a)
{
	byte(a, AND_OP);
}

void aml_nothing(struct aml *a)
{
	byte(a, ZERO_OP);
}

void aml_notify(struct aml *a)
{
	byte(a, NOTIFY_OP);
}

void aml_store(struct aml *a)
{
	byte(a, STORE_OP);
}

void aml_ports(struct aml *a, const char *name, uint16_t port, uint8_t len)
{
	byte(a, EXT_PREFIX);
	byte(a, REGION_OP);
	name_string(a, name);
	byte(a, SYSTEM_IO);
	aml_int(a, port);
	aml_int(a, len);
}

void aml_fields(struct aml *a, const char *region)
{
	byte(a, EXT_PREFIX);
	byte(a, FIELD_OP);
	begin(a);
	name_string(a, region);
	byte(a, FIELD_DWORD);
}

void aml_field_dword(struct aml *a, const char *name)
{
	name_string(a, name);
	byte(a, 32);		/* bits, as a PkgLength */
}

void aml_package(struct aml *a, unsigned count)
{
	byte(a, PACKAGE_OP);
	begin(a);
	byte(a, count);
}

void aml_name(struct aml *a, const char *name)
{
	byte(a, NAME_OP);
	name_string(a, name);
}

void aml_int(struct aml *a, uint32_t val)
{
	if (val < 2) {
		byte(a, val ? ONE_OP : ZERO_OP);
	} else if (val < 0x100) {
		byte(a, BYTE_PREFIX);
		byte(a, val);
	} else if (val < 0x10000) {
		byte(a, WORD_PREFIX);
		word(a, val);
	} else {
		byte(a, DWORD_PREFIX);
		dword(a, val);
	}
}

static unsigned hex(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Three letters of five bits, four hex digits, most significant first. */
void aml_eisaid(struct aml *a, const char *id)
{
	uint32_t v = (id[0] - '@') << 26 | (id[1] - '@') << 21 |
		     (id[2] - '@') << 16 | hex(id[3]) << 12 |
		     hex(id[4]) << 8 | hex(id[5]) << 4 | hex(id[6]);

	byte(a, DWORD_PREFIX);
	dword(a, __builtin_bswap32(v));
}

/* The buffer's size is written as a word, which aml_resources_end() fills. */
void aml_resources(struct aml *a)
{
	byte(a, BUFFER_OP);
	begin(a);
	byte(a, WORD_PREFIX);
	word(a, 0);
}

void aml_resources_end(struct aml *a)
{
	unsigned at = a->start[a->depth - 1], size;

	byte(a, RES_END);
	byte(a, 0);		/* checksum: 0 stands for valid */
	size = a->len - at - 3;
	a->code[at + 1] = size;
	a->code[at + 2] = size >> 8;
	aml_end(a);
}

void aml_res_io(struct aml *a, uint16_t port, uint8_t len)
{
	byte(a, RES_IO);
	byte(a, RES_IO_16);
	word(a, port);
	word(a, port);
	byte(a, 1);
	byte(a, len);
}

void aml_res_irq(struct aml *a, unsigned irq)
{
	byte(a, RES_IRQ);
	word(a, 1u << irq);
}

static void res_word(struct aml *a, uint8_t space, uint8_t flags,
		     uint16_t min, uint16_t max)
{
	byte(a, RES_WORD);
	word(a, 13);
	byte(a, space);
	byte(a, SPACE_FIXED);
	byte(a, flags);
	word(a, 0);		/* granularity */
	word(a, min);
	word(a, max);
	word(a, 0);		/* translation */
	word(a, max - min + 1);
}

void aml_res_bus(struct aml *a, uint16_t min, uint16_t max)
{
	res_word(a, SPACE_BUS, 0, min, max);
}

void aml_res_ports(struct aml *a, uint16_t min, uint16_t max)
{
	res_word(a, SPACE_IO, IO_ENTIRE, min, max);
}

void aml_res_memory(struct aml *a, uint32_t min, uint32_t max)
{
	byte(a, RES_DWORD);
	word(a, 23);
	byte(a, SPACE_MEMORY);
	byte(a, SPACE_FIXED);
	byte(a, MEM_WRITABLE);
	dword(a, 0);
	dword(a, min);
	dword(a, max);
	dword(a, 0);
	dword(a, max - min + 1);
}
