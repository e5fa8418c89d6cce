# SPDX-License-Identifier: BSD-2-Clause
"""What is done to devices past Bulkhead, by port writes: from an earlier boot stage, as an option
ROM (tests/firmware/earlier.S), or later from QEMU's monitor. Each is a list of (port, value)."""
import os
import struct

from harness.describe import FOLDER
from harness.machine import built

CONFIG_ADDRESS, CONFIG_DATA = 0xcf8, 0xcfc          # PCI 3.2.2.3.2
COMMAND, BAR0 = 0x04, 0x10
IO, MEMORY, MASTER = 1, 2, 4
IDS_AT, UNIT = 0x20, 512
END, WAIT = 0, 1                                    # tests/firmware/earlier.S
HERE_AT, GO_AT = 0x7e00, 0x7e04
PASSWORD = 0x6b0a7001


def requester(address):
    """The requester id of "bus:device.function"."""
    bus, device, function = (int(part, 16) for part in address.replace(".", ":").split(":"))
    return bus << 8 | device << 3 | function


def config(address, register, value):
    """Writes 32 bits of a function's configuration space."""
    return [(CONFIG_ADDRESS, 1 << 31 | requester(address) << 8 | register), (CONFIG_DATA, value)]


def receiver(port, ring, descriptors):
    """An e1000e, whose I/O BAR is at this port, receives into this ring from now on (82574 data
    sheet 10.2.2: IOADDR, IODATA; 10.2.5: receive registers)."""
    rctl_on = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 15     # enabled, promiscuous, broadcasts
    registers = [(0x2800, ring), (0x2804, 0), (0x2808, descriptors * 16), (0x2810, 0),
                 (0x2818, descriptors - 1), (0x100, rctl_on)]
    return [write for register, value in registers
            for write in ((port, register), (port + 4, value))]


def ring_of(target, descriptors):
    """Receive descriptors, all of which lead to one address."""
    return struct.pack("<QQ", target, 0) * descriptors


def rom(name, device_id, writes):
    """Makes the option ROM of a device "vendor:device"; answers the option that gives it to it."""
    with open(built("tests", "firmware", "earlier.rom"), "rb") as file:
        image = bytearray(file.read())
    vendor, device = (int(part, 16) for part in device_id.split(":"))
    struct.pack_into("<HH", image, IDS_AT, vendor, device)
    for port, value in [*writes, (END, 0)]:
        image += struct.pack("<HI", port, value)
    assert len(image) < UNIT, f"{len(writes)} writes don't fit"
    image += bytes(UNIT - len(image))
    image[-1] = -sum(image) % 256
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, f"{name}.rom")
    with open(path, "wb") as file:
        file.write(image)
    return f"romfile={path}"


def by_monitor(machine, writes):
    """The same writes, now, by the monitor of the machine."""
    for port, value in writes:
        machine.qmp.monitor(f"o /w {port:#x} {value:#x}")
