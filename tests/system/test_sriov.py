# SPDX-License-Identifier: BSD-2-Clause
"""SR-IOV: guests drive virtual functions of an 82576 with their distribution's igbvf, the physical
function is a driver's, which serves the switch with it."""
import re

import pytest

from harness.console import Console
from harness.describe import SWITCH, describe, indented, machine

HARDWARE = """\
- address: 00:05.0
  id: 1b36:000c
  model: pcie-root-port
  options: id=under,chassis=1
- address: 01:00.0
  id: 8086:10c9
  model: igb
  options: bus=under,mac=52:54:00:12:34:56
  behind: 00:05.0
  network: true
"""

DEVICES = """\
- name: nic
  pci: 01:00.0
  id: 8086:10c9
  dma: true
  msix: 3
  bars:
    - { bar: 0, size: 128K }
""" + "".join(f"""\
- name: {name}
  vf-of: nic
  vf: {number}
  id: 8086:10ca
  mac: 52:54:00:00:01:0{number}
  msix: 3
  bars:
    - {{ bar: 0, size: 16K }}
""" for number, name in enumerate(("vf-left", "vf-right")))

DRIVER = """\
- name: igb
  core: 1
  priority: 22
  budget: 8ms
  period: 10ms
  devices: [nic]
"""

GUESTS = "".join(f"""\
- name: {name}
  kernel: bench/vmlinuz
  initrd: tests/guests/passthrough.cpio
  cmdline: console=ttyS0 quiet bulkhead.name={name} bulkhead.ip={ip}
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  passthrough: [vf-{name}]
  vcpus:
    - {{ core: {core} }}
""" for name, ip, core in (("left", "10.0.2.15", 2), ("right", "10.0.2.16", 3)))

PROBE = """\
- name: probe
  program: netprobe
  kernel: programs/netprobe.elf
  memory: 16M
  core: 1
  priority: 12
  settings:
    - { name: echoes, value: "100000" }
  vcpus:
    - { core: 1 }
  nic:
    switch: switch
    mac: 52:54:00:00:00:0f
"""


@pytest.fixture(scope="module")
def console():
    path = describe("sriov", compartments=DRIVER, devices=DEVICES, hardware=HARDWARE,
                    rest=SWITCH.replace("e1000e", "igb") + "vms:\n" + indented(GUESTS + PROBE))
    with machine(path) as booted:
        for name in ("left", "right"):
            booted.expect(f"guest {name}: press Enter for a shell on ttyS0", 180, anywhere=True)
        yield Console(booted)


def run(console, guest, line, timeout=120):
    console.shell(guest)
    console.wide(guest)
    return console.check(guest, line, timeout)


@pytest.mark.parametrize("guest, mac", [("left", "52:54:00:00:01:00"),
                                        ("right", "52:54:00:00:01:01")])
def test_virtual_function_is_driven_by_the_stock_driver(console, guest, mac):
    assert "igbvf" in run(console, guest, "readlink /sys/class/net/eth0/device/driver")
    assert mac in run(console, guest, "cat /sys/class/net/eth0/address")


@pytest.mark.parametrize("guest", ["left", "right"])
def test_guest_reaches_the_outside(console, guest):
    assert "3 packets received" in run(console, guest, "ping -c 3 -w 20 10.0.2.2")
