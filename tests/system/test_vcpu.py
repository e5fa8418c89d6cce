# SPDX-License-Identifier: BSD-2-Clause
"""Virtual CPUs on the booted kernel: every kind of exit, and a hostile monitor beside guest web.

tests/programs/vmtest.c is a VM's program: it drives a guest of a few instructions, then, hostile,
enters its guest with thousands of random state pages (ATTACKS.md: E3, a failing entry stops that VM).
"""
import re

import pytest

from harness.console import Console
from harness.describe import describe, describe_web_and, machine

TESTS = ("cpuid", "hlt", "port", "doorbell", "page-doorbell", "triple", "spin", "injection", "window",
         "window-at-halt", "fpu", "fpu-reset", "cr4", "single-step", "refusals", "invalid", "place")
GREETING = "Hello from guest web"
FUZZ = 3000


def vm(name, core, fuzz=0):
    return f"""\
- name: {name}
  program: vmtest
  kernel: tests/guests/hostile.bzimage
  memory: 16M
  no-serial: true
  core: 1
  priority: 6
  regions:
    - {{ name: moved, size: 4K }}
  places:
    - {{ region: {name}.moved, rights: r, as: moved }}
  doorbells:
    - {{ gpa: 0x1400000, as: page }}
  settings:
    - {{ name: fuzz, value: "{fuzz}" }}
  vcpus:
    - {{ core: {core}, priority: 4 }}
"""


@pytest.fixture(scope="module")
def exits():
    path = describe("vcpu", rest="vms:\n" + vm("vmtest", 2).replace("\n", "\n  ").join(("  ", "")))
    with machine(path) as running:
        running.expect(r"vmtest: done, \d+ failed", 120, anywhere=True)
        yield running


@pytest.mark.parametrize("name", TESTS)
def test_exit(exits, name):
    exits.expect(rf"vmtest: {name} ok", 5, anywhere=True)


def test_hostile_monitor_harms_nobody():
    path = describe_web_and("vcpu-fuzz", vms=vm("hostile", 2, FUZZ))
    with machine(path) as running:
        running.expect(r"guest web: address ", 240, anywhere=True)
        running.expect(r"vmtest: fuzz ok: \d+ state pages", 240, anywhere=True)
        page = running.curl(timeout=10)
        assert page and GREETING in page
        status = "\n".join(Console(running).command("status"))
        assert re.search(r"^web\s+running", status, re.MULTILINE), status
