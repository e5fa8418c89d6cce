# SPDX-License-Identifier: BSD-2-Clause
"""AMD-Vi in VT-d's place: the flagship serves its page (DMA, MSI-X, a line through the I/O APIC), a
disk goes on after its driver's reset, which takes its device space away and gives it back, and a
guest drives one itself."""
import os

from gateway import BOOT_SECONDS, GREETING
from harness.console import Console
from harness.describe import FOLDER, describe, disk_hardware, indented, machine
from harness.machine import BUILD, ROOT
import test_disk
import test_passthrough


def on_amd_vi(system):
    """systems/NAME.yaml as it is, but for the IOMMU."""
    with open(os.path.join(ROOT, "systems", f"{system}.yaml"), encoding="utf-8") as file:
        text = file.read()
    assert "iommu: vt-d" in text
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, f"{system}-amd-vi.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("iommu: vt-d", "iommu: amd-vi"))
    return path


def test_gateway_serves_its_page():
    with machine(on_amd_vi("gateway")) as gateway:
        gateway.expect("IOMMU: on", 60, anywhere=True)
        assert GREETING in gateway.curl_until(GREETING, timeout=BOOT_SECONDS)


def test_disk_goes_on_after_a_reset_of_its_driver():
    image = os.path.join(BUILD, "tests", "disk-amd-vi.img")
    with test_disk.two_clients("disk-amd-vi", image, "amd-vi") as disk:
        test_disk.verified(disk, "high")
        console = Console(disk)
        console.overview()
        assert "IOMMU AMD-Vi" in "\n".join(console.command("status"))
        console.command("restart nvme")
        first = test_disk.verified(disk, "high")
        assert test_disk.verified(disk, "high") > first
    os.unlink(image)


def test_guest_drives_a_disk_itself():
    image = os.path.join(BUILD, "tests", "passed-amd-vi.img")
    with open(image, "wb") as file:
        file.truncate(16 << 20)
    devices, guests = test_passthrough.DEVICES, test_passthrough.GUESTS
    path = describe("passed-amd-vi", iommu="amd-vi", hardware=disk_hardware(image),
                    devices=devices[devices.index("- name: drive"):],
                    rest="vms:\n" + indented(guests[guests.index("- name: disk"):]))
    with machine(path) as booted:
        booted.expect("guest disk: press Enter for a shell on ttyS0", 180, anywhere=True)
        console = Console(booted)
        for line in ("mke2fs /dev/nvme0n1 >/dev/null 2>&1 && mkdir /m",
                     "mount -t ext4 /dev/nvme0n1 /m",
                     "dd if=/dev/urandom of=/m/a bs=64k count=20 2>/dev/null; md5sum /m/a >/sum",
                     "umount /m && mount -t ext4 /dev/nvme0n1 /m && md5sum -c /sum"):
            test_passthrough.run(console, "disk", line)
    os.unlink(image)
