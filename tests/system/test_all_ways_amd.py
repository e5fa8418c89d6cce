# SPDX-License-Identifier: BSD-2-Clause
"""systems/all-ways.yaml behind AMD-Vi: with all devices on bus 0, as QEMU's AMD-Vi mixes up those behind
bridges, and so without SR-IOV, which needs one."""
import os
import re

import pytest

from harness.console import Console
from harness.describe import FOLDER, machine
from harness.machine import ROOT
from test_all_ways import (DISKS, GUESTS, reach_through_its_own_kind_of_card, wait_for,
                           write_all_disks_at_once)

WITHOUT = ("address: 00:02.0", "address: 00:05.0", "address: 00:08.0", "name: vf0",
           "name: disk-vf0", "name: virtual")
OTHERWISE = (("iommu: vt-d", "iommu: amd-vi"), ("bus=above,", ""), ("bus=bridge,", ""),
             ("8086:10c9", "8086:10d3"), ("model: igb", "model: e1000e"),
             ("name: igb", "name: e1000e"), ("uplink: igb", "uplink: e1000e"),
             ("address: 01:00.0", "address: 00:02.0"), ("pci: 01:00.0", "pci: 00:02.0"),
             ("address: 02:00.0", "address: 00:05.0"), ("pci: 02:00.0", "pci: 00:05.0"),
             ("address: 03:00.0", "address: 00:03.0"), ("pci: 03:00.0", "pci: 00:03.0"),
             ("namespaces: [systems/disks.img, systems/virtual.img]", "disk: systems/disks.img"))


def without_item(text, head):
    """The description without the list's item that begins so."""
    item = re.search(rf"^( *)- {re.escape(head)}\b.*\n(?:\1 .*\n)*", text, re.MULTILINE)
    assert item, head
    return text.replace(item.group(0), "")


def described():
    with open(os.path.join(ROOT, "systems", "all-ways.yaml"), encoding="utf-8") as file:
        text = file.read()
    for head in WITHOUT:
        text = without_item(text, head)
    for old, new in OTHERWISE:
        assert old in text, old
        text = text.replace(old, new)
    text = re.sub(r"^ *behind: .*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"bus=over,(serial=shared),.*", r"\1", text)
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, "all-ways-amd.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("system: all-ways", "system: all-ways-amd"))
    return path


@pytest.fixture(scope="module")
def system():
    booted = machine(described())
    booted.arguments.append("-snapshot")
    with booted:
        wait_for(booted, set(GUESTS) - {"virtual"})
        yield booted


@pytest.fixture(scope="module")
def console(system):
    return Console(system)


@pytest.mark.parametrize("guest", [guest for guest in GUESTS if guest != "virtual"])
def test_guest_is_reached_through_its_own_kind_of_card(system, console, guest):
    reach_through_its_own_kind_of_card(system, console, guest)


def test_all_disks_are_written_at_once(console):
    write_all_disks_at_once(console, {guest: disk for guest, disk in DISKS.items()
                                      if guest != "virtual"})
