# SPDX-License-Identifier: BSD-2-Clause
"""The block path without guests: two clients share one NVMe disk by partitions, verify what they wrote,
reach nothing of each other, and go on when driver or multiplexer are reset."""
import os
import re
import struct
import zlib

import pytest

from harness.console import Console
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, describe, disk_hardware, indented,
                              machine)
from harness.machine import BUILD

IMAGE = os.path.join(BUILD, "tests", "disk.img")
MIB = 1 << 20

CLIENT = """\
- name: {name}
  program: diskprobe
  kernel: programs/diskprobe.elf
  memory: 16M
  core: {core}
  priority: 12
  settings:
    - {{ name: rounds, value: "{rounds}" }}
  vcpus:
    - {{ core: 3 }}
  disks:
    - {{ from: blockmux, partition: {name} }}
"""


def partition_table(partitions):
    """The first 34 sectors of a disk with these partitions: (name, first MiB, MiB)."""
    entries = b"".join(
        struct.pack("<16s16sQQQ72s", b"type" * 4, name.encode().ljust(16, b"-"), first * 2048,
                    (first + size) * 2048 - 1, 0, name.encode("utf-16-le"))
        for name, first, size in partitions).ljust(128 * 128, b"\0")

    def header(checksum):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, checksum, 0, 1, 65535,
                           34, 65502, b"disk" * 4, 2, 128, 128, zlib.crc32(entries))
    return b"\0" * 512 + header(zlib.crc32(header(0))).ljust(512, b"\0") + entries


def two_clients(name, image, iommu="vt-d"):
    """A machine with two partitions on this image, each one client's."""
    table = partition_table([("low", 8, 8), ("high", 16, 8)])
    with open(image, "wb") as file:
        file.write(table.ljust(MIB, b"\xee"))
        file.write(b"\xee" * (31 * MIB))
    clients = (CLIENT.format(name="low", core=2, rounds=100) +
               CLIENT.format(name="high", core=3, rounds=100000))
    path = describe(name, compartments=DISK_DRIVER, devices=DISK_DEVICE, iommu=iommu,
                    hardware=disk_hardware(image), rest=DISK_MUX + "vms:\n" + indented(clients))
    return machine(path)


@pytest.fixture(scope="module")
def disk():
    with two_clients("disk", IMAGE) as booted:
        yield booted


def verified(disk, client):
    found = disk.expect(rf"{client}\| verified (\d+), mismatches (\d+)", 60)
    assert found.group(2) == "0"
    return int(found.group(1))


def test_both_clients_verify_what_they_wrote(disk):
    disk.expect(r"nvme\| disk of 32 MiB, blocks of 512 bytes", 30, anywhere=True)
    for client in ("low", "high"):
        disk.expect(rf"{client}\| disk of 16384 sectors", 30, anywhere=True)
        disk.expect(rf"{client}\| 5 trespasses refused", 30, anywhere=True)
    disk.expect(r"low\| done, mismatches 0", 120, anywhere=True)


@pytest.mark.parametrize("part", ["nvme", "blockmux"])
def test_goes_on_after_a_reset(disk, part):
    verified(disk, "high")                              # it is up, whichever test is the first
    console = Console(disk)
    console.overview()
    console.command(f"restart {part}")
    status = "\n".join(console.command("status"))
    assert re.search(rf"{part} +(running|resetting) +2 ", status), status
    first = verified(disk, "high")
    assert verified(disk, "high") > first


def test_nothing_outside_the_partitions_was_written(disk):
    disk.stop()
    with open(IMAGE, "rb") as image:
        content = image.read()
    assert content[:8 * MIB] == partition_table([("low", 8, 8), ("high", 16, 8)]).ljust(
        8 * MIB, b"\xee")
    assert content[24 * MIB:] == b"\xee" * (8 * MIB)
    assert content[8 * MIB:16 * MIB].count(b"\xee") < MIB
