/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that a PC has only if its configuration says so: disks, network
 * cards, display.  A specification names a row of pc_device.def; the row's
 * function builds the device from what the machine offers it.  Reset, saved
 * and loaded with the others, in the order of the list.
 *
 * To add one: a row in pc_device.def and a function of type pc_device_fn in
 * the device's own file.
 */
#ifndef HYPERVISOR_PC_DEVICE_H
#define HYPERVISOR_PC_DEVICE_H

#include <stdio.h>

#include "hypervisor/irq.h"

struct clock;
struct device;
struct fw_cfg;
struct hotplug;
struct i8237;
struct loop;
struct mem;
struct pci;
struct ports;

#define PC_ERR_LEN	160

struct pc_device_spec {
	const char *name;		/* of a row */
	void *backend;			/* of the row's kind; may be NULL */
	const char *const *keys;	/* "key=value", NULL-terminated, or NULL */
};

/* What the machine offers.  Valid only while the constructor runs. */
struct pc_site {
	struct mem *mem;
	struct ports *ports;
	struct clock *clock;
	struct loop *loop;		/* NULL in tests */
	FILE *log;
	struct pci *pci;
	bool firmware;			/* runs first, and looks for ROMs */
	/* A new wire to ISA interrupt @n (0..15), shared with the others. */
	struct irq (*isa_irq)(void *opaque, unsigned n);
	/* The @nth (from 0) device whose class has this name, or NULL. */
	struct device *(*find)(void *opaque, const char *class, unsigned nth);
	/* Set a CMOS byte (mc146818.h); checksum included. */
	void (*cmos)(void *opaque, unsigned index, uint8_t val);
	/* What firmware can ask for (fw_cfg.h): option ROMs, for instance. */
	struct fw_cfg *fw_cfg;
	struct i8237 *dma;
	struct hotplug *hotplug;	/* NULL: nothing changes at run time */
	void *opaque;			/* for the functions */
};

/*
 * Build one device.  *@out may stay NULL if the specification only adds to a
 * device that exists (a drive on a controller).
 * Returns 0, or a negative errno with one line in @err (PC_ERR_LEN bytes);
 * *@out may be set then, and is destroyed by the caller.
 */
typedef int pc_device_fn(struct device **out, const struct pc_site *site,
			 const struct pc_device_spec *spec, char *err);

#define PC_DEVICE(name, function, help) pc_device_fn function;
#include "hypervisor/pc_device.def"
#undef PC_DEVICE

/* By the table.  -ENODEV for a name without a row; else as above. */
int pc_device_make(struct device **out, const struct pc_site *site,
		   const struct pc_device_spec *spec, char *err);

/* Row @n from 0: its name and help line; false when there are no more. */
bool pc_device_row(unsigned n, const char **name, const char **help);

/*
 * Has it a backend?  Returns 0, or -EINVAL with one line in @err: it comes
 * with @how.
 */
int pc_spec_needs(const struct pc_device_spec *spec, const char *how,
		  char *err);
/* The value of @key, or NULL. */
const char *pc_spec_key(const struct pc_device_spec *spec, const char *key);
/*
 * Are all keys among @known (names separated by spaces)?
 * Returns 0, or -EINVAL with one line in @err.
 */
int pc_spec_check(const struct pc_device_spec *spec, const char *known,
		  char *err);
/*
 * The key `addr`, DEVICE or DEVICE.FUNCTION in hexadecimal as QEMU has it, as
 * a devfn; PCI_ANY_DEVFN if it is absent.  Returns 0, or -EINVAL with @err.
 */
int pc_spec_devfn(const struct pc_device_spec *spec, unsigned *devfn,
		  char *err);

#endif
