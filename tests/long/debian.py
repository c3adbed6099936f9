#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Drive a Debian system on its serial console.

debian.py SECONDS COMMANDS -- MACHINE...

Logs in, runs the lines of COMMANDS one after the other, powers off.  A line
"NAME: COMMAND" is a test: it passes if the command's status is 0.  Prints TAP
lines, and how long it took to the login prompt.
"""
import os
import re
import select
import subprocess
import sys
import time

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")


class Guest:
    def __init__(self, argv, limit):
        self.end = time.monotonic() + limit
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        self.out = b""

    def wait(self, pattern):
        """The match of @pattern; what is in front of it is forgotten."""
        while True:
            m = re.search(pattern, self.out)
            if m:
                self.out = self.out[m.end():]
                return m
            left = self.end - time.monotonic()
            if left <= 0 or not select.select([self.p.stdout], [], [], left)[0]:
                raise TimeoutError(pattern)
            data = os.read(self.p.stdout.fileno(), 65536)
            if not data:
                raise EOFError(pattern)
            sys.stderr.buffer.write(data)
            self.out = ESCAPES.sub(b"", self.out + data)

    def send(self, text):
        self.p.stdin.write(text.encode())
        self.p.stdin.flush()

    def run(self, command):
        """The command's exit status."""
        self.send(command + "; echo STATUS=$?=\n")
        return int(self.wait(rb"STATUS=(\d+)=").group(1))


def main():
    start = time.monotonic()
    guest = Guest(sys.argv[4:], float(sys.argv[1]))
    try:
        guest.wait(rb"login: ")
        print("# login prompt after %.1f s" % (time.monotonic() - start))
        guest.send("root\n")
        guest.wait(rb"Password: ")
        guest.send("umbra\n")
        guest.wait(rb"# ")
        guest.run("stty -echo; PS1=; export PS1")
        with open(sys.argv[2], encoding="ascii") as f:
            for line in f:
                name, command = line.rstrip("\n").split(": ", 1)
                status = guest.run(command)
                print("%s %s" % ("ok" if not status else "not ok", name),
                      flush=True)
        guest.send("poweroff\n")
        status = guest.p.wait(60)
        print("%s powers off" % ("ok" if not status else "not ok"))
    except (TimeoutError, EOFError, subprocess.TimeoutExpired) as e:
        print("not ok the guest goes on: %r" % e)
        guest.p.kill()
        guest.p.wait()
        return 1
    return 0


sys.exit(main())
