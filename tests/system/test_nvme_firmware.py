# SPDX-License-Identifier: BSD-2-Clause
"""SeaBIOS and OVMF start their guests from an emulated NVMe disk, with doorbells in its registers;
Linux, which keeps them in memory, takes it over and hands it back at a reset."""
import pytest

from harness.console import Console
from test_firmware import BOOT_SECONDS, LINUX, PC, boot, choose

FIRMWARE = {"pc": "seabios", "uefi": "ovmf"}
GUESTS = "".join(PC.format(name=name, firmware=firmware)
                 for name, firmware in FIRMWARE.items()).replace("readonly: true",
                                                                 "readonly: true, model: nvme")


@pytest.fixture(scope="module")
def system():
    with boot("nvme-firmware", GUESTS) as booted:
        booted.expect(r"^bulkhead> ", BOOT_SECONDS)
        yield booted


@pytest.fixture(scope="module")
def console(system):
    return Console(system)


def enter(console, name):
    """The shell: Linux on the disk calls itself pc, whoever started it."""
    console.focus(f"{name}.serial")
    console.type("\r")
    console.machine.expect(r"pc:\S*# ", 60)


def start_linux(system, console):
    choose(system, console, "l", LINUX)
    system.expect(r"press Enter for a shell on ttyS0", BOOT_SECONDS)


def check_disk(console, name):
    enter(console, name)
    assert "GRUB" in console.check("pc", "head -c 512 /dev/nvme0n1 | strings | grep GRUB")
    assert console.check("pc", "cat /sys/block/nvme0n1/ro").strip() == "1"
    assert "BOOT_IMAGE=/vmlinuz" in console.check("pc", "cat /proc/cmdline")


@pytest.mark.parametrize("name", FIRMWARE)
def test_firmware_boots_linux(system, console, name):
    console.focus(f"{name}.serial")
    start_linux(system, console)
    check_disk(console, name)


@pytest.mark.parametrize("name", FIRMWARE)
def test_firmware_finds_its_disk_again(system, console, name):
    enter(console, name)
    system.serial.mark()
    console.type("reboot -f\r")
    start_linux(system, console)
    check_disk(console, name)
