/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCnet's registers: control and status (CSR) and bus configuration (BCR)
 * behind an address port, the address PROM, and resets.  32 ports, and the
 * same 32 bytes in memory:
 *
 *	00h	PROM: station address, checksum, "WW"
 *	10h	RDP: data of the CSR that RAP names
 *	12h	RAP	(14h as double words)
 *	14h	RESET: a software reset when it is read	(18h)
 *	16h	BDP: data of the BCR that RAP names	(1Ch)
 *
 * In words until somebody writes a double word to RDP, then in double words
 * until a hardware reset.
 */
#include "hypervisor/pcnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/mem.h"
#include "hypervisor/net_mac.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/ports.h"

#define VENDOR_AMD	0x1022
#define DEVICE_PCNET	0x2000
#define REVISION	0x16	/* Am79C970A */
/* CSR88, 89: part 2621h, manufacturer 1. */
#define CHIP_ID		0x02621003u
#define IO_LEN		32u
#define MIN_GNT		0x3e
#define MAX_LAT		0x3f
#define STATUS_RMABORT	0x20	/* of the status register's upper byte */
#define STATUS_FAST	0x0280	/* back to back; DEVSEL medium */

enum { PORT_RDP, PORT_RAP, PORT_RESET, PORT_BDP };

#define CSR0_CAUSES	(CSR0_BABL | CSR0_CERR | CSR0_MISS | CSR0_MERR | \
			 CSR0_RINT | CSR0_TINT | CSR0_IDON)
#define CSR0_ERRORS	(CSR0_BABL | CSR0_CERR | CSR0_MISS | CSR0_MERR)

#define BCR2_APROMWE	0x0100	/* the PROM can be written */
#define BCR_LED0	4
#define LED_LNKST	0x0040	/* shows the link */
#define LED_OUT		0x8000	/* lit */
#define BCR18_DWIO	0x0080

/*
 * Bits of CSRs that are stored as they are written.  Except for CSR3, only
 * while the card is stopped or suspended.  CSR0, 4, 5, 58 and addresses of
 * descriptors are not here.
 */
static const struct {
	uint8_t first, last;
	uint16_t bits;
} csr_plain[] = {
	{ 1, 2, 0xffff },		/* initialization block */
	{ 3, 3, 0x5f7c },		/* interrupt masks */
	{ 8, 11, 0xffff },		/* LADRF */
	{ 12, 14, 0xffff },		/* PADR */
	{ 15, 15, 0xffff },		/* mode */
	{ 24, 25, 0xffff }, { 30, 31, 0xffff },	/* rings */
	{ 47, 47, 0xffff },		/* polling interval */
	{ 72, 72, 0xffff }, { 74, 74, 0xffff },	/* their counters */
	{ 76, 76, 0xffff }, { 78, 78, 0xffff },	/* their lengths */
	{ 80, 80, 0x3fff }, { 82, 82, 0xffff }, { 100, 100, 0xffff },
	{ 112, 112, 0xffff }, { 114, 114, 0xffff },	/* counters */
	{ 124, 124, 0x0008 },		/* RPA */
};

/* BCRs: value after a hardware reset, and bits that can be written. */
static const struct {
	uint8_t n;
	uint16_t reset, bits;
} bcr_rows[] = {
	{ 0, 0x0005, 0 }, { 1, 0x0005, 0 },
	{ 2, 0x0002, 0x7fff },
	{ BCR_LED0, 0x00c0, 0x7fff },
	{ 5, 0x0084, 0x7fff }, { 6, 0x0088, 0x7fff }, { 7, 0x0090, 0x7fff },
	{ 9, 0x0000, 0x0007 },
	{ 16, 0x0000, 0xffe0 }, { 17, 0x0000, 0xffff },
	{ 18, 0x9001, 0xfb60 },
	{ 19, 0x0002, 0 },		/* no EEPROM is detected */
	{ BCR_SWS, 0x0200, 0x0400 },	/* and SWSTYLE */
	{ 21, 0x0000, 0xffff },
	{ 22, 0xff06, 0xffff },
};

/*
 * Interrupts.
 */

static bool csr4_wants(const struct pcnet *p)
{
	uint16_t masked = p->csr[4] & CSR4_MASKED & ~(p->csr[4] << 1);

	return masked || p->csr[4] & CSR4_UINT;
}

void pcnet_update_irq(struct pcnet *p)
{
	bool sint = p->csr[5] & CSR5_SINT && p->csr[5] & CSR5_SINTE;
	bool on = p->csr[0] & CSR3_MASKS & ~p->csr[3] || csr4_wants(p);

	p->csr[0] &= ~(CSR0_INTR | CSR0_ERR);
	if (on || sint)
		p->csr[0] |= CSR0_INTR;
	if (p->csr[0] & CSR0_ERRORS)
		p->csr[0] |= CSR0_ERR;
	pci_irq(&p->func, (on && p->csr[0] & CSR0_IENA) || sint);
}

/*
 * Resets.
 */

static void stop(struct pcnet *p)
{
	p->csr[0] = CSR0_STOP;
	p->csr[4] &= ~CSR4_CAUSES;
	p->csr[5] &= ~CSR5_SPND;
	p->csr[CSR_MFC] = 0;
	p->tx_open = p->tx_starved = false;
	timer_cancel(&p->poll);
	pcnet_update_irq(p);
}

static void soft_reset(struct pcnet *p)
{
	p->csr[3] = 0;
	p->csr[4] = 0x0115;
	p->csr[5] = 0;
	p->csr[CSR_MODE] = 0;
	p->csr[80] = 0x1410;
	p->csr[100] = 0x0200;
	p->csr[CSR_BMU] = 0;
	stop(p);
}

/* The datasheet's map of the address PROM. */
static void fill_aprom(struct pcnet *p)
{
	unsigned sum = 0;

	memset(p->aprom, 0, sizeof(p->aprom));
	memcpy(p->aprom, p->mac, NET_MAC_LEN);
	p->aprom[9] = 0x11;		/* hardware ID: AMD's drivers */
	p->aprom[14] = p->aprom[15] = 'W';
	for (unsigned i = 0; i < sizeof(p->aprom); i++)
		sum += p->aprom[i];
	p->aprom[12] = sum;
	p->aprom[13] = sum >> 8;
}

static void hard_reset(struct pcnet *p)
{
	memset(p->csr, 0, sizeof(p->csr));
	memset(p->bcr, 0, sizeof(p->bcr));
	for (unsigned i = 0; i < ARRAY_SIZE(bcr_rows); i++)
		p->bcr[bcr_rows[i].n] = bcr_rows[i].reset;
	fill_aprom(p);
	for (unsigned i = 0; i < 3; i++)
		p->csr[CSR_PADR + i] = p->mac[2 * i] | p->mac[2 * i + 1] << 8;
	p->csr[CSR_RCVRL] = p->csr[CSR_XMTRL] = 0xffff;
	p->csr[CSR_RCVRC] = p->csr[CSR_XMTRC] = 0xffff;
	pcnet_set_csr32(p, CSR_CHIP, CHIP_ID);
	p->rap = 0;
	p->tx_fcs = false;
	p->tx_len = 0;
	memset(p->tx, 0, sizeof(p->tx));
	soft_reset(p);
}

void pcnet_bus_error(struct pcnet *p, int err)
{
	if (err == -EACCES) {
		p->csr[0] |= CSR0_MERR;
		pcnet_update_irq(p);
		return;
	}
	p->func.config[PCI_STATUS + 1] |= STATUS_RMABORT;
	p->csr[5] |= CSR5_SINT;
	stop(p);
}

/*
 * CSRs.
 */

static bool is_frozen(const struct pcnet *p)
{
	return p->csr[0] & CSR0_STOP || p->csr[5] & CSR5_SPND;
}

static void start(struct pcnet *p)
{
	uint16_t mode = p->csr[CSR_MODE];

	if (!(mode & MODE_DRX))
		p->csr[0] |= CSR0_RXON;
	if (!(mode & MODE_DTX))
		p->csr[0] |= CSR0_TXON;
	p->csr[0] |= CSR0_STRT;
	p->held = true;
}

static void write_csr0(struct pcnet *p, uint16_t val)
{
	bool init = val & CSR0_INIT && !(p->csr[0] & CSR0_INIT);

	if (val & CSR0_STOP) {
		stop(p);
		return;
	}
	p->csr[0] &= ~(val & CSR0_CAUSES) & ~CSR0_IENA;
	p->csr[0] |= val & (CSR0_IENA | CSR0_INIT);
	if (val & (CSR0_INIT | CSR0_STRT))
		p->csr[0] &= ~CSR0_STOP;
	if (init)
		pcnet_init_block(p);
	if (val & CSR0_STRT && !(p->csr[0] & (CSR0_STRT | CSR0_STOP)))
		start(p);
	if (val & (CSR0_TDMD | CSR0_STRT))
		pcnet_transmit(p);
	pcnet_resume(p);
}

static void write_csr4(struct pcnet *p, uint16_t val)
{
	uint16_t causes = p->csr[4] & CSR4_CAUSES & ~val;

	if (val & CSR4_UINTCMD)
		causes |= CSR4_UINT;
	p->csr[4] = causes | (val & ~(CSR4_CAUSES | CSR4_UINTCMD));
}

/* SPND counts while the card runs; with it everything waits. */
static void write_csr5(struct pcnet *p, uint16_t val)
{
	bool resumed = p->csr[5] & CSR5_SPND && !(val & CSR5_SPND);

	if (p->csr[0] & CSR0_STOP)
		val &= ~CSR5_SPND;
	p->csr[5] = (p->csr[5] & CSR5_CAUSES & ~val) | (val & ~CSR5_CAUSES);
	if (resumed) {
		pcnet_transmit(p);
		pcnet_resume(p);
	}
}

/* BCR20 and CSR58.  Other styles than these do not exist. */
static void write_style(struct pcnet *p, uint16_t val)
{
	static const uint16_t style[] = { 0x0200, 0x0101, 0x0302, 0x0303 };

	if (is_frozen(p) && (val & 0xff) < ARRAY_SIZE(style))
		p->bcr[BCR_SWS] = style[val & 0xff] | (val & 0x0400);
}

static void write_plain(struct pcnet *p, unsigned n, uint16_t val)
{
	if (n != 3 && !is_frozen(p))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(csr_plain); i++)
		if (n >= csr_plain[i].first && n <= csr_plain[i].last)
			p->csr[n] = val & csr_plain[i].bits;
}

static void write_csr(struct pcnet *p, uint16_t val)
{
	unsigned n = p->rap % PCNET_CSRS;

	switch (n) {
	case 0:
		write_csr0(p, val);
		break;
	case 4:
		write_csr4(p, val);
		break;
	case 5:
		write_csr5(p, val);
		break;
	case CSR_SWSTYLE:
		write_style(p, val);
		break;
	case 16: case 17:		/* CSR1 and 2 once more */
		write_plain(p, n - 15, val);
		break;
	default:
		write_plain(p, n, val);
	}
	pcnet_update_irq(p);
}

static uint16_t half(uint32_t val, unsigned n)
{
	return val >> 16 * (n & 1);
}

static uint16_t read_csr(const struct pcnet *p, unsigned n)
{
	switch (n) {
	case 16: case 17:
		return p->csr[n - 15];
	case 26: case 27:
		return half(pcnet_desc_at(p, false, true), n);
	case 28: case 29:
		return half(pcnet_desc_at(p, false, false), n);
	case 32: case 33:
		return half(pcnet_desc_at(p, true, true), n);
	case 34: case 35:
		return half(pcnet_desc_at(p, true, false), n);
	case CSR_SWSTYLE:
		return p->bcr[BCR_SWS];
	}
	return p->csr[n];
}

/* As a double word the chip's number comes at once. */
static uint32_t read_csr_wide(const struct pcnet *p)
{
	unsigned n = p->rap % PCNET_CSRS;

	return n == CSR_CHIP ? CHIP_ID : read_csr(p, n);
}

/*
 * BCRs.
 */

static void write_bcr(struct pcnet *p, uint16_t val)
{
	unsigned n = p->rap;

	if (n == BCR_SWS) {
		write_style(p, val);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(bcr_rows); i++)
		if (bcr_rows[i].n == n)
			p->bcr[n] = (val & bcr_rows[i].bits) |
				    (p->bcr[n] & ~bcr_rows[i].bits);
}

static uint16_t read_bcr(const struct pcnet *p)
{
	unsigned n = p->rap;

	if (n >= PCNET_BCRS)
		return 0;
	if (n == BCR_LED0 && p->bcr[n] & LED_LNKST && p->link)
		return p->bcr[n] | LED_OUT;
	return p->bcr[n];
}

/*
 * The 32 ports.
 */

static bool is_dwio(const struct pcnet *p)
{
	return p->bcr[18] & BCR18_DWIO;
}

static uint32_t read_aprom(const struct pcnet *p, unsigned off, unsigned size)
{
	uint32_t val = 0;

	for (unsigned i = 0; i < size && off + i < sizeof(p->aprom); i++)
		val |= (uint32_t)p->aprom[off + i] << 8 * i;
	return val;
}

static void write_aprom(struct pcnet *p, unsigned off, unsigned size,
			uint32_t val)
{
	if (!(p->bcr[2] & BCR2_APROMWE))
		return;
	for (unsigned i = 0; i < size && off + i < sizeof(p->aprom); i++)
		p->aprom[off + i] = val >> 8 * i;
}

/* Which register an access means; -1: it is no access to one. */
static int port_of(const struct pcnet *p, unsigned off, unsigned size)
{
	unsigned width = is_dwio(p) ? 4 : 2;

	off -= 0x10;
	if (size != width || off % width || off / width > PORT_BDP)
		return -1;
	return off / width;
}

static uint32_t read_port(struct pcnet *p, unsigned off, unsigned size)
{
	if (off < 0x10)
		return read_aprom(p, off, size);
	switch (port_of(p, off, size)) {
	case PORT_RDP:
		return size == 4 ? read_csr_wide(p) :
				   read_csr(p, p->rap % PCNET_CSRS);
	case PORT_RAP:
		return p->rap;
	case PORT_RESET:
		soft_reset(p);
		return 0;
	case PORT_BDP:
		return read_bcr(p);
	}
	return ~0u >> (32 - 8 * size);
}

static void write_port(struct pcnet *p, unsigned off, unsigned size,
		       uint32_t val)
{
	if (off < 0x10) {
		write_aprom(p, off, size, val);
		return;
	}
	if (off == 0x10 && size == 4)
		p->bcr[18] |= BCR18_DWIO;
	switch (port_of(p, off, size)) {
	case PORT_RDP:
		write_csr(p, val);
		break;
	case PORT_RAP:
		p->rap = val & 0xff;
		break;
	case PORT_BDP:
		write_bcr(p, val);
		break;
	}
}

static uint32_t pio_read(void *opaque, unsigned off, unsigned size)
{
	return read_port(opaque, off, size);
}

static void pio_write(void *opaque, unsigned off, unsigned size, uint32_t val)
{
	write_port(opaque, off, size, val);
}

static const struct pio_ops pio = {
	pio_read, pio_write, PIO_1 | PIO_2 | PIO_4,
};

/* The bus is 32 bits wide: 8 bytes are two accesses. */
static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	uint64_t val;

	if (size <= 4)
		return read_port(opaque, off, size);
	val = read_port(opaque, off, 4);
	return val | (uint64_t)read_port(opaque, off + 4, 4) << 32;
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	write_port(opaque, off, size > 4 ? 4 : size, val);
	if (size > 4)
		write_port(opaque, off + 4, 4, val >> 32);
}

static const struct mmio_ops mmio = { mmio_read, mmio_write };

/*
 * The device.
 */

static void reset(struct device *d)
{
	struct pcnet *p = (struct pcnet *)d;

	pci_func_reset(&p->func);
	pci_put16(&p->func, PCI_STATUS, STATUS_FAST);
	hard_reset(p);
}

/* Numbers that are used without a further look; the rest may be anything. */
static int loaded(struct device *d)
{
	struct pcnet *p = (struct pcnet *)d;
	unsigned style = p->bcr[BCR_SWS] & 0xff;

	if (p->rap > 0xff || p->tx_len > sizeof(p->tx) + 1 || style > 3 ||
	    !(p->bcr[BCR_SWS] & BCR20_SSIZE32) != (style == 0))
		return -EINVAL;
	p->held = true;
	return pci_func_loaded(&p->func);
}

static void destroy(struct device *d)
{
	struct pcnet *p = (struct pcnet *)d;

	p->backend->ops->set_receiver(p->backend, NULL, NULL);
	timer_cancel(&p->poll);
	pci_remove(&p->func);
	free(p);
}

static const struct field fields[] = {
	PCI_FUNC_FIELDS(struct pcnet, func, 1),
	FIELD_TIMER(struct pcnet, poll, 1),
	FIELD(struct pcnet, aprom, 1),
	FIELD(struct pcnet, rap, 1),
	FIELD(struct pcnet, csr, 1),
	FIELD(struct pcnet, bcr, 1),
	FIELD_BOOL(struct pcnet, tx_open, 1),
	FIELD_BOOL(struct pcnet, tx_fcs, 1),
	FIELD_BOOL(struct pcnet, tx_starved, 1),
	FIELD(struct pcnet, tx_len, 1),
	FIELD(struct pcnet, tx, 1),
};

static const struct device_class pcnet_class = {
	"pcnet", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

static int plug_in(struct pcnet *p, const struct pc_site *site,
		   unsigned devfn)
{
	struct pci_func *f = &p->func;

	pci_identify(f, VENDOR_AMD, DEVICE_PCNET, REVISION, 0x0200);
	f->config[PCI_INT_PIN] = 1;
	f->config[MIN_GNT] = 0x06;
	f->config[MAX_LAT] = 0xff;
	f->writable[PCI_LATENCY] = 0xff;
	f->clear[PCI_STATUS + 1] = STATUS_RMABORT;
	pci_bar_io(f, 0, IO_LEN, &pio, p, "pcnet");
	pci_bar_mem(f, 1, IO_LEN, 0, &mmio, p, "pcnet");
	return pci_add(site->pci, devfn, f);
}

/* @spec->backend: a struct net_backend, the caller's. */
int pcnet_make(struct device **out, const struct pc_site *site,
	       const struct pc_device_spec *spec, char *err)
{
	struct pcnet *p;
	unsigned devfn;
	int ret = pc_spec_needs(spec, "netdev=ID", err);

	if (!ret)
		ret = pc_spec_check(spec, "addr mac", err);
	if (!ret)
		ret = pc_spec_devfn(spec, &devfn, err);
	if (ret)
		return ret;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->dev.class = &pcnet_class;
	p->backend = spec->backend;
	p->link = true;
	timer_init(&p->poll, site->clock, pcnet_poll, p);
	*out = &p->dev;
	ret = net_mac(p->mac, spec, err);
	if (!ret)
		ret = plug_in(p, site, devfn);
	if (ret)
		return ret;
	p->backend->ops->set_receiver(p->backend, &pcnet_receiver, p);
	return 0;
}
