# SPDX-License-Identifier: BSD-2-Clause
"""A guest with stock NVMe drivers: the distribution's generic kernel on two emulated controllers,
one zero-copy, one that may only be read, on extents of one real NVMe disk."""
import hashlib
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
    - { from: blockmux, first: 8M, size: 64M, model: nvme, zero-copy: true }
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


def test_driver_keeps_its_doorbells_in_memory(guest):
    """Traced across a reset of the controller: the command's end has no error in it."""
    run(guest, "mount -t tracefs none /sys/kernel/tracing 2>/dev/null; "
               "echo 1 >/sys/kernel/tracing/events/nvme/enable; "
               "echo 1 >/sys/class/nvme/nvme0/reset_controller; sleep 2")
    trace = run(guest, "cat /sys/kernel/tracing/trace; "
                       "echo 0 >/sys/kernel/tracing/events/nvme/enable")
    asked = re.search(r"nvme_setup_cmd: nvme0: qid=0, cmdid=(\d+).*nvme_admin_dbbuf", trace)
    assert asked, trace
    assert re.search(rf"nvme_complete_rq: nvme0: qid=0, cmdid={asked[1]}, res=0x0, retries=0, "
                     r"flags=0x\w+, status=0x0", trace[asked.end():]), trace


def rung(guest):
    """How often each of the guest's processors rang a doorbell that the kernel took."""
    guest.overview()
    rows = "\n".join(guest.command("counters vcpu"))
    guest.shell("stock")
    return [int(count) for count in re.findall(r"stock\.vcpu\d\s+exits \d+\s+doorbells (\d+)", rows)]


def test_kernel_takes_the_doorbells(guest):
    """Of both processors and both controllers, also after one of these was reset."""
    for processor in 1, 2:
        before = rung(guest)
        for disk in "nvme0n1", "nvme1n1":
            run(guest, f"taskset {processor} dd if=/dev/{disk} of=/dev/null bs=4k count=400 "
                       "iflag=direct 2>/dev/null")
        grown = [after - old for after, old in zip(rung(guest), before)]
        assert grown[processor - 1] > 500, grown
        run(guest, "echo 1 >/sys/class/nvme/nvme1/reset_controller; sleep 1")


def test_one_disk_may_only_be_read(guest, second):
    assert run(guest, "cat /sys/block/nvme0n1/ro /sys/block/nvme1n1/ro").split() == ["0", "1"]
    assert hashlib.md5(second).hexdigest() in run(guest, "md5sum </dev/nvme1n1")


def test_file_system_keeps_its_files(guest):
    run(guest, "mke2fs /dev/nvme0n1 >/dev/null 2>&1 && mkdir -p /m && "
               "mount -t ext4 /dev/nvme0n1 /m")
    run(guest, "dd if=/dev/urandom of=/m/a bs=64k count=64 2>/dev/null; sync")
    wanted = run(guest, "md5sum </m/a").split()[0]
    run(guest, "umount /m && mount -t ext4 /dev/nvme0n1 /m")
    assert wanted in run(guest, "md5sum </m/a")
    run(guest, "umount /m")


def test_single_sectors_at_odd_places(guest):
    run(guest, "dd if=/dev/urandom of=/tmp/a bs=512 count=777 2>/dev/null; "
               "dd if=/tmp/a of=/dev/nvme0n1 seek=2049 bs=512 oflag=direct 2>/dev/null; "
               "echo 3 >/proc/sys/vm/drop_caches")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    assert wanted in run(guest, "dd if=/dev/nvme0n1 skip=2049 count=777 bs=512 2>/dev/null | "
                                "md5sum")


def test_large_requests_of_both_processors(guest):
    """As long as the controller takes them: 128 KiB, whose pages are a list."""
    run(guest, "dd if=/dev/urandom of=/tmp/a bs=1M count=8 2>/dev/null; "
               "for i in 0 1; do taskset $((i + 1)) dd if=/tmp/a of=/dev/nvme0n1 bs=1M "
               "seek=$((16 + 8 * i)) oflag=direct 2>/dev/null & done; wait; "
               "echo 3 >/proc/sys/vm/drop_caches")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    for seek in 16, 24:
        assert wanted in run(guest, f"dd if=/dev/nvme0n1 bs=1M skip={seek} count=8 iflag=direct "
                                    "2>/dev/null | md5sum")
    assert run(guest, "cat /sys/block/nvme0n1/queue/max_hw_sectors_kb").strip() == "128"


def holds(start, length, byte):
    with open(IMAGE, "rb") as image:
        image.seek(FIRST + start)
        return image.read(length) == bytes([byte]) * length


def test_discarded_sectors_are_the_disks_again(guest):
    run(guest, "dd if=/dev/zero bs=1M count=24 2>/dev/null | tr '\\0' '\\101' >/tmp/a; "
               "dd if=/tmp/a of=/dev/nvme0n1 bs=1M seek=32 conv=fsync 2>/dev/null; rm /tmp/a")
    assert holds(32 * MIB, 24 * MIB, 0x41)
    run(guest, f"blkdiscard -o {34 * MIB} -l {20 * MIB} /dev/nvme0n1 && sync")
    assert holds(32 * MIB, 2 * MIB, 0x41) and holds(54 * MIB, 2 * MIB, 0x41)
    assert holds(34 * MIB, 20 * MIB, 0)


def test_writing_goes_on_across_restarts_and_resets(guest):
    """The guest writes over and over again, so that each of them comes in the middle of it."""
    run(guest, "dd if=/dev/urandom of=/tmp/a bs=64k count=256 2>/dev/null")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    run(guest, WRITE_ON.replace("/dev/sda", "/dev/nvme0n1"))
    for victim in "nvme", "blockmux":
        guest.overview()
        guest.command(f"restart {victim}")
        guest.shell("stock")
        run(guest, "sleep 3")
    run(guest, "for i in 1 2 3; do echo 1 >/sys/class/nvme/nvme0/reset_controller; sleep 1; done")
    run(guest, WRITTEN)
    run(guest, "echo 3 >/proc/sys/vm/drop_caches")
    assert wanted in run(guest, "dd if=/dev/nvme0n1 bs=64k skip=512 count=256 2>/dev/null | "
                                "md5sum")


def test_nothing_beyond_the_extent_changed(guest, second):
    run(guest, "dd if=/dev/zero of=/dev/nvme0n1 bs=1M 2>/dev/null; sync; true")
    with open(IMAGE, "rb") as image:
        content = image.read()
    assert content[:FIRST] == FILLER * FIRST
    assert content[FIRST:FIRST + SIZE] == bytes(SIZE)
    assert content[FIRST + SIZE:SECOND] == FILLER * (SECOND - FIRST - SIZE)
    assert content[SECOND:SECOND + SECOND_SIZE] == second


def test_kernel_found_nothing_to_complain_of(guest):
    complaints = ("BUG:|WARNING|Call Trace|soft lockup|nobody cared|I/O error|"
                  "nvme.*(error|failed|timeout|invalid|missing|duplicate|abort)")
    output, _ = guest.run("stock", f"dmesg | grep -iE '{complaints}'")
    assert output.strip() == "", output


def test_reset_guest_finds_its_disks_again(guest):
    run(guest, "(sleep 4; reboot -f) >/dev/null & true")
    guest.overview()
    guest.machine.expect("stock. the guest asked for a reset: starting it again", 60)
    guest.machine.expect("press Enter for a shell on ttyS0", 180)
    guest.shell("stock")
    guest.wide("stock")
    test_disks_have_their_sizes(guest)
    assert holds(0, MIB, 0)
    run(guest, "dd if=/dev/nvme0n1 of=/dev/null bs=1M count=8 iflag=direct 2>/dev/null")
