# SPDX-License-Identifier: BSD-2-Clause
"""The emulated machine's display and keyboard, through QEMU's monitor."""
import os
import re
import shutil
import time

from .machine import PATIENCE, built

GLYPH = re.compile(r"\[0x(..)\] = \{(.*)\}")
CELL = (8, 16)
WIDTH = 1024            # of the screen that drivers/bochs sets
STRIP = 32              # lines at its top are the seat's (services/seat)


def read_font():
    """Characters by their glyphs: 16 lines, a byte each (lib/font). Of blank ones, the space."""
    with open(built("lib", "font", "font.c"), encoding="utf-8") as file:
        rows = [match for line in file if (match := GLYPH.search(line))]
    glyphs = {bytes(int(word, 16) for word in re.findall(r"0x(..)", row.group(2))):
              bytes([int(row.group(1), 16)]).decode("cp437") for row in reversed(rows)}
    assert len(rows) == 256
    return {**glyphs, bytes(16): " "}


class Picture:
    """The screen at one moment: rows of pixels."""

    def __init__(self, ppm):
        magic, size, most, self.bytes = ppm.split(b"\n", 3)
        assert magic == b"P6" and most == b"255", "not a PPM with three bytes a pixel"
        self.width, self.height = (int(number) for number in size.split())
        assert len(self.bytes) == self.width * self.height * 3

    def pixel(self, x, y):
        """Red, green and blue as one number, as 0xff0000 is red."""
        at = (y * self.width + x) * 3
        return int.from_bytes(self.bytes[at:at + 3], "big")

    def part(self, left, top, width, height):
        """The bytes of a rectangle."""
        rows = ((y * self.width + left) * 3 for y in range(top, top + height))
        return b"".join(self.bytes[at:at + 3 * width] for at in rows)

    def colours(self, left, top, width, height):
        """Which colours are in a rectangle."""
        part = self.part(left, top, width, height)
        return {int.from_bytes(part[at:at + 3], "big") for at in range(0, len(part), 3)}

    def character(self, font, left, top, scale):
        """The character in a cell of two colours; "\\ufffd": there is none."""
        cell = [[self.pixel(left + x * scale, top + y * scale) for x in range(CELL[0])]
                for y in range(CELL[1])]
        colours = {colour for line in cell for colour in line}
        for background in colours:
            glyph = bytes(int("".join(str(int(colour != background)) for colour in line), 2)
                          for line in cell)
            if len(colours) <= 2 and glyph in font:
                return font[glyph]
        return "\ufffd"

    def text(self, font, left, top, columns, rows=1, scale=1):
        """What is written there, line by line."""
        return "\n".join(
            "".join(self.character(font, left + x * CELL[0] * scale, top + y * CELL[1] * scale,
                                   scale) for x in range(columns)).rstrip() for y in range(rows))


class Screen:
    """What a person at the machine sees and types."""

    def __init__(self, machine):
        self.machine = machine
        self.font = read_font()

    def picture(self):
        path = os.path.join(self.machine.folder, "screen.ppm")
        self.machine.qmp.command("screendump", filename=path)
        with open(path, "rb") as file:
            return Picture(file.read())

    def keys(self, *names):
        """Keys by QEMU's names, one after the other; "shift-a" is two at once."""
        for name in names:
            self.machine.qmp.monitor(f"sendkey {name}")
            time.sleep(0.2)         # sendkey holds a key for 100 ms

    def _send(self, names, down):
        for name in names:
            self.machine.qmp.command("input-send-event", events=[
                {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}])
            time.sleep(0.1)

    def press(self, *names):
        self._send(names, True)

    def release(self, *names):
        self._send(names, False)

    def until(self, condition, timeout=30):
        """Waits until a picture meets the condition; answers it."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            picture = self.picture()
            if condition(picture):
                return picture
            if time.monotonic() > deadline:
                kept = os.path.join(os.path.dirname(self.machine.log_path),
                                    f"{self.machine.name}.ppm")
                shutil.move(os.path.join(self.machine.folder, "screen.ppm"), kept)
                raise AssertionError(f"no such picture within {timeout} s; the last one: {kept}")
            time.sleep(0.3)

    def strip(self, picture):
        """The text of the strip: letters of twice the size, from a margin on."""
        return picture.text(self.font, CELL[0], 0, WIDTH // CELL[0] // 2 - 1, scale=2)

    def until_strip(self, number, name):
        """Waits until the strip says that this guest is shown; answers the picture."""
        return self.until(lambda picture: self.strip(picture).startswith(f"{number} {name} "))
