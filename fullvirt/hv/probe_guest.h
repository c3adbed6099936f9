/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tiny guests (probe_guest.S) and the code that runs them
 * (probe.c) agree on: guest-physical addresses and ports.
 */
#ifndef FULLVIRT_HV_PROBE_GUEST_H
#define FULLVIRT_HV_PROBE_GUEST_H

#define PROBE_RAM		0x10000	/* bytes of RAM at 0 */
#define PROBE_CODE		0x1000	/* the image */
#define PROBE_TABLES		0x3000	/* CR3; more tables behind it */
#define PROBE_MAGIC_GPA		0x8000	/* PROBE_MAGIC stands here ... */
#define PROBE_MAGIC_VA		0x40000	/* ... and paging maps it here */
#define PROBE_STACK		0x9000
#define PROBE_MAGIC		0x5a17c0de

/*
 * The loops that are timed, of two instructions: at CPL 0, and at CPL 3, which
 * no KVM emulates.  Each is run some times, for the host may have other things
 * to do in one of them.
 */
#define PROBE_REPEATS		3
#define PROBE_LOOPS		200
#define PROBE_USER_LOOPS	10000
/* The TSC begins here. */
#define PROBE_TSC		(1ULL << 62)
/* INVLPGs of each guest with paging. */
#define PROBE_INVLPGS		4

/* A write to these ports says how far the guest is. */
#define PORT_LOOP_BEGIN		0x10
#define PORT_LOOP_END		0x11
#define PORT_MAGIC		0x12	/* what was read at PROBE_MAGIC_VA */
#define PORT_USER_BEGIN		0x13	/* the same loop at CPL 3 */
#define PORT_USER_END		0x14
#define PORT_COMPAT		0x15	/* PROBE_MAGIC, from 32-bit code */
#define PORT_TSC		0x18	/* upper half of the TSC */
#define PORT_SYSCALL		0x16	/* CS where SYSCALL leads */
#define PORT_SYSRET		0x17	/* CS where SYSRET leads */

/*
 * Selectors of the image's GDT: those of Linux on x86-64, since a KVM without
 * hardware runs CPL 3 with the host's own descriptor table.
 */
#define PROBE_CS32		0x08
#define PROBE_CS64		0x10
#define PROBE_DS		0x18
#define PROBE_USER_CS32		0x23
#define PROBE_USER_DS		0x2b
#define PROBE_USER_CS64		0x33
#define PROBE_GDT_LEN		0x38

#endif
