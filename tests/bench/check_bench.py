#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make bench without machines: the HV column is there when HV was measured,
and the reason when it was not."""
import json
import os
import stat
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "bench"))
from bench import why_no_hv                             # noqa: E402
from readme import block                                # noqa: E402
from report import Report                               # noqa: E402
from systems import RowResult                           # noqa: E402

FAILED = []
FACTS = {"date": "2026-01-01", "cpu": "A", "host_kernel": "6.1", "mem": "1M",
         "kernel": "k", "engine": "bt", "repeat": 1, "load_before": 0.0}


def check(name, good, *show):
    print(("ok " if good else "not ok ") + name, flush=True)
    if not good:
        print("#", *show)
        FAILED.append(name)


def row(ns):
    return RowResult([ns], 10, {"00000001"}, 1.0, 1.0, "")


def report(no_hv, hv):
    results = {"native": {"sieve": row(100)}, "umbra": {"sieve": row(110)},
               "tcg": {"sieve": row(400)}}
    boots = {"umbra": [1.5], "tcg": [5.0]}
    if hv:
        results["hv"] = {"sieve": row(130)}
        boots["hv"] = [2.5]
    return Report({"sieve": "compute"}, results, boots, {},
                  FACTS | {"no_hv": no_hv})


def as_read(r):
    return block(json.loads(r.json()))


def columns():
    r = report("", True)
    head, line = r.text().splitlines()[:2]
    check("the table has a column for hv",
          head.split()[:5] == ["row", "native", "umbra", "hv", "tcg"] and
          "hv/nat" in head, head)
    check("with its values", "130 ns" in line and "1.30" in line, line)
    boot = next(l for l in r.text().splitlines() if l.startswith("boot"))
    check("its boot, too", "2.50 s" in boot, boot)
    text = as_read(r)
    check("the README's table has it",
          "| row | native | Umbra | Umbra HV | TCG |" in text and
          "| sieve | 100 ns | 110 ns | 130 ns | 400 ns | 1.10 | 1.30 |"
          in text and "No HV column" not in text, text)
    r = report("this host's KVM: 32-bit paging fails: triple fault", False)
    text = " ".join(as_read(r).split())
    check("without it the README says why", "No HV column: this host's KVM: "
          "32-bit paging fails: triple fault." in text and
          "Umbra HV" not in text, text)
    check("and there is no empty column", "hv" not in r.text(), r.text())


def reasons():
    hosts = (
        ("a KVM that runs 32-bit guests",
         "modes for a 16/32-bit guest  BT-swMMU HV-hwMMU\n", ""),
        ("no KVM", "KVM is not usable            no such device\n"
         "modes for a 16/32-bit guest  BT-swMMU\n", "no such device"),
        ("a KVM without 32-bit paging",
         "32-bit paging                fails: triple fault\n"
         "PAE paging                   works\n"
         "modes for a 16/32-bit guest  BT-swMMU\n",
         "this host's KVM: 32-bit paging fails: triple fault"),
        ("a KVM without PAE",
         "32-bit paging                works\n"
         "PAE paging                   hangs: no progress in 500 ms\n"
         "modes for a 16/32-bit guest  BT-swMMU\n",
         "this host's KVM: PAE paging hangs: no progress in 500 ms"),
    )
    with tempfile.TemporaryDirectory() as tmp:
        fake = os.path.join(tmp, "umbra")
        for name, facts, want in hosts:
            with open(fake, "w", encoding="ascii") as f:
                f.write(f"#!/bin/sh\ncat <<'END'\n{facts}END\n")
            os.chmod(fake, stat.S_IRWXU)
            got = why_no_hv(fake)
            check(f"why not on {name}", got == want, got)


columns()
reasons()
sys.exit(1 if FAILED else 0)
