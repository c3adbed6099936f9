// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The text screen on a terminal; see text_screen.h.
 *
 * 25 times a second the characters are compared with those that the terminal
 * shows, and the differences drawn.  What the terminal does not take at once
 * waits, and nothing new is drawn until it has.  One keystroke goes to the
 * guest each time, so that text that was pasted does not overrun its keyboard.
 */
#include "backends/text_screen.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backends/char.h"
#include "backends/display.h"
#include "hypervisor/loop.h"

#define TICK_NS		40000000
#define STROKES		64
#define BLINK		0x80

struct text_screen {
	struct text_screen_config cfg;
	int timer_fd;
	/* What it is; what the terminal shows, if `valid'. */
	struct display_text now, shown;
	bool valid, graphics;
	struct winsize window;
	char *out;			/* being sent; NULL: all sent */
	size_t len, sent;
	struct text_keys keys;
	bool typed;			/* since the last tick */
	struct { uint16_t code; uint8_t mods; } stroke[STROKES];
	unsigned first, strokes;
};

/*
 * Out.
 */

static bool send_rest(struct text_screen *s)
{
	if (s->out)
		s->sent += s->cfg.tty->ops->write(s->cfg.tty,
			(const uint8_t *)s->out + s->sent, s->len - s->sent);
	if (s->sent < s->len)
		return false;
	free(s->out);
	s->out = NULL;
	s->len = s->sent = 0;
	return true;
}

/* ECMA-48 numbers colours by red, green, blue; the VGA by blue, green, red. */
static unsigned colour(unsigned vga)
{
	return (vga & 1) << 2 | (vga & 2) | (vga >> 2 & 1);
}

static void put_attr(FILE *f, uint8_t attr)
{
	fprintf(f, "\033[0;%u;%u%sm", (attr & 8 ? 90 : 30) + colour(attr),
		40 + colour(attr >> 4), attr & BLINK ? ";5" : "");
}

static void put_char(FILE *f, uint8_t ch)
{
	uint16_t u = display_unicode(ch);

	if (u < ' ')
		u = ' ';
	if (u < 0x80)
		fputc(u, f);
	else if (u < 0x800)
		fprintf(f, "%c%c", 0xc0 | u >> 6, 0x80 | (u & 0x3f));
	else
		fprintf(f, "%c%c%c", 0xe0 | u >> 12, 0x80 | (u >> 6 & 0x3f),
			0x80 | (u & 0x3f));
}

static unsigned less(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static void put_row(struct text_screen *s, FILE *f, unsigned y, int *attr)
{
	unsigned columns = less(s->now.columns, s->window.ws_col);
	unsigned at = columns;		/* where the terminal's cursor is */

	for (unsigned x = 0; x < columns; x++) {
		uint8_t ch = s->now.cell[y][x].ch, a = s->now.cell[y][x].attr;

		if (s->valid && ch == s->shown.cell[y][x].ch &&
		    a == s->shown.cell[y][x].attr)
			continue;
		if (at != x)
			fprintf(f, "\033[%u;%uH", y + 1, x + 1);
		if (*attr != a)
			put_attr(f, a);
		*attr = a;
		put_char(f, ch);
		at = x + 1;
	}
}

static bool cursor_shown(const struct text_screen *s)
{
	return s->now.cursor && s->now.cursor_x < s->window.ws_col &&
	       s->now.cursor_y < s->window.ws_row;
}

static bool cursor_moved(const struct text_screen *s)
{
	return s->now.cursor != s->shown.cursor ||
	       s->now.cursor_x != s->shown.cursor_x ||
	       s->now.cursor_y != s->shown.cursor_y;
}

/* Without line wrapping, the last column of the last row does not scroll. */
static void put_all(struct text_screen *s, FILE *f)
{
	bool whole = !s->valid;
	int attr = -1;

	if (whole)
		fputs("\033[0m\033[?7l\033[2J", f);
	for (unsigned y = 0; y < less(s->now.rows, s->window.ws_row); y++)
		put_row(s, f, y, &attr);
	if (attr < 0 && !whole && !cursor_moved(s))
		return;
	if (cursor_shown(s))
		fprintf(f, "\033[%u;%uH\033[?25h", s->now.cursor_y + 1,
			s->now.cursor_x + 1);
	else
		fputs("\033[?25l", f);
}

static void put_notice(FILE *f)
{
	fputs("\033[0m\033[2J\033[HThe guest's screen is in a graphics mode, "
	      "which --vnc and screendump show.\r\n"
	      "Ctrl-A x quits, Ctrl-A c opens the monitor.", f);
}

/* A pipe has no size: everything. */
static void look_at_window(struct text_screen *s)
{
	struct winsize w;

	if (ioctl(s->cfg.fd, TIOCGWINSZ, &w) || !w.ws_col || !w.ws_row)
		w = (struct winsize){ .ws_col = DISPLAY_COLUMNS_MAX,
				      .ws_row = DISPLAY_ROWS_MAX };
	if (w.ws_col != s->window.ws_col || w.ws_row != s->window.ws_row)
		s->valid = false;
	s->window = w;
}

static void draw(struct text_screen *s)
{
	bool text = display_text(s->cfg.display, &s->now);
	FILE *f;

	if (text == s->graphics || (text && (s->now.rows != s->shown.rows ||
				     s->now.columns != s->shown.columns)))
		s->valid = false;
	s->graphics = !text;
	if (!text && s->valid)
		return;
	f = open_memstream(&s->out, &s->len);
	if (!f)
		return;
	if (text)
		put_all(s, f);
	else
		put_notice(f);
	if (fclose(f)) {
		free(s->out);
		s->out = NULL;
		s->len = 0;
		return;
	}
	s->shown = s->now;
	s->valid = true;
	send_rest(s);
}

/*
 * In.
 */

static void key(struct text_screen *s, unsigned code, bool down)
{
	s->cfg.input->key(s->cfg.input_opaque, code, down);
}

static void keys_held(struct text_screen *s, unsigned mods, bool down)
{
	static const struct { unsigned mod; const char *name; } held[] = {
		{ TEXT_KEY_CTRL, "ctrl" }, { TEXT_KEY_ALT, "alt" },
		{ TEXT_KEY_SHIFT, "shift" },
	};

	for (unsigned n = 0; n < sizeof(held) / sizeof(held[0]); n++)
		if (mods & held[n].mod)
			key(s, key_by_name(held[n].name,
					   strlen(held[n].name)), down);
}

static void type(struct text_screen *s)
{
	unsigned n = s->first;

	if (!s->strokes)
		return;
	s->first = (n + 1) % STROKES;
	s->strokes--;
	keys_held(s, s->stroke[n].mods, true);
	key(s, s->stroke[n].code, true);
	key(s, s->stroke[n].code, false);
	keys_held(s, s->stroke[n].mods, false);
	s->cfg.tty->ops->resume_input(s->cfg.tty);
}

static void on_stroke(void *opaque, uint32_t keysym, unsigned mods)
{
	struct text_screen *s = opaque;
	unsigned code = key_by_keysym(keysym);
	unsigned n = (s->first + s->strokes) % STROKES;

	if (!code || s->strokes == STROKES)
		return;
	if (key_needs_shift(keysym))
		mods |= TEXT_KEY_SHIFT;
	s->stroke[n].code = code;
	s->stroke[n].mods = mods;
	s->strokes++;
}

/* A byte is one keystroke at most, but for an escape that waits. */
static size_t room(void *opaque)
{
	const struct text_screen *s = opaque;

	return (STROKES - s->strokes) / 2;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
	struct text_screen *s = opaque;

	s->typed = true;
	for (size_t i = 0; i < len; i++)
		text_keys_feed(&s->keys, buf[i]);
}

static void on_tick(void *opaque, int fd, short revents)
{
	struct text_screen *s = opaque;
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;
	if (!s->typed)
		text_keys_pause(&s->keys);
	s->typed = false;
	type(s);
	if (!send_rest(s))
		return;
	if (s->cfg.hidden && s->cfg.hidden(s->cfg.hidden_opaque)) {
		s->valid = false;
		return;
	}
	look_at_window(s);
	draw(s);
}

int text_screen_create(struct text_screen **out,
		       const struct text_screen_config *cfg)
{
	static const struct char_receiver receiver = { room, receive, NULL };
	static const struct itimerspec every = {
		.it_value.tv_nsec = TICK_NS, .it_interval.tv_nsec = TICK_NS,
	};
	struct text_screen *s = calloc(1, sizeof(*s));
	int ret;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->cfg = *cfg;
	s->keys.stroke = on_stroke;
	s->keys.opaque = s;
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC,
				     TFD_CLOEXEC | TFD_NONBLOCK);
	ret = s->timer_fd < 0 ? -errno :
	      loop_add_fd(cfg->loop, s->timer_fd, POLLIN, on_tick, s);
	if (ret) {
		if (s->timer_fd >= 0)
			close(s->timer_fd);
		free(s);
		return ret;
	}
	timerfd_settime(s->timer_fd, 0, &every, NULL);
	cfg->tty->ops->set_receiver(cfg->tty, &receiver, s);
	*out = s;
	return 0;
}

void text_screen_destroy(struct text_screen *s)
{
	char end[48];

	if (!s)
		return;
	s->cfg.tty->ops->set_receiver(s->cfg.tty, NULL, NULL);
	loop_del_fd(s->cfg.loop, s->timer_fd);
	close(s->timer_fd);
	send_rest(s);
	snprintf(end, sizeof(end), "\033[0m\033[?7h\033[?25h\033[%u;1H\r\n",
		 less(s->now.rows ? s->now.rows : 2, s->window.ws_row));
	s->cfg.tty->ops->write(s->cfg.tty, (const uint8_t *)end, strlen(end));
	free(s->out);
	free(s);
}
