// SPDX-License-Identifier: GPL-2.0-or-later
/* PCI functions: BARs, pins and their routing, DMA, save and load. */
#include "tests/unit/rig.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/pc_device.h"
#include "hypervisor/pci.h"
#include "hypervisor/piix3.h"

#define IO_BAR		0
#define MEM_BAR		1
#define BLOCK_BAR	2	/* 64 bits: takes 3 as well */
#define MMIO_SIZE	0x1000

struct card {
	struct device dev;
	struct pci_func func;
	uint32_t port_val, mmio_val;
};

static struct pci *pci;
static struct piix3 *isa;
static struct rig_wire lines[PIIX3_IRQS], reset_line;
static struct card card, other;
static struct mem_block *ram, *rom;
static struct {
	gpa_t gpa;
	uint64_t len;
	unsigned calls;
} change;

static void on_changed(void *opaque, gpa_t gpa, uint64_t len)
{
	change.gpa = gpa;
	change.len = len;
	change.calls++;
}

static uint32_t port_read(void *opaque, unsigned off, unsigned size)
{
	struct card *c = opaque;

	return c->port_val + off;
}

static void port_write(void *opaque, unsigned off, unsigned size,
		       uint32_t val)
{
	struct card *c = opaque;

	c->port_val = val;
}

static uint64_t mmio_read(void *opaque, gpa_t off, unsigned size)
{
	struct card *c = opaque;

	return c->mmio_val + off;
}

static void mmio_write(void *opaque, gpa_t off, unsigned size, uint64_t val)
{
	struct card *c = opaque;

	c->mmio_val = val;
}

static const struct pio_ops port_ops = { port_read, port_write, PIO_4 };
static const struct mmio_ops mmio_ops = { mmio_read, mmio_write };

static void card_reset(struct device *d)
{
	pci_func_reset(&((struct card *)d)->func);
}

static int card_loaded(struct device *d)
{
	return pci_func_loaded(&((struct card *)d)->func);
}

static const struct field card_fields[] = {
	PCI_FUNC_FIELDS(struct card, func, 1),
};

static const struct device_class card_class = {
	"card", 1, card_fields, ARRAY_SIZE(card_fields), card_reset,
	card_loaded, NULL,
};

static void make_card(struct card *c, unsigned devfn)
{
	c->dev.class = &card_class;
	pci_identify(&c->func, 0x1234, 0x5678, 0, 0x0200);
	c->func.config[PCI_INT_PIN] = 1;
	pci_bar_io(&c->func, IO_BAR, 16, &port_ops, c, "ports");
	pci_bar_mem(&c->func, MEM_BAR, MMIO_SIZE, 0, &mmio_ops, c, "mmio");
	ck_assert_int_eq(pci_add(pci, devfn, &c->func), 0);
}

static void pirq(void *opaque, unsigned n, bool level)
{
	piix3_pirq(isa, n, level);
}

static void setup(void)
{
	struct pci_config cfg = { .mem = rig_mem() };
	struct irq wires[PIIX3_IRQS];

	rig_setup();
	cfg.ports = rig_ports;
	cfg.reset = rig_irq(&reset_line);
	for (unsigned i = 0; i < PCI_PIRQS; i++)
		irq_init(&cfg.pirq[i], pirq, NULL, i);
	for (unsigned i = 0; i < PIIX3_IRQS; i++)
		wires[i] = rig_irq(&lines[i]);
	rig_mem()->changed = on_changed;
	ck_assert_int_eq(pci_create(&pci, &cfg), 0);
	ck_assert_int_eq(piix3_create(&isa, pci, wires), 0);
	ck_assert_int_eq(mem_block_create(rig_mem(), 0x10000, &ram), 0);
	ck_assert_int_eq(mem_block_create(rig_mem(), 0x4000, &rom), 0);
	pci_bar_block(&card.func, BLOCK_BAR, PCI_BAR_64 | PCI_BAR_PREFETCH,
		      ram, "ram");
	pci_bar_rom(&card.func, rom, "rom");
	make_card(&card, PCI_ANY_DEVFN);
	make_card(&other, PCI_ANY_DEVFN);
}

static void config_out(const struct card *c, unsigned off, unsigned size,
		       uint32_t val)
{
	ports_write(rig_ports, 0xcf8, 4,
		    0x80000000 | c->func.devfn << 8 | (off & ~3u));
	ports_write(rig_ports, 0xcfc + (off & 3), size, val);
}

static uint32_t config_in(const struct card *c, unsigned off)
{
	ports_write(rig_ports, 0xcf8, 4,
		    0x80000000 | c->func.devfn << 8 | off);
	return ports_read(rig_ports, 0xcfc, 4);
}

static void bar_out(const struct card *c, unsigned n, uint32_t val)
{
	config_out(c, PCI_BAR0 + 4 * n, 4, val);
}

static void command(const struct card *c, uint16_t val)
{
	config_out(c, PCI_COMMAND, 2, val);
}

START_TEST(any_devfn_takes_the_lowest_free_device_from_2)
{
	struct pci_func f = { 0 };

	ck_assert_uint_eq(card.func.devfn, PCI_DEVFN(2, 0));
	ck_assert_uint_eq(other.func.devfn, PCI_DEVFN(3, 0));
	ck_assert_int_eq(pci_add(pci, PCI_DEVFN(3, 0), &f), -EEXIST);
	pci_remove(&card.func);
	ck_assert_ptr_null(pci_at(pci, PCI_DEVFN(2, 0)));
	ck_assert_int_eq(pci_add(pci, PCI_ANY_DEVFN, &f), 0);
	ck_assert_uint_eq(f.devfn, PCI_DEVFN(2, 0));
	for (unsigned i = 4; i < 32; i++)
		pci_add(pci, PCI_DEVFN(i, 0), &f);
	ck_assert_int_eq(pci_add(pci, PCI_ANY_DEVFN, &card.func), -ENOSPC);
}
END_TEST

START_TEST(writing_ones_to_a_bar_tells_its_size_and_type)
{
	for (unsigned n = 0; n < 4; n++)
		bar_out(&card, n, 0xffffffff);
	ck_assert_uint_eq(config_in(&card, 0x10), 0xfffffff1);
	ck_assert_uint_eq(config_in(&card, 0x14), 0xfffff000);
	ck_assert_uint_eq(config_in(&card, 0x18), 0xffff000c);
	ck_assert_uint_eq(config_in(&card, 0x1c), 0xffffffff);
	ck_assert_uint_eq(config_in(&card, 0x20), 0);
	config_out(&card, PCI_ROM, 4, 0xfffffffe);
	ck_assert_uint_eq(config_in(&card, PCI_ROM), 0xffffc000);
}
END_TEST

START_TEST(io_bar_answers_only_where_and_when_enabled)
{
	bar_out(&card, IO_BAR, 0xc000);
	ck_assert_uint_eq(ports_read(rig_ports, 0xc004, 4), 0xffffffff);
	command(&card, PCI_COMMAND_IO);
	ports_write(rig_ports, 0xc000, 4, 7);
	ck_assert_uint_eq(ports_read(rig_ports, 0xc004, 4), 11);
	bar_out(&card, IO_BAR, 0xd000);
	ck_assert_uint_eq(ports_read(rig_ports, 0xc004, 4), 0xffffffff);
	ck_assert_uint_eq(ports_read(rig_ports, 0xd004, 4), 11);
	command(&card, PCI_COMMAND_MEM);
	ck_assert_uint_eq(ports_read(rig_ports, 0xd004, 4), 0xffffffff);
}
END_TEST

START_TEST(io_bar_beyond_64_kib_or_on_another_device_is_not_mapped)
{
	command(&card, PCI_COMMAND_IO);
	bar_out(&card, IO_BAR, 0x1c000);
	ck_assert_uint_eq(card.func.bars[IO_BAR].at, 0);
	bar_out(&card, IO_BAR, 0xcf0);
	ck_assert_uint_eq(card.func.bars[IO_BAR].at, 0);
	ck_assert_uint_eq(ports_read(rig_ports, 0xcf8, 4) >> 24, 0x80);
}
END_TEST

START_TEST(functions_can_swap_places)
{
	command(&card, PCI_COMMAND_IO);
	command(&other, PCI_COMMAND_IO);
	bar_out(&card, IO_BAR, 0xc000);
	bar_out(&other, IO_BAR, 0xd000);
	card.port_val = 1;
	other.port_val = 2;
	bar_out(&card, IO_BAR, 0xd000);
	ck_assert_uint_eq(ports_read(rig_ports, 0xd000, 4), 2);
	bar_out(&other, IO_BAR, 0xc000);
	ck_assert_uint_eq(ports_read(rig_ports, 0xd000, 4), 1);
	ck_assert_uint_eq(ports_read(rig_ports, 0xc000, 4), 2);
}
END_TEST

START_TEST(memory_bar_moves_its_calls)
{
	command(&card, PCI_COMMAND_MEM);
	bar_out(&card, MEM_BAR, 0xe0000000);
	mem_mmio_write(rig_mem(), 0xe0000000, 4, 5);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), 0xe0000010, 4), 0x15);
	bar_out(&card, MEM_BAR, 0xe1000000);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), 0xe0000010, 4),
			  0xffffffff);
	ck_assert_uint_eq(mem_mmio_read(rig_mem(), 0xe1000010, 4), 0x15);
}
END_TEST

START_TEST(block_keeps_its_contents_when_it_moves)
{
	command(&card, PCI_COMMAND_MEM);
	bar_out(&card, BLOCK_BAR, 0xd0000000);
	ck_assert_uint_eq(mem_flags(rig_mem(), 0xd0000000), MEM_RAM);
	ck_assert_int_eq(mem_write(rig_mem(), 0xd0001234, "abc", 3), 0);
	ck_assert_mem_eq(ram->hva + 0x1234, "abc", 3);
	change.calls = 0;
	bar_out(&card, BLOCK_BAR, 0xd0800000);
	ck_assert_uint_eq(change.calls, 2);
	ck_assert_uint_eq(change.gpa, 0xd0800000);
	ck_assert_uint_eq(change.len, ram->size);
	ck_assert(!mem_backed(rig_mem(), 0xd0001000));
	ck_assert_mem_eq(mem_hva(rig_mem(), 0xd0801234), "abc", 3);
}
END_TEST

START_TEST(block_on_top_of_ram_stays_unmapped)
{
	command(&card, PCI_COMMAND_MEM);
	ck_assert_int_eq(mem_write(rig_mem(), 0x100000, "ram", 3), 0);
	bar_out(&card, BLOCK_BAR, 0x100000);
	ck_assert_uint_eq(card.func.bars[BLOCK_BAR].at, 0);
	ck_assert_mem_eq(mem_hva(rig_mem(), 0x100000), "ram", 3);
	/* 64-bit addresses beyond the map have nothing to be mapped into. */
	bar_out(&card, BLOCK_BAR, 0xd0000000);
	bar_out(&card, BLOCK_BAR + 1, 0x10);
	ck_assert_uint_eq(card.func.bars[BLOCK_BAR].at, 0);
	bar_out(&card, BLOCK_BAR + 1, 0);
	ck_assert_uint_eq(card.func.bars[BLOCK_BAR].at, 0xd0000000);
}
END_TEST

START_TEST(rom_needs_both_enables_and_drops_writes)
{
	rom->hva[1] = 0x55;
	command(&card, PCI_COMMAND_MEM);
	config_out(&card, PCI_ROM, 4, 0xe8000000);
	ck_assert(!mem_backed(rig_mem(), 0xe8000000));
	config_out(&card, PCI_ROM, 4, 0xe8000001);
	ck_assert_uint_eq(mem_flags(rig_mem(), 0xe8003000), MEM_ROM);
	ck_assert_uint_eq(mem_hva(rig_mem(), 0xe8000000)[1], 0x55);
	ck_assert_int_eq(mem_write(rig_mem(), 0xe8000001, "\x66", 1), 0);
	ck_assert_uint_eq(rom->hva[1], 0x55);
	command(&card, 0);
	ck_assert(!mem_backed(rig_mem(), 0xe8000000));
}
END_TEST

START_TEST(pins_reach_the_line_that_their_pirq_is_routed_to)
{
	piix3_route(isa, 1, 10);	/* device 2, INTA# */
	pci_irq(&card.func, true);
	ck_assert(lines[10].level);
	ck_assert_uint_eq(config_in(&card, 4) >> 16 & PCI_STATUS_INTX,
			  PCI_STATUS_INTX);
	piix3_route(isa, 1, 11);
	ck_assert(!lines[10].level && lines[11].level);
	piix3_route(isa, 1, PIIX3_PIRQ_OFF | 11);
	ck_assert(!lines[11].level);
	piix3_route(isa, 1, 11);
	command(&card, PCI_COMMAND_INTX_OFF);
	ck_assert(!lines[11].level);
	command(&card, 0);
	pci_irq(&card.func, false);
	ck_assert(!lines[11].level);
}
END_TEST

START_TEST(pins_share_a_line)
{
	piix3_route(isa, 1, 10);
	piix3_route(isa, 2, 10);	/* device 3 */
	pci_irq(&card.func, true);
	pci_irq(&other.func, true);
	pci_irq(&card.func, false);
	ck_assert(lines[10].level);
	ck_assert_uint_eq(lines[10].rises, 1);
	pci_remove(&other.func);
	ck_assert(!lines[10].level);
}
END_TEST

START_TEST(reserved_routes_lead_nowhere)
{
	for (unsigned n = 0; n < PIIX3_IRQS; n++) {
		piix3_route(isa, 1, n);
		pci_irq(&card.func, true);
		ck_assert_int_eq(lines[n].level, n > 2 && n != 8 && n != 13);
		pci_irq(&card.func, false);
	}
}
END_TEST

START_TEST(dma_needs_bus_mastering)
{
	char buf[4] = "abc";

	ck_assert_int_eq(pci_dma_write(&card.func, 0x1000, buf, 4), -EACCES);
	command(&card, PCI_COMMAND_MASTER);
	ck_assert_int_eq(pci_dma_write(&card.func, 0x1000, buf, 4), 0);
	memset(buf, 0, 4);
	ck_assert_int_eq(pci_dma_read(&card.func, 0x1000, buf, 4), 0);
	ck_assert_str_eq(buf, "abc");
	ck_assert_int_eq(pci_dma_read(&card.func, 16 * MIB - 2, buf, 4),
			 -EFAULT);
	ck_assert_int_eq(pci_dma_read(&card.func, ~0ULL - 1, buf, 4),
			 -EFAULT);
	ck_assert_int_eq(pci_dma_read(&card.func, ~0ULL, buf, 0), 0);
}
END_TEST

START_TEST(capabilities_make_a_list)
{
	ck_assert_uint_eq(pci_capability(&card.func, 9, 0x40, 16), 0x40);
	ck_assert_uint_eq(pci_capability(&card.func, 5, 0x50, 8), 0x50);
	ck_assert_uint_eq(config_in(&card, PCI_CAPABILITY) & 0xff, 0x40);
	ck_assert_uint_eq(config_in(&card, 0x40) & 0xffff, 0x5009);
	ck_assert_uint_eq(config_in(&card, 0x50) & 0xffff, 0x0005);
}
END_TEST

static void disturb(void)
{
	bar_out(&card, MEM_BAR, 0xe5000000);
	bar_out(&card, BLOCK_BAR, 0xd7000000);
}

START_TEST(save_and_load_put_bars_back)
{
	command(&card, PCI_COMMAND_MEM | PCI_COMMAND_IO);
	bar_out(&card, IO_BAR, 0xc000);
	bar_out(&card, MEM_BAR, 0xe0000000);
	bar_out(&card, BLOCK_BAR, 0xd0000000);
	ck_assert_int_eq(mem_write(rig_mem(), 0xd0000000, "x", 1), 0);
	rig_save_load(&card, disturb);
	ck_assert_uint_eq(card.func.bars[IO_BAR].at, 0xc000);
	ck_assert_uint_eq(card.func.bars[MEM_BAR].at, 0xe0000000);
	ck_assert_uint_eq(*mem_hva(rig_mem(), 0xd0000000), 'x');
	device_reset(&card.dev);
	ck_assert_uint_eq(card.func.bars[MEM_BAR].at, 0);
	ck_assert_uint_eq(config_in(&card, 0x10), 1);
	ck_assert_uint_eq(config_in(&card, 0), 0x56781234);
}
END_TEST

START_TEST(keys_of_a_specification)
{
	static const char *const keys[] = { "addr=1f.7", "ro", "x=", NULL };
	struct pc_device_spec s = { .name = "thing", .keys = keys };
	struct pc_site site = { 0 };
	struct device *d;
	char err[PC_ERR_LEN];
	unsigned devfn;

	ck_assert_str_eq(pc_spec_key(&s, "ro"), "on");
	ck_assert_str_eq(pc_spec_key(&s, "x"), "");
	ck_assert_ptr_null(pc_spec_key(&s, "add"));
	ck_assert_int_eq(pc_spec_devfn(&s, &devfn, err), 0);
	ck_assert_uint_eq(devfn, PCI_DEVFN(31, 7));
	ck_assert_int_eq(pc_spec_check(&s, "addr ro x", err), 0);
	ck_assert_int_eq(pc_spec_check(&s, "addr r x", err), -EINVAL);
	ck_assert_str_eq(err, "thing: key ro is not known (keys: addr r x)");
	ck_assert_int_eq(pc_device_make(&d, &site, &s, err), -ENODEV);
}
END_TEST

int main(void)
{
	const TTest *const list[] = {
		any_devfn_takes_the_lowest_free_device_from_2,
		writing_ones_to_a_bar_tells_its_size_and_type,
		io_bar_answers_only_where_and_when_enabled,
		io_bar_beyond_64_kib_or_on_another_device_is_not_mapped,
		functions_can_swap_places, memory_bar_moves_its_calls,
		block_keeps_its_contents_when_it_moves,
		block_on_top_of_ram_stays_unmapped,
		rom_needs_both_enables_and_drops_writes,
		pins_reach_the_line_that_their_pirq_is_routed_to,
		pins_share_a_line, reserved_routes_lead_nowhere,
		dma_needs_bus_mastering, capabilities_make_a_list,
		save_and_load_put_bars_back, keys_of_a_specification,
	};

	return rig_main("pci", setup, list, ARRAY_SIZE(list));
}
