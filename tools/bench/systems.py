# SPDX-License-Identifier: GPL-2.0-or-later
"""Run umbra-bench natively and in guests; time what its output says.

A System knows how to start one command; Console reads the output line by
line with host time stamps.  Nothing here compares systems: see report.py.
"""
import os
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass, field

RESULT = re.compile(r"^([a-z0-9-]+)\t([0-9.]+)\t(\d+)\t([0-9a-f]{8})$")
# Behind it, busybox may ask the terminal where the cursor is.
PROMPT = re.compile(rb"\numbra:[^\r\n]*# ")
GUEST_RAM = re.compile(r"memfd:[^ ]*ram")


class BenchError(Exception):
    """A command that could not be started, hung, or died."""


@dataclass
class RowResult:
    """One row on one system; ns per operation, one sample per repeat."""
    samples: list = field(default_factory=list)
    iters: int = 0
    checksums: set = field(default_factory=set)
    inside_s: float = 0.0       # all repeats, by the system's own clock
    outside_s: float = 0.0      # the same, by the host's clock
    error: str = ""


def cpu_model():
    """The host's processor."""
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return "unknown"


class Console:
    """
    A child, its output read with time stamps; pinned to core @cpu unless that
    is None.
    """

    TICK_S = 0.5
    NEW_SESSION = False

    def __init__(self, argv, cpu, log):
        self.log = log
        self.tick = lambda: None    # called every TICK_S or so
        self.buffer = b""
        self.start = time.monotonic()
        try:
            self.process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=self.NEW_SESSION, preexec_fn=None if cpu is None
                else lambda: os.sched_setaffinity(0, {cpu}))
        except OSError as e:
            raise BenchError(f"{argv[0]}: {e.strerror}") from e
        self.fd = self.process.stdout.fileno()

    def fill(self, deadline):
        """Read what is there; False at end of file."""
        while not select.select([self.fd], [], [], self.TICK_S)[0]:
            self.tick()
            if time.monotonic() > deadline:
                raise BenchError("no output in time")
        data = os.read(self.fd, 65536)
        self.log.write(data)
        self.log.flush()
        self.buffer += data
        return bool(data)

    def lines(self, silence_s):
        """Yield (host time, line); BenchError after @silence_s without one."""
        deadline = time.monotonic() + silence_s
        while self.fill(deadline):
            now = time.monotonic()
            *whole, self.buffer = self.buffer.split(b"\n")
            for line in whole:
                yield now, line.decode("latin-1").strip("\r")
                deadline = time.monotonic() + silence_s

    def wait_for(self, pattern, timeout_s):
        """Seconds from start until @pattern is in the output."""
        deadline = self.start + timeout_s
        while not pattern.search(self.buffer):
            if not self.fill(deadline):
                raise BenchError("ended before the prompt")
        return time.monotonic() - self.start

    def close(self, grace_s=0.0):
        """End the child, which may take @grace_s to do so itself."""
        try:
            self.process.wait(grace_s or 0.01)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        try:
            self.process.stdin.close()
        except OSError:
            pass                # what it has not read is lost
        self.process.stdout.close()
        return self.process.returncode


class RowReader:
    """Collects the lines of umbra-bench into RowResults."""

    def __init__(self, results):
        self.results = results
        self.begin = 0.0
        self.current = None
        self.clock = None
        self.done = False

    def row(self, name):
        if name not in self.results:
            raise BenchError(f"{name}: no row that was asked for; is "
                             "umbra-bench of another version? (make "
                             "compare-files builds it)")
        return self.results[name]

    def line(self, now, line):
        m = RESULT.match(line)
        if m and m[1] in self.results:
            row = self.results[m[1]]
            row.samples.append(float(m[2]))
            row.iters = int(m[3])
            row.checksums.add(m[4])
            return
        word = line.split("\t")
        if word[0] == "#begin":
            self.begin, self.current = now, word[1]
        elif word[0] == "#end":
            row = self.row(word[1])
            row.inside_s += int(word[2]) / 1e9
            row.outside_s += now - self.begin
        elif word[0] == "#fail":
            self.row(word[1]).error = f"exit status {word[2]}"
        elif word[0] == "#clock":
            self.clock = word[1]
        elif word[0] == "#done":
            self.done = True


def status_fields(pid):
    """/proc/PID/status as {field: KiB or None}."""
    out = {}
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            name, _, value = line.partition(":")
            m = re.match(r"\s*(\d+) kB", value)
            if m:
                out[name] = int(m[1])
    return out


def shmem_beside_guest(pid):
    """KiB of shared mappings (Pss) that are not the guest's RAM."""
    total, counted = 0, False
    with open(f"/proc/{pid}/smaps") as f:
        for line in f:
            if re.match(r"^[0-9a-f]+-[0-9a-f]+ ", line):
                perms = line.split()[1]
                counted = perms[3] == "s" and not GUEST_RAM.search(line)
            elif counted and line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


class MemoryWatch:
    """
    Memory of a VMM beyond its guest's RAM, in KiB: private memory and host
    page tables at their highest (they grow and shrink with windows), plus
    shared memory other than guest RAM at the end.  /proc/PID/status takes no
    lock of the process; smaps does, so it is read while the guest idles.
    """

    def __init__(self, pid):
        self.pid = pid
        self.peak = {}
        self.other_shmem = 0

    def sample(self):
        try:
            f = status_fields(self.pid)
        except OSError:
            return
        now = {k: f.get(k, 0) for k in ("RssAnon", "RssFile", "VmPTE")}
        if sum(now.values()) > sum(self.peak.values()):
            self.peak = now

    def finish(self):
        self.sample()
        try:
            self.other_shmem = shmem_beside_guest(self.pid)
        except OSError:
            return

    def report(self):
        parts = dict(self.peak, OtherShmem=self.other_shmem)
        return dict(parts, total=sum(parts.values())) if self.peak else None


class Served:
    """
    umbra-bench that stays on console @c and does a row when it is asked to; what
    it says goes to @results, {row: RowResult}.  BenchError after @silence_s
    without a line, or if it ends.
    """

    def __init__(self, c, results, silence_s):
        self.c, self.reader = c, RowReader(results)
        self.lines = c.lines(silence_s)
        self.until("#ready")

    def until(self, mark):
        """Read lines to the one that begins with @mark; False: #ready came."""
        for now, line in self.lines:
            self.reader.line(now, line)
            if line.startswith(mark):
                return True
            if line == "#ready":
                return False
        raise BenchError(f"ended in row {self.reader.current}")

    def say(self, line):
        self.c.process.stdin.write(line.encode() + b"\n")
        self.c.process.stdin.flush()

    def begin(self, row, iters, warmup, repeat):
        """False: the row has failed.  Else run() must follow."""
        self.say(f"{row} {iters} {warmup} {repeat}")
        return self.until("#begin")

    def run(self):
        self.reader.begin = time.monotonic()
        self.say("go")
        return self.until("#end")

    def end(self):
        self.say("")
        for now, line in self.lines:
            self.reader.line(now, line)
            if self.reader.done:
                return


class System:
    """
    One of those that are compared.  It is started when a row needs it, and
    again after a row that hung or killed it.
    """
    STARTS = 4
    SILENCE_S = 100     # longest row under TCG takes some seconds
    WARMUP = 0.1        # of the iterations, untimed

    def __init__(self, name, argv, cpu, log):
        self.name, self.argv, self.cpu, self.log = name, argv, cpu, log
        self.clock, self.memory = None, None
        self.served, self.starts = None, 0

    def start(self, results):
        self.starts += 1
        if self.starts > self.STARTS:
            raise BenchError("not run")
        c = Console(self.argv, self.cpu, self.log)
        self.watch = MemoryWatch(c.process.pid)
        c.tick = self.watch.sample
        try:
            self.served = Served(c, results, self.SILENCE_S)
        except BenchError:
            c.close()
            raise
        self.clock = self.served.reader.clock

    def measure(self, row, iters, results):
        """One sample of @row; what stops it goes to its .error."""
        if results[row].error:
            return
        try:
            if not self.served:
                self.start(results)
            warmup = max(1, int(iters * self.WARMUP))
            if self.served.begin(row, iters, warmup, 1) and self.served.run():
                self.served.until("#ready")
            self.watch.sample()
        except (BenchError, OSError) as e:
            results[row].error = str(e)
            self.abandon()

    def abandon(self):
        if self.served:
            self.served.c.close()
        self.served = None

    def stop(self):
        """End it in good order and note its memory."""
        if not self.served:
            return
        try:
            self.served.end()
            self.watch.finish()
            self.memory = self.watch.report()
            self.served.c.close(5)
            self.served = None
        except (BenchError, OSError):
            self.abandon()


class Native(System):
    """The program as an ordinary process on the host."""

    def __init__(self, program, cpu, log):
        super().__init__("native", [program, "--serve"], cpu, log)


class Guest(System):
    """
    A virtual machine.  @command(append) gives the command that boots the bench
    kernel and initrd with the kernel command line @append.
    """
    BOOT_S = 100

    def __init__(self, name, command, append, cpu, log):
        super().__init__(name, command(f"{append} loglevel=4 "
                                       "rdinit=/bin/umbra-bench "
                                       "BENCH_ROWS=serve"), cpu, log)
        self.boot_argv = command(append)

    def boot(self):
        """Seconds from start to the shell's first prompt."""
        c = Console(self.boot_argv, self.cpu, self.log)
        try:
            return c.wait_for(PROMPT, self.BOOT_S)
        finally:
            c.close()
