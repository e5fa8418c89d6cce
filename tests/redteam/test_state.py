# SPDX-License-Identifier: BSD-2-Clause
"""State that must not pass from one to another (E1), and resources that can't be used up (B8)."""
import re

from harness.console import Console
from harness.describe import describe, machine, machine_with_controls
from test_processes import compartment
from witness import NO_EFFECT, served

SECONDS = 120
RESTARTS = 20


def fpu_compartment(role):
    return (f"- name: {role}\n  program: fpu\n  core: 1\n  priority: 8\n  budget: 2ms\n"
            f"  period: 4ms\n  settings:\n    - {{ name: role, value: {role} }}\n")


def fpu_leaks(controls):
    """How often the spy saw the keeper's secret, and how often the keeper lost its own state."""
    path = describe("fpu-leak" if controls else "fpu", cores=2, memory="256M", controls=controls,
                    compartments=fpu_compartment("keeper") + fpu_compartment("spy"))
    start = machine_with_controls if controls else machine
    with start(path) as running:
        saw = running.expect(r"spy\| fpu: spy: saw the secret (\d+) times", SECONDS, anywhere=True)
        lost = running.expect(r"keeper\| fpu: keeper: lost its state (\d+) times", SECONDS,
                              anywhere=True)
        return int(saw.group(1)), int(lost.group(1))


def test_e1_vector_state_stays_in_its_compartment(verdict):
    assert fpu_leaks([]) == (0, 0)
    saw, lost = fpu_leaks(["no-fpu-switch"])
    assert saw > 0 or lost > 0
    verdict("E1", "vector registers read by another process", "never seen, never lost",
            f"seen {saw}, lost {lost} times", blamed=NO_EFFECT, served="keeper, spy")


def memory_used(console):
    status = "\n".join(console.command("status"))
    return re.search(r"memory .* of which (.*) used", status).group(1)


def test_b8_nothing_is_used_up(verdict):
    """A million calls of all kinds, and many restarts: no call allocates, no restart leaks."""
    parts = compartment("caller", "calls", 1, delay=500)
    with machine(describe("exhaustion", compartments=parts, cores=2, memory="256M")) as running:
        running.expect(r"caller\| hostile: calls$", SECONDS, anywhere=True)
        console = Console(running)
        before = memory_used(console)
        running.expect(r"caller\| hostile: calls: still here", 300, anywhere=True)
        for _ in range(RESTARTS):
            console.command("restart caller")
            running.expect(r"caller\| hostile: calls$", SECONDS)
        assert memory_used(console) == before
        faults = "\n".join(console.command("faults"))
        assert not re.search(r"^(uart|console): ", faults, re.MULTILINE), faults
        witnesses = served(running, "caller", "console", "uart")
    verdict("B8", "a million calls and 20 restarts to use kernel memory up", f"{before} used, as before",
            "none: no call allocates", blamed=NO_EFFECT, served=witnesses)
