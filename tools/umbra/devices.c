// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of optional devices; see devices.h. */
#define _GNU_SOURCE	/* strsep */
#include "tools/umbra/devices.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/audio.h"
#include "backends/block_queue.h"
#include "backends/char.h"
#include "backends/char_open.h"
#include "backends/net_open.h"
#include "hypervisor/vmi_private.h"	/* VMI_ROM_NATIVE... */
#include "hypervisor/vmi_rom.h"
#include "tools/lib/file.h"
#include "tools/lib/options.h"

int devices_add(struct device_list *l, const char *name, void *backend,
		const char *const *keys, char *err, size_t err_len)
{
	if (l->n == DEVICES_MAX) {
		snprintf(err, err_len, "%s: more than %d devices", name,
			 DEVICES_MAX);
		return -ENOSPC;
	}
	l->specs[l->n++] = (struct pc_device_spec){ name, backend, keys };
	return 0;
}

/* "NAME,KEY=VALUE,...": an array of its parts in one allocation. */
static char **split(const char *text)
{
	size_t parts = 1, len = strlen(text) + 1;
	char **v, *rest;

	for (const char *p = text; *p; p++)
		parts += *p == ',';
	v = malloc((parts + 1) * sizeof(*v) + len);
	if (!v)
		return NULL;
	rest = memcpy(v + parts + 1, text, len);
	for (size_t i = 0; i <= parts; i++)
		v[i] = strsep(&rest, ",");
	return v;
}

int devices_add_text(struct device_list *l, const char *text, void *backend,
		     char *err, size_t err_len)
{
	char **v = split(text);
	int code;

	if (!v) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	code = devices_add(l, v[0], backend, (const char *const *)v + 1, err, err_len);
	if (code)
		free(v);
	else
		l->texts[l->n - 1] = v;
	return code;
}

static int add_debugcon(struct device_list *l, const char *spec,
			const struct char_open_args *args, char *err,
			size_t err_len)
{
	static const char prefix[] = "debugcon: ";
	size_t n = sizeof(prefix) - 1;
	int code;

	memcpy(err, prefix, sizeof(prefix));
	code = char_open(&l->debugcon, spec, args, err + n, err_len - n);
	return code ? code : devices_add(l, "debugcon", l->debugcon, NULL, err,
				 err_len);
}

/* Take "@key=VALUE" out of the keys @v; NULL if it is not there. */
static char *take_key(char **v, const char *key)
{
	size_t len = strlen(key);

	for (; *v; v++)
		if (!strncmp(*v, key, len) && (*v)[len] == '=') {
			char *val = *v + len + 1;

			for (; *v; v++)
				v[0] = v[1];
			return val;
		}
	return NULL;
}

/* QEMU's names end in the bus. */
static void strip_bus(char *name)
{
	size_t len = strlen(name);

	if (len > 4 && !strncmp(name, "virtio-", 7) &&
	    !strcmp(name + len - 4, "-pci"))
		name[len - 4] = '\0';
}

static int open_chardev(struct device_list *l, const char *spec,
			const struct char_open_args *args, char *err,
			size_t err_len)
{
	if (l->nchars == DEVICES_CHARS) {
		snprintf(err, err_len, "chardev=%s: more than %d", spec,
			 DEVICES_CHARS);
		return -ENOSPC;
	}
	if (char_open(&l->chars[l->nchars], spec, args, err, err_len))
		return -EINVAL;
	l->nchars++;
	return 0;
}

/* --device: netdev=ID and chardev=BACKEND become the device's backend. */
static int add_device(struct device_list *l, const char *text,
		      const struct char_open_args *args, char *err,
		      size_t err_len)
{
	int code = devices_add_text(l, text, NULL, err, err_len);
	struct pc_device_spec *spec = &l->specs[l->n - 1];
	char *net, *chr;

	if (code)
		return code;
	strip_bus(l->texts[l->n - 1][0]);
	net = take_key(l->texts[l->n - 1] + 1, "netdev");
	chr = take_key(l->texts[l->n - 1] + 1, "chardev");
	if (net)
		spec->backend = nets_find(l, net);
	if (net && !spec->backend) {
		snprintf(err, err_len, "%s: netdev=%s: no --netdev has this "
			 "id", spec->name, net);
		return -EINVAL;
	}
	if (!chr)
		return 0;
	code = open_chardev(l, chr, args, err, err_len);
	spec->backend = code ? NULL : l->chars[l->nchars - 1];
	return code;
}

static int add_parallel(struct device_list *l, const char *spec,
			const struct char_open_args *args, char *err,
			size_t err_len)
{
	int code = open_chardev(l, spec, args, err, err_len);

	return code ? code : devices_add(l, "parallel", l->chars[l->nchars - 1],
					 NULL, err, err_len);
}

/* "wav:FILE" or "null". */
static int add_sound(struct device_list *l, const char *spec, char *err,
		     size_t err_len)
{
	int code = 0;

	if (!strncmp(spec, "wav:", 4) && spec[4]) {
		code = audio_wav_open(&l->audio, spec + 4);
		if (code)
			snprintf(err, err_len, "sound: %s: %s", spec + 4,
				 strerror(-code));
	} else if (strcmp(spec, "null")) {
		code = -EINVAL;
		snprintf(err, err_len, "--sound %s: must be wav:FILE or null",
			 spec);
	}
	return code ? code : devices_add(l, "sb16", l->audio, NULL, err,
					 err_len);
}

int devices_open(struct device_list *l, const struct run_config *c,
		 struct loop *loop, FILE *log, char *err, size_t err_len)
{
	struct char_open_args args = { .loop = loop, .log = log };
	int code = 0;

	if (c->debugcon)
		code = add_debugcon(l, c->debugcon, &args, err, err_len);
	if (!code && c->parallel && strcmp(c->parallel, "none"))
		code = add_parallel(l, c->parallel, &args, err, err_len);
	if (!code && c->sound)
		code = add_sound(l, c->sound, err, err_len);
	if (!code)
		code = screen_open(&l->screen, c, err, err_len);
	if (!code && l->screen.display)
		code = devices_add(l, "VGA", &l->screen.vga, NULL, err,
				   err_len);
	if (!code)
		code = drives_open(l, c, loop, log, err, err_len);
	if (!code)
		code = nets_open(l, c, loop, log, err, err_len);
	for (unsigned i = 0; i < c->devices.n && !code; i++)
		code = add_device(l, c->devices.v[i], &args, err, err_len);
	return code;
}

/* The image that @what names: NULL for a file that is none. */
static const uint8_t *vmi_rom(struct device_list *l, const char *what,
			      const char *engine, size_t *len, char *err,
			      size_t err_len)
{
	struct vmi_rom_info info;
	char why[VMI_ROM_ERR_LEN];

	if (!strcmp(what, "on"))
		what = strcmp(engine, "hv") ? "bt" : "hv";
	for (unsigned k = VMI_ROM_NATIVE; k <= VMI_ROM_HV; k++)
		if (!strcmp(what, vmi_rom_kind_name(k)))
			return vmi_rom_builtin(k, len);
	if (file_load(what, VMI_ROM_MAX, &l->vmi_file, len, err, err_len))
		return NULL;
	if (vmi_rom_parse(l->vmi_file, *len, &info, why)) {
		snprintf(err, err_len, "%s: %s (not a VMI ROM; --vmi native "
			 "is)", what, why);
		return NULL;
	}
	return l->vmi_file;
}

int devices_add_vmi(struct device_list *l, const struct run_config *c,
		    const char *engine, struct char_backend *console,
		    char *err, size_t err_len)
{
	if (!c->vmi || !strcmp(c->vmi, "off"))
		return 0;
	l->vmi = (struct vmi_setup){ .observer = c->vmi_observer,
				     .opaque = c->vmi_opaque,
				     .console = console };
	l->vmi.rom = vmi_rom(l, c->vmi, engine, &l->vmi.len, err, err_len);
	if (!l->vmi.rom)
		return -EINVAL;
	return devices_add(l, "vmi", &l->vmi, NULL, err, err_len);
}

void devices_close(struct device_list *l)
{
	free(l->vmi_file);
	for (unsigned i = 0; i < l->n; i++)
		free(l->texts[i]);
	for (unsigned i = 0; i < l->nqueues; i++)
		block_queue_destroy(l->queues[i]);
	for (unsigned i = 0; i < l->nchars; i++)
		l->chars[i]->ops->destroy(l->chars[i]);
	nets_close(l);
	screen_close(&l->screen);
	if (l->audio)
		l->audio->ops->destroy(l->audio);
	if (l->debugcon)
		l->debugcon->ops->destroy(l->debugcon);
	memset(l, 0, sizeof(*l));
}

bool devices_help(const struct run_config *c, FILE *out)
{
	const char *name, *help;

	if ((c->nics.n && !strcmp(c->nics.v[0], "help")) ||
	    (c->netdevs.n && !strcmp(c->netdevs.v[0], "help"))) {
		for (unsigned i = 0; (help = net_kind_help(i)); i++)
			fprintf(out, "  %s\n", help);
		return true;
	}
	if (!c->devices.n || strcmp(c->devices.v[0], "help"))
		return false;
	for (unsigned i = 0; pc_device_row(i, &name, &help); i++)
		fprintf(out, "  %-18s %s\n", name, help);
	return true;
}
