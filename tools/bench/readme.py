#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Put the result of `make bench` into the README, as it came out.

    tools/bench/readme.py [BENCH.JSON [README]]

Replaces what stands between the two bench markers.
"""
import json
import os
import sys
import textwrap
import time
from statistics import median

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from report import ratio, show_ns, show_ratio           # noqa: E402

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


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


def splice(text, new):
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        die("the README must have each marker once")
    head, rest = text.split(BEGIN)
    if END not in rest:
        die("the markers are in the wrong order")
    return f"{head}{BEGIN}\n{new}\n{END}{rest.split(END)[1]}"


def main():
    bench = sys.argv[1] if len(sys.argv) > 1 else "build/bench.json"
    readme = sys.argv[2] if len(sys.argv) > 2 else "README.md"
    try:
        with open(bench) as f:
            result = json.load(f)
            written = time.localtime(os.fstat(f.fileno()).st_mtime)
        result["facts"].setdefault("date",
                                   time.strftime("%Y-%m-%d", written))
        new = block(result)
        with open(readme) as f:
            text = f.read()
    except (OSError, ValueError) as e:
        die(e)
    except KeyError as e:
        die(f"{bench}: no {e} in it (made by an older make bench?)")
    with open(readme, "w") as f:
        f.write(splice(text, new))


if __name__ == "__main__":
    main()
