# SPDX-License-Identifier: GPL-2.0-or-later
"""Ratios, goals and the table of `make bench-pc`."""
import json
from statistics import median

from report import (checksum_errors, clock_warnings, goal_verdict, ratio,
                    show_ns, show_ratio)

# Time against TCG's: at most so much of it.
BOOT_VS_TCG = 0.5
IO_VS_TCG = 1.0
IDLE = 0.03                     # of one core of the host
# For information, as all rows of IDE are.
NO_GOAL = ("net-receive", "net-echo")
OP_BYTES = {"seq": 1 << 20, "net": 1 << 16}     # by the name's first part


def show_rate(row, ns):
    """What people know the row by: MB/s, operations a second, or a time."""
    if ns is None:
        return "-"
    name = row.split("/")[-1]
    size = OP_BYTES.get(name.split("-")[0])
    if name == "net-echo":
        return show_ns(ns)
    return f"{size * 1e3 / ns:.0f} MB/s" if size else f"{1e9 / ns:.0f}/s"


class PcReport:
    """
    @results: {system: {"bus/row": RowResult}}.  @boots: {system: {bus: [s]}}.
    @idle: {system: share of a core}.  @errors: lines.
    """

    def __init__(self, results, boots, idle, errors, facts):
        self.results, self.boots, self.idle = results, boots, idle
        self.errors, self.facts = errors, facts
        names = dict.fromkeys(n for rows in results.values() for n in rows)
        self.rows = [self.row(n) for n in names]
        self.goals = self.other_goals()

    def value(self, system, name):
        r = self.results.get(system, {}).get(name)
        return median(r.samples) if r and r.samples else None

    def row(self, name):
        ns = {s: self.value(s, name) for s in self.results}
        vs = ratio(ns.get("umbra"), ns.get("tcg"))
        goal = None
        if not name.startswith("ide/") and name.split("/")[1] not in NO_GOAL:
            goal = IO_VS_TCG
        return {"row": name, "ns_per_op": ns, "umbra/tcg": vs, "goal": goal,
                "verdict": goal_verdict(vs, goal, "<=") if goal else "-"}

    def other_goals(self):
        table = [(f"{bus}/boot", "boot to login, time of umbra / time of tcg",
                  ratio(self.boot("umbra", bus), self.boot("tcg", bus)),
                  BOOT_VS_TCG)
                 for bus in dict.fromkeys(b for of_bus in self.boots.values()
                                          for b in of_bus)]
        table.append(("idle", "idle guest, share of one core",
                      self.idle.get("umbra"), IDLE))
        return [dict(row=r, goal=w, measured=m, limit=l, sign="<=",
                     verdict=goal_verdict(m, l, "<="))
                for r, w, m, l in table]

    def boot(self, system, bus):
        times = self.boots.get(system, {}).get(bus)
        return median(times) if times else None

    def warnings(self):
        out = list(self.errors)
        for system, rows in self.results.items():
            out += [f"{system}: {n}: {r.error}"
                    for n, r in rows.items() if r.error]
            out += clock_warnings(system, rows)
        return out + self.wrong()

    def wrong(self):
        return checksum_errors([r["row"] for r in self.rows], self.results)

    def failed(self):
        return bool(self.errors or self.wrong()
                    or any(r.error for rows in self.results.values()
                           for r in rows.values()))

    def text(self):
        out = [f"{'row':<24}{'umbra':>12}{'tcg':>12}{'time u/t':>10}"
               f"{'goal':>7}  verdict"]
        *boots, idle = self.goals
        for g in boots:
            times = {s: self.boot(s, g["row"].split("/")[0])
                     for s in self.boots}
            out.append(self.line(g["row"] + " to login", {
                s: f"{t:.1f} s" for s, t in times.items() if t}, g))
        for r in self.rows:
            cells = {s: show_rate(r["row"], v)
                     for s, v in r["ns_per_op"].items()}
            out.append(self.line(r["row"], cells, {
                "measured": r["umbra/tcg"], "limit": r["goal"],
                "verdict": r["verdict"]}))
        # Not a comparison: the share itself has the limit.
        out.append(self.line("idle, of a core", {
            s: f"{v:.1%}" for s, v in self.idle.items()},
            dict(idle, measured=None)))
        out += [f"warning: {w}" for w in self.warnings()]
        return "\n".join(out)

    @staticmethod
    def line(name, cells, goal):
        limit = "-" if goal["limit"] is None else f"{goal['limit']:.2f}"
        return (f"{name:<24}{cells.get('umbra', '-'):>12}"
                f"{cells.get('tcg', '-'):>12}"
                f"{show_ratio(goal['measured']):>10}{limit:>7}  "
                f"{goal['verdict']}")

    def json(self):
        raw = {s: {n: vars(r) | {"checksums": sorted(r.checksums)}
                   for n, r in rows.items()}
               for s, rows in self.results.items()}
        return json.dumps(
            {"facts": self.facts, "rows": self.rows, "goals": self.goals,
             "boot_s": self.boots, "idle": self.idle,
             "warnings": self.warnings(), "raw": raw}, indent=1)
