// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paging, Intel SDM Vol. 3A 4.3: the first 4 MiB of memory map to themselves,
 * and a window at 1 GiB fills up page by page, by page faults.
 */
#include "demo.h"

#define PAGE		4096u
#define PTE_P		0x001u
#define PTE_W		0x002u
#define PTE_A		0x020u
#define PTE_D		0x040u
#define CR0_PG		0x80000000u
#define CR0_WP		0x00010000u

#define WINDOW		0x40000000u
#define WINDOW_PAGES	256u
/* Frames for the window: RAM behind the kernel, below 4 MiB. */
#define FRAMES		0x200000u

static uint32_t directory[1024] __attribute__((aligned(4096)));
static uint32_t low_table[1024] __attribute__((aligned(4096)));
static uint32_t window_table[1024] __attribute__((aligned(4096)));
static uint32_t faults_absent, faults_write;

static bool on_fault(uint32_t addr, uint32_t error)
{
	uint32_t n = (addr - WINDOW) / PAGE;

	if (n >= WINDOW_PAGES)
		return false;
	if (!(error & PTE_P)) {
		window_table[n] = (FRAMES + n * PAGE) | PTE_P;
		faults_absent++;
		return true;
	}
	if (!(error & PTE_W) || (window_table[n] & PTE_W))
		return false;
	window_table[n] |= PTE_W;
	__asm__ volatile("invlpg (%0)" : : "r"(addr) : "memory");
	faults_write++;
	return true;
}

void paging_init(void)
{
	for (unsigned i = 0; i < 1024; i++)
		low_table[i] = i * PAGE | PTE_P | PTE_W;
	directory[0] = (uint32_t)low_table | PTE_P | PTE_W;
	directory[WINDOW >> 22] = (uint32_t)window_table | PTE_P | PTE_W;
	page_fault = on_fault;
	__asm__ volatile("mov %0, %%cr3" : : "r"(directory) : "memory");
	__asm__ volatile("mov %%cr0, %%eax; or %0, %%eax; mov %%eax, %%cr0"
			 : : "i"(CR0_PG | CR0_WP) : "eax", "memory");
}

static void window_reset(void)
{
	for (unsigned i = 0; i < WINDOW_PAGES; i++)
		window_table[i] = 0;
	faults_absent = faults_write = 0;
	__asm__ volatile("mov %%cr3, %%eax; mov %%eax, %%cr3"
			 : : : "eax", "memory");
}

/* Read each page (absent), write it (read-only), check it where it lies. */
void paging_demo(void)
{
	unsigned wrong = 0, bits = 0;

	window_reset();
	for (unsigned i = 0; i < WINDOW_PAGES; i++) {
		volatile uint32_t *p =
			(volatile uint32_t *)(WINDOW + i * PAGE);

		(void)*p;
		*p = i * 2654435761u;
	}
	for (unsigned i = 0; i < WINDOW_PAGES; i++) {
		volatile uint32_t *frame =
			(volatile uint32_t *)(FRAMES + i * PAGE);

		wrong += *frame != i * 2654435761u;
		bits += (window_table[i] & (PTE_A | PTE_D)) ==
			(PTE_A | PTE_D);
	}
	print("paging:  %u pages, %u faults (absent), %u faults (read-only), "
	      "%u wrong, %u accessed and dirty\n", WINDOW_PAGES,
	      faults_absent, faults_write, wrong, bits);
}
