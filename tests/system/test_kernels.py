# SPDX-License-Identifier: BSD-2-Clause
"""Kernels of the distribution that differ from the demonstration guests': the PREEMPT_RT one with two
vCPUs, and one for i386, which starts in protected mode, with a 32-bit user land. They share a switch,
and speak to each other and to the outside."""
import re

import pytest

from harness.console import Console
from harness.describe import (NIC_DEVICE, NIC_DRIVER, NIC_HARDWARE, SWITCH, describe, indented,
                              machine)

BOOT_SECONDS = 180
ADDRESSES = {"rt": "10.0.2.15", "i386": "10.0.2.16"}

GUESTS = """\
- name: rt
  kernel: guests/rt/vmlinuz
  initrd: guests/rt/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=rt bulkhead.ip=10.0.2.15 bulkhead.http=1
  memory: 256M
  core: 0
  priority: 12
  vcpus:
    - { core: 2 }
    - { core: 1 }
  nic: { switch: switch, mac: 52:54:00:00:00:0f }
- name: i386
  kernel: guests/i386/vmlinuz
  initrd: guests/i386/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=i386 bulkhead.ip=10.0.2.16
  memory: 256M
  core: 0
  priority: 12
  vcpus:
    - { core: 3 }
  nic: { switch: switch, mac: 52:54:00:00:00:10 }
"""


@pytest.fixture(scope="module")
def system():
    path = describe("kernels", compartments=NIC_DRIVER, devices=NIC_DEVICE, hardware=NIC_HARDWARE,
                    rest=SWITCH + "vms:\n" + indented(GUESTS))
    with machine(path) as booted:
        for name, address in ADDRESSES.items():
            booted.expect(rf"guest {name}: address {re.escape(address)}", BOOT_SECONDS,
                          anywhere=True)
        yield booted


@pytest.fixture(scope="module")
def console(system):
    return Console(system)


@pytest.fixture(scope="module")
def rt(console):
    console.shell("rt")
    console.wide("rt")
    return lambda line, timeout=120: console.check("rt", line, timeout)


@pytest.fixture(scope="module")
def i386(console, rt):
    console.shell("i386")
    console.wide("i386")
    return lambda line, timeout=120: console.check("i386", line, timeout)


def test_kernel_is_the_realtime_one_on_both_vcpus(rt):
    assert "PREEMPT_RT" in rt("uname -v")
    assert rt("cat /sys/kernel/realtime; nproc").split() == ["1", "2"]


def test_interrupts_run_in_threads_of_realtime_priority(rt):
    """That is what PREEMPT_RT is about; virtio's messages are among them."""
    threads = rt("cat /proc/[0-9]*/stat | awk '/irq.[0-9]*-virtio/ { print $40, $41 }'")
    fifo_50 = "50 1"
    assert len(threads.splitlines()) >= 3 and set(threads.splitlines()) == {fifo_50}, threads


def test_host_fetches_the_realtime_guests_page(system):
    assert "Hello from guest rt" in system.curl_until("Hello from guest rt")


def test_realtime_kernel_found_nothing_to_complain_of(rt):
    assert rt(COMPLAINTS).strip() == "0", rt("dmesg | tail -n 40")


COMPLAINTS = ("dmesg | grep -c -E 'BUG|WARNING|Call Trace|nobody cared|soft lockup|"
              "rcu.*stall' || true")


def test_kernel_and_its_programs_have_32_bits(i386):
    assert i386("uname -m").strip() == "i686"
    assert i386("od -An -tx1 -N5 /bin/busybox").split() == ["7f", "45", "4c", "46", "01"]


def test_32_bit_guest_reaches_neighbour_and_outside(i386):
    assert re.search(r"[345] packets received", i386(f"ping -c 5 {ADDRESSES['rt']}"))
    assert "Hello from guest rt" in i386(f"wget -q -O - http://{ADDRESSES['rt']}/")
    assert re.search(r"[345] packets received", i386("ping -c 5 10.0.2.2"))


def test_32_bit_kernel_found_nothing_to_complain_of(i386):
    assert i386(COMPLAINTS).strip() == "0", i386("dmesg | tail -n 40")
