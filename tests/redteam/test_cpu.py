# SPDX-License-Identifier: BSD-2-Clause
"""Guests that try to stop their processor (E3), and a monitor that enters its guest with states
that no processor has, beside guest web, whose own vCPU shares their core.

The guests' controls are the same guests on a bare machine: what they do there, they'd do to the
core if nothing contained them. The monitor's control are its own good states, which are entered."""
import re

import pytest

from guests import states
from harness.bare import bare
from harness.console import Console
from harness.describe import describe_web_and, machine
from witness import NO_EFFECT, served

BOOT_SECONDS = 240
ENDLESS = 1000                     # exits that no guest has who does nothing
WEBS_CORE = 2

BAD_STATES = 10                    # tests/programs/badentry.c

MONITOR = f"""\
- name: badentry
  program: badentry
  kernel: tests/guests/hostile.bzimage
  memory: 16M
  no-serial: true
  no-hvc: true
  no-rng: true
  core: 1
  priority: 6
  vcpus:
    - {{ core: {WEBS_CORE}, priority: 4 }}
"""


def guest(deed):
    return f"""\
- name: {deed}
  kernel: tests/guests/hostile.bzimage
  cmdline: {deed}
  memory: 32M
  no-hvc: true
  core: 1
  priority: 6
  vcpus:
    - {{ core: {WEBS_CORE}, priority: 4 }}
"""


@pytest.fixture(scope="module")
def running():
    vms = "".join(map(guest, ["triple", "cr3", "cr4", "step", "halt"])) + MONITOR
    with machine(describe_web_and("cpu-deeds", vms=vms)) as booted:
        booted.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
        yield booted


def cpu_of(bare_machine):
    return bare_machine.qmp.monitor("info registers")


def test_triple_fault(running, verdict):
    running.expect(r"^triple\| .*triple fault", 60, anywhere=True)
    witnesses = served(running, "web")
    with bare("triple") as alone:
        alone.expect("hostile: triple", 20)
        alone.wait_exit(20)
    verdict("E3", "a guest's triple fault", "that VM ends", "the bare machine resets",
            blamed="triple, by its monitor", served=witnesses)


@pytest.mark.parametrize("register", ["cr3", "cr4"])
def test_reserved_bits(running, verdict, register):
    running.expect(rf"{register}\.serial\| hostile: #GP, still here", 60, anywhere=True)
    witnesses = served(running, "web")
    with bare(register) as alone:
        alone.expect(f"hostile: {register}", 20)
        alone.serial.never("still here", 3)
    verdict("E3", f"reserved bits of {register.upper()}", "#GP, the guest goes on",
            "the bare emulated machine stands still", blamed=NO_EFFECT, served=witnesses)


def test_endless_exceptions(running, verdict):
    running.expect(r"step\.serial\| hostile: step", 60, anywhere=True)
    witnesses = served(running, "web")
    counters = "\n".join(Console(running).command("counters"))
    exits = re.search(r"^vcpu\s+step\.vcpu0 .*kernel exits (\d+)", counters, re.MULTILINE)
    assert int(exits.group(1)) > ENDLESS
    with bare("step") as alone:
        alone.expect("hostile: step", 20)
        assert "HLT=0" in cpu_of(alone)
    verdict("E3", "#DB after each instruction", "web's vCPU has its turns on the same core",
            "the bare processor never ends", blamed="step, by its exits", served=witnesses)


def test_halt_without_interrupts(running, verdict):
    running.expect(r"halt\.serial\| hostile: halt", 60, anywhere=True)
    witnesses = served(running, "web")
    assert states(running)["halt"] == "running"
    with bare("halt") as alone:
        alone.expect("hostile: halt", 20)
        alone.serial.never("still here", 1)
        assert "HLT=1" in cpu_of(alone)
    verdict("E3", "HLT with interrupts off", "web's vCPU has its turns on the same core",
            "the bare processor stands still", blamed=NO_EFFECT, served=witnesses)


def test_monitor_with_bad_states(running, verdict):
    running.expect(r"badentry\| badentry: still here", 120, anywhere=True)
    said = dict(re.findall(r"badentry\| badentry: (.+): (.+?)\r?\n", running.serial.text()))
    assert said.pop("good") == "entered, halts"
    assert list(said.values()) == ["refused by the processor"] * BAD_STATES, said
    witnesses = served(running, "web")
    assert states(running)["badentry"] == "running"
    verdict("E3", "a monitor enters with states that no processor has",
            f"{BAD_STATES} states refused, 200 times each", "its good state is entered",
            blamed=NO_EFFECT, served=witnesses)
