# SPDX-License-Identifier: BSD-2-Clause
"""A Debian guest with virtio disks: what it writes comes back, also when the driver and the block
multiplexer are reset meanwhile; a read-only disk stays as it is; nothing beyond its extent changes.
All of it twice, as the disk reaches the guest's memory itself (zero-copy) or not."""
import os
import re

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
  settings: [{{ name: on_reset, value: restart }}]
  core: 0
  priority: 12
  vcpus:
    - {{ core: 2 }}
    - {{ core: 3 }}
  disks:
    - {{ from: blockmux, first: 8M, size: 32M, zero-copy: {direct} }}
    - {{ from: blockmux, first: 48M, size: 8M, readonly: true, zero-copy: {direct} }}
"""


@pytest.fixture(scope="module", params=["copied", "zero-copy"])
def guest(request):
    direct = "true" if request.param == "zero-copy" else "false"
    with open(IMAGE, "wb") as image:
        image.write(FILLER * (64 * MIB))
    path = describe(f"disk-{request.param}", compartments=DISK_DRIVER, devices=DISK_DEVICE,
                    hardware=disk_hardware(IMAGE),
                    rest=DISK_MUX + "vms:\n" + indented(GUEST.format(direct=direct)))
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


def start_writing(guest):
    """Without end, and reading back all the time."""
    run(guest, "rm -f /tmp/stop; (while [ ! -e /tmp/stop ]; do dd if=/dev/urandom bs=64k count=64 "
               "2>/dev/null | dd of=/dev/vda bs=64k oflag=direct 2>/dev/null; dd if=/dev/vda "
               "of=/dev/null bs=128k iflag=direct 2>/dev/null; done; echo over >/tmp/stop) "
               ">/dev/null 2>&1 & true")


def test_driver_takes_the_disk_anew_amid_traffic(guest):
    """Linux resets the device, which may still be at work, and waits until it isn't."""
    start_writing(guest)
    device = run(guest, "basename $(readlink /sys/block/vda/device)").split()[-1]
    drivers = "/sys/bus/virtio/drivers/virtio_blk"
    for _ in range(3):
        run(guest, f"sleep 1; echo {device} >{drivers}/unbind; echo {device} >{drivers}/bind")
    run(guest, "touch /tmp/stop; for i in $(seq 60); do grep -q over /tmp/stop && break; sleep 1; "
               "done; grep over /tmp/stop")
    assert re.search(r"\d+ vd[a-z]$", run(guest, "cat /proc/partitions"), re.MULTILINE)


def has_booted(guest):
    guest.machine.expect("press Enter for a shell on ttyS0", 180)
    guest.shell("web")
    guest.wide("web")
    assert "32768 vda" in run(guest, "cat /proc/partitions")


def test_monitor_starts_anew_amid_traffic(guest):
    """What the disk still writes for its last life mustn't spoil the next one."""
    start_writing(guest)
    guest.overview()
    guest.command("restart web")
    has_booted(guest)


def test_guest_resets_amid_traffic(guest):
    start_writing(guest)
    guest.machine.serial.mark()
    guest.type("echo b >/proc/sysrq-trigger\r")
    has_booted(guest)


def test_nothing_beyond_the_extent_changed(guest):
    run(guest, "dd if=/dev/zero of=/dev/vda bs=1M 2>/dev/null; sync; true")
    with open(IMAGE, "rb") as image:
        content = image.read()
    assert content[:FIRST] == FILLER * FIRST
    assert content[FIRST:FIRST + SIZE] == bytes(SIZE)
    assert content[FIRST + SIZE:] == FILLER * (len(content) - FIRST - SIZE)
