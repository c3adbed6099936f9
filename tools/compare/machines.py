# SPDX-License-Identifier: GPL-2.0-or-later
"""What runs the workloads: the host, Umbra in its ways, QEMU.

A Machine knows the command line for a kernel, or why this host has none.
"""
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field

QEMU = "qemu-system-i386"
DEBUG_EXIT = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
STAT = re.compile(r"^ *(\d+)  (\S.*)$")


@dataclass
class Machine:
    name: str               # column of tables, key of JSON
    text: str               # what it is, for people
    engine: str = ""        # of umbra; "": not umbra
    vmi: str = ""           # --vmi= argument; "": the option is not given
    why_not: str = ""       # not available: the reason
    notes: list = field(default_factory=list)   # what rows it cannot do

    @property
    def guest(self):
        return self.name != "native"


def output_of(argv):
    try:
        return subprocess.run(argv, capture_output=True, text=True,
                              timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def hv_problem(umbra):
    """Why KVM here cannot run a paged 32-bit kernel; "" if it can."""
    facts = {}
    for line in output_of([umbra, "host"]).splitlines():
        if len(line) > 29:
            facts[line[:29].strip()] = line[29:].strip()
    if not facts:
        return "umbra host does not say what KVM can do"
    if facts.get("KVM") != "usable":
        return f"KVM: {facts.get('KVM', 'not there')}"
    paging = facts.get("32-bit paging", "not known")
    return "" if paging.startswith("works") else f"32-bit paging {paging}"


def make_machines(umbra, names):
    """All machines of @names, in order, each with its reason if it cannot."""
    usage = output_of([umbra, "run", "--help"])
    no_vmi = "" if "--vmi" in usage else "umbra run has no --vmi"
    off = "" if no_vmi else "off"
    hv = hv_problem(umbra)
    table = [
        Machine("native", "32-bit process of the host"),
        Machine("bt", "full virtualization by BT", "bt", off),
        Machine("vmi-bt", "VMI on BT", "bt", "bt", no_vmi),
        Machine("hv", "full virtualization by HV (KVM)", "hv", off),
        Machine("vmi-hv", "VMI on HV (KVM)", "hv", "hv", no_vmi),
        Machine("tcg", "QEMU TCG", why_not="" if shutil.which(QEMU)
                else f"{QEMU} is not installed"),
    ]
    for m in table:
        if m.engine == "hv" and not m.why_not:
            m.notes.append(hv)
    known = {m.name: m for m in table}
    return [known[n] for n in names]


def unpaged_only(machine):
    """The reason why only unpaged rows run there, or ""."""
    return machine.notes[0] if machine.notes else ""


def guest_argv(machine, umbra, kernel, mem, append, initrd=None, log=None):
    """The command that boots @kernel there; its console is stdio."""
    files = ["-kernel", kernel] + (["-initrd", initrd] if initrd else [])
    if machine.engine:
        return [umbra, "run", *files, "--append", append, "--mem", mem,
                "--engine", machine.engine, "--serial", "stdio",
                "--no-reboot", "--stats", "--log", log or os.devnull,
                *([f"--vmi={machine.vmi}"] if machine.vmi else [])]
    # No network card: its boot ROM would only cost TCG time at start.
    return [QEMU, "-accel", "tcg", "-m", mem, "-display", "none",
            "-serial", "stdio", "-nic", "none", "-no-reboot", *DEBUG_EXIT,
            *files, "-append", append]


def read_stats(path):
    """The counters of --stats: {text: number}."""
    out = {}
    try:
        with open(path, encoding="latin-1") as f:
            for line in f:
                m = STAT.match(line.rstrip("\n"))
                if m:
                    out[m[2]] = int(m[1])
    except OSError:
        pass
    return out
