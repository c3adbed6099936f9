#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Put the result of `make bench` or `make bench-pc` into the README, as it
came out.

    tools/bench/readme.py [BENCH.JSON [README]]

Replaces what stands between the two markers of that benchmark.
"""
import json
import os
import sys
import textwrap
import time
from statistics import median

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from pc_report import show_rate                         # noqa: E402
from report import ratio, show_ns, show_ratio           # noqa: E402


def die(message):
    sys.exit(f"readme: {message}")


def cells(*values):
    return "| " + " | ".join(values) + " |"


def host_lines(facts):
    text = (f"{facts['date']}, {facts['cpu']}, host kernel "
            f"{facts['host_kernel'].split('-')[0]}, guest kernel "
            f"{facts['kernel']} with {facts['mem']}, engine {facts['engine']}, median of "
            f"{facts['repeat']}, load average before: "
            f"{facts['load_before']:.2f}. All columns are the same 32-bit "
            "program, pinned to one core, in one run of `make bench`; it "
            "checks that the results are the same, too.")
    if facts.get("no_hv"):
        text += f" No HV column: {facts['no_hv']}."
    return textwrap.wrap(text, 79)


def row_line(r, systems):
    ns = r["ns_per_op"]
    return cells(r["row"], *(show_ns(ns[s]) for s in ("native", *systems)),
                 *(show_ratio(r[f"{s}/native"]) for s in systems),
                 r["verdict"])


def boot_line(boots, systems):
    s = {name: median(t) for name, t in boots.items() if t}
    if not s:
        return []
    show = {name: f"{t:.2f} s" for name, t in s.items()}
    less = show_ratio(ratio(s.get("umbra"), s.get("tcg")))
    return [cells("boot to prompt", "-",
                  *(show.get(system, "-") for system in systems),
                  *("-" for _ in systems), f"{less} of TCG")]


def goal_line(g):
    return (f"- {g['goal']}: {show_ratio(g['measured'])} "
            f"({g['sign']} {g['limit']}: {g['verdict']})")


def block(bench):
    out = host_lines(bench["facts"])
    hv = any(r["ns_per_op"].get("hv") for r in bench["rows"])
    systems = ("umbra", "hv", "tcg") if hv else ("umbra", "tcg")
    names = {"umbra": "Umbra", "hv": "Umbra HV", "tcg": "TCG"}
    out += ["", cells("row", "native", *(names[s] for s in systems),
                      *(f"{names[s]} / native" for s in systems), "goal"),
            "|---|" + "--:|" * (1 + 2 * len(systems)) + "---|"]
    out += [row_line(r, systems) for r in bench["rows"]]
    out += boot_line(bench["boot_s"], systems)
    out += [""] + [goal_line(g) for g in bench["goals"]]
    if bench["warnings"]:
        out += ["", "Warnings of that run:", ""]
        out += [f"- {w}" for w in bench["warnings"]]
    return "\n".join(out)


def pc_host_lines(facts):
    return textwrap.wrap(
        f"{facts['date']}, {facts['cpu']}, {facts['cores']} cores, host "
        f"kernel {facts['host_kernel'].split('-')[0]}, guest with "
        f"{facts['mem']}, engine {facts['engine']}, medians of "
        f"{facts['rounds']} boots of each in turns, load average before: "
        f"{facts['load_before']:.2f}; one run of `make bench-pc`. Disks "
        "are on a memory file system; what is read is checked. A row with "
        "-16 has so many requests under way.", 79)


def pc_boot_line(goal, boots):
    bus = goal["row"].split("/")[0]
    times = {s: median(t[bus]) for s, t in boots.items() if t.get(bus)}
    return cells(f"{bus}: boot to login",
                 *(f"{times[s]:.1f} s" if s in times else "-"
                   for s in ("umbra", "tcg")),
                 show_ratio(goal["measured"]), f"{goal['limit']:.1f}",
                 goal["verdict"])


def pc_row_line(r):
    goal = "-" if r["goal"] is None else f"{r['goal']:.1f}"
    return cells(r["row"].replace("/", ": "),
                 *(show_rate(r["row"], r["ns_per_op"].get(s))
                   for s in ("umbra", "tcg")),
                 show_ratio(r["umbra/tcg"]), goal, r["verdict"])


def pc_block(bench):
    *boots, idle = bench["goals"]
    out = pc_host_lines(bench["facts"])
    out += ["", cells("row", "Umbra", "TCG", "time / TCG's", "goal",
                      "verdict"), "|---|--:|--:|--:|--:|---|"]
    out += [pc_boot_line(g, bench["boot_s"]) for g in boots]
    out += [pc_row_line(r) for r in bench["rows"]]
    share = {s: f"{v:.1%}" for s, v in bench["idle"].items()}
    out.append(cells(f"idle for {bench['facts']['idle_s']} s, of a core",
                     share.get("umbra", "-"), share.get("tcg", "-"), "-",
                     f"{idle['limit']:.0%}", idle["verdict"]))
    if bench["warnings"]:
        out += ["", "Warnings of that run:", ""]
        out += [f"- {w}" for w in bench["warnings"]]
    return "\n".join(out)


def splice(text, new, name):
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        die(f"the README must have each marker of {name} once")
    head, rest = text.split(begin)
    if end not in rest:
        die("the markers are in the wrong order")
    return f"{head}{begin}\n{new}\n{end}{rest.split(end)[1]}"


def main():
    bench = sys.argv[1] if len(sys.argv) > 1 else "build/bench.json"
    readme = sys.argv[2] if len(sys.argv) > 2 else "README.md"
    try:
        with open(bench) as f:
            result = json.load(f)
            written = time.localtime(os.fstat(f.fileno()).st_mtime)
        result["facts"].setdefault("date",
                                   time.strftime("%Y-%m-%d", written))
        name = "bench-pc" if "idle" in result else "bench"
        new = pc_block(result) if name == "bench-pc" else block(result)
        with open(readme) as f:
            text = f.read()
    except (OSError, ValueError) as e:
        die(e)
    except KeyError as e:
        die(f"{bench}: no {e} in it (made by an older make bench?)")
    with open(readme, "w") as f:
        f.write(splice(text, new, name))


if __name__ == "__main__":
    main()
