# SPDX-License-Identifier: BSD-2-Clause
"""The same Debian as a PC boots it: OVMF finds the distribution's signed GRUB on the whole disk, an
emulated NVMe one, and that the kernel and its initramfs on the file system. Nobody gives the VMM a
kernel."""
import re

import pytest

from harness.console import Console
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, describe, disk_hardware, indented,
                              machine)
from test_debian import (BOOT_SECONDS, run, test_systemd_reaches_multi_user,  # noqa: F401
                         test_kernel_found_nothing_to_complain_of)
from test_firmware import check_doorbells

GUEST = """\
- name: debian
  firmware: ovmf
  hpet: true
  memory: 512M
  core: 0
  priority: 12
  vcpus:
    - { core: 2 }
    - { core: 3 }
  disks:
    - { from: blockmux, model: nvme }
"""


@pytest.fixture(scope="module")
def debian():
    path = describe("debian-uefi", compartments=DISK_DRIVER, devices=DISK_DEVICE,
                    hardware=disk_hardware("guests/debian.img"),
                    rest=DISK_MUX + "vms:\n" + indented(GUEST))
    made = machine(path)
    made.arguments.append("-snapshot")
    with made:
        console = Console(made)
        made.expect(r"debian login: root \(automatic login\)", BOOT_SECONDS, anywhere=True)
        console.shell("debian")
        console.wide("debian")
        yield console


def test_kernel_came_from_the_disk_by_uefi(debian):
    assert "BOOT_IMAGE=/vmlinuz root=LABEL=debian" in run(debian, "cat /proc/cmdline")
    run(debian, "test -d /sys/firmware/efi")
    assert run(debian, "nproc").strip() == "2"


def test_notify_bars_are_where_the_doorbells_are(debian):
    check_doorbells("debian-uefi.plan", "debian", run(debian, "cat /proc/ioports"))


def test_disk_is_partitioned(debian):
    assert run(debian, "findmnt -no SOURCE,FSTYPE /").split() == ["/dev/nvme0n1p2", "ext4"]
    run(debian, "echo written >/var/tmp/mark && sync && grep written /var/tmp/mark")


def test_random_numbers_come_at_once(debian):
    """Whoever's doorbell they ring: nobody else gives their device a turn."""
    assert run(debian, "sleep 1; timeout 20 dd if=/dev/hwrng bs=32 count=4 iflag=fullblock "
                       "status=none | wc -c").split() == ["128"]


def test_disk_has_its_stock_driver(debian):
    link = run(debian, "readlink /sys/bus/pci/devices/0000:00:03.0/driver")
    assert link.strip().endswith("/nvme")
    assert re.search(r"PCI-MSI.*nvme0q1", run(debian, "grep nvme /proc/interrupts"))


def test_fio_verifies_large_and_small_requests_at_once(debian):
    """Small ones fill the queue, those of a MiB are cut into requests of 128 KiB."""
    report = run(debian, "fio --directory=/var/tmp --size=16M --direct=1 --ioengine=libaio "
                         "--rw=randwrite --verify=crc32c --verify_fatal=1 "
                         "--name=small --bsrange=512-8k --iodepth=64 "
                         "--name=large --bs=1M --iodepth=4", 240)
    assert len(re.findall(r"err= 0", report)) == 2, report


def test_controller_found_nothing_to_complain_of(debian):
    output, _ = debian.run("debian", "dmesg | grep -iE 'I/O error|"
                           "nvme.*(error|failed|timeout|invalid|missing|duplicate|abort)'")
    assert output.strip() == "", output
