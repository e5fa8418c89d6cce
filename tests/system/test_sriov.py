# SPDX-License-Identifier: BSD-2-Clause
"""SR-IOV: guests drive virtual functions of an 82576 with their distribution's igbvf, the physical
function is a driver's, which serves the switch with it."""
import re

import pytest

from harness.console import Console
from harness.describe import (IGB_DEVICE, IGB_HARDWARE, SWITCH, describe, igb_function, indented,
                              machine)

HARDWARE = IGB_HARDWARE + "mac=52:54:00:12:34:56\n  network: true\n"
DEVICES = IGB_DEVICE + "".join(igb_function(name, number, f"52:54:00:00:01:0{number}")
                               for number, name in enumerate(("vf-left", "vf-right")))

DRIVER = """\
- name: igb
  core: 0
  priority: 22
  budget: 8ms
  period: 10ms
  devices: [nic]
"""

GUESTS = "".join(f"""\
- name: {name}
  kernel: guests/stock.vmlinuz
  initrd: guests/stock.cpio
  cmdline: console=ttyS0 quiet bulkhead.name={name} bulkhead.ip={ip}
  memory: 256M
  core: 1
  priority: 12
  no-hvc: true
  passthrough: [vf-{name}]
  vcpus:
    - {{ core: {core} }}
""" for name, ip, core in (("left", "10.0.2.15", 2), ("right", "10.0.2.16", 3)))

HOME = """\
- name: home
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=home bulkhead.ip=10.0.2.17 bulkhead.http=1
  memory: 256M
  core: 1
  priority: 12
  vcpus:
    - { core: 3 }
  nic:
    switch: switch
    mac: 52:54:00:00:00:0f
"""


@pytest.fixture(scope="module")
def console():
    switch = SWITCH.replace("e1000e", "igb").replace("core: 1", "core: 0")
    path = describe("sriov", compartments=DRIVER, devices=DEVICES, hardware=HARDWARE,
                    rest=switch + "vms:\n" + indented(GUESTS + HOME))
    with machine(path) as booted:
        for name in ("left", "right", "home"):
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


@pytest.mark.parametrize("peer", ["10.0.2.16", "10.0.2.17"])
def test_guest_reaches_its_neighbours_inside_the_card(console, peer):
    """One on another virtual function, and one on the switch of the physical function."""
    assert "3 packets received" in run(console, "left", f"ping -c 3 -w 20 {peer}")


def test_address_cannot_be_changed(console):
    run(console, "left", "ip link set eth0 down")
    console.shell("left")
    output, status = console.run("left", "ip link set eth0 address 52:54:00:00:01:01")
    assert status != 0, output
    assert "52:54:00:00:01:00" in run(console, "left", "cat /sys/class/net/eth0/address")
    run(console, "left", "ip link set eth0 up; ip addr add 10.0.2.15/24 dev eth0; sleep 3; "
                         "ping -c 1 -w 20 10.0.2.2")


PING_ON = "(ping -i 0.2 -w 30 10.0.2.2 >/tmp/pings; touch /tmp/done) & true"
PINGED = "while [ ! -e /tmp/done ]; do sleep 1; done; rm /tmp/done; grep packets /tmp/pings"


def test_neighbour_keeps_what_it_has_when_an_owner_dies(console):
    """The monitor of a virtual function's owner is stopped in the middle of its traffic, and started
    again; the other virtual function's guest loses nothing."""
    run(console, "left", "(ping -A 10.0.2.2 >/dev/null) & true")
    run(console, "right", PING_ON)
    console.overview()
    assert "restart: left" in "\n".join(console.command("restart left"))
    console.machine.expect("guest left: press Enter for a shell on ttyS0", 180)
    sent, got = re.match(r"(\d+) packets transmitted, (\d+) ",
                         run(console, "right", PINGED)).groups()
    assert int(sent) > 20 and int(got) >= int(sent) - 1
    run(console, "left", "ping -c 3 -w 20 10.0.2.2")


def test_all_go_on_when_the_driver_is_restarted(console):
    """The reset of the physical function takes the virtual ones with it; they come again, and their
    guests' drivers begin anew by themselves."""
    console.overview()
    assert "restart: igb" in "\n".join(console.command("restart igb"))
    console.machine.expect(r"igb\| link up", 60)
    for guest in ("left", "right"):
        run(console, guest, "until ping -c 1 -w 2 10.0.2.2; do sleep 1; done", 120)
    run(console, "home", "ping -c 3 -w 20 10.0.2.2")
