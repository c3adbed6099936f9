# SPDX-License-Identifier: GPL-2.0-or-later
"""What `make bench-pc` runs: the Debian disk on Umbra and on QEMU TCG.

Both get the same devices in the same order: the system's disk (what is
written to it is thrown away), a scratch disk, a disk that is the benchmark
program, all three on one bus; a network card on the user network.
"""
import glob
import os
import socket
import struct
import threading
import time

from login import Login
from systems import BenchError, RowReader, RowResult

QEMU = "qemu-system-i386"
BIOS = "bios-256k.bin"
BLOCK = 4096
MIB = 1 << 20
PEER = "10.0.2.2"               # the host, as the user network shows it
GUEST = "10.0.2.15/24"
BUSES = ("virtio", "ide")
PROGRAM = "/root/umbra-bench-io"


def make_scratch(path, mib):
    """A disk whose blocks of 4 KiB have their number at both ends."""
    gap = bytes(BLOCK - 8)
    with open(path, "wb") as f:
        for first in range(0, mib * MIB // BLOCK, MIB // BLOCK):
            f.write(b"".join(
                struct.pack("<I", n) + gap + struct.pack("<I", n)
                for n in range(first, first + MIB // BLOCK)))


def make_program(path, program):
    """The program as a disk: a whole number of MiB."""
    with open(program, "rb") as f:
        data = f.read()
    with open(path, "wb") as f:
        f.write(data + bytes(-len(data) % MIB))


def drives(args, files, bus):
    """Settings of -drive, which both programs spell alike."""
    return [f"if={bus},format=raw,file={file}"
            for file in (f"{args.disk},snapshot=on", files.scratch,
                         files.program)]


def umbra_argv(args, files, bus):
    out = [os.path.join(args.build, "umbra"), "run", "--engine", args.engine,
           "--bios", BIOS, "--mem", args.mem, "--vga", "none", "--serial",
           "stdio", "--no-reboot", "--nic", "user", *args.umbra_arg]
    for d in drives(args, files, bus):
        out += ["--drive", d]
    return out


# The card's boot ROM would only cost TCG time at start.
def tcg_argv(args, files, bus):
    out = [QEMU, "-accel", "tcg", "-bios", BIOS, "-m", args.mem, "-nodefaults",
           "-vga", "none", "-display", "none", "-serial", "stdio",
           "-no-reboot", "-netdev", "user,id=n", "-device",
           "virtio-net-pci,netdev=n,romfile="]
    for d in drives(args, files, bus):
        out += ["-drive", d]
    return out


class Peer(threading.Thread):
    """The services that tools/bench/io/net.c asks for, on the loopback."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.buffer = bytearray(MIB)

    def run(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            with conn:
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    self.serve(conn)
                except OSError:
                    pass        # the guest's side reports it

    def serve(self, conn):
        head = conn.recv(9, socket.MSG_WAITALL)
        if len(head) < 9:
            return
        left = int.from_bytes(head[1:], "big")
        while left > 0:
            if head[:1] == b"r":
                n = conn.send(memoryview(self.buffer)[:min(left, MIB)])
            else:
                n = conn.recv_into(self.buffer)
                if head[:1] == b"e":
                    conn.sendall(memoryview(self.buffer)[:n])
            if not n:
                return
            left -= n
        if head[:1] == b"s":
            conn.sendall(b"k")

    def close(self):
        self.listener.close()


def cpu_seconds(session):
    """Processor time of the living processes of a session, in s."""
    ticks = 0
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as f:
                fields = f.read().rpartition(")")[2].split()
        except OSError:
            continue            # it has just ended
        if int(fields[3]) == session:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def by_size(path):
    """
    A shell's expression for the guest's name of a disk: by its size, since
    Linux names disks in the order in which it happens to find them.
    """
    sectors = os.path.getsize(path) // 512
    return (f"/dev/$(basename $(dirname $(grep -lx {sectors} "
            "/sys/block/*/size)))")


class Machine:
    """One boot of one system."""

    LIMIT_S, ROW_S = 1800, 300

    def __init__(self, argv, files, args, log):
        self.files = files
        log.write(("\n### " + " ".join(argv) + "\n").encode())
        self.console = Login(argv, log, self.LIMIT_S, args.cpu)

    def boot(self):
        """Seconds to the login prompt."""
        return self.console.prompt()

    def prepare(self):
        """Log in, let the start of the system end, fetch the program."""
        c = self.console
        c.log_in()
        c.run("systemctl is-system-running --wait")
        c.must("dmesg -n 1; dev=$(ls /sys/class/net | grep -v lo); "
               f"ip addr add {GUEST} dev $dev && ip link set $dev up")
        c.must(f"dd if={by_size(self.files.program)} of={PROGRAM} bs=1M "
               f"2>/run/dd && chmod +x {PROGRAM}")

    def measure(self, row, iters, repeat, port):
        """RowResult of one row."""
        result = RowResult()
        reader = RowReader({row: result})
        self.console.send(
            f"BENCH_DISK={by_size(self.files.scratch)} "
            f"BENCH_PEER={PEER}:{port} {PROGRAM} {row} --iters {iters} --repeat {repeat}; echo STATUS=$?=\n")
        for now, line in self.console.lines(self.ROW_S):
            reader.line(now, line)
            if line.startswith("umbra-bench: "):
                result.error = line
            if line.startswith("STATUS="):
                if line != "STATUS=0=":
                    result.error = result.error or line
                return result
        raise BenchError(f"ended in row {row}")

    def idle(self, seconds, settle_s=10):
        """Processor time that an idle guest costs, in s per s."""
        time.sleep(settle_s)
        start, used = time.monotonic(), cpu_seconds(self.console.process.pid)
        time.sleep(seconds)
        used = cpu_seconds(self.console.process.pid) - used
        if self.console.process.poll() is not None:
            raise BenchError("ended while it was idle")
        return used / (time.monotonic() - start)

    def close(self):
        self.console.close()
