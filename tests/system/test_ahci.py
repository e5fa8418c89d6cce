# SPDX-License-Identifier: BSD-2-Clause
"""A guest without virtio disks: the distribution's generic kernel with its stock ahci driver, on the
emulated controller, with a hard disk and a CD-ROM on extents of one NVMe disk."""
import os
import re
import subprocess

import pytest

from harness.console import Console
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, describe, disk_hardware, indented,
                              machine)
from harness.machine import BUILD
from test_disk import partition_table

MIB = 1 << 20
IMAGE = os.path.join(BUILD, "tests", "ahci.img")
CD_IMAGE = os.path.join(BUILD, "tests", "ahci.iso")
FIRST = 8 * MIB
SIZE = 64 * MIB
CD_FIRST = 80 * MIB
CD_SIZE = 16 * MIB
FILLER = b"\xee"

GUEST = """\
- name: stock
  kernel: bench/vmlinuz
  initrd: tests/guests/ahci.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=stock
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  no-rng: true
  vcpus:
    - { core: 2 }
    - { core: 3 }
  disks:
    - { from: blockmux, first: 8M, size: 64M, model: ahci }
    - { from: blockmux, first: 80M, size: 16M, model: ahci-cdrom }
"""


def make_iso():
    """A disc with one file of random bytes; answers them."""
    folder = os.path.join(BUILD, "tests", "ahci.cd")
    content = os.urandom(5 * MIB + 1234)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "blob"), "wb") as file:
        file.write(content)
    subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-R", "-V", "BULKHEAD", "-o", CD_IMAGE,
                    folder], check=True, timeout=60)
    return content


def make_image():
    table = partition_table([("first", 1, 8), ("second", 16, 16)])
    with open(CD_IMAGE, "rb") as iso:
        disc = iso.read().ljust(CD_SIZE, b"\0")
    with open(IMAGE, "wb") as image:
        image.write(FILLER * FIRST)
        image.write(table.ljust(SIZE, b"\0"))
        image.write(FILLER * (CD_FIRST - FIRST - SIZE))
        image.write(disc)
        image.write(FILLER * (8 * MIB))


@pytest.fixture(scope="module")
def blob():
    return make_iso()


@pytest.fixture(scope="module")
def guest(blob):
    make_image()
    path = describe("ahci", compartments=DISK_DRIVER, devices=DISK_DEVICE,
                    hardware=disk_hardware(IMAGE), rest=DISK_MUX + "vms:\n" + indented(GUEST))
    with machine(path) as booted:
        console = Console(booted)
        booted.expect("press Enter for a shell on ttyS0", 180, anywhere=True)
        console.shell("stock")
        console.wide("stock")
        yield console


def run(console, line, timeout=180):
    output, status = console.run("stock", line, timeout)
    assert status == 0, output
    return output


def test_driver_is_the_stock_one(guest):
    print(run(guest, "dmesg | grep -E 'ahci|ata[0-9]|sd |sr |scsi'; cat /proc/partitions; "
                     "cat /proc/interrupts"))
    assert "ahci" in run(guest, "readlink /sys/bus/pci/devices/0000:00:08.0/driver")
