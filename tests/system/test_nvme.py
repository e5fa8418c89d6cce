# SPDX-License-Identifier: BSD-2-Clause
"""A guest with stock NVMe drivers: the distribution's generic kernel on two emulated controllers, one
of which may only be read, on extents of one real NVMe disk."""
import os
import re

import pytest

from harness.console import Console
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, describe, disk_hardware, indented,
                              machine)
from harness.machine import BUILD
from test_ahci import WRITE_ON, WRITTEN, FILLER, MIB

IMAGE = os.path.join(BUILD, "tests", "nvme.img")
FIRST = 8 * MIB
SIZE = 64 * MIB
SECOND = 80 * MIB
SECOND_SIZE = 16 * MIB

GUEST = """\
- name: stock
  kernel: guests/stock.vmlinuz
  initrd: guests/stock.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=stock
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  no-rng: true
  settings:
    - { name: on_reset, value: restart }
  vcpus:
    - { core: 2 }
    - { core: 3 }
  disks:
    - { from: blockmux, first: 8M, size: 64M, model: nvme }
    - { from: blockmux, first: 80M, size: 16M, model: nvme, readonly: true }
"""


def make_image():
    second = os.urandom(SECOND_SIZE)
    with open(IMAGE, "wb") as image:
        image.write(FILLER * FIRST)
        image.write(bytes(SIZE))
        image.write(FILLER * (SECOND - FIRST - SIZE))
        image.write(second)
        image.write(FILLER * (8 * MIB))
    return second


@pytest.fixture(scope="module")
def second():
    return make_image()


@pytest.fixture(scope="module")
def guest(second):
    path = describe("nvme", compartments=DISK_DRIVER, devices=DISK_DEVICE,
                    hardware=disk_hardware(IMAGE), rest=DISK_MUX + "vms:\n" + indented(GUEST))
    with machine(path) as booted:
        console = Console(booted)
        booted.expect("press Enter for a shell on ttyS0", 180, anywhere=True)
        console.shell("stock")
        console.wide("stock")
        yield console


def run(console, line, timeout=180):
    return console.check("stock", line, timeout)


def test_driver_is_the_stock_one(guest):
    for number in 3, 4:
        link = run(guest, f"readlink /sys/bus/pci/devices/0000:00:0{number}.0/driver")
        assert link.strip().endswith("/nvme")
    assert re.search(r"PCI-MSI.*nvme0q1", run(guest, "grep nvme /proc/interrupts"))


def test_disks_have_their_sizes(guest):
    partitions = run(guest, "cat /proc/partitions")
    assert re.search(r" 65536 nvme0n1\n", partitions), partitions
    assert re.search(r" 16384 nvme1n1\n", partitions), partitions
