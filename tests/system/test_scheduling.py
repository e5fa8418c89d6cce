# SPDX-License-Identifier: BSD-2-Clause
"""Modes and budgets: threads move between cores, are limited, switched off and on again."""
import re
import time

import pytest

from harness.console import Console
from harness.describe import describe, machine

BUSY = """\
- name: spin
  program: hostile
  core: 1
  priority: 5
  settings: [{ name: deed, value: spin }]
- name: calls
  program: hostile
  core: 1
  priority: 5
  settings: [{ name: deed, value: calls }]
"""

MODES = """\
  modes: true
modes:
  - name: day
  - name: night
    changes:
      - { compartment: spin, core: 2, budget: 1ms, period: 10ms }
      - { compartment: calls, off: true }
      - { compartment: uart, core: 3 }
"""

THREAD = re.compile(r"thread +(\S+) +ticks (\d+) +calls (\d+) +exhausted (\d+) +core (\d+)")


@pytest.fixture(scope="module")
def busy():
    with machine(describe("scheduling", BUSY, rest=MODES, memory="256M")) as booted:
        booted.expect(r"calls\| hostile: calls", 30)
        booted.expect(r"spin\| hostile: spin", 30, anywhere=True)
        yield booted


def threads(console):
    """name -> (ticks, calls, exhausted, core)"""
    rows = map(THREAD.search, console.command("counters"))
    return {row.group(1): tuple(map(int, row.groups()[1:])) for row in rows if row}


def growth(console, seconds=3):
    """Ticks that each thread used a second meanwhile; the counters before and after."""
    before, start = threads(console), time.monotonic()
    time.sleep(seconds)
    after, passed = threads(console), time.monotonic() - start
    used = {name: (after[name][0] - before[name][0]) / passed for name in after}
    return used, before, after


def test_equal_priorities_take_turns(busy):
    used, _, after = growth(Console(busy))
    assert after["spin.0"][3] == after["calls.0"][3] == 1
    assert 0.4 < used["spin.0"] / used["calls.0"] < 2.5


def test_mode_moves_limits_and_switches_off(busy):
    console = Console(busy)
    unlimited = growth(console)[0]
    console.command("mode night")
    time.sleep(1)
    used, before, after = growth(console)
    assert after["spin.0"][3] == 2 and after["uart.0"][3] == 3
    assert after["spin.0"][2] - before["spin.0"][2] > 30, "its budget ran out in most periods"
    assert used["spin.0"] < 0.8 * (unlimited["spin.0"] + unlimited["calls.0"])
    assert after["calls.0"][:2] == before["calls.0"][:2], "off, but it ran"


def test_mode_brings_everything_back(busy):
    console = Console(busy)
    console.command("mode day")
    time.sleep(1)
    _, before, after = growth(console)
    assert after["spin.0"][3] == after["calls.0"][3] == 1
    assert after["uart.0"][3] == 0
    assert after["calls.0"][1] > before["calls.0"][1]
    assert after["spin.0"][2] == before["spin.0"][2]


def test_nmis_change_nothing(busy):
    """One to every core, wherever it is: in the kernel, in a program, asleep (attack B4)."""
    for _ in range(20):
        busy.qmp.monitor("nmi")
    status = "\n".join(Console(busy).command("status"))
    for part in ("uart", "spin", "calls", "console"):
        assert re.search(rf"{part} +running +1 +0 ", status), status
