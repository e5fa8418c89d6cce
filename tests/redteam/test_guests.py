# SPDX-License-Identifier: BSD-2-Clause
"""Guests that misbehave (ATTACKS.md: D1, E3, E5), and a process that faults, beside guest web.

The hostile guests share cores with the driver, the switch and web's own vCPU. All the while the host
fetches web's page. That each deed does harm where nothing contains it is shown on a bare machine by
tests/system/test_hostile_guest_image.py: the positive controls.
"""
import re
import time

import pytest

from harness.console import Console
from harness.describe import describe_web_and, machine
from guests import states
from test_processes import compartment
from witness import GREETING

BOOT_SECONDS = 180
FETCHES = 10
SLOWEST_SECONDS = 10


def guest(deed, core, mac):
    return f"""\
- name: {deed}
  kernel: tests/guests/hostile.bzimage
  cmdline: {deed}
  memory: 128M
  no-hvc: true
  core: 1
  priority: 6
  vcpus:
    - {{ core: {core}, priority: 4 }}
  nic:
    switch: switch
    mac: 52:54:00:00:00:{mac}
"""


def fetch_many(running):
    for _ in range(FETCHES):
        started = time.monotonic()
        page = running.curl(timeout=SLOWEST_SECONDS)
        assert page and GREETING in page, running.serial.tail()
        assert time.monotonic() - started < SLOWEST_SECONDS


@pytest.fixture(scope="module")
def ended():
    """Deeds that end the one who does them, or nobody."""
    path = describe_web_and("ended", compartments=compartment("faulty", "null", 2, delay=3000),
                            vms=guest("triple", 2, "21") + guest("ports", 3, "22")
                            + guest("memory", 1, "23") + guest("peace", 3, "24"))
    with machine(path) as running:
        running.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
        yield running


@pytest.fixture(scope="module", params=["spin", "flood", "storm"])
def busy(request):
    """Deeds that never end, one on each core that others need."""
    deed = request.param
    core = 2 if deed == "spin" else 3  # web's own core; one on which the flood is at its worst
    path = describe_web_and(f"busy-{deed}", vms=guest(deed, core, "21"))
    with machine(path) as running:
        running.deed = deed
        running.expect(rf"{deed}.serial\| hostile", BOOT_SECONDS, anywhere=True)
        running.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
        yield running


def test_page_is_served_beside_those_who_ended(ended):
    fetch_many(ended)
    assert all(states(ended)[name] == "running"
               for name in ("web", "switch", "e1000e", "uart", "console"))


def test_triple_fault_is_told_and_ends_its_guest_only(ended):
    ended.expect(r"triple.serial\| hostile: triple", 30, anywhere=True)
    ended.expect(r"^triple\| .*triple fault.*0x[0-9a-f]+.*\n", 30, anywhere=True)


def test_process_fault_is_told(ended):
    line = ended.expect(r"^bulkhead\| (faulty\.0: .*)\n", 60, anywhere=True).group(1)
    assert "page fault" in line and re.search(r"rip 0x[0-9a-f]+", line), line


def test_guest_cannot_reset_the_machine_by_ports(ended):
    ended.expect(r"ports.serial\| hostile: ports", 30, anywhere=True)
    # Some of the ports reset the guest's own PC: it may start again, the machine mustn't.
    fetch_many(ended)


def test_guest_writing_beyond_its_memory_harms_nobody(ended):
    ended.expect(r"memory.serial\| hostile: memory", 30, anywhere=True)
    fetch_many(ended)


def test_peaceful_guest_goes_on(ended):
    ended.expect(r"peace.serial\| hostile: peace", 30, anywhere=True)
    assert states(ended)["peace"] == "running"


def test_page_is_served_beside_a_busy_guest(busy):
    fetch_many(busy)
    assert all(states(busy)[name] == "running"
               for name in ("web", "switch", "e1000e", "uart", "console"))


def test_counters_show_who_is_busy(busy):
    """Who, what and where: the busy guest's thread uses its core, or its doorbells and exits grow."""
    counters = "\n".join(Console(busy).command("counters"))
    row = re.search(rf"^vcpu\s+{busy.deed}\.vcpu0\s+exits (\d+)\s+doorbells (\d+)\s+"
                    r"kernel exits (\d+)", counters, re.MULTILINE)
    assert row, counters
    exits, doorbells, kernel_exits = (int(number) for number in row.groups())
    if busy.deed == "flood":
        assert doorbells > 1000, counters
    if busy.deed == "storm":
        assert exits > 1000, counters
    ticks = {name: int(value) for name, value in
             re.findall(r"^thread\s+(\S+)\s+ticks (\d+)", counters, re.MULTILINE)}
    assert ticks[f"{busy.deed}.1"] > ticks["switch.0"], counters


def test_busy_guest_can_be_stopped(busy):
    console = Console(busy)
    console.command(f"stop {busy.deed}")
    assert states(busy)[busy.deed] == "stopped"
    fetch_many(busy)
