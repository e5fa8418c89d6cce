# SPDX-License-Identifier: BSD-2-Clause
"""Guests that drive their virtual devices against the rules (D2, F1, F2, F6, F9), beside guest web.

The controls are the same guests on monitors that were built without the rule in question: there the
monitor itself is what breaks. Not even then is anybody else harmed."""
import re

import pytest

from harness.console import Console
from harness.describe import describe_web_and, machine
from witness import served

BOOT_SECONDS = 240

RESET = "the device asks for a reset"
STILL = "the card stands still"
FAULT = None                        # the monitor's own: it says nothing any more

# Deed, attack, what it is, what its device says, the monitor without the rule, what comes of it there
DEEDS = [
    ("outside", "F1", "a buffer outside the guest's memory", RESET, "vmm-bounds-open", FAULT),
    ("loop", "F1", "a descriptor chain that loops", RESET, "vmm-chain-open", FAULT),
    ("index", "F1", "a descriptor index behind the table", RESET, "vmm-chain-open", FAULT),
    ("flip", "F2", "a descriptor that changes while it is read", r"(\d+) served, (\d+) refused",
     "vmm-chain-twice", FAULT),
    ("operand", "D2", "an instruction from device memory to nowhere", "the instruction ended",
     "vmm-bounds-open", FAULT),
    ("registers", "F6", "a frame out of the card's own registers", STILL, "vmm-bounds-open", FAULT),
    ("endless", "F6", "a ring index that is never reached", STILL, "vmm-e1000-open",
     "the card never ends"),
    ("cut", "F9", "a packet cut into pieces longer than a frame", STILL, "vmm-e1000-open", FAULT),
]
NAMES = [deed[0] for deed in DEEDS]


def guest(name, number, program=None):
    deed = "flip-on" if name == "flip" and program else name
    monitor = f"  program: {program}\n" if program else ""
    second = "    - { core: 3, priority: 4 }\n" if name == "flip" else ""
    return f"""\
- name: {name}
{monitor}  kernel: tests/guests/attacker.bzimage
  cmdline: {deed}
  memory: 32M
  no-hvc: true
  core: 1
  priority: 6
  vcpus:
    - {{ core: {2 + number % 2}, priority: 4 }}
{second}  nic:
    switch: switch
    mac: 52:54:00:00:00:{0x20 + number:x}
    model: e1000
"""


def start(name, vms):
    running = machine(describe_web_and(name, vms=vms))
    running.start()
    running.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
    return running


@pytest.fixture(scope="module")
def protected():
    running = start("careful", guest("fair", 15) + "".join(
        guest(name, number) for number, name in enumerate(NAMES)))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def careless():
    running = start("careless", "".join(
        guest(deed[0], number, deed[4]) for number, deed in enumerate(DEEDS)))
    yield running
    running.stop()


def said(running, name, text):
    return running.expect(rf"{name}\.serial\| attacker: {text}\n", 120, anywhere=True)


def state(running, name):
    status = "\n".join(Console(running).command("status"))
    return re.search(rf"^{name}\s+(\w+)", status, re.MULTILINE).group(1)


def test_devices_work_for_one_who_keeps_the_rules(protected):
    said(protected, "fair", "the device served it")
    said(protected, "fair", "the card sent it")


@pytest.mark.parametrize("name, attack, text, answer, program, harm", DEEDS, ids=NAMES)
def test_attack(protected, careless, verdict, name, attack, text, answer, program, harm):
    answered = said(protected, name, answer)
    assert all(int(count) > 0 for count in answered.groups()), answered.group()
    said(protected, name, "still here")
    assert state(protected, name) == "running"
    if harm:
        said(careless, name, harm)
    else:
        careless.expect(rf"^bulkhead\| {name}\.\d+: (page fault|general protection)", 120,
                        anywhere=True)
        assert state(careless, name) == "faulted"
        assert f"{name}.serial| attacker: still here" not in careless.serial.text()
    verdict(attack, text, answer if not answered.groups() else "no mixture was used",
            harm or "the monitor faulted", blamed="the guest, by its own device",
            served=served(protected, "web", "fair", "switch"))


def test_page_is_served_beside_careless_monitors(careless):
    served(careless, "web")
