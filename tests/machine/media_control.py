# SPDX-License-Identifier: GPL-2.0-or-later
#
# Read by control.py: drives, the screen and keys of a machine with firmware.
import os
D = sys.argv[1]
m = connect("hmp")
m.recv(100)
r = hmp("info block")
ok("ide1-cd0: " in r and "a.iso" in r and "read-only" in r, "info block", r)
ok(hmp("eject ide1-cd0") == "", "eject")
ok("[not inserted]" in hmp("info block"), "the drive is empty")
ok(hmp(f"change ide1-cd0 {D}/b.iso") == "", "change")
ok("b.iso" in hmp("info block"), "the other disc is in")
ok("No such file" in hmp(f"change ide1-cd0 {D}/none"), "a file that is missing")
ok("no such drive" in hmp("eject ide7-cd9"), "a drive that is missing")
ok("not removable" in hmp("eject ide0-hd0"), "a disk stays")
ok(hmp(f"screendump {D}/s.png") == "" and open(f"{D}/s.png", "rb").read(4) == b"\x89PNG", "screendump as PNG")
ok(hmp(f"screendump {D}/s.ppm") == "" and open(f"{D}/s.ppm", "rb").read(2) == b"P6", "screendump as PPM")
if os.environ["SANDBOX"] == "on":
    os.mkdir(f"{D}/below")
    open(f"{D}/below/c.iso", "wb").truncate(1 << 20)
    open(f"{D}/keep.sh", "w").write("kept")
    os.symlink(f"{D}/keep.sh", f"{D}/link.png")
    for line, why in [
            (f"change ide1-cd0 {D}/below/c.iso", "the sandbox lets"),
            ("screendump /nonexistent.png", "the sandbox lets"),
            (f"screendump {D}/below/s.png", "the sandbox lets"),
            (f"screendump {D}/below/../keep.sh", "must be a file"),
            (f"screendump {D}/link.png", "symbolic links")]:
        r = hmp(line)
        ok(why in r, f"refused: {line[:40].replace(D, 'DIR')}", r)
    ok(open(f"{D}/keep.sh").read() == "kept", "files beside the pictures stay")
else:
    ok("No such file" in hmp("screendump /nonexistent/x"), "screendump to nowhere")
ok(hmp("sendkey ctrl-alt-delete") == "", "sendkey")
ok("no such key" in hmp("sendkey ctrl-any"), "sendkey of a key that there is not")
q = Qmp()
q.line()
q.run("qmp_capabilities")
r = q.run("query-block")["return"]
ok({b["device"] for b in r} == {"ide0-hd0", "ide1-cd0"}, "query-block", r)
r = q.run("screendump", filename=f"{D}/q.ppm")
ok(r == {"return": {}} and os.path.getsize(f"{D}/q.ppm") > 1000, "screendump by QMP", r)
r = q.run("send-key", keys=[{"type": "qcode", "data": "ret"}])
ok(r == {"return": {}}, "send-key", r)
q.run("quit")
ok(q.wait("SHUTDOWN"), "quit")
