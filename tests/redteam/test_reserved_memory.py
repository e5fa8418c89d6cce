# SPDX-License-Identifier: BSD-2-Clause
"""A12: firmware that has reserved memory for a device's DMA (RMRR), which the device may use behind
its owner's back. QEMU's tables reserve none, so an earlier boot stage (earlier.py) waits while the
test puts a reservation into the DMAR table (VT-d specification 8.1, 8.3, 8.4)."""
import struct
import time

from attack import Target
from earlier import GO_AT, HERE_AT, PASSWORD, WAIT, rom
from harness.describe import describe
from harness.machine import PATIENCE
from witness import NOTHING_STARTS

PLACE, NEIGHBOUR, ID = (4, 0), (5, 0), "1234:11e8"
HARDWARE = """\
- address: 00:0%d.0
  id: 1234:11e8
  model: edu
  options: dma_mask=0xffffffffffffffff,%s
"""
DEVICE = """\
- name: edu
  pci: 00:04.0
  id: 1234:11e8
  dma: true
  bars:
    - { bar: 0, size: 1M }
"""
COMPARTMENT = """\
- name: owner
  program: dma
  core: 1
  devices: [edu]
  settings:
    - { name: deed, value: inside }
  regions:
    - { name: buffer, size: 4K, process: rw, device: edu, dma: rw }
"""
FIRMWARES = 1 << 20                                  # bytes at the end of RAM
CHECKSUM, UNIT, SCOPES, SCOPE = 9, 48, 64, 8         # offsets in the table; bytes
# Functions of the chipset, whose scopes make room: nobody owns them.
CHIPSET = [(0, 0), (0x1f, 0), (0x1f, 2), (0x1f, 3)]


def reservation(place):
    """Reserved memory for one function (8.4), one page of the firmware's."""
    scope = struct.pack("<BBHBBBB", 1, SCOPE, 0, 0, 0, *place)
    return struct.pack("<HHHHQQ", 1, 24 + len(scope), 0, 0, 0xf0000, 0xf0fff) + scope


def with_reservation(table, place):
    """The table with as many bytes as before: a reservation instead of the chipset's scopes."""
    end = UNIT + struct.unpack_from("<H", table, UNIT + 2)[0]
    scopes = [table[at:at + SCOPE] for at in range(SCOPES, end, SCOPE)]
    kept = [scope for scope in scopes if scope[0] != 1 or tuple(scope[6:8]) not in CHIPSET]
    changed = bytearray(table[:SCOPES] + b"".join(kept) + reservation(place) + table[end:])
    struct.pack_into("<H", changed, UNIT + 2, SCOPES - UNIT + len(kept) * SCOPE)
    changed[CHECKSUM] = (changed[CHECKSUM] - sum(changed)) % 256
    assert len(changed) == len(table)
    return changed


def find_table(machine):
    """Where the firmware has put the DMAR table, and its size: a sum of 0 tells it from other
    text."""
    at = machine.search(b"DMAR", len(machine.ram) - FIRMWARES)
    while at >= 0:
        size = struct.unpack("<I", machine.bytes_at(at + 4, 4))[0]
        if UNIT < size < 4096 and sum(machine.bytes_at(at, size)) % 256 == 0:
            return at, size
        at = machine.search(b"DMAR", at + 1)
    raise AssertionError("the firmware has no DMAR table")


def reserved_for(name, place):
    hardware = HARDWARE % (4, rom(name, ID, [(WAIT, PASSWORD)])) + HARDWARE % (5, "romfile=")
    path = describe(name, compartments=COMPARTMENT, devices=DEVICE, hardware=hardware, cores=2,
                    memory="512M")
    machine = Target(path, name=name)
    machine.start()
    here, deadline = struct.pack("<I", PASSWORD), time.monotonic() + 30 * PATIENCE
    while machine.bytes_at(HERE_AT, 4) != here:
        assert time.monotonic() < deadline, "the option ROM wasn't called"
        time.sleep(0.05)
    at, size = find_table(machine)
    machine.ram[at:at + size] = with_reservation(machine.bytes_at(at, size), place)
    machine.ram[GO_AT:GO_AT + 4] = here
    return machine


def test_a12_memory_reserved_for_a_device(verdict):
    machine = reserved_for("a12", PLACE)
    machine.expect(r'plan refused: device "edu" \(00:04\.0\) of "owner" may use DMA, but the '
                   r"firmware has reserved memory \(RMRR.*\) for its DMA", 60)
    machine.stop()
    machine = reserved_for("a12-off", NEIGHBOUR)
    machine.expect(r"owner\| dma: inside: the data came back", 60)
    machine.stop()
    verdict("A12", "a device for whose DMA firmware has reserved memory",
            "plan refused, both named", "reserved for its neighbour: it works",
            blamed="edu of owner", served=NOTHING_STARTS)
