/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VGA: the device and its ports.  vga_priv.h says what is where.
 *
 * BAR 0 is the video memory, BAR 2 the registers once more:
 *
 *	400h	ports 3C0h..3DFh
 *	500h	VBE registers, 16 bits each
 *	600h	size of this area; byte order
 */
#include "hypervisor/vga.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/display.h"
#include "hypervisor/clock.h"
#include "hypervisor/firmware.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/ports.h"
#include "hypervisor/vga_priv.h"

#define REGS_SIZE	4096
#define REGS_PORTS	0x400
#define REGS_VBE	0x500
#define REGS_EXT	0x600
#define EXT_SIZE	8
#define EXT_LITTLE	0x1e1e1e1eu
#define VRAM_MIN	(1 * MIB)
#define VRAM_MAX	(256 * MIB)

#define CRTC_MONO	0x3b4
#define CRTC_COLOUR	0x3d4
#define STATUS_MONO	0x3ba
#define STATUS_COLOUR	0x3da

/* Input status 1. */
#define STATUS_BLANK	0x01
#define STATUS_RETRACE	0x08
/* 640 x 480 at 60 Hz: 525 lines of 31.778 us, of which 480 are shown. */
#define LINE_NS		31778
#define LINE_SHOWN_NS	25422
#define LINES		525
#define LINES_SHOWN	480
#define RETRACE_FIRST	490
#define RETRACE_LAST	505	/* longer than the chip's: polls are slower */

/* What can be written to the graphics and attribute controllers. */
static const uint8_t gr_mask[GR_COUNT] = {
	0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff,
};

static bool colour(const struct vga *v)
{
	return v->misc & MISC_COLOUR;
}

/* Is @port the CRTC's (or its status) in the other emulation? */
static bool elsewhere(const struct vga *v, uint16_t port)
{
	if (port == CRTC_MONO || port == CRTC_MONO + 1 || port == STATUS_MONO)
		return colour(v);
	if (port == CRTC_COLOUR || port == CRTC_COLOUR + 1 ||
	    port == STATUS_COLOUR)
		return !colour(v);
	return false;
}

/*
 * The parts.
 */

static uint8_t status_read(struct vga *v)
{
	uint64_t ns = clock_now(v->cfg.clock) % ((uint64_t)LINES * LINE_NS);
	unsigned line = ns / LINE_NS;
	uint8_t val = 0;

	v->ar_data = 0;
	if (line >= LINES_SHOWN || ns % LINE_NS >= LINE_SHOWN_NS)
		val |= STATUS_BLANK;
	if (line >= RETRACE_FIRST && line < RETRACE_LAST)
		val |= STATUS_RETRACE;
	return val;
}

static uint8_t ar_read(const struct vga *v)
{
	unsigned i = v->ar_index & 0x1f;

	return i < AR_COUNT ? v->ar[i] : 0;
}

/* Index and data go to the same port in turn. */
static void ar_write(struct vga *v, uint8_t val)
{
	unsigned i = v->ar_index & 0x1f;

	if (!v->ar_data)
		v->ar_index = val & 0x3f;
	else if (i < AR_MODE)
		v->ar[i] = val & 0x3f;
	else if (i < AR_COUNT)
		v->ar[i] = val;
	v->ar_data ^= 1;
}

static void cr_write(struct vga *v, uint8_t val)
{
	unsigned i = v->cr_index;

	if (i >= CR_COUNT)
		return;
	if (v->cr[CR_V_RETRACE_END] & CR_PROTECT && i <= CR_OVERFLOW) {
		/* Line compare's bit 8 stays writable. */
		if (i == CR_OVERFLOW)
			v->cr[i] = (v->cr[i] & ~0x10) | (val & 0x10);
		return;
	}
	v->cr[i] = val;
}

static uint8_t dac_read_data(struct vga *v)
{
	uint8_t val = v->palette[v->dac_read][v->dac_sub];

	if (++v->dac_sub == 3) {
		v->dac_sub = 0;
		v->dac_read++;
	}
	return val;
}

static void dac_write_data(struct vga *v, uint8_t val)
{
	v->dac_new[v->dac_sub] = val;
	if (++v->dac_sub < 3)
		return;
	memcpy(v->palette[v->dac_write++], v->dac_new, 3);
	v->dac_sub = 0;
}

static void dac_index(struct vga *v, uint8_t val, bool reading)
{
	if (reading)
		v->dac_read = val;
	else
		v->dac_write = val;
	v->dac_sub = 0;
	v->dac_reading = reading;
}

/*
 * Ports.
 */

static uint8_t port_get(struct vga *v, uint16_t port)
{
	if (elsewhere(v, port))
		return 0xff;
	switch (port) {
	case 0x3c0:
		return v->ar_data ? 0 : v->ar_index;
	case 0x3c1:
		return ar_read(v);
	case 0x3c4:
		return v->sr_index;
	case 0x3c5:
		return v->sr[v->sr_index];
	case 0x3c6:
		return v->dac_mask;
	case 0x3c7:
		return v->dac_reading ? 3 : 0;
	case 0x3c8:
		return v->dac_write;
	case 0x3c9:
		return dac_read_data(v);
	case 0x3ca:
		return v->feature;
	case 0x3cc:
		return v->misc;
	case 0x3ce:
		return v->gr_index;
	case 0x3cf:
		return v->gr[v->gr_index];
	case CRTC_MONO:
	case CRTC_COLOUR:
		return v->cr_index;
	case CRTC_MONO + 1:
	case CRTC_COLOUR + 1:
		return v->cr_index < CR_COUNT ? v->cr[v->cr_index] : 0;
	case STATUS_MONO:
	case STATUS_COLOUR:
		return status_read(v);
	default:
		return 0;
	}
}

static void port_put(struct vga *v, uint16_t port, uint8_t val)
{
	if (elsewhere(v, port))
		return;
	switch (port) {
	case 0x3c0:
		ar_write(v, val);
		break;
	case 0x3c2:
		v->misc = val & ~0x10;
		break;
	case 0x3c4:
		v->sr_index = val & (SR_COUNT - 1);
		break;
	case 0x3c5:
		v->sr[v->sr_index] = val;
		break;
	case 0x3c6:
		v->dac_mask = val;
		break;
	case 0x3c7:
	case 0x3c8:
		dac_index(v, val, port == 0x3c7);
		break;
	case 0x3c9:
		dac_write_data(v, val);
		break;
	case 0x3ce:
		v->gr_index = val & (GR_COUNT - 1);
		break;
	case 0x3cf:
		v->gr[v->gr_index] = val & gr_mask[v->gr_index];
		break;
	case CRTC_MONO:
	case CRTC_COLOUR:
		v->cr_index = val;
		break;
	case CRTC_MONO + 1:
	case CRTC_COLOUR + 1:
		cr_write(v, val);
		break;
	case STATUS_MONO:
	case STATUS_COLOUR:
		v->feature = val & 0x10;
		break;
	}
}

static uint32_t mono_read(void *opaque, unsigned off, unsigned size)
{
	return port_get(opaque, CRTC_MONO + off);
}

static void mono_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	port_put(opaque, CRTC_MONO + off, val);
}

static uint32_t vga_read(void *opaque, unsigned off, unsigned size)
{
	return port_get(opaque, 0x3c0 + off);
}

static void vga_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	port_put(opaque, 0x3c0 + off, val);
}

static uint32_t status_mono_read(void *opaque, unsigned off, unsigned size)
{
	return port_get(opaque, STATUS_MONO);
}

static void status_mono_write(void *opaque, unsigned off, unsigned size,
			      uint32_t val)
{
	port_put(opaque, STATUS_MONO, val);
}

/* 1CEh index, 1CFh and (for those who like them aligned) 1D0h data. */
static uint32_t vbe_read(void *opaque, unsigned off, unsigned size)
{
	struct vga *v = opaque;

	return off ? vga_vbe_get(v, v->vbe_index) : v->vbe_index;
}

static void vbe_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	struct vga *v = opaque;

	if (size != 2)
		return;
	if (off)
		vga_vbe_put(v, v->vbe_index, val);
	else
		v->vbe_index = val;
}

static const struct pio_ops mono_ops = { mono_read, mono_write, PIO_1 };
static const struct pio_ops status_mono_ops = {
	status_mono_read, status_mono_write, PIO_1,
};
static const struct pio_ops vga_ops = { vga_read, vga_write, PIO_1 };
static const struct pio_ops vbe_ops = { vbe_read, vbe_write, PIO_1 | PIO_2 };

static const struct {
	uint16_t first, count;
	const struct pio_ops *ops;
} ranges[] = {
	{ CRTC_MONO, 2, &mono_ops },
	{ STATUS_MONO, 1, &status_mono_ops },
	{ 0x3c0, 0x1b, &vga_ops },	/* up to 3DAh */
	{ 0x1ce, 4, &vbe_ops },
};

/*
 * BAR 2.
 */

static uint64_t regs_read(void *opaque, gpa_t off, unsigned size)
{
	struct vga *v = opaque;

	if (off >= REGS_PORTS && off < REGS_PORTS + 0x20 && size <= 2) {
		uint64_t val = port_get(v, 0x3c0 + off - REGS_PORTS);

		if (size == 2)
			val |= port_get(v, 0x3c1 + off - REGS_PORTS) << 8;
		return val;
	}
	if (off >= REGS_VBE && off < REGS_VBE + 2 * VBE_COUNT && size == 2)
		return vga_vbe_get(v, (off - REGS_VBE) / 2);
	if (off == REGS_EXT)
		return EXT_SIZE;
	return off == REGS_EXT + 4 ? EXT_LITTLE : 0;
}

static void regs_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	struct vga *v = opaque;

	if (off >= REGS_PORTS && off < REGS_PORTS + 0x20 && size <= 2) {
		port_put(v, 0x3c0 + off - REGS_PORTS, val);
		if (size == 2)
			port_put(v, 0x3c1 + off - REGS_PORTS, val >> 8);
	} else if (off >= REGS_VBE && off < REGS_VBE + 2 * VBE_COUNT &&
		   size == 2) {
		vga_vbe_put(v, (off - REGS_VBE) / 2, val);
	}
}

static const struct mmio_ops regs_ops = { regs_read, regs_write };

/*
 * Life cycle.
 */

static void reset(struct device *d)
{
	struct vga *v = (struct vga *)d;

	pci_func_reset(&v->func);
	v->misc = v->feature = 0;
	v->sr_index = v->gr_index = v->cr_index = v->ar_index = v->ar_data = 0;
	memset(v->sr, 0, sizeof(v->sr));
	memset(v->gr, 0, sizeof(v->gr));
	memset(v->cr, 0, sizeof(v->cr));
	memset(v->ar, 0, sizeof(v->ar));
	memset(v->palette, 0, sizeof(v->palette));
	memset(v->dac_new, 0, sizeof(v->dac_new));
	v->dac_read = v->dac_write = v->dac_sub = v->dac_reading = 0;
	v->dac_mask = 0xff;
	v->latch = 0;
	vga_vbe_reset(v);
}

static int loaded(struct device *d)
{
	struct vga *v = (struct vga *)d;

	if (v->sr_index >= SR_COUNT || v->gr_index >= GR_COUNT ||
	    v->dac_sub > 2 || v->ar_data > 1)
		return -EINVAL;
	return vga_vbe_loaded(v) ? -EINVAL : pci_func_loaded(&v->func);
}

static void destroy(struct device *d)
{
	struct vga *v = (struct vga *)d;

	if (v->cfg.backend.display)
		display_set_source(v->cfg.backend.display, NULL, NULL);
	mem_block_destroy(v->vram);
	mem_block_destroy(v->rom);
	free(v);
}

static const struct field fields[] = {
	PCI_FUNC_FIELDS(struct vga, func, 1),
#define X(member) FIELD(struct vga, member, 1),
	X(misc) X(feature) X(sr_index) X(sr) X(gr_index) X(gr) X(cr_index)
	X(cr) X(ar_index) X(ar) X(ar_data) X(dac_read) X(dac_write)
	X(dac_sub) X(dac_mask) X(dac_reading) X(dac_new) X(palette) X(latch)
	X(vbe_index) X(vbe)
#undef X
};

static const struct device_class vga_class = {
	"vga", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

static int make_pci(struct vga *v)
{
	struct pci_func *f = &v->func;

	pci_identify(f, 0x1234, 0x1111, 2, 0x0300);
	pci_subsystem(f, 0x1af4, 0x1100);
	/* It has ports, though no BAR for them. */
	f->writable[PCI_COMMAND] |= PCI_COMMAND_IO;
	pci_bar_block(f, 0, PCI_BAR_PREFETCH, v->vram, "vga memory");
	pci_bar_mem(f, 2, REGS_SIZE, 0, &regs_ops, v, "vga registers");
	if (v->rom)
		pci_bar_rom(f, v->rom, "vga rom");
	return pci_add(v->cfg.pci, v->cfg.devfn, f);
}

static int claim_ports(struct vga *v)
{
	int err = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(ranges) && !err; i++)
		err = ports_add(v->cfg.ports, ranges[i].first, ranges[i].count,
				ranges[i].ops, v, "vga");
	return err;
}

static int make(struct vga *v, char *err)
{
	const struct vga_backend *b = &v->cfg.backend;
	char why[FIRMWARE_ERR_LEN];
	int code = mem_block_create(v->cfg.mem, v->cfg.vram_size, &v->vram);

	if (!code && b->rom &&
	    (code = firmware_rom(&v->rom, v->cfg.mem, b->rom, b->rom_len,
				 why))) {
		snprintf(err, PC_ERR_LEN, "vga: %.120s", why);
		return code;
	}
	if (!code)
		code = make_pci(v);
	if (!code)
		code = claim_ports(v);
	if (!code)
		code = vga_mem_create(v);
	if (code)
		snprintf(err, PC_ERR_LEN, "vga: %s", strerror(-code));
	return code;
}

int vga_create(struct vga **out, const struct vga_config *cfg, char *err)
{
	struct vga *v = calloc(1, sizeof(*v));
	int code;

	*out = v;
	if (!v) {
		snprintf(err, PC_ERR_LEN, "vga: out of memory");
		return -ENOMEM;
	}
	v->dev.class = &vga_class;
	v->cfg = *cfg;
	code = make(v, err);
	if (code)
		return code;
	reset(&v->dev);
	if (cfg->backend.display)
		display_set_source(cfg->backend.display, &vga_source_ops, v);
	return 0;
}

static int vram_size(const struct pc_device_spec *spec, uint64_t *size,
		     char *err)
{
	const char *mib = pc_spec_key(spec, "vgamem_mb");

	*size = mib ? strtoul(mib, NULL, 10) * MIB : VGA_VRAM_DEFAULT;
	if (*size >= VRAM_MIN && *size <= VRAM_MAX && !(*size & (*size - 1)))
		return 0;
	snprintf(err, PC_ERR_LEN, "VGA: vgamem_mb=%.20s: not 1, 2, 4 ... 256",
		 mib);
	return -EINVAL;
}

int vga_from_spec(struct device **out, const struct pc_site *site,
		  const struct pc_device_spec *spec, char *err)
{
	struct vga_config cfg = {
		.pci = site->pci, .ports = site->ports, .mem = site->mem,
		.clock = site->clock,
	};
	int code = pc_spec_check(spec, "addr vgamem_mb", err);

	if (!code)
		code = pc_spec_devfn(spec, &cfg.devfn, err);
	if (!code)
		code = vram_size(spec, &cfg.vram_size, err);
	if (code)
		return code;
	if (spec->backend)
		cfg.backend = *(const struct vga_backend *)spec->backend;
	return vga_create((struct vga **)out, &cfg, err);
}
