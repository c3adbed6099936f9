/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From options to the list of optional devices (hypervisor/pc_device.h), with
 * their backends open.
 */
#ifndef TOOLS_UMBRA_DEVICES_H
#define TOOLS_UMBRA_DEVICES_H

#include <stdio.h>

#include "hypervisor/pc_device.h"
#include "hypervisor/vmi.h"
#include "tools/umbra/screen.h"

struct block_queue;
struct audio_backend;
struct char_backend;
struct loop;
struct net_backend;
struct run_config;

#define DEVICES_MAX	64
#define DEVICES_NETS	16
#define DEVICES_CHARS	8

struct device_list {
	struct pc_device_spec specs[DEVICES_MAX];
	unsigned n;
	char **texts[DEVICES_MAX];	/* name and keys that specs point to */
	struct screen screen;
	struct char_backend *debugcon;
	struct audio_backend *audio;
	struct block_queue *queues[DEVICES_MAX];	/* of the drives */
	unsigned nqueues;
	struct net_entry {
		struct net_backend *backend;
		char *id;	/* of --netdev; NULL: a card has it */
	} nets[DEVICES_NETS];
	unsigned nnets;
	struct char_backend *chars[DEVICES_CHARS];	/* of chardev= */
	unsigned nchars;
	struct vmi_setup vmi;
	void *vmi_file;
};

/*
 * Fill @l, all zeros, from @c.  Returns 0, or a negative errno with one line
 * in @err.  devices_close() after a failure, too, and behind the VM.
 */
int devices_open(struct device_list *l, const struct run_config *c,
		 struct loop *loop, FILE *log, char *err, size_t err_len);
/* The drives of @c; part of the above. */
int drives_open(struct device_list *l, const struct run_config *c,
		struct loop *loop, FILE *log, char *err, size_t err_len);
/* The networks of @c and the cards of --nic; part of the above. */
int nets_open(struct device_list *l, const struct run_config *c,
	      struct loop *loop, FILE *log, char *err, size_t err_len);
/* The network with this id, or NULL. */
struct net_backend *nets_find(struct device_list *l, const char *id);
void nets_close(struct device_list *l);
/* What the drives have done so far, a line each. */
void drives_print_stats(const struct device_list *l,
			const struct run_config *c, FILE *out);
void devices_close(struct device_list *l);

/*
 * One more device: with @keys, which must stay; or from "NAME,KEY=VALUE,...".
 * Returns 0, -ENOSPC or -ENOMEM with one line in @err.
 */
int devices_add(struct device_list *l, const char *name, void *backend,
		const char *const *keys, char *err, size_t err_len);
int devices_add_text(struct device_list *l, const char *text, void *backend,
		     char *err, size_t err_len);

/*
 * Add the VMI that @c asks for, with the ROM for @engine ("bt"...) unless it
 * names another.  @console: of ConsoleWrite, or NULL.  As devices_open().
 */
int devices_add_vmi(struct device_list *l, const struct run_config *c,
		    const char *engine, struct char_backend *console,
		    char *err, size_t err_len);

/* Print the table if --device help was given; then true. */
bool devices_help(const struct run_config *c, FILE *out);

#endif
