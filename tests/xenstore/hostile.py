# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that are slow, silent, greedy or wrong must not disturb others.

hostile.py SOCKET: prints TAP lines.
"""
import os
import random
import select
import socket
import struct
import sys
import time

READ, WATCH, CONTROL, WRITE, EVENT, ERROR = 2, 4, 0, 11, 15, 16
HEAD = struct.Struct("<IIII")
SOCKET = sys.argv[1]


def ok(good, name):
    print("ok" if good else "not ok", name, flush=True)


class Client:
    def __init__(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(SOCKET)
        self.s.settimeout(20)

    def take(self, n):
        buf = b""
        while len(buf) < n:
            part = self.s.recv(n - len(buf))
            if not part:
                raise ConnectionError("closed")
            buf += part
        return buf

    def receive(self):
        kind, _, _, length = HEAD.unpack(self.take(16))
        return kind, self.take(length)

    def ask(self, kind, body):
        self.s.sendall(message(kind, body))
        while True:
            got, answer = self.receive()
            if got != EVENT:
                return got, answer


def message(kind, body):
    return HEAD.pack(kind, 1, 0, len(body)) + body


def daemon_kib():
    pid = open(SOCKET + ".lock").read().strip()
    for line in open("/proc/%s/status" % pid):
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


# Sanitizers keep freed memory for a while.
SLACK = 16 if os.environ.get("SAN") == "1" else 1
good = Client()


def served(rounds=100):
    """The good client is answered, and how long that took at most."""
    worst = 0
    for i in range(rounds):
        start = time.monotonic()
        value = b"%d" % i
        good.ask(WRITE, b"/good/x\0" + value)
        kind, answer = good.ask(READ, b"/good/x\0")
        if kind != READ or answer != value:
            return 1e9
        worst = max(worst, time.monotonic() - start)
    return worst


# A message that comes byte by byte, and one that never ends.
slow, half = Client(), Client()
half.s.sendall(message(WRITE, b"/half\0")[:-3])
text = message(WRITE, b"/slow\0value")
worst = 0
for i in range(len(text)):
    slow.s.sendall(text[i:i + 1])
    worst = max(worst, served(3))
ok(slow.receive()[0] == WRITE, "a_message_byte_by_byte_is_served")
ok(worst < 5, "others_are_served_meanwhile")

# Answers that nobody reads: the store stops reading, too.
greedy = Client()
good.ask(WRITE, b"/big\0" + b"x" * 4000)
greedy.s.setblocking(False)
sent, want = 0, message(READ, b"/big\0") * 1000
try:
    while sent < 50 * len(want):
        sent += greedy.s.send(want)
        worst = max(worst, served(1))
except BlockingIOError:
    pass
before = daemon_kib()
ok(sent < 50 * len(want), "who_does_not_read_answers_is_not_read_from")
ok(served() < 5, "others_are_served_beside_it")
ok(daemon_kib() < before + 4096 * SLACK, "memory_is_bounded_for_answers")

# Events that nobody reads: the connection ends.
watcher = Client()
watcher.ask(WATCH, b"/flood\0t\0")
gone = False
for batch in range(400):
    good.s.sendall(b"".join(message(WRITE, b"/flood/%d\0" % (i % 500))
                            for i in range(batch * 500, batch * 500 + 500)))
    for i in range(500):
        good.receive()
    readable = select.select([watcher.s], [], [], 0)[0]
    peek = watcher.s.recv(1, socket.MSG_PEEK) if readable else b"?"
    kind, answer = good.ask(CONTROL, b"memreport\0")
    if batch > 10 and b" 4 connections" in answer:
        gone = True
        break
ok(gone, "who_does_not_read_events_is_cut_off")
ok(daemon_kib() < before + 16384 * SLACK, "memory_is_bounded_for_events")
good.ask(CONTROL, b"check\0")

# What is not the protocol.
for head in (HEAD.pack(READ, 1, 0, 4097), HEAD.pack(READ, 1, 0, 0xffffffff),
             b"\xff" * 16):
    bad = Client()
    bad.s.sendall(head)
    try:
        closed = bad.s.recv(1) == b""
    except ConnectionError:
        closed = True
    ok(closed, "a_message_that_is_too_long_ends_the_connection")
random.seed(1)
for i in range(300):
    bad = Client()
    try:
        bad.s.sendall(os.urandom(random.randrange(1, 5000)))
    except OSError:
        pass
    bad.s.close()
ok(served() < 5, "noise_disturbs_nobody")

# More connections than the store takes: the last ones wait.
many = []
try:
    for i in range(3000):
        s = socket.socket(socket.AF_UNIX)
        s.setblocking(False)
        s.connect(SOCKET)
        many.append(s)
except (BlockingIOError, OSError):
    pass
ok(len(many) > 100, "many_connect")
ok(served() < 5, "who_is_in_is_served_beside_them")
for s in many:
    s.close()
late = Client()
ok(late.ask(READ, b"/good/x\0")[0] == READ, "then_others_come_in_again")
kind, answer = good.ask(CONTROL, b"check\0")
ok(answer == b"OK\0", "the_store_is_in_order")
