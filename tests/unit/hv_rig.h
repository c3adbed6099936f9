/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of the HV engine: is there a KVM to run them on?
 */
#ifndef TESTS_UNIT_HV_RIG_H
#define TESTS_UNIT_HV_RIG_H

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hypervisor/engine.h"
#include "hypervisor/host.h"
#include "hypervisor/mem.h"

/*
 * Make an engine and throw it away.  If that fails, a line of TAP says that
 * @what is skipped, and why; or that it fails, where there is a KVM which the
 * engine should be able to use.
 */
static inline bool hv_there(const char *what)
{
	struct engine_bus bus = { .opaque = NULL };
	struct engine_config cfg = { .bus = &bus, .log = stderr };
	struct engine *e;
	struct mem *mem;
	char err[160];
	int code;

	if (mem_create(&mem, 1 * MIB))
		return false;
	cfg.mem = mem;
	code = hv_engine_ops.create(&e, &cfg, err);
	if (!code)
		hv_engine_ops.destroy(e);
	else if (code != -ENOTSUP &&
		 host_caps()->kvm.state == HOST_KVM_USABLE)
		printf("not ok %s: %s\n", what, err);
	else
		printf("ok %s # SKIP %s\n", what, err);
	fflush(stdout);
	mem_destroy(mem);
	return !code;
}

#endif
