# SPDX-License-Identifier: GPL-2.0-or-later
"""The tables that `umbra compare` prints."""
from results import COVERAGE

# Host events and what one of them costs, as measured by a row of nano on BT.
# (counter of --stats, what it is, row, rows to take off)
EXIT_KINDS = (
    ("host faults the guest never saw", "hidden page faults",
     "ptemod-kernel", ()),
    ("host faults that the guest got", "true page faults", "pgfault", ()),
    ("host faults on traced pages", "trace faults", "traced-cold", ()),
    ("writes to pages with translated code", "stores beside code", "traced",
     ()),
    ("instructions interpreted from the TC", "interpreted instructions", "in",
     ()),
    ("software TLB misses", "software TLB misses", "ptemod-batch", ()),
    ("CR3 loads", "address-space loads", "cr3", ()),
    ("interrupts delivered", "interrupts", "timer", ()),
    ("exceptions raised by translated code", "exceptions", "divzero", ()),
)


def show(value):
    if value is None:
        return "-"
    if value >= 100000:
        return f"{value:.3g}"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def show_ratio(r):
    return "-" if r is None else f"{r:.2f}" if r < 100 else f"{r:.0f}"


def table(results):
    out = []
    last = None
    for workload, row in results.rows():
        if workload != last:
            out += ["", f"{workload} ({results.units[workload]})",
                    f"{'row':<16}" + "".join(f"{s:>11}"
                                             for s in results.systems)
                    + f"{'vmi/bt':>9}{'interval':>11}{'limit':>7}  verdict"]
            last = workload
        line = f"{row:<16}" + "".join(
            f"{show(results.median(workload, row, s)):>11}"
            for s in results.systems)
        goal = results.goal(workload, row)
        if goal:
            got, limit, verdict = goal
            line += (f"{show_ratio(got):>9}"
                     f"{show_interval(results, workload, row):>11}"
                     f"{limit:>7.2f}  {verdict}")
        out.append(line)
    return out


def show_interval(results, workload, row):
    band = results.interval(workload, row, "vmi-bt", "bt")
    return f"{show_ratio(band[0])}-{show_ratio(band[1])}" if band else "-"


def intervals_explained(results):
    """What the columns of ratios mean, for this number of rounds."""
    bands = [results.interval(w, r, "vmi-bt", "bt")
             for w, r in results.rows()]
    if not any(bands):
        return []
    least = min(b[2] for b in bands if b)
    if not least:
        return ["", "vmi/bt is of one round only: nothing is known of its "
                "spread."]
    return ["", "vmi/bt is the median of the rounds' ratios, the interval what "
            f"holds its true value with {least:.0%}.",
            "A question mark: the interval does not bear the verdict out"
            + (", as none of less than 5 rounds can." if least < COVERAGE
               else ".")]


def reasons(results):
    seen = {}
    for (workload, row, system), why in results.why.items():
        seen.setdefault((workload, system, why), []).append(row)
    out = []
    for (workload, system, why), rows in seen.items():
        names = ", ".join(r for r in rows if r)
        out.append(f"not measured: {system}: {workload}"
                   f"{': ' + names if names else ''}: {why}")
    return [""] + out if out else []


def traced(results):
    goals = results.traced_goals()
    if not goals:
        return []
    out = ["", "page-table entries by VMI on BT against a traced store that "
           "nothing adapted to (traced-cold on BT)"]
    for row, (got, limit, verdict) in goals.items():
        out.append(f"{row:<16}{show_ratio(got):>9}{limit:>7.2f}  {verdict}")
    return out


def saved_and_paid(results):
    """Rows where VMI on BT differs from BT by more than 3 %, both ways."""
    saves, costs = [], []
    for workload, row in results.rows():
        r = results.vs(workload, row, "vmi-bt", "bt")
        if (r is None or row in results.compute or
                results.same(workload, row)):
            continue
        text = (f"  {workload}: {row}: {show_ratio(r)} "
                f"({show(results.median(workload, row, 'bt'))} -> "
                f"{show(results.median(workload, row, 'vmi-bt'))} "
                f"{results.units[workload]})")
        if r < 0.97:
            saves.append((r, text))
        elif r > 1.03:
            costs.append((-r, text))
    if not saves and not costs:
        return []
    return (["", "what paravirtualization saves on BT:"]
            + [t for _, t in sorted(saves)]
            + ["what it costs:"] + ([t for _, t in sorted(costs)]
                                    or ["  nothing above 3 %"]))


def exits(results, workload):
    """[(kind, {system: (count, estimated cycles)})] from the counters."""
    out = []
    for counter, kind, row, _ in EXIT_KINDS:
        cells = {}
        for system in ("bt", "vmi-bt"):
            n = results.counter(workload, system, counter)
            cost = results.median("nano", row, "bt")
            if n is not None:
                cells[system] = n, n * cost if cost is not None else None
        if cells:
            out.append((kind, cells))
    return out


def exits_table(results):
    out = []
    for workload in ("bench", "build", "boot"):
        rows = exits(results, workload)
        if not rows:
            continue
        out += ["", f"exits of a whole run of {workload}, and an estimate of "
                "what they cost: count times the cycles of the nano row that "
                "makes one (million cycles)",
                f"{'kind':<26}{'bt':>11}{'':>9}{'vmi-bt':>11}{'':>9}"]
        for kind, cells in rows:
            line = f"{kind:<26}"
            for system in ("bt", "vmi-bt"):
                n, cost = cells.get(system, (None, None))
                line += f"{show(n):>11}" + (
                    f"{cost / 1e6:>9.1f}" if cost is not None else f"{'':>9}")
            out.append(line)
    return out


def calls_table(results):
    """VMI calls that reached the hypervisor, if --stats has them."""
    out = []
    for (workload, system), runs in results.counters.items():
        calls = {t: n for t, n in runs[-1].items() if t.startswith("VMI ")}
        if not calls or system != "vmi-bt":
            continue
        out += ["", f"VMI in a run of {workload} on {system}:"]
        out += [f"{n:>12}  {t}" for t, n in calls.items() if n]
    return out


NOTES = """
BT does not trace page tables at all (fullvirt/README.md, "Windows are TLBs"):
a store to one costs what any store costs, and its price comes due at the
flush and at the next use.  "Adapted full virtualization" is therefore the
whole of it, the rows ptemod-use, ptemod-kernel and ptemod-batch under bt.
Stores that are traced are those to pages with translated code: traced-cold is
such a store at its first meeting (a host signal), traced is one that was
adapted to.  Column native of nano is a host process, whose faults are signals
of the host's kernel."""


def text(results):
    lines = table(results) + intervals_explained(results)
    lines += traced(results) + saved_and_paid(results)
    lines += exits_table(results) + calls_table(results) + reasons(results)
    return "\n".join(lines + NOTES.split("\n"))
