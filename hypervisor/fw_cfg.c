/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fw_cfg; see fw_cfg.h.
 *
 * Reads beyond the end of an item, and of items that do not exist, give zeros.
 * Nothing can be written through it.
 *
 * DMA: the guest writes the big-endian address of a descriptor of 16 bytes to
 * 514h (high half) and 518h (low half, which starts it):
 *
 *	0	control: item << 16 | SELECT | READ | SKIP | WRITE
 *	4	length
 *	8	address
 *
 * all big-endian.  The device stores 0 in the control word, or ERROR.
 */
#include "hypervisor/fw_cfg.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/device.h"
#include "hypervisor/mem.h"
#include "hypervisor/ports.h"

#define PORT_SELECT	0x510	/* 16 bits; the data byte is the next port */
#define PORT_DMA	0x514
#define KEY_MASK	0xbfffu	/* bit 14 once meant a write */
#define KEY_ARCH	0x8000u
#define ITEMS		(FW_CFG_FILE_FIRST + FW_CFG_FILES_MAX)
#define ARCH_ITEMS	8
#define ID_TRADITIONAL	1u
#define ID_DMA		2u

#define DMA_ERROR	0x01u
#define DMA_READ	0x02u
#define DMA_SKIP	0x04u
#define DMA_SELECT	0x08u
#define DMA_WRITE	0x10u
#define DMA_SIGNATURE	0x51454d5520434647ULL	/* "QEMU CFG" */

struct item {
	uint8_t *data;
	size_t len;
};

/* The directory, as firmware reads it. */
struct entry {
	uint32_t size;		/* big-endian, as all here */
	uint16_t select, reserved;
	char name[FW_CFG_FILE_NAME];
} __attribute__((packed));

struct directory {
	uint32_t count;
	struct entry files[FW_CFG_FILES_MAX];
} __attribute__((packed));

struct descriptor {
	uint32_t control, length;
	uint64_t address;
} __attribute__((packed));

struct fw_cfg {
	struct device dev;
	struct mem *mem;
	struct item items[ITEMS], arch[ARCH_ITEMS];
	struct directory dir;
	unsigned nfiles;
	uint16_t key;
	uint32_t pos;		/* in the item; stays at its end */
	uint32_t dma_high;
};

/*
 * Items.
 */

static struct item *item_of(struct fw_cfg *f, unsigned key)
{
	unsigned n = key & ~KEY_ARCH;

	if (key & ~KEY_MASK)
		return NULL;
	if (key & KEY_ARCH)
		return n < ARCH_ITEMS ? &f->arch[n] : NULL;
	return n < ITEMS ? &f->items[n] : NULL;
}

int fw_cfg_put(struct fw_cfg *f, unsigned key, const void *data, size_t len)
{
	struct item *item = item_of(f, key);
	uint8_t *p;

	if (!item || len > UINT32_MAX)
		return -EINVAL;
	p = malloc(len ? len : 1);
	if (!p)
		return -ENOMEM;
	memcpy(p, data, len);
	free(item->data);
	*item = (struct item){ p, len };
	return 0;
}

int fw_cfg_put_int(struct fw_cfg *f, unsigned key, uint64_t val, size_t len)
{
	uint64_t le = htole64(val);

	return fw_cfg_put(f, key, &le, len);
}

static unsigned file_index(const struct fw_cfg *f, const char *name)
{
	unsigned n = 0;

	while (n < f->nfiles && strcmp(f->dir.files[n].name, name))
		n++;
	return n;
}

int fw_cfg_put_file(struct fw_cfg *f, const char *name, const void *data,
		    size_t len)
{
	unsigned n = file_index(f, name);
	struct entry *e = &f->dir.files[n];
	int err;

	if (strlen(name) >= FW_CFG_FILE_NAME)
		return -EINVAL;
	if (n == FW_CFG_FILES_MAX)
		return -ENOSPC;
	err = fw_cfg_put(f, FW_CFG_FILE_FIRST + n, data, len);
	if (err)
		return err;
	if (n == f->nfiles)
		f->dir.count = htobe32(++f->nfiles);
	e->size = htobe32(len);
	e->select = htobe16(FW_CFG_FILE_FIRST + n);
	strncpy(e->name, name, sizeof(e->name) - 1);
	return fw_cfg_put(f, FW_CFG_FILE_DIR, &f->dir,
			  offsetof(struct directory, files[f->nfiles]));
}

/*
 * Registers.
 */

static void select_key(struct fw_cfg *f, uint16_t key)
{
	f->key = key;
	f->pos = 0;
}

/* Bytes of the selected item from f->pos on; NULL with 0 at its end. */
static const uint8_t *rest(struct fw_cfg *f, size_t *len)
{
	const struct item *item = item_of(f, f->key);

	*len = 0;
	if (!item || f->pos >= item->len)
		return NULL;
	*len = item->len - f->pos;
	return item->data + f->pos;
}

static uint8_t next_byte(struct fw_cfg *f)
{
	size_t len;
	const uint8_t *p = rest(f, &len);

	if (!p)
		return 0;
	f->pos++;
	return *p;
}

static uint32_t reg_read(void *opaque, unsigned off, unsigned size)
{
	return off == 1 ? next_byte(opaque) : 0;
}

static void reg_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	if (off == 0 && size == 2)
		select_key(opaque, val);
}

/*
 * DMA.
 */

/* Zeros into [gpa, gpa+len). */
static int dma_zero(struct fw_cfg *f, gpa_t gpa, uint32_t len)
{
	static const uint8_t zeros[PAGE_SIZE];

	while (len) {
		uint32_t n = len < sizeof(zeros) ? len : sizeof(zeros);

		if (mem_write(f->mem, gpa, zeros, n))
			return -EFAULT;
		gpa += n;
		len -= n;
	}
	return 0;
}

static int dma_read(struct fw_cfg *f, gpa_t gpa, uint32_t len)
{
	size_t have;
	const uint8_t *p = rest(f, &have);

	if (have > len)
		have = len;
	if (have && mem_write(f->mem, gpa, p, have))
		return -EFAULT;
	f->pos += have;
	return dma_zero(f, gpa + have, len - have);
}

static void dma_skip(struct fw_cfg *f, uint32_t len)
{
	size_t have;

	rest(f, &have);
	f->pos += len < have ? len : have;
}

static uint32_t dma_do(struct fw_cfg *f, const struct descriptor *d)
{
	uint32_t control = be32toh(d->control), len = be32toh(d->length);

	if (control & DMA_SELECT)
		select_key(f, control >> 16);
	if (control & DMA_READ)
		return dma_read(f, be64toh(d->address), len) ? DMA_ERROR : 0;
	if (control & DMA_WRITE)
		return DMA_ERROR;
	if (control & DMA_SKIP)
		dma_skip(f, len);
	return 0;
}

/* A descriptor outside RAM leaves no place to say so. */
static void dma_start(struct fw_cfg *f, gpa_t gpa)
{
	struct descriptor d;
	uint32_t result;

	if (mem_read(f->mem, gpa, &d, sizeof(d)))
		return;
	result = htobe32(dma_do(f, &d));
	mem_write(f->mem, gpa, &result, sizeof(result));
}

static uint32_t dma_reg_read(void *opaque, unsigned off, unsigned size)
{
	uint64_t val = htobe64(DMA_SIGNATURE) >> off * 8;

	return val;
}

static void dma_reg_write(void *opaque, unsigned off, unsigned size,
			  uint32_t val)
{
	struct fw_cfg *f = opaque;

	if (size != 4)
		return;
	if (off == 0) {
		f->dma_high = be32toh(val);
	} else if (off == 4) {
		gpa_t gpa = (gpa_t)f->dma_high << 32 | be32toh(val);

		f->dma_high = 0;
		dma_start(f, gpa);
	}
}

static const struct pio_ops reg_ops = { reg_read, reg_write, PIO_1 | PIO_2 };
static const struct pio_ops dma_ops = {
	dma_reg_read, dma_reg_write, PIO_1 | PIO_2 | PIO_4,
};

/*
 * Life cycle.
 */

static void reset(struct device *d)
{
	struct fw_cfg *f = (struct fw_cfg *)d;

	select_key(f, 0);
	f->dma_high = 0;
}

static void destroy(struct device *d)
{
	struct fw_cfg *f = (struct fw_cfg *)d;

	for (unsigned i = 0; i < ITEMS; i++)
		free(f->items[i].data);
	for (unsigned i = 0; i < ARCH_ITEMS; i++)
		free(f->arch[i].data);
	free(f);
}

static const struct field fields[] = {
	FIELD(struct fw_cfg, key, 1),
	FIELD(struct fw_cfg, pos, 1),
	FIELD(struct fw_cfg, dma_high, 1),
};

static const struct device_class fw_cfg_class = {
	"fw_cfg", 1, fields, ARRAY_SIZE(fields), reset, NULL, destroy,
};

int fw_cfg_create(struct fw_cfg **out, struct ports *ports, struct mem *mem)
{
	struct fw_cfg *f = calloc(1, sizeof(*f));
	int err;

	*out = f;
	if (!f)
		return -ENOMEM;
	f->dev.class = &fw_cfg_class;
	f->mem = mem;
	err = fw_cfg_put(f, FW_CFG_SIGNATURE, "QEMU", 4);
	if (!err)
		err = fw_cfg_put_int(f, FW_CFG_ID, ID_TRADITIONAL | ID_DMA, 4);
	if (!err)
		err = fw_cfg_put(f, FW_CFG_FILE_DIR, &f->dir,
				 sizeof(f->dir.count));
	if (!err)
		err = ports_add(ports, PORT_SELECT, 2, &reg_ops, f, "fw_cfg");
	if (!err)
		err = ports_add(ports, PORT_DMA, 8, &dma_ops, f, "fw_cfg dma");
	return err;
}
