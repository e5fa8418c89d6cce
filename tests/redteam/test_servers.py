# SPDX-License-Identifier: BSD-2-Clause
"""VMs whose disk or network is served by a liar (F3), beside VMs with honest servers.

The controls are the same VMs on monitors that were built without the rule in question
(tests/programs): there the lie harms the guest's memory or the monitor. Not even then is anybody
else harmed: guest web serves its page, and the honest disk's client finds what it wrote."""
import os
import re
import textwrap

import pytest

from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, NIC_DEVICE, NIC_DRIVER,
                              NIC_HARDWARE, SWITCH, WEB, describe, disk_hardware, indented, machine)
from harness.machine import BUILD
from guests import FAULT, end_of, states
from witness import served

BOOT_SECONDS = 240
MIB = 1 << 20
IMAGES = [os.path.join(BUILD, "tests", f"lies-{name}.img") for name in ("honest", "liar")]

WHOLE = "all reads answered, 0 buffers altered afterwards"
NOTHING = "(nothing to switch off)"

# Lie, what it is, what its guest says, the monitor without the rule, what comes of it there
DISK_LIES = [
    ("twice", "the same answer again and again", WHOLE, "vmm-peers-open",
     r"all reads answered, [1-9]\d* buffers altered afterwards"),
    ("nowhere", "answers for tags out of range", WHOLE, "vmm-peers-open", FAULT),
    ("tailjump", "ring indices that jump", r"the disk is silent after 10 reads", "vmm-ring-open",
     r"all reads answered, .*"),
    ("sizes", "another size of the disk all the time", WHOLE, None, None),
    ("restarts", "a new life all the time", WHOLE, None, None),
]
NET_LIES = [
    ("outside", "frames outside the area", r"[1-9]\d* frames came", "vmm-peers-open", FAULT),
    ("endless", "a tail that jumps", r"3 frames came", "vmm-ring-open",
     r"(more than )?\d\d+ frames came"),
]
LIES = DISK_LIES + NET_LIES

SECOND_DISK = DISK_DEVICE.replace("disk", "disk2").replace("00:03.0", "00:04.0") + "  as: disk\n"
SECOND_DRIVER = DISK_DRIVER.replace("nvme", "nvme2").replace("disk", "disk2") + "  program: nvme\n"
LIAR_DISK = """\
  - name: liardisk
    program: liar
    driver: nvme2
    core: 1
    priority: 18
"""
LIAR_SWITCH = """\
  - name: liarswitch
    program: liar
    core: 1
    priority: 18
"""
HONEST = """\
- name: honest
  program: diskprobe
  kernel: programs/diskprobe.elf
  memory: 16M
  core: 0
  priority: 12
  settings:
    - { name: rounds, value: "100000" }
  vcpus:
    - { core: 3 }
  disks:
    - { from: blockmux, first: 8M, size: 8M }
"""


def guest(number, name, kind, program):
    service = (f"  disks:\n    - {{ from: liardisk, first: {number + 1}M, size: 1M }}\n"
               if kind == "disk" else
               f"  nic:\n    switch: liarswitch\n    mac: 52:54:00:00:00:{0x20 + number:x}\n")
    return (f"- name: {name}\n" + (f"  program: {program}\n" if program else "") +
            "  kernel: tests/guests/client.bzimage\n"
            f"  cmdline: {kind}\n  memory: 32M\n  no-hvc: true\n  core: 1\n  priority: 6\n"
            f"  vcpus:\n    - {{ core: {2 + number % 2}, priority: 4 }}\n" + service)


def describe_lies(name, careless):
    lies = [(lie, "disk" if lie in DISK_LIES else "net") for lie in LIES if not careless or lie[3]]
    vms = WEB + HONEST + "".join(guest(number, lie[0], kind, lie[3] if careless else None)
                                 for number, (lie, kind) in enumerate(lies))
    hardware = (textwrap.dedent(NIC_HARDWARE) + disk_hardware(IMAGES[0]) +
                disk_hardware(IMAGES[1]).replace("00:03.0", "00:04.0").replace("=test", "=test2"))
    return describe(name, compartments=NIC_DRIVER + DISK_DRIVER + SECOND_DRIVER,
                    devices=NIC_DEVICE + DISK_DEVICE + SECOND_DISK, hardware=hardware,
                    rest=SWITCH + LIAR_SWITCH + DISK_MUX + LIAR_DISK + "vms:\n" + indented(vms))


class Outcome:
    """One machine's run: what the guests of the liars came to, and how others were served."""

    def __init__(self, name, careless):
        for image in IMAGES:
            with open(image, "wb") as file:
                file.truncate(32 * MIB)
        with machine(describe_lies(name, careless)) as running:
            running.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
            self.said = {lie[0]: end_of(running, lie[0], "client") for lie in LIES
                         if not careless or lie[3]}
            self.served = served(running, "web", "honest", "switch", "blockmux", "nvme", "e1000e")
            self.verified = running.expect(r"honest\| verified (\d+), mismatches (\d+)",
                                           60).groups()
            self.states = states(running)


@pytest.fixture(scope="module")
def protected():
    return Outcome("lies", False)


@pytest.fixture(scope="module")
def careless():
    return Outcome("lies-control", True)


@pytest.mark.parametrize("name, text, answer, program, harm", LIES, ids=[lie[0] for lie in LIES])
def test_lie(protected, careless, verdict, name, text, answer, program, harm):
    assert re.fullmatch(answer, protected.said[name])
    assert protected.states[name] == "running"
    if program:
        assert re.fullmatch(harm, careless.said[name])
        assert careless.states[name] == ("faulted" if harm == FAULT else "running")
    verdict("F3", text, protected.said[name], careless.said.get(name, NOTHING),
            blamed="nobody: its own VMs only", served=protected.served)


@pytest.mark.parametrize("kind", ["protected", "careless"])
def test_honest_server_serves_all_the_while(request, kind):
    outcome = request.getfixturevalue(kind)
    assert int(outcome.verified[0]) > 0 and outcome.verified[1] == "0"
