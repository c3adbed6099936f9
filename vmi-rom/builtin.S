/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three ROMs as they come with the program. */
	.section .rodata
	.globl	vmi_rom_native_image, vmi_rom_bt_image, vmi_rom_hv_image
	.globl	vmi_rom_native_end, vmi_rom_bt_end, vmi_rom_hv_end
vmi_rom_native_image:
	.incbin	"native.rom"
vmi_rom_native_end:
vmi_rom_bt_image:
	.incbin	"bt.rom"
vmi_rom_bt_end:
vmi_rom_hv_image:
	.incbin	"hv.rom"
vmi_rom_hv_end:
	.section .note.GNU-stack, "", @progbits
