/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual Machine Interface: numbers and structures, the same for guest and
 * hypervisor.  Generated from the call table of the specification; do not
 * edit.
 */
#ifndef _ASM_X86_VMI_H
#define _ASM_X86_VMI_H

/* Calls */
#define VMI_CALL_CPUID				0	/* CPUID(leaf, subleaf) */
#define VMI_CALL_WRMSR				1	/* WRMSR(msr, value) */
#define VMI_CALL_RDMSR				2	/* RDMSR(msr) */
#define VMI_CALL_SET_GDT			3	/* SetGDT(image) */
#define VMI_CALL_SET_LDT			4	/* SetLDT(selector) */
#define VMI_CALL_SET_IDT			5	/* SetIDT(image) */
#define VMI_CALL_SET_TR				6	/* SetTR(selector) */
#define VMI_CALL_GET_GDT			7	/* GetGDT(image) */
#define VMI_CALL_GET_LDT			8	/* GetLDT() */
#define VMI_CALL_GET_IDT			9	/* GetIDT(image) */
#define VMI_CALL_GET_TR				10	/* GetTR() */
#define VMI_CALL_WRITE_GDT_ENTRY		11	/* WriteGDTEntry(table, index, entry) */
#define VMI_CALL_WRITE_LDT_ENTRY		12	/* WriteLDTEntry(table, index, entry) */
#define VMI_CALL_WRITE_IDT_ENTRY		13	/* WriteIDTEntry(table, index, entry) */
#define VMI_CALL_UPDATE_KERNEL_STACK		14	/* UpdateKernelStack(ss, esp0) */
#define VMI_CALL_SET_CR0			15	/* SetCR0(value) */
#define VMI_CALL_SET_CR2			16	/* SetCR2(value) */
#define VMI_CALL_SET_CR3			17	/* SetCR3(value) */
#define VMI_CALL_SET_CR4			18	/* SetCR4(value) */
#define VMI_CALL_GET_CR0			19	/* GetCR0() */
#define VMI_CALL_GET_CR2			20	/* GetCR2() */
#define VMI_CALL_GET_CR3			21	/* GetCR3() */
#define VMI_CALL_GET_CR4			22	/* GetCR4() */
#define VMI_CALL_WBINVD				23	/* WBINVD() */
#define VMI_CALL_SET_DR				24	/* SetDR(number, value) */
#define VMI_CALL_GET_DR				25	/* GetDR(number) */
#define VMI_CALL_RDPMC				26	/* RDPMC(counter) */
#define VMI_CALL_RDTSC				27	/* RDTSC() */
#define VMI_CALL_CLTS				28	/* CLTS() */
#define VMI_CALL_ENABLE_INTERRUPTS		29	/* EnableInterrupts() */
#define VMI_CALL_DISABLE_INTERRUPTS		30	/* DisableInterrupts() */
#define VMI_CALL_GET_INTERRUPT_MASK		31	/* GetInterruptMask() */
#define VMI_CALL_SET_INTERRUPT_MASK		32	/* SetInterruptMask(mask) */
#define VMI_CALL_IRET				33	/* IRET() */
#define VMI_CALL_SYSEXIT			34	/* SYSEXIT(eip, esp) */
#define VMI_CALL_HALT				35	/* Halt() */
#define VMI_CALL_REBOOT				36	/* Reboot(how) */
#define VMI_CALL_SHUTDOWN			37	/* Shutdown() */
#define VMI_CALL_SET_PXE			38	/* SetPxE(pte, ptep, flags) */
#define VMI_CALL_SET_PXE_LONG			39	/* SetPxELong(pte, ptep, flags) */
#define VMI_CALL_UPDATE_PXE			40	/* UpdatePxE(ptep, flags) */
#define VMI_CALL_UPDATE_PXE_LONG		41	/* UpdatePxELong(ptep, flags) */
#define VMI_CALL_MACHINE_TO_PHYSICAL		42	/* MachineToPhysical() */
#define VMI_CALL_PHYSICAL_TO_MACHINE		43	/* PhysicalToMachine() */
#define VMI_CALL_ALLOCATE_PAGE			44	/* AllocatePage(pfn, flags, source, first, count) */
#define VMI_CALL_RELEASE_PAGE			45	/* ReleasePage(pfn, flags) */
#define VMI_CALL_INVAL_PAGE			46	/* InvalPage(va) */
#define VMI_CALL_FLUSH_TLB			47	/* FlushTLB(flags) */
#define VMI_CALL_SET_LINEAR_MAPPING		48	/* SetLinearMapping(slot, va, pages, pfn) */
#define VMI_CALL_INL				49	/* INL(port) */
#define VMI_CALL_INB				50	/* INB(port) */
#define VMI_CALL_INW				51	/* INW(port) */
#define VMI_CALL_INSL				52	/* INSL(port, to, n) */
#define VMI_CALL_INSB				53	/* INSB(port, to, n) */
#define VMI_CALL_INSW				54	/* INSW(port, to, n) */
#define VMI_CALL_OUTL				55	/* OUTL(value, port) */
#define VMI_CALL_OUTB				56	/* OUTB(value, port) */
#define VMI_CALL_OUTW				57	/* OUTW(value, port) */
#define VMI_CALL_OUTSL				58	/* OUTSL(port, from, n) */
#define VMI_CALL_OUTSB				59	/* OUTSB(port, from, n) */
#define VMI_CALL_OUTSW				60	/* OUTSW(port, from, n) */
#define VMI_CALL_SET_IOPL_MASK			61	/* SetIOPLMask(mask) */
#define VMI_CALL_SET_INITIAL_AP_STATE		62	/* SetInitialAPState(state, apic_id) */
#define VMI_CALL_APIC_WRITE			63	/* APICWrite(reg, value) */
#define VMI_CALL_APIC_READ			64	/* APICRead(reg) */
#define VMI_CALL_IO_DELAY			65	/* IODelay() */
#define VMI_CALL_GET_CYCLE_FREQUENCY		66	/* GetCycleFrequency() */
#define VMI_CALL_GET_CYCLE_COUNTER		67	/* GetCycleCounter(which) */
#define VMI_CALL_SET_ALARM			68	/* SetAlarm(flags, expiry, period) */
#define VMI_CALL_CANCEL_ALARM			69	/* CancelAlarm(flags) */
#define VMI_CALL_GET_WALLCLOCK_TIME		70	/* GetWallclockTime() */
#define VMI_CALL_WALLCLOCK_UPDATED		71	/* WallclockUpdated() */
#define VMI_CALL_SET_CALLBACKS			72	/* SetCallbacks() */
#define VMI_CALL_SET_LAZY_MODE			73	/* SetLazyMode(mode) */
#define VMI_CALL_QUERY_FEATURES			74	/* QueryFeatures() */
#define VMI_CALL_SET_PXE_BATCH			75	/* SetPxEBatch(entries, count) */
#define VMI_CALL_SWITCH_SPACE			76	/* SwitchSpace(to) */
#define VMI_CALL_YIELD				77	/* Yield(target) */
#define VMI_CALL_SET_STOLEN_TIME_PAGE		78	/* SetStolenTimePage(pfn, where) */
#define VMI_CALL_CONSOLE_WRITE			79	/* ConsoleWrite(text, length) */

#define VMI_CALLS_3_0				74
#define VMI_CALLS				80

/* Version */
#define VMI_API_MAJOR			3		/* must match */
#define VMI_API_MINOR			1		/* calls are appended by higher ones */

/* Where the ROM is looked for: physical addresses */
#define VMI_ROM_START			0xc0000		/* first candidate */
#define VMI_ROM_END			0xe0000		/* end of the last one */
#define VMI_ROM_STEP			0x800		/* candidates are this far apart */

/* Header */
#define VMI_ROM_SIGNATURE		0xaa55		/* u16 at 0 */
#define VMI_SIGNATURE			0x696d5663	/* u32 at 8, 'cVmi' */
#define VMI_OFF_INIT			0x80		/* code: init */
#define VMI_OFF_GET_RELOC		0x88		/* code: relocation look-up */
#define VMI_PCI_VENDOR			0x15ad		/* in the PCI data structure */
#define VMI_PCI_DEVICE			0x0801		/* in the PCI data structure */

/* Relocation types: EDX bits 7:0 from get_reloc */
#define VMI_RELOC_NONE			0		/* not implemented: leave the native instruction */
#define VMI_RELOC_CALL			1		/* call the address */
#define VMI_RELOC_JUMP			2		/* jump there; IRET and SYSEXIT only */
#define VMI_RELOC_NOP			3		/* nothing needs doing */

/* Page-table level: bits 3:0 of PTE and page flags */
#define VMI_LEVEL_PT			0x01		/* table of leaf entries */
#define VMI_LEVEL_PD			0x02		/* page directory */
#define VMI_LEVEL_PDP			0x04		/* PAE page-directory-pointer table */
#define VMI_LEVEL_PML4			0x08		/* unused in 32-bit guests */
#define VMI_LEVEL_MASK			0x0f		/* all of them */

/* AllocatePage and ReleasePage flags, besides the level */
#define VMI_PAGE_PAE			0x10		/* 8-byte entries */
#define VMI_PAGE_CLONE			0x20		/* entries first..first+count were copied */
#define VMI_PAGE_ZEROED			0x40		/* said to be zero; not to be relied on */

/* Set/UpdatePxE flags, besides the level */
#define VMI_PTE_CURRENT_AS		0x10		/* of the running address space, maps the VA */
#define VMI_PTE_DEFER			0x20		/* may wait for an invalidation */
#define VMI_PTE_INVAL			0x40		/* 3.1, batch: invalidate the VA after the store */
#define VMI_PTE_LONG			0x80		/* 3.1, batch: an 8-byte entry */
#define VMI_PTE_STORED			0x100		/* 3.1, batch: stored by the guest already */
#define VMI_PTE_VA_MASK			0xfffff000	/* page that the entry maps */

/* FlushTLB flags */
#define VMI_FLUSH_TLB			0x01		/* translations that are not global */
#define VMI_FLUSH_GLOBAL		0x02		/* and those that are */

/* SetLazyMode */
#define VMI_LAZY_NONE			0		/* apply everything */
#define VMI_LAZY_MMU			1		/* page-table updates may wait */
#define VMI_LAZY_CPU			2		/* processor state may wait */

/* Counters and alarms */
#define VMI_COUNTER_REAL		0		/* runs always */
#define VMI_COUNTER_AVAILABLE		1		/* real less stolen */
#define VMI_COUNTER_STOLEN		2		/* wanted to run and could not */
#define VMI_ALARM_COUNTER_MASK		0xff		/* real or available */
#define VMI_ALARM_PERIODIC		0x100		/* again every period */
#define VMI_ALARM_LVTT			0x10000		/* by the local APIC's timer vector; else IRQ 0 */

/* SetLinearMapping */
#define VMI_LINEAR_MAP_SLOTS		4		/* slots, for each processor */

/* Feature word, 3.1 */
#define VMI_FEATURE_BATCH		0x1		/* SetPxEBatch is cheaper than its parts */
#define VMI_FEATURE_SWITCH		0x2		/* SwitchSpace is cheaper than its parts */
#define VMI_FEATURE_YIELD		0x4		/* Yield reaches a scheduler */
#define VMI_FEATURE_STOLEN		0x8		/* stolen time is measured */
#define VMI_FEATURE_CONSOLE		0x10		/* ConsoleWrite reaches somebody */
#define VMI_FEATURE_ALARM		0x20		/* alarms are cheaper than PIT and APIC */
#define VMI_FEATURE_COSTLY_FAULTS	0x40		/* a page fault costs several times what it would natively */
#define VMI_FEATURE_NATIVE_IRQ		0x100		/* CLI, STI, PUSHF, POPF are right and cheaper than calls 29-32 */
#define VMI_FEATURE_NATIVE_RETURN	0x200		/* IRET, SYSEXIT are right and cheaper than calls 33, 34 */
#define VMI_FEATURE_NATIVE_PTE		0x400		/* plain stores are right and cheaper than calls 38-41, 44, 45 */

/* SwitchSpace: parts, in the order in which they are done */
#define VMI_SWITCH_TLS			0x1		/* tls[] to gdt_va + 8 * tls_index */
#define VMI_SWITCH_STACK		0x2		/* esp0 to the TSS at tss_va, if not 0; as call 14 */
#define VMI_SWITCH_SYSENTER		0x4		/* sysenter_cs to MSR 174h */
#define VMI_SWITCH_CR3			0x8		/* cr3 to CR3 */
#define VMI_SWITCH_ALL			0xf		/* other bits: nothing is done, -1 returned */

/* SetStolenTimePage: bits of `where' */
#define VMI_STOLEN_ENABLE		0x1		/* 0: stop writing there */
#define VMI_STOLEN_OFFSET_MASK		0xfc0		/* offset of the record in the page */

/* Stolen-time record: flags */
#define VMI_STOLEN_VALID		0x1		/* has been written */

/* ConsoleWrite */
#define VMI_CONSOLE_MAX			4096		/* bytes taken by one call at most */

#ifndef __ASSEMBLY__
#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#define u8 uint8_t
#define u16 uint16_t
#define u32 uint32_t
#define u64 uint64_t
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#undef static_assert
#define static_assert(expr) _Static_assert(expr, #expr)
#endif

/* at the ROM's first byte */
struct vmi_rom_header {
	u16 rom_signature;		/* 55 AA */
	u8 rom_length;			/* in units of 512 bytes */
	u8 rom_entry[4];		/* 16-bit code for the BIOS */
	u8 rom_pad0;
	u32 vrom_signature;		/* 'cVmi' */
	u8 api_version_min;		/* 1 */
	u8 api_version_maj;		/* 3 */
	u8 jump_slots;			/* 2 */
	u8 reserved1;			/* 0 */
	u32 virtual_top;		/* 0: no hole */
	u16 reserved2;			/* 0 */
	u16 license_offs;		/* GPL or GPL v2 */
	u16 pci_header_offs;		/* not 0 */
	u16 pnp_header_offs;		/* 0: none */
	u32 rom_pad3;			/* 0 */
	u8 reserved[96];		/* private to the ROM */
	u8 vmi_init[8];			/* code */
	u8 get_reloc[8];		/* code */
} __packed __aligned(1);
static_assert(sizeof(struct vmi_rom_header) == 144);
static_assert(offsetof(struct vmi_rom_header, rom_signature) == 0);
static_assert(offsetof(struct vmi_rom_header, rom_length) == 2);
static_assert(offsetof(struct vmi_rom_header, rom_entry) == 3);
static_assert(offsetof(struct vmi_rom_header, rom_pad0) == 7);
static_assert(offsetof(struct vmi_rom_header, vrom_signature) == 8);
static_assert(offsetof(struct vmi_rom_header, api_version_min) == 12);
static_assert(offsetof(struct vmi_rom_header, api_version_maj) == 13);
static_assert(offsetof(struct vmi_rom_header, jump_slots) == 14);
static_assert(offsetof(struct vmi_rom_header, reserved1) == 15);
static_assert(offsetof(struct vmi_rom_header, virtual_top) == 16);
static_assert(offsetof(struct vmi_rom_header, reserved2) == 20);
static_assert(offsetof(struct vmi_rom_header, license_offs) == 22);
static_assert(offsetof(struct vmi_rom_header, pci_header_offs) == 24);
static_assert(offsetof(struct vmi_rom_header, pnp_header_offs) == 26);
static_assert(offsetof(struct vmi_rom_header, rom_pad3) == 28);
static_assert(offsetof(struct vmi_rom_header, reserved) == 32);
static_assert(offsetof(struct vmi_rom_header, vmi_init) == 128);
static_assert(offsetof(struct vmi_rom_header, get_reloc) == 136);

/* PCI data structure, at pci_header_offs */
struct vmi_pci_header {
	u32 signature;			/* PCIR */
	u16 vendor;			/* 15AD */
	u16 device;			/* 0801 */
	u16 vpd;			/* 0 */
	u16 length;			/* 24 */
	u8 revision;			/* 0 */
	u8 class[3];			/* memory controller */
	u16 image_length;		/* as rom_length */
	u8 rom_version_min;		/* of the ROM's code */
	u8 rom_version_maj;		/* of the ROM's code */
	u8 code_type;			/* 0: x86 */
	u8 indicator;			/* 80h: last image */
	u16 reserved;			/* 0 */
} __packed __aligned(1);
static_assert(sizeof(struct vmi_pci_header) == 24);
static_assert(offsetof(struct vmi_pci_header, signature) == 0);
static_assert(offsetof(struct vmi_pci_header, vendor) == 4);
static_assert(offsetof(struct vmi_pci_header, device) == 6);
static_assert(offsetof(struct vmi_pci_header, vpd) == 8);
static_assert(offsetof(struct vmi_pci_header, length) == 10);
static_assert(offsetof(struct vmi_pci_header, revision) == 12);
static_assert(offsetof(struct vmi_pci_header, class) == 13);
static_assert(offsetof(struct vmi_pci_header, image_length) == 16);
static_assert(offsetof(struct vmi_pci_header, rom_version_min) == 18);
static_assert(offsetof(struct vmi_pci_header, rom_version_maj) == 19);
static_assert(offsetof(struct vmi_pci_header, code_type) == 20);
static_assert(offsetof(struct vmi_pci_header, indicator) == 21);
static_assert(offsetof(struct vmi_pci_header, reserved) == 22);

/* PnP header, at pnp_header_offs */
struct vmi_pnp_header {
	u32 signature;			/* $PnP */
	u8 revision;			/* 1 */
	u8 length;			/* 2, in units of 16 bytes */
	u16 next;			/* 0: last header */
	u8 reserved;			/* 0 */
	u8 checksum;			/* all 32 bytes sum to 0 */
	u32 device_id;			/* 0 */
	u16 manufacturer;		/* offset of text, 0: none */
	u16 product;			/* offset of text, 0: none */
	u8 type[3];			/* class, subclass, interface */
	u8 indicators;			/* 0 */
	u16 vectors[5];			/* no boot, no static I/O */
} __packed __aligned(1);
static_assert(sizeof(struct vmi_pnp_header) == 32);
static_assert(offsetof(struct vmi_pnp_header, signature) == 0);
static_assert(offsetof(struct vmi_pnp_header, revision) == 4);
static_assert(offsetof(struct vmi_pnp_header, length) == 5);
static_assert(offsetof(struct vmi_pnp_header, next) == 6);
static_assert(offsetof(struct vmi_pnp_header, reserved) == 8);
static_assert(offsetof(struct vmi_pnp_header, checksum) == 9);
static_assert(offsetof(struct vmi_pnp_header, device_id) == 10);
static_assert(offsetof(struct vmi_pnp_header, manufacturer) == 14);
static_assert(offsetof(struct vmi_pnp_header, product) == 16);
static_assert(offsetof(struct vmi_pnp_header, type) == 18);
static_assert(offsetof(struct vmi_pnp_header, indicators) == 21);
static_assert(offsetof(struct vmi_pnp_header, vectors) == 22);

/* SetInitialAPState */
struct vmi_ap_state {
	u32 cr0;
	u32 cr2;
	u32 cr3;
	u32 cr4;
	u64 efer;			/* LME and LMA must be 0 */
	u32 eip;
	u32 eflags;
	u32 eax;
	u32 ebx;
	u32 ecx;
	u32 edx;
	u32 esp;
	u32 ebp;
	u32 esi;
	u32 edi;
	u16 cs;
	u16 ss;
	u16 ds;
	u16 es;
	u16 fs;
	u16 gs;
	u16 ldtr;
	u16 gdtr_limit;
	u32 gdtr_base;
	u32 idtr_base;
	u16 idtr_limit;
	u16 reserved;			/* not read */
} __packed __aligned(4);
static_assert(sizeof(struct vmi_ap_state) == 92);
static_assert(offsetof(struct vmi_ap_state, cr0) == 0);
static_assert(offsetof(struct vmi_ap_state, cr2) == 4);
static_assert(offsetof(struct vmi_ap_state, cr3) == 8);
static_assert(offsetof(struct vmi_ap_state, cr4) == 12);
static_assert(offsetof(struct vmi_ap_state, efer) == 16);
static_assert(offsetof(struct vmi_ap_state, eip) == 24);
static_assert(offsetof(struct vmi_ap_state, eflags) == 28);
static_assert(offsetof(struct vmi_ap_state, eax) == 32);
static_assert(offsetof(struct vmi_ap_state, ebx) == 36);
static_assert(offsetof(struct vmi_ap_state, ecx) == 40);
static_assert(offsetof(struct vmi_ap_state, edx) == 44);
static_assert(offsetof(struct vmi_ap_state, esp) == 48);
static_assert(offsetof(struct vmi_ap_state, ebp) == 52);
static_assert(offsetof(struct vmi_ap_state, esi) == 56);
static_assert(offsetof(struct vmi_ap_state, edi) == 60);
static_assert(offsetof(struct vmi_ap_state, cs) == 64);
static_assert(offsetof(struct vmi_ap_state, ss) == 66);
static_assert(offsetof(struct vmi_ap_state, ds) == 68);
static_assert(offsetof(struct vmi_ap_state, es) == 70);
static_assert(offsetof(struct vmi_ap_state, fs) == 72);
static_assert(offsetof(struct vmi_ap_state, gs) == 74);
static_assert(offsetof(struct vmi_ap_state, ldtr) == 76);
static_assert(offsetof(struct vmi_ap_state, gdtr_limit) == 78);
static_assert(offsetof(struct vmi_ap_state, gdtr_base) == 80);
static_assert(offsetof(struct vmi_ap_state, idtr_base) == 84);
static_assert(offsetof(struct vmi_ap_state, idtr_limit) == 88);
static_assert(offsetof(struct vmi_ap_state, reserved) == 90);

/* SetPxEBatch: one entry of its array */
struct vmi_pxe_update {
	u32 ptep;			/* VA of the page-table entry */
	u32 flags;			/* as SetPxE, and INVAL, LONG, STORED */
	u32 pte_low;			/* the entry */
	u32 pte_high;			/* 0 without LONG */
} __packed __aligned(4);
static_assert(sizeof(struct vmi_pxe_update) == 16);
static_assert(offsetof(struct vmi_pxe_update, ptep) == 0);
static_assert(offsetof(struct vmi_pxe_update, flags) == 4);
static_assert(offsetof(struct vmi_pxe_update, pte_low) == 8);
static_assert(offsetof(struct vmi_pxe_update, pte_high) == 12);

/* SwitchSpace */
struct vmi_switch_space {
	u32 flags;			/* SWITCH_*: which parts */
	u32 cr3;
	u32 esp0;
	u32 tss_va;			/* 0: esp0 is in the TSS */
	u32 sysenter_cs;
	u32 gdt_va;			/* this processor's GDT */
	u32 tls_index;			/* first of three entries */
	u32 reserved;			/* 0 */
	u32 tls[6];			/* three descriptors, low first */
} __packed __aligned(4);
static_assert(sizeof(struct vmi_switch_space) == 56);
static_assert(offsetof(struct vmi_switch_space, flags) == 0);
static_assert(offsetof(struct vmi_switch_space, cr3) == 4);
static_assert(offsetof(struct vmi_switch_space, esp0) == 8);
static_assert(offsetof(struct vmi_switch_space, tss_va) == 12);
static_assert(offsetof(struct vmi_switch_space, sysenter_cs) == 16);
static_assert(offsetof(struct vmi_switch_space, gdt_va) == 20);
static_assert(offsetof(struct vmi_switch_space, tls_index) == 24);
static_assert(offsetof(struct vmi_switch_space, reserved) == 28);
static_assert(offsetof(struct vmi_switch_space, tls) == 32);

/* SetStolenTimePage: the record */
struct vmi_stolen_time {
	u32 version;			/* odd: being written; read again */
	u32 flags;			/* STOLEN_VALID */
	u64 stolen_ns;			/* stolen so far */
	u64 real;			/* counter 0 when it was written */
	u64 available;			/* counter 1 then */
	u64 stolen;			/* counter 2 then */
	u64 reserved[3];		/* 0 */
} __packed __aligned(8);
static_assert(sizeof(struct vmi_stolen_time) == 64);
static_assert(offsetof(struct vmi_stolen_time, version) == 0);
static_assert(offsetof(struct vmi_stolen_time, flags) == 4);
static_assert(offsetof(struct vmi_stolen_time, stolen_ns) == 8);
static_assert(offsetof(struct vmi_stolen_time, real) == 16);
static_assert(offsetof(struct vmi_stolen_time, available) == 24);
static_assert(offsetof(struct vmi_stolen_time, stolen) == 32);
static_assert(offsetof(struct vmi_stolen_time, reserved) == 40);

#ifndef __KERNEL__
#undef u8
#undef u16
#undef u32
#undef u64
#undef __packed
#undef __aligned
#undef static_assert
#define static_assert _Static_assert
#endif
#endif /* __ASSEMBLY__ */
#endif /* _ASM_X86_VMI_H */
