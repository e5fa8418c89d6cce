# SPDX-License-Identifier: BSD-2-Clause
"""What guests and their monitors come to, as the console tells it."""
import re

from harness.console import Console

FAULT = "the monitor faulted"


def states(running):
    """Each compartment's state by its name."""
    status = "\n".join(Console(running).command("status"))
    return dict(re.findall(r"^(\S+)\s+(running|stopped|faulted|resetting)\b", status, re.MULTILINE))


def device_counts(running, name):
    """How many faults a device had, and how many resets."""
    rows = "\n".join(Console(running).command("devices"))
    return tuple(map(int, re.search(rf"^{name} .* (\d+) +(\d+)$", rows, re.MULTILINE).groups()))


def end_of(running, name, voice):
    """A guest's words after `voice`, or FAULT: the kernel's words about its monitor."""
    found = running.expect(rf"{name}\.serial\| {voice}: (.*)\n|"
                           rf"bulkhead\| {name}\.\d+: (?:page fault|general protection)", 120,
                           anywhere=True)
    return found.group(1) or FAULT
