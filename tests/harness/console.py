# SPDX-License-Identifier: BSD-2-Clause
"""Bulkhead's console as a person uses it: the overview with the monitor, and each guest's console."""
import itertools
import re
import time

ESCAPE = "\x1d"         # Ctrl-]
PROMPT = "bulkhead> "
KEYS_AT_ONCE = 32       # the console keeps a few keys only while a client is busy
NUMBERS = itertools.count(1)    # of the commands in guests' shells: none twice on one machine


class Console:
    """What can be done at a machine's serial line."""

    def __init__(self, machine):
        self.machine = machine

    def type(self, text):
        """Keys at the pace of a very fast typist, so that none is dropped on the way."""
        for start in range(0, len(text), KEYS_AT_ONCE):
            self.machine.send(text[start:start + KEYS_AT_ONCE])
            if len(text) > start + KEYS_AT_ONCE:
                time.sleep(0.2)

    def overview(self, timeout=30):
        self.machine.serial.mark()
        self.type(ESCAPE + "0")
        self.machine.expect(r"--- bulkhead: overview.*---", timeout)

    def command(self, line, timeout=30):
        """A command of the monitor, from the overview; answers the lines that it printed."""
        self.machine.serial.mark()
        self.type(line + "\r")
        self.machine.expect(re.escape(line) + r"\n", timeout)
        start = self.machine.serial.position
        # The prompt comes back after the answer, and again after lines of others.
        self.machine.expect(r"^" + re.escape(PROMPT), timeout)
        text = self.machine.serial.text()[start:self.machine.serial.position]
        return [row for row in text.splitlines() if not row.startswith(PROMPT)]

    def step(self, timeout=30):
        """To the next guest's console; answers its name, "overview" behind the last."""
        self.machine.serial.mark()
        self.type(ESCAPE + "n")
        return self.machine.expect(r"--- bulkhead: (\S+).*---", timeout).group(1)

    def focus(self, name, timeout=30):
        """Gives the keys to a guest's console."""
        self.overview(timeout)
        self.type(f"focus {name}\r")
        self.machine.expect(rf"--- bulkhead: {re.escape(name)} .*---", timeout)

    def shell(self, guest, port="serial", timeout=60):
        """Enters a guest's shell; returns when it answered."""
        self.focus(f"{guest}.{port}", timeout)
        self.type("\r")
        self.machine.expect(rf"{guest}:\S*# ", timeout)
        self.run(guest, "true", timeout)

    def wide(self, guest):
        """A long command line isn't broken up by the shell's editor from now on."""
        self.run(guest, "stty cols 1000")

    def run(self, guest, line, timeout=60):
        """One command in the shell that has the focus; answers its output and its exit status.

        The console shows again what a guest printed last, so lines with a number of its own enclose
        what a command prints. The echo isn't waited for: what the guest says of itself may cut it.
        """
        number = next(NUMBERS)
        self.machine.serial.mark()
        self.type(f"echo .{number}; {line}; echo .$?.{number}\r")
        self.machine.expect(rf"^\.{number}\n", timeout)
        start = self.machine.serial.position
        status = self.machine.expect(rf"^\.(\d+)\.{number}\n", timeout)
        text = self.machine.serial.text()[start:status.start()]
        self.machine.expect(rf"{guest}:\S*# ", timeout)
        return text, int(status.group(1))

    def check(self, guest, line, timeout=120):
        """The same, of a command that must succeed; answers its output."""
        output, status = self.run(guest, line, timeout)
        assert status == 0, output
        return output
