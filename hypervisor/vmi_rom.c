/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is this file a VMI option ROM that a guest may be given?  spec/vmi.md,
 * "Discovery"; PCI Firmware Specification 3.0 chapter 5; Plug and Play BIOS
 * Specification 1.0A section 3.2.
 */
#include "hypervisor/vmi_rom.h"

#include <errno.h>
#include <string.h>

#include "hypervisor/vmi_private.h"
#include "spec/vmi.h"

static int bad(char *err, const char *why)
{
	snprintf(err, VMI_ROM_ERR_LEN, "%s", why);
	return -EINVAL;
}

uint8_t vmi_rom_sum(const uint8_t *rom, size_t len)
{
	uint8_t sum = 0;

	while (len--)
		sum += *rom++;
	return sum;
}

void vmi_rom_fix_sum(uint8_t *rom, size_t len)
{
	rom[VMI_ROM_SUM_AT] -= vmi_rom_sum(rom, len);
}

static bool text_at(const uint8_t *rom, unsigned size, unsigned at, char *out,
		    size_t room)
{
	size_t n = 0;

	for (; at + n < size && n + 1 < room && rom[at + n]; n++)
		out[n] = rom[at + n] >= ' ' && rom[at + n] < 127 ?
			 rom[at + n] : '?';
	out[n] = 0;
	return at + n < size && !rom[at + n];
}

static int parse_pci(const uint8_t *rom, const struct vmi_rom_header *h,
		     struct vmi_rom_info *info, char *err)
{
	struct vmi_pci_header p;

	if (!h->pci_header_offs)
		return bad(err, "no PCI data structure");
	if (h->pci_header_offs + sizeof(p) > info->size)
		return bad(err, "the PCI data structure is outside the image");
	memcpy(&p, rom + h->pci_header_offs, sizeof(p));
	if (memcmp(&p.signature, "PCIR", 4))
		return bad(err, "the PCI data structure does not begin with "
			   "PCIR");
	if (p.vendor != VMI_PCI_VENDOR || p.device != VMI_PCI_DEVICE)
		return bad(err, "the PCI data structure is not 15ad:0801");
	if (p.image_length * 512u != info->size)
		return bad(err, "the PCI data structure has another length");
	info->vendor = p.vendor;
	info->device = p.device;
	info->version_major = p.rom_version_maj;
	info->version_minor = p.rom_version_min;
	return 0;
}

static int parse_pnp(const uint8_t *rom, const struct vmi_rom_header *h,
		     struct vmi_rom_info *info, char *err)
{
	struct vmi_pnp_header p;

	strcpy(info->manufacturer, "UNKNOWN");
	strcpy(info->product, "UNKNOWN");
	if (!h->pnp_header_offs)
		return 0;
	if (h->pnp_header_offs + sizeof(p) > info->size)
		return bad(err, "the PnP header is outside the image");
	memcpy(&p, rom + h->pnp_header_offs, sizeof(p));
	if (memcmp(&p.signature, "$PnP", 4))
		return bad(err, "the PnP header does not begin with $PnP");
	if (vmi_rom_sum(rom + h->pnp_header_offs, sizeof(p)))
		return bad(err, "the PnP header's checksum is wrong");
	if ((p.manufacturer && !text_at(rom, info->size, p.manufacturer,
					info->manufacturer,
					sizeof(info->manufacturer))) ||
	    (p.product && !text_at(rom, info->size, p.product, info->product,
				   sizeof(info->product))))
		return bad(err, "a string of the PnP header has no end in the "
			   "image");
	return 0;
}

static int parse_license(const uint8_t *rom, const struct vmi_rom_header *h,
			 struct vmi_rom_info *info, char *err)
{
	if (!h->license_offs)
		return bad(err, "no license string");
	if (!text_at(rom, info->size, h->license_offs, info->license,
		     sizeof(info->license)))
		return bad(err, "the license string has no end in the image");
	if (strcmp(info->license, "GPL") && strcmp(info->license, "GPL v2"))
		return bad(err, "the license is neither GPL nor GPL v2; no "
			   "guest would use it");
	return 0;
}

/* A slot of 8 bytes begins with a jump that ends inside the image. */
static bool slot_jumps(const uint8_t *rom, unsigned size, unsigned at)
{
	int32_t rel;

	if (rom[at] == 0xeb)
		return at + 2 + (int8_t)rom[at + 1] < size &&
		       (int)(at + 2) + (int8_t)rom[at + 1] >= 0;
	if (rom[at] == 0xc3)
		return true;
	memcpy(&rel, rom + at + 1, 4);
	return rom[at] == 0xe9 && (int64_t)at + 5 + rel >= 0 &&
	       (int64_t)at + 5 + rel < size;
}

/* ------------------------------------------------ what our own answer */

static const char *const call_names[] = {
#define VMI_CALL(nr, id, name, since, class, conv, result, types, site, args, \
		 text) #name,
#include "spec/vmi-calls.def"
};

/* Bit 1 << type: what the specification lets a ROM answer. */
static const uint8_t allowed[] = {
#define TYPES_N		(1 << VMI_RELOC_NONE)
#define TYPES_NC	(TYPES_N | 1 << VMI_RELOC_CALL)
#define TYPES_NCP	(TYPES_NC | 1 << VMI_RELOC_NOP)
#define TYPES_CJ	(1 << VMI_RELOC_CALL | 1 << VMI_RELOC_JUMP)
#define TYPES_NCJ	(TYPES_N | TYPES_CJ)
#define VMI_CALL(nr, id, name, since, class, conv, result, types, site, args, \
		 text) TYPES_##types,
#include "spec/vmi-calls.def"
};

/* spec/vmi.md, "What belongs together". */
static const struct {
	uint8_t if_call, then_call;
} pairs[] = {
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_GET_CYCLE_COUNTER },
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_SET_ALARM },
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_CANCEL_ALARM },
	{ VMI_CALL_GET_CYCLE_FREQUENCY, VMI_CALL_GET_WALLCLOCK_TIME },
	{ VMI_CALL_SET_PXE_LONG, VMI_CALL_UPDATE_PXE_LONG },
	{ VMI_CALL_SET_PXE, VMI_CALL_UPDATE_PXE },
	{ VMI_CALL_WRITE_LDT_ENTRY, VMI_CALL_WRITE_IDT_ENTRY },
	{ VMI_CALL_ALLOCATE_PAGE, VMI_CALL_RELEASE_PAGE },
	{ VMI_CALL_RELEASE_PAGE, VMI_CALL_ALLOCATE_PAGE },
	{ VMI_CALL_GET_INTERRUPT_MASK, VMI_CALL_DISABLE_INTERRUPTS },
	{ VMI_CALL_DISABLE_INTERRUPTS, VMI_CALL_GET_INTERRUPT_MASK },
};

static bool offers(const uint8_t *rom, const struct vmi_rom_info *info,
		   unsigned nr)
{
	unsigned at;

	return vmi_rom_answer(rom, info, nr, &at) == VMI_RELOC_CALL;
}

static int check_answers(const uint8_t *rom, const struct vmi_rom_info *info,
			 char *err)
{
	unsigned at;

	for (unsigned n = 0; n < info->ncalls; n++) {
		unsigned type = vmi_rom_answer(rom, info, n, &at);

		if (type <= VMI_RELOC_NOP && allowed[n] >> type & 1 &&
		    at < info->size)
			continue;
		snprintf(err, VMI_ROM_ERR_LEN, "answers %s by type %u, at %x",
			 call_names[n], type, at);
		return -EINVAL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(pairs); i++) {
		if (!offers(rom, info, pairs[i].if_call) ||
		    offers(rom, info, pairs[i].then_call))
			continue;
		snprintf(err, VMI_ROM_ERR_LEN, "offers %s without %s",
			 call_names[pairs[i].if_call],
			 call_names[pairs[i].then_call]);
		return -EINVAL;
	}
	return 0;
}

/* The private part of our own. */
static int parse_ours(const uint8_t *rom, struct vmi_rom_info *info, char *err)
{
	uint32_t magic;
	uint16_t protocol;

	memcpy(&magic, rom + VMI_ROM_MAGIC_AT, 4);
	if (magic != VMI_ROM_MAGIC)
		return 0;
	memcpy(&protocol, rom + VMI_ROM_PROTOCOL_AT, 2);
	if (protocol != VMI_PROTOCOL)
		return bad(err, "made for another version of Umbra");
	info->kind = rom[VMI_ROM_KIND_AT];
	info->flags = rom[VMI_ROM_FLAGS_AT];
	memcpy(&info->answers, rom + VMI_ROM_TABLE_AT, 2);
	memcpy(&info->ncalls, rom + VMI_ROM_CALLS_AT, 2);
	memcpy(&info->iret, rom + VMI_ROM_IRET_AT, 2);
	if (info->kind > VMI_ROM_HV || info->ncalls > VMI_CALLS ||
	    info->answers + info->ncalls * (unsigned)VMI_ANSWER_SIZE > info->size ||
	    info->iret >= info->size)
		return bad(err, "its private part makes no sense");
	info->ours = true;
	return check_answers(rom, info, err);
}

static int parse_header(const uint8_t *rom, size_t len,
			const struct vmi_rom_header *h,
			struct vmi_rom_info *info, char *err)
{
	if (h->rom_signature != VMI_ROM_SIGNATURE)
		return bad(err, "not an option ROM (no 55 AA)");
	info->size = h->rom_length * 512u;
	if (info->size > len)
		return bad(err, "shorter than its header says");
	if (info->size < sizeof(*h))
		return bad(err, "its length byte is too small for a header");
	if (vmi_rom_sum(rom, info->size))
		return bad(err, "its checksum is wrong");
	if (h->vrom_signature != VMI_SIGNATURE)
		return bad(err, "an option ROM, but not for VMI (no cVmi)");
	info->major = h->api_version_maj;
	info->minor = h->api_version_min;
	if (info->major != VMI_API_MAJOR) {
		snprintf(err, VMI_ROM_ERR_LEN, "for VMI %u.%u; this is VMI "
			 "%u.%u", info->major, info->minor, VMI_API_MAJOR,
			 VMI_API_MINOR);
		return -EINVAL;
	}
	info->virtual_top = h->virtual_top;
	if (info->virtual_top & 0xfff)
		return bad(err, "virtual_top is not page-aligned");
	if (!slot_jumps(rom, info->size, VMI_OFF_INIT) ||
	    !slot_jumps(rom, info->size, VMI_OFF_GET_RELOC))
		return bad(err, "the slots at 80h and 88h do not jump into "
			   "the image");
	return 0;
}

int vmi_rom_parse(const uint8_t *rom, size_t len, struct vmi_rom_info *info,
		  char *err)
{
	struct vmi_rom_header h;
	int code;

	memset(info, 0, sizeof(*info));
	if (len < sizeof(h))
		return bad(err, "too short for an option ROM");
	if (len > VMI_ROM_MAX)
		return bad(err, "too long for the option-ROM area");
	memcpy(&h, rom, sizeof(h));
	code = parse_header(rom, len, &h, info, err);
	if (!code)
		code = parse_license(rom, &h, info, err);
	if (!code)
		code = parse_pci(rom, &h, info, err);
	if (!code)
		code = parse_pnp(rom, &h, info, err);
	if (!code)
		code = parse_ours(rom, info, err);
	return code;
}

unsigned vmi_rom_answer(const uint8_t *rom, const struct vmi_rom_info *info,
			unsigned nr, unsigned *offset)
{
	const uint8_t *a = rom + info->answers + nr * VMI_ANSWER_SIZE;

	*offset = 0;
	if (!info->ours || nr >= info->ncalls)
		return VMI_RELOC_NONE;
	*offset = a[0] | a[1] << 8;
	return a[2];
}

const char *vmi_rom_kind_name(unsigned kind)
{
	static const char *const names[] = { "native", "bt", "hv" };

	return kind < ARRAY_SIZE(names) ? names[kind] : "?";
}
