/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor's half of the VMI (spec/vmi.md): the ROM in guest memory, and
 * the hypercalls that the engine does not do itself.  An optional device of
 * the PC, "vmi", whose backend is a struct vmi_setup.
 */
#ifndef HYPERVISOR_VMI_H
#define HYPERVISOR_VMI_H

#include <stdio.h>

#include "hypervisor/types.h"

struct char_backend;
struct mem;
struct vcpu;
struct vmi;

/* A call by the guest, before it is done. */
struct vmi_seen {
	unsigned cpu;
	unsigned nr;		/* VMI_CALL_*, below VMI_CALLS */
	uint32_t eax, edx, ecx;	/* as the guest called */
	uint32_t stack[2];	/* [ESP+4] and [ESP+8] at the callee */
	/* [ESP] there: the return address; for IRET by jump its EIP. */
	uint32_t caller;
	const struct vcpu *v;	/* complete; inside the ROM, a few words deeper */
};

/* vCPU thread, lock not held, ordinary C code. */
struct vmi_observer {
	void (*call)(void *opaque, const struct vmi_seen *seen);
	/* get_reloc was asked for @nr, any number. */
	void (*query)(void *opaque, unsigned cpu, uint32_t nr,
		      const struct vcpu *v);
	/* vmi_init of one of our own ROMs other than native. */
	void (*init)(void *opaque, unsigned cpu, uint32_t rom,
		     const struct vcpu *v);
};

struct vmi_setup {
	const uint8_t *rom;	/* vmi_rom_parse() has taken it; kept */
	size_t len;
	/* Let the ROM report every call; one of our own only.  NULL: no. */
	const struct vmi_observer *observer;
	void *opaque;
	struct char_backend *console;	/* of ConsoleWrite; NULL: none */
	void (*power_off)(void *opaque);	/* Shutdown; NULL: nothing */
	void *power_opaque;
};

/*
 * Put the ROM where a guest looks for it, as a BIOS would; after each reset,
 * before a direct boot.
 */
void vmi_place(struct vmi *m);

/* engine_bus.hypercall.  vCPU thread, lock not held. */
void vmi_hypercall(struct vmi *m, struct vcpu *v);
/* The ROM's IRET, for engine_bus.vmi_iret: called when it is known. */
void vmi_on_iret(struct vmi *m, void (*fn)(void *opaque, uint32_t lin),
		 void *opaque);

/*
 * An edge on IRQ 0 whatever level the PIT holds it at: a guest that uses
 * alarms has left its output high.  Before the VM runs.
 */
void vmi_on_irq0(struct vmi *m, void (*fn)(void *opaque), void *opaque);

/* What Shutdown does.  Before the VM runs. */
void vmi_on_power_off(struct vmi *m, void (*fn)(void *opaque), void *opaque);

/*
 * The vCPU thread of @cpu begins, ends to wait for an interrupt: time that it
 * did not want to run.  Lock held.
 */
void vmi_idle(struct vmi *m, unsigned cpu, bool begin);
/*
 * In between: if an alarm is due so soon that sleeping is not worth while,
 * vmi_wait_begin() takes it from the clock and gives ns from now, else UINT64_MAX.
 * After vmi_wait_begin() gave a time, vmi_wait_end() lets happen what is due by
 * then and gives the rest back.  Lock held.
 */
uint64_t vmi_wait_begin(struct vmi *m, unsigned cpu);
void vmi_wait_end(struct vmi *m, unsigned cpu);

/*
 * A start-up IPI reached processor @cpu, which waits for one: its state by
 * SetInitialAPState, once.  False: none was set, start it natively.
 * @v: after INIT.  Lock held.
 */
bool vmi_ap_start(struct vmi *m, unsigned cpu, struct vcpu *v);

/*
 * @len bytes of guest memory at linear @va, as the vCPU @v would read them at
 * CPL 0.  False, and nothing certain in @buf, if they are not plain memory.
 */
bool vmi_read(struct mem *mem, const struct vcpu *v, uint32_t va, void *buf,
	      size_t len);

void vmi_print_stats(const struct vmi *m, FILE *out);

#endif
