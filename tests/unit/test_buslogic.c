// SPDX-License-Identifier: GPL-2.0-or-later
/* The SCSI host adapter as its drivers see it, and SCSI disks behind it. */
#include "tests/unit/fuzz.h"
#include "tests/unit/rig.h"

#include <errno.h>

#include "hypervisor/buslogic.h"
#include "hypervisor/pci.h"
#include "hypervisor/scsi.h"
#include "tests/unit/medium.h"

#define IO		0xc000
#define DISK		(16 * MIB)
#define CD		(512 * 1024)
#define BOXES		8
#define BASE		0x10000		/* mailboxes */
#define CCB		0x20000		/* 256 bytes each */
#define DATA		0x100000
#define SENSE		0x30000
#define PIRQ_OF_2	1		/* device 2, INTA# */

static struct pci *pci;
static struct buslogic *bl;
static struct medium *disk, *cd;
static struct block_queue *disk_q, *cd_q;
static struct rig_wire pirq[4], reset_wire;

static uint8_t *ram(gpa_t gpa)
{
	return mem_hva(rig_mem(), gpa);
}

static void wait_io(void)
{
	block_queue_drain(disk_q);
	block_queue_drain(cd_q);
}

/* One command to the adapter; returns how many bytes it answered. */
static unsigned command(const uint8_t *bytes, unsigned n, uint8_t *reply)
{
	unsigned got = 0;

	ck_assert_uint_eq(in8(IO) & 0x18, 0x10);
	for (unsigned i = 0; i < n; i++)
		out8(IO + 1, bytes[i]);
	while (in8(IO) & 4) {
		uint8_t val = in8(IO + 1);

		if (reply)
			reply[got] = val;
		got++;
	}
	ck_assert_uint_eq(in8(IO + 2) & 0x84, 0x84);
	out8(IO, 0x20);
	return got;
}
#define COMMAND(reply, ...) \
	command((uint8_t[]){ __VA_ARGS__ }, \
		sizeof((uint8_t[]){ __VA_ARGS__ }), reply)

static void init_mailboxes(void)
{
	memset(ram(BASE), 0, 2 * BOXES * 8);
	COMMAND(NULL, 0x81, BOXES, 0, BASE >> 8 & 0xff, BASE >> 16, 0);
	COMMAND(NULL, 0x8f, 1);
	COMMAND(NULL, 0x96, 1);
}

static void setup(void)
{
	struct pci_config cfg = { .mem = rig_mem() };

	rig_setup();
	cfg.ports = rig_ports;
	cfg.reset = rig_irq(&reset_wire);
	for (unsigned i = 0; i < 4; i++)
		cfg.pirq[i] = rig_irq(&pirq[i]);
	ck_assert_int_eq(pci_create(&pci, &cfg), 0);
	ck_assert_int_eq(buslogic_create(&bl, pci, PCI_DEVFN(2, 0)), 0);
	disk = medium_new(DISK);
	cd = medium_new(CD);
	cd->b.read_only = true;
	disk_q = medium_queue(disk, rig_loop);
	cd_q = medium_queue(cd, rig_loop);
	loop_lock(rig_loop);
	ck_assert_int_eq(buslogic_attach(bl, 0, &scsi_disk_ops, disk_q, "S1"),
			 0);
	ck_assert_int_eq(buslogic_attach(bl, 3, &scsi_cd_ops, cd_q, NULL), 0);
	ck_assert_int_eq(buslogic_attach(bl, 7, &scsi_cd_ops, cd_q, NULL),
			 -EEXIST);
	device_reset((struct device *)bl);
	ports_write(rig_ports, 0xcf8, 4, 0x80001010);
	ports_write(rig_ports, 0xcfc, 4, IO | 1);
	ports_write(rig_ports, 0xcf8, 4, 0x80001004);
	ports_write(rig_ports, 0xcfc, 2, 5);
}

static unsigned box;	/* the next of either kind */

static void put32(gpa_t at, uint32_t val)
{
	memcpy(ram(at), &val, 4);
}

static uint32_t get32(gpa_t at)
{
	uint32_t val;

	memcpy(&val, ram(at), 4);
	return val;
}

/* A control block at CCB + 256 * @n. */
static void fill_ccb(unsigned n, uint8_t opcode, uint8_t target,
		     const uint8_t *cdb, uint32_t data, uint32_t len)
{
	uint8_t *c = ram(CCB + 256 * n);

	memset(c, 0, 256);
	c[0] = opcode;
	c[2] = 12;
	c[3] = 18;
	put32(CCB + 256 * n + 4, len);
	put32(CCB + 256 * n + 8, data);
	c[16] = target;
	memcpy(c + 18, cdb, 12);
	put32(CCB + 256 * n + 36, SENSE);
}

static void post(unsigned n)
{
	uint8_t *m = ram(BASE + box * 8);

	ck_assert_uint_eq(m[7], 0);
	put32(BASE + box * 8, CCB + 256 * n);
	m[7] = 1;
	out8(IO + 1, 2);
	ck_assert_uint_eq(m[7], 0);
}

/* Adapter status << 16 | target status << 8 | completion code. */
static unsigned collect(unsigned n)
{
	uint8_t *m = ram(BASE + (BOXES + box) * 8);
	unsigned code = m[4] << 16 | m[5] << 8 | m[7];

	box = (box + 1) % BOXES;
	if (!m[7])
		return 0;
	ck_assert_uint_eq(get32(m - ram(0)), CCB + 256 * n);
	ck_assert_uint_eq(ram(CCB + 256 * n)[14], m[4]);
	ck_assert_uint_eq(ram(CCB + 256 * n)[15], m[5]);
	ck_assert_uint_eq(in8(IO + 2) & 0x81, 0x81);
	ck_assert(pirq[PIRQ_OF_2].level);
	m[7] = 0;
	out8(IO, 0x20);
	ck_assert(!pirq[PIRQ_OF_2].level);
	return code;
}

static unsigned scsi(uint8_t target, const uint8_t *cdb, uint32_t data,
		     uint32_t len)
{
	fill_ccb(0, 3, target, cdb, data, len);
	post(0);
	wait_io();
	return collect(0);
}

#define GOOD		0x000001
#define CHECK		0x000204
static const uint8_t test_ready[12];

static void clear_attention(void)
{
	ck_assert_uint_eq(scsi(0, test_ready, 0, 0), CHECK);
	ck_assert_uint_eq(ram(SENSE)[2], 6);
	ck_assert_uint_eq(scsi(3, test_ready, 0, 0), CHECK);
	ck_assert_uint_eq(scsi(0, test_ready, 0, 0), GOOD);
	ck_assert_uint_eq(scsi(3, test_ready, 0, 0), GOOD);
}

static void ready(void)
{
	init_mailboxes();
	clear_attention();
}

START_TEST(reset_is_seen_and_asks_for_mailboxes)
{
	out8(IO, 0x80);
	ck_assert_uint_eq(in8(IO), 0x80);
	ck_assert_uint_eq(in8(IO), 0x30);
	init_mailboxes();
	ck_assert_uint_eq(in8(IO), 0x10);
}
END_TEST

START_TEST(says_who_it_is)
{
	uint8_t r[256];

	ck_assert_uint_eq(COMMAND(r, 0x04), 4);
	ck_assert_uint_eq(r[2], '5');
	ck_assert_uint_eq(COMMAND(r, 0x8b, 5), 5);
	ck_assert_int_eq(memcmp(r, "958  ", 5), 0);
	ck_assert_uint_eq(COMMAND(r, 0x8d, 14), 14);
	ck_assert_uint_eq(r[0], 'E');
	ck_assert_uint_eq(COMMAND(r, 0x91, 64, 64), 64);
	ck_assert_uint_eq(r[14], 7);
	ck_assert_uint_eq(COMMAND(r, 0x24), 2);
	ck_assert_uint_eq(r[0] | r[1] << 8, 0x0009);
	ck_assert_uint_eq(COMMAND(r, 0x0a), 8);
	ck_assert_uint_eq(r[3], 1);
}
END_TEST

START_TEST(unknown_commands_are_invalid)
{
	out8(IO + 1, 0x01);		/* 24-bit mailboxes */
	ck_assert_uint_eq(in8(IO) & 0x11, 0x11);
	ck_assert_uint_eq(in8(IO + 2), 0x84);
	ck_assert(pirq[PIRQ_OF_2].level);
	out8(IO, 0x20);
	ck_assert_uint_eq(in8(IO) & 0x01, 0);
	ck_assert(!pirq[PIRQ_OF_2].level);
}
END_TEST

START_TEST(inquiry_tells_of_disk_and_drive)
{
	static const uint8_t inquiry[12] = { 0x12, [4] = 36 };

	ready();
	ck_assert_uint_eq(scsi(0, inquiry, DATA, 64), GOOD);
	ck_assert_uint_eq(ram(DATA)[0], 0);
	ck_assert_int_eq(memcmp(ram(DATA + 16), "HARDDISK", 8), 0);
	ck_assert_uint_eq(get32(CCB + 4), 64 - 36);	/* residual */
	ck_assert_uint_eq(scsi(3, inquiry, DATA, 36), GOOD);
	ck_assert_uint_eq(ram(DATA)[0], 5);
	ck_assert_uint_eq(get32(CCB + 4), 0);
}
END_TEST

START_TEST(absent_targets_time_out)
{
	ready();
	ck_assert_uint_eq(scsi(5, test_ready, 0, 0), 0x110004);
	ck_assert_uint_eq(scsi(99, test_ready, 0, 0), 0x110004);
}
END_TEST

START_TEST(reads_and_writes_by_lists)
{
	static const uint8_t rd[12] = { 0x28, [5] = 200, [8] = 64 };
	static const uint8_t wr[12] = { 0x2a, 8, [4] = 1, [8] = 200 };
	uint32_t at = 0, total = 0;

	ready();
	/* 64 sectors in pieces of 4096 - 512 ... */
	for (unsigned i = 0; total < 64 * 512; i++) {
		uint32_t n = 1000 + 333 * i;

		if (n > 64 * 512 - total)
			n = 64 * 512 - total;
		put32(0x40000 + at, n);
		put32(0x40004 + at, DATA + 0x10000 * i);
		at += 8;
		total += n;
	}
	fill_ccb(0, 4, 0, rd, 0x40000, at);
	post(0);
	wait_io();
	ck_assert_uint_eq(collect(0), GOOD);
	ck_assert_uint_eq(get32(CCB + 4), 0);
	ck_assert_int_eq(memcmp(ram(DATA), disk->data + 200 * 512, 1000), 0);
	ck_assert_int_eq(memcmp(ram(DATA + 0x10000), disk->data + 200 * 512 +
				1000, 1333), 0);
	/* 200 sectors from two buffers, forced to the medium. */
	for (unsigned i = 0; i < 200 * 512; i++)
		ram(DATA)[i] = i * 7 >> 2;
	ck_assert_uint_eq(scsi(0, wr, DATA, 200 * 512), GOOD);
	ck_assert_int_eq(memcmp(ram(DATA), disk->data + 256 * 512, 200 * 512),
			 0);
	ck_assert_uint_eq(disk->writes, 2);
	ck_assert_uint_eq(disk->flushes, 1);
}
END_TEST

START_TEST(capacity_modes_and_flush)
{
	static const uint8_t capacity[12] = { 0x25 };
	static const uint8_t mode[12] = { 0x1a, 0, 0x3f, [4] = 255 };
	static const uint8_t sync[12] = { 0x35 };

	ready();
	ck_assert_uint_eq(scsi(0, capacity, DATA, 8), GOOD);
	ck_assert_uint_eq(scsi_get32(ram(DATA)), DISK / 512 - 1);
	ck_assert_uint_eq(scsi(0, mode, DATA, 255), GOOD);
	ck_assert_uint_eq(ram(DATA)[0], 4 + 8 + 24 + 20 - 1);
	ck_assert_uint_eq(scsi(0, sync, 0, 0), GOOD);
	ck_assert_uint_eq(disk->flushes, 1);
}
END_TEST

START_TEST(errors_bring_sense_data)
{
	static const uint8_t beyond[12] = { 0x28, [2] = 1, [8] = 1 };
	static const uint8_t first[12] = { 0x28, [8] = 1 };
	static const uint8_t wr[12] = { 0x2a, [8] = 1 };

	ready();
	ck_assert_uint_eq(scsi(0, beyond, DATA, 512), CHECK);
	ck_assert_uint_eq(ram(SENSE)[2], 5);
	ck_assert_uint_eq(ram(SENSE)[12], 0x21);
	disk->error = -EIO;
	ck_assert_uint_eq(scsi(0, first, DATA, 512), CHECK);
	ck_assert_uint_eq(ram(SENSE)[2], 3);
	disk->error = 0;
	disk->b.read_only = true;
	ck_assert_uint_eq(scsi(0, wr, DATA, 512), CHECK);
	ck_assert_uint_eq(ram(SENSE)[2], 7);
	ck_assert_uint_eq(scsi(3, wr, DATA, 2048), CHECK);
	ck_assert_uint_eq(ram(SENSE)[2], 5);
}
END_TEST

START_TEST(too_little_room_is_an_overrun)
{
	static const uint8_t rd[12] = { 0x28, [8] = 2 };

	ready();
	ck_assert_uint_eq(scsi(0, rd, DATA, 512) >> 16, 0x12);
	ck_assert_uint_eq(scsi(0, rd, 0xd0000000, 1024) >> 16, 0x1a);
}
END_TEST

START_TEST(many_commands_are_in_flight_together)
{
	uint8_t rd[12] = { 0x28, [8] = 1 };
	unsigned seen = 0;

	ready();
	for (unsigned i = 0; i < BOXES; i++) {
		rd[5] = i * 3;
		fill_ccb(i, 0, 0, rd, DATA + i * 4096, 512);
		put32(BASE + (box + i) % BOXES * 8, CCB + 256 * i);
		ram(BASE + (box + i) % BOXES * 8)[7] = 1;
	}
	out8(IO + 1, 2);
	wait_io();
	for (unsigned i = 0; i < BOXES; i++) {
		ck_assert_int_eq(memcmp(ram(DATA + i * 4096), disk->data +
					i * 3 * 512, 512), 0);
		seen += ram(BASE + (BOXES + i) * 8)[7] == 1;
	}
	ck_assert_uint_eq(seen, BOXES);
}
END_TEST

/* Nobody empties the incoming mailboxes; then somebody does. */
START_TEST(full_mailboxes_hold_commands_back)
{
	ready();
	for (unsigned i = 0; i < BOXES; i++)
		ram(BASE + (BOXES + i) * 8)[7] = 1;
	fill_ccb(0, 0, 0, test_ready, 0, 0);
	post(0);
	ck_assert_uint_eq(in8(IO + 2), 0);
	for (unsigned i = 0; i < BOXES; i++)
		ram(BASE + (BOXES + i) * 8)[7] = 0;
	out8(IO, 0x20);
	ck_assert_uint_eq(collect(0), GOOD);
}
END_TEST

START_TEST(reset_during_a_command_drops_it)
{
	static const uint8_t rd[12] = { 0x28, [8] = 100 };

	ready();
	fill_ccb(0, 0, 0, rd, DATA, 51200);
	post(0);
	out8(IO, 0x80);
	wait_io();
	ck_assert_uint_eq(in8(IO + 2), 0);
	ck_assert_uint_eq(in8(IO), 0x80);
	box = 0;
	ready();
	ck_assert_uint_eq(scsi(0, rd, DATA, 51200), GOOD);
}
END_TEST

/* The bus has the state of the interrupt lines; their far ends stand still. */
static void save_and_load(void)
{
	struct device *devices[] = { (struct device *)pci,
				     (struct device *)bl };
	struct rig_wire before = pirq[PIRQ_OF_2];
	struct state s = { 0 };

	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(device_save(devices[i], &s), 0);
	for (unsigned i = 0; i < 2; i++)
		device_reset(devices[i]);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(device_load(devices[i], &s), 0);
	pirq[PIRQ_OF_2] = before;
	state_free(&s);
}

START_TEST(state_survives_in_use)
{
	static const uint8_t rd[12] = { 0x28, [8] = 100 };
	uint8_t r[64];

	ready();
	fill_ccb(0, 0, 0, rd, DATA, 51200);
	post(0);
	((struct device *)bl)->class->settle((struct device *)bl);
	save_and_load();
	ck_assert_uint_eq(collect(0), GOOD);
	ck_assert_int_eq(memcmp(ram(DATA), disk->data, 51200), 0);
	out8(IO + 1, 0x04);		/* half a reply */
	ck_assert_uint_eq(in8(IO + 1), 'A');
	save_and_load();
	for (unsigned i = 0; in8(IO) & 4; i++)
		r[i] = in8(IO + 1);
	ck_assert_uint_eq(r[1], '5');
	out8(IO, 0x20);
	ck_assert_uint_eq(scsi(0, test_ready, 0, 0), GOOD);
}
END_TEST

/* 10^5 control blocks of random bytes; commands that are not so random. */
START_TEST(random_commands_come_to_an_end)
{
	unsigned n = fuzz_cases(100000), rng = 9;

	ready();
	for (unsigned k = 0; k < n; k++) {
		uint8_t *c = ram(CCB), cdb[12];

		for (unsigned i = 0; i < 12; i++)
			cdb[i] = rand_r(&rng) % 3 ? rand_r(&rng) % 3 :
						    rand_r(&rng);
		fill_ccb(0, rand_r(&rng) % 5, rand_r(&rng) % 4, cdb,
			 rand_r(&rng) % 3 ? DATA : rand_r(&rng),
			 rand_r(&rng) % 0x20000);
		for (unsigned i = 0; i < 64 * 8; i += 4)
			put32(DATA + i, i & 4 ? DATA + rand_r(&rng) % 0x10000 :
			      rand_r(&rng) % 3000);
		if (rand_r(&rng) % 4 == 0)
			c[rand_r(&rng) % 40] = rand_r(&rng);
		if (rand_r(&rng) % 64 == 0)
			out8(IO + 1, rand_r(&rng));
		for (unsigned i = 0; i < BOXES; i++) {
			put32(BASE + i * 8, CCB);
			ram(BASE + i * 8)[7] = rand_r(&rng) % 3;
			ram(BASE + (BOXES + i) * 8)[7] = 0;
		}
		out8(IO, 0x20);
		out8(IO + 1, 2);
		wait_io();
	}
	out8(IO, 0x80);
	in8(IO);
	box = 0;
	disk->b.read_only = false;
	ready();
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		reset_is_seen_and_asks_for_mailboxes,
		says_who_it_is,
		unknown_commands_are_invalid,
		inquiry_tells_of_disk_and_drive,
		absent_targets_time_out,
		reads_and_writes_by_lists,
		capacity_modes_and_flush,
		errors_bring_sense_data,
		too_little_room_is_an_overrun,
		many_commands_are_in_flight_together,
		full_mailboxes_hold_commands_back,
		reset_during_a_command_drops_it,
		state_survives_in_use,
		random_commands_come_to_an_end,
	};

	return rig_main("buslogic", setup, list, ARRAY_SIZE(list));
}
