# SPDX-License-Identifier: BSD-2-Clause
"""Shared screen and keyboard: what a person sees on the machine's display, and where keys go.

The clients here are painters in the monitors' place (tests/programs/painter.c), so that they may say
to the seat whatever they like. One paints a false strip over what it believes to be the whole screen,
two send messages without end. The real guests are in test_seat.py."""
import re

import pytest

from harness.console import Console
from harness.describe import (SEAT, SEAT_DEVICES, SEAT_DRIVERS, SEAT_HARDWARE, describe, indented,
                              machine)
from harness.screen import STRIP, WIDTH, Screen

RED, GREEN, BLUE, YELLOW = 0xff0000, 0x00ff00, 0x0000ff, 0xffff00
STRIP_COLOUR = 0x18386c
MIDDLE = (512, 500)
GUEST_AREA = (0, STRIP, WIDTH, 768)

PAINTER = """\
- name: {name}
  program: painter
  kernel: programs/hello.elf      # a VM must have one; nobody starts it
  memory: 16M
  core: 1
  screen: true
  settings: [{settings}]
  vcpus:
    - {{ core: 2 }}
"""

# Larger than the room that it is told, with a strip of its own where the real one is.
LIAR = {"width": 1024, "height": 800, "colour": GREEN, "strip": STRIP_COLOUR}


def painter(name, **settings):
    words = ", ".join(f"{{ name: {key}, value: '{value}' }}" for key, value in settings.items())
    return PAINTER.format(name=name, settings=words)


PAINTERS = (painter("small", width=640, height=400, colour=RED) + painter("liar", **LIAR) +
            painter("flood", width=1024, height=768, colour=BLUE, flood=1) +
            painter("broken", width=1024, height=768, colour=YELLOW, flood=2) +
            painter("blank", width=0))
NAMES = ["small", "liar", "flood", "broken", "blank"]


def boot(name, guests, seat=SEAT):
    return machine(describe(name, compartments=SEAT_DRIVERS, devices=SEAT_DEVICES,
                            hardware=SEAT_HARDWARE, rest=seat + "vms:\n" + indented(guests)))


@pytest.fixture(scope="module")
def system():
    with boot("screen", PAINTERS) as booted:
        booted.expect(r"^bulkhead> ", 60)
        booted.expect(r"small\| room of 1024 x 768", 60, anywhere=True)
        yield booted


@pytest.fixture(scope="module")
def screen(system):
    return Screen(system)


def show(screen, number):
    """The chord of that guest; answers a picture in which the strip names it."""
    screen.keys(f"meta_l-f{number}")
    return screen.until_strip(number, NAMES[number - 1])


def keys_of(system, name):
    return re.findall(rf"^{name}\| keys (.*)$", system.serial.text(), re.MULTILINE)


def expect_keys(system, name, codes):
    system.expect(rf"^{name}\| keys {codes}$", 30, anywhere=True)


def test_first_guest_is_shown_at_the_start(screen):
    picture = screen.until_strip(1, "small")
    assert (picture.width, picture.height) == (1024, 800)
    assert "Bulkhead: Super + Tab, F1..F5" in screen.strip(picture)


@pytest.mark.parametrize("number, colour", [(2, GREEN), (1, RED), (5, 0), (3, BLUE), (1, RED)])
def test_chord_shows_strip_and_guest(screen, number, colour):
    show(screen, number)
    screen.until(lambda picture: picture.pixel(*MIDDLE) == colour)


def test_tab_goes_round(screen):
    show(screen, 5)
    screen.keys("meta_r-tab")
    screen.until_strip(1, "small")
    screen.keys("meta_r-tab")
    screen.until_strip(2, "liar")


def test_small_picture_stands_in_the_middle(screen):
    show(screen, 1)
    picture = screen.until(lambda picture: picture.pixel(*MIDDLE) == RED)
    assert picture.colours(192, 216, 640, 400) == {RED}
    assert picture.colours(0, STRIP, WIDTH, 184) == {0}
    assert picture.colours(0, 616, WIDTH, 184) == {0}


def test_guest_without_a_picture_is_said_to_show_nothing(screen):
    picture = show(screen, 5)
    assert "blank shows nothing" in picture.text(screen.font, 436, 408, 19)


def test_false_strip_stays_below_the_real_one(screen):
    show(screen, 2)
    picture = screen.until(lambda picture: picture.pixel(*MIDDLE) == GREEN)
    assert picture.colours(*GUEST_AREA) == {GREEN, STRIP_COLOUR}
    assert picture.colours(0, STRIP, WIDTH, STRIP) == {STRIP_COLOUR}
    assert re.match(r"2 liar +Bulkhead", screen.strip(picture))


def test_control_seat_without_the_rule_is_overpainted():
    with boot("screen-open", painter("liar", **LIAR), SEAT + "  program: seat-open\n") as booted:
        screen = Screen(booted)
        booted.expect(r"liar\| room of 1024 x 768", 60, anywhere=True)
        picture = screen.until(lambda picture: picture.pixel(*MIDDLE) == GREEN)
        assert picture.colours(0, 0, WIDTH, STRIP) == {STRIP_COLOUR}
        assert "liar" not in screen.strip(picture)


def test_flood_of_messages_keeps_nobody_from_the_screen(screen):
    for number, colour in ((3, BLUE), (1, RED), (4, None), (2, GREEN)):
        picture = show(screen, number)
        if colour is not None:
            screen.until(lambda picture, wanted=colour: picture.pixel(*MIDDLE) == wanted)
        assert re.match(rf"{number} {NAMES[number - 1]} ", screen.strip(picture))


def test_keys_go_to_the_shown_guest_only(system, screen):
    show(screen, 1)
    screen.keys("a", "shift-b")
    expect_keys(system, "small", "1e")
    expect_keys(system, "small", "b0")
    show(screen, 2)
    screen.keys("z", "right")
    expect_keys(system, "liar", "ac")
    expect_keys(system, "liar", "e0 cd")
    assert {"1e", "9e", "2a", "30", "b0", "aa"} == set(keys_of(system, "small"))
    assert {"2c", "ac", "e0 4d", "e0 cd"} == set(keys_of(system, "liar"))


def test_held_key_is_released_for_the_guest_that_saw_it(system, screen):
    show(screen, 1)
    screen.press("q")
    expect_keys(system, "small", "10")
    screen.press("meta_l", "f2")
    expect_keys(system, "small", "90")
    screen.release("f2", "meta_l", "q")
    screen.until_strip(2, "liar")
    screen.keys("m")
    expect_keys(system, "liar", "b2")
    assert "90" not in keys_of(system, "liar")


def test_no_guest_saw_a_chord(system):
    """After all the chords of this module."""
    for name in NAMES:
        for keys in keys_of(system, name):
            assert keys not in ("e0 5b", "e0 db", "e0 5c", "e0 dc", "3b", "bb", "3c", "bc", "0f",
                                "8f"), f"{name} saw {keys}"


@pytest.mark.parametrize("program", ["bochs", "ps2", "seat"])
def test_restarted_program_serves_again(system, screen, program):
    Console(system).command(f"restart {program}")
    show(screen, 2)
    screen.until(lambda picture: picture.pixel(*MIDDLE) == GREEN)
    show(screen, 1)
    screen.until(lambda picture: picture.pixel(*MIDDLE) == RED)


def test_stopped_guest_is_said_to_be_away(system, screen):
    Console(system).command("stop small")
    show(screen, 1)
    screen.until(lambda picture: "small isn't there" in picture.text(screen.font, 444, 408, 17))
    Console(system).command("start small")
    screen.until(lambda picture: picture.pixel(*MIDDLE) == RED)
