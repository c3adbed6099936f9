/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of optional devices, and reading their keys; see pc_device.h. */
#include "hypervisor/pc_device.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hypervisor/pci.h"

static const struct {
	const char *name;
	pc_device_fn *make;
	const char *help;
} rows[] = {
#define PC_DEVICE(name, function, help) { name, function, help },
#include "hypervisor/pc_device.def"
#undef PC_DEVICE
	{ NULL, NULL, NULL },
};

bool pc_device_row(unsigned n, const char **name, const char **help)
{
	if (n + 1 >= ARRAY_SIZE(rows))
		return false;
	*name = rows[n].name;
	*help = rows[n].help;
	return true;
}

int pc_device_make(struct device **out, const struct pc_site *site,
		   const struct pc_device_spec *spec, char *err)
{
	*out = NULL;
	for (unsigned i = 0; rows[i].name; i++)
		if (!strcmp(rows[i].name, spec->name))
			return rows[i].make(out, site, spec, err);
	snprintf(err, PC_ERR_LEN, "device %s: not known (--device help lists "
		 "them)", spec->name);
	return -ENODEV;
}

/* Length of the key in "key=value" or "key". */
static size_t key_len(const char *s)
{
	return strcspn(s, "=");
}

const char *pc_spec_key(const struct pc_device_spec *spec, const char *key)
{
	size_t len = strlen(key);

	for (const char *const *k = spec->keys; k && *k; k++)
		if (key_len(*k) == len && !memcmp(*k, key, len))
			return (*k)[len] ? *k + len + 1 : "on";
	return NULL;
}

static bool listed(const char *known, const char *key, size_t len)
{
	while (*known) {
		size_t n = strcspn(known, " ");

		if (n == len && !memcmp(known, key, n))
			return true;
		known += n + strspn(known + n, " ");
	}
	return false;
}

int pc_spec_check(const struct pc_device_spec *spec, const char *known,
		  char *err)
{
	for (const char *const *k = spec->keys; k && *k; k++)
		if (!listed(known, *k, key_len(*k))) {
			snprintf(err, PC_ERR_LEN, "%s: key %.*s is not known "
				 "(keys: %s)", spec->name, (int)key_len(*k),
				 *k, known);
			return -EINVAL;
		}
	return 0;
}

int pc_spec_devfn(const struct pc_device_spec *spec, unsigned *devfn,
		  char *err)
{
	const char *s = pc_spec_key(spec, "addr");
	unsigned long dev, fn = 0;
	char *end;

	*devfn = PCI_ANY_DEVFN;
	if (!s)
		return 0;
	dev = strtoul(s, &end, 16);
	if (end != s && *end == '.')
		fn = strtoul(end + 1, &end, 16);
	if (end == s || *end || dev > 31 || fn > 7) {
		snprintf(err, PC_ERR_LEN, "%s: addr=%s is not DEVICE or "
			 "DEVICE.FUNCTION", spec->name, s);
		return -EINVAL;
	}
	*devfn = PCI_DEVFN(dev, fn);
	return 0;
}

int pc_spec_needs(const struct pc_device_spec *spec, const char *how,
		  char *err)
{
	if (spec->backend)
		return 0;
	snprintf(err, PC_ERR_LEN, "%s: it has no backend (%s)", spec->name,
		 how);
	return -EINVAL;
}
