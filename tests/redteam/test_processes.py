# SPDX-License-Identifier: BSD-2-Clause
"""Processes that fault, reach for what isn't theirs, or hammer the kernel (ATTACKS.md: D1, E6).

Each runs in a compartment of its own, a dozen on one machine; a peaceful one beside them is the
control of the report, and the console that tells of them is a victim itself.
"""
import re

import pytest

from harness.console import Console
from harness.describe import describe, machine, machine_with_controls
from witness import NO_EFFECT, served

# deed: the x86 exception that must end it (Intel SDM 3, table 6-1)
FAULTS = {
    "null": 14, "code": 14, "kernel": 14, "direct-map": 14, "canonical": 13, "manifest": 14,
    "execute": 14, "undefined": 6, "divide": 0, "privileged": 13, "halt": 13, "cr3": 13, "msr": 13,
    "vmrun": 6, "interrupt": 13, "nmi": 13, "breakpoint": 13, "step": 1, "segment": 13,
    "call-stack": 14, "call-step": 1, "overflow": 14,
}
# D1: what resets, stops or reprograms a PC
PORTS = [0xcf9, 0xcf8, 0x64, 0x92, 0xb2, 0x70, 0x43, 0x604, 0xf4, 0x514, 0x20, 0x3fd]
SECONDS = 60


def compartment(name, deed, core, **settings):
    rows = "".join(f"    - {{ name: {key}, value: \"{value}\" }}\n"
                   for key, value in {"deed": deed, **settings}.items())
    return (f"- name: {name}\n  program: hostile\n  core: {core}\n  priority: 8\n"
            f"  settings:\n{rows}")


# The console has room for the lines of 16 clients.
GROUP = 12


def groups(names):
    return [names[start:start + GROUP] for start in range(0, len(names), GROUP)]


@pytest.fixture(scope="module", params=groups(list(FAULTS)), ids=lambda group: group[0])
def faulty(request):
    parts = [compartment(f"d-{deed}", deed, 1 + index % 3, delay=500 + 200 * index)
             for index, deed in enumerate(request.param)]
    parts.append(compartment("peaceful", "peace", 1))
    with machine(describe("faults", compartments="".join(parts), memory="512M")) as running:
        running.deeds = request.param
        running.expect(r"peaceful\| hostile: peace: still here", SECONDS, anywhere=True)
        yield running


def test_fault_ends_the_process_and_is_told(faulty):
    """Who (the compartment), what (the exception) and where (the address of the instruction)."""
    for deed in faulty.deeds:
        faulty.expect(rf"^bulkhead\| .*\bd-{deed}\b.*\brip 0x[0-9a-f]+: stopped", SECONDS, anywhere=True)
    for deed in faulty.deeds:
        faulty.expect(rf"^d-{deed}\| hostile: {deed}$", SECONDS, anywhere=True)
        faulty.serial.never(rf"hostile: {deed}: still here")


def test_monitor_knows_each_fault(faulty):
    faults = "\n".join(Console(faulty).command("faults"))
    for deed in faulty.deeds:
        assert re.search(rf"^d-{deed}: 1 faults, now faulted; last: vector {FAULTS[deed]}\b", faults,
                         re.MULTILINE), f"{deed}: {faults}"
    assert not re.search(r"^(peaceful|uart|console): ", faults, re.MULTILINE)


def test_faulted_process_can_be_started_again(faulty):
    deed = faulty.deeds[-1]
    console = Console(faulty)
    console.command(f"restart d-{deed}")
    faulty.expect(rf"d-{deed}\| hostile: {deed}", SECONDS)
    faulty.expect(rf"bulkhead\| .*\bd-{deed}\b", SECONDS)


def test_d1_ports_that_are_not_granted_end_the_process(verdict):
    parts = [compartment(f"p-{port:x}", "port", 1 + index % 3, port=port, delay=500)
             for index, port in enumerate(PORTS)]
    with machine(describe("ports", compartments="".join(parts), memory="512M")) as running:
        for port in PORTS:
            running.expect(rf"^bulkhead\| .*\bp-{port:x}\b", SECONDS, anywhere=True)
        running.serial.never("still here")
        faults = "\n".join(Console(running).command("faults"))
        for port in PORTS:
            assert re.search(rf"^p-{port:x}: .* vector 13\b", faults, re.MULTILINE), faults
        witnesses = served(running, "console", "uart")
    path = describe("ports-open", compartments=compartment("p-cf9", "port", 1, delay=500, port=0xcf9),
                    controls=["ports-open"], memory="512M")
    with machine_with_controls(path) as running:
        running.expect(r"p-cf9\| hostile: port", SECONDS, anywhere=True)
        running.wait_exit(SECONDS)
        running.serial.never("still here")
    verdict("D1", "a process writes to 0xcf9, 0x64, 0xb2 and others that reset or reprogram a PC",
            "each write ends the process", "0xcf9 resets the machine",
            blamed="each process, for its fault", served=witnesses)


def test_e6_a_million_senseless_calls_harm_nobody(verdict):
    parts = compartment("caller", "calls", 1) + compartment("peaceful", "peace", 1, delay=3000)
    with machine(describe("calls", compartments=parts, memory="512M")) as running:
        running.expect(r"caller\| hostile: calls: still here", 300)
        running.expect(r"peaceful\| hostile: peace: still here", SECONDS, anywhere=True)
        witnesses = served(running, "caller", "peaceful", "console", "uart")
    entitled = compartment("caller", "calls", 1) + "  machine: [reboot, poweroff]\n"
    with machine(describe("calls-entitled", compartments=entitled, memory="512M")) as running:
        running.wait_exit(300)
        running.serial.never("still here")
    verdict("E6", "a process makes a million kernel calls with senseless arguments",
            "all answered, everybody runs", "granted machine_control, it ends the machine",
            blamed=NO_EFFECT, served=witnesses)
