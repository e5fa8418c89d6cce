# SPDX-License-Identifier: BSD-2-Clause
"""Guests that use the VGA of their VM against whoever looks at it: a false strip painted without
end, absurd values in every register, views beyond the video memory. Each in a VM with the real
monitor; beside them a Linux in text mode, which must be seen and typed to as ever."""
import re

import pytest

from harness.describe import (SEAT, SEAT_DEVICES, SEAT_DRIVERS, SEAT_HARDWARE, describe, indented,
                              machine)
from harness.screen import STRIP, WIDTH, Screen

GREEN, STRIP_COLOUR, LETTERS = 0x00ff00, 0x18386c, 0xffffff
GUEST_AREA = (0, STRIP, WIDTH, 768)
BOOT_SECONDS = 180

LINUX = """\
- name: text
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=tty0 console=ttyS0 quiet bulkhead.name=text bulkhead.screen=1
  memory: 256M
  screen: true
  core: 1
  vcpus:
    - { core: 2 }
"""

PAINTER = """\
- name: {name}
  kernel: tests/guests/painter.bzimage
  cmdline: {name}
  memory: 16M
  screen: true
  core: 1
  vcpus:
    - {{ core: 3 }}
"""

NAMES = ["text", "strip", "absurd", "beyond"]


@pytest.fixture(scope="module")
def system():
    guests = LINUX + "".join(PAINTER.format(name=name) for name in NAMES[1:])
    path = describe("painter", compartments=SEAT_DRIVERS, devices=SEAT_DEVICES,
                    hardware=SEAT_HARDWARE, rest=SEAT + "vms:\n" + indented(guests))
    with machine(path) as booted:
        booted.expect(r"^bulkhead> ", 60)
        for name in NAMES[1:]:
            booted.expect(rf"{name}\.serial\| painter: painted", BOOT_SECONDS, anywhere=True)
        booted.expect(r"guest text: Linux", BOOT_SECONDS, anywhere=True)
        yield booted


@pytest.fixture(scope="module")
def screen(system):
    return Screen(system)


def show(screen, number):
    screen.keys(f"meta_l-f{number}")
    return screen.until_strip(number, NAMES[number - 1])


def text_of(screen, picture):
    return picture.text(screen.font, 192, STRIP + 184, 80, 25)


@pytest.mark.parametrize("number", [2, 3])
def test_false_strip_stays_below_the_real_one(screen, number):
    show(screen, number)
    picture = screen.until(lambda picture: picture.colours(*GUEST_AREA) ==
                           {GREEN, STRIP_COLOUR, LETTERS})
    assert GREEN not in picture.colours(0, STRIP, WIDTH, STRIP)
    assert picture.colours(0, 2 * STRIP, WIDTH, 768 - STRIP) == {GREEN}
    assert re.match(rf"{number} {NAMES[number - 1]} +Bulkhead", screen.strip(picture))


def test_view_beyond_the_video_memory_is_none(system, screen):
    show(screen, 4)
    system.expect(r"beyond\.serial\| painter: looked beyond", 120)
    screen.until(lambda picture: "beyond shows nothing" in
                 picture.text(screen.font, 432, 408, 20))


def test_neighbour_is_seen_and_typed_to(screen):
    show(screen, 1)
    screen.until(lambda picture: "press Enter for a shell on tty1" in text_of(screen, picture),
                 BOOT_SECONDS)
    screen.keys("ret", "i", "d", "ret")
    screen.until(lambda picture: "uid=0" in text_of(screen, picture), 60)
