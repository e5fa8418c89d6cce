# SPDX-License-Identifier: BSD-2-Clause
"""The others' service goes on: guest web's page is fetched between and during the attacks of
test_dma.py, test_interrupts.py and test_processes.py, all mounted on one machine by hostile
compartments of their own, one after the other. Their positive controls are in those files."""
import re
import time

import pytest

from attack import CANARY, PATTERN, VICTIM, Target
from harness.console import Console
from harness.describe import describe_web_and
from test_dma import ECAM_OF_SATA, INTERRUPT_LINE, IO_APIC, IOVA, VTD, word_at
from test_interrupts import TABLE
from test_processes import compartment

PAGE = "Hello from guest web"
DEEDS = {"a1-write": "write", "a1-read": "read", "a6-ecam": "write", "a6-ioapic": "write",
         "a7": "leave", "a9": "neighbour", "a10": "write", "a14": "storm"}

ATTACKER = """\
- name: {name}
  program: dma
  core: {core}
  priority: 8
  devices: [edu-{name}]
  settings:
    - {{ name: deed, value: {deed} }}
    - {{ name: target, value: later }}
  regions:
    - {{ name: buffer, size: 4K, process: rw, device: edu-{name}, dma: rw, iova: "{iova:#x}" }}
"""
EDU_HARDWARE = """\
- address: 00:{slot:02x}.0
  id: 1234:11e8
  model: edu
  options: dma_mask=0xffffffffffffffff
"""
EDU = """\
- name: edu-{name}
  as: edu
  pci: 00:{slot:02x}.0
  id: 1234:11e8
  dma: true
  bars:
    - {{ bar: 0, size: 1M }}
"""
PORTS = """\
- name: a13
  program: fwcfg
  core: 1
  priority: 8
  settings:
    - { name: command, value: later }
    - { name: target, value: later }
  regions:
    - { name: command, size: 4K, process: rw }
"""
SPOOFER_HARDWARE = """\
- address: 00:05.0
  id: 8086:10d3
  model: e1000e
"""
SPOOFER_DEVICE = """\
- name: second-nic
  as: nic
  pci: 00:05.0
  id: 8086:10d3
  dma: true
  msix: 1
  bars:
    - { bar: 0, size: 128K }
"""
SPOOFER = """\
- name: b2
  program: msix
  core: 1
  priority: 8
  devices: [second-nic]
  settings:
    - { name: entry, value: "1" }
"""
FIRST_SLOT = 8
CALLS = 1_000_000
# Told by the kernel and by its counters: the console has no line to spare for these.
STARTED_LATER = "  stopped: true\n  quiet: true\n"


def everybody():
    """The MSI-X table of the spoofer's device is open to it, or it couldn't send such messages."""
    compartments, devices, hardware = VICTIM + PORTS + SPOOFER, SPOOFER_DEVICE + TABLE, SPOOFER_HARDWARE
    compartments += compartment("d1", "port", 1, port=0xcf9) + STARTED_LATER
    compartments += compartment("e6", "calls", 2) + STARTED_LATER
    for number, (name, deed) in enumerate(DEEDS.items()):
        fields = {"name": name, "deed": deed, "slot": FIRST_SLOT + number, "iova": IOVA,
                  "core": 1 + number % 2}
        compartments += ATTACKER.format(**fields)
        devices += EDU.format(**fields)
        hardware += EDU_HARDWARE.format(**fields)
    return describe_web_and("under-fire", compartments=compartments, devices=devices,
                            hardware=hardware, controls=["config-open"])


@pytest.fixture(scope="module")
def machine():
    with Target(everybody(), controls=True, memory="2G", name="under-fire") as running:
        running.curl_until(PAGE, timeout=180)
        running.expect(r"victim\| canary: intact", 60, anywhere=True)
        yield running


def served(machine):
    machine.curl_until(PAGE, timeout=30)
    machine.serial.mark()
    machine.expect(r"victim\| canary: intact", 20)


def attack(machine, name, target, denied):
    """One attacker goes; its fault must be told with its own name while the page is served."""
    served(machine)
    machine.set("target", hex(target), compartment=name)
    machine.expect(rf'fault: device "edu-{name}" \(.*\) of "{name}": {denied}', 60, anywhere=True)
    served(machine)


def test_web_serves_during_a1(machine):
    address = machine.canary()
    attack(machine, "a1-write", address, f"DMA write to {address:#x} denied")
    attack(machine, "a1-read", address, f"DMA read of {address:#x} denied")
    assert machine.bytes_at(address) == CANARY


def test_web_serves_during_a6(machine):
    line, select = word_at(machine, ECAM_OF_SATA + INTERRUPT_LINE), word_at(machine, IO_APIC)
    attack(machine, "a6-ecam", ECAM_OF_SATA, f"DMA write to {ECAM_OF_SATA:#x} denied")
    attack(machine, "a6-ioapic", IO_APIC, f"DMA write to {IO_APIC:#x} denied")
    assert word_at(machine, ECAM_OF_SATA + INTERRUPT_LINE) == line
    assert word_at(machine, IO_APIC) != 0x5a or select == 0x5a


def test_web_serves_during_a7(machine):
    served(machine)
    machine.set("target", "1", compartment="a7")
    machine.expect(r"bulkhead\| a7\.0: ", 60, anywhere=True)
    served(machine)
    assert machine.search(PATTERN) < 0


def test_web_serves_during_a9(machine):
    attack(machine, "a9", 1, f"DMA write to {IOVA + 4096:#x} denied")


def test_web_serves_during_a10(machine):
    table = word_at(machine, VTD + 0x20) & ~0xfff
    before = machine.bytes_at(table)
    attack(machine, "a10", table, f"DMA write to {table:#x} denied")
    assert machine.bytes_at(table) == before


def test_web_serves_during_a13(machine):
    address = machine.canary()
    served(machine)
    machine.set("command", hex(machine.find(b"\xc3" * 64) - 64), compartment="a13")
    machine.set("target", hex(address), compartment="a13")
    machine.expect(r"bulkhead\| a13\.0: .*port", 60, anywhere=True)
    served(machine)
    assert machine.bytes_at(address) == CANARY


def test_web_served_during_b2(machine):
    machine.expect(r'fault: device "second-nic" .* of "b2": interrupt through entry 0x1 denied: '
                   r"interrupt entry of another device", 60, anywhere=True)
    served(machine)


def test_web_serves_during_d1(machine):
    served(machine)
    Console(machine).command("start d1")
    machine.expect(r"bulkhead\| d1\.0: .*rip 0x[0-9a-f]+: stopped", 60, anywhere=True)
    served(machine)


def calls_made(console):
    rows = "\n".join(console.command("counters thread"))
    return int(re.search(r"e6\.0 .* calls (\d+)", rows).group(1))


def test_web_serves_during_e6_and_b8(machine):
    console = Console(machine)
    console.command("start e6")
    deadline = time.monotonic() + 300
    while calls_made(console) < CALLS:
        served(machine)
        assert time.monotonic() < deadline
    served(machine)


def test_web_serves_during_a_storm_of_faults(machine, verdict):
    address = machine.canary()
    attack(machine, "a14", address, f"DMA write to {address:#x} denied")
    machine.expect(r'device "edu-a14" of "a14" reached its limit', 120, anywhere=True)
    served(machine)
    verdict("all", "guest web's page during A1 A6 A7 A9 A10 A13 B2 D1 E6, a fault storm",
            "served all the while", "see each",
            blamed="each attacker", served="web, victim")
