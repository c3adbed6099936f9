#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Talk to a guest's serial console: media.py SECONDS SCRIPT -- COMMAND...

SCRIPT has lines "wait TEXT" (until the guest printed it), "send TEXT" (with
\\r and \\n for the keys) and "quit".  Terminal escapes and white space do not
count: firmware moves the cursor between any two characters.  Exit status 0 if
all was seen, 1 and the end of the output if not.
"""
import os
import re
import select
import subprocess
import sys
import time

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")
SPACE = re.compile(rb"\s+")


def main():
    limit = time.monotonic() + float(sys.argv[1])
    with open(sys.argv[2], encoding="ascii") as f:
        steps = [line.rstrip("\n").split(" ", 1) for line in f if line.strip()]
    guest = subprocess.Popen(sys.argv[4:], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    out, seen, failed = b"", 0, None
    for step in steps:
        if step[0] == "send":
            text = step[1].encode().decode("unicode_escape").encode("latin1")
            # As fast as a person types: firmware polls its UART.
            for byte in text:
                guest.stdin.write(bytes([byte]))
                guest.stdin.flush()
                time.sleep(0.02)
            continue
        if step[0] == "quit":
            break
        want = SPACE.sub(b"", step[1].encode())
        while True:
            clean = SPACE.sub(b"", ESCAPES.sub(b"", out))
            at = clean.find(want, seen)
            if at >= 0:
                seen = at + len(want)
                break
            left = limit - time.monotonic()
            if left > 0 and select.select([guest.stdout], [], [], left)[0]:
                chunk = os.read(guest.stdout.fileno(), 65536)
                if chunk:
                    out += chunk
                    continue
            failed = step[1]
            break
        if failed is not None:
            break
    guest.terminate()
    try:
        guest.wait(10)
    except subprocess.TimeoutExpired:
        guest.kill()
        failed = failed or "the end of the process"
    if failed is not None:
        print("did not see: " + failed)
        tail = ESCAPES.sub(b"", out)[-1500:].decode("ascii", "replace")
        print("\n".join(line.rstrip() for line in tail.splitlines() if line.strip()))
        return 1
    return 0


sys.exit(main())
