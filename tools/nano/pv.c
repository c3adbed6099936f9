// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's side of the VMI: look for the ROM, initialise it, ask for each
 * call, patch sites.  spec/vmi.md "Discovery" and "Relocation".
 */
#include "spec/vmi.h"
#include "tools/nano/nano.h"
#include "tools/nano/site.h"

/* Linear is physical below 8 MiB: the ROM is where its address says. */
struct rom {
	const struct vmi_rom_header *header;
	uint32_t reloc[VMI_CALLS];	/* entry points, 0: native */
	uint8_t type[VMI_CALLS];
	uint32_t features;
	bool bound;
};

static struct rom rom;

static bool same(const char *a, const char *b)
{
	while (*a && *a == *b)
		a++, b++;
	return *a == *b;
}

static bool acceptable(const struct vmi_rom_header *h)
{
	const char *license = (const char *)h + h->license_offs;

	if (h->rom_signature != VMI_ROM_SIGNATURE ||
	    h->vrom_signature != VMI_SIGNATURE)
		return false;
	if (h->api_version_maj != VMI_API_MAJOR || !h->pci_header_offs ||
	    !h->license_offs)
		return false;
	return same(license, "GPL") || same(license, "GPL v2");
}

static const struct vmi_rom_header *find(void)
{
	for (uint32_t at = VMI_ROM_START; at < VMI_ROM_END; at += VMI_ROM_STEP)
		if (acceptable((const struct vmi_rom_header *)at))
			return (const struct vmi_rom_header *)at;
	return NULL;
}

static uint32_t rom_init(void)
{
	uint32_t at = (uint32_t)rom.header->vmi_init, result;

	__asm__ volatile("call *%%edx" : "=a"(result), "+d"(at) : "a"(0)
			 : "ecx", "memory", "cc");
	return result;
}

/* Returns the type and stores the entry point, which only CALL and JUMP have. */
static uint8_t get_reloc(unsigned call, uint32_t *eip)
{
	uint32_t at = (uint32_t)rom.header->get_reloc;

	__asm__ volatile("call *%%edx" : "=a"(*eip), "+d"(at) : "a"(call)
			 : "ecx", "memory", "cc");
	return at;
}

static void bind(unsigned call)
{
	uint32_t eip;

	rom.type[call] = get_reloc(call, &eip);
	if (rom.type[call] == VMI_RELOC_CALL ||
	    rom.type[call] == VMI_RELOC_JUMP)
		rom.reloc[call] = eip;
}

struct site {
	uint32_t at, call;
};
extern const struct site sites_begin[], sites_end[];

/*
 * Calls that the feature word says instructions replace, in groups: a guest
 * that knows 3.1 leaves these native.
 */
static const struct {
	uint32_t feature;
	uint8_t first, last;
} better_native[] = {
	{ VMI_FEATURE_NATIVE_IRQ, VMI_CALL_ENABLE_INTERRUPTS,
	  VMI_CALL_SET_INTERRUPT_MASK },
	{ VMI_FEATURE_NATIVE_RETURN, VMI_CALL_IRET, VMI_CALL_SYSEXIT },
	{ VMI_FEATURE_NATIVE_PTE, VMI_CALL_SET_PXE,
	  VMI_CALL_UPDATE_PXE_LONG },
	{ VMI_FEATURE_NATIVE_PTE, VMI_CALL_ALLOCATE_PAGE,
	  VMI_CALL_RELEASE_PAGE },
};

static void leave_native(void)
{
	for (unsigned i = 0; i < sizeof(better_native) /
				 sizeof(better_native[0]); i++) {
		if (!(rom.features & better_native[i].feature))
			continue;
		for (unsigned n = better_native[i].first;
		     n <= better_native[i].last; n++) {
			rom.type[n] = VMI_RELOC_NONE;
			rom.reloc[n] = 0;
		}
	}
}

/* E8 or E9 rel32; VMI_RELOC_NONE leaves the instruction, NOP erases it. */
static void patch(const struct site *s)
{
	static const uint8_t nop[SITE_LEN] = { 0x0f, 0x1f, 0x44, 0, 0 };
	uint8_t *p = (uint8_t *)s->at;
	uint8_t type = rom.type[s->call];
	uint32_t eip = rom.reloc[s->call];

	switch (type) {
	case VMI_RELOC_CALL:
	case VMI_RELOC_JUMP:
		p[0] = type == VMI_RELOC_CALL ? 0xe8 : 0xe9;
		*(uint32_t *)(p + 1) = eip - (s->at + SITE_LEN);
		break;
	case VMI_RELOC_NOP:
		for (unsigned i = 0; i < SITE_LEN; i++)
			p[i] = nop[i];
		break;
	}
}

static void announce_rom(void)
{
	const struct vmi_rom_header *h = rom.header;
	const char *base = (const char *)h;
	const struct vmi_pnp_header *pnp =
		(const void *)(base + h->pnp_header_offs);
	bool named = h->pnp_header_offs && pnp->product;
	unsigned calls = 0;

	for (unsigned i = 0; i < VMI_CALLS; i++)
		calls += rom.type[i] != VMI_RELOC_NONE;
	print("#vmi\t%s, API %u.%u at %x, %u calls used, features %x\n",
	      named ? base + pnp->product : "unnamed ROM", h->api_version_maj,
	      h->api_version_min, (uint32_t)h, calls, rom.features);
}

bool pv_init(bool all_calls)
{
	uint16_t cs;

	rom.header = find();
	if (!rom.header) {
		print("#vmi\tnone\n");
		return false;
	}
	if (rom_init()) {
		print("#vmi\tnone: the ROM's init failed\n");
		return false;
	}
	__asm__ volatile("movw %%cs, %0" : "=r"(cs));
	if (cs & 3) {
		print("#fail\tvmi\tthe ROM moved this kernel to ring %u\n",
		      cs & 3);
		guest_exit(false);
	}
	for (unsigned i = 0; i < VMI_CALLS; i++)
		bind(i);
	rom.bound = true;
	if (pv_call(VMI_CALL_QUERY_FEATURES))
		rom.features = PV(pv_get *, VMI_CALL_QUERY_FEATURES)();
	if (!all_calls)
		leave_native();
	for (const struct site *s = sites_begin; s < sites_end; s++)
		patch(s);
	announce_rom();
	return true;
}

bool pv_active(void)
{
	return rom.bound;
}

uint32_t pv_call(unsigned call)
{
	return rom.reloc[call];
}

bool pv_any(const uint8_t *calls)
{
	for (; *calls != 0xff; calls++)
		if (rom.reloc[*calls])
			return true;
	return false;
}

uint32_t pv_features(void)
{
	return rom.features;
}

/* ---- Wrappers: the call, or what it stands for ------------------------------ */

#define CALL_OR(id, type, args, native) \
	do { \
		if (pv_call(id)) \
			PV(type, id) args; \
		else \
			native; \
	} while (0)

void set_cr0(uint32_t v)
{
	CALL_OR(VMI_CALL_SET_CR0, pv_u32 *, (v),
		__asm__ volatile("movl %0, %%cr0" :: "r"(v) : "memory"));
}

void set_cr3(uint32_t v)
{
	CALL_OR(VMI_CALL_SET_CR3, pv_u32 *, (v),
		__asm__ volatile("movl %0, %%cr3" :: "r"(v) : "memory"));
}

void set_cr4(uint32_t v)
{
	CALL_OR(VMI_CALL_SET_CR4, pv_u32 *, (v),
		__asm__ volatile("movl %0, %%cr4" :: "r"(v) : "memory"));
}

void set_pte(uint32_t *pte, uint32_t v, uint32_t level)
{
	CALL_OR(VMI_CALL_SET_PXE, pv_3u32 *, (v, (uint32_t)pte, level),
		*(volatile uint32_t *)pte = v);
}

void set_gate(uint64_t *idt, unsigned index, uint64_t gate)
{
	CALL_OR(VMI_CALL_WRITE_IDT_ENTRY, pv_4u32 *,
		((uint32_t)idt, index, gate, gate >> 32), idt[index] = gate);
}

void set_gdt_entry(unsigned index, uint64_t d)
{
	CALL_OR(VMI_CALL_WRITE_GDT_ENTRY, pv_4u32 *,
		((uint32_t)gdt, index, d, d >> 32), gdt[index] = d);
}

/* The TSS, which the processor reads; and the call, which may be quicker. */
void set_kernel_stack(uint32_t esp0)
{
	tss.esp0 = esp0;
	CALL_OR(VMI_CALL_UPDATE_KERNEL_STACK, pv_2u32 *, (SEL_KERNEL_DS, esp0),
		(void)0);
}

void table_announce(const void *table, uint32_t flags)
{
	CALL_OR(VMI_CALL_ALLOCATE_PAGE, pv_5u32 *,
		((uint32_t)table / PAGE, flags, 0, 0, 0), (void)0);
}

void load_gdt(const void *image)
{
	CALL_OR(VMI_CALL_SET_GDT, pv_u32 *, ((uint32_t)image),
		__asm__ volatile("lgdt (%0)" :: "r"(image) : "memory"));
}

void load_idt(const void *image)
{
	CALL_OR(VMI_CALL_SET_IDT, pv_u32 *, ((uint32_t)image),
		__asm__ volatile("lidt (%0)" :: "r"(image) : "memory"));
}

void load_tr(uint16_t sel)
{
	CALL_OR(VMI_CALL_SET_TR, pv_u32 *, (sel),
		__asm__ volatile("ltr %0" :: "r"(sel)));
}

void flush_all(void)
{
	uint32_t cr3 = (uint32_t)root[0];

	CALL_OR(VMI_CALL_FLUSH_TLB, pv_u32 *, (VMI_FLUSH_TLB),
		__asm__ volatile("movl %0, %%cr3" :: "r"(cr3) : "memory"));
}

void apic_write(uint32_t reg, uint32_t v)
{
	CALL_OR(VMI_CALL_APIC_WRITE, pv_2u32 *, (reg, v),
		poke32(LAPIC_VA + reg, v));
}
