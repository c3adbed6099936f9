// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saved state of every device there is, in use: a machine with all devices of
 * pc_device.def is driven at random; its state is loaded into a second one, which
 * was driven otherwise; from then on both are given the same, and must answer the
 * same.  A device that the table gets needs a row in `backends' below; one that
 * is never caught in another state than that after reset fails the test.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/audio.h"
#include "backends/block_queue.h"
#include "backends/char.h"
#include "backends/display.h"
#include "backends/net.h"
#include "hypervisor/clock.h"
#include "hypervisor/device.h"
#include "hypervisor/hpet.h"
#include "hypervisor/ioapic.h"
#include "hypervisor/lapic.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/ports.h"
#include "hypervisor/vga.h"
#include "hypervisor/vmi.h"
#include "hypervisor/vmi_private.h"
#include "hypervisor/vmi_rom.h"
#include "tests/unit/medium.h"

#define RAM		(16 * MIB)
#define DEVICES		40
#define QUEUES		16
#define BAR_IO		0xc000u
#define BAR_MEM		0xe0000000u
#define SLOTS		16
#define EJECT		0xae08u	/* takes devices out of one machine */

enum what { NOTHING, CHAR, NET, DISK, CD, SCREEN, ROM, SOUND };

/* What each device is given. */
static const struct {
	const char *name;
	enum what backend;
	const char *key;
} backends[] = {
	{ "vmi", ROM, NULL }, { "debugcon", CHAR, NULL },
	{ "virtio-net", NET, "mac=52:54:00:00:00:01" },
	{ "pcnet", NET, "mac=52:54:00:00:00:02" },
	{ "virtio-blk", DISK, NULL }, { "virtio-console", CHAR, NULL },
	{ "virtio-rng", NOTHING, NULL }, { "virtio-balloon", NOTHING, NULL },
	{ "piix3-ide", NOTHING, NULL }, { "ide-hd", DISK, "bus=ide.0" },
	{ "ide-cd", CD, "bus=ide.1" }, { "VGA", SCREEN, "vgamem_mb=1" },
	{ "isa-fdc", NOTHING, NULL }, { "floppy", DISK, NULL },
	{ "buslogic", NOTHING, NULL }, { "scsi-hd", DISK, "unit=0" },
	{ "scsi-cd", CD, "unit=1" }, { "parallel", CHAR, NULL },
	{ "sb16", SOUND, NULL },
};

struct twin {
	struct mem *mem;
	struct ports *ports;
	struct clock *clock;
	struct loop *loop;
	struct pc *pc;
	struct pc_device_spec spec[DEVICES];
	const char *keys[DEVICES][2];
	unsigned n;
	struct block_queue *queue[QUEUES];
	unsigned queues;
	struct display *display;
	struct vga_backend vga;
	struct vmi_setup vmi;
	bool line[2];			/* INTR, IGNNE# */
	unsigned events;
};

static struct twin a, b;

/*
 * Backends that do nothing, the same in both.
 */

static size_t char_write(struct char_backend *c, const uint8_t *buf, size_t n)
{
	return n;
}

static void char_receiver(struct char_backend *c,
			  const struct char_receiver *r, void *opaque)
{
}

static void char_resume(struct char_backend *c)
{
}

static const struct char_ops char_ops = {
	.name = "test", .write = char_write, .set_receiver = char_receiver,
	.resume_input = char_resume,
};
static struct char_backend chr = { &char_ops };

static void net_send(struct net_backend *n, const uint8_t *frame, size_t len)
{
}

static void net_receiver(struct net_backend *n, const struct net_receiver *r,
			 void *opaque)
{
}

static void net_resume(struct net_backend *n)
{
}

static const struct net_ops net_ops = {
	.name = "test", .send = net_send, .set_receiver = net_receiver,
	.resume = net_resume,
};
static struct net_backend net = { .ops = &net_ops };

static void play(struct audio_backend *s, const struct audio_format *f,
		 const void *samples, size_t len)
{
}

static const struct audio_ops audio_ops = { .name = "test", .play = play };
static struct audio_backend audio = { &audio_ops };

/*
 * Machines.
 */

static void *queue_new(struct twin *t, bool cd)
{
	struct medium *m = medium_new(cd ? 256 * KIB : 1440 * KIB);

	m->b.read_only = cd;
	ck_assert_uint_lt(t->queues, QUEUES);
	return t->queue[t->queues++] = medium_queue(m, t->loop);
}

static void *backend_new(struct twin *t, enum what what)
{
	switch (what) {
	case CHAR:
		return &chr;
	case NET:
		return &net;
	case DISK:
	case CD:
		return queue_new(t, what == CD);
	case SCREEN:
		ck_assert_int_eq(display_create(&t->display), 0);
		t->vga.display = t->display;
		return &t->vga;
	case ROM:
		t->vmi.rom = vmi_rom_builtin(VMI_ROM_BT, &t->vmi.len);
		return &t->vmi;
	case SOUND:
		return &audio;
	case NOTHING:
		break;
	}
	return NULL;
}

static void add(struct twin *t, const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(backends); i++) {
		if (strcmp(backends[i].name, name))
			continue;
		t->keys[t->n][0] = backends[i].key;
		t->spec[t->n] = (struct pc_device_spec){
			name, backend_new(t, backends[i].backend),
			t->keys[t->n],
		};
		t->n++;
		return;
	}
	ck_abort_msg("device %s: say here what backend it takes", name);
}

static void on_event(void *opaque, enum pc_event ev, unsigned arg,
		     const char *text)
{
	((struct twin *)opaque)->events++;
}

static void on_line(void *opaque, unsigned input, bool level)
{
	((struct twin *)opaque)->line[input] = level;
}

static void twin_new(struct twin *t)
{
	static uint8_t bios[64 * KIB];
	struct pc_config cfg = { .event = on_event, .opaque = t,
				 .bios = bios, .bios_len = sizeof(bios),
				 .log = fopen("/dev/null", "we") };
	const char *name, *help;
	char err[160];

	ck_assert_int_eq(loop_create(&t->loop), 0);
	loop_lock(t->loop);
	ck_assert_int_eq(clock_create(&t->clock, t->loop), 0);
	ck_assert_int_eq(ports_create(&t->ports), 0);
	ck_assert_int_eq(mem_create(&t->mem, RAM), 0);
	for (unsigned i = 0; pc_device_row(i, &name, &help); i++)
		add(t, name);
	cfg.mem = t->mem;
	cfg.ports = t->ports;
	cfg.clock = t->clock;
	cfg.devices = t->spec;
	cfg.ndevices = t->n;
	for (unsigned i = 0; i < PC_SERIAL_MAX; i++)
		cfg.serial[i] = &chr;
	irq_init(&cfg.intr[0], on_line, t, 0);
	irq_init(&cfg.ignne, on_line, t, 1);
	ck_assert_msg(!pc_create(&t->pc, &cfg, err), "%s", err);
	pc_reset(t->pc);
}

static void drain(struct twin *t)
{
	for (unsigned i = 0; i < t->queues; i++)
		block_queue_drain(t->queue[i]);
}

/*
 * The same for both, or for one.
 */

static bool both;
static uint64_t seed;

static uint32_t rnd(void)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return seed >> 33;
}

static uint32_t in(uint16_t port, unsigned size)
{
	uint32_t x = ports_read(a.ports, port, size), y;

	drain(&a);
	if (!both)
		return x;
	y = ports_read(b.ports, port, size);
	drain(&b);
	ck_assert_msg(x == y, "port %x, %u bytes: %x and %x", port, size, x,
		      y);
	return x;
}

static void out(uint16_t port, unsigned size, uint32_t val)
{
	ports_write(a.ports, port, size, val);
	drain(&a);
	if (!both)
		return;
	ports_write(b.ports, port, size, val);
	drain(&b);
}

static uint32_t config_in(unsigned slot, unsigned fn, unsigned off)
{
	out(0xcf8, 4, 0x80000000 | slot << 11 | fn << 8 | off);
	return in(0xcfc, 4);
}

static void config_out(unsigned slot, unsigned fn, unsigned off, uint32_t val)
{
	out(0xcf8, 4, 0x80000000 | slot << 11 | fn << 8 | off);
	out(0xcfc, 4, val);
}

/* Where functions answer, once their BARs are placed. */
static uint16_t port[2048];
static gpa_t window[32];
static unsigned nports, nwindows;

static void place_bar(unsigned slot, unsigned fn, unsigned off, uint32_t *io,
		      uint32_t *mem)
{
	uint32_t size;

	config_out(slot, fn, off, 0xffffffff);
	size = config_in(slot, fn, off);
	if (!size)
		return;
	if (size & 1) {
		config_out(slot, fn, off, *io);
		*io += 0x100;
		return;
	}
	config_out(slot, fn, off, *mem);
	if (nwindows < ARRAY_SIZE(window))
		window[nwindows++] = *mem;
	*mem += 0x1000000;
}

static void place_bars(void)
{
	uint32_t io = BAR_IO, mem = BAR_MEM;

	for (unsigned slot = 0; slot < SLOTS; slot++)
		for (unsigned fn = 0; fn < 8; fn++) {
			if (config_in(slot, fn, 0) == 0xffffffff)
				continue;
			for (unsigned off = 0x10; off < 0x28; off += 4)
				place_bar(slot, fn, off, &io, &mem);
			config_out(slot, fn, 4, 7);
		}
}

/* Ports that somebody owns. */
static void find_ports(void)
{
	uint16_t last;

	for (unsigned p = 0; p < 0x10000 && nports < ARRAY_SIZE(port); p++) {
		uint64_t n = ports_unowned(a.ports, &last);

		ports_read(a.ports, p, 1);
		if (ports_unowned(a.ports, &last) == n)
			port[nports++] = p;
	}
	window[nwindows++] = LAPIC_DEFAULT_BASE;
	window[nwindows++] = IOAPIC_BASE;
	window[nwindows++] = 0xfed00000;	/* HPET */
	window[nwindows++] = 0xa0000;
}

/* What takes more than chance to say. */
static const struct {
	uint16_t port;
	uint8_t val;
} commands[] = {
	{ 0x1f6, 0xe0 }, { 0x1f2, 2 }, { 0x1f7, 0x20 }, { 0x1f7, 0x30 },
	{ 0x1f7, 0xec }, { 0x1f7, 0xc8 }, { 0x1f7, 0xca }, { 0x1f7, 0xc6 },
	{ 0x176, 0xa0 }, { 0x177, 0xa0 }, { 0x177, 0xa1 }, { 0x3f2, 0x1c },
	{ 0x3f5, 0x46 }, { 0x3f5, 0x0f }, { 0x3f5, 0x07 }, { 0x3f5, 0x08 },
	{ 0x3f5, 0x03 }, { 0x64, 0xd1 }, { 0x64, 0xd4 }, { 0x64, 0x60 },
	{ 0x60, 0xf4 }, { 0x60, 0xff }, { 0x226, 1 }, { 0x226, 0 },
	{ 0x22c, 0x40 }, { 0x22c, 0x14 }, { 0x22c, 0xd1 }, { 0x22c, 0xb6 },
	{ 0xf0, 0 }, { 0x37a, 0x0d }, { 0x20, 0x11 }, { 0xa0, 0x11 },
	{ 0x43, 0x34 }, { 0x43, 0xb6 }, { 0x61, 3 }, { 0xb2, 0xa5 },
};

static void random_pio(void)
{
	uint16_t p = port[rnd() % nports];
	unsigned n = rnd() % 64, size = 1u << rnd() % 3;

	if (n < ARRAY_SIZE(commands))
		out(commands[n].port, 1, commands[n].val);
	else if (rnd() & 1)
		in(p, size);
	else if ((p < 0xcf8 || p > 0xcff) && (p & ~3u) != EJECT)
		out(p, size, rnd() & 1 ? rnd() & 0xff : rnd() << 1 ^ rnd());
}

/* Configuration space but for BARs and the command register. */
static void random_config(void)
{
	unsigned slot = rnd() % SLOTS, off = (rnd() & 0xfc) | (rnd() & 1) << 6;

	if (rnd() % 8 == 0)	/* shadow RAM */
		config_out(0, 0, 0x58 + 4 * (rnd() & 1), rnd() << 1 ^ rnd());
	else if (rnd() & 1)
		config_in(slot, rnd() % 4, off);
	else if (off >= 0x40)
		config_out(slot, rnd() % 4, off, rnd());
}

static void random_mmio(void)
{
	gpa_t gpa = window[rnd() % nwindows] + (rnd() & rnd() & 0x3ffc);
	uint32_t val = rnd() & 1 ? rnd() & 0xff : rnd() << 1;

	if (mem_flags(a.mem, gpa) & (MEM_RAM | MEM_ROM))
		return;
	if (rnd() & 1) {
		mem_mmio_write(a.mem, gpa, 4, val);
		if (both)
			mem_mmio_write(b.mem, gpa, 4, val);
	} else {
		uint64_t x = mem_mmio_read(a.mem, gpa, 4);

		if (both)
			ck_assert_msg(x == mem_mmio_read(b.mem, gpa, 4),
				      "memory %llx", (unsigned long long)gpa);
	}
}

static void others(unsigned what)
{
	unsigned code = 1 + rnd() % 0x50;
	uint64_t ns = rnd() % 2000000;

	for (struct twin *t = &a; t; t = both && t == &a ? &b : NULL) {
		if (what == 0)
			clock_advance(t->clock, clock_now(t->clock) + ns);
		else if (what == 1)
			pc_key(t->pc, code, ns & 1);
		else if (what == 2)
			pc_mouse(t->pc, ns & 15, code & 7, 0, ns >> 4 & 7);
		else if (what == 3)
			pc_ferr(t->pc, ns & 1);
		else if (t->line[0])
			pc_intr_ack(t->pc, 0);
		drain(t);
	}
}

static void step(void)
{
	unsigned what = rnd() % 32;

	if (what < 20)
		random_pio();
	else if (what < 25)
		random_mmio();
	else if (what < 27)
		random_config();
	else
		others(what - 27);
	if (!both)
		return;
	ck_assert_int_eq(a.line[0], b.line[0]);
	ck_assert_int_eq(a.line[1], b.line[1]);
	ck_assert_uint_eq(a.events, b.events);
}

/*
 * State.
 */

static void save(struct twin *t, struct state *s)
{
	*s = (struct state){ 0 };
	ck_assert_int_eq(pc_save(t->pc, s), 0);
}

/* The state's bytes before @at, as text: names of fields are among them. */
static void show(const struct state *s, size_t at)
{
	for (size_t i = at > 400 ? at - 400 : 0; i < at; i++)
		fputc(s->data[i] >= ' ' && s->data[i] < 0x7f ? s->data[i] :
		      '.', stderr);
	fputc('\n', stderr);
}

static void same(const struct state *x, const struct state *y,
		 const char *when)
{
	size_t i = 0;

	ck_assert_uint_eq(x->len, y->len);
	while (i < x->len && x->data[i] == y->data[i])
		i++;
	if (i == x->len)
		return;
	show(x, i);
	ck_abort_msg("%s: byte %zu of the state differs", when, i);
}

/* Memory is saved beside the devices: RAM, and what the screen has. */
static void copy_memory(void)
{
	memcpy(b.mem->low, a.mem->low, MIB);
	for (gpa_t gpa = MIB; gpa < RAM; gpa += MIB) {
		static uint8_t buf[MIB];

		mem_read(a.mem, gpa, buf, sizeof(buf));
		mem_write(b.mem, gpa, buf, sizeof(buf));
	}
}

static void copy_blocks(void)
{
	static uint8_t buf[MIB];

	for (unsigned n = 0; n < nwindows; n++) {
		if (!mem_backed(a.mem, window[n]) || window[n] < BAR_MEM)
			continue;
		ck_assert_int_eq(mem_read(a.mem, window[n], buf, MIB), 0);
		ck_assert_int_eq(mem_write(b.mem, window[n], buf, MIB), 0);
	}
}

/* What disks hold is their own business. */
static void copy_media(void)
{
	for (unsigned i = 0; i < a.queues; i++) {
		struct medium *from = (void *)block_queue_medium(a.queue[i]);
		struct medium *to = (void *)block_queue_medium(b.queue[i]);

		if (from && to)
			memcpy(to->data, from->data, from->b.size);
	}
}

static void transfer(void)
{
	struct state x, y;

	save(&a, &x);
	copy_memory();
	clock_set(b.clock, clock_now(a.clock));
	if (pc_load(b.pc, &x)) {
		show(&x, x.pos);
		ck_abort_msg("the state is refused");
	}
	ck_assert_uint_eq(x.pos, x.len);
	copy_blocks();
	copy_media();
	b.events = a.events;
	save(&b, &y);
	same(&x, &y, "saved, loaded, saved");
	ck_assert_int_eq(a.line[0], b.line[0]);
	ck_assert_int_eq(a.line[1], b.line[1]);
	state_free(&x);
	state_free(&y);
}

static void drive(unsigned steps, bool twins)
{
	both = twins;
	while (steps--)
		step();
	both = false;
}

static void setup(void)
{
	twin_new(&a);
	twin_new(&b);
	both = true;
	place_bars();
	both = false;
	find_ports();
}

START_TEST(a_loaded_machine_goes_on_like_the_saved_one)
{
	seed = _i + 1;
	for (unsigned round = 0; round < 12; round++) {
		struct state x, y;

		drive(400, false);
		transfer();
		drive(400, true);
		save(&a, &x);
		save(&b, &y);
		same(&x, &y, "used alike");
		state_free(&x);
		state_free(&y);
	}
}
END_TEST

/* The next device in @s: its name and its fields' bytes. */
struct blob {
	char name[64];
	const uint8_t *data;
	size_t len;
};

static bool next_blob(struct state *s, struct blob *d)
{
	uint32_t head[2], size;
	uint8_t n;

	if (s->pos == s->len)
		return false;
	state_get(s, &n, 1);
	state_get(s, d->name, n);
	d->name[n] = '\0';
	state_get(s, head, sizeof(head));
	d->data = s->data + s->pos;
	while (head[1]--) {
		state_get(s, &n, 1);
		s->pos += n;
		state_get(s, &size, sizeof(size));
		s->pos += size;
	}
	d->len = s->data + s->pos - d->data;
	return true;
}

/* Has nothing that changes, or nothing that changes without the host. */
static bool stateless(const struct blob *d)
{
	static const char *const names[] = { "debug-exit", "debugcon", "vmi",
					     "pci-hotplug" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(d->name, names[i]))
			return true;
	return !d->len;
}

START_TEST(every_device_is_caught_in_use)
{
	bool used[128] = { false };
	struct state first, now;
	struct blob x, y;
	unsigned n, missing = 0;

	seed = 99;
	save(&a, &first);
	for (unsigned round = 0; round < 60; round++) {
		drive(300, false);
		save(&a, &now);
		first.pos = 0;
		for (n = 0; next_blob(&first, &x) && next_blob(&now, &y); n++)
			used[n] |= memcmp(x.data, y.data, x.len) != 0;
		state_free(&now);
	}
	first.pos = 0;
	for (n = 0; next_blob(&first, &x); n++)
		if (!used[n] && !stateless(&x)) {
			fprintf(stderr, "# %s was never in use\n", x.name);
			missing++;
		}
	ck_assert_uint_gt(n, 30);
	ck_assert_uint_eq(missing, 0);
	state_free(&first);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("twins");
	TCase *t = tcase_create("twins");
	SRunner *r = srunner_create(s);

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, every_device_is_caught_in_use);
	tcase_add_loop_test(t, a_loaded_machine_goes_on_like_the_saved_one, 0,
			    8);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_ENV);
	return srunner_ntests_failed(r) ? EXIT_FAILURE : EXIT_SUCCESS;
}
