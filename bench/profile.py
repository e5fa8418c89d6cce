#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of one measurement go: by program and by function.

Runs a machine of bench.py once more with the counting plugin's profile on, and names each block of
code by the executable that has these bytes at this address: programs share addresses. What no
executable of Bulkhead has is the guest's kernel (upper half) or a guest's process.
"""
import argparse
import collections
import subprocess
import struct
import sys
from pathlib import Path

import bench

PROFILE = bench.BUILD / "profile"
EXECUTABLES = [Path("build/kernel/bulkhead.elf")] + [
    Path(f"build/programs/{name}.elf") for name in
    ("vmm", "netswitch", "e1000e", "console", "uart", "bench-signal", "bench-interrupt")]
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


def read_profile(executables):
    totals = collections.Counter()
    for line in PROFILE.read_text().splitlines():
        address, executed, prefix = line.split()
        totals[attribute(executables, int(address, 16), bytes.fromhex(prefix))] += int(executed)
    return totals


def print_profile(totals, operations):
    by_program = collections.Counter()
    for (program, _), executed in totals.items():
        by_program[program] += executed
    for program, executed in by_program.most_common():
        print(f"{executed / operations:10.1f}  {program}")
        for (owner, function), count in totals.most_common():
            if owner == program and function and count / operations >= 1:
                print(f"{count / operations:14.1f}  {function}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("machine", help="a machine of bench.py, such as bulkhead-guest")
    parser.add_argument("measurement", help="a name of bench/mark.h without MARK_, such as CPUID")
    options = parser.parse_args()
    identity = getattr(bench, options.measurement)
    machine = next(m for m in bench.MACHINES if m.name == options.machine)
    machine.measures = (identity,)
    if not bench.run(machine, f",profile={PROFILE},from={identity}"):
        sys.exit(1)
    print_profile(read_profile([Executable(path) for path in EXECUTABLES]),
                  bench.BATCHES * bench.ROUNDS)


if __name__ == "__main__":
    main()
