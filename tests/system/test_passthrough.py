# SPDX-License-Identifier: BSD-2-Clause
"""Guests that drive real devices with their distribution's stock drivers: one an 82574 network card
(e1000e), one an NVMe disk, both passed through, beside a guest on the switch that has neither."""
import os
import re

import pytest

from harness.console import Console
from harness.describe import describe, indented, machine
from harness.machine import BUILD

MIB = 1 << 20
IMAGE = os.path.join(BUILD, "tests", "passthrough.img")

HARDWARE = f"""\
- address: 00:02.0
  id: 8086:10d3
  model: e1000e
  options: mac=52:54:00:12:34:56
  network: true
- address: 00:03.0
  id: 1b36:0010
  model: nvme
  options: serial=passed
  disk: {IMAGE}
"""

DEVICES = """\
- name: card
  pci: 00:02.0
  id: 8086:10d3
  msix: 5
  bars:
    - { bar: 0, size: 128K }
    - { bar: 1, size: 128K }
- name: drive
  pci: 00:03.0
  id: 1b36:0010
  msix: 4
  bars:
    - { bar: 0, size: 8K }
"""

GUESTS = """\
- name: net
  kernel: bench/vmlinuz
  initrd: tests/guests/passthrough.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=net bulkhead.ip=10.0.2.15
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  passthrough: [card]
  vcpus:
    - { core: 1 }
  settings:
    - { name: on_reset, value: restart }
- name: disk
  kernel: bench/vmlinuz
  initrd: tests/guests/passthrough.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=disk
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  passthrough: [drive]
  vcpus:
    - { core: 2 }
    - { core: 3 }
  settings:
    - { name: on_reset, value: restart }
"""


@pytest.fixture(scope="module")
def console():
    with open(IMAGE, "wb") as image:
        image.truncate(64 * MIB)
    path = describe("passthrough", devices=DEVICES, hardware=HARDWARE,
                    rest="vms:\n" + indented(GUESTS))
    with machine(path) as booted:
        for name in ("net", "disk"):
            booted.expect(f"guest {name}: press Enter for a shell on ttyS0", 180, anywhere=True)
        yield Console(booted)


def run(console, guest, line, timeout=180):
    console.shell(guest)
    console.wide(guest)
    return console.check(guest, line, timeout)


def test_card_is_driven_by_the_stock_driver(console):
    assert "e1000e" in run(console, "net", "readlink /sys/class/net/eth0/device/driver")
    assert re.search(r"MSI-?X? .*eth0", run(console, "net", "grep eth0 /proc/interrupts"))


def test_card_reaches_the_outside(console):
    console.machine.expect(r"guest net: address 10\.0\.2\.15", 60, anywhere=True)
    assert re.search(r"5 packets received", run(console, "net", "ping -c 5 10.0.2.2"))


def test_disk_keeps_its_files(console):
    assert "nvme" in run(console, "disk", "readlink /sys/bus/pci/devices/0000:00:0a.0/driver")
    run(console, "disk", "mke2fs /dev/nvme0n1 >/dev/null 2>&1 && mkdir -p /m && "
                         "mount -t ext4 /dev/nvme0n1 /m")
    run(console, "disk", "dd if=/dev/urandom of=/m/a bs=64k count=200 2>/dev/null; sync")
    wanted = run(console, "disk", "md5sum </m/a").split()[0]
    run(console, "disk", "umount /m && mount -t ext4 /dev/nvme0n1 /m")
    assert wanted in run(console, "disk", "md5sum </m/a")
    run(console, "disk", "umount /m")


def test_interrupts_are_messages_on_both_cpus(console):
    print(run(console, "disk", "grep nvme /proc/interrupts"))
    print(run(console, "net", "cat /proc/interrupts; lspci; dmesg | tail -20"))


@pytest.mark.parametrize("guest", ["net", "disk"])
def test_kernel_found_nothing_to_complain_of(console, guest):
    complaints = "BUG|WARNING|Call Trace|Tx Unit Hang|nobody cared|soft lockup|timeout|reset"
    console.shell(guest)
    output, _ = console.run(guest, f"dmesg | grep -E '{complaints}'")
    assert output.strip() == "", output
