# SPDX-License-Identifier: BSD-2-Clause
"""AMD-Vi in VT-d's place: hostile drivers with an edu each, as in test_devices.py (A5, B5, B6, B9),
for transfers in flight (A8) and for what is behind a buffer (A9); and a guest that has an NVMe disk
passed through (A1, A8). All are on one machine, which boots once more with protections off.

QEMU's AMD-Vi tells of no fault, so memory, registers and interrupts are what is judged. It mixes up
what is behind a port, so all devices are on the root bus, where edu has no reset: when its owner is
restarted it goes into quarantine.
"""
import time

import pytest

import puppet_disk
import test_devices
from attack import CANARY, PATTERN, Target
from harness.console import Console
from harness.describe import describe, indented
from harness.machine import PATIENCE
from puppet import Puppet, restart, vm
from puppet_disk import Disk
from test_devices import (CANARY_AT, STORM_LIMIT, VICTIM, WRITTEN, attackers, devices, go,
                          hardware, intact, interrupt_by_line, late_interrupts, limited_storm,
                          storm_of_interrupts, write_to_a_register)
from test_dma import IOVA
from test_passed_through import BUFFER
from witness import NO_EFFECT, NO_EVENT

PLACES = {**test_devices.PLACES, "b9": "00:0a.0", "a8": "00:0b.0", "a9": "00:0c.0"}
DEEDS = {**test_devices.DEEDS, "a8": "storm", "a9": "neighbour"}
CONTROLS = ["no-storm-limit", "no-quiesce", "dma-open"]
TRIES = 20
BUFFER_AT = 128 << 20                                # a8's, placed as CANARY_AT is
BUFFERS = {"a8": f', iova: "{IOVA:#x}", alignment: "{BUFFER_AT:#x}"',
           "a9": f', iova: "{CANARY_AT - 4096:#x}"'}
LEFT = b"what an earlier life has left"
DISK = {"name": "disk", "place": "00:0d.0"}
READ_SECONDS = 2 * PATIENCE                          # longer than the guest's restart takes


def machine_with(name, controls=()):
    path = describe(name, compartments=VICTIM + attackers(DEEDS, BUFFERS),
                    devices=devices(PLACES) + puppet_disk.DEVICE.format(**DISK),
                    hardware=hardware(PLACES) + puppet_disk.HARDWARE.format(**DISK),
                    rest="vms:\n" + indented(vm(DISK["name"])), controls=controls, cores=2,
                    memory="512M", iommu="amd-vi")
    return Target(path, controls=bool(controls), name=name, extra=puppet_disk.medium(READ_SECONDS))


def there(machine):
    machine.expect(r"victim\| canary: intact", 60, anywhere=True)
    machine.expect(r"puppet\.serial\| puppet: here", 60, anywhere=True)
    machine.puppet = Puppet(machine)
    assert machine.canary() == CANARY_AT
    return machine


@pytest.fixture(scope="module")
def machine():
    with machine_with("amd-vi") as running:
        yield there(running)


@pytest.fixture(scope="module")
def off():
    with machine_with("amd-vi-off", CONTROLS) as running:
        yield there(running)


def test_a1_dma_outside_the_guests_memory(machine, off, verdict):
    disk = Disk(machine)
    disk.identify(BUFFER)                            # what it is granted works
    assert machine.bytes_at(machine.puppet.memory(BUFFER), 2) == puppet_disk.VENDOR
    disk.identify(CANARY_AT)
    assert machine.bytes_at(CANARY_AT) == CANARY
    intact(machine)
    page = off.bytes_at(CANARY_AT, puppet_disk.PAGE)
    Disk(off).identify(CANARY_AT)
    assert off.bytes_at(CANARY_AT, 2) == puppet_disk.VENDOR
    off.ram[CANARY_AT:CANARY_AT + len(page)] = page
    verdict("A1", "AMD-Vi: a guest's passed-through disk writes outside the guest", "canary intact",
            "canary overwritten", blamed=NO_EVENT, served="victim")


def test_a5_write_to_another_devices_registers(machine, off, verdict):
    _, before, after = write_to_a_register(machine)
    assert after == before != WRITTEN
    intact(machine)
    assert write_to_a_register(off)[2] == WRITTEN
    verdict("A5", "AMD-Vi: edu writes to another device's registers", "unchanged",
            "the register changed", blamed=NO_EVENT, served="victim")


def restart_driver(machine):
    """Restarts a driver whose edu writes into its buffer, one transfer after the other. Answers
    whether the one that was under way came into the buffer of the next life."""
    place, left = BUFFER_AT + 0x100, BUFFER_AT + 0x200
    target = hex(IOVA + 0x100)                       # where only edu writes the pattern
    machine.set("target", target, compartment="a8")
    machine.wait(lambda: machine.bytes_at(place) == PATTERN)
    machine.set("target", "later", compartment="a8", before=target)
    machine.ram[left:left + len(LEFT)] = LEFT
    Console(machine).command("restart a8")
    machine.wait(lambda: machine.bytes_at(left, len(LEFT)) == bytes(len(LEFT)))
    time.sleep(0.3 * PATIENCE)
    return machine.bytes_at(place) == PATTERN


def test_a8_the_driver_is_restarted(machine, off, verdict):
    """A transfer takes 100 ms. The control's may end while the memory is cleaned and the space is
    away, and so leave no trace: it has several tries."""
    assert not restart_driver(machine)
    machine.expect(r'device "edu-a8" \(00:0b\.0\) of "a8": .*: quarantined', 10, anywhere=True)
    intact(machine)
    assert any(restart_driver(off) for _ in range(TRIES))
    verdict("A8", "AMD-Vi: edu's write is in flight when its driver is restarted", "never comes",
            "not quiesced: it comes into the next life's memory",
            blamed="edu-a8 of a8", served="victim")


def restart_guest(machine):
    """Restarts a guest whose disk is at a read. Answers whether the read's completion, which the
    disk writes to memory, came into that of the next life."""
    disk = Disk(machine)
    completion = disk.read(BUFFER)
    end = time.monotonic() + READ_SECONDS
    assert not disk.is_done(completion)
    restart(machine)
    time.sleep(max(0, end - time.monotonic()) + 0.5 * PATIENCE)
    return disk.is_done(completion)


def test_a8_the_guest_is_restarted(machine, off, verdict):
    """The control's read may be over before a slow restart is: it has several tries."""
    assert not restart_guest(machine)
    Disk(machine).identify(BUFFER)                   # it was reset, and works
    intact(machine)
    assert any(restart_guest(off) for _ in range(TRIES))
    verdict("A8", "AMD-Vi: a guest's disk is at a read when the guest is restarted", "never comes",
            "not quiesced: its completion comes into the next life's memory",
            blamed=NO_EFFECT, served="victim")


def test_a9_page_behind_the_buffer(machine, off, verdict):
    """The buffer is granted just below the IOVA that is the canary's physical address."""
    go(machine, "a9")
    assert machine.bytes_at(CANARY_AT) == CANARY
    intact(machine)
    go(off, "a9")
    assert off.bytes_at(CANARY_AT) == PATTERN
    assert off.bytes_at(CANARY_AT + len(PATTERN)) == CANARY          # it is the canary's page
    verdict("A9", "AMD-Vi: edu writes behind the end of its buffer", "canary intact",
            "the neighbour was overwritten", blamed=NO_EVENT, served="victim")


def test_b5_storm_of_interrupts(machine, off, verdict):
    limited_storm(machine)
    arrived, allowed = storm_of_interrupts(off)
    assert arrived > allowed
    verdict("B5", "AMD-Vi: a storm of message interrupts",
            f"no more than {STORM_LIMIT} in 10 ms, owner named", "all are delivered",
            blamed="edu-b5 of b5", served="victim")


def test_b6_interrupt_by_line(machine, verdict):
    interrupt_by_line(machine)
    verdict("B6", "AMD-Vi: edu interrupts by its line", "pending in the device, the line stays low",
            "its INTx allowed: the line is high",
            blamed=NO_EFFECT, served="victim")


def test_b9_interrupt_after_its_owners_death(machine, off, verdict):
    assert late_interrupts(machine) == 0
    intact(machine)
    assert late_interrupts(off) == 1
    verdict("B9", "AMD-Vi: edu interrupts after its owner died", "nothing arrives",
            "it is delivered",
            blamed="b9, for its fault", served="victim")
