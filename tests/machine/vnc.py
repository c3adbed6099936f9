# SPDX-License-Identifier: GPL-2.0-or-later
#
# vnc.py DIR PASSWORD: a VNC client of its own.  Logs in, gets the screen in
# Raw and in ZRLE and in 16 bits, compares them, leaves DIR/vnc.ppm behind.
import json, socket, struct, sys, time, zlib

DIR, PASSWORD = sys.argv[1], sys.argv[2]

def ok(good, what, why=""):
    print(("ok " if good else "not ok ") + what)
    if not good:
        print("#", why)

class Rfb:
    def __init__(self):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(20)
        self.s.connect(DIR + "/vnc")
        self.z = zlib.decompressobj()

    def get(self, n):
        b = b""
        while len(b) < n:
            d = self.s.recv(n - len(b))
            if not d:
                raise EOFError
            b += d
        return b

    def un(self, fmt):
        return struct.unpack(">" + fmt, self.get(struct.calcsize(">" + fmt)))

    def login(self, answer):
        assert self.get(12) == b"RFB 003.008\n"
        self.s.sendall(b"RFB 003.008\n")
        kinds = self.get(self.get(1)[0])
        self.s.sendall(kinds[:1])
        if kinds[0] == 2:
            self.s.sendall(answer(self.get(16)))
        return kinds[0], self.un("I")[0]

    def init(self):
        self.s.sendall(b"\1")
        self.w, self.h = self.un("HH")
        self.get(16)
        self.name = self.get(self.un("I")[0]).decode()

    def encodings(self, *e):
        self.s.sendall(struct.pack(">BxH%di" % len(e), 2, len(e), *e))

    def format(self, bits, depth, maxs, shifts):
        self.s.sendall(struct.pack(">Bxxx4B3H3B3x", 0, bits, depth, 0, 1, *maxs, *shifts))

    def update(self, size):
        """The whole screen, as a list of pixel values of @size bytes."""
        self.s.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.w, self.h))
        px = [None] * (self.w * self.h)
        kind, n = self.un("BxH")
        assert kind == 0
        for _ in range(n):
            x, y, w, h, e = self.un("HHHHi")
            if e == -223:
                self.w, self.h = w, h
                px = [None] * (w * h)
            elif e == 0:
                self.place(px, x, y, w, h, self.get(w * h * size), size)
            elif e == 16:
                self.zrle(px, x, y, w, h, 3 if size == 4 else size)
            else:
                raise ValueError(e)
        return px

    def place(self, px, x, y, w, h, data, size):
        for j in range(h):
            for i in range(w):
                at = (j * w + i) * size
                px[(y + j) * self.w + x + i] = int.from_bytes(data[at:at + size], "little")

    def zrle(self, px, x0, y0, w0, h0, size):
        d = self.z.decompress(self.get(self.un("I")[0]))
        at = 0
        for y in range(y0, y0 + h0, 64):
            for x in range(x0, x0 + w0, 64):
                w, h = min(64, x0 + w0 - x), min(64, y0 + h0 - y)
                n = d[at]
                at += 1
                pal = [d[at + i * size:at + (i + 1) * size] for i in range(n)]
                at += n * size
                if n == 0:
                    self.place(px, x, y, w, h, d[at:at + w * h * size], size)
                    at += w * h * size
                    continue
                bits = 0 if n == 1 else 1 if n == 2 else 2 if n <= 4 else 4
                out = b""
                for j in range(h):
                    row = int.from_bytes(d[at:at + (w * bits + 7) // 8], "big")
                    total = (w * bits + 7) // 8 * 8
                    at += total // 8
                    for i in range(w):
                        k = row >> (total - (i + 1) * bits) & ((1 << bits) - 1) if bits else 0
                        out += pal[k]
                self.place(px, x, y, w, h, out, size)
        assert at == len(d)

    def key(self, sym):
        for down in (1, 0):
            self.s.sendall(struct.pack(">BBxxI", 4, down, sym))

if PASSWORD:
    r = Rfb()
    kind, result = r.login(lambda c: bytes(16))
    ok(kind == 2 and result == 1, "a wrong password is refused", (kind, result))
    sys.exit()

time.sleep(float(sys.argv[3]))
r = Rfb()
kind, result = r.login(None)
ok(kind == 1 and result == 0, "no password is asked for", (kind, result))
r.init()
ok(r.name == "Umbra", "the desktop has a name", r.name)
r.encodings(0, -223)
raw = r.update(4)
ok(None not in raw and len(set(raw)) > 1, "Raw: every pixel comes, and not all are alike")
r.encodings(16, -223)
ok(r.update(4) == raw, "ZRLE shows the same as Raw")
r.format(16, 16, (31, 63, 31), (11, 5, 0))
want = [((p >> 16) * 31 + 127) // 255 << 11 | ((p >> 8 & 255) * 63 + 127) // 255 << 5 | ((p & 255) * 31 + 127) // 255 for p in raw]
ok(r.update(2) == want, "16 bits a pixel are what 24 bits say")
with open(DIR + "/vnc.ppm", "wb") as f:
    f.write(b"P6\n%d %d\n255\n" % (r.w, r.h))
    f.write(b"".join(p.to_bytes(3, "big") for p in raw))
r.key(0x61)
r.s.sendall(struct.pack(">BBHH", 5, 0, 10, 10) + struct.pack(">BBHH", 5, 1, 20, 5))
r.s.sendall(struct.pack(">BxxxI", 6, 3) + b"cut")
ok(None not in r.update(2), "keys, pointer and cut text do no harm")
bad = Rfb()
bad.login(None)
bad.init()
bad.s.sendall(bytes([99]) * 50)
try:
    ok(bad.s.recv(100) == b"", "a message that there is not ends the connection")
except ConnectionResetError:
    ok(True, "a message that there is not ends the connection")
ok(None not in r.update(2), "others stay")
q = socket.socket(socket.AF_UNIX)
q.connect(DIR + "/qmp")
q.recv(1000)
q.sendall(b'{"execute":"qmp_capabilities"}{"execute":"quit"}')
time.sleep(0.5)
