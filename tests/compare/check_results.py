#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians, ratios, goals and formats of umbra compare, on made-up samples."""
import csv
import io
import json
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "..", "tools", d)
                for d in ("compare", "bench")]
import plots                                            # noqa: E402
import report_text                                      # noqa: E402
from machines import read_stats                         # noqa: E402
from results import Results, interval, ratio            # noqa: E402
from workloads import nano_lines                        # noqa: E402

FAILED = []


def check(name, good, *show):
    print(("ok " if good else "not ok ") + name, flush=True)
    if not good:
        print("#", *show)
        FAILED.append(name)


def sample():
    r = Results(["native", "bt", "vmi-bt"], compute=["sieve"])
    for bt, vmi in ((100, 40), (300, 44), (110, 54), (110, 44), (100, 42)):
        r.add("nano", "cycles", "bt", {"ptemod-use": bt, "cli-sti": 10,
                                       "irqsave": 100, "traced-cold": 8000,
                                       "in": 500})
        r.add("nano", "cycles", "vmi-bt", {"ptemod-use": vmi, "cli-sti": 13,
                                           "irqsave": 104})
        r.add("bench", "ns", "bt", {"sieve": 1000, "fork": 2000})
        r.add("bench", "ns", "vmi-bt", {"sieve": 1010, "fork": 1900})
    r.add("nano", "cycles", "native", {}, {"pgfault": "paging is off"})
    r.failed("bench", "native", "no such file")
    return r


def test_medians():
    r = sample()
    check("one outlier does not move a median",
          r.median("nano", "ptemod-use", "bt") == 110)
    check("a ratio is the median of the rounds' ratios",
          r.vs("nano", "ptemod-use", "vmi-bt", "bt") == 40 / 100)
    check("what was not measured has no ratio",
          r.vs("nano", "ptemod-use", "native", "bt") is None)
    check("a ratio to nothing is none", ratio(1, 0) is None and
          ratio(None, 1) is None and ratio(0, 2) == 0)


def test_intervals():
    check("of 5 rounds: all of them", interval([3, 1, 2, 5, 4]) ==
          (1, 5, 0.9375))
    check("of 9: without the outermost", interval(range(9))[:2] == (1, 7))
    check("of 3: all, which is not sure enough", interval([1, 2, 3]) ==
          (1, 3, 0.75))
    check("of one: nothing is known", interval([7]) == (7, 7, 0))
    r = Results(["bt", "vmi-bt"])
    for i, vmi in ((0, 50), (2, 300)):
        r.add("bench", "ns", "vmi-bt", {"fork": vmi}, round_=i)
    for i, bt in ((1, 1), (2, 200), (0, 100)):
        r.add("bench", "ns", "bt", {"fork": bt}, round_=i)
    check("a round that one system lacks has no ratio",
          r.ratios("bench", "fork", "vmi-bt", "bt") == [0.5, 1.5])


def verdict(ratios, row="fork"):
    r = Results(["bt", "vmi-bt"], compute=["sieve"])
    for ratio_ in ratios:
        r.add("bench", "ns", "bt", {row: 100})
        r.add("bench", "ns", "vmi-bt", {row: 100 * ratio_})
    return r.goal("bench", row)[2]


def test_doubt():
    check("a pass that the interval does not bear out",
          verdict([0.7, 0.8, 0.85, 0.88, 0.95]) == "pass?")
    check("a miss that the interval does not bear out",
          verdict([0.7, 0.92, 0.93, 0.94, 0.95]) == "MISS?")
    check("a sure miss", verdict([0.91, 0.92, 1.1, 0.95, 1.2]) == "MISS")
    check("four rounds are never sure", verdict([0.7] * 4) == "pass?")
    check("a compute row may stray to both sides, not far to one",
          verdict([0.98, 0.99, 1, 1.01, 1.02], "sieve") == "pass" and
          verdict([0.96, 0.99, 1, 1.01, 1.02], "sieve") == "pass?")


def test_goals():
    r = sample()
    check("page-table rows have the limit of a half",
          r.goal("nano", "ptemod-use") == (0.4, 0.5, "pass"))
    check("fork above 0.9 misses", r.goal("bench", "fork")[2] == "MISS")
    check("compute rows may differ by 3 % either way",
          r.goal("bench", "sieve")[2] == "pass")
    check("other rows may not be worse than 3 %",
          r.goal("nano", "irqsave")[2] == "MISS")
    check("three cycles are no difference",
          r.goal("nano", "cli-sti")[2] == "equal")
    check("an unmeasured row passes nothing",
          r.goal("nano", "in")[2] == "not measured")
    check("page tables compare with an unadapted traced store",
          r.traced_goals() == {"ptemod-use": (44 / 8000, 0.1, "pass")})
    slower = Results(["bt", "vmi-bt"], compute=["sieve"])
    for _ in range(5):
        slower.add("bench", "ns", "bt", {"sieve": 1000})
        slower.add("bench", "ns", "vmi-bt", {"sieve": 900})
    check("compute rows that differ downwards miss, too",
          slower.goal("bench", "sieve")[2] == "MISS")


def test_formats():
    r = sample()
    data = json.loads(r.json({"cpu": "any"}))
    rows = {(x["workload"], x["row"]): x for x in data["rows"]}
    cell = rows["nano", "ptemod-use"]["systems"]["bt"]
    check("JSON has median, extremes and samples",
          (cell["median"], cell["min"], cell["max"], cell["samples"]) ==
          (110, 100, 300, [100, 300, 110, 110, 100]), cell)
    check("JSON has the interval of the ratios",
          rows["nano", "ptemod-use"]["vmi_interval"] ==
          {"low": 44 / 300, "high": 54 / 110, "coverage": 0.9375})
    check("JSON has the goal's verdict",
          rows["bench", "fork"]["vmi_goal"]["verdict"] == "MISS")
    check("JSON says what was not measured",
          {"workload": "bench", "row": "", "system": "native",
           "reason": "no such file"} in data["not_measured"])
    table = list(csv.DictReader(io.StringIO(r.csv())))
    line = [x for x in table if x["row"] == "fork" and
            x["system"] == "vmi-bt"]
    check("CSV has a line for each row and system",
          len(line) == 1 and float(line[0]["median"]) == 1900 and
          float(line[0]["vs_bt"]) == 0.95, line)
    text = report_text.text(r)
    check("the report names what paravirtualization costs",
          "what it costs:\n  nano: irqsave: 1.04" in text, text)
    check("the report gives reasons for empty cells",
          "native: bench: no such file" in text)


def test_exits():
    r = sample()
    for n in (10, 30, 20):
        r.add("boot", "s", "bt", {"boot": 1}, counters={
            "instructions interpreted from the TC": n})
    kinds = dict(report_text.exits(r, "boot"))
    check("exits cost their count times the row that makes one",
          kinds["interpreted instructions"] == {"bt": (20, 20 * 500)}, kinds)
    lines, n = plots.overhead_data(r, "boot")
    check("the overhead plot has a column for each kind",
          n == 1 and lines[1] == '"bt" 0.01', lines)


def test_parsers(tmp="/tmp"):
    values, skipped = nano_lines([
        "#nano\t1\r\n", "nano\tcall\tnative\t3.51\t3.4\t3.6\t1024\r\n",
        "nano\tcut\tnative\t3.51\n", "#skip\tcr3\tpaging is off\n",
        "#fail\tin\t16 operations made 0 events\n"])
    check("lines of the nanobenchmark kernel", values == {"call": 3.51} and
          skipped == {"cr3": "paging is off",
                      "in": "16 operations made 0 events"},
          values, skipped)
    path = os.path.join(tmp, f"umbra-test-stats-{os.getpid()}")
    with open(path, "w") as f:
        f.write("machine: 97 engine entries\n          12  CR3 loads\n"
                "timer: 0 ticks late, 0 lost\n")
    check("counters of --stats", read_stats(path) == {"CR3 loads": 12})
    os.unlink(path)
    check("no counters of a file that is not there", read_stats(path) == {})


for test in (test_medians, test_intervals, test_doubt, test_goals, test_formats, test_exits,
             test_parsers):
    test()
sys.exit(1 if FAILED else 0)
