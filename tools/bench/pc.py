#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare a whole PC on Umbra and on QEMU TCG: boot, disks, network, idling.

See `make bench-pc`.  Both boot the same Debian disk by the same firmware with
the same devices, in turns; once logged in, umbra-bench-io measures disks and
network inside, and the host's clock is the cross-check.  Scratch disks are on
a memory file system, so that the host's disk is not what is measured.  Exit
status: 0, or 1 when something did not run or gave a wrong result.  A missed
goal is reported, not an error.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from types import SimpleNamespace

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pc_guest import (BUSES, Machine, Peer, QEMU, make_program,  # noqa: E402
                      make_scratch, tcg_argv, umbra_argv)
from pc_report import PcReport                          # noqa: E402
from systems import BenchError, RowResult, cpu_model    # noqa: E402

ARGV = {"umbra": umbra_argv, "tcg": tcg_argv}


def die(message):
    sys.exit(f"bench-pc: {message}")


def names(known):
    def parse(text):
        out = text.split(",") if text else []
        for name in out:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"{name}: not known (known: {', '.join(known)})")
        return out
    return parse


def parse_args():
    cache = os.environ.get("UMBRA_CACHE",
                           os.path.expanduser("~/.cache/umbra"))
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", default="build", help="build directory")
    p.add_argument("--disk", default=f"{cache}/debian/disk.img",
                   help="as tools/mkdebian.sh makes it")
    p.add_argument("--mem", default="512M")
    p.add_argument("--engine", default="bt", help="umbra's (default: bt)")
    p.add_argument("--umbra-arg", action="append", default=[],
                   help="more arguments for umbra run")
    p.add_argument("--systems", type=names(ARGV), default=list(ARGV),
                   help=",".join(ARGV))
    p.add_argument("--buses", type=names(BUSES),
                   default=list(BUSES), help="of the disks: virtio,ide")
    p.add_argument("--rows", help="comma-separated, '' for none; default: all")
    p.add_argument("--rounds", type=int, default=3,
                   help="boots of each system (3)")
    p.add_argument("--repeat", type=int, default=3,
                   help="of a row in each round (3)")
    p.add_argument("--scale", type=float, default=1.0,
                   help="multiply every operation count")
    p.add_argument("--idle", type=int, default=180, metavar="SECONDS",
                   help="0: not measured (180)")
    p.add_argument("--scratch", default="/dev/shm", metavar="DIR",
                   help="for scratch disks (/dev/shm)")
    p.add_argument("--scratch-mib", type=int, default=256)
    p.add_argument("--cpu", type=int, help="core for the machines (any)")
    p.add_argument("--json", help="default: BUILD/bench-pc.json")
    args = p.parse_args()
    if args.rounds < 1 or args.repeat < 1 or args.scratch_mib < 1:
        p.error("--rounds, --repeat, --scratch-mib: at least 1")
    return args


def choose_rows(args, program):
    """{bus: {row: iterations}}; the network is measured with the first."""
    out = subprocess.run([program, "--list"], capture_output=True, text=True,
                         check=True).stdout
    rows = {}
    for line in out.splitlines():
        name, kind, iters, _ = line.split("\t")
        rows[name] = kind, max(1, int(int(iters) * args.scale))
    wanted = list(rows) if args.rows is None else \
        [r for r in args.rows.split(",") if r]
    for name in wanted:
        if name not in rows:
            die(f"{name}: no such row (known: {', '.join(rows)})")
    return {bus: {r: rows[r][1] for r in wanted
                  if rows[r][0] == "disk" or bus == args.buses[0]}
            for bus in args.buses}


class Comparison:
    """@rows: {bus: {row: iterations}}."""

    def __init__(self, args, rows, files, peer):
        self.args, self.rows, self.files, self.peer = args, rows, files, peer
        self.results = {s: {f"{bus}/{row}": RowResult()
                            for bus, of_bus in rows.items()
                            for row in of_bus} for s in args.systems}
        self.boots = {s: {bus: [] for bus in rows} for s in args.systems}
        self.idle, self.errors = {}, []

    def measure(self, system, bus, machine):
        for row, iters in self.rows[bus].items():
            r = machine.measure(row, iters, self.args.repeat, self.peer.port)
            total = self.results[system][f"{bus}/{row}"]
            total.samples += r.samples
            total.iters = r.iters
            total.checksums |= r.checksums
            total.inside_s += r.inside_s
            total.outside_s += r.outside_s
            total.error = total.error or r.error

    def one(self, system, bus, idle_s):
        """One boot and what is measured after it."""
        argv = ARGV[system](self.args, self.files, bus)
        with open(os.path.join(self.args.build, f"bench-pc-{system}.log"),
                  "ab") as log:
            machine = Machine(argv, self.files, self.args, log)
            try:
                self.boots[system][bus].append(machine.boot())
                if self.rows[bus] or idle_s:
                    machine.prepare()
                    self.measure(system, bus, machine)
                if idle_s:
                    self.idle[system] = machine.idle(idle_s)
            finally:
                machine.close()

    def run(self):
        """Systems take turns; the first bus's last machines idle."""
        first = next(iter(self.rows))
        for round_ in range(self.args.rounds):
            last = round_ + 1 == self.args.rounds
            for bus in self.rows:
                idle_s = self.args.idle if last and bus == first else 0
                for system in self.args.systems:
                    print(f"bench-pc: round {round_ + 1}/{self.args.rounds}: "
                          f"{bus}: {system}", flush=True)
                    try:
                        self.one(system, bus, idle_s)
                    except BenchError as e:
                        self.errors.append(f"{system}: {bus}: {e}")


def gather_facts(args, load):
    return {
        "date": time.strftime("%Y-%m-%d"), "cpu": cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "host_kernel": os.uname().release, "mem": args.mem,
        "engine": args.engine, "rounds": args.rounds, "repeat": args.repeat,
        "scale": args.scale, "idle_s": args.idle, "load_before": load,
        "load_after": os.getloadavg()[0],
    }


def main():
    args = parse_args()
    program = os.path.abspath(os.path.join(args.build, "umbra-bench-io"))
    for path in (program, args.disk, os.path.join(args.build, "umbra")):
        if not os.path.exists(path):
            die(f"{path}: not found (run make bench-pc)")
    if "tcg" in args.systems and not shutil.which(QEMU):
        die(f"{QEMU}: not installed (make deps)")
    rows = choose_rows(args, program)
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"bench-pc: warning: load average is {load:.2f}; expect noise",
              flush=True)
    for system in args.systems:
        open(os.path.join(args.build, f"bench-pc-{system}.log"), "wb").close()
    peer = Peer()
    peer.start()
    with tempfile.TemporaryDirectory(prefix="umbra-bench-",
                                     dir=args.scratch) as tmp:
        files = SimpleNamespace(scratch=f"{tmp}/scratch",
                                program=f"{tmp}/program")
        make_scratch(files.scratch, args.scratch_mib)
        make_program(files.program, program)
        if os.path.getsize(files.program) == os.path.getsize(files.scratch):
            die("--scratch-mib: must not be the size of the program")
        c = Comparison(args, rows, files, peer)
        c.run()
    peer.close()
    report = PcReport(c.results, c.boots, c.idle, c.errors,
                      gather_facts(args, load))
    for name, fact in report.facts.items():
        print(f"{name}: {fact}")
    print(report.text())
    with open(args.json or os.path.join(args.build, "bench-pc.json"),
              "w") as f:
        f.write(report.json() + "\n")
    return 1 if report.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
