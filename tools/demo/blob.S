/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The demo guest inside the umbra program; DEMO_ELF comes from rules.mk. */
	.section .rodata
	.globl	demo_image, demo_image_end
	.balign	16
demo_image:
	.incbin	DEMO_ELF
demo_image_end:
	.section .note.GNU-stack, "", @progbits
