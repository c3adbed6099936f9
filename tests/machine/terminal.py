# SPDX-License-Identifier: GPL-2.0-or-later
"""Drive the demo guest through a pseudo-terminal; prints TAP lines."""
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

UMBRA = sys.argv[1]
TIMEOUT = 20
ENGINE = "bt"
failed = 0


class Session:
    """One umbra on a pty of its own, in a session of its own."""

    def __init__(self, *args):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.proc = subprocess.Popen(
            [UMBRA, *args, "--engine", ENGINE], stdin=self.slave,
            stdout=self.slave, stderr=self.slave,
            preexec_fn=self.take_terminal)
        self.text = ""
        self.mark = 0

    def take_terminal(self):
        os.setsid()
        import fcntl
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def send(self, text):
        os.write(self.master, text.encode())

    def read(self, limit):
        ready, _, _ = select.select([self.master], [], [], limit)
        if ready:
            self.text += os.read(self.master, 4096).decode(errors="replace")
        return bool(ready)

    def expect(self, text):
        """Wait for text behind what was expected before."""
        end = time.monotonic() + TIMEOUT
        while text not in self.text[self.mark:]:
            left = end - time.monotonic()
            assert left > 0, f"no {text!r} in {self.text[self.mark:]!r}"
            self.read(left)
        self.mark = self.text.index(text, self.mark) + len(text)

    def end(self):
        """Wait for the process; returns its status."""
        status = self.proc.wait(TIMEOUT)
        while self.read(0):
            pass
        return status

    def check_restored(self):
        assert termios.tcgetattr(self.slave) == self.before, "terminal mode"

    def is_raw(self):
        flags = termios.tcgetattr(self.slave)[3]
        return not flags & (termios.ICANON | termios.ECHO | termios.ISIG)

    def close(self):
        if self.proc.poll() is None:
            self.proc.kill()
            self.proc.wait()
        os.close(self.master)
        os.close(self.slave)


def demo(*args):
    s = Session("demo", *args)
    s.expect("Type help")
    s.expect("> ")
    assert s.is_raw(), "not raw"
    return s


def ctrl_d_powers_off(s):
    s.send("\x04")
    s.expect("umbra: guest powered off")
    assert s.end() == 0


def guest_commands_work(s):
    s.send("primes\r")
    s.expect("17984 below 200000")
    s.send("mem\r")
    s.expect("RAM")
    s.send("poweroff\r")
    assert s.end() == 0


def reboot_starts_again(s):
    s.send("reboot\r")
    s.expect("Umbra demo")
    s.expect("> ")
    s.send("\x04")
    assert s.end() == 0


def no_reboot_ends_with_status_2(s):
    s.send("reboot\r")
    s.expect("guest asked for a reset")
    assert s.end() == 2


def ctrl_a_x_quits(s):
    s.send("\x01x")
    s.expect("quit by the user")
    assert s.end() == 0


def ctrl_c_goes_to_the_guest(s):
    s.send("\x03")
    s.send("help\r")
    s.expect("poweroff")
    s.send("\x01x")
    assert s.end() == 0


def monitor_commands_answer(s):
    s.send("\x01c")
    s.expect("(umbra) ")
    for line, answer in (("info status", "running, engine"),
                         ("info  registers", "eip"),
                         ("info stats", "machine:"),
                         ("info pic", "requested:"),
                         ("info irq", " 0: "),
                         ("help", "system_reset"),
                         ("frob", "frob: unknown command"),
                         ("stop", "(umbra)"),
                         ("info status", "stopped"),
                         ("cont", "(umbra)"),
                         ("infx\x7fo status", "running")):
        s.send(line + "\r")
        s.expect(answer)
    s.send("\x01c")
    s.send("help\r")
    s.expect("the memory map")
    s.send("\x01x")
    assert s.end() == 0


def monitor_resets_and_quits(s):
    s.send("\x01csystem_reset\r")
    s.expect("Umbra demo")
    s.expect("> ")
    s.send("quit\r")
    s.expect("quit by the user")
    assert s.end() == 0


def quit_while_stopped(s):
    s.send("\x01cstop\r")
    s.expect("(umbra) ")
    s.send("\x01x")
    assert s.end() == 0


def reset_while_stopped(s):
    s.send("\x01cstop\r")
    s.expect("(umbra) ")
    s.send("system_reset\r")
    s.expect("Umbra demo")
    s.send("\x01x")
    assert s.end() == 0


def by_signal(number):
    def run(s):
        s.proc.send_signal(number)
        assert s.end() == -number, s.proc.returncode
    return run


def stop_and_continue(s):
    s.proc.send_signal(signal.SIGTSTP)
    pid, status = os.waitpid(s.proc.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), status
    s.check_restored()
    s.proc.send_signal(signal.SIGCONT)
    s.send("help\r")
    s.expect("the memory map")
    assert s.is_raw(), "not raw again"
    s.send("\x01x")
    assert s.end() == 0


def run(test, *args):
    global failed
    name = test if isinstance(test, str) else test.__name__
    name = f"{ENGINE}_{name}"
    s = None
    try:
        s = demo(*args)
        (BY_NAME[test] if isinstance(test, str) else test)(s)
        s.check_restored()
        print("ok", name)
    except Exception as e:
        failed += 1
        print("not ok", name)
        print(f"# {type(e).__name__}: {e}")
        if s:
            print("# " + repr(s.text[-800:]))
    finally:
        if s:
            s.close()
    sys.stdout.flush()


BY_NAME = {f"signal_{n.name}_restores": by_signal(n)
           for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP,
                     signal.SIGQUIT, signal.SIGABRT, signal.SIGSEGV)}


def run_all():
    run(ctrl_d_powers_off)
    run(guest_commands_work)
    run(reboot_starts_again)
    run(no_reboot_ends_with_status_2, "--no-reboot")
    run(ctrl_a_x_quits)
    run(ctrl_c_goes_to_the_guest)
    run(monitor_commands_answer)
    run(monitor_resets_and_quits)
    run(quit_while_stopped)
    run(reset_while_stopped)
    run(stop_and_continue)
    for each in BY_NAME:
        if os.environ.get("SAN") == "1" and ("ABRT" in each or "SEGV" in each):
            print("ok", each, "# SKIP the sanitizer handles this signal")
            continue
        run(each)


for ENGINE in ("bt", "interp"):
    run_all()
sys.exit(failed != 0)
