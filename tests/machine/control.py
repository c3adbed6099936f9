# SPDX-License-Identifier: GPL-2.0-or-later
#
# control.py DIR: QMP and the monitor of a machine that serves both in DIR.
# Prints TAP lines.
import json, re, socket, sys

def connect(name):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(f"{sys.argv[1]}/{name}")
    return s

def ok(good, what, why=""):
    print(("ok " if good else "not ok ") + what)
    if not good:
        print("#", why)

class Qmp:
    def __init__(self):
        self.s = connect("qmp")
        self.f = self.s.makefile("r")
        self.events = []

    def line(self):
        return json.loads(self.f.readline())

    def ask(self, text):
        self.s.sendall(text.encode())
        while True:
            j = self.line()
            if "event" not in j:
                return j
            self.events.append(j["event"])

    def run(self, name, **args):
        return self.ask(json.dumps({"execute": name, "arguments": args}))

    def wait(self, event):
        while event not in self.events:
            self.events.append(self.line().get("event"))
        return True

def hmp(line):
    m.sendall((line + "\n").encode())
    text = b""
    while not text.endswith(b"(umbra) "):
        text += m.recv(4096)
    return text[:-8].decode()

if len(sys.argv) > 2:
    exec(open(sys.argv[2]).read())
    sys.exit()

q = Qmp()
hello = q.line()
ok("version" in hello["QMP"] and hello["QMP"]["capabilities"] == [], "greeting", hello)
r = q.run("query-status")
ok(r["error"]["class"] == "CommandNotFound", "nothing works before the negotiation", r)
r = q.run("qmp_capabilities")
ok(r == {"return": {}}, "capabilities are negotiated", r)
r = q.run("query-status")["return"]
ok(r == {"running": False, "singlestep": False, "status": "paused"}, "-S begins stopped", r)
r = q.ask('{"execute":"query-version","id":[7]}')
ok(r["id"] == [7] and "qemu" in r["return"], "an id comes back", r)
names = {c["name"] for c in q.run("query-commands")["return"]}
ok({"stop", "cont", "quit", "query-block", "human-monitor-command"} <= names, "commands are listed", names)
r = q.run("cont")
ok(r == {"return": {}} and q.wait("RESUME"), "cont and its event", r)
r = q.run("stop")
ok(r == {"return": {}} and q.wait("STOP"), "stop and its event", r)
ok(q.run("query-status")["return"]["running"] is False, "stopped")
r = q.run("human-monitor-command", **{"command-line": "info registers"})
ok("eip" in r["return"], "the monitor by QMP", r)
r = q.run("no-such-thing")
ok(r["error"]["class"] == "CommandNotFound", "an unknown command", r)
r = q.run("human-monitor-command")
ok("missing" in r["error"]["desc"], "a missing argument", r)
r = q.ask("{nonsense]\n")
ok("error" in r, "what is not JSON", r)
q.s.sendall(b'{"execute": "query-st')
r = q.ask('atus"}')
ok("return" in r, "a command in two pieces", r)

m = connect("hmp")
m.recv(100)
for line, want in [
        ("info status", r"^stopped"), ("help", r"system_reset"),
        ("info pic", r"(?s)^pic0: irr.*^lapic0: at fee00000"), ("info jit", r"translation|instructions"),
        ("info mem", r"paging is off|[0-9a-f]{16}-"),
        ("xp /2wx 0x100000", r"^00100000: 0x[0-9a-f]{8} 0x[0-9a-f]{8}$"),
        ("x/3i 0x100010", r"^00100010:  \w+"),
        ("x/2i $pc", r"^[0-9a-f]{8}:  \w+"), ("x $esp+4", r"^[0-9a-f]{8}: 0x"),
        ("x $foo", r"not \["), ("info", r"info registers .*\n.*info"), ("x", r"^usage: x"),
        ("x /q 1", r"not \["), ("xp 0xfffffff000000", r"not mapped"),
        ("frobnicate", r"unknown command"), ("info block", r"^$")]:
    r = hmp(line)
    ok(re.search(want, r, re.M), f"monitor: {line}", repr(r))

q.run("cont")
r = q.run("system_reset")
ok(q.wait("RESET"), "system_reset and its event", r)
q.run("quit")
ok(q.wait("SHUTDOWN"), "quit and its event")
