#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""same_screen.py DIR WIDTHxHEIGHT [qemu]

The machine whose QMP socket is DIR/umbra.qmp shows a picture of that size; and
when it stands still, the one of DIR/qemu.qmp shows the same.  Prints TAP.
"""
import json
import os
import socket
import sys
import time

WHERE, SIZE, PEER = sys.argv[1], sys.argv[2], len(sys.argv) > 3 and sys.argv[3]


class Machine:
    def __init__(self, name):
        self.dump = f"{WHERE}/{name}.ppm"
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        for _ in range(100):
            try:
                s.connect(f"{WHERE}/{name}.qmp")
                break
            except OSError:
                time.sleep(0.1)
        self.f = s.makefile("rw")
        self.f.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **args):
        self.f.write(json.dumps({"execute": command, "arguments": args}) + "\n")
        self.f.flush()
        while True:
            answer = json.loads(self.f.readline())
            if "event" not in answer:
                return answer

    def screen(self):
        if os.path.exists(self.dump):
            os.unlink(self.dump)
        self.ask("screendump", filename=self.dump)
        for _ in range(50):	# QEMU answers first and writes then
            try:
                with open(self.dump, "rb") as f:
                    head, rest = f.read().split(b"\n255\n", 1)
                width, height = map(int, head.split()[1:3])
                if len(rest) == 3 * width * height:
                    return f"{width}x{height}", rest
            except (OSError, ValueError):
                pass
            time.sleep(0.1)
        return "nothing", b""

    def still(self, seconds=40):
        """The picture of SIZE that stays for a second, or the last one."""
        end = time.time() + seconds
        last = self.screen()
        while time.time() < end:
            time.sleep(1)
            now = self.screen()
            if now == last and now[0] == SIZE and any(now[1]):
                break
            last = now
        return last


def ok(good, what, why=""):
    print("ok" if good else "not ok", what)
    if not good:
        print("#", why)


ours = Machine("umbra").still()
ok(ours[0] == SIZE and len(set(ours[1])) > 4, f"a picture of {SIZE}", ours[0])
if PEER:
    theirs = Machine("qemu").still()
    differ = sum(x != y for x, y in zip(ours[1], theirs[1]))
    ok(ours[0] == theirs[0] and not differ, "the same as in QEMU",
       f"{theirs[0]}, {differ} bytes differ")
else:
    print("ok the same as in QEMU # SKIP qemu-system-i386 is not installed")
