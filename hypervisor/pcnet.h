/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AMD Am79C970A (PCnet-PCI II), an Ethernet card that is its own bus master.
 * What pcnet.c (registers) and pcnet_ring.c (descriptor rings and frames)
 * share.  Source: its datasheet, AMD 19436 rev. E.
 *
 * All functions: lock held.
 */
#ifndef HYPERVISOR_PCNET_H
#define HYPERVISOR_PCNET_H

#include "backends/net.h"
#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/pci.h"

#define PCNET_CSRS	128
#define PCNET_BCRS	32
#define PCNET_FCS	4u	/* bytes of the frame check sequence */

/* CSR0, status and control. */
#define CSR0_INIT	0x0001
#define CSR0_STRT	0x0002
#define CSR0_STOP	0x0004
#define CSR0_TDMD	0x0008
#define CSR0_TXON	0x0010
#define CSR0_RXON	0x0020
#define CSR0_IENA	0x0040
#define CSR0_INTR	0x0080
#define CSR0_IDON	0x0100
#define CSR0_TINT	0x0200
#define CSR0_RINT	0x0400
#define CSR0_MERR	0x0800
#define CSR0_MISS	0x1000
#define CSR0_CERR	0x2000
#define CSR0_BABL	0x4000
#define CSR0_ERR	0x8000
/* CSR3: interrupt masks stand where CSR0 has the causes. */
#define CSR3_MASKS	(CSR0_BABL | CSR0_MISS | CSR0_MERR | CSR0_RINT | \
			 CSR0_TINT | CSR0_IDON)
#define CSR3_DXSUFLO	0x0040
/* CSR4: causes that a 1 clears; the mask is the bit below. */
#define CSR4_JAB	0x0002
#define CSR4_TXSTRT	0x0008
#define CSR4_RCVCCO	0x0020
#define CSR4_UINT	0x0040	/* no mask */
#define CSR4_UINTCMD	0x0080
#define CSR4_MFCO	0x0200
#define CSR4_MASKED	(CSR4_JAB | CSR4_TXSTRT | CSR4_RCVCCO | CSR4_MFCO)
#define CSR4_CAUSES	(CSR4_MASKED | CSR4_UINT)
#define CSR4_ASTRP_RCV	0x0400
#define CSR4_TXDPOLL	0x1000
/* CSR5, extended control. */
#define CSR5_SPND	0x0001
#define CSR5_SINTE	0x0400
#define CSR5_SINT	0x0800
#define CSR5_LTINTEN	0x4000
#define CSR5_TOKINTD	0x8000
#define CSR5_CAUSES	(CSR5_SINT | 0x0290)	/* SLPINT, EXDINT, MPINT */
/* CSR15, mode. */
#define MODE_DRX	0x0001
#define MODE_DTX	0x0002
#define MODE_LOOP	0x0004
#define MODE_DXMTFCS	0x0008
#define MODE_DRCVPA	0x2000
#define MODE_DRCVBC	0x4000
#define MODE_PROM	0x8000

/* Numbers of registers; two in a row hold 32 bits. */
enum {
	CSR_LADRF = 8, CSR_PADR = 12, CSR_MODE = 15, CSR_BADR = 24,
	CSR_BADX = 30, CSR_SWSTYLE = 58, CSR_RCVRC = 72, CSR_XMTRC = 74,
	CSR_RCVRL = 76, CSR_XMTRL = 78, CSR_CHIP = 88, CSR_MFC = 112,
	CSR_BMU = 124,
};
#define CSR124_RPA	0x0008	/* runt packets are accepted */
#define BCR_SWS		20
#define BCR20_SSIZE32	0x0100

struct pcnet {
	struct device dev;
	struct pci_func func;
	struct net_backend *backend;
	struct timer poll;
	uint8_t mac[NET_MAC_LEN];	/* of the configuration */
	bool link;
	bool held;			/* ready() said no */
	/* Saved. */
	uint8_t aprom[16];
	uint16_t rap;
	uint16_t csr[PCNET_CSRS], bcr[PCNET_BCRS];
	/* The frame that is being gathered for transmission. */
	bool tx_open;		/* between STP and ENP */
	bool tx_fcs;		/* the card appends the check sequence */
	bool tx_starved;	/* waited once for the next descriptor */
	uint16_t tx_len;	/* bytes of it; above sizeof(tx): too long */
	uint8_t tx[NET_FRAME_MAX + PCNET_FCS];
};

static inline uint32_t pcnet_csr32(const struct pcnet *p, unsigned n)
{
	return p->csr[n] | (uint32_t)p->csr[n + 1] << 16;
}

static inline void pcnet_set_csr32(struct pcnet *p, unsigned n, uint32_t val)
{
	p->csr[n] = val;
	p->csr[n + 1] = val >> 16;
}

/* Derive CSR0's INTR and the pin from the causes. */
void pcnet_update_irq(struct pcnet *p);
/*
 * A DMA access failed with @err (pci_dma_read()): MERR without bus mastering;
 * else a master abort, after which the card is stopped (datasheet, Master
 * Abort).
 */
void pcnet_bus_error(struct pcnet *p, int err);

/* Read the initialization block and set IDON. */
void pcnet_init_block(struct pcnet *p);
/*
 * Send what the driver has handed over, as much as one call may do; the timer
 * goes on with the rest.
 */
void pcnet_transmit(struct pcnet *p);
/* The timer's. */
void pcnet_poll(void *opaque);
/* Let the backend go on if it was told to wait and need not. */
void pcnet_resume(struct pcnet *p);
/* CSRs 26-35: where the current and the next descriptors are. */
uint32_t pcnet_desc_at(const struct pcnet *p, bool transmit, bool next);

extern const struct net_receiver pcnet_receiver;

#endif
