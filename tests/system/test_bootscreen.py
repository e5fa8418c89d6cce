# SPDX-License-Identifier: BSD-2-Clause
"""The seat on the screen as the boot loader left it: no driver knows the display's registers. GRUB,
under UEFI, sets the mode; started without a boot loader there is no screen, and that is said."""
from harness.console import Console
from harness.describe import SEAT, SEAT_HARDWARE, SEAT_KEYBOARD, describe, indented, machine
from harness.screen import STRIP, Screen
from test_screen import RED, painter

BOOT_SECONDS = 180

DISPLAY = """\
- name: display
  pci: 01:00.0
  id: 1234:1111
  bars:
    - { bar: 0, size: 8M, as: framebuffer, write-combine: true }
"""

DRIVERS = """\
- name: bootscreen
  core: 0
  priority: 18
  devices: [display]
  regions:
    - { name: log, kind: log }
- name: ps2
  core: 0
  priority: 22
  devices: [ps2]
"""


def system():
    guests = painter("small", width=640, height=400, colour=RED)
    return describe("bootscreen", compartments=DRIVERS, devices=DISPLAY + SEAT_KEYBOARD,
                    hardware=SEAT_HARDWARE,
                    rest=SEAT.replace("bochs", "bootscreen") + "vms:\n" + indented(guests))


def test_boot_loaders_screen_shows_strip_and_picture():
    with machine(system(), "--uefi") as booted:
        booted.expect(r"bootscreen\| display of \d+ x \d+", BOOT_SECONDS, anywhere=True)
        screen = Screen(booted)
        picture = screen.until_strip(1, "small")
        middle = (picture.width // 2, STRIP + (picture.height - STRIP) // 2)
        picture = screen.until(lambda picture: picture.pixel(*middle) == RED)
        assert picture.colours(0, 0, picture.width, STRIP).isdisjoint({RED})
        assert f"display of {picture.width} x {picture.height}" in booted.serial.text()


def test_without_a_boot_loader_there_is_no_screen_and_that_is_said():
    with machine(system()) as booted:
        booted.expect(r"bootscreen\| .*the boot loader left no framebuffer: boot by GRUB", 60,
                      anywhere=True)
        Console(booted).overview()
