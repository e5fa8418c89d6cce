# SPDX-License-Identifier: BSD-2-Clause
"""Whose the code is that ran: the counting plugin's profile by program and by function.

Each block of code is named by the executable that has these bytes at this address: programs share
addresses. What no executable of Bulkhead has is the guest's kernel (upper half) or a guest's
process.
"""
import collections
import struct
import subprocess
from pathlib import Path

EXECUTABLES = [Path("build/kernel/bulkhead.elf")] + [
    Path(f"build/programs/{name}.elf") for name in
    ("vmm", "netswitch", "e1000e", "igb", "blockmux", "nvme", "console", "uart", "bench-signal",
     "bench-interrupt")]
UPPER_HALF = 1 << 63
PT_LOAD = 1


class Executable:
    """The loadable bytes and the functions of one ELF file."""

    def __init__(self, path):
        self.name = path.stem
        data = path.read_bytes()
        offset, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        self.segments = []
        for index in range(count):
            kind, _, start, address, _, length = struct.unpack_from("<IIQQQQ", data,
                                                                    offset + index * size)
            if kind == PT_LOAD:
                self.segments.append((address, data[start:start + length]))
        self.functions = self.read_functions(path)

    @staticmethod
    def read_functions(path):
        lines = subprocess.run(["nm", "-n", path], check=True, capture_output=True,
                               text=True).stdout.splitlines()
        symbols = [line.split() for line in lines]
        return [(int(s[0], 16), s[2]) for s in symbols if len(s) == 3 and s[1] in "tTwW"]

    def has(self, address, prefix):
        for start, data in self.segments:
            if start <= address < start + len(data):
                here = data[address - start:address - start + len(prefix)]
                return prefix.startswith(here.rstrip(b"\0")) or here.startswith(prefix.rstrip(b"\0"))
        return False

    def function(self, address):
        name = "?"
        for start, symbol in self.functions:
            if start > address:
                break
            name = symbol
        return name


def attribute(executables, address, prefix):
    for executable in executables:
        if executable.has(address, prefix):
            return executable.name, executable.function(address)
    return ("guest kernel", "") if address >= UPPER_HALF else ("guest process", "")


def is_current(path):
    """Whether the executables are still those that ran."""
    return path.exists() and all(path.stat().st_mtime >= each.stat().st_mtime
                                 for each in EXECUTABLES if each.exists())


def read_profile(path, identity):
    """Executed instructions of one measurement by (program, function)."""
    executables = [Executable(each) for each in EXECUTABLES if each.exists()]
    blocks, totals = collections.Counter(), collections.Counter()
    for number, address, executed, prefix in map(str.split, path.read_text().splitlines()):
        if int(number, 16) == identity:
            blocks[int(address, 16), bytes.fromhex(prefix)] += int(executed)
    for (address, prefix), executed in blocks.items():
        totals[attribute(executables, address, prefix)] += executed
    return totals


def by_program(totals):
    programs = collections.Counter()
    for (program, _), executed in totals.items():
        programs[program] += executed
    return programs
