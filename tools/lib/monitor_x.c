// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/lib/monitor_x.h"

#include <Zydis/Zydis.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/linear.h"
#include "hypervisor/mem.h"
#include "hypervisor/vcpu.h"

#define COUNT_MAX	4096u
#define LINE		16u	/* bytes of data on a line */
#define INSN_MAX	15u

/*
 * x and xp.
 */

struct request {
	unsigned count, size;
	char format;
	uint64_t addr;
};

static unsigned size_of(char c)
{
	switch (c) {
	case 'b': return 1;
	case 'h': return 2;
	case 'w': return 4;
	case 'g': return 8;
	default: return 0;
	}
}

/* In the order of the ModRM field. */
static const char *const gpr_names[] = {
	"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
};

/* "$eip", or "$pc" with the base of its segment.  Advances *s. */
static bool parse_register(const struct vcpu *v, const char **s, uint64_t *out)
{
	size_t n = strcspn(*s, "+-");

	if (!strncmp(*s, "eip", n) && n == 3) {
		*out = v->rip;
	} else if (!strncmp(*s, "pc", n) && n == 2) {
		*out = v->seg[SEG_CS].base + v->rip;
	} else {
		unsigned i = 0;

		while (i < ARRAY_SIZE(gpr_names) &&
		       (strlen(gpr_names[i]) != n ||
			strncmp(*s, gpr_names[i], n)))
			i++;
		if (i == ARRAY_SIZE(gpr_names))
			return false;
		*out = v->gpr[i];
	}
	*s += n;
	return true;
}

/* A number, or $REGISTER and what to add. */
static bool parse_address(const struct vcpu *v, const char *s, uint64_t *out)
{
	char *end;

	*out = 0;
	if (*s == '$') {
		s++;
		if (!parse_register(v, &s, out))
			return false;
		if (!*s)
			return true;
	}
	*out += strtoull(s, &end, 0);
	return end != s && !*end;
}

static bool parse(const struct vcpu *v, struct request *r, const char *s)
{
	char *end;

	*r = (struct request){ .count = 1, .size = 4, .format = 'x' };
	if (*s == '/') {
		s++;
		if (isdigit((unsigned char)*s)) {
			r->count = strtoul(s, &end, 10);
			s = end;
		}
		for (; isalpha((unsigned char)*s); s++) {
			if (size_of(*s))
				r->size = size_of(*s);
			else if (strchr("xduoci", *s))
				r->format = *s;
			else
				return false;
		}
		s += strspn(s, " \t");
	}
	return parse_address(v, s, &r->addr) && r->count &&
	       r->count <= COUNT_MAX;
}

static int fetch(const struct vcpu *v, struct mem *mem, bool physical,
		 uint64_t addr, void *buf, size_t len)
{
	return physical ? mem_read(mem, addr, buf, len)
			: linear_read(v, mem, addr, buf, len);
}

static void print_value(uint64_t val, unsigned size, char format, FILE *out)
{
	int64_t low = (int64_t)(val << (64 - 8 * size)) >> (64 - 8 * size);

	switch (format) {
	case 'd': fprintf(out, " %*" PRId64, (int)(size * 5 / 2 + 2), low); break;
	case 'u': fprintf(out, " %*" PRIu64, (int)(size * 5 / 2 + 1), val); break;
	case 'o': fprintf(out, " 0%*.*" PRIo64, (int)size * 3, (int)size * 3,
			  val); break;
	case 'c':
		fprintf(out, isprint((int)(val & 0xff)) ? " '%c'" : " .",
			(char)val);
		break;
	default: fprintf(out, " 0x%0*" PRIx64, (int)size * 2, val); break;
	}
}

static void print_data(const struct vcpu *v, struct mem *mem,
		       const struct request *r, bool physical, FILE *out)
{
	uint64_t addr = r->addr, val;

	for (unsigned i = 0; i < r->count; i++, addr += r->size) {
		val = 0;
		if ((addr - r->addr) % LINE == 0)
			fprintf(out, "%s%08" PRIx64 ":", i ? "\n" : "", addr);
		if (fetch(v, mem, physical, addr, &val, r->size)) {
			fprintf(out, " not mapped");
			break;
		}
		print_value(val, r->size, r->format, out);
	}
	fputc('\n', out);
}

/* Bytes at @addr, up to the first that is not mapped. */
static unsigned code_bytes(const struct vcpu *v, struct mem *mem,
			   bool physical, uint64_t addr, uint8_t *buf)
{
	unsigned n = 0;

	while (n < INSN_MAX && !fetch(v, mem, physical, addr + n, buf + n, 1))
		n++;
	return n;
}

static void decoder_for(const struct vcpu *v, ZydisDecoder *d)
{
	uint32_t attr = v->seg[SEG_CS].attr;

	if (v->msr.efer & EFER_LMA && attr & SEG_L)
		ZydisDecoderInit(d, ZYDIS_MACHINE_MODE_LONG_64,
				 ZYDIS_STACK_WIDTH_64);
	else if (attr & SEG_DB && !(v->rflags & FLAG_VM))
		ZydisDecoderInit(d, ZYDIS_MACHINE_MODE_LONG_COMPAT_32,
				 ZYDIS_STACK_WIDTH_32);
	else
		ZydisDecoderInit(d, ZYDIS_MACHINE_MODE_LONG_COMPAT_16,
				 ZYDIS_STACK_WIDTH_16);
}

static void print_code(const struct vcpu *v, struct mem *mem,
		       const struct request *r, bool physical, FILE *out)
{
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisFormatter f;
	ZydisDecoder d;
	uint64_t addr = r->addr;

	decoder_for(v, &d);
	ZydisFormatterInit(&f, ZYDIS_FORMATTER_STYLE_ATT);
	for (unsigned i = 0; i < r->count; i++, addr += insn.length) {
		uint8_t buf[INSN_MAX];
		char text[128] = "(bad)";
		unsigned n = code_bytes(v, mem, physical, addr, buf);

		if (!n) {
			fprintf(out, "%08" PRIx64 ": not mapped\n", addr);
			return;
		}
		if (ZYAN_SUCCESS(ZydisDecoderDecodeFull(&d, buf, n, &insn,
							ops)))
			ZydisFormatterFormatInstruction(&f, &insn, ops,
				insn.operand_count_visible, text,
				sizeof(text), addr, NULL);
		else
			insn.length = 1;
		fprintf(out, "%08" PRIx64 ":  %s\n", addr, text);
	}
}

void monitor_examine(const struct vcpu *v, struct mem *mem, const char *args,
		     bool physical, FILE *out)
{
	struct request r;

	if (!parse(v, &r, args))
		fprintf(out, "x: %s: not [/COUNT FORMAT SIZE] ADDRESS (a number, "
			"or $eip, $pc, $esp ... +N)\n", args);
	else if (r.format == 'i')
		print_code(v, mem, &r, physical, out);
	else
		print_data(v, mem, &r, physical, out);
}

/*
 * info mem and info tlb: a walk over the whole tree.
 */

typedef void page_fn(void *opaque, const struct linear_page *p);

static bool all_pages(const struct vcpu *v, struct mem *mem, page_fn *fn,
		      void *opaque, FILE *out)
{
	if (v->cr0 & CR0_PG) {
		linear_pages(v, mem, fn, opaque);
		return true;
	}
	fputs("paging is off\n", out);
	return false;
}

struct range {
	gva_t from, to;
	bool user, write, open;
	FILE *out;
};

static void end_range(struct range *r)
{
	if (r->open)
		fprintf(r->out, "%016" PRIx64 "-%016" PRIx64 " %c%c%c\n",
			r->from, r->to, r->user ? 'u' : '-', 'r',
			r->write ? 'w' : '-');
	r->open = false;
}

static void join(void *opaque, const struct linear_page *p)
{
	struct range *r = opaque;

	if (!r->open || p->lin != r->to || p->user != r->user ||
	    p->write != r->write) {
		end_range(r);
		*r = (struct range){ p->lin, p->lin, p->user, p->write, true,
				     r->out };
	}
	r->to = p->lin + p->size;
}

void monitor_print_ranges(const struct vcpu *v, struct mem *mem, FILE *out)
{
	struct range r = { .out = out };

	all_pages(v, mem, join, &r, out);
	end_range(&r);
}

static void print_page(void *opaque, const struct linear_page *p)
{
	FILE *out = opaque;

	fprintf(out, "%016" PRIx64 ": %016" PRIx64 " %c%c%c%c%c%c%c\n",
		p->lin, p->gpa, p->entry & 0x100 ? 'G' : '-',
		p->size > PAGE_SIZE ? 'P' : '-', p->entry & 0x40 ? 'D' : '-',
		p->entry & 0x20 ? 'A' : '-', p->entry >> 63 ? 'X' : '-',
		p->user ? 'U' : '-', p->write ? 'W' : '-');
}

void monitor_print_pages(const struct vcpu *v, struct mem *mem, FILE *out)
{
	all_pages(v, mem, print_page, out, out);
}
