# SPDX-License-Identifier: GPL-2.0-or-later
"""Ratios, goals and the table of `make bench`."""
import json
import math
from statistics import median

# Goals for umbra/native, by row; compute rows share one.
COMPUTE_ROW = 1.5
COMPUTE_GEOMEAN = 1.15
COMPUTE_VS_TCG = 4.0            # times faster than TCG, geometric mean
BOOT_VS_TCG = 0.5
MEMORY_MIB = 96
OS_ROW = {
    "getppid": 1.0, "fork": 2.5, "exec": 2.5, "touch": 2.0, "mmap": 2.5,
    "pipe": 2.0, "ctxsw": 2.0, "sleep": 2.0, "signal": 2.5, "sigsegv": 2.5,
}
CLOCK_TOLERANCE = 0.05          # inside against outside time of a row
ANSWER_S = 0.01                 # of a guest's serial line, for each sample


def geomean(values):
    values = [v for v in values if v]
    if not values:
        return None
    return math.exp(sum(map(math.log, values)) / len(values))


def ratio(a, b):
    return a / b if a and b else None


def goal_verdict(measured, limit, sign):
    if measured is None:
        return "not measured"
    good = measured <= limit if sign == "<=" else measured >= limit
    return "pass" if good else "MISS"


def clock_warnings(system, rows):
    """Rows whose time by the system's own clock is not the host's."""
    out = []
    for name, r in rows.items():
        if r.outside_s and r.samples:
            off = r.inside_s - r.outside_s
            if off < 0:
                off = min(0, off + ANSWER_S * len(r.samples))
            off /= r.outside_s
            if abs(off) > CLOCK_TOLERANCE:
                out.append(f"{system}: {name}: guest clock and host clock "
                           f"disagree by {off:+.1%}")
    return out


def checksum_errors(names, results):
    """@results: {system: {row: RowResult}}."""
    out = []
    for name in names:
        sums = {s: rows[name].checksums for s, rows in results.items()
                if name in rows and rows[name].checksums}
        if len(set().union(*sums.values())) > 1 if sums else False:
            text = "; ".join(f"{s} {','.join(sorted(c))}"
                             for s, c in sums.items())
            out.append(f"{name}: WRONG RESULT: checksums differ: {text}")
    return out


def show_ns(ns):
    if ns is None:
        return "-"
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3), ("ns", 1)):
        if ns >= scale:
            break
    return f"{ns / scale:.3g} {unit}" if ns < 1000 * scale \
        else f"{ns / scale:.0f} {unit}"


def show_ratio(r):
    return "-" if r is None else f"{r:.2f}" if r < 100 else f"{r:.0f}"


class Report:
    """
    @kinds: {row: "compute" or "os"}.  @results: {system: {row: RowResult}}.
    @boots: {system: [seconds]}.  @memory: {system: {part: KiB} or None}.
    """

    def __init__(self, kinds, results, boots, memory, facts):
        self.kinds, self.results = kinds, results
        self.boots, self.memory, self.facts = boots, memory, facts
        self.rows = [self.row(name) for name in kinds]
        self.goals = self.check_goals()

    def value(self, system, row):
        r = self.results.get(system, {}).get(row)
        return median(r.samples) if r and r.samples else None

    def row(self, name):
        ns = {s: self.value(s, name)
              for s in ("native", "umbra", "hv", "tcg")}
        goal = OS_ROW.get(name, COMPUTE_ROW)
        out = {
            "row": name, "kind": self.kinds[name], "ns_per_op": ns,
            "umbra/native": ratio(ns["umbra"], ns["native"]),
            "hv/native": ratio(ns["hv"], ns["native"]),
            "tcg/native": ratio(ns["tcg"], ns["native"]),
            "umbra/tcg": ratio(ns["umbra"], ns["tcg"]),
            "goal": goal,
        }
        out["verdict"] = self.row_verdict(out)
        return out

    @staticmethod
    def row_verdict(row):
        if row["umbra/native"] is None:
            return "not measured"
        miss = []
        if row["umbra/native"] > row["goal"]:
            miss.append(f"above {row['goal']:.2f}")
        if row["umbra/tcg"] is not None and row["umbra/tcg"] > 1:
            miss.append("slower than TCG")
        return "MISS: " + ", ".join(miss) if miss else "pass"

    def column(self, name, kind):
        return [r[name] for r in self.rows if r["kind"] == kind]

    def check_goals(self):
        """[(what, measured, limit, sign)]: pass if measured sign limit."""
        boot = {s: median(t) if t else None for s, t in self.boots.items()}
        mem = self.memory.get("umbra")
        slower = geomean(self.column("umbra/tcg", "compute"))
        table = [
            ("compute rows, geometric mean of umbra/native",
             geomean(self.column("umbra/native", "compute")),
             COMPUTE_GEOMEAN, "<="),
            ("compute rows, worst umbra/native",
             max((v for v in self.column("umbra/native", "compute") if v),
                 default=None), COMPUTE_ROW, "<="),
            ("compute rows, times faster than TCG, geometric mean",
             1 / slower if slower else None, COMPUTE_VS_TCG, ">="),
            ("boot to prompt, umbra/tcg",
             ratio(boot.get("umbra"), boot.get("tcg")), BOOT_VS_TCG, "<="),
            ("VMM memory beyond guest RAM, MiB",
             mem["total"] / 1024 if mem else None, MEMORY_MIB, "<="),
        ]
        return [dict(goal=w, measured=m, limit=l, sign=s,
                     verdict=goal_verdict(m, l, s))
                for w, m, l, s in table]

    def warnings(self):
        """Lines about results that should not be trusted as they stand."""
        out = []
        for system, rows in self.results.items():
            out += [f"{system}: {name}: {r.error}"
                    for name, r in rows.items() if r.error]
            out += clock_warnings(system, rows)
        return out + self.checksum_errors()

    def checksum_errors(self):
        return checksum_errors(self.kinds, self.results)

    def failed(self):
        errors = [r.error for rows in self.results.values()
                  for r in rows.values() if r.error]
        return bool(errors or self.checksum_errors())

    def text(self):
        hv = "hv" in self.results
        out = [f"{'row':<12}{'native':>10}{'umbra':>10}"
               + (f"{'hv':>10}" if hv else "") + f"{'tcg':>10}"
               f"{'umbra/nat':>11}" + (f"{'hv/nat':>8}" if hv else "") +
               f"{'tcg/nat':>9}{'umbra/tcg':>11}{'goal':>7}  verdict"]
        for r in self.rows:
            ns = r["ns_per_op"]
            out.append(
                f"{r['row']:<12}{show_ns(ns['native']):>10}"
                f"{show_ns(ns['umbra']):>10}"
                + (f"{show_ns(ns['hv']):>10}" if hv else "") +
                f"{show_ns(ns['tcg']):>10}"
                f"{show_ratio(r['umbra/native']):>11}"
                + (f"{show_ratio(r['hv/native']):>8}" if hv else "") +
                f"{show_ratio(r['tcg/native']):>9}"
                f"{show_ratio(r['umbra/tcg']):>11}"
                f"{r['goal']:>7.2f}  {r['verdict']}")
        out += self.boot_text()
        out += self.memory_text()
        out.append("")
        for g in self.goals:
            out.append(f"{g['goal']:<54}{show_ratio(g['measured']):>8} "
                       f"{g['sign']} {g['limit']:<6} {g['verdict']}")
        out += [f"warning: {w}" for w in self.warnings()]
        return "\n".join(out)

    def boot_text(self):
        s = {name: median(t) for name, t in self.boots.items() if t}
        if not s:
            return []
        cell = {name: f"{t:.2f} s" for name, t in s.items()}
        hv = "hv" in self.results or "hv" in self.boots
        return [f"{'boot':<12}{'-':>10}{cell.get('umbra', '-'):>10}"
                + (f"{cell.get('hv', '-'):>10}" if hv else "") +
                f"{cell.get('tcg', '-'):>10}{'-':>11}"
                + (f"{'-':>8}" if hv else "") + f"{'-':>9}"
                f"{show_ratio(ratio(s.get('umbra'), s.get('tcg'))):>11}"]

    def memory_text(self):
        return [f"memory beyond guest RAM, {s}: " + ", ".join(
                    f"{k} {v / 1024:.1f} MiB" for k, v in m.items())
                for s, m in self.memory.items() if m and s == "umbra"]

    def json(self):
        raw = {s: {n: vars(r) | {"checksums": sorted(r.checksums)}
                   for n, r in rows.items()}
               for s, rows in self.results.items()}
        return json.dumps(
            {"facts": self.facts, "rows": self.rows, "goals": self.goals,
             "boot_s": self.boots, "memory_kib": self.memory,
             "warnings": self.warnings(), "raw": raw}, indent=1)
