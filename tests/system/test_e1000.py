# SPDX-License-Identifier: BSD-2-Clause
"""A guest on the emulated 82540EM: the distribution's generic kernel with its stock e1000 driver.
It speaks to the outside, and to a neighbour with virtio-net."""
import re

import pytest

from gateway import BOOT_SECONDS, CLIENT_ADDRESS, WEB_ADDRESS
from harness.console import Console
from harness.describe import (NIC_DEVICE, NIC_DRIVER, NIC_HARDWARE, SWITCH, describe, indented,
                              machine)

GUESTS = """\
- name: stock
  kernel: guests/stock.vmlinuz
  initrd: guests/stock.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=stock bulkhead.ip=10.0.2.15 bulkhead.http=1
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  no-rng: true
  vcpus:
    - { core: 2 }
  nic:
    switch: switch
    mac: 52:54:00:00:00:0f
    model: e1000
- name: client
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=client bulkhead.ip=10.0.2.16
  memory: 256M
  core: 0
  priority: 12
  vcpus:
    - { core: 3 }
  nic:
    switch: switch
    mac: 52:54:00:00:00:10
"""


@pytest.fixture(scope="module")
def system():
    path = describe("e1000", compartments=NIC_DRIVER, devices=NIC_DEVICE, hardware=NIC_HARDWARE,
                    rest=SWITCH + "vms:\n" + indented(GUESTS))
    with machine(path) as booted:
        for name, address in (("stock", WEB_ADDRESS), ("client", CLIENT_ADDRESS)):
            booted.expect(rf"guest {name}: address {re.escape(address)}", BOOT_SECONDS,
                          anywhere=True)
        yield booted


@pytest.fixture(scope="module")
def console(system):
    return Console(system)


def run(console, guest, line, timeout=180):
    console.shell(guest)
    console.wide(guest)
    return console.check(guest, line, timeout)


def test_host_fetches_the_page(system):
    assert "Hello from guest stock" in system.curl_until("Hello from guest stock")
    for _ in range(20):
        assert "Hello from guest stock" in (system.curl() or "")


def test_driver_is_the_stock_one(console):
    assert "e1000" in run(console, "stock", "readlink /sys/class/net/eth0/device/driver")
    interrupts = run(console, "stock", "grep eth0 /proc/interrupts")
    assert re.search(r"IO-APIC +17-fasteoi +eth0", interrupts), interrupts


@pytest.mark.parametrize("guest, other", [("stock", CLIENT_ADDRESS), ("client", WEB_ADDRESS)])
def test_neighbours_ping(console, guest, other):
    output = run(console, guest, f"ping -c 5 {other}")
    assert re.search(r"[45] packets received", output), output


def test_megabytes_arrive_intact_both_ways(console):
    """Out, the driver leaves checksums and the cutting of long packets to the card."""
    wanted = run(console, "stock", "dd if=/dev/urandom of=/www/blob bs=64k count=64 2>/dev/null; "
                                   "md5sum /www/blob").split()[0]
    got = run(console, "client", f"wget -q -O /tmp/blob http://{WEB_ADDRESS}/blob; "
                                 "md5sum /tmp/blob; httpd -p 80 -h /tmp")
    assert wanted in got
    back = run(console, "stock", f"wget -q -O - http://{CLIENT_ADDRESS}/blob | md5sum")
    assert wanted in back


def test_interface_goes_down_and_up(console):
    output = run(console, "stock",
                 "for i in 1 2 3; do ip link set eth0 down; ip link set eth0 up; done; sleep 3; "
                 f"ip address add {WEB_ADDRESS}/24 dev eth0 2>/dev/null; "
                 f"ping -c 3 {CLIENT_ADDRESS}")
    assert re.search(r"[23] packets received", output), output


def test_kernel_found_nothing_to_complain_of(console):
    output = run(console, "stock", "dmesg | grep -c -E 'BUG|WARNING|Call Trace|Tx Unit Hang|"
                                   "nobody cared|soft lockup' || true")
    assert output.strip() == "0"
