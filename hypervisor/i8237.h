/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two 8237A DMA controllers and their page registers, as in the PC/AT:
 * channels 0..3 move bytes, 4 is the cascade, 5..7 move words.
 * Intel 8237A datasheet, order 231466; IBM PC/AT Technical Reference, "DMA".
 *
 * A device that is on a channel asks for cycles with i8237_move(); the
 * controller says how many it got.  Lock held for all calls.
 */
#ifndef HYPERVISOR_I8237_H
#define HYPERVISOR_I8237_H

#include "hypervisor/types.h"

#define I8237_CHANNELS	8

struct i8237;
struct mem;
struct ports;

enum i8237_dir {
	I8237_VERIFY,		/* counts, moves nothing */
	I8237_WRITE,		/* device to memory */
	I8237_READ,		/* memory to device */
};

/* Claims ports 00-0F, 81-8F (a latch each), C0-DF. */
int i8237_create(struct i8237 **out, struct ports *ports, struct mem *mem);

/*
 * Move up to @len bytes (even on channels 5..7) between @buf and memory, in
 * the direction that the device means; @buf may be NULL to verify.
 * Returns the bytes moved: fewer than @len if terminal count came first; 0
 * while the channel is masked, its controller disabled, in cascade mode, or
 * programmed for the other direction.  (A channel programmed to verify counts
 * for both directions and leaves @buf alone.)
 * @tc: set to whether terminal count was reached; may be NULL.
 * Addresses wrap within the channel's 64 KiB (128 KiB for words); memory that
 * is not there reads as ones and takes no writes.
 */
unsigned i8237_move(struct i8237 *d, unsigned channel, enum i8237_dir dir,
		    void *buf, unsigned len, bool *tc);

/* Level of the channel's DREQ, which software can see in the status. */
void i8237_dreq(struct i8237 *d, unsigned channel, bool level);

/*
 * Call @fn when a channel that would give no cycles may give some again (it
 * was unmasked or reprogrammed).  One for each channel; NULL: none.
 */
void i8237_watch(struct i8237 *d, unsigned channel, void (*fn)(void *opaque),
		 void *opaque);

#endif
