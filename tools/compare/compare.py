#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare native, full virtualization and paravirtualization in one run.

The same workloads run on the host, on Umbra with and without VMI, and on
QEMU TCG, in turns, so that a drift of the host hits all of them; medians and
ratios are reported.  Exit status: 0, or 1 when something that should run did
not.  A missed goal is reported, not an error.
"""
import argparse
import os
import sys
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "bench")]
import plots                                            # noqa: E402
import report_text                                      # noqa: E402
from machines import make_machines                      # noqa: E402
from results import Results                             # noqa: E402
from systems import BenchError, cpu_model               # noqa: E402
from workloads import WORKLOADS, Setup                  # noqa: E402

SYSTEMS = "native,bt,vmi-bt,hv,vmi-hv,tcg"
COMPUTE = ("sieve", "crc32", "qsort", "matmul-x87", "matmul-sse2", "lz",
           "chase", "memcpy", "string", "call", "call-indirect")


def die(message):
    sys.exit(f"umbra: compare: {message}")


def names(known):
    def parse(text):
        out = text.split(",")
        for name in out:
            if name not in known:
                raise argparse.ArgumentTypeError(
                    f"{name}: not known (known: {', '.join(known)})")
        return out
    return parse


def parse_args():
    cache = os.environ.get("UMBRA_CACHE",
                           os.path.expanduser("~/.cache/umbra"))
    p = argparse.ArgumentParser(
        prog="umbra compare", description=__doc__.split("\n")[0])
    p.add_argument("kernel", nargs="*", metavar="KERNEL",
                   help="Linux images for the workloads other than nano "
                   f"({cache}/guest/vmlinuz-686)")
    p.add_argument("--build", default=os.environ.get("UMBRA_BUILD", "build"),
                   help="where umbra, nano.elf, umbra-bench and "
                   "compare-initrd.gz are (build)")
    p.add_argument("--systems", type=names(SYSTEMS.split(",")),
                   default=SYSTEMS.split(","), help=SYSTEMS)
    p.add_argument("--workloads", type=names(WORKLOADS),
                   default=list(WORKLOADS), help=",".join(WORKLOADS))
    p.add_argument("--repeat", type=int, default=5, help="rounds (5)")
    p.add_argument("--scale", type=float, default=0.2,
                   help="of the iterations of make bench (0.2)")
    p.add_argument("--bench-rows", type=lambda t: t.split(","),
                   help="rows of umbra-bench (all)")
    p.add_argument("--nano-rows", type=lambda t: t.split(","),
                   help="rows of the nanobenchmark kernel (all)")
    p.add_argument("--idle", type=int, default=3, metavar="SECONDS")
    p.add_argument("--build-times", type=int, default=3, metavar="N",
                   help="builds in one run (3)")
    p.add_argument("--mem", default="256M")
    p.add_argument("--append", default="", help="more kernel command line")
    p.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)),
                   help="core that everything runs on")
    p.add_argument("--out", default="compare-out", metavar="DIR",
                   help="for JSON, CSV, plots and console output")
    args = p.parse_args()
    args.kernel = args.kernel or [f"{cache}/guest/vmlinuz-686"]
    if args.repeat < 1:
        p.error("--repeat: at least 1")
    return args


def check_files(args):
    need = [os.path.join(args.build, "umbra")]
    if "nano" in args.workloads:
        need += [os.path.join(args.build, f) for f in ("nano.elf",
                                                       "umbra-nano")]
    if set(args.workloads) - {"nano"}:
        need += [os.path.join(args.build, f)
                 for f in ("umbra-bench", "compare-initrd.gz")]
        need += args.kernel
    for path in need:
        if not os.path.exists(path):
            die(f"{path}: not found (make compare-files builds what "
                "belongs to Umbra)")


def label(args, kernel, workload):
    """Workloads of several kernels keep apart by the kernel's name."""
    if workload == "nano" or len(args.kernel) == 1:
        return workload
    return f"{workload}@{os.path.basename(kernel)}"


class Comparison:
    def __init__(self, args, setup, machines):
        self.args, self.setup, self.machines = args, setup, machines
        self.results = Results([m.name for m in machines], COMPUTE)
        self.broken = set()
        self.errors = 0
        self.done = 0

    def plan(self):
        """(kernel, workload) pairs; nano does not boot the kernel."""
        for i, kernel in enumerate(self.args.kernel):
            for w in self.args.workloads:
                if w != "nano" or not i:
                    yield kernel, w

    def started(self, kernel, workload, machine):
        """That workload's run, begun; None if the machine cannot."""
        name = label(self.args, kernel, workload)
        if (name, machine.name) in self.broken:
            return None
        run = WORKLOADS[workload](self.setup, machine, kernel)
        if machine.notes and workload != "nano":
            self.give_up(name, machine, machine.notes[0])
            return None
        return run if self.tried(name, run, run.start) else None

    def tried(self, name, run, what, *args):
        """Does @what succeed?  If not, the machine is out."""
        try:
            what(*args)
            return True
        except (BenchError, OSError) as e:
            self.errors += 1
            self.give_up(name, run.m, str(e))
            run.abandon()
            return False

    def take(self, name, run, round_):
        values = run.values()
        self.results.add(name, run.unit, run.m.name, values, run.skipped,
                         run.counters, round_)
        for extra, (unit, more) in run.extra.items():
            self.results.add(f"{name}-{extra}", unit, run.m.name, more,
                             round_=round_)

    def together(self, kernel, workload, machines, round_):
        """Every part on each of @machines, to and fro, then the next part."""
        name = label(self.args, kernel, workload)
        self.progress(f"round {round_ + 1}/{self.args.repeat}: {name} on "
                      + ", ".join(m.name for m in machines))
        runs = [self.started(kernel, workload, m) for m in machines]
        runs = [r for r in runs if r]
        for part in runs[0].parts() if runs else ():
            runs = [r for r in runs if self.tried(name, r, r.part, part)]
            runs.reverse()
        for run in runs:
            self.tried(name, run, self.take, name, run, round_)

    def give_up(self, name, machine, why):
        self.results.failed(name, machine.name, why)
        self.broken.add((name, machine.name))

    def progress(self, what):
        self.done += 1
        print(f"compare: {what}", file=sys.stderr, flush=True)

    def run(self):
        for m in self.machines:
            if m.why_not:
                for kernel, w in self.plan():
                    self.give_up(label(self.args, kernel, w), m, m.why_not)
        for round_ in range(self.args.repeat):
            order = self.machines[::-1 if round_ % 2 else 1]
            for kernel, w in self.plan():
                if WORKLOADS[w].at_once:
                    self.together(kernel, w, order, round_)
                    continue
                for m in order:
                    self.together(kernel, w, [m], round_)


def gather_facts(args, machines, load):
    return {
        "date": time.strftime("%Y-%m-%d"), "cpu": cpu_model(),
        "host_kernel": os.uname().release,
        "kernels": [os.path.basename(k) for k in args.kernel],
        "mem": args.mem, "rounds": args.repeat, "scale": args.scale,
        "append": args.append, "load_before": load,
        "load_after": os.getloadavg()[0],
        "systems": {m.name: m.text for m in machines},
    }


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def main():
    args = parse_args()
    check_files(args)
    os.makedirs(args.out, exist_ok=True)
    # The reader of the output keeps off the measured core.
    others = os.sched_getaffinity(0) - {args.cpu}
    if others:
        os.sched_setaffinity(0, others)
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"compare: warning: load average is {load:.2f}; expect noise",
              file=sys.stderr)
    setup = Setup(args)
    machines = make_machines(setup.umbra, args.systems)
    c = Comparison(args, setup, machines)
    try:
        c.run()
    finally:
        setup.close()
    facts = gather_facts(args, machines, load)
    for name, fact in facts.items():
        print(f"{name}: {fact}")
    print(report_text.text(c.results))
    write(os.path.join(args.out, "compare.json"), c.results.json(facts))
    write(os.path.join(args.out, "compare.csv"), c.results.csv())
    files, problem = plots.draw(c.results, args.out)
    if problem:
        print(f"compare: {problem}", file=sys.stderr)
    print("written: " + " ".join(
        [os.path.join(args.out, f) for f in ("compare.json", "compare.csv")]
        + files))
    return 1 if c.errors else 0


if __name__ == "__main__":
    sys.exit(main())
