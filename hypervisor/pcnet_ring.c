/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PCnet's descriptor rings, and frames through them.
 *
 * A ring's counter (CSR72, CSR74) runs from the two's complement of its length
 * (CSR76, CSR78) up to FFFFh.  Descriptors come in three layouts (BCR20,
 * SWSTYLE); struct desc is what they have in common, with flags where styles 2
 * and 3 have them.  The driver may write anything anywhere at any time: each
 * descriptor is read once and believed only as far as it was checked.
 */
#include <string.h>

#include "hypervisor/pcnet.h"

/* Flags, at bits 31..16; style 0 has the upper 8 alone. */
#define D_OWN		0x80000000u
#define D_ERR		0x40000000u
#define D_STP		0x02000000u
#define D_ENP		0x01000000u
#define R_CRC		0x08000000u
#define R_BUFF		0x04000000u
#define R_PAM		0x00400000u
#define R_LAFM		0x00200000u
#define R_BAM		0x00100000u
#define T_ADD_FCS	0x20000000u
#define T_LTINT		0x10000000u
#define R_RESULT	(D_ERR | R_CRC | R_BUFF | 0x30000000u | D_STP | \
			 D_ENP | R_PAM | R_LAFM | R_BAM | 0x00800000u)
#define T_RESULT	(D_ERR | 0x0c800000u)	/* ONE, DEF, BPE */
/* A transmit descriptor's second status. */
#define TS_BUFF		0x80000000u
#define TS_UFLO		0x40000000u
#define TS_LCAR		0x08000000u

/* Descriptors for one call of pcnet_transmit(). */
#define TX_BUDGET	256
/*
 * The chip polls every 2 ms.  We do when something is known to be waited for,
 * and else, for drivers that never set TDMD, at leisure.
 */
#define POLL_BUSY	(1 * NS_PER_SEC / 1000)
#define POLL_IDLE	(20 * NS_PER_SEC / 1000)

struct desc {
	uint32_t at;		/* where it is */
	uint32_t addr, flags, status;
	unsigned len;		/* bytes of its buffer, 1..4096 */
};

static bool ssize32(const struct pcnet *p)
{
	return p->bcr[BCR_SWS] & BCR20_SSIZE32;
}

/* With 16-bit structures addresses get their upper byte from CSR2. */
static uint32_t high_byte(const struct pcnet *p)
{
	return ssize32(p) ? 0 : (uint32_t)(p->csr[2] & 0xff00) << 16;
}

static bool active(const struct pcnet *p, uint16_t on)
{
	return p->csr[0] & on && !(p->csr[5] & CSR5_SPND);
}

/*
 * Descriptors.
 */

static unsigned counter_of(bool transmit)
{
	return transmit ? CSR_XMTRC : CSR_RCVRC;
}

static uint16_t after(const struct pcnet *p, bool transmit)
{
	uint16_t n = p->csr[counter_of(transmit)] + 1;

	return n ? n : p->csr[transmit ? CSR_XMTRL : CSR_RCVRL];
}

static void advance(struct pcnet *p, bool transmit)
{
	p->csr[counter_of(transmit)] = after(p, transmit);
}

uint32_t pcnet_desc_at(const struct pcnet *p, bool transmit, bool next)
{
	uint16_t first = p->csr[transmit ? CSR_XMTRL : CSR_RCVRL];
	uint16_t n = next ? after(p, transmit) : p->csr[counter_of(transmit)];
	uint32_t base = pcnet_csr32(p, transmit ? CSR_BADX : CSR_BADR);

	/* A counter from outside the ring means its first descriptor. */
	if (n < first)
		n = first;
	return base + (uint16_t)(n - first) * (ssize32(p) ? 16 : 8);
}

static uint16_t le16(const uint8_t *b)
{
	return b[0] | b[1] << 8;
}

static uint32_t le32(const uint8_t *b)
{
	return le16(b) | (uint32_t)le16(b + 2) << 16;
}

static void put_le32(uint8_t *b, uint32_t val)
{
	for (unsigned i = 0; i < 4; i++)
		b[i] = val >> 8 * i;
}

static bool is_style3(const struct pcnet *p)
{
	return (p->bcr[BCR_SWS] & 0xff) == 3;
}

static void parse(const struct pcnet *p, struct desc *d, const uint8_t *b)
{
	unsigned count;

	if (ssize32(p)) {
		d->addr = le32(b + (is_style3(p) ? 8 : 0));
		d->flags = le32(b + 4) & 0xffff0000;
		d->status = le32(b + (is_style3(p) ? 0 : 8));
		count = le16(b + 4);
	} else {
		d->addr = (le32(b) & 0xffffff) | high_byte(p);
		d->flags = (uint32_t)b[3] << 24;
		d->status = (uint32_t)le16(b + 6) << 16;
		count = le16(b + 4);
	}
	d->len = 4096 - (count & 0xfff);
}

static int desc_read(struct pcnet *p, struct desc *d, bool transmit, bool next)
{
	uint8_t b[16];
	int ret;

	d->at = pcnet_desc_at(p, transmit, next);
	ret = pci_dma_read(&p->func, d->at, b, ssize32(p) ? 16 : 8);
	if (!ret)
		parse(p, d, b);
	else
		pcnet_bus_error(p, ret);
	return ret;
}

/* Status first: with OWN clear the driver may look. */
static int desc_release(struct pcnet *p, struct desc *d, bool status)
{
	uint8_t b[8];
	unsigned at = !ssize32(p) ? 6 : is_style3(p) ? 0 : 8;
	int ret = 0;

	d->flags &= ~D_OWN;
	put_le32(b, d->status);
	put_le32(b + 4, d->flags);
	if (status && ssize32(p))
		ret = pci_dma_write(&p->func, d->at + at, b, 4);
	else if (status)
		ret = pci_dma_write(&p->func, d->at + at, b + 2, 2);
	if (!ret && ssize32(p))
		ret = pci_dma_write(&p->func, d->at + 6, b + 6, 2);
	else if (!ret)
		ret = pci_dma_write(&p->func, d->at + 3, b + 7, 1);
	if (ret)
		pcnet_bus_error(p, ret);
	return ret;
}

/*
 * Initialization.
 */

/* Lengths are powers of two, 1..512 at most; counters start at the first. */
static void set_ring(struct pcnet *p, bool transmit, uint32_t base,
		     unsigned log2)
{
	unsigned n = log2 > 9 ? 9 : log2;

	base &= ssize32(p) ? ~15u : ~7u;
	pcnet_set_csr32(p, transmit ? CSR_BADX : CSR_BADR, base);
	p->csr[transmit ? CSR_XMTRL : CSR_RCVRL] = -(1u << n);
	p->csr[counter_of(transmit)] = -(1u << n);
}

static void take_block16(struct pcnet *p, const uint8_t *b)
{
	p->csr[CSR_MODE] = le16(b);
	for (unsigned i = 0; i < 3; i++)
		p->csr[CSR_PADR + i] = le16(b + 2 + 2 * i);
	for (unsigned i = 0; i < 4; i++)
		p->csr[CSR_LADRF + i] = le16(b + 8 + 2 * i);
	p->csr[6] = (b[19] >> 5) << 8 | (b[23] >> 5) << 12;
	set_ring(p, false, (le32(b + 16) & 0xffffff) | high_byte(p),
		 b[19] >> 5);
	set_ring(p, true, (le32(b + 20) & 0xffffff) | high_byte(p),
		 b[23] >> 5);
}

static void take_block32(struct pcnet *p, const uint8_t *b)
{
	p->csr[CSR_MODE] = le16(b);
	for (unsigned i = 0; i < 3; i++)
		p->csr[CSR_PADR + i] = le16(b + 4 + 2 * i);
	for (unsigned i = 0; i < 4; i++)
		p->csr[CSR_LADRF + i] = le16(b + 12 + 2 * i);
	p->csr[6] = (b[2] >> 4) << 8 | (b[3] >> 4) << 12;
	set_ring(p, false, le32(b + 20), b[2] >> 4);
	set_ring(p, true, le32(b + 24), b[3] >> 4);
}

void pcnet_init_block(struct pcnet *p)
{
	uint32_t at = pcnet_csr32(p, 1);
	uint8_t b[28];
	int ret;

	if (ssize32(p))
		ret = pci_dma_read(&p->func, at & ~3u, b, 28);
	else
		ret = pci_dma_read(&p->func, at & ~1u, b, 24);
	if (ret) {
		pcnet_bus_error(p, ret);
		return;
	}
	if (ssize32(p))
		take_block32(p, b);
	else
		take_block16(p, b);
	p->csr[0] |= CSR0_IDON;
}

/*
 * Reception.
 */

/* CRC-32 of IEEE 802.3, before the last complement. */
static uint32_t crc32_of(const uint8_t *b, size_t len)
{
	uint32_t crc = ~0u;

	while (len--) {
		crc ^= *b++;
		for (unsigned i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return crc;
}

/* The filter's bit is the upper 6 bits of the address's CRC. */
static bool in_logical_filter(const struct pcnet *p, const uint8_t *addr)
{
	unsigned n = crc32_of(addr, NET_MAC_LEN) >> 26;

	return p->csr[CSR_LADRF + n / 16] >> n % 16 & 1;
}

static bool is_own(const struct pcnet *p, const uint8_t *addr)
{
	for (unsigned i = 0; i < 3; i++)
		if (le16(addr + 2 * i) != p->csr[CSR_PADR + i])
			return false;
	return true;
}

/* What it matches, as flags; false: not for this card. */
static bool accepted(const struct pcnet *p, const uint8_t *addr,
		     uint32_t *flags)
{
	uint16_t mode = p->csr[CSR_MODE];

	*flags = 0;
	if (!memcmp(addr, "\xff\xff\xff\xff\xff\xff", NET_MAC_LEN) &&
	    !(mode & MODE_DRCVBC))
		*flags = R_BAM;
	else if (addr[0] & 1 && in_logical_filter(p, addr))
		*flags = R_LAFM;
	else if (!(addr[0] & 1) && !(mode & MODE_DRCVPA) && is_own(p, addr))
		*flags = R_PAM;
	return *flags || mode & MODE_PROM;
}

static void missed(struct pcnet *p)
{
	p->backend->stats.dropped++;
	p->csr[0] |= CSR0_MISS;
	if (!++p->csr[CSR_MFC])
		p->csr[4] |= CSR4_MFCO;
}

/* One buffer's worth of a frame; *@done grows.  False: that was all. */
static bool fill_one(struct pcnet *p, const uint8_t *b, size_t len,
		     size_t *done, uint32_t match)
{
	size_t n = len - *done;
	struct desc d, next;
	int ret;

	if (desc_read(p, &d, false, false) || !(d.flags & D_OWN))
		return false;
	if (n > d.len)
		n = d.len;
	ret = pci_dma_write(&p->func, d.addr, b + *done, n);
	if (ret) {
		pcnet_bus_error(p, ret);
		return false;
	}
	d.flags = (d.flags & ~R_RESULT) | (*done ? 0 : D_STP);
	*done += n;
	if (*done == len) {
		d.flags |= D_ENP | match;
		d.status = ssize32(p) ? len : len << 16;
	} else {
		if (desc_read(p, &next, false, true))
			return false;
		if (!(next.flags & D_OWN) || next.at == d.at)
			d.flags |= D_ERR | R_BUFF;
	}
	if (desc_release(p, &d, *done == len))
		return false;
	advance(p, false);
	return *done < len && !(d.flags & D_ERR);
}

static void deliver(struct pcnet *p, const uint8_t *b, size_t len,
		    uint32_t match)
{
	struct desc d;
	size_t done = 0;

	if (desc_read(p, &d, false, false))
		return;
	if (!(d.flags & D_OWN)) {
		missed(p);
		return;
	}
	while (fill_one(p, b, len, &done, match))
		;
	if (done == len) {
		p->backend->stats.received++;
		p->backend->stats.received_bytes += len;
	} else {
		p->backend->stats.dropped++;
	}
	p->csr[0] |= CSR0_RINT;
}

/* ASTRP_RCV: padding and check sequence of 802.3 frames stay outside. */
static size_t strip(const struct pcnet *p, const uint8_t *b, size_t len)
{
	unsigned field = b[12] << 8 | b[13];

	if (p->csr[4] & CSR4_ASTRP_RCV && field < 46 && 14 + field <= len)
		return 14 + field;
	return len;
}

/* @b has room for the check sequence behind @len bytes, 60 or more. */
static void receive_frame(struct pcnet *p, uint8_t *b, size_t len)
{
	uint32_t match;

	if (!active(p, CSR0_RXON) || !accepted(p, b, &match))
		return;
	put_le32(b + len, ~crc32_of(b, len));
	deliver(p, b, strip(p, b, len + PCNET_FCS), ssize32(p) ? match : 0);
	pcnet_update_irq(p);
}

static void receive(void *opaque, const uint8_t *frame, size_t len)
{
	struct pcnet *p = opaque;
	uint8_t b[NET_FRAME_MAX + PCNET_FCS] = { 0 };

	if (len > NET_FRAME_MAX || len < 14 ||
	    p->csr[CSR_MODE] & MODE_LOOP) {
		p->backend->stats.dropped++;
		return;
	}
	memcpy(b, frame, len);
	receive_frame(p, b, len < NET_FRAME_MIN ? NET_FRAME_MIN : len);
}

static void poll_within(struct pcnet *p, uint64_t ns)
{
	uint64_t at = clock_now(p->poll.clock) + ns;

	if (p->csr[0] & (CSR0_TXON | CSR0_RXON) && at < p->poll.deadline)
		timer_set(&p->poll, at);
}

/* Frames wait in the backend rather than be missed; the timer looks again. */
static bool ready(void *opaque)
{
	struct pcnet *p = opaque;
	struct desc d;

	p->held = true;
	if (!active(p, CSR0_RXON) || !pci_is_master(&p->func) ||
	    p->csr[CSR_MODE] & MODE_LOOP || desc_read(p, &d, false, false))
		return false;
	p->held = !(d.flags & D_OWN);
	if (p->held)
		poll_within(p, POLL_BUSY);
	return !p->held;
}

void pcnet_resume(struct pcnet *p)
{
	if (p->held && active(p, CSR0_RXON))
		p->backend->ops->resume(p->backend);
}

static void link_changed(void *opaque, bool up)
{
	struct pcnet *p = opaque;

	p->link = up;
}

const struct net_receiver pcnet_receiver = { ready, receive, link_changed };

/*
 * Transmission.
 */

/* The whole frame is in p->tx.  Returns the status that it earns. */
static uint32_t send_frame(struct pcnet *p)
{
	struct net_stats *stats = &p->backend->stats;
	size_t len = p->tx_len;

	p->csr[4] |= CSR4_TXSTRT;
	if (!p->tx_fcs)
		len = len > PCNET_FCS ? len - PCNET_FCS : 0;
	if (len > NET_FRAME_MAX) {
		p->csr[0] |= CSR0_BABL;
		stats->dropped++;
		return 0;
	}
	if (len < 14 || (!p->tx_fcs && le32(p->tx + len) !=
			 ~crc32_of(p->tx, len))) {
		stats->dropped++;	/* nobody on the wire would take it */
		return 0;
	}
	if (p->csr[CSR_MODE] & MODE_LOOP) {
		if (len < NET_FRAME_MIN) {
			memset(p->tx + len, 0, NET_FRAME_MIN - len);
			len = NET_FRAME_MIN;
		}
		receive_frame(p, p->tx, len);
		return 0;
	}
	if (!p->link)
		return TS_LCAR;
	stats->sent++;
	stats->sent_bytes += len;
	p->backend->ops->send(p->backend, p->tx, len);
	return 0;
}

static int gather(struct pcnet *p, const struct desc *d)
{
	size_t room = p->tx_len < sizeof(p->tx) ? sizeof(p->tx) - p->tx_len : 0;
	int ret;

	ret = pci_dma_read(&p->func, d->addr, p->tx + sizeof(p->tx) - room,
			   d->len < room ? d->len : room);
	if (ret)
		pcnet_bus_error(p, ret);
	/* Beyond the largest frame only the fact counts. */
	if (d->len > room)
		p->tx_len = sizeof(p->tx) + 1;
	else
		p->tx_len += d->len;
	return ret;
}

static void open_frame(struct pcnet *p, const struct desc *d)
{
	p->tx_open = true;
	p->tx_starved = false;
	p->tx_len = 0;
	p->tx_fcs = !(p->csr[CSR_MODE] & MODE_DXMTFCS) || d->flags & T_ADD_FCS;
}

/* The frame's last descriptor goes back to the driver. */
static bool close_frame(struct pcnet *p, struct desc *d, uint32_t status)
{
	bool quiet = p->csr[5] & CSR5_LTINTEN ? !(d->flags & T_LTINT)
					      : p->csr[5] & CSR5_TOKINTD;

	p->tx_open = p->tx_starved = false;
	d->flags &= ~T_RESULT;
	d->flags |= status ? D_ERR : 0;
	d->status = status;
	if (desc_release(p, d, true))
		return false;
	advance(p, true);
	if (status || !quiet)
		p->csr[0] |= CSR0_TINT;
	return true;
}

/*
 * The frame goes on, but the next descriptor is not ours.  The chip would run
 * dry some time later: the driver has until the timer looks again.
 */
static bool starved(struct pcnet *p, struct desc *d)
{
	if (!p->tx_starved) {
		p->tx_starved = true;
		return false;
	}
	if (!close_frame(p, d, TS_BUFF | TS_UFLO))
		return false;
	p->backend->stats.dropped++;
	if (!(p->csr[3] & CSR3_DXSUFLO))
		p->csr[0] &= ~CSR0_TXON;
	return true;
}

static bool transmit_part(struct pcnet *p, struct desc *d)
{
	struct desc next;
	bool last = d->flags & D_ENP;

	if (!last && desc_read(p, &next, true, true))
		return false;
	if (!last && (!(next.flags & D_OWN) || next.at == d->at))
		return starved(p, d);
	p->tx_starved = false;
	if (gather(p, d))
		return false;
	if (last)
		return close_frame(p, d, send_frame(p));
	if (desc_release(p, d, false))
		return false;
	advance(p, true);
	return true;
}

/* One descriptor; false: there is nothing more to do now. */
static bool transmit_one(struct pcnet *p)
{
	struct desc d;

	if (!active(p, CSR0_TXON) || !pci_is_master(&p->func) ||
	    desc_read(p, &d, true, false) || !(d.flags & D_OWN))
		return false;
	if (p->tx_open || d.flags & D_STP) {
		if (!p->tx_open)
			open_frame(p, &d);
		return transmit_part(p, &d);
	}
	/* The middle of a frame without a beginning is skipped. */
	if (desc_release(p, &d, false))
		return false;
	advance(p, true);
	return true;
}

void pcnet_transmit(struct pcnet *p)
{
	uint64_t later = POLL_IDLE;
	unsigned n = 0;

	while (n < TX_BUDGET && transmit_one(p))
		n++;
	if (n == TX_BUDGET)
		later = 0;
	else if (p->tx_starved)
		later = POLL_BUSY;
	pcnet_update_irq(p);
	poll_within(p, later);
}

/*
 * The driver gives receive buffers back without telling, so the backend is
 * asked whether it holds a frame; and unless TXDPOLL says no, so is the
 * transmit ring.
 */
void pcnet_poll(void *opaque)
{
	struct pcnet *p = opaque;

	pcnet_resume(p);
	if (p->csr[4] & CSR4_TXDPOLL && !p->tx_open)
		poll_within(p, POLL_IDLE);
	else
		pcnet_transmit(p);
}
