# SPDX-License-Identifier: GPL-2.0-or-later
"""A Debian system on its serial console, as tools/mkdebian.sh makes it."""
import re
import time

from systems import BenchError, Console

ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\r")
STATUS = re.compile(rb"STATUS=(\d+)=")


class Login(Console):
    """
    The machine that @argv starts; all of it may take @limit_s seconds.  What
    it starts in turn is in its session, also what it does not wait for.
    """
    NEW_SESSION = True

    def __init__(self, argv, log, limit_s, cpu=None):
        super().__init__(argv, cpu, log)
        self.end = self.start + limit_s

    def expect(self, pattern):
        """The match of @pattern; what is in front of it is forgotten."""
        while True:
            self.buffer = ESCAPES.sub(b"", self.buffer)
            m = re.search(pattern, self.buffer)
            if m:
                self.buffer = self.buffer[m.end():]
                return m
            if not self.fill(self.end):
                raise BenchError("ended while waiting for "
                                 f"{pattern.decode()!r}")

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def prompt(self):
        """Seconds from start to the login prompt."""
        self.expect(rb"login: ")
        return time.monotonic() - self.start

    def log_in(self):
        """To a shell that neither echoes nor prompts."""
        self.send("root\n")
        self.expect(rb"Password: ")
        self.send("umbra\n")
        self.expect(rb"# ")
        self.send("exec sh\n")
        self.expect(rb"# ")
        self.run("stty -echo; PS1=; export PS1")

    def run(self, command):
        """The command's exit status."""
        self.send(command + "; echo STATUS=$?=\n")
        return int(self.expect(STATUS.pattern)[1])

    def must(self, command):
        status = self.run(command)
        if status:
            raise BenchError(f"{command}: status {status}")
