#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make bench-pc without machines: verdicts on made-up samples; every row of
its program, natively, against a file and the server that guests get."""
import io
import json
import os
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools", "bench"))
from login import Login                                 # noqa: E402
from pc_guest import BLOCK, Peer, cpu_seconds, make_scratch     # noqa: E402
from pc_report import PcReport, show_rate               # noqa: E402
from readme import pc_block, splice                     # noqa: E402
from systems import RESULT, RowResult                   # noqa: E402

FAILED = []


def check(name, good, *show):
    print(("ok " if good else "not ok ") + name, flush=True)
    if not good:
        print("#", *show)
        FAILED.append(name)


def row(*samples, checksum="00000001", error=""):
    return RowResult(list(samples), 10, {checksum}, 1.0, 1.0, error)


def report(**change):
    args = {
        "results": {
            "umbra": {"virtio/rand-read": row(90, 100, 900),
                      "virtio/seq-read": row(300), "ide/rand-read": row(9)},
            "tcg": {"virtio/rand-read": row(100, 110, 120),
                    "virtio/seq-read": row(200), "ide/rand-read": row(3)}},
        "boots": {"umbra": {"virtio": [4.0, 5.0, 50.0], "ide": [6.0]},
                  "tcg": {"virtio": [10.0, 10.0, 10.0], "ide": [10.0]}},
        "idle": {"umbra": 0.031, "tcg": 0.002}, "errors": [], "facts": {
            "date": "2000-01-01", "cpu": "a processor", "cores": 2,
            "host_kernel": "1.2-3", "mem": "1M", "engine": "bt", "rounds": 3,
            "load_before": 0.5, "idle_s": 7}}
    return PcReport(**dict(args, **change))


def test_report():
    r = report()
    verdict = {x["row"]: x["verdict"] for x in r.rows + r.goals}
    check("medians decide, equal is enough",
          verdict["virtio/rand-read"] == "pass" and
          verdict["virtio/boot"] == "pass", verdict)
    check("slower than TCG misses", verdict["virtio/seq-read"] == "MISS" and
          verdict["ide/boot"] == "MISS", verdict)
    check("IDE is for information", verdict["ide/rand-read"] == "-", verdict)
    check("above 3 % of a core is not idle", verdict["idle"] == "MISS" and
          report(idle={"umbra": 0.03}).goals[-1]["verdict"] == "pass", verdict)
    check("a miss is no failure", not r.failed())
    check("the table has all of it", all(
        t in r.text() for t in ("0.91", "1.50", "3.1%", "5.0 s", "10.0 s",
                                "MISS")), r.text())
    check("JSON is JSON", json.loads(r.json())["boot_s"]["tcg"]["ide"] == [10])
    check("nothing measured is not passed",
          report(boots={"umbra": {"virtio": []}, "tcg": {}})
          .goals[0]["verdict"] == "not measured")
    wrong = report(results={"umbra": {"virtio/seq-read": row(1)},
                            "tcg": {"virtio/seq-read":
                                    row(1, checksum="00000002")}})
    check("different contents are a failure", wrong.failed() and
          "WRONG RESULT" in wrong.text(), wrong.text())
    check("a row's error is a failure", report(results={"umbra": {
        "virtio/seq-read": row(error="status 1")}}).failed())
    check("rates are by size", show_rate("virtio/seq-read", 1e6) ==
          "1049 MB/s" and show_rate("ide/rand-read", 1e5) == "10000/s")


def test_readme():
    text = ("a\n<!-- bench-pc:begin -->\nold\n<!-- bench-pc:end -->\nb\n")
    new = splice(text, pc_block(json.loads(report().json())), "bench-pc")
    check("what is around the markers stays, what was between them goes",
          new.startswith("a\n<!-- bench-pc:begin -->\n2000-01-01, a proc") and
          new.endswith("<!-- bench-pc:end -->\nb\n") and "old" not in new, new)
    check("the README has the table", all(line in new for line in (
        "| virtio: boot to login | 5.0 s | 10.0 s | 0.50 | 0.5 | pass |",
        "| virtio: seq-read | 3495253 MB/s | 5242880 MB/s | 1.50 | 1.0 | "
        "MISS |",
        "| idle for 7 s, of a core | 3.1% | 0.2% | - | 3% | MISS |")), new)


def run_row(program, name, disk, port, iters):
    return subprocess.run(
        [program, name, "--iters", str(iters), "--repeat", "2"], text=True,
        capture_output=True, timeout=30, check=False,
        env={"BENCH_DISK": disk, "BENCH_PEER": f"127.0.0.1:{port}"})


def test_rows(program):
    out = subprocess.run([program, "--list"], text=True, check=True,
                         capture_output=True).stdout.splitlines()
    peer = Peer()
    peer.start()
    with tempfile.TemporaryDirectory(dir=".") as tmp:
        disk = os.path.join(tmp, "disk")
        make_scratch(disk, 2)
        for name in (line.split("\t")[0] for line in out):
            r = run_row(program, name, disk, peer.port, 40)
            lines = [m for m in map(RESULT.match, r.stdout.splitlines()) if m]
            check(f"{name} runs", not r.returncode and len(lines) == 2 and
                  lines[0][4] == lines[1][4], r.stdout, r.stderr)
        with open(disk, "r+b") as f:
            f.seek(300 * BLOCK + BLOCK - 1)
            f.write(b"x")
        r = run_row(program, "seq-read", disk, peer.port, 2)
        check("a block that is another's is found", r.returncode == 1 and
              "another content" in r.stderr, r.stdout, r.stderr)
        r = run_row(program, "seq-read", disk + "none", peer.port, 2)
        check("a missing disk is an error", r.returncode == 1, r.stderr)
    peer.close()
    r = run_row(program, "net-send", disk, peer.port, 2)
    check("a missing peer is an error", r.returncode == 1, r.stderr)


SYSTEM = r"""printf 'noise\r\nhost \033[1mlogin: '; read name
printf 'Pass'; printf 'word: '; read word; [ $name$word = rootumbra ] || exit
printf '# '; while read line; do [ "$line" = 'exec sh' ] || eval "$line"; printf '# '; done"""


def test_login():
    log = io.BytesIO()
    c = Login(["sh", "-c", SYSTEM], log, 30)
    check("the prompt is waited for", c.prompt() < 30)
    c.log_in()
    check("a status comes back", c.run("(exit 7)") == 7 and c.run("true") == 0)
    check("output is kept", b"noise" in log.getvalue())
    before = cpu_seconds(c.process.pid)
    # Of processes that are nobody's children any more, too.
    c.run("(timeout 1 sh -c 'while :; do :; done' &); sleep 0.7")
    used = cpu_seconds(c.process.pid) - before
    check("processor time is counted", used > 0.02, used)
    c.close()


def main():
    test_report()
    test_readme()
    test_login()
    test_rows(os.path.abspath(sys.argv[1]))
    return 1 if FAILED else 0


sys.exit(main())
