/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sound Blaster 16 (CT1740) without FM synthesis: DSP 4.05 and mixer at 220h,
 * interrupt 5, DMA channels 1 and 5.  Creative Labs, "Sound Blaster Series
 * Hardware Programming Guide", 1993.
 */
#ifndef HYPERVISOR_SB16_H
#define HYPERVISOR_SB16_H

#include "hypervisor/irq.h"

#define SB16_PORT	0x220
#define SB16_IRQ	5
#define SB16_DMA8	1
#define SB16_DMA16	5

struct audio_backend;
struct clock;
struct i8237;
struct ports;
struct sb16;

struct sb16_config {
	struct ports *ports;
	struct clock *clock;
	struct i8237 *dma;
	struct irq irq;
	struct audio_backend *audio;
};

/* Claims 220h-22Fh. */
int sb16_create(struct sb16 **out, const struct sb16_config *cfg);

#endif
