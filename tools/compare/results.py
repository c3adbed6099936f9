# SPDX-License-Identifier: GPL-2.0-or-later
"""Samples, medians, ratios, goals.  No input or output but JSON and CSV."""
import csv
import io
import json
from math import comb
from statistics import median

# What VMI on BT should reach against full virtualization on BT, by row;
# issue "VMI from end to end", section Reach.
VMI_LIMITS = {
    "ptemod-kernel": 0.5, "ptemod-use": 0.5,
    "fork": 0.9, "exec": 0.9, "idle": 0.7, "sleep-cpu": 0.7, "timer": 0.7,
}
VMI_LIMIT = 1.03            # everything else: no worse
COMPUTE_BAND = 0.03         # compute rows are equal
COVERAGE = 0.93             # of intervals, at least; 5 rounds are needed
NANO_EQUAL = 3              # cycles: what the same code varies by, see README
TRACED_LIMIT = 0.1          # of a traced store that nothing adapted to
PTE_ROWS = ("ptemod", "ptemod-use", "ptemod-kernel", "ptemod-batch",
            "ptemod-batch31")


def ratio(a, b):
    return a / b if a is not None and b else None


def lists(cells):
    """(system, [values]) of each."""
    return [(s, list(v.values())) for s, v in cells.items()]


def coverage_of(n, k):
    """How likely the median is between the k-th of n values from both ends."""
    return 1 - 2 * sum(comb(n, i) for i in range(k)) / 2 ** n


def interval(values):
    """
    (low, high, coverage): the narrowest pair of order statistics that holds the
    median of what @values are samples of with COVERAGE or more, whatever its
    distribution; else the extremes.
    """
    v, n = sorted(values), len(values)
    k = max([k for k in range(1, n // 2 + 1) if coverage_of(n, k) >= COVERAGE],
            default=1)
    return v[k - 1], v[n - k], coverage_of(n, k)


class Results:
    """
    One value for each round by (workload, row, system), in the order in which rows were met.
    @compute: names of rows whose time should not depend on virtualization.
    """

    def __init__(self, systems, compute=()):
        self.systems, self.compute = list(systems), set(compute)
        self.units = {}             # workload -> unit
        self.samples = {}           # (workload, row) -> {system: {round: v}}
        self.why = {}               # (workload, row or "", system) -> reason
        self.counters = {}          # (workload, system) -> [{text: n}]

    def add(self, workload, unit, system, values, skipped=(), counters=None,
            round_=None):
        self.units[workload] = unit
        for row, value in values.items():
            cell = self.samples.setdefault((workload, row), {})
            rounds = cell.setdefault(system, {})
            rounds[len(rounds) if round_ is None else round_] = value
        for row, reason in dict(skipped).items():
            self.why[workload, row, system] = reason
        if counters:
            self.counters.setdefault((workload, system), []).append(counters)

    def failed(self, workload, system, reason):
        self.why[workload, "", system] = reason

    def median(self, workload, row, system):
        v = self.samples.get((workload, row), {}).get(system)
        return median(v.values()) if v else None

    def rows(self):
        """All rows, those of one workload together."""
        order = list(self.units)
        return sorted(self.samples, key=lambda wr: order.index(wr[0]))

    def ratios(self, workload, row, system, base):
        """Of each round that has both: what drifts between rounds cancels."""
        cell = self.samples.get((workload, row), {})
        a, b = cell.get(system, {}), cell.get(base, {})
        return [a[i] / b[i] for i in a if b.get(i)]

    def vs(self, workload, row, system, base):
        r = self.ratios(workload, row, system, base)
        return median(r) if r else None

    def interval(self, workload, row, system, base):
        """interval() of the ratios, or None."""
        r = self.ratios(workload, row, system, base)
        return interval(r) if r else None

    def counter(self, workload, system, text):
        """Median of a counter over the runs; None if it was never printed."""
        runs = [c[text] for c in self.counters.get((workload, system), ())
                if text in c]
        return median(runs) if runs else None

    def same(self, workload, row):
        """Is the difference between VMI and BT below what can be resolved?"""
        a, b = (self.median(workload, row, s) for s in ("bt", "vmi-bt"))
        return (workload == "nano" and None not in (a, b) and
                abs(a - b) <= NANO_EQUAL)

    # ---- goals ---------------------------------------------------------------

    def goal(self, workload, row):
        """
        (measured, limit, verdict) of VMI on BT against BT, or None.  A verdict
        that the interval does not bear out has a question mark.
        """
        if "bt" not in self.systems or "vmi-bt" not in self.systems:
            return None
        got = self.vs(workload, row, "vmi-bt", "bt")
        limit = VMI_LIMITS.get(row, VMI_LIMIT)
        if got is None:
            return None, limit, "not measured"
        if row not in VMI_LIMITS and self.same(workload, row):
            return got, limit, "equal"

        least = 1 - COMPUTE_BAND if row in self.compute else 0
        low, high, coverage = self.interval(workload, row, "vmi-bt", "bt")
        if least <= got <= limit:
            verdict, sure = "pass", least <= low and high <= limit
        else:
            verdict, sure = "MISS", high < least or low > limit
        return got, limit, verdict + ("" if sure and coverage >= COVERAGE
                                      else "?")

    def traced_goals(self):
        """{row: (measured, limit, verdict)}: VMI against a traced store."""
        trace = self.median("nano", "traced-cold", "bt")
        out = {}
        for row in PTE_ROWS:
            got = ratio(self.median("nano", row, "vmi-bt"), trace)
            if got is not None:
                out[row] = (got, TRACED_LIMIT,
                            "pass" if got <= TRACED_LIMIT else "MISS")
        return out

    # ---- output --------------------------------------------------------------

    def json(self, facts):
        rows = []
        for workload, row in self.rows():
            cells = self.samples[workload, row]
            goal = self.goal(workload, row)
            band = self.interval(workload, row, "vmi-bt", "bt")
            rows.append({
                "workload": workload, "row": row,
                "unit": self.units[workload],
                "systems": {s: {"median": median(v), "min": min(v),
                                "max": max(v), "samples": v,
                                "vs_bt": self.vs(workload, row, s, "bt"),
                                "vs_native": self.vs(workload, row, s,
                                                     "native")}
                            for s, v in lists(cells)},
                "vmi_interval": band and dict(zip(("low", "high",
                                                   "coverage"), band)),
                "vmi_goal": goal and dict(zip(("measured", "limit",
                                               "verdict"), goal)),
            })
        return json.dumps({
            "facts": facts, "systems": self.systems, "rows": rows,
            "traced_goals": self.traced_goals(),
            "not_measured": [
                {"workload": w, "row": r, "system": s, "reason": why}
                for (w, r, s), why in self.why.items()],
            "counters": [{"workload": w, "system": s, "runs": c}
                         for (w, s), c in self.counters.items()],
        }, indent=1)

    def csv(self):
        out = io.StringIO()
        w = csv.writer(out, lineterminator="\n")
        w.writerow(["workload", "row", "unit", "system", "median", "min",
                    "max", "samples", "vs_bt", "vs_native"])
        for workload, row in self.rows():
            for s, v in lists(self.samples[workload, row]):
                w.writerow([workload, row, self.units[workload], s,
                            median(v), min(v), max(v), len(v),
                            self.vs(workload, row, s, "bt"),
                            self.vs(workload, row, s, "native")])
        return out.getvalue()
