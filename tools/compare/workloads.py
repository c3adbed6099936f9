# SPDX-License-Identifier: GPL-2.0-or-later
"""The workloads: run one on one machine once, give its samples.

A Run's values() are {row: value}, in its unit; smaller is better for all of
them.  Before that, start() begins, and each of parts() is done by part(), which
is when other machines that run at the same time have their turns.  Afterwards
there are run.counters (Umbra's --stats), run.skipped ({row: reason}) and
run.extra (more workloads by the same run).
"""
import os
import re
import shutil
import subprocess
import tempfile
import time
from statistics import median

from machines import guest_argv, read_stats, unpaged_only
from systems import BenchError, Console, RowResult, Served

NANO_UNPAGED = ("call", "call-indirect", "in", "iodelay", "rdtsc", "cpuid",
                "cr0-ts", "cli-sti", "irqsave", "iret", "divzero")


class Setup:
    """Paths and sizes common to all runs."""

    def __init__(self, args):
        self.umbra = os.path.join(args.build, "umbra")
        self.build = args.build
        self.tools = os.path.dirname(os.path.abspath(__file__))
        self.mem, self.cpu, self.append = args.mem, args.cpu, args.append
        self.scale, self.bench_rows = args.scale, args.bench_rows
        self.nano_rows = args.nano_rows
        self.seconds, self.build_times = args.idle, args.build_times
        self.dir = tempfile.mkdtemp(prefix="umbra-compare-")
        self.log = open(os.path.join(args.out, "console.log"), "wb")

    def close(self):
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Run:
    """One workload on one machine, once."""
    at_once = False         # all machines run at the same time, in turns

    def __init__(self, setup, machine, kernel):
        self.s, self.m, self.kernel = setup, machine, kernel
        self.counters, self.skipped = {}, {}
        self.extra = {}         # {workload: (unit, {row: value})}
        self.stats_file = os.path.join(setup.dir, f"stats-{machine.name}")

    def parts(self):
        return [""]

    def start(self):
        pass

    def part(self, name):
        self.all = self.run()

    def values(self):
        return self.all

    def abandon(self):
        """After a failure: leave nothing running."""

    def console(self, argv):
        self.s.log.write(("\n### " + " ".join(argv) + "\n").encode())
        return Console(argv, self.s.cpu, self.s.log)

    def boot(self, append, initrd, kernel=None):
        if os.path.exists(self.stats_file):
            os.unlink(self.stats_file)
        return self.console(guest_argv(
            self.m, self.s.umbra, kernel or self.kernel, self.s.mem,
            append, initrd, self.stats_file))

    def finish(self, console, grace_s):
        status = console.close(grace_s)
        self.counters = read_stats(self.stats_file)
        return status


def cpu_seconds(pid):
    """
    Processor time of all threads of a process, also those that have ended.
    Its clock's number is clock_getcpuclockid(3)'s, which Python lacks.
    """
    try:
        return time.clock_gettime(~pid << 3 | 2)
    except OSError:
        return 0.0


# ---- nano ---------------------------------------------------------------------

def nano_lines(lines):
    """({row: cycles}, {row: reason}) out of the kernel's output."""
    values, skipped = {}, {}
    for line in lines:
        word = line.rstrip("\r\n").split("\t")
        if word[0] == "nano" and len(word) == 7:
            values[word[1]] = float(word[3])
        elif word[0] in ("#skip", "#fail") and len(word) >= 3:
            skipped[word[1]] = word[2]
    return values, skipped


class Nano(Run):
    unit = "cycles"
    kcycles, repeat = 1500, 7

    def run(self):
        rows = ",".join(self.s.nano_rows or ())
        args = f"repeat={self.repeat} kcycles={self.kcycles}"
        why = unpaged_only(self.m)
        if why:
            rows = ",".join(r for r in NANO_UNPAGED
                            if not rows or r in rows.split(","))
            args += " paging=off"
        if rows:
            args += f" rows={rows}"
        if self.m.guest:
            c = self.boot(args, None, os.path.join(self.s.build, "nano.elf"))
        else:
            c = self.console([os.path.join(self.s.build, "umbra-nano"),
                              *args.split()])
        lines = [line for _, line in c.lines(60)]
        self.finish(c, 5)
        values, self.skipped = nano_lines(lines)
        if not any(line.startswith("#done") for line in lines):
            raise BenchError("the nanobenchmark kernel did not end; "
                             + (lines[-1] if lines else "no output"))
        if why:
            self.skipped["rows with paging"] = why
        return values


# ---- bench: rows of umbra-bench, forkwait among them ----------------------------

class Bench(Run):
    """
    The machine stays and does a row when it is asked to, so that the same row
    of all machines is measured within a second: a drift of the host meets all
    of them.  The value of a round is the median of all samples.
    """
    unit = "ns"
    at_once = True
    passes = 2              # a process each
    repeat = 3              # samples of a process
    warmup = 0.1            # of the iterations of make bench

    def __init__(self, *args):
        super().__init__(*args)
        listed = subprocess.run([self.program(), "--list"], check=True,
                                capture_output=True, text=True).stdout
        self.full = {f[0]: int(f[2]) for f in
                     (line.split("\t") for line in listed.splitlines())}
        names = self.s.bench_rows or list(self.full)
        self.results = {r: RowResult() for r in names}
        self.cpu = {r: [] for r in names}
        self.c = self.served = None

    def program(self):
        return os.path.join(self.s.build, "umbra-bench")

    def parts(self):
        return [r for r in self.results for _ in range(self.passes)]

    def start(self):
        if self.m.guest:
            self.c = self.boot(
                f"console=ttyS0 loglevel=4 {self.s.append} "
                "rdinit=/bin/umbra-bench BENCH_ROWS=serve",
                os.path.join(self.s.build, "compare-initrd.gz"))
        else:
            self.c = self.console([self.program(), "--serve"])
        self.served = Served(self.c, self.results, 60)

    def iters(self, row):
        return max(1, int(self.full[row] * self.s.scale))

    def part(self, row):
        if self.results[row].error:
            return
        warmup = max(1, int(self.full[row] * self.warmup))
        if not self.served.begin(row, self.iters(row), warmup, self.repeat):
            return
        pid = self.c.process.pid
        was = cpu_seconds(pid)
        if not self.served.run():
            return
        self.cpu[row].append((cpu_seconds(pid) - was) * 1e9 /
                             (self.iters(row) * self.repeat))
        self.served.until("#ready")

    def abandon(self):
        if self.c:
            self.c.close()

    def values(self):
        self.served.end()
        self.finish(self.c, 5)
        out = {r: median(v.samples) for r, v in self.results.items()
               if v.samples and not v.error}
        for r, v in self.results.items():
            if r not in out:
                self.skipped[r] = v.error or "not run"
        # Of the machine's threads alone: what a busy host takes away is not
        # in it.  A process's children are, so there is no native column.
        if self.m.guest:
            self.extra["cpu"] = "ns of host CPU", {
                "sleep-cpu" if r == "sleep" else r: median(self.cpu[r])
                for r in out}
        return out


# ---- scripts in the guest: build, idle, boot ------------------------------------

MARK = re.compile(r"^#(begin|end)\t([a-z-]+)$")


class Script(Run):
    """Runs /compare in the guest; times what stands between its marks."""
    names = ()

    def meanwhile(self, pid):
        """Called when the first mark has been read."""

    def run_script(self, what):
        c = self.boot("console=ttyS0 quiet panic=-1 umbra.script=/compare "
                      f"compare={what} {self.s.append}",
                      os.path.join(self.s.build, "compare-initrd.gz"))
        wall, cpu, began = {}, {}, {}
        try:
            for now, line in c.lines(120):
                m = MARK.match(line)
                if not m:
                    continue
                used = cpu_seconds(c.process.pid)
                if m[1] == "begin":
                    began[m[2]] = now, used
                    self.meanwhile(c.process.pid)
                elif m[2] in began:
                    wall[m[2]] = now - began[m[2]][0]
                    cpu[m[2]] = used - began[m[2]][1]
        finally:
            self.finish(c, 10)
        return c.start, began, wall, cpu


class Idle(Script):
    """Without what the guest does before and after its sleep."""
    unit = "ms of host CPU per second"
    margin = 0.5

    def meanwhile(self, pid):
        time.sleep(self.margin)
        was, began = cpu_seconds(pid), time.monotonic()
        time.sleep(self.s.seconds)
        self.used = cpu_seconds(pid) - was
        self.took = time.monotonic() - began

    def run(self):
        if not self.m.guest:
            return {}
        _, _, wall, _ = self.run_script(
            f"idle:{self.s.seconds + round(2 * self.margin)}")
        if "idle" not in wall:
            raise BenchError("the guest's script did not end")
        if wall["idle"] < self.took:
            raise BenchError("the guest's output came late: "
                             f"{wall['idle']:.3f} s between the marks")
        return {"idle": self.used / self.took * 1000}


class Boot(Script):
    unit = "s"

    def run(self):
        if not self.m.guest:
            return {}
        start, began, _, _ = self.run_script("nothing")
        if "nothing" not in began:
            raise BenchError("the guest's script did not begin")
        return {"boot to script": began["nothing"][0] - start}


class Build(Script):
    unit = "s"

    def run(self):
        root = os.path.join(self.s.build, "compare-tcc")
        if not os.path.isdir(root):
            self.skipped["build"] = "no compiler for the guest was fetched"
            return {}
        if self.m.guest:
            _, _, wall, _ = self.run_script(f"build:{self.s.build_times}")
            if "build" not in wall:
                raise BenchError("the guest's build did not end")
            return {"build": wall["build"]}
        return {"build": self.native(root)}

    def native(self, root):
        """The same compiler and files, through its own loader."""
        script = os.path.join(self.s.tools, "build.sh")
        c = self.console(["sh", script, os.path.abspath(root),
                          str(self.s.build_times), self.s.dir])
        began = None
        for now, line in c.lines(120):
            m = MARK.match(line)
            if m and m[1] == "begin":
                began = now
            elif m and began is not None:
                c.close(1)
                return now - began
        c.close(1)
        raise BenchError("the build on the host did not end")


WORKLOADS = {"nano": Nano, "bench": Bench, "build": Build, "idle": Idle,
             "boot": Boot}
