// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The PCnet card as its drivers meet it: registers in words and double words,
 * initialization, descriptor rings in every layout, and drivers that lie.
 */
#include "tests/unit/fuzz.h"
#include "tests/unit/rig.h"

#include <string.h>

#include "backends/net.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/pci.h"
#include "hypervisor/pcnet.h"

#define IO	0xc000u
#define MMIO	0xe0000000u
#define BLOCK	0x10000u	/* initialization block */
#define RX	0x11000u	/* rings of RING descriptors */
#define TX	0x12000u
#define RX_DATA	0x100000u
#define TX_DATA	0x200000u
#define RING	4u
#define ROOM	0x1000u		/* between buffers */

#define OWN	0x80000000u
#define ERR	0x40000000u
#define STP	0x02000000u
#define ENP	0x01000000u

static struct pci *pci;
static struct rig_wire line, reset_line;
static struct device *dev;
static struct pcnet *p;
static unsigned style;		/* of the descriptors, SWSTYLE */

/* The other end of the wire. */
static uint8_t sent[2000];
static size_t sent_len;
static unsigned sent_count, resumed;
static const struct net_receiver *card;

static void fake_send(struct net_backend *b, const uint8_t *f, size_t len)
{
	ck_assert_uint_ge(len, 14);
	ck_assert_uint_le(len, NET_FRAME_MAX);
	memcpy(sent, f, len);
	sent_len = len;
	sent_count++;
}

static void fake_set(struct net_backend *b, const struct net_receiver *r,
		     void *opaque)
{
	card = r;
}

static void fake_resume(struct net_backend *b)
{
	resumed++;
}

static const struct net_ops fake_ops = {
	"fake", fake_send, fake_set, fake_resume, NULL,
};
static struct net_backend fake = { .ops = &fake_ops };

static void map_bars(void)
{
	pci_put32(&p->func, PCI_BAR0, IO | 1);
	pci_put32(&p->func, PCI_BAR0 + 4, MMIO);
	p->func.config[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEM |
				      PCI_COMMAND_MASTER;
	pci_remap(&p->func);
}

static void setup(void)
{
	static const char *const keys[] = { "mac=52:54:00:aa:bb:cc", NULL };
	struct pc_device_spec spec = { "pcnet", &fake, keys };
	struct pci_config cfg = { .mem = rig_mem() };
	struct pc_site site = { .mem = rig_mem() };
	static char err[PC_ERR_LEN];

	rig_setup();
	cfg.ports = rig_ports;
	cfg.reset = rig_irq(&reset_line);
	for (unsigned i = 0; i < PCI_PIRQS; i++)
		cfg.pirq[i] = rig_irq(&line);
	ck_assert_int_eq(pci_create(&pci, &cfg), 0);
	site.ports = rig_ports;
	site.clock = rig_clock;
	site.loop = rig_loop;
	site.pci = pci;
	ck_assert_msg(!pc_device_make(&dev, &site, &spec, err), "%s", err);
	p = (struct pcnet *)dev;
	device_reset(dev);
	map_bars();
}

/*
 * A driver.
 */

static uint32_t in16(unsigned off)
{
	return ports_read(rig_ports, IO + off, 2);
}

static void out16(unsigned off, uint16_t val)
{
	ports_write(rig_ports, IO + off, 2, val);
}

static uint16_t csr(unsigned n)
{
	out16(0x12, n);
	return in16(0x10);
}

static void set_csr(unsigned n, uint16_t val)
{
	out16(0x12, n);
	out16(0x10, val);
}

static uint16_t bcr(unsigned n)
{
	out16(0x12, n);
	return in16(0x16);
}

static void set_bcr(unsigned n, uint16_t val)
{
	out16(0x12, n);
	out16(0x16, val);
}

static uint8_t *ram(gpa_t gpa)
{
	return mem_hva(rig_mem(), gpa);
}

static uint32_t get32(gpa_t gpa)
{
	uint32_t val;

	memcpy(&val, ram(gpa), 4);
	return val;
}

static void put32(gpa_t gpa, uint32_t val)
{
	memcpy(ram(gpa), &val, 4);
}

static unsigned desc_len(void)
{
	return style ? 16 : 8;
}

/* Descriptor @i of the ring at @ring: flags as in styles 2 and 3. */
static void put_desc(gpa_t ring, unsigned i, uint32_t addr, uint32_t flags,
		     unsigned len)
{
	gpa_t d = ring + i * desc_len();

	if (!style) {
		put32(d, addr | (flags & 0xff000000));
		put32(d + 4, -len & 0xffff);
		return;
	}
	put32(d + (style == 3 ? 8 : 0), addr);
	put32(d + (style == 3 ? 0 : 8), 0);
	put32(d + 4, flags | (-len & 0xffff));
}

static uint32_t flags_of(gpa_t ring, unsigned i)
{
	gpa_t d = ring + i * desc_len();

	return style ? get32(d + 4) & 0xffff0000 : get32(d) & 0xff000000;
}

static uint32_t status_of(gpa_t ring, unsigned i)
{
	gpa_t d = ring + i * desc_len();

	return style ? get32(d + (style == 3 ? 0 : 8)) : get32(d + 4) >> 16;
}

static void offer_rx(unsigned i, unsigned len)
{
	put_desc(RX, i, RX_DATA + i * ROOM, OWN, len);
}

static void write_block(uint16_t mode)
{
	static const uint8_t mac[] = { 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc };
	unsigned at = style ? 4 : 2;

	memset(ram(BLOCK), 0, 32);
	put32(BLOCK, mode | (style ? 2u << 20 | 2u << 28 : 0));
	memcpy(ram(BLOCK + at), mac, 6);
	put32(BLOCK + (style ? 20 : 16), RX | (style ? 0 : 2u << 29));
	put32(BLOCK + (style ? 24 : 20), TX | (style ? 0 : 2u << 29));
}

/* Rings of 4, all receive buffers offered, interrupts on. */
static void start(unsigned new_style, uint16_t mode)
{
	style = new_style;
	set_csr(0, CSR0_STOP);
	set_bcr(20, style);
	write_block(mode);
	set_csr(1, BLOCK & 0xffff);
	set_csr(2, BLOCK >> 16);
	memset(ram(TX), 0, RING * 16);
	for (unsigned i = 0; i < RING; i++)
		offer_rx(i, 1536);
	set_csr(0, CSR0_INIT);
	ck_assert_uint_eq(csr(0) & CSR0_IDON, CSR0_IDON);
	set_csr(0, CSR0_IDON | CSR0_STRT | CSR0_IENA);
}

static void receive(const void *to, size_t len)
{
	uint8_t frame[NET_FRAME_MAX];

	memset(frame, 0x5a, sizeof(frame));
	memcpy(frame, to, 6);
	card->receive(p, frame, len);
}

static const char own[] = "\x52\x54\x00\xaa\xbb\xcc";
static const char all[] = "\xff\xff\xff\xff\xff\xff";
static const char group[] = "\x01\x00\x5e\x00\x00\x01";

/*
 * Registers.
 */

START_TEST(identity_and_address_prom)
{
	unsigned sum = 0;

	ck_assert_uint_eq(pci_get32(&p->func, 0), 0x20001022);
	ck_assert_uint_eq(p->func.config[PCI_REVISION], 0x16);
	ck_assert_uint_eq(csr(88) | csr(89) << 16, 0x02621003);
	for (unsigned i = 0; i < 16; i++)
		sum += i == 12 || i == 13 ? 0 : in8(IO + i);
	ck_assert_uint_eq(in16(12), sum);
	ck_assert_uint_eq(in16(14), 0x5757);
	ck_assert_uint_eq(ports_read(rig_ports, IO, 4), 0xaa005452);
	ck_assert_uint_eq(csr(12), 0x5452);
	ck_assert_uint_eq(csr(14), 0xccbb);
	/* The PROM is written only when APROMWE says so. */
	out8(IO, 1);
	ck_assert_uint_eq(in8(IO), 0x52);
	set_bcr(2, 0x0102);
	out8(IO, 1);
	ck_assert_uint_eq(in8(IO), 1);
}
END_TEST

START_TEST(words_and_double_words)
{
	in16(0x14);
	ck_assert_uint_eq(csr(0), CSR0_STOP);
	out16(0x12, 88);
	ck_assert_uint_eq(in16(0x12), 88);
	ck_assert_uint_eq(bcr(18) & 0x80, 0);
	ports_write(rig_ports, IO + 0x10, 4, 0);
	ports_write(rig_ports, IO + 0x14, 4, 18);
	ck_assert_uint_eq(ports_read(rig_ports, IO + 0x1c, 4) & 0x80, 0x80);
	ports_write(rig_ports, IO + 0x14, 4, 88);
	ck_assert_uint_eq(ports_read(rig_ports, IO + 0x10, 4), 0x02621003);
	/* Words mean nothing now, and a software reset changes nothing. */
	ck_assert_uint_eq(in16(0x12), 0xffff);
	ports_read(rig_ports, IO + 0x18, 4);
	mem_mmio_write(rig_mem(), MMIO + 0x14, 4, 0);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), MMIO + 0x10, 4), CSR0_STOP);
	device_reset(dev);
	map_bars();
	ck_assert_uint_eq(csr(0), CSR0_STOP);
}
END_TEST

START_TEST(style_link_and_frozen_registers)
{
	static const uint16_t want[] = { 0x0200, 0x0101, 0x0302, 0x0303 };

	for (unsigned i = 0; i < 4; i++) {
		set_bcr(20, i);
		ck_assert_uint_eq(bcr(20), want[i]);
		ck_assert_uint_eq(csr(58), want[i]);
	}
	set_csr(58, 7);
	ck_assert_uint_eq(csr(58), want[3]);
	ck_assert_uint_eq(bcr(4), 0x80c0);
	card->link(p, false);
	ck_assert_uint_eq(bcr(4), 0x00c0);
	card->link(p, true);
	/* While it runs, most registers do not change; suspended, they do. */
	start(2, 0);
	set_csr(76, 0xfff0);
	ck_assert_uint_eq(csr(76), 0xfffc);
	set_csr(5, CSR5_SPND);
	ck_assert_uint_eq(csr(5), CSR5_SPND);
	set_csr(15, MODE_PROM);
	ck_assert_uint_eq(csr(15), MODE_PROM);
	ck_assert(!card->ready(p));
	set_csr(5, 0);
	ck_assert(card->ready(p));
}
END_TEST

START_TEST(initialization_reads_the_block)
{
	start(_i, 0x4000);
	ck_assert_uint_eq(csr(0), CSR0_INIT | CSR0_STRT | CSR0_TXON |
			  CSR0_RXON | CSR0_IENA);
	ck_assert_uint_eq(csr(15), 0x4000);
	ck_assert_uint_eq(csr(24) | csr(25) << 16, RX);
	ck_assert_uint_eq(csr(30) | csr(31) << 16, TX);
	ck_assert_uint_eq(csr(76), 0xfffc);
	ck_assert_uint_eq(csr(78), 0xfffc);
	ck_assert_uint_eq(csr(12), 0x5452);
	ck_assert_uint_eq(csr(28) | csr(29) << 16, RX);
	ck_assert_uint_eq(csr(26) | csr(27) << 16, RX + (_i ? 16 : 8));
	set_csr(0, CSR0_STOP | CSR0_STRT);
	ck_assert_uint_eq(csr(0), CSR0_STOP);
}
END_TEST

START_TEST(interrupts_obey_masks)
{
	start(2, 0);
	receive(own, 60);
	ck_assert(line.level);
	ck_assert_uint_eq(csr(0) & (CSR0_RINT | CSR0_INTR),
			  CSR0_RINT | CSR0_INTR);
	set_csr(3, CSR0_RINT);
	ck_assert(!line.level);
	set_csr(3, 0);
	ck_assert(line.level);
	set_csr(0, 0);				/* without IENA */
	ck_assert(!line.level);
	set_csr(0, CSR0_IENA | CSR0_RINT);
	ck_assert(!line.level);
	set_csr(4, csr(4) | CSR4_UINTCMD);
	ck_assert(line.level);
	set_csr(4, csr(4) | CSR4_UINT);
	ck_assert(!line.level);
}
END_TEST

/*
 * Frames.
 */

START_TEST(frames_come_in)
{
	start(_i, 0);
	ck_assert(card->ready(p));
	receive(own, 100);
	ck_assert_uint_eq(flags_of(RX, 0) >> 24, 0x03);
	ck_assert_uint_eq(status_of(RX, 0), 104);
	ck_assert_int_eq(memcmp(ram(RX_DATA), own, 6), 0);
	ck_assert_uint_eq(*ram(RX_DATA + 99), 0x5a);
	/* A short one is padded; 60 zero-extended bytes and the FCS. */
	receive(all, 20);
	ck_assert_uint_eq(status_of(RX, 1), 64);
	ck_assert_uint_eq(*ram(RX_DATA + ROOM + 59), 0);
	if (_i) {
		ck_assert_uint_eq(flags_of(RX, 0), STP | ENP | 0x400000);
		ck_assert_uint_eq(flags_of(RX, 1), STP | ENP | 0x100000);
	}
}
END_TEST

/* IEEE 802.3 3.2.9: the sequence of 60 zeros is known. */
START_TEST(the_check_sequence_is_right)
{
	uint8_t zeros[60] = { 0 };

	start(2, MODE_PROM);
	card->receive(p, zeros, 60);
	ck_assert_uint_eq(get32(RX_DATA + 60), 0x04128908);
}
END_TEST

START_TEST(addresses_are_filtered)
{
	start(2, MODE_DRCVBC);
	receive("\x52\x54\x00\xaa\xbb\xcd", 60);
	receive(all, 60);
	receive(group, 60);
	ck_assert_uint_eq(flags_of(RX, 0), OWN);
	/* Group 01:00:5E:00:00:01 has bit 54 of the filter. */
	set_csr(0, CSR0_STOP);
	set_csr(11, 0x0040);
	set_csr(15, MODE_DRCVPA);
	set_csr(0, CSR0_STRT);
	receive(own, 60);
	ck_assert_uint_eq(flags_of(RX, 0), OWN);
	receive(group, 60);
	ck_assert_uint_eq(flags_of(RX, 0), STP | ENP | 0x200000);
	set_csr(0, CSR0_STOP);
	set_csr(15, MODE_PROM);
	set_csr(0, CSR0_STRT);
	receive("\x52\x54\x00\xaa\xbb\xcd", 60);
	ck_assert_uint_eq(flags_of(RX, 1), STP | ENP);
}
END_TEST

START_TEST(frames_are_spread_over_buffers)
{
	start(_i, 0);
	for (unsigned i = 0; i < RING; i++)
		offer_rx(i, 64);
	receive(own, 150);
	ck_assert_uint_eq(flags_of(RX, 0) >> 24, 0x02);
	ck_assert_uint_eq(flags_of(RX, 1) >> 24, 0x00);
	ck_assert_uint_eq(flags_of(RX, 2) >> 24, 0x01);
	ck_assert_uint_eq(status_of(RX, 2), 154);
	/* Too few: the last that there was has BUFF. */
	receive(own, 150);
	ck_assert_uint_eq(flags_of(RX, 3) >> 24, 0x46);
	ck_assert(!card->ready(p));
	receive(own, 60);
	ck_assert_uint_eq(csr(0) & (CSR0_MISS | CSR0_ERR),
			  CSR0_MISS | CSR0_ERR);
	ck_assert_uint_eq(csr(112), 1);
}
END_TEST

/* The driver does not say that it gave a buffer back; the timer finds out. */
START_TEST(held_frames_are_asked_for)
{
	start(2, 0);
	put_desc(RX, 0, RX_DATA, 0, 1536);
	ck_assert(!card->ready(p));
	resumed = 0;
	offer_rx(0, 1536);
	rig_advance(2000000);
	ck_assert_uint_ge(resumed, 1);
	ck_assert(card->ready(p));
}
END_TEST

static void offer_tx(unsigned i, uint32_t flags, unsigned len)
{
	memset(ram(TX_DATA + i * ROOM), 0x30 + i, len);
	put_desc(TX, i, TX_DATA + i * ROOM, flags, len);
}

START_TEST(frames_go_out)
{
	start(_i, 0);
	offer_tx(0, OWN | STP | ENP, 60);
	set_csr(0, CSR0_TDMD | CSR0_IENA);
	ck_assert_uint_eq(sent_len, 60);
	ck_assert_uint_eq(sent[59], 0x30);
	ck_assert_uint_eq(flags_of(TX, 0) >> 24, 0x03);
	ck_assert(line.level);
	ck_assert_uint_eq(csr(0) & CSR0_TINT, CSR0_TINT);
	/* Of three parts, and without a demand: the card polls. */
	offer_tx(1, OWN | STP, 20);
	offer_tx(2, OWN, 30);
	offer_tx(3, OWN | ENP, 40);
	rig_advance(30000000);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert_uint_eq(sent_len, 90);
	ck_assert_uint_eq(sent[19], 0x31);
	ck_assert_uint_eq(sent[20], 0x32);
	ck_assert_uint_eq(sent[89], 0x33);
	for (unsigned i = 1; i < RING; i++)
		ck_assert_uint_eq(flags_of(TX, i) & (OWN | ERR), 0);
	/* And the ring begins again. */
	offer_tx(0, OWN | STP | ENP, 70);
	set_csr(0, CSR0_TDMD | CSR0_IENA);
	ck_assert_uint_eq(sent_len, 70);
}
END_TEST

START_TEST(frames_without_an_end_underflow)
{
	start(_i, 0);
	offer_tx(0, OWN | STP, 60);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(flags_of(TX, 0) >> 24, 0x82);
	rig_advance(3000000);
	ck_assert_uint_eq(flags_of(TX, 0) >> 24, 0x42);
	ck_assert_uint_eq(status_of(TX, 0), _i ? 0xc0000000 : 0xc000);
	ck_assert_uint_eq(csr(0) & (CSR0_TXON | CSR0_TINT), CSR0_TINT);
	ck_assert_uint_eq(sent_count, 0);
}
END_TEST

/* A part without a beginning is skipped; the rest comes in time. */
START_TEST(parts_may_come_late)
{
	start(2, 0);
	offer_tx(0, OWN, 60);
	offer_tx(1, OWN | STP, 60);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(flags_of(TX, 0) & OWN, 0);
	ck_assert_uint_eq(flags_of(TX, 1) & OWN, OWN);
	offer_tx(2, OWN | ENP, 60);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_len, 120);
}
END_TEST

START_TEST(oversized_frames_babble)
{
	start(2, 0);
	offer_tx(0, OWN | STP, 1500);
	offer_tx(1, OWN, 4096);
	offer_tx(2, OWN | ENP, 1500);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_count, 0);
	ck_assert_uint_eq(csr(0) & CSR0_BABL, CSR0_BABL);
	ck_assert_uint_eq(flags_of(TX, 2) & OWN, 0);
}
END_TEST

START_TEST(loopback_stays_inside)
{
	start(2, MODE_LOOP | 0x40);
	offer_tx(0, OWN | STP | ENP, 100);
	memcpy(ram(TX_DATA), own, 6);
	ck_assert(!card->ready(p));
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_count, 0);
	ck_assert_uint_eq(status_of(RX, 0), 104);
	ck_assert_int_eq(memcmp(ram(RX_DATA), ram(TX_DATA), 100), 0);
	ck_assert_uint_eq(csr(0) & (CSR0_RINT | CSR0_TINT),
			  CSR0_RINT | CSR0_TINT);
}
END_TEST

START_TEST(without_a_cable_carrier_is_lost)
{
	start(2, 0);
	card->link(p, false);
	offer_tx(0, OWN | STP | ENP, 60);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_count, 0);
	ck_assert_uint_eq(flags_of(TX, 0) & (OWN | ERR), ERR);
	ck_assert_uint_eq(status_of(TX, 0), 0x08000000);
}
END_TEST

/* A frame with the driver's own check sequence goes out without it. */
START_TEST(the_driver_may_bring_the_check_sequence)
{
	start(2, MODE_DXMTFCS);
	offer_tx(0, OWN | STP | ENP, 64);
	memset(ram(TX_DATA), 0, 60);
	put32(TX_DATA + 60, 0x04128908);
	offer_tx(1, OWN | STP | ENP, 64);	/* a wrong one */
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_count, 1);
	ck_assert_uint_eq(sent_len, 60);
}
END_TEST

START_TEST(padding_is_stripped_from_802_3_frames)
{
	uint8_t frame[60] = { 0 };

	start(2, MODE_PROM);
	set_csr(4, csr(4) | CSR4_ASTRP_RCV);
	frame[13] = 20;			/* bytes of data */
	card->receive(p, frame, 60);
	ck_assert_uint_eq(status_of(RX, 0), 34);
	frame[12] = 8;			/* a type, not a length */
	card->receive(p, frame, 60);
	ck_assert_uint_eq(status_of(RX, 1), 64);
}
END_TEST

START_TEST(drivers_choose_which_frames_interrupt)
{
	start(2, 0);
	set_csr(5, CSR5_TOKINTD);
	offer_tx(0, OWN | STP | ENP, 60);
	set_csr(0, CSR0_TDMD | CSR0_IENA);
	ck_assert_uint_eq(sent_count, 1);
	ck_assert(!line.level);
	set_csr(5, CSR5_LTINTEN);
	offer_tx(1, OWN | STP | ENP, 60);
	set_csr(0, CSR0_TDMD | CSR0_IENA);
	ck_assert_uint_eq(sent_count, 2);
	ck_assert(!line.level);
	offer_tx(2, OWN | STP | ENP | 0x10000000, 60);
	set_csr(0, CSR0_TDMD | CSR0_IENA);
	ck_assert_uint_eq(sent_count, 3);
	ck_assert(line.level);
}
END_TEST

START_TEST(without_polling_only_demands_count)
{
	start(2, 0);
	set_csr(4, csr(4) | CSR4_TXDPOLL);
	offer_tx(0, OWN | STP | ENP, 60);
	rig_advance(50000000);
	ck_assert_uint_eq(sent_count, 0);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_count, 1);
}
END_TEST

START_TEST(without_bus_mastering_nothing_moves)
{
	start(2, 0);
	p->func.config[PCI_COMMAND] &= ~PCI_COMMAND_MASTER;
	offer_tx(0, OWN | STP | ENP, 60);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_count, 0);
	ck_assert(!card->ready(p));
	set_csr(0, CSR0_STOP);
	set_csr(0, CSR0_INIT);
	ck_assert_uint_eq(csr(0) & (CSR0_MERR | CSR0_IDON), CSR0_MERR);
}
END_TEST

START_TEST(rings_outside_memory_stop_the_card)
{
	start(2, 0);
	set_csr(0, CSR0_STOP);
	set_csr(5, CSR5_SINTE);
	set_csr(30, 0);
	set_csr(31, 0xd000);
	set_csr(0, CSR0_STRT | CSR0_IENA | CSR0_TDMD);
	ck_assert_uint_eq(csr(0) & ~CSR0_INTR, CSR0_STOP);
	ck_assert_uint_eq(pci_get16(&p->func, PCI_STATUS) & 0x2000, 0x2000);
	ck_assert(line.level);
	set_csr(5, CSR5_SINTE | CSR5_SINT);
	ck_assert(!line.level);
	start(2, 0);
	receive(own, 60);
	ck_assert_uint_eq(status_of(RX, 0), 64);
}
END_TEST

static void disturb(void)
{
	device_reset(dev);
	sent_count = 0;
}

/* Between two parts of a frame, with an interrupt up. */
START_TEST(state_survives_save_and_load_in_use)
{
	start(3, 0);
	receive(own, 60);
	offer_tx(0, OWN | STP, 60);
	offer_tx(1, OWN, 50);
	set_csr(0, CSR0_TDMD | CSR0_IENA);
	ck_assert_uint_eq(flags_of(TX, 0) & OWN, 0);
	ck_assert_uint_eq(flags_of(TX, 1) & OWN, OWN);
	rig_save_load(dev, disturb);
	ck_assert_uint_eq(csr(0) & (CSR0_RINT | CSR0_TXON | CSR0_IENA),
			  CSR0_RINT | CSR0_TXON | CSR0_IENA);
	offer_tx(2, OWN | ENP, 40);
	set_csr(0, CSR0_TDMD | CSR0_IENA);
	ck_assert_uint_eq(sent_len, 150);
	ck_assert_uint_eq(sent[0], 0x30);
	receive(own, 80);
	ck_assert_uint_eq(status_of(RX, 1), 84);
}
END_TEST

START_TEST(false_states_are_refused)
{
	struct state s = { 0 };

	p->tx_len = 4000;
	ck_assert_int_eq(device_save(dev, &s), 0);
	ck_assert_int_lt(device_load(dev, &s), 0);
	state_free(&s);
}
END_TEST

/*
 * A hostile driver: random registers, rings and descriptors; sanitizers watch.
 */
static void hostile_ring(void)
{
	static const uint32_t where[] = { RX_DATA, TX_DATA, 0, 0xfff0,
					  0xfffff8, 0xd0000000, 0xfffffff8 };
	gpa_t ring = rand() % 2 ? RX : TX;

	style = rand() % 4;
	put_desc(ring, rand() % 16,
		 where[rand() % (rand() % 4 ? 2 : ARRAY_SIZE(where))] +
		 rand() % 64, (uint32_t)rand() << 1, rand());
}

static void hostile_register(void)
{
	static const uint8_t off[] = { 0x10, 0x12, 0x14, 0x16, 0x18, 0x1c };
	unsigned n = rand() % 128;

	if (rand() % 2) {
		set_csr(n, rand() % 8 ? rand() : 0xffff);
		csr(n);
	} else if (rand() % 8) {
		set_bcr(n % 32, rand());
		bcr(n % 32);
	} else {
		mem_mmio_write(rig_mem(), MMIO + off[rand() % 6],
			       1 << rand() % 4, rand());
		mem_mmio_read(rig_mem(), MMIO + rand() % 32, 1 << rand() % 4);
	}
}

START_TEST(hostile_drivers_do_no_harm)
{
	unsigned n = fuzz_cases(20000);

	srand(_i + 1);
	for (unsigned i = 0; i < n; i++) {
		if (i % 100 == 0) {
			device_reset(dev);
			map_bars();
			start(rand() % 4, rand() % 8 ? 0 : rand());
		}
		hostile_ring();
		if (rand() % 8 == 0)
			hostile_register();
		set_csr(0, CSR0_TDMD | (rand() % 16 ? 0 : rand()));
		if (rand() % 2 && (rand() % 4 == 0 || card->ready(p)))
			receive(rand() % 2 ? own : all, 14 + rand() % 1505);
		if (rand() % 16 == 0)
			rig_advance(1000000);
	}
	device_reset(dev);
	map_bars();
	card->link(p, true);
	sent_count = 0;
	start(2, 0);
	offer_tx(0, OWN | STP | ENP, 60);
	set_csr(0, CSR0_TDMD);
	ck_assert_uint_eq(sent_count, 1);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("pcnet");
	TCase *t = tcase_create("pcnet");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, identity_and_address_prom);
	tcase_add_test(t, words_and_double_words);
	tcase_add_test(t, style_link_and_frozen_registers);
	tcase_add_loop_test(t, initialization_reads_the_block, 0, 4);
	tcase_add_test(t, interrupts_obey_masks);
	tcase_add_loop_test(t, frames_come_in, 0, 4);
	tcase_add_test(t, the_check_sequence_is_right);
	tcase_add_test(t, addresses_are_filtered);
	tcase_add_loop_test(t, frames_are_spread_over_buffers, 0, 4);
	tcase_add_test(t, held_frames_are_asked_for);
	tcase_add_loop_test(t, frames_go_out, 0, 4);
	tcase_add_loop_test(t, frames_without_an_end_underflow, 0, 4);
	tcase_add_test(t, parts_may_come_late);
	tcase_add_test(t, oversized_frames_babble);
	tcase_add_test(t, loopback_stays_inside);
	tcase_add_test(t, without_a_cable_carrier_is_lost);
	tcase_add_test(t, the_driver_may_bring_the_check_sequence);
	tcase_add_test(t, padding_is_stripped_from_802_3_frames);
	tcase_add_test(t, drivers_choose_which_frames_interrupt);
	tcase_add_test(t, without_polling_only_demands_count);
	tcase_add_test(t, without_bus_mastering_nothing_moves);
	tcase_add_test(t, rings_outside_memory_stop_the_card);
	tcase_add_test(t, state_survives_save_and_load_in_use);
	tcase_add_test(t, false_states_are_refused);
	suite_add_tcase(s, t);
	t = tcase_create("hostile_drivers_do_no_harm");
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_loop_test(t, hostile_drivers_do_no_harm, 0, 5);
	tcase_set_timeout(t, 60);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed != 0;
}
