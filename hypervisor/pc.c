/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PC as a whole: how it comes to be and goes, its reset and its state.
 */
#include "hypervisor/pc_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/ferr.h"
#include "hypervisor/firmware.h"
#include "hypervisor/i8042.h"
#include "hypervisor/i8254.h"
#include "hypervisor/lapic.h"
#include "hypervisor/mc146818.h"
#include "hypervisor/mem.h"
#include "hypervisor/piix4pm.h"
#include "hypervisor/sysports.h"
#include "hypervisor/vmi.h"

static int make_bios(struct pc *pc, char *err)
{
	char why[FIRMWARE_ERR_LEN];
	int code;

	if (!pc->cfg.bios)
		return 0;
	code = firmware_place(&pc->bios, pc->cfg.mem, pc->cfg.bios,
			      pc->cfg.bios_len, why);
	if (code)
		snprintf(err, PC_ERR_LEN, "bios: %.120s", why);
	return code;
}

struct vmi *pc_vmi(const struct pc *pc)
{
	for (unsigned i = 0; i < pc->ndevices; i++)
		if (!strcmp(pc->devices[i]->class->name, "vmi"))
			return (struct vmi *)pc->devices[i];
	return NULL;
}

/* Each constructor leaves its device in place even when it fails. */
int pc_create(struct pc **out, const struct pc_config *cfg, char *err)
{
	struct pc *pc = calloc(1, sizeof(*pc));
	int code;

	*out = pc;
	if (!pc) {
		snprintf(err, PC_ERR_LEN, "pc: out of memory");
		return -ENOMEM;
	}
	pc->cfg = *cfg;
	if (!pc->cfg.ncpus)
		pc->cfg.ncpus = 1;
	code = make_bios(pc, err);
	if (code)
		return code;
	pc->wires.dev.class = &pc_wires_class;
	code = pc_make_parts(pc, err);
	if (code)
		return code;
	if (pc_make_other_lapics(pc)) {
		snprintf(err, PC_ERR_LEN, "local APICs: out of memory");
		return -ENOMEM;
	}
	code = pc_make_devices(pc, err);
	if (pc->cfg.hotplug)
		hotplug_set_bus(pc->cfg.hotplug, &pc_hotplug_bus, pc);
	if (pc_vmi(pc))
		vmi_on_irq0(pc_vmi(pc), pc_irq0_edge, pc);
	if (!code)
		code = pc_offer_firmware(pc);
	if (code == -ENOMEM)
		snprintf(err, PC_ERR_LEN, "pc: out of memory");
	return code;
}

void pc_destroy(struct pc *pc)
{
	if (!pc)
		return;
	if (pc->cfg.hotplug)
		hotplug_set_bus(pc->cfg.hotplug, NULL, NULL);
	if (pc->cfg.ncpus > 1)
		mem_del_mmio(pc->cfg.mem, LAPIC_DEFAULT_BASE);
	while (pc->ndevices)
		device_destroy(pc->devices[--pc->ndevices]);
	mem_block_destroy(pc->bios);
	free(pc);
}

void pc_reset(struct pc *pc)
{
	pc_finish_unplugs(pc);
	for (unsigned i = 0; i < pc->ndevices; i++)
		device_reset(pc->devices[i]);
}

/* Without firmware, nothing is where a processor starts. */
bool pc_soft_reset_resumes(const struct pc *pc)
{
	return pc->bios && mc146818_get(pc->rtc, CMOS_SHUTDOWN);
}

/* The processor's first fetch is above 1 MiB. */
bool pc_soft_reset(struct pc *pc)
{
	if (!pc_soft_reset_resumes(pc)) {
		pc_raise_event(pc, PC_RESET, 0, NULL);
		return false;
	}
	for (unsigned n = 0; n < pc->cfg.ncpus; n++)
		lapic_init_reset(pc->lapic[n]);
	port92_open_a20(pc->port92);
	pc_raise_event(pc, PC_INIT, 0, NULL);
	return true;
}

void pc_ferr(struct pc *pc, bool level)
{
	ferr_set(pc->ferr, level);
}

void pc_key(struct pc *pc, unsigned code, bool down)
{
	i8042_key(pc->kbc, code, down);
}

void pc_mouse(struct pc *pc, int dx, int dy, int dz, unsigned buttons)
{
	i8042_mouse(pc->kbc, dx, dy, dz, buttons);
}

void pc_power_button(struct pc *pc)
{
	piix4pm_power_button(pc->pm);
}

int pc_save(const struct pc *pc, struct state *s)
{
	int err;

	for (unsigned i = 0; i < pc->ndevices; i++)
		if (pc->devices[i]->class->settle)
			pc->devices[i]->class->settle(pc->devices[i]);
	err = device_save(&pc->wires.dev, s);
	for (unsigned i = 0; i < pc->ndevices && !err; i++)
		err = device_save(pc->devices[i], s);
	return err;
}

/*
 * All devices are reset before the first is loaded, so that no reset moves a
 * line into a controller that has its saved state already.
 */
int pc_load(struct pc *pc, struct state *s)
{
	struct wires saved = pc->wires;
	int err = device_load(&saved.dev, s);

	pc_reset(pc);
	for (unsigned i = 0; i < pc->ndevices && !err; i++)
		err = device_load(pc->devices[i], s);
	pc->wires = saved;
	mem_set_a20(pc->cfg.mem, pc->wires.a20);
	return err;
}

void pc_print_stats(const struct pc *pc, FILE *out)
{
	uint64_t late, lost;

	i8254_ticks(pc->pit, &late, &lost);
	fprintf(out, "timer: %llu ticks late, %llu lost; last POST code "
		"%02xh\n", (unsigned long long)late, (unsigned long long)lost,
		port80_code(pc->port80));
}
