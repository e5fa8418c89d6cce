# SPDX-License-Identifier: BSD-2-Clause
"""The emulated machine's display and keyboard, through QEMU's monitor."""
import os
import time

from .machine import PATIENCE


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


class Screen:
    """What a person at the machine sees and types."""

    def __init__(self, machine):
        self.machine = machine

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
                os.replace(os.path.join(self.machine.folder, "screen.ppm"), kept)
                raise AssertionError(f"no such picture within {timeout} s; the last one: {kept}")
            time.sleep(0.3)
