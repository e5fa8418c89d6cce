# SPDX-License-Identifier: BSD-2-Clause
"""The same Debian on the emulated AHCI controller: systems/debian.yaml with another model of disk,
and the generic kernel, since the cloud kernel has no driver for it. What resets of the parts below
do to such a disk is test_ahci.py's."""
import os
import re

import pytest

from harness.console import Console
from harness.describe import FOLDER, machine
from harness.machine import ROOT
from test_debian import (BOOT_SECONDS, run, test_systemd_reaches_multi_user,  # noqa: F401
                         test_fio_verifies_what_it_wrote, test_fio_finds_one_spoilt_block,
                         test_kernel_found_nothing_to_complain_of)

CHANGES = (
    ("system: debian", "system: debian-ahci"),
    ("kernel: guests/debian.vmlinuz", "kernel: guests/stock.vmlinuz"),
    ("initrd: guests/debian.initrd", "initrd: guests/stock.cpio"),
    ("root=/dev/vda", "bulkhead.root=/dev/sda"),
    ("partition: debian }", "partition: debian, model: ahci }"),
)


def description():
    with open(os.path.join(ROOT, "systems", "debian.yaml"), encoding="utf-8") as file:
        text = file.read()
    for old, new in CHANGES:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, "debian-ahci.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


@pytest.fixture(scope="module")
def debian():
    made = machine(description())
    made.arguments.append("-snapshot")
    with made:
        console = Console(made)
        made.expect(r"debian login: root \(automatic login\)", BOOT_SECONDS, anywhere=True)
        console.shell("debian")
        console.wide("debian")
        yield console


def test_root_file_system_is_the_disk(debian):
    assert run(debian, "findmnt -no SOURCE,FSTYPE /").split() == ["/dev/sda", "ext4"]


def test_driver_is_the_stock_one(debian):
    assert "ahci" in run(debian, "readlink /sys/bus/pci/devices/0000:00:08.0/driver")
    assert "PCI-MSI" in run(debian, "grep ahci /proc/interrupts")


def test_fio_verifies_large_and_small_requests_at_once(debian):
    """Small ones fill the queue, those of a MiB are cut into requests to the multiplexer."""
    report = run(debian, "fio --directory=/var/tmp --size=16M --direct=1 --ioengine=libaio "
                         "--rw=randwrite --verify=crc32c --verify_fatal=1 "
                         "--name=small --bsrange=512-8k --iodepth=32 "
                         "--name=large --bs=1M --iodepth=4", 240)
    assert len(re.findall(r"err= 0", report)) == 2, report


def test_controller_found_nothing_to_complain_of(debian):
    output, _ = debian.run("debian", "dmesg | grep -E 'I/O error|"
                           "ata[0-9].*(error|failed|exception|reset|timeout|limiting)'")
    assert output.strip() == "", output
