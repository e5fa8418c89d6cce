#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Where the instructions of one measurement go: by program and by function.

Runs a machine of bench.py once more with the counting plugin's profile on.
"""
import argparse
import sys

import bench
import parts


def print_profile(totals, operations):
    for program, executed in parts.by_program(totals).most_common():
        print(f"{executed / operations:10.1f}  {program}")
        for (owner, function), count in totals.most_common():
            if owner == program and function and count / operations >= 1:
                print(f"{count / operations:14.1f}  {function}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("machine", help="a machine of bench.py, such as bulkhead-guest")
    parser.add_argument("measurement", help="a name of bench/mark.h without MARK_, such as CPUID")
    parser.add_argument("--last", action="store_true",
                        help="run nothing, use the machine's last profile")
    options = parser.parse_args()
    identity = getattr(bench, options.measurement)
    machine = next(m for m in bench.MACHINES if m.name == options.machine)
    if not options.last:
        machine.measures = machine.profiled = (identity,)
        if not bench.run(machine):
            sys.exit(1)
    print_profile(parts.read_profile(machine.profile, identity), bench.BATCHES * bench.ROUNDS)


if __name__ == "__main__":
    main()
