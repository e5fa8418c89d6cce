# SPDX-License-Identifier: BSD-2-Clause
"""The same Debian as a PC boots it: OVMF finds the distribution's signed GRUB on the whole disk, and
that the kernel and its initramfs on the file system. Nobody gives the VMM a kernel."""
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
    - { from: blockmux }
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
    assert run(debian, "findmnt -no SOURCE,FSTYPE /").split() == ["/dev/vda2", "ext4"]
    run(debian, "echo written >/var/tmp/mark && sync && grep written /var/tmp/mark")


def test_random_numbers_come_at_once(debian):
    """Whoever's doorbell they ring: nobody else gives their device a turn."""
    assert run(debian, "sleep 1; timeout 20 dd if=/dev/hwrng bs=32 count=4 iflag=fullblock "
                       "status=none | wc -c").split() == ["128"]
