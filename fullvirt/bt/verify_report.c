/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is printed when emitted code is refused.
 */
#include <Zydis/Zydis.h>

#include <stdio.h>
#include <stdlib.h>

#include "fullvirt/bt/verify_priv.h"

static void print_bytes(const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		fprintf(stderr, " %02x", p[i]);
	fputc('\n', stderr);
}

static void print_source(struct bt *bt, const struct tu *tu,
			 const struct tu_insn *in)
{
	uint32_t eip = tu->eip + in->goff, off = eip & ~PAGE_MASK;
	uint32_t n = in->len ? in->len : 15;
	gpa_t gpa = (gpa_t)tu->gpfn << PAGE_SHIFT | off;

	if (n > PAGE_SIZE - off)
		n = PAGE_SIZE - off;	/* the rest is on another frame */
	fprintf(stderr, "%08x: guest bytes", eip);
	print_bytes(mem_hva(bt->mem, gpa), n);
}

static unsigned print_host(const uint8_t *host, uint32_t off, uint32_t end)
{
	static ZydisDecoder dec;
	static ZydisFormatter fmt;
	ZydisDecodedInstruction z;
	ZydisDecodedOperand ops[ZYDIS_MAX_OPERAND_COUNT];
	char text[96];

	ZydisDecoderInit(&dec, ZYDIS_MACHINE_MODE_LONG_64,
			 ZYDIS_STACK_WIDTH_64);
	ZydisFormatterInit(&fmt, ZYDIS_FORMATTER_STYLE_INTEL);
	if (ZYAN_FAILED(ZydisDecoderDecodeFull(&dec, host + off, end - off, &z,
					       ops))) {
		fprintf(stderr, "    +%04x  (bad)", off);
		print_bytes(host + off, 1);
		return 1;
	}
	ZydisFormatterFormatInstruction(&fmt, &z, ops, z.operand_count_visible,
					text, sizeof(text),
					(uint64_t)host + off, NULL);
	fprintf(stderr, "    +%04x  %-40s", off, text);
	print_bytes(host + off, z.length);
	return z.length;
}

/*
 * Print why @host [0, @len) was refused, with the source where there is one
 * (@tu may be NULL), and abort: we are wrong, and must not run it.
 */
void verify_report(struct bt *bt, const struct tu *tu, const uint8_t *host,
		   uint32_t len, const char *why)
{
	uint32_t k = 0;

	fprintf(stderr, "umbra: bt: emitted code refused at %s\n", why);
	if (tu)
		fprintf(stderr, "TU at eip %08x, context %u (flags %x)\n",
			tu->eip, tu->ctx, bt->ctxs[tu->ctx].flags);
	for (uint32_t off = 0; off < len;) {
		const struct tu_insn *in;

		for (; tu && k < tu->ninsn; k++) {
			in = &bt->tc.insns[tu->insn0 + k];
			if (in->host_off > off)
				break;
			print_source(bt, tu, in);
		}
		off += print_host(host, off, len);
	}
	abort();
}
