# SPDX-License-Identifier: BSD-2-Clause
"""Attacks that are judged by memory: the machine's RAM is a file that the test maps.

RAM below 2 GiB lies at the file's offset = physical address. The test finds the victim's canary in
it, tells the attacker its address by writing a setting into the attacker's manifest, and looks at
the canary afterwards.
"""
import mmap
import os
import socket
import tempfile
import time

from harness.describe import FOLDER
from harness.machine import PATIENCE, Machine, built, free_port

CANARY = b"a canary of the bulkhead's crew." * 2   # tests/programs/canary.c
VICTIM = """\
- name: victim
  program: canary
  core: 0
  regions:
    - { name: canary, size: 4K, process: rw }
"""
PATTERN = b"\x5a" * 64             # tests/programs/dma.c
MANIFEST_MAGIC = b"BULKMANS"
SETTING_VALUE = 96                 # abi/manifest.h: offset of an entry's value
DIRTY_FROM = 16 << 20              # above what a boot loader and the kernel fill
PIECE = 4 << 20                    # of RAM, looked through at once


class Target(Machine):
    """A machine whose RAM can be looked at and, for settings, changed while it runs."""

    def __init__(self, description, controls=False, memory="512M", extra=(), name="redteam",
                 dirt=b""):
        arguments = self.command_of(description, "-o", FOLDER)
        handle, self.ram_path = tempfile.mkstemp(prefix="bulkhead-ram-", dir=self._ram_folder())
        if dirt:                       # what an earlier system left in memory
            os.ftruncate(handle, int(memory[:-1]) << {"M": 20, "G": 30}[memory[-1]])
            os.pwrite(handle, dirt, DIRTY_FROM)
        os.close(handle)
        arguments = [self._adapted(argument, controls) for argument in arguments]
        arguments += ["-object", f"memory-backend-file,id=ram,size={memory},"
                      f"mem-path={self.ram_path},share=on", *extra]
        super().__init__(arguments, name=name + ("-control" if controls else ""))
        self.ram = None

    @staticmethod
    def _ram_folder():
        return "/dev/shm" if os.path.isdir("/dev/shm") else None

    @staticmethod
    def _adapted(argument, controls):
        if argument.startswith("q35"):
            return argument + ",memory-backend=ram"
        if controls and argument.endswith("build/kernel/bulkhead32.elf"):
            return built("kernel-controls", "bulkhead32.elf")
        return argument

    def start(self):
        super().start()
        with open(self.ram_path, "r+b") as file:
            self.ram = mmap.mmap(file.fileno(), 0)
        return self

    def stop(self):
        super().stop()
        if os.path.exists(self.ram_path):
            os.unlink(self.ram_path)

    def _pieces(self, start, overlap):
        """What was ever written of RAM, piece by piece: a look at the rest would give it memory of
        the host's."""
        with open(self.ram_path, "rb", buffering=0) as file:
            while True:
                try:
                    start = os.lseek(file.fileno(), start, os.SEEK_DATA)
                except OSError:        # nothing behind it
                    return
                end = os.lseek(file.fileno(), start, os.SEEK_HOLE)
                yield start, os.pread(file.fileno(), min(end - start, PIECE + overlap), start)
                start = min(end, start + PIECE)

    def search(self, bytes_wanted, start=0):
        """The physical address of the first such bytes; -1: they are nowhere."""
        for at, piece in self._pieces(start, len(bytes_wanted) - 1):
            found = piece.find(bytes_wanted)
            if found >= 0:
                return at + found
        return -1

    def find(self, bytes_wanted, timeout=30):
        """The physical address of these bytes, once they are somewhere."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            address = self.search(bytes_wanted)
            if address >= 0:
                return address
            assert time.monotonic() < deadline, f"{bytes_wanted[:32]!r} isn't in memory:\n" \
                                                f"{self.serial.tail()}"
            time.sleep(0.2)

    def wait(self, condition, timeout=30):
        """Until this is true."""
        deadline = time.monotonic() + timeout * PATIENCE
        while not condition():
            assert time.monotonic() < deadline, f"it never came true:\n{self.serial.tail()}"
            time.sleep(0.05)

    def canary(self):
        """Where the canary program's memory is; its pattern fills a page, so its start is
        aligned."""
        address = self.find(CANARY * 8)
        assert address % 4096 == 0, f"canary at {address:#x}"
        return address

    def manifest(self, compartment):
        """Where this compartment's manifest is (abi/manifest.h: its name is at offset 48)."""
        wanted = compartment.encode().ljust(32, b"\0")
        at = self.search(MANIFEST_MAGIC)
        while at >= 0 and self.bytes_at(at + 48, 32) != wanted:
            at = self.search(MANIFEST_MAGIC, at + 1)
        assert at >= 0, f"{compartment} has no manifest in memory"
        return at

    def set(self, name, value, compartment="attacker", before="later"):
        """Gives a setting that stands at "later" in the attacker's manifest its value."""
        entry = self.search(name.encode().ljust(32, b"\0") + b"\1\0\0\0",
                              self.manifest(compartment))
        text = str(value).encode() + b"\0"
        before = before.encode() + b"\0"
        assert self.bytes_at(entry + SETTING_VALUE, len(before)) == before
        self.ram[entry + SETTING_VALUE:entry + SETTING_VALUE + len(text)] = text

    def bytes_at(self, address, size=64):
        return bytes(self.ram[address:address + size])


class Air:
    """What is at the other end of a network card's cable: whoever sends frames to it from
    outside."""

    FRAME = b"\xff" * 12 + b"\x88\xb5" + b"a frame from outside. " * 4    # IEEE 802: experimental
    FRAMES = 8

    def __init__(self, name="air"):
        self.name = name
        self.here, self.there = free_port(), free_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def arguments(self):
        return ["-netdev", f"socket,id={self.name},udp=127.0.0.1:{self.here},"
                           f"localaddr=127.0.0.1:{self.there}"]

    def blow(self):
        for _ in range(self.FRAMES):
            self.socket.sendto(self.FRAME, ("127.0.0.1", self.there))
            time.sleep(0.05)


class Wire(Air):
    """A cable with somebody at its end who sees every frame; the network of QEMU is on it, too."""

    def __init__(self):
        super().__init__("cable")
        self.socket.bind(("127.0.0.1", self.here))
        self.socket.settimeout(0.05)
        self.heard = []

    def arguments(self):
        ports = (("slirp", "ours"), (self.name, "tests"))
        return ["-netdev", "user,id=slirp", *super().arguments(),
                *(part for peer, port in ports
                  for part in ("-netdev", f"hubport,id={port},hubid=0,netdev={peer}")),
                "-netdev", "hubport,id=air,hubid=0"]

    def send(self, content):
        self.socket.sendto(content, ("127.0.0.1", self.there))

    def wait(self, content, seconds=10):
        """Until this frame has left the card."""
        deadline = time.monotonic() + seconds * PATIENCE
        while content not in self.heard:
            assert time.monotonic() < deadline, f"{content!r} didn't leave"
            try:
                self.heard.append(self.socket.recv(4096))
            except TimeoutError:
                pass
