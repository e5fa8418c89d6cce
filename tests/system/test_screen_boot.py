# SPDX-License-Identifier: BSD-2-Clause
"""PCs at their screen and keyboard: SeaBIOS with vgabios and OVMF, and GRUB from a disk that knows
nothing of Bulkhead. Nothing is typed to the guests' serial ports."""
import pytest

from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, SEAT, SEAT_DEVICES, SEAT_DRIVERS,
                              SEAT_HARDWARE, describe, disk_hardware, indented, machine)
from harness.machine import built
from harness.screen import STRIP, WIDTH, Screen

BOOT_SECONDS = 180
GUEST_AREA = (0, STRIP, WIDTH, 768)
TEXT = (192, STRIP + 184, 80, 25)

PC = """\
- name: {name}
  firmware: {firmware}
  memory: 256M
  core: 1
  no-hvc: true
  screen: true
  settings:
    - {{ name: on_reset, value: restart }}
  vcpus:
    - {{ core: {core} }}
  disks:
    - {{ from: blockmux, readonly: true }}
"""

GUESTS = (PC.format(name="bios", firmware="seabios", core=2) +
          PC.format(name="uefi", firmware="ovmf", core=3))


@pytest.fixture(scope="module")
def system():
    hardware = SEAT_HARDWARE + disk_hardware(built("guests", "pc.img"))
    path = describe("screen_boot", compartments=SEAT_DRIVERS + DISK_DRIVER,
                    devices=SEAT_DEVICES + DISK_DEVICE, hardware=hardware,
                    rest=SEAT + DISK_MUX + "vms:\n" + indented(GUESTS))
    with machine(path) as booted:
        booted.expect(r"^bulkhead> ", 60)
        yield booted


@pytest.fixture(scope="module")
def screen(system):
    return Screen(system)


def until_text(screen, *wanted):
    def there(picture):
        text = picture.text(screen.font, *TEXT)
        return all(line in text for line in wanted)
    return screen.until(there, BOOT_SECONDS)


def test_grub_under_seabios_is_read_and_chosen_from(screen):
    screen.until_strip(1, "bios")
    until_text(screen, "GNU GRUB", "*Linux", "Memtest86+")
    screen.keys("down")
    until_text(screen, " Linux", "*Memtest86+")
    screen.keys("up")
    until_text(screen, "*Linux")


def test_linux_is_started_by_a_key(system, screen):
    screen.keys("ret")
    system.expect(r"bios\.serial\| guest pc: Linux", BOOT_SECONDS, anywhere=True)


def test_grub_under_ovmf_draws_and_is_chosen_from(system, screen):
    system.expect(r"uefi\.serial\| .*GNU GRUB", BOOT_SECONDS, anywhere=True)
    screen.keys("meta_l-f2")
    before = screen.until_strip(2, "uefi")
    assert len(before.colours(*GUEST_AREA)) > 1
    screen.keys("down")
    screen.until(lambda picture: picture.part(*GUEST_AREA) != before.part(*GUEST_AREA))
    screen.keys("l")
    system.expect(r"uefi\.serial\| guest pc: Linux", BOOT_SECONDS, anywhere=True)
