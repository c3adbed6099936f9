/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sound Blaster 16; see sb16.h.  "HPG" is the programming guide.
 *
 * While a transfer runs, a timer moves what guest time owes every 5 ms from the
 * DMA channel to the backend, and the interrupt comes when a block has been
 * moved.  Recording gives silence.  ADPCM, MIDI and the joystick do not exist:
 * their commands take their bytes and do nothing.
 */
#include "hypervisor/sb16.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/audio.h"
#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/i8237.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/ports.h"

/* Offsets from the base port, HPG chapter 2. */
#define P_MIXER_INDEX	0x4
#define P_MIXER_DATA	0x5
#define P_RESET		0x6
#define P_READ		0xa
#define P_WRITE		0xc
#define P_READY		0xe	/* and acknowledges the 8-bit interrupt */
#define P_ACK16		0xf
#define P_COUNT		16

#define RESET_ANSWER	0xaa
#define READY		0x80
#define VERSION_MAJOR	4
#define VERSION_MINOR	5

/* Mixer, HPG chapter 4. */
#define MIX_RESET	0x00
#define MIX_IRQ		0x80
#define MIX_DMA		0x81
#define MIX_STATUS	0x82
#define MIX_IRQ5	0x02
#define MIX_DMA_1_5	0x22

#define PENDING_8	0x01
#define PENDING_16	0x02
#define TICK_NS		5000000
#define RATE_DEFAULT	11025
#define RATE_MIN	4000
#define RATE_MAX	48000

struct sb16 {
	struct device dev;
	struct sb16_config cfg;
	struct irq irq;
	struct timer timer;
	uint8_t mixer_index, mixer[256];
	uint8_t reset_line;
	uint8_t answers[4], nanswers;
	uint8_t command, args[3], nargs, wanted;
	uint8_t test;
	uint8_t pending;
	/* The transfer. */
	uint8_t running, paused, wide, stereo, is_signed, automatic, input;
	uint32_t rate;		/* frames in a second */
	uint32_t block, left;	/* bytes: of a block, and of this one to go */
	uint32_t block_set;	/* by command 48h, bytes */
	uint64_t since;		/* guest ns up to which bytes were moved */
};

/*
 * Interrupts and answers.
 */

static void set_pending(struct sb16 *s, uint8_t pending)
{
	s->pending = pending;
	irq_set(&s->irq, pending);
}

static void answer(struct sb16 *s, uint8_t val)
{
	if (s->nanswers < sizeof(s->answers))
		s->answers[s->nanswers++] = val;
}

static uint8_t next_answer(struct sb16 *s)
{
	uint8_t val = s->answers[0];

	if (!s->nanswers)
		return 0xff;
	s->nanswers--;
	memmove(s->answers, s->answers + 1, s->nanswers);
	return val;
}

/*
 * The transfer.
 */

static unsigned frame_bytes(const struct sb16 *s)
{
	return (1 + s->wide) * (1 + s->stereo);
}

static bool moving(const struct sb16 *s)
{
	return s->running && !s->paused;
}

/* The backend takes 8 bits unsigned and 16 bits signed. */
static void to_backend(const struct sb16 *s, uint8_t *p, unsigned len)
{
	const struct audio_format f = {
		s->rate, 1 + s->stereo, s->wide ? 16 : 8,
	};
	unsigned step = 1 + s->wide;

	if (s->is_signed != s->wide)
		for (unsigned i = step - 1; i < len; i += step)
			p[i] ^= 0x80;
	if (s->cfg.audio)
		s->cfg.audio->ops->play(s->cfg.audio, &f, p, len);
}

static unsigned move(struct sb16 *s, unsigned len)
{
	uint8_t buf[4096];
	unsigned channel = s->wide ? SB16_DMA16 : SB16_DMA8;
	unsigned n = len < sizeof(buf) ? len : sizeof(buf);

	if (s->input) {
		memset(buf, s->is_signed ? 0 : 0x80, n);
		return i8237_move(s->cfg.dma, channel, I8237_WRITE, buf, n,
				  NULL);
	}
	n = i8237_move(s->cfg.dma, channel, I8237_READ, buf, n, NULL);
	if (n)
		to_backend(s, buf, n);
	return n;
}

static void block_done(struct sb16 *s)
{
	s->left = s->block;
	if (!s->automatic)
		s->running = false;
	set_pending(s, s->pending | (s->wide ? PENDING_16 : PENDING_8));
}

/* Bytes that guest time owes since s->since, whole frames. */
static uint64_t owed(struct sb16 *s)
{
	uint64_t now = clock_now(s->cfg.clock);
	uint64_t frames = muldiv64(now - s->since, s->rate, NS_PER_SEC);

	s->since += muldiv64(frames, NS_PER_SEC, s->rate);
	return frames * frame_bytes(s);
}

static void next_tick(struct sb16 *s)
{
	if (moving(s))
		timer_set(&s->timer, clock_now(s->cfg.clock) + TICK_NS);
	else
		timer_cancel(&s->timer);
}

/*
 * No more than one block in a tick, because each has an interrupt to be heard;
 * the rest of the time stays owed.
 */
static void tick(void *opaque)
{
	struct sb16 *s = opaque;
	uint64_t bytes = owed(s);
	unsigned n = 1;

	while (moving(s) && bytes && n) {
		n = move(s, bytes < s->left ? bytes : s->left);
		s->left -= n;
		bytes -= n;
		if (!s->left) {
			block_done(s);
			s->since -= muldiv64(bytes / frame_bytes(s),
					     NS_PER_SEC, s->rate);
			break;
		}
	}
	next_tick(s);
}

static void start(struct sb16 *s, unsigned bytes)
{
	s->block = s->left = bytes;
	s->running = true;
	s->paused = false;
	s->since = clock_now(s->cfg.clock);
	next_tick(s);
}

static void set_paused(struct sb16 *s, bool paused)
{
	s->paused = paused;
	s->since = clock_now(s->cfg.clock);
	next_tick(s);
}

/* Commands of the first cards: 8 bits unsigned, mono unless the mixer says. */
static void start_old(struct sb16 *s, bool automatic, bool input,
		      unsigned bytes)
{
	s->wide = s->is_signed = 0;
	s->stereo = s->mixer[0x0e] >> 1 & 1;
	s->automatic = automatic;
	s->input = input;
	start(s, bytes);
}

/* B0h..CFh: HPG 6-30.  Bits of the command, mode, length minus one. */
static void start_16(struct sb16 *s)
{
	unsigned samples = (s->args[1] | s->args[2] << 8) + 1;

	s->wide = s->command < 0xc0;
	s->input = s->command >> 3 & 1;
	s->automatic = s->command >> 2 & 1;
	s->is_signed = s->args[0] >> 4 & 1;
	s->stereo = s->args[0] >> 5 & 1;
	start(s, samples * (1 + s->wide));
}

static void set_rate(struct sb16 *s, uint32_t rate)
{
	s->rate = rate < RATE_MIN ? RATE_MIN : rate > RATE_MAX ? RATE_MAX :
		  rate;
}

/* One sample, now. */
static void direct(struct sb16 *s, uint8_t val)
{
	const struct audio_format f = { s->rate, 1, 8 };

	if (s->cfg.audio)
		s->cfg.audio->ops->play(s->cfg.audio, &f, &val, 1);
}

/*
 * Commands.
 */

static unsigned length_arg(const struct sb16 *s)
{
	return (s->args[0] | s->args[1] << 8) + 1;
}

/* How many bytes follow a command. */
static unsigned args_of(uint8_t command)
{
	if (command >= 0xb0 && command <= 0xcf)
		return 3;
	switch (command) {
	case 0x10: case 0x38: case 0x40: case 0xe0: case 0xe2: case 0xe4:
		return 1;
	case 0x14: case 0x16: case 0x17: case 0x24: case 0x41: case 0x42:
	case 0x48: case 0x74: case 0x75: case 0x76: case 0x77: case 0x80:
		return 2;
	default:
		return 0;
	}
}

static void run_transfer(struct sb16 *s)
{
	switch (s->command) {
	case 0x14:
		start_old(s, false, false, length_arg(s));
		break;
	case 0x24:
		start_old(s, false, true, length_arg(s));
		break;
	case 0x1c: case 0x90:
		start_old(s, true, false, s->block_set);
		break;
	case 0x2c: case 0x98:
		start_old(s, true, true, s->block_set);
		break;
	case 0x91:
		start_old(s, false, false, s->block_set);
		break;
	case 0xd0: case 0xd5:
		set_paused(s, true);
		break;
	case 0xd4: case 0xd6:
		set_paused(s, false);
		break;
	case 0xd9: case 0xda:
		s->automatic = 0;
		break;
	default:
		if (s->command >= 0xb0 && s->command <= 0xcf)
			start_16(s);
	}
}

static void run_command(struct sb16 *s)
{
	switch (s->command) {
	case 0x10:
		direct(s, s->args[0]);
		break;
	case 0x40:	/* time constant: 256 - 1000000 / rate */
		set_rate(s, 1000000 / (256 - s->args[0]));
		break;
	case 0x41: case 0x42:
		set_rate(s, s->args[0] << 8 | s->args[1]);
		break;
	case 0x48:
		s->block_set = length_arg(s);
		break;
	case 0xd8:
		answer(s, 0xff);	/* the speaker is on, always */
		break;
	case 0xe0:
		answer(s, ~s->args[0]);
		break;
	case 0xe1:
		answer(s, VERSION_MAJOR);
		answer(s, VERSION_MINOR);
		break;
	case 0xe4:
		s->test = s->args[0];
		break;
	case 0xe8:
		answer(s, s->test);
		break;
	case 0xf2:
		set_pending(s, s->pending | PENDING_8);
		break;
	case 0xf3:
		set_pending(s, s->pending | PENDING_16);
		break;
	default:
		run_transfer(s);
	}
}

static void dsp_write(struct sb16 *s, uint8_t val)
{
	if (!s->wanted) {
		s->command = val;
		s->nargs = 0;
		s->wanted = args_of(val);
	} else {
		s->args[s->nargs++] = val;
		s->wanted--;
	}
	if (!s->wanted)
		run_command(s);
}

static void dsp_reset(struct sb16 *s)
{
	s->running = s->paused = s->automatic = 0;
	s->nanswers = s->nargs = s->wanted = 0;
	s->rate = RATE_DEFAULT;
	s->block_set = 2048;
	s->block = s->left = 0;
	timer_cancel(&s->timer);
	set_pending(s, 0);
}

/*
 * Mixer and ports.
 */

static void mixer_reset(struct sb16 *s)
{
	memset(s->mixer, 0, sizeof(s->mixer));
	memset(s->mixer + 0x30, 0xc0, 4);	/* master and voice volume */
	s->mixer[MIX_IRQ] = MIX_IRQ5;
	s->mixer[MIX_DMA] = MIX_DMA_1_5;
}

static void mixer_write(struct sb16 *s, uint8_t val)
{
	switch (s->mixer_index) {
	case MIX_RESET:
		mixer_reset(s);
		break;
	case MIX_IRQ:		/* jumpers: neither can be moved */
	case MIX_DMA:
	case MIX_STATUS:
		break;
	default:
		s->mixer[s->mixer_index] = val;
	}
}

static uint32_t port_read(void *opaque, unsigned off, unsigned size)
{
	struct sb16 *s = opaque;

	switch (off) {
	case P_MIXER_INDEX:
		return s->mixer_index;
	case P_MIXER_DATA:
		return s->mixer_index == MIX_STATUS ? s->pending :
		       s->mixer[s->mixer_index];
	case P_READ:
		return next_answer(s);
	case P_WRITE:
		return 0x7f;		/* not busy */
	case P_READY:
		set_pending(s, s->pending & ~PENDING_8);
		return s->nanswers ? READY | 0x7f : 0x7f;
	case P_ACK16:
		set_pending(s, s->pending & ~PENDING_16);
		return 0xff;
	default:
		return 0xff;
	}
}

static void port_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct sb16 *s = opaque;

	switch (off) {
	case P_MIXER_INDEX:
		s->mixer_index = val;
		break;
	case P_MIXER_DATA:
		mixer_write(s, val);
		break;
	case P_RESET:
		if (s->reset_line && !(val & 1)) {
			dsp_reset(s);
			answer(s, RESET_ANSWER);
		}
		s->reset_line = val & 1;
		break;
	case P_WRITE:
		dsp_write(s, val);
		break;
	}
}

static const struct pio_ops port_ops = { port_read, port_write, PIO_1 };

/*
 * Life cycle.
 */

static void reset(struct device *d)
{
	struct sb16 *s = (struct sb16 *)d;

	dsp_reset(s);
	mixer_reset(s);
	s->mixer_index = s->reset_line = s->test = 0;
	s->wide = s->stereo = s->is_signed = s->input = 0;
}

static int loaded(struct device *d)
{
	struct sb16 *s = (struct sb16 *)d;

	if (s->nanswers > sizeof(s->answers) ||
	    s->nargs + s->wanted > (int)sizeof(s->args) || s->wide > 1 ||
	    s->stereo > 1 || s->is_signed > 1 || s->rate < RATE_MIN ||
	    s->rate > RATE_MAX || (s->running && !s->left) ||
	    s->since > clock_now(s->cfg.clock))
		return -EINVAL;
	return 0;
}

static void destroy(struct device *d)
{
	struct sb16 *s = (struct sb16 *)d;

	timer_cancel(&s->timer);
	free(s);
}

static const struct field fields[] = {
#define X(member) FIELD(struct sb16, member, 1),
	X(mixer_index) X(mixer) X(reset_line) X(answers) X(nanswers)
	X(command) X(args) X(nargs) X(wanted) X(test) X(pending) X(running)
	X(paused) X(wide) X(stereo) X(is_signed) X(automatic) X(input) X(rate)
	X(block) X(left) X(block_set) X(since)
#undef X
	FIELD_BOOL(struct sb16, irq.level, 1),
	FIELD_TIMER(struct sb16, timer, 1),
};

static const struct device_class sb16_class = {
	"sb16", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

int sb16_create(struct sb16 **out, const struct sb16_config *cfg)
{
	struct sb16 *s = calloc(1, sizeof(*s));

	*out = s;
	if (!s)
		return -ENOMEM;
	s->dev.class = &sb16_class;
	s->cfg = *cfg;
	s->irq = cfg->irq;
	timer_init(&s->timer, cfg->clock, tick, s);
	reset(&s->dev);
	return ports_add(cfg->ports, SB16_PORT, P_COUNT, &port_ops, s, "sb16");
}

int sb16_from_spec(struct device **out, const struct pc_site *site,
		   const struct pc_device_spec *spec, char *err)
{
	struct sb16_config cfg = {
		.ports = site->ports, .clock = site->clock, .dma = site->dma,
		.irq = site->isa_irq(site->opaque, SB16_IRQ),
		.audio = spec->backend,
	};
	int code = pc_spec_check(spec, "", err);

	if (code)
		return code;
	code = sb16_create((struct sb16 **)out, &cfg);
	if (code)
		snprintf(err, PC_ERR_LEN, "sb16: %s", strerror(-code));
	return code;
}
