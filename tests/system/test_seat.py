# SPDX-License-Identifier: BSD-2-Clause
"""systems/seat.yaml as a person uses it: a Linux in text mode, a UEFI shell with its framebuffer and
a BIOS on one screen, and the keyboard with whom is shown."""
import pytest

from harness.console import Console
from harness.machine import Machine
from harness.screen import CELL, STRIP, WIDTH, Screen

BOOT_SECONDS = 180
COLUMNS, ROWS = 80, 25
TEXT_LEFT = (WIDTH - COLUMNS * CELL[0]) // 2
TEXT_TOP = STRIP + (768 - ROWS * CELL[1]) // 2
GUEST_AREA = (0, STRIP, WIDTH, 768)
NAMES = {" ": "spc", "\r": "ret", "-": "minus", "/": "slash", ".": "dot"}


@pytest.fixture(scope="module")
def system():
    with Machine.system("seat") as booted:
        booted.expect(r"^bulkhead> ", BOOT_SECONDS)
        yield booted


@pytest.fixture(scope="module")
def screen(system):
    return Screen(system)


def show(screen, number, name):
    screen.keys(f"meta_l-f{number}")
    screen.until_strip(number, name)


def type_text(screen, text):
    screen.keys(*(NAMES.get(character, character) for character in text))


def text_of(screen, picture):
    """What stands on the text screen of the shown guest."""
    return picture.text(screen.font, TEXT_LEFT, TEXT_TOP, COLUMNS, ROWS)


def until_text(screen, wanted, timeout=60):
    screen.until(lambda picture: wanted in text_of(screen, picture), timeout)


def test_linux_is_read_and_typed_to(screen):
    show(screen, 1, "text")
    until_text(screen, "press Enter for a shell on tty1", BOOT_SECONDS)
    type_text(screen, "\r")
    until_text(screen, "text:/root#")
    type_text(screen, "echo two-words\r")
    until_text(screen, "\ntwo-words\n")


def test_firmware_writes_on_its_text_screen(screen):
    show(screen, 3, "bios")
    until_text(screen, "SeaBIOS (version", BOOT_SECONDS)
    until_text(screen, "No bootable device.", BOOT_SECONDS)


def test_uefi_shell_draws_and_is_typed_to(system, screen):
    show(screen, 2, "uefi")
    console = Console(system)
    console.focus("uefi.serial")
    system.expect(r"Shell> ", BOOT_SECONDS)
    before = screen.until(lambda picture: len(picture.colours(*GUEST_AREA)) > 1)
    type_text(screen, "ver\r")
    system.expect(r"UEFI Interactive Shell v", 60)
    screen.until(lambda picture: picture.part(*GUEST_AREA) != before.part(*GUEST_AREA))
    console.overview()


def test_each_comes_back_as_it_was_left(screen):
    show(screen, 1, "text")
    until_text(screen, "\ntwo-words\n")
    show(screen, 3, "bios")
    until_text(screen, "No bootable device.")


def test_what_is_typed_to_one_reaches_no_other(screen):
    show(screen, 3, "bios")
    type_text(screen, "secret\r")
    show(screen, 1, "text")
    type_text(screen, "echo end\r")
    until_text(screen, "\nend\n")
    assert "secret" not in text_of(screen, screen.picture())


def test_guest_that_starts_anew_is_seen_again(system, screen):
    show(screen, 1, "text")
    until_text(screen, "\nend\n")
    type_text(screen, "reboot -f\r")
    screen.until(lambda picture: "reboot -f" not in text_of(screen, picture), BOOT_SECONDS)
    until_text(screen, "press Enter for a shell on tty1", BOOT_SECONDS)
