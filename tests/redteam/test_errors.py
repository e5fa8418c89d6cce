# SPDX-License-Identifier: BSD-2-Clause
"""Errors that a platform or a device tells of, and devices that come and go, on one machine: NMIs
(B4), machine checks and errors of a PCIe device (B10), hot-plug (C13). All are made from outside,
through QEMU's monitor, while a network driver works and a client of it sends."""
import re
import time

import pytest

from attack import CANARY, VICTIM, Air, Target
from earlier import (BAR0, COMMAND, IO, MASTER, MEMORY, by_monitor, config, receiver,
                     ring_of)
from harness.bare import bare
from harness.console import Console
from harness.describe import NETPROBE, NIC_DEVICE, NIC_DRIVER, SWITCH, describe, indented, root_port
from harness.machine import PATIENCE

HARDWARE = root_port("00:05.0", "first") + """\
- address: 01:00.0
  id: 8086:10d3
  model: e1000e
  options: bus=first,id=card
  network: true
  behind: 00:05.0
""" + root_port("00:06.0", "spare", 2)
DEVICE = NIC_DEVICE.replace("00:02.0", "01:00.0")
PROBE = NETPROBE.format(echoes=100000)


# A second card, which is plugged in later; RAM that nobody has, for its descriptors.
LATE, LATE_PORT, BRIDGE = "02:00.0", 0xd000, "00:06.0"
RING, DESCRIPTORS = 0x1e000000, 64
# The bridge above passes ports 0xd000..0xdfff on.
ARMED = [*config(BRIDGE, 0x1c, 0xd0d0), *config(BRIDGE, COMMAND, IO | MEMORY | MASTER),
         *config(LATE, BAR0 + 8, LATE_PORT), *config(LATE, COMMAND, IO | MASTER),
         *receiver(LATE_PORT, RING, DESCRIPTORS)]
UNPLUG = [(0xcd0, 1), (0xcc8, 1)]     # QEMU, docs/specs/acpi_pci_hotplug.rst: bus, slots to eject

# Machine check banks (Intel SDM volume 3, 16.3.2, 16.9): valid, uncorrected, enabled, with address;
# and that the processor's context is corrupt.
MEMORY_ERROR, CORRUPT, RESTARTABLE = 0xbd << 56 | 0x9f, 1 << 57, 5


def boot(name, parts, **options):
    air = Air()
    path = describe(name, compartments=VICTIM + parts, memory="512M", **options)
    return Target(path, name=name, extra=air.arguments()), air


@pytest.fixture(scope="module")
def machine():
    made, air = boot("errors", NIC_DRIVER, devices=DEVICE, hardware=HARDWARE,
                     rest=SWITCH + "vms:\n" + indented(PROBE))
    with made as running:
        running.air = air
        running.expect(r"victim\| canary: intact", 60)
        echoes(running)
        yield running


def intact(machine):
    machine.serial.mark()
    machine.expect(r"victim\| canary: intact", 20)


def echoes(machine):
    """The probe's echoes go on: the driver, the card and the switch work."""
    machine.serial.mark()
    machine.expect(r"probe\| echo \d+ answered", 60)


def told(machine, what, count):
    machine.expect(rf"fault: .*\b{count} {what}", 30, anywhere=True)


def ends_a_bare_machine(event):
    """The control: software that isn't prepared, here one that sleeps, is lost by it."""
    with bare("halt") as alone:
        alone.expect("hostile: halt", 20)
        event(alone)
        alone.wait_exit(20)


def mce(machine, core, status):
    machine.qmp.monitor(f"mce {core} 4 {status:#x} {RESTARTABLE} 0x1234000 0x8c")


def test_b4_nmi_is_counted_and_attributed(machine, verdict):
    """inject-nmi reaches each of the four cores; the error is the card's."""
    machine.qmp.monitor("pcie_aer_inject_error card POISON_TLP")
    machine.qmp.command("inject-nmi")
    told(machine, "NMIs", 4)
    machine.expect(r'fault: device "nic" \(01:00\.0\) of "e1000e" has signalled errors: 0x2', 10,
                   anywhere=True)
    echoes(machine)
    ends_a_bare_machine(lambda alone: alone.qmp.command("inject-nmi"))
    verdict("B4", "an error of a device's bus, and the NMI that tells of it",
            "counted, device and owner named", "a bare machine without a handler resets",
            blamed="nic of e1000e", served="canary, network probe")


def test_b10_machine_check_that_can_be_survived(machine, verdict):
    """One on each core: the victim's, the driver's, the guest's."""
    for core in range(4):
        mce(machine, core, MEMORY_ERROR)
    told(machine, "machine checks", 4)
    machine.expect(r"last check: status 0xbd0000000000009f, address 0x1234000", 10, anywhere=True)
    echoes(machine)
    assert "; 4 NMIs, 4 machine checks" in "\n".join(Console(machine).command("faults"))
    ends_a_bare_machine(lambda alone: mce(alone, 0, MEMORY_ERROR))
    verdict("B10", "a machine check on every core", "told, everybody runs",
            "a bare machine without a handler resets",
            blamed="bank and address", served="canary, network probe")


def plug_in(machine):
    """A card nobody asked for, whose firmware sends the frames of the air where it likes."""
    address = machine.canary()
    ring = ring_of(address, DESCRIPTORS)
    machine.ram[RING:RING + len(ring)] = ring
    machine.qmp.monitor("device_add e1000e,bus=spare,id=late,netdev=air")
    by_monitor(machine, ARMED)
    time.sleep(0.5 * PATIENCE)
    return address


def test_c13_a_device_that_comes_gets_nothing(machine, verdict):
    address = plug_in(machine)
    machine.air.blow()
    machine.expect(rf"fault: 02:00\.0, which nobody owns: DMA at {RING:#x} denied", 30,
                   anywhere=True)
    assert machine.bytes_at(address) == CANARY
    echoes(machine)
    off, air = boot("errors-off", "", hardware=HARDWARE, iommu="none")
    with off:
        off.expect(r"victim\| canary: intact", 60)
        address = plug_in(off)
        air.blow()
        off.expect(r"victim\| canary: SPOILED", 15)
        assert off.bytes_at(address) == Air.FRAME[:64]
    verdict("C13", "a network card that is plugged in and writes at once",
            "fault told, canary intact", "without an IOMMU: canary overwritten",
            blamed="02:00.0, nobody's", served="canary, network probe")


def test_c13_a_device_that_goes(machine, verdict):
    """Its registers read all ones from now on; a reset that nothing answers ends in quarantine."""
    assert re.search(r"Bus +1, device", machine.qmp.monitor("info pci"))
    by_monitor(machine, UNPLUG)
    assert not re.search(r"Bus +1, device", machine.qmp.monitor("info pci"))
    intact(machine)
    Console(machine).command("restart e1000e")
    machine.expect(r'device "nic" \(01:00\.0\) of "e1000e": .* it didn\'t come back: quarantined',
                   30, anywhere=True)
    machine.expect(r"e1000e\| no network without the card", 30, anywhere=True)
    intact(machine)
    verdict("C13", "a network card that is taken out while its driver works",
            "quarantined at the next reset", "(nothing to switch off)",
            blamed="nic of e1000e", served="victim")


def test_b10_machine_check_that_ends_a_core(machine, verdict):
    """The machine's end: so it is the last test here."""
    intact(machine)
    mce(machine, 1, MEMORY_ERROR | CORRUPT)
    machine.expect(r"bulkhead: stopped: machine check at 0x[0-9a-f]+: status 0xbf.*: the core "
                   "can't go on", 30)
    verdict("B10", "a machine check that says that the core's context is lost",
            "the machine stops and says why", "see the one before",
            blamed="the check's status", served="nobody: the machine ends")
