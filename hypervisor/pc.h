/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC: its devices, built from a table in order, and the wires between
 * them.  The rest of the machine talks to the set through this header.
 */
#ifndef HYPERVISOR_PC_H
#define HYPERVISOR_PC_H

#include <stdio.h>

#include "hypervisor/irq.h"
#include "hypervisor/lapic.h"	/* enum apic_delivery */

struct char_backend;
struct clock;
struct hotplug;
struct mem;
struct pc;
struct loop;
struct pc_device_spec;
struct ports;
struct state;
struct vmi;

/* What the devices can ask of the machine. */
enum pc_event {
	PC_RESET,		/* some chip pulled the reset line */
	PC_INIT,		/* INIT for every processor; nothing else */
	PC_POWEROFF,		/* ACPI S5 */
	PC_DEBUG_EXIT,		/* @arg: the value written */
	PC_UNSUPPORTED,		/* @text says what */
};
typedef void pc_event_fn(void *opaque, enum pc_event ev, unsigned arg,
			 const char *text);

#define PC_SERIAL_MAX	4
#define PC_CPUS_MAX	15	/* with the I/O APIC: 4 bits of APIC ID */

struct pc_config {
	struct mem *mem;
	struct ports *ports;
	struct clock *clock;
	struct char_backend *serial[PC_SERIAL_MAX];	/* NULL: absent */
	/* Optional devices, built in this order (pc_device.h). */
	const struct pc_device_spec *devices;
	unsigned ndevices;
	struct hotplug *hotplug;	/* for the devices; or NULL */
	struct loop *loop;
	/*
	 * Firmware to start with: an image that ends at 4 GiB (firmware.h),
	 * copied.  NULL: the machine is booted directly.
	 */
	const void *bios;
	size_t bios_len;
	/* QEMU's letters (a c d n) in the order to try; NULL: cad. */
	const char *boot_order;
	bool boot_menu;
	/* Firmware uses COM1 even where there is a display. */
	bool boot_serial;
	unsigned ncpus;		/* 1..PC_CPUS_MAX; 0: 1 */
	/* Wires to the processors' pins. */
	struct irq intr[PC_CPUS_MAX], nmi[PC_CPUS_MAX];
	struct irq ignne;	/* of processor 0 */
	/* Which processor's thread is this?  NULL: there is one. */
	unsigned (*this_cpu)(void *opaque);
	/* INIT or start-up IPI for processor @cpu; NULL: not supported. */
	void (*startup)(void *opaque, unsigned cpu, enum apic_delivery how,
			uint8_t vector);
	/* The TPR of processor @cpu changed; may be NULL. */
	void (*tpr)(void *opaque, unsigned cpu, uint8_t tpr);
	pc_event_fn *event;	/* lock held; must not reset at once */
	void *opaque;
	FILE *log;
};

/* Returns 0, or a negative errno with one line in @err (160 bytes). */
int pc_create(struct pc **out, const struct pc_config *cfg, char *err);
void pc_destroy(struct pc *pc);

/* The functions below are called with the lock held. */

/* Power-on state of every device. */
void pc_reset(struct pc *pc);
/*
 * What firmware would have done before it starts a kernel that is booted
 * directly: interrupt routing, virtual wire mode, ACPI and MP tables.
 */
void pc_direct_boot(struct pc *pc);

/* INTA cycle: a vector, or -1 if the request went away. */
int pc_intr_ack(struct pc *pc, unsigned cpu);
/* MSRs of the local APIC.  0, or -1 for #GP. */
int pc_msr_read(struct pc *pc, unsigned cpu, uint32_t msr, uint64_t *val);
int pc_msr_write(struct pc *pc, unsigned cpu, uint32_t msr, uint64_t val);
/* CR8 of processor @cpu, as bits 7..0 of its TPR. */
void pc_tpr_write(struct pc *pc, unsigned cpu, uint8_t tpr);
/*
 * A reset of the processor by the keyboard controller, port 92h, CF9h or its
 * own shutdown.  Firmware tells by CMOS byte 0Fh whether the guest only wants
 * to leave protected mode, as 286s do: then this is INIT and returns true.
 * Else, and where no firmware would resume, the machine is reset.
 */
bool pc_soft_reset(struct pc *pc);
/* Would it be? */
bool pc_soft_reset_resumes(const struct pc *pc);
/* Processor 0's FERR# pin. */
void pc_ferr(struct pc *pc, bool level);
/* Can anything still raise an NMI?  If not, HLT with IF=0 is the end. */
bool pc_nmi_possible(const struct pc *pc, unsigned cpu);

/* Keyboard and mouse, as ps2.h describes what they do. */
void pc_key(struct pc *pc, unsigned code, bool down);
void pc_mouse(struct pc *pc, int dx, int dy, int dz, unsigned buttons);

void pc_power_button(struct pc *pc);

/* The device "vmi" (vmi.h), NULL without. */
struct vmi *pc_vmi(const struct pc *pc);

/* Returns 0, -ENOMEM; load: -EINVAL for a state that does not fit. */
int pc_save(const struct pc *pc, struct state *s);
int pc_load(struct pc *pc, struct state *s);

/*
 * Engines with interrupt controllers of their own.  give: fill @s from ours,
 * which sleep from then on; lines of devices go to @line.  take: the other way;
 * @base: IA32_APIC_BASE of each processor.  s->has_pit says whether the 8254
 * does the same; on_replace() then hears when the HPET takes its interrupt, or
 * lets go of it.
 */
struct irqchip_state;
typedef void pc_line_fn(void *opaque, unsigned input, bool level);
void pc_irqchip_give(struct pc *pc, struct irqchip_state *s,
		     pc_line_fn *line, void *opaque);
void pc_irqchip_take(struct pc *pc, struct irqchip_state *s,
		     const uint64_t *base);
typedef void pc_replace_fn(void *opaque, bool on);
void pc_on_replace(struct pc *pc, pc_replace_fn *fn, void *opaque);
/* Lines of devices go to nobody's controllers but ours: the engine ends. */
void pc_irqchip_drop(struct pc *pc);

/* "info pic", "info irq" and "info stats". */
void pc_print_pic(const struct pc *pc, FILE *out);
void pc_print_irq(const struct pc *pc, FILE *out);
void pc_print_stats(const struct pc *pc, FILE *out);

#endif
