// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtio devices as a driver meets them: both interfaces, the rings and their
 * rules, and each device's requests.
 */
#define _GNU_SOURCE
#include "tests/unit/fuzz.h"
#include "tests/unit/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/block.h"
#include "backends/block_queue.h"
#include "backends/char.h"
#include "backends/net.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/pci.h"
#include "hypervisor/virtio.h"
#include "hypervisor/virtio_balloon.h"

#define MODERN_AT	0xe0000000u
#define LEGACY_AT	0xc000u
#define RING_AT		0x100000u	/* one page for each part of a queue */
#define DATA_AT		0x200000u
#define DISK_SECTORS	128u

static struct pci *pci;
static struct rig_wire line, reset_line;
static struct pc_site site;
static struct device *dev;
static struct virtio *v;
static char err[PC_ERR_LEN];
static FILE *log_file;

/* The driver's view of its queues. */
static struct {
	uint16_t size, avail, used;
} q[VIRTIO_QUEUES];

static void setup(void)
{
	struct pci_config cfg = { .mem = rig_mem() };

	rig_setup();
	rig_mem()->lock = rig_loop;
	cfg.ports = rig_ports;
	cfg.reset = rig_irq(&reset_line);
	for (unsigned i = 0; i < PCI_PIRQS; i++)
		cfg.pirq[i] = rig_irq(&line);
	ck_assert_int_eq(pci_create(&pci, &cfg), 0);
	log_file = fopen("/dev/null", "w");
	site = (struct pc_site){ .mem = rig_mem(), .ports = rig_ports,
				 .clock = rig_clock, .loop = rig_loop,
				 .log = log_file, .pci = pci };
}

static void make(const char *name, void *backend, const char *const *keys)
{
	struct pc_device_spec spec = { name, backend, keys };

	ck_assert_msg(!pc_device_make(&dev, &site, &spec, err), "%s", err);
	v = (struct virtio *)dev;
	device_reset(dev);
	pci_put32(&v->func, PCI_BAR0, LEGACY_AT | 1);
	pci_put32(&v->func, PCI_BAR0 + 16, MODERN_AT);
	v->func.config[PCI_COMMAND] = PCI_COMMAND_IO | PCI_COMMAND_MEM |
				      PCI_COMMAND_MASTER;
	pci_remap(&v->func);
}

/*
 * A driver.
 */

static void put(gpa_t gpa, const void *buf, size_t len)
{
	ck_assert_int_eq(mem_write(rig_mem(), gpa, buf, len), 0);
}

static void put16(gpa_t gpa, uint16_t val)
{
	put(gpa, &val, 2);
}

static uint32_t get(gpa_t gpa, size_t len)
{
	uint32_t val = 0;

	ck_assert_int_eq(mem_read(rig_mem(), gpa, &val, len), 0);
	return val;
}

static gpa_t desc_at(unsigned n) { return RING_AT + n * 0x3000; }
static gpa_t avail_at(unsigned n) { return desc_at(n) + 0x1000; }
static gpa_t used_at(unsigned n) { return desc_at(n) + 0x2000; }

static uint32_t common(unsigned off, unsigned size)
{
	return mem_mmio_read(rig_mem(), MODERN_AT + off, size);
}

static void set_common(unsigned off, unsigned size, uint64_t val)
{
	mem_mmio_write(rig_mem(), MODERN_AT + off, size, val);
}

static void kick(unsigned n)
{
	mem_mmio_write(rig_mem(), MODERN_AT + 0x3000 + 4 * n, 2, n);
}

static void set_queue(unsigned n, uint16_t size)
{
	set_common(0x16, 2, n);
	set_common(0x18, 2, size);
	set_common(0x20, 8, desc_at(n));
	set_common(0x28, 8, avail_at(n));
	set_common(0x30, 8, used_at(n));
	set_common(0x1c, 2, 1);
	q[n].size = size;
	q[n].avail = q[n].used = 0;
	put(avail_at(n), (uint8_t[600]){ 0 }, 600);
	put(used_at(n), (uint8_t[2400]){ 0 }, 2400);
}

/* The steps of 3.1.1, with all queues of @size. */
static void start(uint64_t features, uint16_t size)
{
	set_common(0x14, 1, 0);
	set_common(0x14, 1, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER);
	features |= VIRTIO_F_VERSION_1;
	for (unsigned i = 0; i < 2; i++) {
		set_common(0x08, 4, i);
		set_common(0x0c, 4, (uint32_t)(features >> 32 * i));
	}
	set_common(0x14, 1, 0x0b);
	ck_assert_uint_eq(common(0x14, 1), 0x0b);
	for (unsigned n = 0; n < common(0x12, 2); n++)
		set_queue(n, size);
	set_common(0x14, 1, 0x0f);
}

struct seg {
	gpa_t gpa;
	uint32_t len;
	bool in;
};

static void put_desc(gpa_t table, unsigned i, gpa_t gpa, uint32_t len,
		     uint16_t flags, uint16_t next)
{
	struct { uint64_t a; uint32_t l; uint16_t f, n; } d = {
		gpa, len, flags, next };

	put(table + 16 * i, &d, 16);
}

/* Offer a chain in descriptors @at and up; the device is not told. */
static void offer(unsigned n, unsigned at, const struct seg *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		put_desc(desc_at(n), at + i, s[i].gpa, s[i].len,
			 (i + 1 < count ? 1 : 0) | (s[i].in ? 2 : 0),
			 at + i + 1);
	put16(avail_at(n) + 4 + 2 * (q[n].avail % q[n].size), at);
	put16(avail_at(n) + 2, ++q[n].avail);
}

/* The length of the next used buffer; -1: there is none. */
static int take(unsigned n, unsigned *head)
{
	gpa_t e = used_at(n) + 4 + 8 * (q[n].used % q[n].size);

	if ((uint16_t)get(used_at(n) + 2, 2) == q[n].used)
		return -1;
	q[n].used++;
	if (head)
		*head = get(e, 4);
	return get(e + 4, 4);
}

static bool broken(void)
{
	return common(0x14, 1) & VIRTIO_S_NEEDS_RESET;
}

/*
 * Transport.
 */

START_TEST(identity_is_transitional)
{
	make("virtio-rng", NULL, NULL);
	ck_assert_uint_eq(pci_get32(&v->func, 0), 0x10051af4);
	ck_assert_uint_eq(pci_get16(&v->func, PCI_SUBDEVICE), 4);
	ck_assert_uint_eq(v->func.config[PCI_REVISION], 0);
}
END_TEST

/* 4.1.4: each structure has its capability, within BAR 4. */
START_TEST(capabilities_name_every_structure)
{
	unsigned seen = 0;

	make("virtio-balloon", NULL, NULL);
	for (uint8_t at = v->func.config[PCI_CAPABILITY]; at;
	     at = v->func.config[at + 1]) {
		ck_assert_uint_eq(v->func.config[at], 9);
		seen |= 1u << v->func.config[at + 3];
		if (v->func.config[at + 3] != 5)
			ck_assert_uint_eq(v->func.config[at + 4], 4);
		ck_assert_uint_le(pci_get32(&v->func, at + 8) +
				  pci_get32(&v->func, at + 12), 0x4000);
	}
	ck_assert_uint_eq(seen, 0x3e);
}
END_TEST

START_TEST(unknown_features_are_not_accepted)
{
	make("virtio-rng", NULL, NULL);
	set_common(0x14, 1, 3);
	set_common(0x08, 4, 0);
	set_common(0x0c, 4, 1);		/* nobody offers bit 0 */
	set_common(0x14, 1, 0x0b);
	ck_assert_uint_eq(common(0x14, 1), 3);
}
END_TEST

START_TEST(the_configuration_window_reaches_the_registers)
{
	unsigned cap;

	make("virtio-rng", NULL, NULL);
	cap = v->cfg_cap;
	v->func.config[cap + 4] = 4;
	pci_put32(&v->func, cap + 8, 0x12);
	pci_put32(&v->func, cap + 12, 2);
	ports_write(rig_ports, 0xcf8, 4,
		    0x80000000 | v->func.devfn << 8 | (cap + 16));
	ck_assert_uint_eq(ports_read(rig_ports, 0xcfc, 4), 1);
	pci_put32(&v->func, cap + 8, 0x14);
	pci_put32(&v->func, cap + 12, 1);
	ports_write(rig_ports, 0xcfc, 4, 3);
	ck_assert_uint_eq(common(0x14, 1), 3);
	/* Beyond the BAR: nothing. */
	pci_put32(&v->func, cap + 8, 0x7ffffff0);
	ports_write(rig_ports, 0xcfc, 4, 3);
	ports_read(rig_ports, 0xcfc, 4);
}
END_TEST

START_TEST(legacy_driver_is_served)
{
	const struct seg in = { DATA_AT, 32, true };

	make("virtio-rng", NULL, NULL);
	ck_assert_uint_eq(ports_read(rig_ports, LEGACY_AT, 4) >> 28 & 3, 3);
	out8(LEGACY_AT + 0x12, 1);
	out8(LEGACY_AT + 0x12, 3);
	ports_write(rig_ports, LEGACY_AT + 4, 4, 0);
	ports_write(rig_ports, LEGACY_AT + 0x0e, 2, 0);
	ck_assert_uint_eq(ports_read(rig_ports, LEGACY_AT + 0x0c, 2), 64);
	put(RING_AT, (uint8_t[8192]){ 0 }, 8192);
	ports_write(rig_ports, LEGACY_AT + 8, 4, RING_AT >> 12);
	out8(LEGACY_AT + 0x12, 7);
	put_desc(RING_AT, 0, in.gpa, in.len, 2, 0);
	put16(RING_AT + 64 * 16 + 4, 0);
	put16(RING_AT + 64 * 16 + 2, 1);
	ports_write(rig_ports, LEGACY_AT + 0x10, 2, 0);
	/* 64 entries: used begins on the next page, 2.6.2. */
	ck_assert_uint_eq(get(RING_AT + 0x1000 + 2, 2), 1);
	ck_assert_uint_eq(get(RING_AT + 0x1000 + 8, 4), 32);
	ck_assert(line.level);
	ck_assert_uint_eq(in8(LEGACY_AT + 0x13), 1);
	ck_assert(!line.level);
	ck_assert_uint_eq(in8(LEGACY_AT + 0x13), 0);
}
END_TEST

START_TEST(no_interrupt_when_the_driver_wants_none)
{
	const struct seg in = { DATA_AT, 8, true };

	make("virtio-rng", NULL, NULL);
	start(0, 8);
	put16(avail_at(0), 1);
	offer(0, 0, &in, 1);
	kick(0);
	ck_assert_int_eq(take(0, NULL), 8);
	ck_assert(!line.level);
}
END_TEST

/* 2.6.7: an interrupt when used_idx passes the event, and not before. */
START_TEST(event_index_delays_the_interrupt)
{
	const struct seg in = { DATA_AT, 8, true };

	make("virtio-rng", NULL, NULL);
	start(VIRTIO_F_EVENT_IDX, 8);
	offer(0, 0, &in, 1);
	put16(avail_at(0) + 4 + 2 * 8, 0);
	kick(0);
	ck_assert(line.level);
	mem_mmio_read(rig_mem(), MODERN_AT + 0x1000, 1);
	put16(avail_at(0) + 4 + 2 * 8, 2);
	for (unsigned i = 1; i < 4; i++) {
		offer(0, 0, &in, 1);
		kick(0);
		ck_assert_int_eq(line.level, i >= 2);
	}
	/* And the device says from where it wants to hear. */
	ck_assert_uint_eq(get(used_at(0) + 4 + 8 * 8, 2), 4);
}
END_TEST

START_TEST(indirect_chains_are_followed)
{
	make("virtio-rng", NULL, NULL);
	start(VIRTIO_F_INDIRECT_DESC, 8);
	put_desc(DATA_AT + 0x1000, 0, DATA_AT, 5, 3, 1);
	put_desc(DATA_AT + 0x1000, 1, DATA_AT + 8, 6, 2, 0);
	put_desc(desc_at(0), 3, DATA_AT + 0x1000, 32, 4, 0);
	put16(avail_at(0) + 4, 3);
	put16(avail_at(0) + 2, 1);
	kick(0);
	ck_assert_int_eq(take(0, NULL), 11);
}
END_TEST

/* Each breaks a rule of 2.6; the device must stop, and live after a reset. */
static void loop_in_chain(void)
{
	put_desc(desc_at(0), 0, DATA_AT, 4, 3, 1);
	put_desc(desc_at(0), 1, DATA_AT, 4, 3, 0);
}
static void next_beyond_table(void)
{
	put_desc(desc_at(0), 0, DATA_AT, 4, 3, 8);
}
static void readable_behind_writable(void)
{
	put_desc(desc_at(0), 0, DATA_AT, 4, 3, 1);
	put_desc(desc_at(0), 1, DATA_AT, 4, 0, 0);
}
static void segment_outside_memory(void)
{
	put_desc(desc_at(0), 0, 0xd0000000, 4, 2, 0);
}
static void segment_that_wraps(void)
{
	put_desc(desc_at(0), 0, ~0ull - 2, 8, 2, 0);
}
static void nested_indirect(void)
{
	put_desc(DATA_AT, 0, DATA_AT, 16, 4, 0);
	put_desc(desc_at(0), 0, DATA_AT, 16, 4, 0);
}
static void ragged_indirect(void)
{
	put_desc(desc_at(0), 0, DATA_AT, 17, 4, 0);
}
static void empty_indirect(void)
{
	put_desc(desc_at(0), 0, DATA_AT, 0, 4, 0);
}
static void head_beyond_table(void)
{
	put16(avail_at(0) + 4, 8);
}
static void index_far_ahead(void)
{
	put16(avail_at(0) + 2, 100);
}

static void (*const rules[])(void) = {
	loop_in_chain, next_beyond_table, readable_behind_writable,
	segment_outside_memory, segment_that_wraps, nested_indirect,
	ragged_indirect, empty_indirect, head_beyond_table, index_far_ahead,
};

START_TEST(broken_rules_stop_the_device)
{
	const struct seg in = { DATA_AT, 8, true };

	make("virtio-rng", NULL, NULL);
	start(VIRTIO_F_INDIRECT_DESC, 8);
	offer(0, 0, &in, 1);
	rules[_i]();
	kick(0);
	ck_assert(broken());
	ck_assert_int_eq(take(0, NULL), -1);
	start(0, 8);
	ck_assert(!broken());
	offer(0, 0, &in, 1);
	kick(0);
	ck_assert_int_eq(take(0, NULL), 8);
}
END_TEST

START_TEST(rings_outside_memory_stop_the_device)
{
	make("virtio-rng", NULL, NULL);
	start(0, 8);
	v->q[0].avail = 0xffffffff00000000;
	kick(0);
	ck_assert(broken());
}
END_TEST

/*
 * Devices.
 */

START_TEST(balloon_takes_pages_and_gives_zeros_back)
{
	const struct seg out = { DATA_AT, 8, false };
	const uint32_t pfn[2] = { 0x300, 0x301 };

	make("virtio-balloon", NULL, NULL);
	virtio_balloon_set(dev, 8192);
	start(0, 8);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), MODERN_AT + 0x2000, 4), 2);
	put(0x300123, "full", 4);
	put(DATA_AT, pfn, 8);
	offer(0, 0, &out, 1);
	kick(0);
	ck_assert_int_eq(take(0, NULL), 0);
	ck_assert_uint_eq(get(0x300123, 4), 0);
	mem_mmio_write(rig_mem(), MODERN_AT + 0x2004, 4, 2);
	ck_assert_uint_eq(virtio_balloon_actual(dev), 8192);
	virtio_balloon_set(dev, 0);
	ck_assert(line.level);
	put(DATA_AT, &(uint32_t){ 0xfffff }, 4);
	offer(0, 0, &(struct seg){ DATA_AT, 4, false }, 1);
	kick(0);
	ck_assert(broken());
}
END_TEST

/* Network. */

static uint8_t sent[2000];
static size_t sent_len, sent_count;
static const struct net_receiver *card;
static void *card_opaque;

static void fake_send(struct net_backend *b, const uint8_t *f, size_t len)
{
	memcpy(sent, f, len);
	sent_len = len;
	sent_count++;
}

static void fake_set(struct net_backend *b, const struct net_receiver *r,
		     void *opaque)
{
	card = r;
	card_opaque = opaque;
}

static void fake_resume(struct net_backend *b)
{
}

static const struct net_ops fake_ops = {
	"fake", fake_send, fake_set, fake_resume, NULL,
};
static struct net_backend fake = { .ops = &fake_ops };
#define MRG	(1ull << 15)

START_TEST(net_frames_go_out_without_their_header)
{
	const char *keys[] = { "mac=52:54:00:aa:bb:cc", NULL };
	const struct seg out[] = { { DATA_AT, 12, false },
				   { DATA_AT + 12, 60, false } };

	make("virtio-net", &fake, keys);
	start(0, 8);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), MODERN_AT + 0x2002, 4),
			  0xccbbaa00);
	put(DATA_AT + 12, "0123456789abcdef", 16);
	offer(1, 0, out, 2);
	kick(1);
	ck_assert_int_eq(take(1, NULL), 0);
	ck_assert_uint_eq(sent_len, 60);
	ck_assert_int_eq(memcmp(sent, "0123456789abcdef", 16), 0);
	/* A frame that is too long is dropped, not cut. */
	offer(1, 0, &(struct seg){ DATA_AT, 12 + NET_FRAME_MAX + 1, false }, 1);
	kick(1);
	ck_assert_int_eq(take(1, NULL), 0);
	ck_assert_uint_eq(sent_count, 1);
}
END_TEST

START_TEST(net_frames_come_in_padded)
{
	const struct seg in = { DATA_AT, 1600, true };

	make("virtio-net", &fake, NULL);
	start(0, 8);
	ck_assert(!card->ready(card_opaque));
	offer(0, 0, &in, 1);
	ck_assert(card->ready(card_opaque));
	card->receive(card_opaque, (const uint8_t *)"abcdefghijklmnop", 16);
	ck_assert_int_eq(take(0, NULL), 12 + 60);
	ck_assert_uint_eq(get(DATA_AT + 10, 2), 1);
	ck_assert_uint_eq(get(DATA_AT + 12, 4), 0x64636261);
	ck_assert(line.level);
}
END_TEST

START_TEST(net_frames_are_spread_over_mergeable_buffers)
{
	uint8_t frame[1000];
	const struct seg in[] = { { DATA_AT, 500, true },
				  { DATA_AT + 0x1000, 600, true } };

	memset(frame, 0x5a, sizeof(frame));
	make("virtio-net", &fake, NULL);
	start(MRG, 8);
	offer(0, 0, &in[0], 1);
	card->receive(card_opaque, frame, sizeof(frame));
	ck_assert_int_eq(take(0, NULL), -1);	/* not enough: dropped whole */
	offer(0, 1, &in[1], 1);
	card->receive(card_opaque, frame, sizeof(frame));
	ck_assert_int_eq(take(0, NULL), 500);
	ck_assert_int_eq(take(0, NULL), 1012 - 500);
	ck_assert_uint_eq(get(DATA_AT + 10, 2), 2);
	ck_assert_uint_eq(get(DATA_AT + 0x1000, 1), 0x5a);
}
END_TEST

/* Disk. */

#define REQ_IN	0u
#define REQ_OUT	1u

static struct block_queue *disk(bool read_only)
{
	static char name[] = "/tmp/umbra-test-virtio-XXXXXX";
	struct block_config cfg = { .file = name, .format = "raw",
				    .read_only = read_only, .discard = true };
	static char berr[BLOCK_ERR_LEN];
	struct block_queue *bq;
	struct block *b;
	int fd = mkstemp(name);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, DISK_SECTORS * 512), 0);
	ck_assert_int_eq(pwrite(fd, "sector 3", 8, 3 * 512), 8);
	ck_assert_msg(!block_open(&b, &cfg, berr), "%s", berr);
	close(fd);
	unlink(name);
	ck_assert_int_eq(block_queue_create(&bq, b, rig_loop, 4, log_file), 0);
	return bq;
}

static void drain(struct block_queue *bq)
{
	loop_lock(rig_loop);
	block_queue_drain(bq);
	loop_unlock(rig_loop);
}

/* One request and its status; data of @len bytes at DATA_AT + 16. */
static int request(struct block_queue *bq, uint32_t type, uint64_t sector,
		   uint32_t len)
{
	struct { uint32_t type, zero; uint64_t sector; } h = { type, 0,
							       sector };
	bool out = type == REQ_OUT || type == 11 || type == 13;
	struct seg s[3] = { { DATA_AT, 16, false },
			    { DATA_AT + 16, len, !out },
			    { DATA_AT + 0x100000, 1, true } };
	int n;

	put(DATA_AT, &h, 16);
	put(DATA_AT + 0x100000, "\xff", 1);
	if (!len)
		s[1] = s[2];
	offer(0, 0, s, len ? 3 : 2);
	kick(0);
	drain(bq);
	n = take(0, NULL);
	ck_assert_int_ge(n, 1);
	return get(DATA_AT + 0x100000, 1);
}

START_TEST(blk_reads_writes_and_flushes)
{
	struct block_queue *bq = disk(false);

	make("virtio-blk", bq, NULL);
	start(1 << 9, 8);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), MODERN_AT + 0x2000, 4),
			  DISK_SECTORS);
	ck_assert_int_eq(request(bq, REQ_IN, 3, 1024), 0);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 16), "sector 3",
				8), 0);
	put(DATA_AT + 16, "written!", 8);
	ck_assert_int_eq(request(bq, REQ_OUT, 127, 512), 0);
	put(DATA_AT + 16, "........", 8);
	ck_assert_int_eq(request(bq, REQ_IN, 127, 512), 0);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 16), "written!",
				8), 0);
	ck_assert_int_eq(request(bq, 4, 0, 0), 0);
}
END_TEST

START_TEST(blk_refuses_what_it_cannot_do)
{
	struct block_queue *bq = disk(false);

	make("virtio-blk", bq, NULL);
	start(0, 8);
	ck_assert_int_eq(request(bq, REQ_IN, 128, 512), 1);
	ck_assert_int_eq(request(bq, REQ_IN, 127, 1024), 1);
	ck_assert_int_eq(request(bq, REQ_IN, ~0ull, 512), 1);
	ck_assert_int_eq(request(bq, REQ_IN, 0, 100), 1);
	ck_assert_int_eq(request(bq, REQ_OUT, 128, 512), 1);
	ck_assert_int_eq(request(bq, 77, 0, 512), 2);
	ck_assert_int_eq(request(bq, REQ_IN, 0, 512), 0);
}
END_TEST

START_TEST(blk_read_only_is_said_and_kept)
{
	struct block_queue *bq = disk(true);

	make("virtio-blk", bq, NULL);
	set_common(0, 4, 0);
	ck_assert_uint_ne(common(4, 4) & 1 << 5, 0);
	start(0, 8);
	ck_assert_int_eq(request(bq, REQ_OUT, 0, 512), 1);
	ck_assert_int_eq(request(bq, REQ_IN, 0, 512), 0);
}
END_TEST

START_TEST(blk_zeroes_and_discards)
{
	struct block_queue *bq = disk(false);
	const struct { uint64_t s; uint32_t n, f; } r[2] = { { 3, 1, 0 },
							     { 10, 2, 0 } };

	make("virtio-blk", bq, NULL);
	start(0, 8);
	put(DATA_AT + 16, r, sizeof(r));
	ck_assert_int_eq(request(bq, 13, 0, 16), 0);
	ck_assert_int_eq(request(bq, REQ_IN, 3, 512), 0);
	ck_assert_uint_eq(get(DATA_AT + 16, 4), 0);
	put(DATA_AT + 16, r, sizeof(r));
	ck_assert_int_eq(request(bq, 11, 0, 32), 0);
	ck_assert_int_eq(request(bq, 13, 0, 32), 2);
	put(DATA_AT + 16, &(uint64_t){ 128 }, 8);
	ck_assert_int_eq(request(bq, 11, 0, 16), 1);
}
END_TEST

START_TEST(blk_tells_its_serial_number)
{
	const char *keys[] = { "serial=UMBRA-1", NULL };
	struct block_queue *bq = disk(false);

	make("virtio-blk", bq, keys);
	start(0, 8);
	ck_assert_int_eq(request(bq, 8, 0, 20), 0);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 16), "UMBRA-1",
				8), 0);
}
END_TEST

/* A medium that is never sure, or that always is; and counts. */
static struct {
	struct block b;
	bool sure;
	unsigned tried, submitted;
	uint8_t data[DISK_SECTORS * 512];
} medium;

static int medium_move(const struct iovec *iov, int n, uint64_t off, bool in)
{
	for (int i = 0; i < n; off += iov[i++].iov_len)
		if (in)
			memcpy(iov[i].iov_base, medium.data + off,
			       iov[i].iov_len);
		else
			memcpy(medium.data + off, iov[i].iov_base,
			       iov[i].iov_len);
	return 0;
}

static int medium_try_readv(struct block *b, uint64_t off,
			    const struct iovec *iov, int n)
{
	medium.tried++;
	return medium.sure ? medium_move(iov, n, off, true) : -EAGAIN;
}

static int medium_try_writev(struct block *b, uint64_t off,
			     const struct iovec *iov, int n)
{
	medium.tried++;
	return medium.sure ? medium_move(iov, n, off, false) : -EAGAIN;
}

static int medium_readv(struct block *b, uint64_t off,
			const struct iovec *iov, int n)
{
	__atomic_add_fetch(&medium.submitted, 1, __ATOMIC_SEQ_CST);
	return medium_move(iov, n, off, true);
}

static int medium_writev(struct block *b, uint64_t off,
			 const struct iovec *iov, int n)
{
	__atomic_add_fetch(&medium.submitted, 1, __ATOMIC_SEQ_CST);
	return medium_move(iov, n, off, false);
}

static void medium_close(struct block *b)
{
}

static const struct block_ops medium_ops = {
	.name = "medium", .readv = medium_readv, .writev = medium_writev,
	.try_readv = medium_try_readv, .try_writev = medium_try_writev,
	.close = medium_close,
};

static struct block_queue *start_medium(bool sure)
{
	struct block_queue *bq;

	medium.b = (struct block){ .ops = &medium_ops,
				   .size = sizeof(medium.data) };
	medium.sure = sure;
	for (unsigned i = 0; i < sizeof(medium.data); i++)
		medium.data[i] = i / 512 * 7 + i;
	ck_assert_int_eq(block_queue_create(&bq, &medium.b, rig_loop, 4,
					    log_file), 0);
	make("virtio-blk", bq, NULL);
	start(VIRTIO_F_EVENT_IDX, 8);
	return bq;
}

/* Requests @n .. of one sector each, data in two segments of @first and rest. */
static void offer_sector(unsigned n, uint32_t type, uint32_t first)
{
	const gpa_t at = DATA_AT + n * 0x2000;
	struct { uint32_t type, zero; uint64_t sector; } h = { type, 0, n };
	const struct seg s[4] = {
		{ at, 16, false },
		{ at + 0x100, first, type == REQ_IN },
		{ at + 0x1000, 512 * 2 - first, type == REQ_IN },
		{ at + 0x50, 1, true } };

	put(at, &h, 16);
	put(at + 0x50, "\xff", 1);
	offer(0, n * 4, s, 4);
}

START_TEST(blk_moves_what_is_cached_while_the_driver_waits)
{
	uint8_t data[512];

	start_medium(true);
	offer_sector(0, REQ_IN, 512);
	kick(0);
	/* Nobody ran the queue, and it is complete. */
	ck_assert_int_eq(take(0, NULL), 1025);
	ck_assert_uint_eq(get(DATA_AT + 0x50, 1), 0);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 0x100),
				medium.data, 512), 0);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 0x1000),
				medium.data + 512, 512), 0);
	ck_assert(line.level);
	memset(data, 0x5a, sizeof(data));
	put(DATA_AT + 0x3000, data, sizeof(data));
	offer_sector(1, REQ_OUT, 512);
	kick(0);
	ck_assert_int_eq(take(0, NULL), 1);
	ck_assert_int_eq(memcmp(medium.data + 1024, data, 512), 0);
	ck_assert_uint_eq(medium.tried, 2);
	ck_assert_uint_eq(medium.submitted, 0);
}
END_TEST

START_TEST(blk_leaves_to_workers_what_would_wait)
{
	struct block_queue *bq = start_medium(false);

	offer_sector(0, REQ_IN, 512);
	kick(0);
	drain(bq);
	ck_assert_int_eq(take(0, NULL), 1025);
	ck_assert_uint_eq(medium.tried, 1);
	ck_assert_uint_eq(medium.submitted, 1);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 0x1000),
				medium.data + 512, 512), 0);
}
END_TEST

/* Segments that are no whole sectors, or not memory, are never direct. */
START_TEST(blk_copies_odd_segments)
{
	struct block_queue *bq = start_medium(true);

	offer_sector(0, REQ_IN, 100);
	kick(0);
	drain(bq);
	ck_assert_int_eq(take(0, NULL), 1025);
	ck_assert_uint_eq(medium.tried, 0);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 0x1000),
				medium.data + 100, 924), 0);
}
END_TEST

static unsigned traced;

static void note_trace(void *opaque, gpa_t gpa, size_t len)
{
	traced++;
}

/* Translated code in a page that is read into has to go. */
START_TEST(blk_announces_what_it_writes_itself)
{
	struct mem *m = rig_mem();

	start_medium(true);
	m->trace = note_trace;
	m->flags[(DATA_AT + 0x1000) >> PAGE_SHIFT] |= MEM_TRACED;
	offer_sector(0, REQ_IN, 512);
	traced = 0;
	kick(0);
	ck_assert_uint_gt(traced, 0);
	ck_assert_int_eq(take(0, NULL), 1025);
}
END_TEST

/* Those that end together: one index, one interrupt. */
START_TEST(blk_shows_a_row_of_ends_at_once)
{
	struct block_queue *bq = start_medium(false);

	for (unsigned i = 0; i < 2; i++)
		offer_sector(i, REQ_IN, 512);
	/* The driver wants to hear of the second. */
	put16(avail_at(0) + 4 + 2 * 8, 1);
	v->q[0].signalled_valid = 1;
	kick(0);
	drain(bq);
	ck_assert_uint_eq(get(used_at(0) + 2, 2), 2);
	ck_assert_uint_eq(line.rises, 1);
	ck_assert_int_eq(take(0, NULL), 1025);
	ck_assert_int_eq(take(0, NULL), 1025);
}
END_TEST

/* Saved with requests in flight: they are finished first, and not lost. */
START_TEST(blk_state_survives_save_and_load_in_use)
{
	const struct seg s[3] = { { DATA_AT, 16, false },
				  { DATA_AT + 16, 512, true },
				  { DATA_AT + 0x100000, 1, true } };
	struct { uint32_t type, zero; uint64_t sector; } h = { 0, 0, 3 };
	struct block_queue *bq = disk(false);
	struct state st = { 0 };

	make("virtio-blk", bq, NULL);
	start(0, 8);
	put(DATA_AT, &h, 16);
	offer(0, 0, s, 3);
	kick(0);
	loop_lock(rig_loop);
	dev->class->settle(dev);
	ck_assert_int_eq(device_save(dev, &st), 0);
	ck_assert_int_eq(device_load(dev, &st), 0);
	loop_unlock(rig_loop);
	ck_assert_int_eq(take(0, NULL), 513);
	ck_assert_int_eq(request(bq, REQ_IN, 3, 512), 0);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA_AT + 16), "sector 3",
				8), 0);
	state_free(&st);
}
END_TEST

/* Console. */

static char typed[64];
static const struct char_receiver *port;
static void *port_opaque;

static size_t fake_write(struct char_backend *b, const uint8_t *buf,
			 size_t len)
{
	strncat(typed, (const char *)buf, len);
	return len;
}

static void fake_receiver(struct char_backend *b,
			  const struct char_receiver *r, void *opaque)
{
	port = r;
	port_opaque = opaque;
}

static void fake_input(struct char_backend *b)
{
}

static const struct char_ops char_ops = {
	.name = "fake", .write = fake_write, .set_receiver = fake_receiver,
	.resume_input = fake_input,
};
static struct char_backend fake_char = { &char_ops };

START_TEST(console_carries_both_ways)
{
	const struct seg in = { DATA_AT, 4, true };

	make("virtio-console", &fake_char, NULL);
	start(0, 8);
	put(DATA_AT + 64, "hello", 5);
	offer(1, 0, &(struct seg){ DATA_AT + 64, 5, false }, 1);
	kick(1);
	ck_assert_str_eq(typed, "hello");
	ck_assert_uint_eq(port->room(port_opaque), 0);
	offer(0, 0, &in, 1);
	ck_assert_uint_eq(port->room(port_opaque), 4);
	port->receive(port_opaque, (const uint8_t *)"abc", 3);
	ck_assert_int_eq(take(0, NULL), 3);
	ck_assert_uint_eq(get(DATA_AT, 3), 0x636261);
}
END_TEST

/*
 * A hostile driver: random registers, rings and descriptors.  Nothing but the
 * guest's own memory may suffer; sanitizers watch.
 */
static void hostile_ring(void)
{
	static const gpa_t where[] = { RING_AT, DATA_AT, 0, 0xfff0, 0xfffff8,
				       0xd0000000, ~0ull - 8 };
	unsigned n = rand() % v->type->nqueues, i = rand() % 16;
	gpa_t a = where[rand() % ARRAY_SIZE(where)] + rand() % 64;

	put_desc(desc_at(n), i, a, rand() % 3 ? rand() % 2048 : rand(),
		 rand() % 8, rand() % 20);
	put16(avail_at(n) + 4 + 2 * (rand() % 8), rand() % 20);
	put16(avail_at(n) + 2, q[n].avail += rand() % 3);
}

static void hostile_register(void)
{
	unsigned off = rand() % 2 ? rand() % 0x38 : rand() % 0x4000;

	if (rand() % 2)
		mem_mmio_write(rig_mem(), MODERN_AT + off, 1 << rand() % 4,
			       rand() % 4 ? rand() % 16 : rand());
	else {
		loop_lock(rig_loop);
		ports_write(rig_ports, LEGACY_AT + off % 128,
			    1 << rand() % 3, rand() % 16);
		loop_unlock(rig_loop);
	}
	mem_mmio_read(rig_mem(), MODERN_AT + off, 1 << rand() % 4);
}

START_TEST(hostile_drivers_do_no_harm)
{
	static const char *const names[] = { "virtio-rng", "virtio-balloon",
					     "virtio-net", "virtio-console",
					     "virtio-blk" };
	unsigned n = fuzz_cases(20000);
	struct block_queue *bq = disk(false);
	void *backend[] = { NULL, NULL, &fake, &fake_char, bq };

	srand(_i + 1);
	make(names[_i], backend[_i], NULL);
	for (unsigned i = 0; i < n; i++) {
		if (i % 50 == 0)
			start(rand() % 2 ? VIRTIO_F_INDIRECT_DESC |
			      VIRTIO_F_EVENT_IDX : 0, 8);
		hostile_ring();
		if (rand() % 4 == 0)
			hostile_register();
		kick(rand() % 4);
		if (_i == 2 && rand() % 2)
			card->receive(card_opaque, sent, rand() % 1600);
		loop_lock(rig_loop);
		if (_i == 4 && rand() % 16 == 0)
			block_queue_drain(bq);
		loop_unlock(rig_loop);
		typed[0] = '\0';
	}
	drain(bq);
	device_reset(dev);
	v->func.config[PCI_COMMAND] = 7;
	pci_put32(&v->func, PCI_BAR0 + 16, MODERN_AT);
	pci_remap(&v->func);
	start(0, 8);
	ck_assert(!broken());
}
END_TEST

int main(void)
{
	Suite *s = suite_create("virtio");
	TCase *t = tcase_create("virtio");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, identity_is_transitional);
	tcase_add_test(t, capabilities_name_every_structure);
	tcase_add_test(t, unknown_features_are_not_accepted);
	tcase_add_test(t, the_configuration_window_reaches_the_registers);
	tcase_add_test(t, legacy_driver_is_served);
	tcase_add_test(t, no_interrupt_when_the_driver_wants_none);
	tcase_add_test(t, event_index_delays_the_interrupt);
	tcase_add_test(t, indirect_chains_are_followed);
	tcase_add_loop_test(t, broken_rules_stop_the_device, 0,
			    ARRAY_SIZE(rules));
	tcase_add_test(t, rings_outside_memory_stop_the_device);
	tcase_add_test(t, balloon_takes_pages_and_gives_zeros_back);
	tcase_add_test(t, net_frames_go_out_without_their_header);
	tcase_add_test(t, net_frames_come_in_padded);
	tcase_add_test(t, net_frames_are_spread_over_mergeable_buffers);
	tcase_add_test(t, blk_reads_writes_and_flushes);
	tcase_add_test(t, blk_refuses_what_it_cannot_do);
	tcase_add_test(t, blk_read_only_is_said_and_kept);
	tcase_add_test(t, blk_zeroes_and_discards);
	tcase_add_test(t, blk_tells_its_serial_number);
	tcase_add_test(t, blk_moves_what_is_cached_while_the_driver_waits);
	tcase_add_test(t, blk_leaves_to_workers_what_would_wait);
	tcase_add_test(t, blk_copies_odd_segments);
	tcase_add_test(t, blk_announces_what_it_writes_itself);
	tcase_add_test(t, blk_shows_a_row_of_ends_at_once);
	tcase_add_test(t, blk_state_survives_save_and_load_in_use);
	tcase_add_test(t, console_carries_both_ways);
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
