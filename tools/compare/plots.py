# SPDX-License-Identifier: GPL-2.0-or-later
"""Two plots through gnuplot: cycles of each nano-operation on a logarithmic
scale, and the total overhead of a workload by kind of exit."""
import os
import shutil
import subprocess

from report_text import exits

NANO = """set terminal {term} size {size}
set output "{out}"
set title "Cycles of single operations (smaller is better)"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.8 border -1
set logscale y
set yrange [1:*]
set ylabel "cycles"
set xtics rotate by -45 noenhanced
set key outside top horizontal noenhanced
set grid ytics
set datafile missing "-"
plot {columns}
"""

OVERHEAD = """set terminal {term} size {size}
set output "{out}"
set title "{title}"
set style data histograms
set style histogram rowstacked
set boxwidth 0.6
set style fill solid 0.8 border -1
set ylabel "million cycles (count x cycles of one)"
set xtics noenhanced
set key outside right noenhanced
set grid ytics
plot {columns}
"""

TERMINALS = {"svg": ("svg noenhanced", "1100,520"),
             "png": ("pngcairo noenhanced", "1100,520")}


def quoted(cells):
    return " ".join(f'"{c}"' if isinstance(c, str) else f"{c:g}"
                    for c in cells)


def nano_data(results, systems):
    lines = [quoted(["row", *systems])]
    for workload, row in results.rows():
        if workload != "nano":
            continue
        values = [results.median("nano", row, s) for s in systems]
        lines.append(f'"{row}" ' + " ".join(
            "-" if v is None else f"{max(v, 1):g}" for v in values))
    return lines


def overhead_data(results, workload):
    """One line for each system, one column for each kind."""
    rows = [(k, c) for k, c in exits(results, workload)
            if any(x[1] for x in c.values())]
    lines = [quoted(["system", *(k for k, _ in rows)])]
    for system in ("bt", "vmi-bt"):
        if any(system in c for _, c in rows):
            lines.append(quoted([system, *(
                (c.get(system, (0, 0))[1] or 0) / 1e6 for _, c in rows)]))
    return lines, len(rows)


def gnuplot(script, path):
    with open(path + ".gp", "w") as f:
        f.write(script)
    done = subprocess.run(["gnuplot", path + ".gp"], capture_output=True,
                          text=True)
    return done.stderr.strip() if done.returncode else ""


def draw(results, out):
    """Writes the files; the list of them, or why there are none."""
    if not shutil.which("gnuplot"):
        return [], "gnuplot is not installed: no plots"
    jobs = []
    systems = [s for s in results.systems
               if any(results.median(w, r, s) is not None
                      for w, r in results.rows() if w == "nano")]
    if systems:
        path = os.path.join(out, "nano.dat")
        with open(path, "w") as f:
            f.write("\n".join(nano_data(results, systems)) + "\n")
        columns = ", ".join(
            f'"{path}" using {i + 2}{":xtic(1)" if not i else ""} '
            f"title columnheader({i + 2})" for i in range(len(systems)))
        jobs.append(("nano", NANO, dict(columns=columns)))
    for workload in ("bench", "build", "boot"):
        lines, n = overhead_data(results, workload)
        if len(lines) < 2 or not n:
            continue
        path = os.path.join(out, f"overhead-{workload}.dat")
        with open(path, "w") as f:
            f.write("\n".join(lines) + "\n")
        columns = ", ".join(
            f'"{path}" using {i + 2}{":xtic(1)" if not i else ""} '
            f"title columnheader({i + 2})" for i in range(n))
        jobs.append((f"overhead-{workload}", OVERHEAD, dict(
            columns=columns,
            title=f"Overhead of a run of {workload} by kind of exit")))
    files = []
    for name, script, args in jobs:
        for suffix, (term, size) in TERMINALS.items():
            path = os.path.join(out, f"{name}.{suffix}")
            problem = gnuplot(script.format(term=term, size=size, out=path,
                                            **args),
                              os.path.join(out, name))
            if problem:
                return files, f"gnuplot: {problem}"
            files.append(path)
    return files, ""
