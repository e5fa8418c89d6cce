# SPDX-License-Identifier: BSD-2-Clause
"""The hostile test guest (tests/guests/hostile.c) alone on a bare PC, where nothing contains it."""
from .machine import Machine, built


def bare(deed):
    return Machine(["-M", "q35", "-accel", "tcg", "-cpu", "max", "-m", "128", "-nodefaults",
                    "-no-reboot", "-kernel", built("tests", "guests", "hostile.bzimage"),
                    "-append", f"{deed} now"], name=f"hostile-{deed}")
