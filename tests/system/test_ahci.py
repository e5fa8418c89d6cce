# SPDX-License-Identifier: BSD-2-Clause
"""A guest without virtio disks: the distribution's generic kernel with its stock ahci driver, on the
emulated controller, with a hard disk and a CD-ROM on extents of one NVMe disk. The controller's
interrupt is its pin here; test_debian_ahci.py has it by message."""
import hashlib
import os
import re
import struct
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
  kernel: guests/stock.vmlinuz
  initrd: guests/stock.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=stock pci=nomsi
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


def table_behind_mbr():
    """Linux believes a partition table only behind a protective MBR (UEFI 5.2.3)."""
    table = partition_table([("first", 1, 8), ("second", 16, 15)])
    entry = struct.pack("<B3sB3sII", 0, b"\0\2\0", 0xee, b"\xff" * 3, 1, SIZE // 512 - 1)
    return b"\0" * 446 + entry + b"\0" * 48 + b"\x55\xaa" + table[512:]


def make_image():
    with open(CD_IMAGE, "rb") as iso:
        disc = iso.read().ljust(CD_SIZE, b"\0")
    with open(IMAGE, "wb") as image:
        image.write(FILLER * FIRST)
        image.write(table_behind_mbr().ljust(SIZE, b"\0"))
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
    return console.check("stock", line, timeout)


def test_driver_is_the_stock_one(guest):
    assert "ahci" in run(guest, "readlink /sys/bus/pci/devices/0000:00:08.0/driver")
    assert "SATA link up 3.0 Gbps" in run(guest, "dmesg")
    assert "32" in run(guest, "cat /sys/block/sda/device/queue_depth")
    assert re.search(r"IO-APIC +16-fasteoi +ahci", run(guest, "grep ahci /proc/interrupts"))


def test_disk_has_its_size_and_its_partitions(guest):
    partitions = run(guest, "cat /proc/partitions")
    assert re.search(r" 65536 sda\n", partitions), partitions
    assert re.search(r" 8192 sda1\n.* 15360 sda2\n", partitions, re.DOTALL), partitions


def test_disc_is_read_intact(guest, blob):
    run(guest, "mkdir -p /cd; mount -t iso9660 -o ro /dev/sr0 /cd")
    assert hashlib.md5(blob).hexdigest() in run(guest, "md5sum /cd/blob")
    run(guest, "umount /cd")
    with open(CD_IMAGE, "rb") as iso:
        wanted = hashlib.md5(iso.read().ljust(CD_SIZE, b"\0")).hexdigest()
    assert wanted in run(guest, "md5sum </dev/sr0")


def test_disc_refuses_to_be_written(guest):
    _, status = guest.run("stock", "dd if=/dev/zero of=/dev/sr0 bs=2048 count=1", 60)
    assert status != 0


def test_file_system_keeps_its_files(guest):
    run(guest, "mke2fs /dev/sda2 >/dev/null 2>&1 && mkdir -p /m && mount -t ext4 /dev/sda2 /m")
    run(guest, "dd if=/dev/urandom of=/m/a bs=64k count=64 2>/dev/null; sync")
    wanted = run(guest, "md5sum </m/a").split()[0]
    run(guest, "umount /m && mount -t ext4 /dev/sda2 /m")
    assert wanted in run(guest, "md5sum </m/a")
    run(guest, "umount /m")


def test_single_sectors_at_odd_places(guest):
    """Many small requests in flight, none of them on a page of its own."""
    run(guest, "dd if=/dev/urandom of=/tmp/a bs=512 count=777 2>/dev/null; "
               "dd if=/tmp/a of=/dev/sda seek=2049 bs=512 oflag=direct 2>/dev/null; "
               "echo 3 >/proc/sys/vm/drop_caches")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    assert wanted in run(guest, "dd if=/dev/sda skip=2049 count=777 bs=512 2>/dev/null | md5sum")


def write_and_read_back(guest, kib):
    run(guest, f"dd if=/dev/urandom of=/tmp/a bs=1k count={kib} 2>/dev/null; "
               "dd if=/tmp/a of=/dev/sda bs=64k seek=512 conv=fsync 2>/dev/null; "
               "echo 3 >/proc/sys/vm/drop_caches")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    assert wanted in run(guest, "dd if=/dev/sda bs=64k skip=512 2>/dev/null | "
                                f"head -c {kib * 1024} | md5sum")


def test_one_command_at_a_time(guest):
    """Without queuing the driver uses READ and WRITE DMA (EXT)."""
    run(guest, "echo 1 >/sys/block/sda/device/queue_depth")
    write_and_read_back(guest, 8192)
    run(guest, "echo 32 >/sys/block/sda/device/queue_depth")


def test_driver_is_loaded_again_and_uses_pio(guest):
    """The processor's own way of moving data, which firmware uses too: READ and WRITE SECTORS."""
    modules = "/lib/modules"
    run(guest, f"rmmod ahci libahci libata && insmod {modules}/libata.ko force=pio4 && "
               f"insmod {modules}/libahci.ko && insmod {modules}/ahci.ko && sleep 3")
    assert run(guest, "dmesg | grep -c 'configured for PIO4'").strip() == "2"
    write_and_read_back(guest, 2048)
    run(guest, f"rmmod ahci libahci libata && insmod {modules}/libata.ko && "
               f"insmod {modules}/libahci.ko && insmod {modules}/ahci.ko && sleep 3")
    write_and_read_back(guest, 2048)


def holds(start, length, byte):
    with open(IMAGE, "rb") as image:
        image.seek(FIRST + start)
        return image.read(length) == bytes([byte]) * length


def test_discarded_sectors_are_the_disks_again(guest):
    run(guest, "dd if=/dev/zero bs=1M count=24 2>/dev/null | tr '\\0' '\\101' >/tmp/a; "
               "dd if=/tmp/a of=/dev/sda bs=1M seek=32 conv=fsync 2>/dev/null; rm /tmp/a")
    assert holds(32 * MIB, 24 * MIB, 0x41)
    run(guest, f"blkdiscard -o {34 * MIB} -l {20 * MIB} /dev/sda && sync")
    assert holds(32 * MIB, 2 * MIB, 0x41) and holds(54 * MIB, 2 * MIB, 0x41)
    assert holds(34 * MIB, 20 * MIB, 0)


WRITE_ON = ("rm -f /tmp/done /tmp/stop; (n=0; while [ ! -e /tmp/stop ]; do "
            "dd if=/tmp/a of=/dev/sda bs=64k seek=512 conv=fsync || echo error; n=$((n+1)); done; "
            "echo all $n) >/tmp/done 2>&1 & true")
WRITTEN = ("touch /tmp/stop; for i in $(seq 90); do grep -q all /tmp/done && break; sleep 1; done; "
           "tail -n 1 /tmp/done; grep -q all /tmp/done && ! grep -i error /tmp/done")


@pytest.mark.parametrize("victim", ["nvme", "blockmux"])
def test_writing_goes_on_across_a_restart(guest, victim):
    """The guest writes over and over again, so that the restart comes in the middle of it."""
    run(guest, "dd if=/dev/urandom of=/tmp/a bs=64k count=256 2>/dev/null")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    run(guest, WRITE_ON)
    guest.overview()
    guest.command(f"restart {victim}")
    guest.shell("stock")
    run(guest, "sleep 3")
    run(guest, WRITTEN)
    run(guest, "echo 3 >/proc/sys/vm/drop_caches")
    assert wanted in run(guest, "dd if=/dev/sda bs=64k skip=512 count=256 2>/dev/null | md5sum")


def test_nothing_beyond_the_extent_changed(guest):
    run(guest, "dd if=/dev/zero of=/dev/sda bs=1M 2>/dev/null; sync; true")
    with open(IMAGE, "rb") as image:
        content = image.read()
    with open(CD_IMAGE, "rb") as iso:
        disc = iso.read().ljust(CD_SIZE, b"\0")
    assert content[:FIRST] == FILLER * FIRST
    assert content[FIRST:FIRST + SIZE] == bytes(SIZE)
    assert content[FIRST + SIZE:CD_FIRST] == FILLER * (CD_FIRST - FIRST - SIZE)
    assert content[CD_FIRST:CD_FIRST + CD_SIZE] == disc


def test_kernel_found_nothing_to_complain_of(guest):
    complaints = ("BUG:|WARNING|Call Trace|soft lockup|nobody cared|I/O error|"
                  "ata[0-9].*(error|failed|exception|reset|timeout|limiting)")
    output, _ = guest.run("stock", f"dmesg | grep -E '{complaints}'")
    assert output.strip() == "", output


def test_driver_resets_a_drive_that_is_silent(guest):
    """Long enough without the multiplexer for the driver to lose patience: it resets the port with
    requests in flight, and asks again."""
    run(guest, "dd if=/dev/urandom of=/tmp/a bs=64k count=256 2>/dev/null; "
               "echo 4 >/sys/block/sda/device/timeout")
    wanted = run(guest, "md5sum </tmp/a").split()[0]
    guest.overview()
    guest.command("stop blockmux")
    guest.shell("stock")
    run(guest, WRITE_ON)
    run(guest, "for i in $(seq 40); do dmesg | grep -q 'ata1: hard resetting link' && break; "
               "sleep 1; done; dmesg | grep 'ata1: hard resetting link'")
    guest.overview()
    guest.command("start blockmux")
    guest.shell("stock")
    run(guest, "sleep 5")
    run(guest, WRITTEN)
    run(guest, "dmesg | grep 'ata1: EH complete'; echo 3 >/proc/sys/vm/drop_caches")
    assert wanted in run(guest, "dd if=/dev/sda bs=64k skip=512 count=256 2>/dev/null | md5sum")
