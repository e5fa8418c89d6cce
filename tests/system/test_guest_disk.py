# SPDX-License-Identifier: BSD-2-Clause
"""A Debian guest with virtio disks: what it writes comes back, also when the driver and the block
multiplexer are reset meanwhile; a read-only disk stays as it is; nothing beyond its extent changes."""
import os

import pytest

from harness.console import Console
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, describe, disk_hardware, indented,
                              machine)
from harness.machine import BUILD

MIB = 1 << 20
FIRST = 8 * MIB
SIZE = 32 * MIB
FILLER = b"\xee"
IMAGE = os.path.join(BUILD, "tests", "guest-disk.img")

GUEST = """\
- name: web
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=web
  memory: 256M
  core: 0
  priority: 12
  vcpus:
    - { core: 2 }
    - { core: 3 }
  disks:
    - { from: blockmux, first: 8M, size: 32M }
    - { from: blockmux, first: 48M, size: 8M, readonly: true }
"""


@pytest.fixture(scope="module")
def guest():
    with open(IMAGE, "wb") as image:
        image.write(FILLER * (64 * MIB))
    path = describe("guest-disk", compartments=DISK_DRIVER, devices=DISK_DEVICE, hardware=disk_hardware(IMAGE),
                    rest=DISK_MUX + "vms:\n" + indented(GUEST))
    with machine(path) as booted:
        console = Console(booted)
        booted.expect("press Enter for a shell on ttyS0", 180, anywhere=True)
        console.shell("web")
        console.wide("web")
        yield console


def run(console, line):
    return console.check("web", line, 180)


def test_disks_have_the_size_of_their_extents(guest):
    partitions = run(guest, "cat /proc/partitions")
    assert "32768 vda" in partitions and "8192 vdb" in partitions


def test_file_system_keeps_its_files(guest):
    run(guest, "mke2fs /dev/vda >/dev/null 2>&1 && mkdir -p /m && mount -t ext4 /dev/vda /m")
    run(guest, "dd if=/dev/urandom of=/m/a bs=64k count=64 2>/dev/null; sync")
    wanted = run(guest, "md5sum </m/a").split()[0]
    run(guest, "umount /m && mount -t ext4 /dev/vda /m")
    assert wanted in run(guest, "md5sum </m/a")
    run(guest, "umount /m")


def test_read_only_disk_refuses_to_be_written(guest):
    _, status = guest.run("web", "dd if=/dev/zero of=/dev/vdb bs=512 count=1", 60)
    assert status != 0


def holds(start, length, byte):
    with open(IMAGE, "rb") as image:
        image.seek(FIRST + start)
        return image.read(length) == bytes([byte]) * length


def test_discarded_sectors_are_the_disks_again(guest):
    """The image behind the emulated NVMe loses them, and no sector beside them."""
    run(guest, "dd if=/dev/zero bs=1M count=24 2>/dev/null | tr '\\0' '\\101' >/tmp/a; "
               "dd if=/tmp/a of=/dev/vda bs=1M conv=fsync 2>/dev/null; rm /tmp/a")
    assert holds(0, 24 * MIB, 0x41)
    run(guest, f"blkdiscard -o {2 * MIB} -l {20 * MIB} /dev/vda && sync")
    assert holds(0, 2 * MIB, 0x41) and holds(22 * MIB, 2 * MIB, 0x41)
    assert holds(2 * MIB, 20 * MIB, 0)
    _, status = guest.run("web", "blkdiscard /dev/vdb", 60)
    assert status != 0


@pytest.mark.parametrize("victim", ["nvme", "blockmux"])
def test_writing_goes_on_across_a_restart(guest, victim):
    run(guest, "dd if=/dev/urandom of=/tmp/a bs=64k count=128 2>/dev/null")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    run(guest, "rm -f /tmp/done; "
               "(dd if=/tmp/a of=/dev/vda bs=64k conv=fsync; echo all) >/tmp/done 2>&1 & true")
    guest.overview()
    guest.command(f"restart {victim}")
    guest.shell("web")
    run(guest, "for i in $(seq 60); do grep -q all /tmp/done && break; sleep 1; done; "
               "grep all /tmp/done")
    run(guest, "echo 3 >/proc/sys/vm/drop_caches")
    assert wanted in run(guest, "dd if=/dev/vda bs=64k count=128 2>/dev/null | md5sum")


def test_nothing_beyond_the_extent_changed(guest):
    run(guest, "dd if=/dev/zero of=/dev/vda bs=1M 2>/dev/null; sync; true")
    with open(IMAGE, "rb") as image:
        content = image.read()
    assert content[:FIRST] == FILLER * FIRST
    assert content[FIRST:FIRST + SIZE] == bytes(SIZE)
    assert content[FIRST + SIZE:] == FILLER * (len(content) - FIRST - SIZE)
