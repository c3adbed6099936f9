/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Call sites of the VMI that guests patch: five bytes with the native
 * instruction in them, which pv_init() turns into CALL or JMP.  For assembly;
 * C passes it through SITE_ASM.
 */
#ifndef TOOLS_NANO_SITE_H
#define TOOLS_NANO_SITE_H

#define SITE_LEN	5

#ifdef __ASSEMBLER__
	.macro	SITE call, insn:vararg
771:	\insn
772:	.nops	SITE_LEN - (772b - 771b)
	.pushsection .sites, "a"
	.long	771b, \call
	.popsection
	.endm
#else
#define SITE_STR_(x)	#x
#define SITE_STR(x)	SITE_STR_(x)
#define SITE_ASM(call, insn) \
	"771: " insn "\n" \
	"772: .nops " SITE_STR(SITE_LEN) " - (772b - 771b)\n" \
	".pushsection .sites, \"a\"\n" \
	".long 771b, " SITE_STR(call) "\n" \
	".popsection\n"
#endif

#endif
