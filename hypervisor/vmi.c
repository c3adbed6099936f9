/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ROM's place in memory, and its hypercalls.  What a guest passes is
 * checked where it is read; an answer of -1 is the worst that a call can get.
 */
#include "hypervisor/vmi.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "backends/char.h"
#include "fullvirt/x86/interp.h"	/* x86_translate */
#include "hypervisor/device.h"
#include "hypervisor/firmware.h"
#include "hypervisor/lapic.h"
#include "hypervisor/loop.h"
#include "hypervisor/mem.h"
#include "hypervisor/pc_device.h"
#include "hypervisor/pci.h"
#include "hypervisor/vcpu.h"
#include "hypervisor/vmi_private.h"
#include "hypervisor/vmi_rom.h"
#include "hypervisor/vmi_time.h"
#include "spec/vmi.h"

#define PCI_CLASS_OTHER	0xff00
#define TRACE_WORDS	6	/* on the stack at VMI_HC_TRACE */
#define APIC_REGISTER	0xff0u	/* of an address */
/* An alarm this near is not worth falling asleep for, in ns; see vm_cpu.c. */
#define VMI_SPIN_NS	VMI_LATE_NS
#define NOTHING		(~0u)	/* the answer to what is not known */

struct vmi {
	struct device dev;
	struct vmi_setup setup;
	struct vmi_rom_info info;
	uint8_t *rom;		/* a copy, with the flags that this VM wants */
	/* With firmware: a function 15AD:0801 whose expansion ROM it is. */
	struct pci_func func;
	struct mem_block *card;
	struct mem *mem;
	struct loop *loop;
	FILE *log;
	void (*iret_fn)(void *opaque, uint32_t lin);
	void *iret_opaque;
	struct vmi_time time;
	struct vmi_ap_state ap[VMI_CPUS];
	uint8_t ap_set[VMI_CPUS];
	uint64_t calls[VMI_CALLS];	/* hypercalls by number */
	uint64_t other, complaints;
};

/* ------------------------------------------------ guest memory */

bool vmi_read(struct mem *mem, const struct vcpu *v, uint32_t va, void *buf,
	      size_t len)
{
	/* Peeking changes nothing. */
	struct x86 x = { .v = (struct vcpu *)v, .mem = mem };
	uint8_t *to = buf;

	while (len) {
		size_t n = PAGE_SIZE - (va & ~PAGE_MASK);
		struct x86_walk w;

		if (n > len)
			n = len;
		if (x86_translate_peek(&x, va, X86_ACC_READ, &w) ||
		    mem_read(mem, w.gpa, to, n))
			return false;
		va += n;
		to += n;
		len -= n;
	}
	return true;
}

static void result(struct vcpu *v, uint32_t eax)
{
	v->gpr[GPR_AX] = eax;
}

static void result64(struct vcpu *v, uint64_t val)
{
	v->gpr[GPR_AX] = (uint32_t)val;
	v->gpr[GPR_DX] = val >> 32;
}

static uint32_t arg(const struct vcpu *v, enum gpr r)
{
	return v->gpr[r];
}

/* A line in the log; not one for each time that a guest asks for it. */
static void complain(struct vmi *m, const char *what)
{
	if (!m->complaints++)
		fprintf(m->log, "umbra: vmi: %s\n", what);
}

/* ------------------------------------------------ calls, lock held */

static void set_alarm(struct vmi *m, struct vcpu *v)
{
	uint32_t b[VMI_ALARM_BLOCK / 4];

	if (!vmi_read(m->mem, v, arg(v, GPR_AX), b, sizeof(b)))
		return;
	vmi_set_alarm(&m->time, v, b[0], b[1] | (uint64_t)b[2] << 32,
		      b[4] | (uint64_t)b[5] << 32);
}

static void ap_state(struct vmi *m, struct vcpu *v)
{
	uint32_t id = arg(v, GPR_DX);
	struct vmi_ap_state s;

	if (id >= VMI_CPUS || !m->time.lapic[id] ||
	    !vmi_read(m->mem, v, arg(v, GPR_AX), &s, sizeof(s))) {
		complain(m, "SetInitialAPState for a processor that this "
			 "machine has not");
		result(v, NOTHING);
		return;
	}
	m->ap[id] = s;
	m->ap_set[id] = 1;
	result(v, 0);
}

static void console_write(struct vmi *m, struct vcpu *v)
{
	uint32_t va = arg(v, GPR_AX), len = arg(v, GPR_DX), done = 0;
	struct char_backend *b = m->setup.console;
	uint8_t buf[256];

	if (len > VMI_CONSOLE_MAX)
		len = VMI_CONSOLE_MAX;
	while (b && done < len) {
		size_t n = len - done < sizeof(buf) ? len - done : sizeof(buf);
		size_t taken;

		if (!vmi_read(m->mem, v, va + done, buf, n))
			break;
		taken = b->ops->write(b, buf, n);
		done += taken;
		if (taken < n)
			break;
	}
	result(v, done);
}

static void init(struct vmi *m, struct vcpu *v)
{
	uint32_t at = arg(v, GPR_AX);
	uint8_t head[sizeof(struct vmi_rom_header)];

	if (arg(v, GPR_DX) != VMI_PROTOCOL || !m->info.ours ||
	    !vmi_read(m->mem, v, at, head, sizeof(head)) ||
	    memcmp(head, m->rom, sizeof(head))) {
		complain(m, "vmi_init of a ROM that is not this machine's; "
			 "the guest stays native");
		result(v, NOTHING);
		return;
	}
	if (m->iret_fn)
		m->iret_fn(m->iret_opaque, at + m->info.iret);
	result(v, 0);
}

static void shutdown(struct vmi *m)
{
	if (m->setup.power_off)
		m->setup.power_off(m->setup.power_opaque);
}

static void locked_call(struct vmi *m, struct vcpu *v, uint32_t nr)
{
	struct vmi_time *t = &m->time;

	switch (nr) {
	case VMI_CALL_SHUTDOWN:
		shutdown(m);
		break;
	case VMI_CALL_SET_INITIAL_AP_STATE:
		ap_state(m, v);
		break;
	case VMI_CALL_GET_CYCLE_FREQUENCY:
		result64(v, vmi_frequency(t));
		break;
	case VMI_CALL_GET_CYCLE_COUNTER:
		result64(v, vmi_counter(t, v, arg(v, GPR_AX)));
		break;
	case VMI_CALL_SET_ALARM:
		set_alarm(m, v);
		break;
	case VMI_CALL_CANCEL_ALARM:
		result(v, vmi_cancel_alarm(t, v->cpu_index, arg(v, GPR_AX)));
		break;
	case VMI_CALL_GET_WALLCLOCK_TIME:
		result64(v, vmi_wallclock(t));
		break;
	case VMI_CALL_WALLCLOCK_UPDATED:
		result(v, vmi_wallclock_updated(t));
		break;
	case VMI_CALL_SET_STOLEN_TIME_PAGE:
		result(v, vmi_stolen_page(t, v, arg(v, GPR_AX),
					  arg(v, GPR_DX)));
		break;
	case VMI_CALL_CONSOLE_WRITE:
		console_write(m, v);
		break;
	case VMI_HC_INIT:
		init(m, v);
		break;
	default:
		result(v, NOTHING);
		break;
	}
	vmi_time_sample(t, v);
}

/* ------------------------------------------------ calls, lock not held */

/* Registers are looked at by address: where they lie is the guest's choice. */
static gpa_t apic_register(const struct vcpu *v)
{
	return (v->msr.apic_base & ~0xfffULL & 0xfffffffffULL) |
	       (arg(v, GPR_AX) & APIC_REGISTER);
}

static bool apic_on(const struct vcpu *v)
{
	return v->msr.apic_base & 0x800;
}

static void trace(struct vmi *m, struct vcpu *v)
{
	uint32_t w[TRACE_WORDS];
	struct vmi_seen seen = {
		.cpu = v->cpu_index, .v = v,
		.eax = arg(v, GPR_AX), .edx = arg(v, GPR_DX),
	};

	if (!m->setup.observer || !m->setup.observer->call ||
	    !vmi_read(m->mem, v, arg(v, GPR_SP), w, sizeof(w)) ||
	    w[2] >= VMI_CALLS)
		return;
	seen.ecx = w[0];
	seen.nr = w[2];
	seen.caller = w[3];
	seen.stack[0] = w[4];
	seen.stack[1] = w[5];
	m->setup.observer->call(m->setup.opaque, &seen);
}

static void query(struct vmi *m, struct vcpu *v)
{
	if (m->setup.observer && m->setup.observer->query)
		m->setup.observer->query(m->setup.opaque, v->cpu_index,
					 arg(v, GPR_AX), v);
}

static void count(struct vmi *m, uint32_t nr)
{
	if (nr < VMI_CALLS)
		m->calls[nr]++;
	else
		m->other++;
}

void vmi_hypercall(struct vmi *m, struct vcpu *v)
{
	uint32_t nr = arg(v, GPR_CX);

	if (v->cpu_index >= VMI_CPUS)
		return;
	count(m, nr);
	switch (nr) {
	case VMI_CALL_APIC_WRITE:
		if (apic_on(v))
			mem_mmio_write(m->mem, apic_register(v), 4,
				       arg(v, GPR_DX));
		return;
	case VMI_CALL_APIC_READ:
		result(v, apic_on(v) ?
			  mem_mmio_read(m->mem, apic_register(v), 4) : 0);
		return;
	case VMI_CALL_YIELD:
		sched_yield();
		return;
	case VMI_HC_TRACE:
		trace(m, v);
		return;
	case VMI_HC_QUERY:
		query(m, v);
		return;
	}
	if (nr == VMI_HC_INIT && m->setup.observer && m->setup.observer->init)
		m->setup.observer->init(m->setup.opaque, v->cpu_index,
					arg(v, GPR_AX), v);
	if (m->loop)
		loop_lock(m->loop);
	locked_call(m, v, nr);
	if (m->loop)
		loop_unlock(m->loop);
}

void vmi_on_iret(struct vmi *m, void (*fn)(void *opaque, uint32_t lin),
		 void *opaque)
{
	m->iret_fn = fn;
	m->iret_opaque = opaque;
}

void vmi_on_power_off(struct vmi *m, void (*fn)(void *opaque), void *opaque)
{
	m->setup.power_off = fn;
	m->setup.power_opaque = opaque;
}

void vmi_on_irq0(struct vmi *m, void (*fn)(void *opaque), void *opaque)
{
	m->time.irq0 = fn;
	m->time.irq0_opaque = opaque;
}

void vmi_idle(struct vmi *m, unsigned cpu, bool begin)
{
	if (cpu < VMI_CPUS)
		vmi_time_idle(&m->time, cpu, begin);
}

uint64_t vmi_wait_begin(struct vmi *m, unsigned cpu)
{
	uint64_t now = clock_now(m->time.clock), first, ns;

	if (cpu >= VMI_CPUS)
		return UINT64_MAX;
	first = vmi_alarms_first(&m->time, cpu);
	if (first == TIMER_NEVER)
		return UINT64_MAX;
	ns = first > now ? first - now : 0;
	if (ns > VMI_SPIN_NS)
		return UINT64_MAX;
	vmi_alarms_take(&m->time, cpu);
	return ns;
}

void vmi_wait_end(struct vmi *m, unsigned cpu)
{
	if (cpu < VMI_CPUS)
		vmi_alarms_give(&m->time, cpu);
}

/* ------------------------------------------------ starting a processor */

static struct segment descriptor(struct vmi *m, const struct vcpu *v,
				 uint16_t sel)
{
	struct segment s = { .selector = sel, .attr = SEG_UNUSABLE };
	uint32_t at = sel & ~7u, limit;
	uint64_t d;

	if (!(sel & ~3u) || sel & 4 || at + 7 > v->gdtr.limit ||
	    !vmi_read(m->mem, v, v->gdtr.base + at, &d, sizeof(d)))
		return s;
	limit = (d & 0xffff) | (d >> 32 & 0xf0000);
	s.base = (d >> 16 & 0xffffff) | (d >> 32 & 0xff000000);
	s.limit = d >> 55 & 1 ? limit << 12 | 0xfff : limit;
	s.attr = (d >> 40 & 0xf0ff) | SEG_TYPE_ACCESSED;
	return s;
}

bool vmi_ap_start(struct vmi *m, unsigned cpu, struct vcpu *v)
{
	const struct vmi_ap_state *s = &m->ap[cpu];

	if (cpu >= VMI_CPUS || !m->ap_set[cpu])
		return false;
	m->ap_set[cpu] = 0;
	v->cr0 = s->cr0;
	v->cr2 = s->cr2;
	v->cr3 = s->cr3;
	v->cr4 = s->cr4;
	v->msr.efer = s->efer & EFER_NX;
	v->gdtr.base = s->gdtr_base;
	v->gdtr.limit = s->gdtr_limit;
	v->idtr.base = s->idtr_base;
	v->idtr.limit = s->idtr_limit;
	if (s->cr0 & CR0_PG && s->cr4 & CR4_PAE)
		mem_read(m->mem, s->cr3 & 0xffffffe0u, v->pdpte,
			 sizeof(v->pdpte));
	v->seg[SEG_CS] = descriptor(m, v, s->cs);
	v->seg[SEG_SS] = descriptor(m, v, s->ss);
	v->seg[SEG_DS] = descriptor(m, v, s->ds);
	v->seg[SEG_ES] = descriptor(m, v, s->es);
	v->seg[SEG_FS] = descriptor(m, v, s->fs);
	v->seg[SEG_GS] = descriptor(m, v, s->gs);
	v->gpr[GPR_AX] = s->eax;
	v->gpr[GPR_BX] = s->ebx;
	v->gpr[GPR_CX] = s->ecx;
	v->gpr[GPR_DX] = s->edx;
	v->gpr[GPR_SP] = s->esp;
	v->gpr[GPR_BP] = s->ebp;
	v->gpr[GPR_SI] = s->esi;
	v->gpr[GPR_DI] = s->edi;
	v->rip = s->eip;
	v->rflags = (s->eflags & ~(FLAG_VM | FLAG_TF | FLAG_NT)) | FLAG_FIXED;
	v->activity = ACTIVITY_RUN;
	return true;
}

/* ------------------------------------------------ the device */

static uint16_t signature_at(struct mem *mem, gpa_t gpa)
{
	uint16_t s = 0;

	mem_read(mem, gpa, &s, sizeof(s));
	return s;
}

/* Behind the ROMs that are there. */
void vmi_place(struct vmi *m)
{
	for (gpa_t at = VMI_ROM_START; at + m->info.size <= VMI_ROM_END;
	     at += VMI_ROM_STEP) {
		uint8_t len = 0;

		if (signature_at(m->mem, at) == VMI_ROM_SIGNATURE) {
			mem_read(m->mem, at + 2, &len, 1);
			/* An image of our own may be left from before. */
			if (len * 512u != m->info.size ||
			    signature_at(m->mem, at + 8) !=
			    (VMI_SIGNATURE & 0xffff)) {
				at += len * 512u / VMI_ROM_STEP *
				      VMI_ROM_STEP;
				continue;
			}
		}
		mem_rom_load(m->mem, at, m->rom, m->info.size);
		return;
	}
	fprintf(m->log, "umbra: vmi: no room for the ROM below e0000\n");
}

static void reset(struct device *d)
{
	struct vmi *m = (struct vmi *)d;

	pci_func_reset(&m->func);
	vmi_time_reset(&m->time);
	memset(m->ap_set, 0, sizeof(m->ap_set));
	if (m->iret_fn)
		m->iret_fn(m->iret_opaque, 0);
}

static int loaded(struct device *d)
{
	struct vmi *m = (struct vmi *)d;
	int err = pci_func_loaded(&m->func);

	return err ? err : vmi_time_loaded(&m->time);
}

static void destroy(struct device *d)
{
	struct vmi *m = (struct vmi *)d;

	vmi_time_fini(&m->time);
	pci_remove(&m->func);
	mem_block_destroy(m->card);
	free(m->rom);
	free(m);
}

static const struct field fields[] = {
	FIELD(struct vmi, time.cpu, 1),
	FIELD(struct vmi, time.saved, 1),
	FIELD(struct vmi, time.wall_base, 1),
	FIELD(struct vmi, ap, 1),
	FIELD(struct vmi, ap_set, 1),
	PCI_FUNC_FIELDS(struct vmi, func, 1),
};

static const struct device_class vmi_class = {
	"vmi", 1, fields, ARRAY_SIZE(fields), reset, loaded, destroy,
};

/* The image as this VM shows it: with the calls reported if somebody asks. */
static int take_rom(struct vmi *m, char *err)
{
	const struct vmi_setup *s = &m->setup;

	if (vmi_rom_parse(s->rom, s->len, &m->info, err))
		return -EINVAL;
	if (s->observer && !m->info.ours) {
		snprintf(err, PC_ERR_LEN, "only Umbra's own ROMs can be "
			 "traced");
		return -EINVAL;
	}
	m->rom = malloc(m->info.size);
	if (!m->rom) {
		snprintf(err, PC_ERR_LEN, "out of memory");
		return -ENOMEM;
	}
	memcpy(m->rom, s->rom, m->info.size);
	if (s->observer) {
		m->rom[VMI_ROM_FLAGS_AT] |= VMI_ROM_TRACE;
		vmi_rom_fix_sum(m->rom, m->info.size);
	}
	return 0;
}

/* Firmware copies expansion ROMs to where kernels look for them, and runs them. */
static int make_card(struct vmi *m, struct pci *pci, char *err)
{
	int code = firmware_rom(&m->card, m->mem, m->rom, m->info.size, err);

	if (code)
		return code;
	pci_identify(&m->func, VMI_PCI_VENDOR, VMI_PCI_DEVICE, 0,
		     PCI_CLASS_OTHER);
	pci_bar_rom(&m->func, m->card, "vmi rom");
	code = pci_add(pci, PCI_ANY_DEVFN, &m->func);
	if (code)
		snprintf(err, PC_ERR_LEN, "vmi: no PCI slot");
	return code;
}

int vmi_from_spec(struct device **out, const struct pc_site *site,
		  const struct pc_device_spec *spec, char *err)
{
	struct vmi *m;
	int code;

	if (!spec->backend) {
		snprintf(err, PC_ERR_LEN, "vmi: comes by --vmi");
		return -EINVAL;
	}
	m = calloc(1, sizeof(*m));
	if (!m) {
		snprintf(err, PC_ERR_LEN, "vmi: out of memory");
		return -ENOMEM;
	}
	m->dev.class = &vmi_class;
	*out = &m->dev;
	m->setup = *(const struct vmi_setup *)spec->backend;
	m->mem = site->mem;
	m->loop = site->loop;
	m->log = site->log;
	vmi_time_init(&m->time, site->clock, site->mem);
	for (unsigned n = 0; n < VMI_CPUS; n++)
		m->time.lapic[n] = (struct lapic *)
			site->find(site->opaque, "lapic", n);
	code = take_rom(m, err);
	if (!code && site->firmware)
		code = make_card(m, site->pci, err);
	return code;
}

void vmi_print_stats(const struct vmi *m, FILE *out)
{
	static const char *const names[] = {
#define VMI_CALL(nr, id, name, since, class, conv, res, types, site, args, text) \
		#name,
#include "spec/vmi-calls.def"
	};

	fprintf(out, "vmi: %llu alarms set, %llu fired, %llu coalesced; "
		"private hypercalls %llu\n", (unsigned long long)m->time.armed,
		(unsigned long long)m->time.fired,
		(unsigned long long)m->time.coalesced,
		(unsigned long long)m->other);
	for (unsigned n = 0; n < VMI_CALLS; n++)
		if (m->calls[n])
			fprintf(out, "vmi: %s %llu\n", names[n],
				(unsigned long long)m->calls[n]);
}
