/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server for gdb's remote protocol (GDB manual, appendix E).  What it works
 * on is behind struct gdb_target; it knows no VM.
 *
 * Everything runs in loop callbacks, with the loop's lock held.  While a
 * client is connected the target is either stopped, and then everything may
 * be asked, or running, and then only stop() is called.
 */
#ifndef TOOLS_LIB_GDB_H
#define TOOLS_LIB_GDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hypervisor/engine.h"

struct gdb;
struct loop;

struct gdb_target {
	void *opaque;
	unsigned (*cpus)(void *opaque);
	void (*get)(void *opaque, unsigned cpu, struct vcpu *v);
	void (*set)(void *opaque, unsigned cpu, const struct vcpu *v);
	/*
	 * @len bytes at @addr, linear as @cpu sees it or physical, without
	 * side effects in devices.  Returns 0, or -EFAULT if any of them is
	 * not there.
	 */
	int (*read)(void *opaque, unsigned cpu, bool physical, uint64_t addr,
		    void *buf, size_t len);
	int (*write)(void *opaque, unsigned cpu, bool physical, uint64_t addr,
		     const void *buf, size_t len);
	/* Breakpoints of all processors, engine_ops.set_debug.  0 or -ENOSPC. */
	int (*set_breaks)(void *opaque, const struct engine_debug *d);
	/* Go on; @step: only one instruction of that processor, or -1. */
	void (*resume)(void *opaque, int step);
	/* Stopped on return; calls gdb_stopped(). */
	void (*stop)(void *opaque);
	/* A line of "monitor". */
	void (*command)(void *opaque, const char *line, FILE *out);
	void (*kill)(void *opaque);
};

/*
 * Serve one client at a time on @spec (stream_listen()).  The target is kept
 * by reference.  @stopped: it does not run yet.
 * Returns 0, or a negative errno with one line in @err (@errlen bytes).
 */
int gdb_create(struct gdb **out, struct loop *l, const char *spec,
	       const struct gdb_target *target, bool stopped, char *err,
	       size_t errlen);
void gdb_destroy(struct gdb *g);

/* The target has stopped: for @info (ENGINE_DEBUG), or NULL: on request. */
void gdb_stopped(struct gdb *g, unsigned cpu,
		 const struct engine_exit_info *info);
/* Somebody else (the monitor) made it run. */
void gdb_running(struct gdb *g);
/* The machine has ended with @status: tell the client. */
void gdb_exited(struct gdb *g, int status);
unsigned gdb_port(const struct gdb *g);

/*
 * The registers gdb sees.  32-bit or 64-bit by the state of the processor
 * when the client asks for the description.
 */
/* The target description; @out gets XML. */
void gdb_regs_describe(FILE *out, bool wide);
unsigned gdb_regs_count(bool wide);
/* Bytes of register @n; 0: there is none. */
unsigned gdb_reg_size(unsigned n, bool wide);
void gdb_reg_get(const struct vcpu *v, unsigned n, bool wide, uint8_t *buf);
/* False: it cannot be changed. */
bool gdb_reg_set(struct vcpu *v, unsigned n, bool wide, const uint8_t *buf);
/* The part of them that `g' and `G' carry ends here. */
unsigned gdb_regs_general(bool wide);

#endif
