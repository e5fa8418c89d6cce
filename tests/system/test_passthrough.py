# SPDX-License-Identifier: BSD-2-Clause
"""Guests that drive real devices with their distribution's stock drivers: one an 82574 network card
(e1000e), one an NVMe disk, both passed through, beside a guest on the switch that has neither."""
import os
import re

import pytest

from harness.console import Console
from harness.describe import describe, indented, machine, root_port
from harness.machine import BUILD

REBOOTS = int(os.environ.get("BULKHEAD_REBOOTS", "1"))
MIB = 1 << 20
IMAGE = os.path.join(BUILD, "tests", "passthrough.img")

# The card behind a bridge, whose reset is the only one that it has.
HARDWARE = f"""\
- address: 00:03.0
  id: 1b36:0010
  model: nvme
  options: serial=passed
  disk: {IMAGE}
""" + root_port("00:04.0", "bridge") + """\
- address: 01:00.0
  id: 8086:10d3
  model: e1000e
  options: bus=bridge,mac=52:54:00:12:34:56
  network: true
  behind: 00:04.0
"""

DEVICES = """\
- name: card
  pci: 01:00.0
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
  kernel: guests/stock.vmlinuz
  initrd: guests/stock.cpio
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
  kernel: guests/stock.vmlinuz
  initrd: guests/stock.cpio
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


@pytest.fixture(scope="module")
def blob(console):
    """A file on the disk, which isn't mounted afterwards; answers its sum."""
    run(console, "disk", "mke2fs /dev/nvme0n1 >/dev/null 2>&1 && mkdir -p /m && "
                         "mount -t ext4 /dev/nvme0n1 /m && "
                         "dd if=/dev/urandom of=/m/a bs=64k count=32 2>/dev/null; sync")
    wanted = run(console, "disk", "md5sum </m/a").split()[0]
    run(console, "disk", "umount /m")
    return wanted


def test_disk_keeps_its_files(console, blob):
    assert "nvme" in run(console, "disk", "readlink /sys/bus/pci/devices/0000:00:0a.0/driver")
    assert blob in run(console, "disk", "mount -t ext4 /dev/nvme0n1 /m && md5sum </m/a")
    run(console, "disk", "umount /m")


def test_interrupts_are_messages(console):
    """The disk has a queue and an interrupt for each of the two CPUs."""
    interrupts = run(console, "disk", "for c in 0 1; do taskset $((c+1)) dd if=/dev/nvme0n1 "
                                      "of=/dev/null bs=64k count=9 skip=$((c*20)) iflag=direct "
                                      "2>/dev/null; done; grep nvme0q /proc/interrupts")
    for queue, count in ((1, r"[1-9]\d* +0"), (2, r"0 +[1-9]\d*")):
        assert re.search(rf": +{count} +PCI-MSI \d+-edge +nvme0q{queue}\n", interrupts), interrupts


def overview(console):
    """What the monitor says of compartments and devices that must be the same after any reboot."""
    console.overview()
    devices = [row.split() for row in console.command("devices")[1:]]
    status = [row.split()[:4] for row in console.command("status") if " running " in row]
    memory = [row for row in console.command("status") if row.startswith("memory")]
    storms = [row.split()[-1] for row in console.command("counters interrupt")]
    return [row[:5] for row in devices], status, memory, set(storms), console.command("faults")


def reboot(console, guest, line):
    """The guest resets itself a little later; returns when it is there again."""
    run(console, guest, f"(sleep 2; {line}) >/dev/null 2>&1 & true")
    console.overview()
    console.machine.expect(rf"{guest}\| the guest asked for a reset: starting it again", 60)
    console.machine.expect(f"guest {guest}: press Enter for a shell on ttyS0", 240)


# With a rest between the rounds: who is watched needn't take the time from who starts again.
WRITE_ON = ("(while [ ! -e /tmp/stop ]; do dd if=/dev/urandom of=/m/b bs=64k count=16 2>/dev/null; "
            "sync; md5sum /m/b; cat /m/b | md5sum; sleep 1; done) >/tmp/sums 2>&1 & true")
WRITTEN = ("touch /tmp/stop; wait; wc -l </tmp/sums; cut -d' ' -f1 /tmp/sums | uniq -c | "
           "awk '$1 % 2 { exit 1 }'")


def test_guests_reboot_again_and_again(console, blob):
    """Each in the middle of its device's work, and with the other one at work; the disk's without
    telling its driver. BULKHEAD_REBOOTS says how often (`make soak`: 50 times)."""
    console.machine.expect(r"guest net: address 10\.0\.2\.15", 60, anywhere=True)
    run(console, "disk", "mount -t ext4 /dev/nvme0n1 /m")
    before = overview(console)
    assert before[3] == {"0"}
    for _ in range(REBOOTS):
        run(console, "disk", WRITE_ON)
        run(console, "net", "ping -A 10.0.2.2 >/dev/null & true")
        reboot(console, "net", "reboot -f")
        assert int(run(console, "disk", WRITTEN).split()[0]) > 0
        run(console, "disk", "sync; (cat /dev/nvme0n1 >/dev/null) & true")
        run(console, "net", "(for i in $(seq 300); do ping -c 1 -w 5 10.0.2.2; sleep 0.2; done) "
                            ">/tmp/pings & true")
        reboot(console, "disk", "echo b >/proc/sysrq-trigger")
        counts = run(console, "net", "grep -c statistics /tmp/pings; "
                                     "grep -c ' 0% packet' /tmp/pings; true")
        sent, got = map(int, counts.split())
        assert got >= sent - 1 > 0
        assert blob in run(console, "disk", "mkdir /m; mount -t ext4 /dev/nvme0n1 /m && "
                                              "md5sum </m/a")
        run(console, "net", "killall ping sh; ping -c 3 10.0.2.2")
    assert overview(console) == before


def test_owner_dies_and_the_others_keep_what_they_have(console, blob):
    """The card's owner is restarted in the middle of its traffic: no word of it at the disk's."""
    run(console, "net", "ping -A 10.0.2.2 >/dev/null & true")
    run(console, "disk", "rm -f /tmp/stop; " + WRITE_ON)
    before = overview(console)
    console.command("restart net")
    console.machine.expect("guest net: press Enter for a shell on ttyS0", 240)
    assert int(run(console, "disk", WRITTEN).split()[0]) > 0
    assert blob in run(console, "disk", "md5sum </m/a")
    run(console, "net", "ping -c 3 10.0.2.2")
    devices, status, *others = overview(console)
    assert devices == before[0] and others == list(before[2:])
    assert [row for row in status if row not in before[1]] == [["net", "running", "2", "0"]]


@pytest.mark.parametrize("guest", ["net", "disk"])
def test_kernel_found_nothing_to_complain_of(console, guest):
    complaints = "BUG|WARNING|Call Trace|Tx Unit Hang|nobody cared|soft lockup|timeout|reset"
    console.shell(guest)
    output, _ = console.run(guest, f"dmesg | grep -E '{complaints}'")
    assert output.strip() == "", output
