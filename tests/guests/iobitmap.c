/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port I/O at CPL 3: IOPL, the bitmap of the TSS, its limit. */
#include "tests/guests/guest.h"

#define POST	0x80	/* a port that takes anything */

extern const uint8_t io_out8[], io_out32[], io_in8[], io_outs[];
__asm__(
	"io_out8: outb %al, $0x80; int $0x80\n"
	"io_out32: outl %eax, $0x80; int $0x80\n"
	"io_in8: inb $0x80, %al; int $0x80\n"
	"io_outs: movw $0x80, %dx; outsb; int $0x80\n");

static uint32_t sp;

static uint32_t run(const uint8_t *code, uint32_t flags)
{
	return USER(code, sp, flags);
}

static void allow(unsigned port, bool yes)
{
	if (yes)
		tss.bits[port / 8] &= ~(1u << port % 8);
	else
		tss.bits[port / 8] |= 1u << port % 8;
}

void guest_main(void)
{
	sp = SCRATCH(20) + PAGE;
	ok(run(io_out8, 0) == 13 && last.error == 0, "no bitmap: #GP(0)");
	ok(run(io_out8, IOPL3) == 0x80, "IOPL 3 needs none");
	tss.iomap = offsetof(struct tss, bits);
	memset(tss.bits, 0xff, sizeof(tss.bits));
	ok(run(io_out8, 0) == 13, "a bitmap that forbids");
	allow(POST, true);
	ok(run(io_out8, 0) == 0x80, "a bitmap that allows");
	ok(run(io_in8, 0) == 0x80, "inb, too");
	ok(run(io_out32, 0) == 13, "a dword needs four bits");
	allow(POST + 1, true);
	allow(POST + 2, true);
	ok(run(io_out32, 0) == 13, "three are not enough");
	allow(POST + 3, true);
	ok(run(io_out32, 0) == 0x80, "four are");
	ok(run(io_outs, 0) == 0x80, "outsb");
	allow(POST, false);
	ok(run(io_out8, 0) == 13, "a change counts at once");
	gdt[TSS_SEL / 8] = descriptor((uint32_t)&tss,
				      offsetof(struct tss, bits) + POST / 8,
				      SEG_TSS);
	__asm__ volatile("ltr %w0" :: "r"(TSS_SEL));
	allow(POST, true);
	ok(run(io_out8, 0) == 13, "both bytes of the bitmap must be in the TSS");
	gdt[TSS_SEL / 8] = descriptor((uint32_t)&tss,
				      offsetof(struct tss, bits) + POST / 8 + 1,
				      SEG_TSS);
	__asm__ volatile("ltr %w0" :: "r"(TSS_SEL));
	ok(run(io_out8, 0) == 0x80, "just within the limit");
}
