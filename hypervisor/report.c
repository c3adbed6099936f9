/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers and code in readable form; see report.h. */
#include "hypervisor/report.h"

#include "hypervisor/linear.h"
#include "hypervisor/vcpu.h"

#define CODE_BYTES	16

static void print_segment(const char *name, const struct segment *s,
			  FILE *out)
{
	fprintf(out, "%-4s %04x base %08llx limit %08x attr %05x\n", name,
		s->selector, (unsigned long long)s->base, s->limit, s->attr);
}

static void print_segments(const struct vcpu *v, FILE *out)
{
	static const char *const names[SEG_COUNT] = {
		"es", "cs", "ss", "ds", "fs", "gs",
	};

	for (int i = 0; i < SEG_COUNT; i++)
		print_segment(names[i], &v->seg[i], out);
	print_segment("ldtr", &v->ldtr, out);
	print_segment("tr", &v->tr, out);
}

static void print_gprs32(const struct vcpu *v, FILE *out)
{
	const uint64_t *r = v->gpr;

	fprintf(out, "eax %08x ebx %08x ecx %08x edx %08x\n",
		(uint32_t)r[GPR_AX], (uint32_t)r[GPR_BX],
		(uint32_t)r[GPR_CX], (uint32_t)r[GPR_DX]);
	fprintf(out, "esi %08x edi %08x ebp %08x esp %08x\n",
		(uint32_t)r[GPR_SI], (uint32_t)r[GPR_DI],
		(uint32_t)r[GPR_BP], (uint32_t)r[GPR_SP]);
	fprintf(out, "eip %08x eflags", (uint32_t)v->rip);
}

static void print_gprs64(const struct vcpu *v, FILE *out)
{
	static const char *const names[GPR_COUNT] = {
		"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};

	for (unsigned i = 0; i < GPR_COUNT; i++)
		fprintf(out, "%-3s %016llx%c", names[i],
			(unsigned long long)v->gpr[i], i % 4 == 3 ? '\n' : ' ');
	fprintf(out, "rip %016llx rflags", (unsigned long long)v->rip);
}

void report_registers(const struct vcpu *v, FILE *out)
{
	if (v->msr.efer & EFER_LMA)
		print_gprs64(v, out);
	else
		print_gprs32(v, out);
	fprintf(out, " %08x cpl %u%s\n", (uint32_t)v->rflags, vcpu_cpl(v),
		v->activity == ACTIVITY_HALT ? " halted" : "");
	print_segments(v, out);
	fprintf(out, "gdtr base %08llx limit %04x  idtr base %08llx "
		"limit %04x\n", (unsigned long long)v->gdtr.base,
		v->gdtr.limit, (unsigned long long)v->idtr.base,
		v->idtr.limit);
	fprintf(out, "cr0 %08llx cr2 %08llx cr3 %08llx cr4 %08llx "
		"efer %llx\n", (unsigned long long)v->cr0,
		(unsigned long long)v->cr2, (unsigned long long)v->cr3,
		(unsigned long long)v->cr4, (unsigned long long)v->msr.efer);
}

void report_code(const struct vcpu *v, struct mem *mem, FILE *out)
{
	/* CS has no base in 64-bit mode. */
	gva_t gva = v->msr.efer & EFER_LMA && v->seg[SEG_CS].attr & SEG_L ?
		    v->rip : (uint32_t)(v->seg[SEG_CS].base + v->rip);
	uint8_t byte;

	fprintf(out, "code at %08llx:", (unsigned long long)gva);
	for (unsigned i = 0; i < CODE_BYTES; i++) {
		if (linear_read(v, mem, gva + i, &byte, 1)) {
			fprintf(out, i ? " ..." : " not mapped");
			break;
		}
		fprintf(out, " %02x", byte);
	}
	fputc('\n', out);
}
