#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""umbra run --display text on a terminal of 25 rows and 80 columns.

A few lines of terminal emulator keep what is drawn; it must be what the
screendump says.  Usage: text_screen.py UMBRA
"""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time

ROWS, COLUMNS = 25, 80
SEQUENCE = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
failed = False


def ok(good, name, why=""):
    global failed
    print("ok" if good else "not ok", name)
    if not good:
        failed = True
        for line in str(why).splitlines():
            print("#", line)


class Terminal:
    def __init__(self, args):
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execv(args[0], args)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.raw = b""
        self.text = ""
        self.clear()

    def clear(self):
        self.cell = [[" "] * COLUMNS for _ in range(ROWS)]
        self.x = self.y = 0

    def lines(self):
        return ["".join(row).rstrip() for row in self.cell]

    def sequence(self, arg, letter):
        if letter == "H":
            y, x = (arg.split(";") + ["1"])[:2] if arg else ("1", "1")
            self.y, self.x = int(y) - 1, int(x) - 1
        elif letter == "J":
            self.clear()

    def draw(self, text):
        at = 0
        while at < len(text):
            match = SEQUENCE.match(text, at)
            if match:
                self.sequence(*match.groups())
                at = match.end()
                continue
            c = text[at]
            at += 1
            if c == "\r":
                self.x = 0
            elif c == "\n":
                self.y = min(self.y + 1, ROWS - 1)
            elif self.x < COLUMNS and c >= " ":
                self.cell[self.y][self.x] = c
                self.x += 1

    def wait(self, test, seconds=40):
        end = time.time() + seconds
        while not test(self) and time.time() < end:
            if not select.select([self.fd], [], [], 0.2)[0]:
                continue
            try:
                self.raw += os.read(self.fd, 65536)
            except OSError:
                return test(self)
            cut = self.raw.rfind(b"\x1b")
            if cut < 0 or re.match(rb"\x1b\[[?0-9;]*[A-Za-z]", self.raw[cut:]):
                cut = len(self.raw)
            piece = self.raw[:cut].decode("utf-8", "replace")
            self.raw = self.raw[cut:]
            self.text += piece
            self.draw(piece)
        return test(self)

    def shows(self, what, seconds=40):
        return self.wait(lambda t: any(what in line for line in t.lines()),
                         seconds)

    def settled(self):
        """The lines, once they have stayed the same for a second."""
        before = None
        while before != self.lines():
            before = self.lines()
            self.wait(lambda t: False, 1)
        return before

    def type(self, keys):
        os.write(self.fd, keys)

    def end(self):
        self.wait(lambda t: False, 2)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def text_screen(umbra, tmp):
    dump = os.path.join(tmp, "screen.txt")
    disk = os.path.join(tmp, "disk.img")
    with open(disk, "wb") as f:
        f.truncate(1 << 20)
    t = Terminal([umbra, "run", "--display", "text", "--mem", "64", "--hda",
                  disk, "--boot", "menu=on", "--screendump", dump])
    ok(t.shows("Press ESC for boot menu"), "firmware's text is seen",
       "\n".join(t.lines()))
    t.type(b"\x1b")
    ok(t.shows("1. ata0-0"), "Esc reaches it", "\n".join(t.lines()))
    menu = t.settled()
    t.type(b"\x01c")
    ok(t.shows("(umbra)"), "Ctrl-A c opens the monitor over it")
    t.type(b"info status\r")
    ok(t.shows("running"), "which answers")
    t.type(b"\x01c")
    ok(t.wait(lambda t: t.lines() == menu), "and gives the screen back",
       "\n".join(t.lines()))
    t.type(b"1")
    ok(t.shows("Booting from Hard Disk"), "keys choose from the menu")
    ok(t.shows("No bootable device"), "the guest goes on")
    shown = t.settled()
    t.type(b"\x01x")
    ok(t.end() == 0, "Ctrl-A x quits")
    with open(dump, encoding="utf-8") as f:
        want = [line.rstrip("\n") for line in f]
    want += [""] * (ROWS - len(want))
    ok(shown == want, "the terminal shows what the screendump has",
       "\n".join(shown + ["--"] + want))
    ok("\x1b[?25h" in t.text[-60:] and "\x1b[?7h" in t.text[-60:],
       "cursor and wrapping are as before", repr(t.text[-60:]))


def monitor(umbra, tmp):
    disk = os.path.join(tmp, "disk.img")
    t = Terminal([umbra, "run", "--monitor", "stdio", "--mem", "64", "--hda",
                  disk])
    ok(t.shows("(umbra)"), "--monitor stdio")
    t.type(b"info status\r")
    ok(t.shows("running, engine"), "answers there")
    t.type(b"quit\r")
    ok(t.end() == 0, "and quits")


with tempfile.TemporaryDirectory() as place:
    text_screen(sys.argv[1], place)
    monitor(sys.argv[1], place)
sys.exit(failed)
