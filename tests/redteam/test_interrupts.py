# SPDX-License-Identifier: BSD-2-Clause
"""Interrupt attacks by a hostile driver of an e1000e: another device's remapping entry (B2), and the
MSI-X table (B3); and by one of an edu: an interrupt message of its own by a DMA write (B1)."""
import re
import time

from attack import Target
from harness.describe import describe
from harness.machine import PATIENCE
from witness import NO_EVENT

HARDWARE = """\
- address: 00:04.0
  id: 1234:11e8
  model: edu
- address: 00:05.0
  id: 8086:10d3
  model: e1000e
"""

# The serial port's interrupt is number 0 of the plan, edu's is 1, the network card's 2.
VICTIMS_ENTRY, NOBODYS_ENTRY = 1, 100

DEVICES = """\
- name: edu
  pci: 00:04.0
  id: 1234:11e8
  dma: true
  msi: true
- name: nic
  pci: 00:05.0
  id: 8086:10d3
  dma: true
  msix: 1
  bars:
    - { bar: 0, size: 128K }
"""
TABLE = "    - { bar: 3, size: 16K }\n"

COMPARTMENTS = """\
- name: victim
  program: canary
  core: 0
  devices: [edu]
  regions:
    - { name: canary, size: 4K, process: rw }
- name: attacker
  program: msix
  core: 1
  devices: [nic]
  settings:
    - { name: entry, value: "%d" }
"""


def target(name, entry=VICTIMS_ENTRY, controls=(), table=True):
    path = describe(name, compartments=COMPARTMENTS % entry, hardware=HARDWARE, cores=2,
                    memory="512M", devices=DEVICES + (TABLE if table else ""), controls=controls)
    return Target(path, controls=bool(controls), name=name)


def fault_named(machine, entry, reason):
    machine.expect(r'fault: device "nic" \(00:05\.0\) of "attacker": interrupt through entry '
                   rf"{entry:#x} denied: {reason}", 60, anywhere=True)


def service_goes_on(machine):
    machine.serial.mark()
    machine.expect(r"victim\| canary: intact", 15)


def test_b2_entry_of_another_device(verdict):
    """The table is laid open in both runs: what is judged is the check of the requester's id."""
    with target("b2", controls=["config-open"]) as machine:
        machine.expect(r"attacker\| msix: sent", 60)
        fault_named(machine, VICTIMS_ENTRY, "interrupt entry of another device")
        machine.serial.never(r"victim\| canary: an interrupt")
        service_goes_on(machine)
    with target("b2-off", controls=["config-open", "no-source-check"]) as machine:
        machine.expect(r"victim\| canary: an interrupt arrived", 60)
    verdict("B2", "e1000e sends through another device's remapping entry", "fault named, no interrupt",
            "the victim was interrupted",
            blamed="nic of attacker", served="victim")


def test_b2_entry_of_nobody():
    with target("b2-nobody", NOBODYS_ENTRY, ["config-open"]) as machine:
        machine.expect(r"attacker\| msix: sent", 60)
        fault_named(machine, NOBODYS_ENTRY, "interrupt entry not given to anybody")
        service_goes_on(machine)


def table_of(machine):
    """Where the network card's BAR 3 is."""
    text = machine.qmp.monitor("info pci")
    card = text[text.index("device   5, function 0"):]
    return int(re.search(r"BAR3: .* at (0x[0-9a-f]+)", card).group(1), 16)


def test_b3_the_msix_table(verdict):
    with target("b3") as machine:
        machine.expect(r"region nic\.bar3: .*BAR 3 hold its interrupt table", 60)
    with target("b3-closed", table=False) as machine:
        machine.expect(r"attacker\| msix: sent", 60)
        service_goes_on(machine)
    with target("b3-off", controls=["config-open"]) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        machine.expect(r"attacker\| msix: the table says", 60)
        time.sleep(0.2 * PATIENCE)
        text = machine.qmp.monitor(f"xp /1xw {table_of(machine):#x}")
        assert int(text.split(":")[1].strip(), 16) == 0xfee00010 | VICTIMS_ENTRY << 5
    verdict("B3", "a driver is granted its MSI-X table", "plan refused",
            "the driver redirected its message",
            blamed="nic.bar3", served="victim")


FORGER_HARDWARE = """\
- address: 00:06.0
  id: 1234:11e8
  model: edu
  options: dma_mask=0xffffffffffffffff
"""

FORGER_DEVICE = """\
- name: forger
  as: edu
  pci: 00:06.0
  id: 1234:11e8
  dma: true
  bars:
    - { bar: 0, size: 1M }
"""

# The message in the plain format: to core 0, the vector of the victim's interrupt.
CORE_0 = 0xfee00000
INTERRUPTED = "victim| canary: an interrupt arrived"
VICTIMS_VECTOR = 0x30 + VICTIMS_ENTRY                # kernel/core/interrupt.h

FORGER = """\
- name: forger
  program: dma
  core: 1
  devices: [forger]
  settings:
    - { name: deed, value: forge }
    - { name: target, value: later }
  regions:
    - { name: buffer, size: 4K, process: rw, device: forger, dma: rw, iova: "0x2000000000" }
"""


def forge(machine):
    """Sends the forger off. Answers whether the victim was interrupted since."""
    before = len(machine.serial.text())
    machine.set("target", hex(VICTIMS_VECTOR << 32 | CORE_0), compartment="forger")
    machine.expect(r"forger\| dma: forge: finished", 60)
    machine.expect(r"victim\| canary: intact", 15)
    return INTERRUPTED in machine.serial.text()[before:]


def amd_vi(name, controls=()):
    """Both attackers on one machine; its MSI-X table is open to the one in any case."""
    vector = f'    - {{ name: vector, value: "{VICTIMS_VECTOR:#x}" }}\n'
    path = describe(name, compartments=COMPARTMENTS % 0 + vector + FORGER, cores=2, memory="512M",
                    hardware=HARDWARE + FORGER_HARDWARE, devices=DEVICES + TABLE + FORGER_DEVICE,
                    controls=["config-open", *controls], iommu="amd-vi")
    return Target(path, controls=True, name=name)


def test_b1_and_b2_on_amd_vi(verdict):
    """QEMU tells of no event, so the victim's interrupts are what is judged."""
    with amd_vi("b1-amd") as machine:
        machine.expect(r"attacker\| msix: sent", 60)
        assert not forge(machine)
        assert INTERRUPTED not in machine.serial.text()
    with amd_vi("b1-amd-off", ["no-source-check"]) as machine:
        machine.expect(r"attacker\| msix: sent", 60)
        assert INTERRUPTED in machine.serial.text()
        time.sleep(PATIENCE)
        assert forge(machine)
    verdict("B1", "AMD-Vi: edu writes an interrupt message of its own", "no interrupt",
            "the victim was interrupted", blamed=NO_EVENT, served="victim")
    verdict("B2", "AMD-Vi: e1000e sends another device's vector", "no interrupt",
            "the victim was interrupted", blamed=NO_EVENT, served="victim")
