// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The IDE controller at its ports: selection, resets, PIO and DMA of disks,
 * packet commands, saved state.  References: ATA/ATAPI-6, INF-8020i, bus
 * master IDE 1.0.
 */
#include "tests/unit/fuzz.h"
#include "tests/unit/rig.h"

#include <errno.h>

#include "hypervisor/ide.h"
#include "hypervisor/pci.h"
#include "hypervisor/scsi.h"
#include "tests/unit/medium.h"

#define DISK		(64 * MIB)	/* LBA48 needs no more to be tested */
#define CD		(700 * 1024)
#define IO0		0x1f0
#define IO1		0x170
#define CTL0		0x3f6
#define CTL1		0x376
#define BM		0xc000
#define BSY		0x80
#define DRDY		0x40
#define DRQ		0x08
#define ERR		0x01
#define READY		0x50

static struct pci *pci;
static struct ide *ide;
static struct medium *disk, *cd;
static struct block_queue *disk_q, *cd_q;
static struct rig_wire irq[2], reset_wire;

static void setup(void)
{
	struct pci_config pcfg = { .mem = rig_mem() };
	struct ide_config cfg = { .irq = { rig_irq(&irq[0]),
					   rig_irq(&irq[1]) } };
	struct ide_drive_config drive = { .kind = IDE_DISK,
					  .serial = "SERIAL1" };

	rig_setup();
	pcfg.ports = cfg.ports = rig_ports;
	pcfg.reset = rig_irq(&reset_wire);
	ck_assert_int_eq(pci_create(&pci, &pcfg), 0);
	cfg.pci = pci;
	ck_assert_int_eq(ide_create(&ide, &cfg), 0);
	disk = medium_new(DISK);
	cd = medium_new(CD);
	cd->b.read_only = true;
	drive.q = disk_q = medium_queue(disk, rig_loop);
	ck_assert_int_eq(ide_attach(ide, 0, 0, &drive), 0);
	drive.kind = IDE_CD;
	drive.q = cd_q = medium_queue(cd, rig_loop);
	loop_lock(rig_loop);
	ck_assert_int_eq(ide_attach(ide, 1, 0, &drive), 0);
	device_reset((struct device *)ide);
	/* BAR 4, I/O and bus-master enable. */
	ports_write(rig_ports, 0xcf8, 4, 0x80000920);
	ports_write(rig_ports, 0xcfc, 4, BM | 1);
	ports_write(rig_ports, 0xcf8, 4, 0x80000904);
	ports_write(rig_ports, 0xcfc, 2, 5);
}

static void wait_io(void)
{
	block_queue_drain(disk_q);
	block_queue_drain(cd_q);
}

static uint8_t status(unsigned io)
{
	wait_io();
	return in8(io + 7);
}

static void lba28(unsigned io, uint32_t lba, uint8_t count)
{
	out8(io + 6, 0xe0 | lba >> 24);
	out8(io + 2, count);
	out8(io + 3, lba);
	out8(io + 4, lba >> 8);
	out8(io + 5, lba >> 16);
}

static void lba48(unsigned io, uint64_t lba, uint16_t count)
{
	out8(io + 6, 0xe0);
	out8(io + 2, count >> 8);
	out8(io + 2, count);
	for (int i = 0; i < 3; i++) {
		out8(io + 3 + i, lba >> (24 + 8 * i));
		out8(io + 3 + i, lba >> 8 * i);
	}
}

static void take(unsigned io, void *buf, size_t len)
{
	uint16_t *p = buf;

	for (size_t i = 0; i < len / 2; i++)
		p[i] = ports_read(rig_ports, io, 2);
}

static void give(unsigned io, const void *buf, size_t len)
{
	const uint16_t *p = buf;

	for (size_t i = 0; i < len / 2; i++)
		ports_write(rig_ports, io, 2, p[i]);
}

static uint16_t word(const uint8_t *id, unsigned n)
{
	return id[2 * n] | id[2 * n + 1] << 8;
}

START_TEST(reset_leaves_signatures)
{
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_uint_eq(in8(IO0 + 1), 1);
	ck_assert_uint_eq(in8(IO0 + 2), 1);
	ck_assert_uint_eq(in8(IO0 + 3), 1);
	ck_assert_uint_eq(in8(IO0 + 4) | in8(IO0 + 5), 0);
	ck_assert_uint_eq(in8(IO1 + 4), 0x14);
	ck_assert_uint_eq(in8(IO1 + 5), 0xeb);
	ck_assert_uint_eq(in8(IO1 + 7), 0);
	/* The same after SRST. */
	out8(IO1 + 4, 0);
	out8(CTL1, 0x04);
	ck_assert_uint_eq(in8(CTL1) & BSY, BSY);
	out8(CTL1, 0);
	ck_assert_uint_eq(in8(CTL1), 0);
	ck_assert_uint_eq(in8(IO1 + 4), 0x14);
	ck_assert_uint_eq(irq[1].rises, 0);
}
END_TEST

START_TEST(absent_drives_are_not_there)
{
	out8(IO0 + 6, 0xb0);
	ck_assert_uint_eq(in8(IO0 + 7), 0);
	out8(IO0 + 7, 0xec);
	ck_assert_uint_eq(status(IO0), 0);
	ck_assert_uint_eq(irq[0].rises, 0);
	out8(IO0 + 6, 0xa0);
	ck_assert_uint_eq(in8(IO0 + 7), READY);
}
END_TEST

START_TEST(channel_that_is_not_decoded_is_silent)
{
	ports_write(rig_ports, 0xcf8, 4, 0x80000940);
	ports_write(rig_ports, 0xcfc, 2, 0);
	ck_assert_uint_eq(in8(IO0 + 7), 0xff);
	ck_assert_uint_eq(in8(IO1 + 7), 0);
}
END_TEST

START_TEST(identify_tells_who_it_is)
{
	uint8_t id[512];
	uint32_t n;

	out8(IO0 + 6, 0xa0);
	out8(IO0 + 7, 0xec);
	ck_assert_uint_eq(irq[0].rises, 1);
	ck_assert_uint_eq(in8(CTL0), READY | DRQ);	/* keeps the request */
	ck_assert(irq[0].level);
	ck_assert_uint_eq(in8(IO0 + 7), READY | DRQ);
	ck_assert(!irq[0].level);
	take(IO0, id, 512);
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_uint_eq(irq[0].rises, 1);
	ck_assert_int_eq(memcmp(id + 20, "ESIRLA 1", 8), 0);
	n = word(id, 60) | word(id, 61) << 16;
	ck_assert_uint_eq(n, DISK / 512);
	n = word(id, 100) | word(id, 101) << 16;
	ck_assert_uint_eq(n, DISK / 512);
	ck_assert_uint_eq(word(id, 1), DISK / 512 / 16 / 63);
	ck_assert(word(id, 83) & 0x0400);
}
END_TEST

START_TEST(geometry_of_the_image_is_the_drives)
{
	uint8_t id[512];

	disk->b.geometry = (struct block_geometry){ 1000, 8, 16 };
	out8(IO0 + 7, 0xec);
	status(IO0);
	take(IO0, id, 512);
	ck_assert_uint_eq(word(id, 1), 1000);
	ck_assert_uint_eq(word(id, 3), 8);
	ck_assert_uint_eq(word(id, 6), 16);
	disk->b.geometry.heads = 255;		/* no IDE disk has so many */
	out8(IO0 + 7, 0xec);
	status(IO0);
	take(IO0, id, 512);
	ck_assert_uint_eq(word(id, 3), 16);
}
END_TEST

START_TEST(pio_read_interrupts_for_each_sector)
{
	uint8_t buf[3 * 512];

	lba28(IO0, 1000, 3);
	out8(IO0 + 7, 0x20);
	ck_assert_uint_eq(in8(CTL0), BSY);
	wait_io();
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(irq[0].rises, i + 1);
		ck_assert_uint_eq(in8(IO0 + 7), READY | DRQ);
		take(IO0, buf + i * 512, 512);
	}
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_uint_eq(irq[0].rises, 3);
	ck_assert_int_eq(memcmp(buf, disk->data + 512000, sizeof(buf)), 0);
}
END_TEST

START_TEST(pio_write_reaches_the_medium_before_its_end)
{
	uint8_t buf[1024];

	memset(buf, 0xa5, sizeof(buf));
	lba28(IO0, 7, 2);
	out8(IO0 + 7, 0x30);
	ck_assert_uint_eq(in8(IO0 + 7), READY | DRQ);
	ck_assert_uint_eq(irq[0].rises, 0);	/* none for the first */
	give(IO0, buf, 512);
	ck_assert_uint_eq(irq[0].rises, 1);
	ck_assert_uint_eq(in8(IO0 + 7), READY | DRQ);
	give(IO0, buf, 512);
	ck_assert_uint_eq(in8(CTL0), BSY);
	ck_assert_uint_eq(irq[0].rises, 1);
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_uint_eq(irq[0].rises, 2);
	ck_assert_int_eq(memcmp(buf, disk->data + 7 * 512, 1024), 0);
	ck_assert_uint_eq(disk->flushes, 0);
}
END_TEST

START_TEST(long_transfers_take_several_buffers)
{
	size_t len = 256 * 512;
	uint8_t *buf = malloc(len);

	lba28(IO0, 0, 0);		/* 0: 256 sectors */
	out8(IO0 + 7, 0x20);
	for (unsigned i = 0; i < 256; i++) {
		ck_assert_uint_eq(status(IO0), READY | DRQ);
		take(IO0, buf + i * 512, 512);
	}
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_int_eq(memcmp(buf, disk->data, len), 0);
	ck_assert_uint_eq(disk->reads, 2);
	memset(buf, 0x3c, len);
	lba28(IO0, 5000, 0);
	out8(IO0 + 7, 0x30);
	for (unsigned i = 0; i < 256; i++) {
		ck_assert_uint_eq(status(IO0), READY | DRQ);
		give(IO0, buf + i * 512, 512);
	}
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_int_eq(memcmp(buf, disk->data + 5000 * 512, len), 0);
}
END_TEST

START_TEST(multiple_moves_blocks_of_sectors)
{
	uint8_t buf[20 * 512];

	lba28(IO0, 0, 20);
	out8(IO0 + 7, 0xc4);		/* not set yet */
	ck_assert_uint_eq(status(IO0), READY | ERR);
	ck_assert_uint_eq(in8(IO0 + 1), 0x04);
	out8(IO0 + 2, 3);		/* not a power of two */
	out8(IO0 + 7, 0xc6);
	ck_assert_uint_eq(status(IO0), READY | ERR);
	out8(IO0 + 2, 8);
	out8(IO0 + 7, 0xc6);
	ck_assert_uint_eq(status(IO0), READY);
	irq[0].rises = 0;
	lba28(IO0, 3, 20);
	out8(IO0 + 7, 0xc4);
	ck_assert_uint_eq(status(IO0), READY | DRQ);
	take(IO0, buf, 8 * 512);
	ck_assert_uint_eq(irq[0].rises, 2);
	in8(IO0 + 7);
	take(IO0, buf + 8 * 512, 8 * 512);
	in8(IO0 + 7);
	take(IO0, buf + 16 * 512, 4 * 512);
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_uint_eq(irq[0].rises, 3);
	ck_assert_int_eq(memcmp(buf, disk->data + 3 * 512, sizeof(buf)), 0);
}
END_TEST

START_TEST(addresses_in_all_three_forms)
{
	uint8_t buf[512];

	/* CHS 2/3/4 of 16 heads, 63 sectors. */
	out8(IO0 + 6, 0xa3);
	out8(IO0 + 2, 1);
	out8(IO0 + 3, 4);
	out8(IO0 + 4, 2);
	out8(IO0 + 5, 0);
	out8(IO0 + 7, 0x20);
	ck_assert_uint_eq(status(IO0), READY | DRQ);
	take(IO0, buf, 512);
	ck_assert_int_eq(memcmp(buf, disk->data + ((2 * 16 + 3) * 63 + 3) *
				512, 512), 0);
	lba48(IO0, 0x1f001, 1);
	out8(IO0 + 7, 0x24);
	ck_assert_uint_eq(status(IO0), READY | DRQ);
	take(IO0, buf, 512);
	ck_assert_int_eq(memcmp(buf, disk->data + 0x1f001 * 512, 512), 0);
	/* The bytes written first come back with HOB. */
	lba48(IO0, 0x123456789abcull, 0x4321);
	out8(CTL0, 0x80);
	ck_assert_uint_eq(in8(IO0 + 2), 0x43);
	ck_assert_uint_eq(in8(IO0 + 5), 0x12);
	out8(CTL0, 0);
	ck_assert_uint_eq(in8(IO0 + 2), 0x21);
	ck_assert_uint_eq(in8(IO0 + 5), 0x78);
}
END_TEST

START_TEST(addresses_out_of_range_are_not_found)
{
	lba28(IO0, DISK / 512 - 1, 2);
	out8(IO0 + 7, 0x20);
	ck_assert_uint_eq(status(IO0), READY | ERR);
	ck_assert_uint_eq(in8(IO0 + 1), 0x10);
	lba48(IO0, 1ull << 40, 1);
	out8(IO0 + 7, 0x34);
	ck_assert_uint_eq(status(IO0), READY | ERR);
	out8(IO0 + 6, 0xa0);		/* sector 0 does not exist */
	out8(IO0 + 3, 0);
	out8(IO0 + 7, 0x20);
	ck_assert_uint_eq(status(IO0), READY | ERR);
	ck_assert_uint_eq(disk->reads + disk->writes, 0);
}
END_TEST

START_TEST(host_errors_become_the_drives)
{
	disk->error = -EIO;
	lba28(IO0, 0, 1);
	out8(IO0 + 7, 0x20);
	ck_assert_uint_eq(status(IO0), READY | ERR);
	ck_assert_uint_eq(in8(IO0 + 1), 0x40);
	out8(IO0 + 7, 0xe7);
	ck_assert_uint_eq(status(IO0), READY | ERR);
	ck_assert_uint_eq(disk->flushes, 1);
}
END_TEST

START_TEST(flush_and_write_cache)
{
	uint8_t buf[512] = { 0 };

	out8(IO0 + 7, 0xe7);
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_uint_eq(disk->flushes, 1);
	out8(IO0 + 1, 0x82);		/* write cache off: flushes, too */
	out8(IO0 + 7, 0xef);
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_uint_eq(disk->flushes, 2);
	lba28(IO0, 0, 1);
	out8(IO0 + 7, 0x30);
	give(IO0, buf, 512);
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_uint_eq(disk->flushes, 3);
}
END_TEST

START_TEST(unknown_commands_are_aborted)
{
	out8(IO0 + 7, 0xff);
	ck_assert_uint_eq(status(IO0), READY | ERR);
	ck_assert_uint_eq(in8(IO0 + 1), 0x04);
	out8(IO0 + 7, 0xa0);		/* a disk takes no packets */
	ck_assert_uint_eq(status(IO0), READY | ERR);
	out8(IO1 + 7, 0xec);		/* and a CD-ROM drive is no disk */
	ck_assert_uint_eq(status(IO1), READY | ERR);
	ck_assert_uint_eq(in8(IO1 + 4), 0x14);
}
END_TEST

START_TEST(diagnostic_selects_the_first_drive)
{
	out8(IO0 + 6, 0xb0);
	out8(IO0 + 7, 0x90);
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_uint_eq(in8(IO0 + 1), 1);
	ck_assert_uint_eq(in8(IO0 + 6) & 0x10, 0);
	ck_assert_uint_eq(irq[0].rises, 1);
}
END_TEST

START_TEST(nien_holds_the_interrupt_back)
{
	out8(CTL0, 0x02);
	out8(IO0 + 7, 0xec);
	ck_assert(!irq[0].level);
	out8(CTL0, 0);
	ck_assert(irq[0].level);
	in8(IO0 + 7);
	ck_assert(!irq[0].level);
}
END_TEST

/* SRST while the host reads: busy until it is done, then like new. */
START_TEST(reset_during_a_read_waits_for_the_host)
{
	lba28(IO0, 0, 1);
	out8(IO0 + 7, 0x20);
	out8(CTL0, 0x04);
	out8(CTL0, 0);
	wait_io();
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_uint_eq(in8(IO0 + 2), 1);
	ck_assert_uint_eq(irq[0].rises, 0);
}
END_TEST

/*
 * DMA.
 */

#define PRD	0x1000
#define DATA	0x10000

static void prd(unsigned n, uint32_t addr, uint32_t count, bool last)
{
	uint32_t p[2] = { addr, (count & 0xffff) | (last ? 0x80000000 : 0) };

	ck_assert_int_eq(mem_write(rig_mem(), PRD + n * 8, p, 8), 0);
}

static void bm_start(uint8_t direction)
{
	ports_write(rig_ports, BM + 4, 4, PRD);
	out8(BM + 2, 0x06);		/* clear error and interrupt */
	out8(BM, direction);
	out8(BM, direction | 1);
}

START_TEST(dma_read_scatters_by_the_table)
{
	uint8_t *ram = mem_hva(rig_mem(), 0);

	prd(0, DATA, 1000, false);
	prd(1, DATA + 0x5000, 4096 - 1000, true);
	lba28(IO0, 50, 8);
	out8(IO0 + 7, 0xc8);
	bm_start(0x08);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 7, 4);
	ck_assert(irq[0].level);
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_int_eq(memcmp(ram + DATA, disk->data + 25600, 1000), 0);
	ck_assert_int_eq(memcmp(ram + DATA + 0x5000, disk->data + 26600,
				3096), 0);
	out8(BM + 2, 4);
	ck_assert_uint_eq(in8(BM + 2) & 7, 0);
}
END_TEST

/* Nobody runs the queue here; of a megabyte, the last buffers do wait. */
START_TEST(cached_data_move_at_once)
{
	uint8_t *ram = mem_hva(rig_mem(), 0), buf[1024];

	disk->b.ops = &medium_cached_ops;
	prd(0, DATA, 4096, true);
	lba28(IO0, 50, 8);
	out8(IO0 + 7, 0xc8);
	bm_start(0x08);
	ck_assert_uint_eq(in8(BM + 2) & 7, 4);
	ck_assert_uint_eq(irq[0].rises, 1);
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_int_eq(memcmp(ram + DATA, disk->data + 25600, 4096), 0);
	for (unsigned i = 0; i < 4096; i++)
		ram[DATA + i] = i * 3;
	lba28(IO0, 60, 8);
	out8(IO0 + 7, 0xca);
	bm_start(0);
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_int_eq(memcmp(ram + DATA, disk->data + 60 * 512, 4096), 0);
	lba28(IO0, 60, 2);
	out8(IO0 + 7, 0x20);
	ck_assert_uint_eq(in8(IO0 + 7), READY | DRQ);
	take(IO0, buf, 512);
	ck_assert_uint_eq(in8(IO0 + 7), READY | DRQ);
	take(IO0, buf + 512, 512);
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_int_eq(memcmp(buf, ram + DATA, 1024), 0);
	ck_assert(!block_queue_busy(disk_q));
	for (unsigned i = 0; i < 16; i++)
		prd(i, 0x100000 + i * 0x10000, 0, i == 15);
	lba48(IO0, 4096, 2048);
	out8(IO0 + 7, 0x25);
	bm_start(0x08);
	ck_assert(block_queue_busy(disk_q));
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_int_eq(memcmp(ram + 0x100000, disk->data + 4096 * 512, MIB),
			 0);
	disk->error = -EIO;
	lba28(IO0, 60, 1);
	out8(IO0 + 7, 0x20);
	ck_assert_uint_eq(in8(IO0 + 7), READY | ERR);
}
END_TEST

START_TEST(dma_started_before_the_command_works_as_well)
{
	prd(0, DATA, 512, true);
	bm_start(0x08);
	lba28(IO0, 9, 1);
	out8(IO0 + 7, 0xc8);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 7, 4);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA), disk->data + 9 * 512,
				512), 0);
}
END_TEST

START_TEST(dma_write_of_a_megabyte)
{
	uint8_t *ram = mem_hva(rig_mem(), 0);

	for (unsigned i = 0; i < 16; i++)
		prd(i, 0x100000 + i * 0x10000, 0, i == 15);
	for (unsigned i = 0; i < MIB; i++)
		ram[0x100000 + i] = i * 13 >> 3;
	lba48(IO0, 4096, 2048);
	out8(IO0 + 7, 0x35);
	bm_start(0);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 7, 4);
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_int_eq(memcmp(ram + 0x100000, disk->data + 4096 * 512, MIB),
			 0);
}
END_TEST

START_TEST(short_table_leaves_the_drive_waiting)
{
	prd(0, DATA, 512, true);
	lba28(IO0, 0, 2);
	out8(IO0 + 7, 0xc8);
	bm_start(0x08);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 7, 0);	/* inactive, no interrupt */
	ck_assert_uint_eq(in8(CTL0), READY | DRQ);
	ck_assert(!irq[0].level);
	out8(CTL0, 4);
	out8(CTL0, 0);
	ck_assert_uint_eq(status(IO0), READY);
}
END_TEST

START_TEST(long_table_stays_active)
{
	prd(0, DATA, 4096, true);
	lba28(IO0, 0, 2);
	out8(IO0 + 7, 0xc8);
	bm_start(0x08);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 7, 5);
	out8(BM, 8);
	ck_assert_uint_eq(in8(BM + 2) & 1, 0);
}
END_TEST

START_TEST(table_out_of_memory_is_an_error)
{
	prd(0, 0xd0000000, 512, true);
	lba28(IO0, 0, 1);
	out8(IO0 + 7, 0xc8);
	bm_start(0x08);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 3, 2);
	out8(CTL0, 4);
	out8(CTL0, 0);
	ports_write(rig_ports, BM + 4, 4, 0xd0000000);
	out8(BM, 8);
	lba28(IO0, 0, 1);
	out8(IO0 + 7, 0xc8);
	out8(BM + 2, 6);
	out8(BM, 9);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 3, 2);
}
END_TEST

START_TEST(trim_discards_ranges)
{
	uint64_t ranges[64] = { 100 | 8ull << 48, 0, 300 | 1ull << 48 };

	device_reset((struct device *)ide);
	ports_write(rig_ports, 0xcf8, 4, 0x80000920);
	ports_write(rig_ports, 0xcfc, 4, BM | 1);
	ports_write(rig_ports, 0xcf8, 4, 0x80000904);
	ports_write(rig_ports, 0xcfc, 2, 5);
	ck_assert_int_eq(mem_write(rig_mem(), DATA, ranges, 512), 0);
	prd(0, DATA, 512, true);
	lba48(IO0, 0, 1);
	out8(IO0 + 1, 1);
	out8(IO0 + 7, 0x06);
	bm_start(0);
	wait_io();
	ck_assert_uint_eq(in8(IO0 + 7), READY);
	ck_assert_uint_eq(disk->discards, 2);
	ck_assert(block_is_zero(disk->data + 51200, 4096));
	ck_assert(!block_is_zero(disk->data + 51200 + 4096, 512));
}
END_TEST

/*
 * Packets.
 */

static void packet(const uint8_t *cdb, unsigned limit, bool dma)
{
	out8(IO1 + 6, 0xa0);
	out8(IO1 + 1, dma);
	out8(IO1 + 4, limit);
	out8(IO1 + 5, limit >> 8);
	out8(IO1 + 7, 0xa0);
	ck_assert_uint_eq(in8(CTL1) & (BSY | DRQ), DRQ);
	ck_assert_uint_eq(in8(IO1 + 2) & 3, 1);
	give(IO1, cdb, 12);
	wait_io();
}

/* Send @cdb, take all data; returns how many bytes.  Status: *st. */
static size_t command(const uint8_t *cdb, uint8_t *buf, size_t room,
		      unsigned limit, uint8_t *st)
{
	size_t got = 0;

	packet(cdb, limit, false);
	while ((*st = status(IO1)) & DRQ) {
		size_t n = in8(IO1 + 4) | in8(IO1 + 5) << 8;

		ck_assert_uint_eq(in8(IO1 + 2) & 3, 2);
		ck_assert_uint_gt(n, 0);
		ck_assert_uint_le(n, limit);
		ck_assert_uint_le(got + n, room);
		for (size_t i = 0; i < n; i += 2) {
			uint16_t w = ports_read(rig_ports, IO1, 2);

			memcpy(buf + got + i, &w, n - i < 2 ? 1 : 2);
		}
		got += n;
	}
	ck_assert_uint_eq(*st & BSY, 0);
	ck_assert_uint_eq(in8(IO1 + 2) & 3, 3);
	return got;
}

static size_t simple(const uint8_t *cdb, uint8_t *buf, uint8_t *st)
{
	return command(cdb, buf, 4096, 2048, st);
}

/* Sense key << 16 | ASC << 8 | ASCQ. */
static unsigned sense(void)
{
	static const uint8_t cdb[12] = { 0x03, [4] = 18 };
	uint8_t buf[4096], st;

	ck_assert_uint_eq(simple(cdb, buf, &st), 18);
	ck_assert_uint_eq(st, READY);
	return buf[2] << 16 | buf[12] << 8 | buf[13];
}

static uint8_t test_unit_ready(void)
{
	static const uint8_t cdb[12];
	uint8_t buf[16], st;

	ck_assert_uint_eq(simple(cdb, buf, &st), 0);
	return st;
}

START_TEST(first_command_reports_the_reset)
{
	ck_assert_uint_eq(test_unit_ready(), READY | ERR);
	ck_assert_uint_eq(in8(IO1 + 1) >> 4, 6);
	ck_assert_uint_eq(sense(), 0x062900);
	ck_assert_uint_eq(test_unit_ready(), READY);
	ck_assert_uint_eq(sense(), 0);
}
END_TEST

START_TEST(inquiry_and_identify_agree)
{
	static const uint8_t cdb[12] = { 0x12, [4] = 36 };
	uint8_t buf[4096], st;

	ck_assert_uint_eq(simple(cdb, buf, &st), 36);
	ck_assert_uint_eq(buf[0], 5);
	ck_assert_uint_eq(buf[1], 0x80);
	out8(IO1 + 7, 0xa1);
	ck_assert_uint_eq(status(IO1), READY | DRQ);
	take(IO1, buf, 512);
	ck_assert_uint_eq(word(buf, 0), 0x85c0);
	ck_assert_uint_eq(in8(IO1 + 7), READY);
}
END_TEST

START_TEST(capacity_and_contents_table)
{
	static const uint8_t capacity[12] = { 0x25 };
	uint8_t toc[12] = { 0x43, [7] = 1 };
	uint8_t buf[4096], st;

	test_unit_ready();
	ck_assert_uint_eq(simple(capacity, buf, &st), 8);
	ck_assert_uint_eq(scsi_get32(buf), CD / 2048 - 1);
	ck_assert_uint_eq(scsi_get32(buf + 4), 2048);
	ck_assert_uint_eq(simple(toc, buf, &st), 20);
	ck_assert_uint_eq(scsi_get16(buf), 18);
	ck_assert_uint_eq(buf[6], 1);
	ck_assert_uint_eq(buf[14], 0xaa);
	ck_assert_uint_eq(scsi_get32(buf + 16), CD / 2048);
	toc[1] = 2;			/* as minutes, seconds, frames */
	ck_assert_uint_eq(simple(toc, buf, &st), 20);
	ck_assert_uint_eq(scsi_get32(buf + 8), 0x000200);
	toc[6] = 5;
	simple(toc, buf, &st);
	ck_assert_uint_eq(st, READY | ERR);
	ck_assert_uint_eq(sense(), 0x052400);
}
END_TEST

START_TEST(packet_read_by_pio_in_pieces)
{
	static const uint8_t cdb[12] = { 0x28, [5] = 3, [8] = 40 };
	size_t len = 40 * 2048;
	uint8_t *buf = malloc(len), st;

	test_unit_ready();
	irq[1].rises = 0;
	ck_assert_uint_eq(command(cdb, buf, len, 4096, &st), len);
	ck_assert_uint_eq(st, READY);
	ck_assert_uint_eq(irq[1].rises, 21);
	ck_assert_int_eq(memcmp(buf, cd->data + 3 * 2048, len), 0);
}
END_TEST

START_TEST(packet_read_by_dma)
{
	static const uint8_t cdb[12] = { 0xa8, [5] = 3, [9] = 40 };

	test_unit_ready();
	for (unsigned i = 0; i < 2; i++)
		prd(i, 0x100000 + i * 0x10000, i ? 40 * 2048 - 0x10000 : 0,
		    i == 1);
	packet(cdb, 0, true);
	ports_write(rig_ports, BM + 12, 4, PRD);
	out8(BM + 8, 8);
	out8(BM + 8, 9);
	wait_io();
	ck_assert_uint_eq(in8(BM + 10) & 7, 4);
	ck_assert_uint_eq(in8(IO1 + 7), READY);
	ck_assert_uint_eq(in8(IO1 + 2) & 3, 3);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), 0x100000),
				cd->data + 3 * 2048, 40 * 2048), 0);
}
END_TEST

START_TEST(read_errors_have_sense_data)
{
	static const uint8_t beyond[12] = { 0x28, [3] = 1, [8] = 1 };
	static const uint8_t first[12] = { 0x28, [8] = 1 };
	uint8_t buf[4096], st;

	test_unit_ready();
	simple(beyond, buf, &st);
	ck_assert_uint_eq(st, READY | ERR);
	ck_assert_uint_eq(sense(), 0x052100);
	cd->error = -EIO;
	simple(first, buf, &st);
	ck_assert_uint_eq(st, READY | ERR);
	ck_assert_uint_eq(sense(), 0x031100);
}
END_TEST

START_TEST(medium_changes_are_noticed)
{
	static const uint8_t event[12] = { 0x4a, 1, [4] = 0x10, [8] = 8 };
	static const uint8_t lock[12] = { 0x1e, [4] = 1 };
	struct scsi_unit *u = ide_cd(ide, 1, 0);
	struct medium *other = medium_new(4096);
	uint8_t buf[4096], st;

	test_unit_ready();
	ck_assert_int_eq(scsi_change(u, NULL, false), 0);
	ck_assert_uint_eq(test_unit_ready(), READY | ERR);
	ck_assert_uint_eq(sense() & 0xffff00, 0x023a00);
	ck_assert_uint_eq(simple(event, buf, &st), 8);
	ck_assert_uint_eq(buf[4], 3);
	ck_assert_uint_eq(buf[5], 1);
	ck_assert_int_eq(scsi_change(u, &other->b, false), 0);
	ck_assert_uint_eq(simple(event, buf, &st), 8);
	ck_assert_uint_eq(buf[4], 2);
	ck_assert_uint_eq(buf[5], 2);
	ck_assert_uint_eq(test_unit_ready(), READY | ERR);
	ck_assert_uint_eq(sense(), 0x062800);
	ck_assert_uint_eq(test_unit_ready(), READY);
	simple(lock, buf, &st);
	ck_assert_int_eq(scsi_change(u, NULL, false), -EBUSY);
	ck_assert_int_eq(scsi_change(u, NULL, true), 0);
}
END_TEST

START_TEST(guest_opens_and_closes_the_tray)
{
	uint8_t cdb[12] = { 0x1b, [4] = 2 }, buf[16], st;
	static const uint8_t lock[12] = { 0x1e, [4] = 1 };

	test_unit_ready();
	simple(cdb, buf, &st);
	ck_assert_uint_eq(test_unit_ready(), READY | ERR);
	ck_assert_uint_eq(sense(), 0x023a02);
	cdb[4] = 3;
	simple(cdb, buf, &st);
	test_unit_ready();
	ck_assert_uint_eq(test_unit_ready(), READY);
	simple(lock, buf, &st);
	cdb[4] = 2;
	simple(cdb, buf, &st);
	ck_assert_uint_eq(st, READY | ERR);
	ck_assert_uint_eq(sense(), 0x055302);
}
END_TEST

START_TEST(replies_are_cut_to_what_was_asked_for)
{
	uint8_t mode[12] = { 0x5a, 0, 0x3f, [8] = 9 };
	uint8_t config[12] = { 0x46, 0, [8] = 8 };
	uint8_t buf[4096], st;

	test_unit_ready();
	ck_assert_uint_eq(simple(mode, buf, &st), 9);
	ck_assert_uint_eq(scsi_get16(buf), 8 + 8 + 16 + 20 - 2);
	ck_assert_uint_eq(simple(config, buf, &st), 8);
	ck_assert_uint_eq(scsi_get16(buf + 6), 8);
	mode[8] = 0;
	ck_assert_uint_eq(simple(mode, buf, &st), 0);
	ck_assert_uint_eq(st, READY);
}
END_TEST

/*
 * State.
 */

static void disturb(void)
{
	device_reset((struct device *)ide);
}

/* In the middle of a PIO read, a PIO write, a packet, a DMA that waits. */
START_TEST(state_survives_in_use)
{
	static const uint8_t cdb[12] = { 0x28, [5] = 3, [8] = 2 };
	uint8_t buf[4096];

	lba28(IO0, 1000, 2);
	out8(IO0 + 7, 0x20);
	wait_io();
	in8(IO0 + 7);
	take(IO0, buf, 700);
	rig_save_load(ide, disturb);
	take(IO0, buf + 700, 1024 - 700);
	ck_assert_int_eq(memcmp(buf, disk->data + 512000, 1024), 0);
	ck_assert_uint_eq(in8(IO0 + 7), READY);

	memset(buf, 0x77, sizeof(buf));
	lba28(IO0, 7, 1);
	out8(IO0 + 7, 0x30);
	give(IO0, buf, 100);
	rig_save_load(ide, disturb);
	give(IO0, buf, 412);
	ck_assert_uint_eq(status(IO0), READY);
	ck_assert_int_eq(memcmp(buf, disk->data + 7 * 512, 512), 0);

	test_unit_ready();
	packet(cdb, 2048, false);
	rig_save_load(ide, disturb);
	ck_assert_uint_eq(in8(IO1 + 5), 8);
	take(IO1, buf, 4096);
	ck_assert_uint_eq(in8(IO1 + 2) & 3, 3);
	ck_assert_int_eq(memcmp(buf, cd->data + 3 * 2048, 4096), 0);

	prd(0, DATA, 512, true);
	lba28(IO0, 9, 1);
	out8(IO0 + 7, 0xc8);
	wait_io();
	rig_save_load(ide, disturb);
	bm_start(0x08);
	wait_io();
	ck_assert_uint_eq(in8(BM + 2) & 7, 4);
	ck_assert_int_eq(memcmp(mem_hva(rig_mem(), DATA), disk->data + 9 * 512,
				512), 0);
}
END_TEST

START_TEST(damaged_state_is_refused_or_harmless)
{
	struct state s = { 0 };
	unsigned rng = 5;

	lba28(IO0, 1000, 2);
	out8(IO0 + 7, 0x20);
	wait_io();
	ck_assert_int_eq(device_save((struct device *)ide, &s), 0);
	for (unsigned k = 0; k < 300; k++) {
		struct state t = { .data = malloc(s.len), .len = s.len };
		uint8_t buf[2048];

		memcpy(t.data, s.data, s.len);
		for (unsigned i = 0; i < 40; i++)
			t.data[rand_r(&rng) % s.len] = rand_r(&rng);
		/* The drive's registers, behind the function and channel. */
		for (unsigned i = 0; i < 4; i++)
			t.data[400 + rand_r(&rng) % 400] = rand_r(&rng);
		if (device_load((struct device *)ide, &t))
			device_reset((struct device *)ide);
		take(IO0, buf, sizeof(buf));
		give(IO0, buf, sizeof(buf));
		wait_io();
		state_free(&t);
	}
}
END_TEST

/*
 * 10^5 packets: all commands, random and not so random bytes.  Every one must
 * end, and none may move more than it was allowed to.
 */
START_TEST(random_packets_come_to_an_end)
{
	static const uint8_t ops[] = {
		0x00, 0x03, 0x12, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x42, 0x43,
		0x46, 0x4a, 0x51, 0x55, 0x5a, 0xa8, 0xbb, 0xbd, 0xbe, 0xa0,
	};
	unsigned n = fuzz_cases(100000), rng = 11;

	for (unsigned k = 0; k < n; k++) {
		uint8_t cdb[12] = { 0 }, st;
		unsigned moved = 0;

		for (unsigned i = 1; i < 12; i++)
			cdb[i] = rand_r(&rng) % 3 ? rand_r(&rng) % 4 :
						    rand_r(&rng);
		cdb[0] = rand_r(&rng) % 8 ? ops[rand_r(&rng) % sizeof(ops)] :
					    rand_r(&rng);
		/* Some of these would move megabytes by single words. */
		if (cdb[0] == 0xa8 || cdb[0] == 0xbe)
			memset(cdb + 6, 0, 2);
		if (cdb[0] == 0x28)
			cdb[7] = 0;
		packet(cdb, rand_r(&rng) % 4 ? rand_r(&rng) & 0xffff : 0,
		       false);
		while ((st = status(IO1)) & DRQ && moved++ < 700) {
			bool out = !(in8(IO1 + 2) & 2);

			for (unsigned i = 0; i < 1024; i++)
				if (out)
					ports_write(rig_ports, IO1, 4, i);
				else
					ports_read(rig_ports, IO1, 4);
		}
		ck_assert_msg(!(st & (BSY | DRQ)), "case %u: status %02x", k,
			      st);
		if (ide_cd(ide, 1, 0)->s.tray_open)
			ide_cd(ide, 1, 0)->s.tray_open = 0;
	}
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		reset_leaves_signatures,
		absent_drives_are_not_there,
		channel_that_is_not_decoded_is_silent,
		identify_tells_who_it_is,
		geometry_of_the_image_is_the_drives,
		pio_read_interrupts_for_each_sector,
		pio_write_reaches_the_medium_before_its_end,
		long_transfers_take_several_buffers,
		multiple_moves_blocks_of_sectors,
		addresses_in_all_three_forms,
		addresses_out_of_range_are_not_found,
		host_errors_become_the_drives,
		flush_and_write_cache,
		unknown_commands_are_aborted,
		diagnostic_selects_the_first_drive,
		nien_holds_the_interrupt_back,
		reset_during_a_read_waits_for_the_host,
		dma_read_scatters_by_the_table,
		cached_data_move_at_once,
		dma_started_before_the_command_works_as_well,
		dma_write_of_a_megabyte,
		short_table_leaves_the_drive_waiting,
		long_table_stays_active,
		table_out_of_memory_is_an_error,
		trim_discards_ranges,
		first_command_reports_the_reset,
		inquiry_and_identify_agree,
		capacity_and_contents_table,
		packet_read_by_pio_in_pieces,
		packet_read_by_dma,
		read_errors_have_sense_data,
		medium_changes_are_noticed,
		guest_opens_and_closes_the_tray,
		replies_are_cut_to_what_was_asked_for,
		state_survives_in_use,
		damaged_state_is_refused_or_harmless,
		random_packets_come_to_an_end,
	};

	return rig_main("ide", setup, list, ARRAY_SIZE(list));
}
