# SPDX-License-Identifier: BSD-2-Clause
"""Guests that drive their emulated AHCI and NVMe controllers against the rules (F6), beside guest
web.

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
IMAGE = os.path.join(BUILD, "tests", "redteam-controller.img")
NOTHING = "(nothing to switch off)"

BUS_ERROR = "host bus error"
TRANSFER = "data transfer error"
DONE = "done"
ENDLESS = "the controller never ends"

# Deed, what it is, what the controller says, the monitor without the rule (None: no rule is
# needed), what comes of it there
AHCI_DEEDS = [
    ("buffer", "a disk's data to outside the guest's memory", BUS_ERROR, "vmm-bounds-open", FAULT),
    ("registers", "a disk's data into the controller's own registers", BUS_ERROR,
     "vmm-bounds-open", FAULT),
    ("frames", "the received FIS area in device memory", BUS_ERROR, "vmm-bounds-open", FAULT),
    ("list", "a command list outside the guest's memory", BUS_ERROR, "vmm-bounds-open", FAULT),
    ("table", "a command table outside the guest's memory", BUS_ERROR, "vmm-bounds-open", FAULT),
    ("long", "a command of 65535 descriptors", "overflow", "vmm-ahci-open", FAULT),
    ("itself", "a disk's data over its own command", DONE, None, None),
    ("fair", None, DONE, None, None),
]
NVME_DEEDS = [
    ("data", "NVMe: data to outside the guest's memory", TRANSFER, "vmm-bounds-open", FAULT),
    ("registers", "NVMe: data into the controller's own registers", TRANSFER, "vmm-bounds-open",
     FAULT),
    ("entry", "NVMe: a list that names a page outside the guest's memory", TRANSFER,
     "vmm-bounds-open", FAULT),
    ("list", "NVMe: a list outside the guest's memory", TRANSFER, "vmm-bounds-open", FAULT),
    ("loop", "NVMe: a list that leads to itself, under its own data", DONE, None, None),
    ("endless", "NVMe: a command of 32 MiB whose list leads to itself", "invalid field",
     "vmm-nvme-open", FAULT),
    ("admin", "NVMe: the admin queue outside the guest's memory", "fatal status",
     "vmm-bounds-open", FAULT),
    ("commands", "NVMe: a submission queue in the controller's own registers", TRANSFER,
     "vmm-bounds-open", FAULT),
    ("answers", "NVMe: a completion queue outside the guest's memory", TRANSFER,
     "vmm-bounds-open", FAULT),
    ("doorbells", "NVMe: doorbells in memory outside the guest's", TRANSFER, "vmm-bounds-open",
     FAULT),
    ("events", "NVMe: event indexes in the controller's own registers", TRANSFER,
     "vmm-bounds-open", FAULT),
    ("queues", "NVMe: data over the command's own queues", DONE, None, None),
    ("number", "NVMe: a queue of number 65535", "invalid queue", "vmm-nvme-open", FAULT),
    ("index", "NVMe: a queue index that is never reached", "the queue stands still",
     "vmm-nvme-open", ENDLESS),
    ("flood", "NVMe: any value for any doorbell, over and over", DONE, None, None),
    ("fair", None, DONE, None, None),
]
DEEDS = ([("ahci", *deed) for deed in AHCI_DEEDS] + [("nvme", *deed) for deed in NVME_DEEDS])
NAMES = [f"{model}-{deed}" for model, deed, *_ in DEEDS]
CAREFUL = {"ahci": "sata", "nvme": "flash"}      # guests whose monitor has all its rules
EXTENT = 33                         # MiB: more than one command asks for
A_MACHINE = 10                      # guests: the console has no room for more


def all_guests():
    """Name, model, deeds, monitor. A careful monitor's guest does one deed after the other; each
    other one's only one, which its monitor doesn't outlive."""
    careful = [(CAREFUL[model], model, [deed for of, deed, *_ in DEEDS if of == model], None)
               for model in CAREFUL]
    careless = [(f"{model}-{deed}", model, [deed], program)
                for model, deed, _, _, program, _ in DEEDS if program]
    return careful + careless


def guest(number, name, model, deeds, program):
    return (f"- name: {name}\n" + (f"  program: {program}\n" if program else "") +
            f"  kernel: tests/guests/{model}.bzimage\n"
            f"  cmdline: {' '.join(deeds)}\n  memory: 32M\n  no-hvc: true\n"
            "  core: 1\n  priority: 6\n"
            f"  vcpus:\n    - {{ core: {2 + number % 2}, priority: 4 }}\n"
            f"  disks:\n    - {{ from: blockmux, first: {EXTENT * number}M, size: {EXTENT}M, "
            f"model: {model} }}\n")


class Outcome:
    """What all of them came to. `said` and `afterwards`: by guest and deed."""

    def __init__(self):
        self.said, self.afterwards, self.states = {}, {}, {}
        guests = all_guests()
        for first in range(0, len(guests), A_MACHINE):
            self.run(f"disk-deeds{first}", guests[first:first + A_MACHINE])

    def run(self, name, guests):
        with open(IMAGE, "wb") as file:
            file.truncate(EXTENT * A_MACHINE * MIB)
        vms = WEB + "".join(guest(number, *one) for number, one in enumerate(guests))
        path = describe(name, compartments=NIC_DRIVER + DISK_DRIVER,
                        devices=NIC_DEVICE + DISK_DEVICE,
                        hardware=indented(NIC_HARDWARE, 0) + disk_hardware(IMAGE),
                        rest=SWITCH + DISK_MUX + "vms:\n" + indented(vms))
        with machine(path) as running:
            running.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
            for vm, model, deeds, _ in guests:
                for deed in deeds:
                    self.hear(running, vm, model, deed)
            self.served = served(running, "web", "switch", "blockmux", "nvme", "e1000e")
            self.states.update(states(running))

    def hear(self, running, vm, model, deed):
        said = end_of(running, vm, f"{model}: {deed}")
        self.said[vm, deed] = said
        if said != FAULT:
            self.afterwards[vm, deed] = end_of(running, vm, f"{model}: {deed} afterwards")


@pytest.fixture(scope="module")
def outcome():
    return Outcome()


@pytest.mark.parametrize("model, deed, text, answer, program, harm", DEEDS, ids=NAMES)
def test_attack(outcome, verdict, model, deed, text, answer, program, harm):
    careful, careless = CAREFUL[model], f"{model}-{deed}"
    assert outcome.said[careful, deed] == answer
    assert outcome.afterwards[careful, deed] == DONE
    assert outcome.states[careful] == "running"
    if program:
        assert outcome.said[careless, deed] == harm
        assert outcome.states[careless] == ("faulted" if harm == FAULT else "running")
    if text:
        verdict("F6", text, answer, outcome.said.get((careless, deed), NOTHING),
                blamed="the guest, by its own device", served=outcome.served)
