/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/vmi/vmi.h"

struct vmi_rom_header *vmi_rom;
uint32_t vmi_entry[VMI_CALLS];
uint8_t vmi_type[VMI_CALLS];

const char *const vmi_name[VMI_CALLS] = {
#define VMI_CALL(nr, id, name, since, class, conv, result, types, site, args, \
		 text) #name,
#include "spec/vmi-calls.def"
};

void vmi_find(void)
{
	for (uint32_t at = VMI_ROM_START; at < VMI_ROM_END; at += VMI_ROM_STEP) {
		struct vmi_rom_header *h = (void *)at;

		if (h->rom_signature != VMI_ROM_SIGNATURE ||
		    h->vrom_signature != VMI_SIGNATURE ||
		    h->api_version_maj != VMI_API_MAJOR || !h->pci_header_offs)
			continue;
		vmi_rom = h;
		return;
	}
}

uint32_t vmi_start(void)
{
	struct raw r = { 0 };

	vmi_raw((uint32_t)vmi_rom + VMI_OFF_INIT, &r);
	return r.eax;
}

uint32_t vmi_reloc(uint32_t nr, uint32_t *type)
{
	struct raw r = { .eax = nr };

	vmi_raw((uint32_t)vmi_rom + VMI_OFF_GET_RELOC, &r);
	*type = r.edx;
	return r.eax;
}

void vmi_bind(void)
{
	for (unsigned n = 0; n < VMI_CALLS; n++) {
		uint32_t type, eip = vmi_reloc(n, &type);

		vmi_type[n] = type;
		vmi_entry[n] = type == VMI_RELOC_CALL ||
			       type == VMI_RELOC_JUMP ? eip : 0;
	}
}

bool vmi_has(unsigned nr)
{
	return vmi_type[nr] == VMI_RELOC_CALL;
}

uint64_t vmi_call5(unsigned nr, uint32_t eax, uint32_t edx, uint32_t ecx,
		   uint32_t s1, uint32_t s2)
{
	struct raw r = { .eax = eax, .edx = edx, .ecx = ecx,
			 .stack = { s1, s2 } };

	vmi_raw(vmi_entry[nr], &r);
	return r.eax | (uint64_t)r.edx << 32;
}

uint64_t vmi_features(void)
{
	return vmi_has(VMI_CALL_QUERY_FEATURES) ?
	       vmi(VMI_CALL_QUERY_FEATURES, 0, 0, 0) : 0;
}

bool vmi_told(const char *word)
{
	const char *p = guest_cmdline;

	while (*p) {
		unsigned n = 0;

		while (word[n] && p[n] == word[n])
			n++;
		if (!word[n] && (!p[n] || p[n] == ' '))
			return true;
		while (*p && *p++ != ' ')
			;
	}
	return false;
}

bool vmi_on_qemu(void)
{
	uint32_t r[4];

	cpuid(0x40000000, r);
	return r[1] == 0x54474354 /* TCGT */ || vmi_told("qemu");
}

static void native_store(uint32_t at, uint32_t low, uint32_t high)
{
	*(volatile uint32_t *)(at + 4) = high;
	*(volatile uint32_t *)at = low;
}

static void native_flush(uint32_t flags)
{
	uint32_t cr4 = get_cr4();

	if (flags & VMI_FLUSH_GLOBAL && cr4 & CR4_PGE) {
		set_cr4(cr4 & ~CR4_PGE);
		set_cr4(cr4);
	} else {
		set_cr3(get_cr3());
	}
}

static void native(unsigned nr, uint32_t eax, uint32_t edx, uint32_t ecx,
		   uint32_t s1)
{
	switch (nr) {
	case VMI_CALL_SET_CR0: set_cr0(eax); break;
	case VMI_CALL_SET_CR3: set_cr3(eax); break;
	case VMI_CALL_SET_CR4: set_cr4(eax); break;
	case VMI_CALL_INVAL_PAGE: invlpg(eax); break;
	case VMI_CALL_FLUSH_TLB: native_flush(eax); break;
	case VMI_CALL_CLTS: __asm__ volatile("clts"); break;
	case VMI_CALL_SET_PXE: *(volatile uint32_t *)edx = eax; break;
	case VMI_CALL_SET_PXE_LONG: native_store(ecx, eax, edx); break;
	case VMI_CALL_WRITE_GDT_ENTRY:
	case VMI_CALL_WRITE_LDT_ENTRY:
	case VMI_CALL_WRITE_IDT_ENTRY:
		native_store(eax + edx * 8, ecx, s1);
		break;
	case VMI_CALL_HALT: __asm__ volatile("sti; hlt"); break;
	case VMI_CALL_SET_GDT: __asm__ volatile("lgdt (%0)" :: "r"(eax)); break;
	case VMI_CALL_SET_IDT: __asm__ volatile("lidt (%0)" :: "r"(eax)); break;
	case VMI_CALL_SET_TR: __asm__ volatile("ltr %w0" :: "r"(eax)); break;
	case VMI_CALL_SET_LDT: __asm__ volatile("lldt %w0" :: "r"(eax)); break;
	default: break;		/* nothing to do natively */
	}
}

void vmi_or_native(unsigned nr, uint32_t eax, uint32_t edx, uint32_t ecx,
		   uint32_t s1)
{
	if (vmi_has(nr))
		vmi_call5(nr, eax, edx, ecx, s1, 0);
	else
		native(nr, eax, edx, ecx, s1);
}
