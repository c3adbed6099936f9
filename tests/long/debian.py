#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Drive a Debian system on its serial console.

debian.py SECONDS COMMANDS -- MACHINE...

Logs in, runs the lines of COMMANDS one after the other, powers off.  A line
"NAME: COMMAND" is a test: it passes if the command's status is 0.  Prints TAP
lines, and how long it took to the login prompt.
"""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../tools/bench"))
from login import Login                                 # noqa: E402
from systems import BenchError                          # noqa: E402


def main():
    guest = Login(sys.argv[4:], sys.stderr.buffer, float(sys.argv[1]))
    try:
        print("# login prompt after %.1f s" % guest.prompt())
        guest.log_in()
        with open(sys.argv[2], encoding="ascii") as f:
            for line in f:
                name, command = line.rstrip("\n").split(": ", 1)
                status = guest.run(command)
                print("%s %s" % ("ok" if not status else "not ok", name),
                      flush=True)
        guest.send("poweroff\n")
        status = guest.process.wait(60)
        print("%s powers off" % ("ok" if not status else "not ok"))
    except (BenchError, subprocess.TimeoutExpired) as e:
        print("not ok the guest goes on: %s" % e)
        guest.process.kill()
        guest.process.wait()
        return 1
    return 0


sys.exit(main())
