# SPDX-License-Identifier: BSD-2-Clause
"""Guests that drive their emulated AHCI controller against the rules (F6), beside guest web.

The controls are the same guests on monitors that were built without the rule in question: there the
monitor itself is what breaks. Not even then is anybody else harmed."""
import os

import pytest

from guests import FAULT, end_of, states
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, NIC_DEVICE, NIC_DRIVER,
                              NIC_HARDWARE, SWITCH, WEB, describe, disk_hardware, indented, machine)
from harness.machine import BUILD
from witness import served

BOOT_SECONDS = 240
MIB = 1 << 20
IMAGE = os.path.join(BUILD, "tests", "redteam-ahci.img")
NOTHING = "(nothing to switch off)"

BUS_ERROR = "host bus error"
DONE = "done"

# Deed, what it is, what the port says, the monitor without the rule (None: no rule is needed)
DEEDS = [
    ("buffer", "a disk's data to outside the guest's memory", BUS_ERROR, "vmm-bounds-open"),
    ("registers", "a disk's data into the controller's own registers", BUS_ERROR,
     "vmm-bounds-open"),
    ("frames", "the received FIS area in device memory", BUS_ERROR, "vmm-bounds-open"),
    ("list", "a command list outside the guest's memory", BUS_ERROR, "vmm-bounds-open"),
    ("table", "a command table outside the guest's memory", BUS_ERROR, "vmm-bounds-open"),
    ("long", "a command of 65535 descriptors", "overflow", "vmm-ahci-open"),
    ("itself", "a disk's data over its own command", DONE, None),
    ("fair", None, DONE, None),
]
NAMES = [deed[0] for deed in DEEDS]


def guest(number, name, program):
    return (f"- name: {name}\n" + (f"  program: {program}\n" if program else "") +
            "  kernel: tests/guests/ahci.bzimage\n"
            f"  cmdline: {name}\n  memory: 32M\n  no-hvc: true\n  core: 1\n  priority: 6\n"
            f"  vcpus:\n    - {{ core: {2 + number % 2}, priority: 4 }}\n"
            f"  disks:\n    - {{ from: blockmux, first: {number}M, size: 1M, model: ahci }}\n")


class Outcome:
    """One machine's run."""

    def __init__(self, name, careless):
        with open(IMAGE, "wb") as file:
            file.truncate(16 * MIB)
        deeds = [deed for deed in DEEDS if not careless or deed[3]]
        vms = WEB + "".join(guest(number, deed[0], deed[3] if careless else None)
                            for number, deed in enumerate(deeds))
        path = describe(name, compartments=NIC_DRIVER + DISK_DRIVER,
                        devices=NIC_DEVICE + DISK_DEVICE,
                        hardware=indented(NIC_HARDWARE, 0) + disk_hardware(IMAGE),
                        rest=SWITCH + DISK_MUX + "vms:\n" + indented(vms))
        with machine(path) as running:
            running.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
            self.said = {deed[0]: end_of(running, deed[0], "ahci") for deed in deeds}
            self.afterwards = {name: end_of(running, name, "ahci: afterwards")
                               for name, said in self.said.items() if said != FAULT}
            self.served = served(running, "web", "switch", "blockmux", "nvme", "e1000e")
            self.states = states(running)


@pytest.fixture(scope="module")
def protected():
    return Outcome("ahci-deeds", False)


@pytest.fixture(scope="module")
def careless():
    return Outcome("ahci-control", True)


@pytest.mark.parametrize("name, text, answer, program", DEEDS, ids=NAMES)
def test_attack(protected, careless, verdict, name, text, answer, program):
    assert protected.said[name] == answer
    assert protected.afterwards[name] == DONE
    assert protected.states[name] == "running"
    if program:
        assert careless.said[name] == FAULT and careless.states[name] == "faulted"
    if text:
        verdict("F6", text, answer, careless.said.get(name, NOTHING),
                blamed="the guest, by its own device", served=protected.served)
