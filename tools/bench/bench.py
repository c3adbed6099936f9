#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Compare native, Umbra (BT, and HV where it can) and QEMU TCG on one program.

See `make bench`.  Every system runs the same file (umbra-bench) with the same
iteration counts, pinned to one core; guests boot the same kernel and initrd
with the same command line.  Times come from CLOCK_MONOTONIC inside; the
host's clock is the cross-check.  Exit status: 0, or 1 when something did not
run or gave a wrong result.  A missed goal is reported, not an error.
"""
import argparse
import os
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from report import Report                               # noqa: E402
from systems import (BenchError, Guest, Native, RowResult,   # noqa: E402
                     cpu_model)

QEMU = "qemu-system-i386"


def die(message):
    sys.exit(f"bench: {message}")


def parse_args():
    cache = os.environ.get("UMBRA_CACHE",
                           os.path.expanduser("~/.cache/umbra"))
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", default="build", help="build directory")
    p.add_argument("--kernel", default=f"{cache}/guest/vmlinuz-686")
    p.add_argument("--initrd", help="default: BUILD/bench-initrd.gz")
    p.add_argument("--append", default="", help="more kernel command line")
    p.add_argument("--mem", default="256M")
    p.add_argument("--engine", default="bt", help="umbra's (default: bt)")
    p.add_argument("--umbra-arg", action="append", default=[],
                   help="more arguments for umbra run")
    p.add_argument("--rows", help="comma-separated; default: all and boot")
    p.add_argument("--repeat", type=int, default=5)
    p.add_argument("--scale", type=float, default=1.0,
                   help="multiply every iteration count")
    p.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)))
    p.add_argument("--no-native", action="store_true")
    p.add_argument("--no-umbra", action="store_true")
    p.add_argument("--no-hv", action="store_true")
    p.add_argument("--no-tcg", action="store_true")
    p.add_argument("--json", help="default: BUILD/bench.json")
    return p.parse_args()


def list_rows(program):
    """{row: (kind, iterations)}, in the program's order."""
    out = subprocess.run([program, "--list"], capture_output=True,
                         text=True, check=True).stdout
    rows = {}
    for line in out.splitlines():
        name, kind, iters, _ = line.split("\t")
        rows[name] = kind, int(iters)
    return rows


def choose_rows(args, known):
    """({row: iterations}, whether to measure boots)"""
    names = args.rows.split(",") if args.rows else [*known, "boot"]
    for name in names:
        if name not in known and name != "boot":
            die(f"{name}: no such row (known: {', '.join(known)}, boot)")
    rows = {n: max(1, int(known[n][1] * args.scale))
            for n in names if n != "boot"}
    return rows, "boot" in names


def open_log(args, name):
    return open(os.path.join(args.build, f"bench-{name}.log"), "wb")


def umbra_argv(args, umbra, engine):
    return lambda append: [
        umbra, "run", "--engine", engine, "--kernel", args.kernel,
        "--initrd", args.initrd, "--append", append, "--mem", args.mem,
        "--serial", "stdio", "--no-reboot", *args.umbra_arg]


# No network card: its boot ROM would only cost TCG time at start.
def tcg_argv(args):
    return lambda append: [
        QEMU, "-accel", "tcg", "-m", args.mem, "-nographic", "-nic", "none",
        "-no-reboot", "-kernel", args.kernel, "-initrd", args.initrd,
        "-append", append]


def why_no_hv(umbra):
    """Why HV cannot run a 32-bit guest here, or "" if it can."""
    facts = subprocess.run([umbra, "host"], capture_output=True,
                           text=True, check=False).stdout.splitlines()
    lines = {label: next((f[len(label):].strip() for f in facts
                          if f.startswith(label)), "")
             for label in ("modes for a 16/32-bit guest",
                           "KVM is not usable", "32-bit paging",
                           "PAE paging")}
    if "HV-" in lines["modes for a 16/32-bit guest"]:
        return ""
    for label, fact in lines.items():
        if label.startswith("KVM") and fact:
            return fact
        if "paging" in label and not fact.startswith("works"):
            return f"this host's KVM: {label} {fact}"
    return "umbra host does not offer it"


def make_systems(args, program):
    """The systems present here; says which ones are not."""
    systems = []
    args.why_no_hv = "--no-hv" if args.no_hv else ""
    append = f"console=ttyS0 {args.append}".strip()
    umbra = os.path.join(args.build, "umbra")
    if not args.no_native:
        systems.append(Native(program, args.cpu, open_log(args, "native")))
    if args.no_umbra:
        pass
    elif os.access(umbra, os.X_OK):
        systems.append(Guest("umbra", umbra_argv(args, umbra, args.engine),
                             append, args.cpu, open_log(args, "umbra")))
        args.why_no_hv = args.why_no_hv or why_no_hv(umbra)
        if not args.why_no_hv:
            systems.append(Guest("hv", umbra_argv(args, umbra, "hv"), append,
                                 args.cpu, open_log(args, "hv")))
        else:
            print(f"bench: no HV column: {args.why_no_hv}")
    else:
        print(f"bench: {umbra}: not built; its column stays empty")
    if args.no_tcg:
        pass
    elif shutil.which(QEMU):
        systems.append(Guest("tcg", tcg_argv(args), append, args.cpu,
                             open_log(args, "tcg")))
    else:
        print(f"bench: {QEMU}: not installed; no TCG column")
    return systems


def measure_rows(systems, rows, repeat):
    """
    Systems take turns at each sample of a row, so that a drift of the host, or
    whoever shares a core with it, hits all of them.
    """
    results = {s.name: {row: RowResult() for row in rows} for s in systems}
    try:
        for row, iters in rows.items():
            print(f"bench: {row}: {', '.join(s.name for s in systems)}",
                  flush=True)
            for _ in range(repeat):
                for s in systems:
                    s.measure(row, iters, results[s.name])
    finally:
        for s in systems:
            s.stop()
    return results


def measure_boots(guests, repeat):
    """Guests take turns, so that a drift of the host hits all of them."""
    boots = {g.name: [] for g in guests}
    print(f"bench: boot to prompt, {repeat} times", flush=True)
    broken = set()
    for _ in range(repeat):
        for g in guests:
            if g.name in broken:
                continue
            try:
                boots[g.name].append(g.boot())
            except BenchError as e:
                print(f"bench: {g.name}: boot: {e}", flush=True)
                broken.add(g.name)
    return boots, broken


def gather_facts(args, systems, load):
    return {
        "date": time.strftime("%Y-%m-%d"),
        "cpu": cpu_model(), "host_kernel": os.uname().release,
        "kernel": os.path.basename(args.kernel), "mem": args.mem,
        "engine": args.engine, "no_hv": args.why_no_hv,
        "append": args.append,
        "repeat": args.repeat, "load_before": load,
        "clocksource": {s.name: s.clock for s in systems if s.clock},
    }


def main():
    args = parse_args()
    args.initrd = args.initrd or os.path.join(args.build, "bench-initrd.gz")
    program = os.path.abspath(os.path.join(args.build, "umbra-bench"))
    for path in (program, args.kernel, args.initrd):
        if not os.path.exists(path):
            die(f"{path}: not found (run make bench)")
    # The reader of the output keeps off the measured core.
    others = os.sched_getaffinity(0) - {args.cpu}
    if others:
        os.sched_setaffinity(0, others)
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"bench: warning: load average is {load:.2f}; "
              "expect noise", flush=True)

    known = list_rows(program)
    rows, with_boot = choose_rows(args, known)
    systems = make_systems(args, program)
    results = measure_rows(systems, rows, args.repeat) if rows else {}
    guests = [s for s in systems if isinstance(s, Guest)]
    boots, broken = measure_boots(guests, args.repeat) if with_boot \
        else ({}, set())

    report = Report({n: known[n][0] for n in rows}, results, boots,
                    {g.name: g.memory for g in guests},
                    gather_facts(args, systems, load))
    for name, fact in report.facts.items():
        print(f"{name}: {fact}")
    print(report.text())
    with open(args.json or os.path.join(args.build, "bench.json"), "w") as f:
        f.write(report.json() + "\n")
    return 1 if report.failed() or broken else 0


if __name__ == "__main__":
    sys.exit(main())
