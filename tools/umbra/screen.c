// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's screen; see screen.h. */
#include "tools/umbra/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/display.h"
#include "hypervisor/firmware.h"
#include "tools/lib/file.h"
#include "tools/lib/options.h"

#define VGA_ROM	"/usr/share/seabios/vgabios-stdvga.bin"

static bool wanted(const struct run_config *c)
{
	return c->vga ? !strcmp(c->vga, "std") :
	       c->bios || c->vnc || options_text_screen(c);
}

/* Before the sandbox is closed: no file can be opened behind it. */
static int open_dump(struct screen *s, const char *name, char *err,
		     size_t err_len)
{
	s->dump_name = name;
	s->dump = fopen(name, "wbe");
	if (s->dump)
		return 0;
	snprintf(err, err_len, "%s: %s (screendump)", name, strerror(errno));
	return -errno;
}

int screen_open(struct screen *s, const struct run_config *c, char *err,
		size_t err_len)
{
	int code = 0;

	if (!wanted(c)) {
		if (!c->screendump && !c->vnc && !options_text_screen(c))
			return 0;
		snprintf(err, err_len, "--%s: there is no screen "
			 "(--vga std)", c->vnc ? "vnc" : c->screendump ?
			 "screendump" : "display");
		return -EINVAL;
	}
	if (display_create(&s->display)) {
		snprintf(err, err_len, "display: out of memory");
		return -ENOMEM;
	}
	/* Only firmware runs it. */
	if (c->bios)
		code = file_load(VGA_ROM, FIRMWARE_MAX, &s->rom,
				 &s->vga.rom_len, err, err_len);
	s->vga.display = s->display;
	s->vga.rom = s->rom;
	if (!code && c->screendump)
		code = open_dump(s, c->screendump, err, err_len);
	return code;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n >= m && !strcmp(name + n - m, end);
}

int screen_write(struct screen *s, const char *name, FILE *out)
{
	if (ends_in(name, ".txt"))
		return display_write_text(s->display, out);
	if (ends_in(name, ".ppm"))
		return display_write_ppm(s->display, out);
	return display_write_png(s->display, out);
}

const char *screen_problem(int code)
{
	return code == -EAGAIN ? "no text, a graphics mode" : strerror(-code);
}

void screen_dump(struct screen *s, FILE *log)
{
	int code = s->dump ? screen_write(s, s->dump_name, s->dump) : 0;

	if (code)
		fprintf(log, "umbra: %s: %s\n", s->dump_name,
			screen_problem(code));
}

void screen_close(struct screen *s)
{
	if (s->dump)
		fclose(s->dump);
	free(s->rom);
	display_destroy(s->display);
	memset(s, 0, sizeof(*s));
}
