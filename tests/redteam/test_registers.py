# SPDX-License-Identifier: BSD-2-Clause
"""Registers that lie where somebody else's are: an earlier boot stage (earlier.py) has moved a
device's BAR over another device's (C1), over the I/O APIC (B7), or into a page that it shares
(C8)."""
import pytest

from attack import Target
from earlier import BAR0, COMMAND, by_monitor, config, rom
from harness.describe import describe
from test_dma import IO_APIC, word_at
from witness import NOTHING_STARTS

HERE, SHARED = 0xfd000000, 0xfd200000                # where firmware puts nothing
EDU, CARD = "1234:11e8", "10ec:8139"
VICTIMS, LIVENESS, SECRET = 0x100, 4, 0x5a5a5a5a

# attacker: its device's place, id and model, its BAR, where that lies, what it writes where
CASES = {"c1": ("00:05.0", EDU, "edu", 0, HERE, LIVENESS, SECRET),
         "b7": ("00:06.0", EDU, "edu", 0, IO_APIC, 0, 0x5a),
         "c8": ("00:07.0", CARD, "rtl8139", 1, SHARED, VICTIMS, SECRET)}
VICTIM_EDU, VICTIM_CARD = "00:04.0", "00:08.0"

HARDWARE = """\
- address: {place}
  id: {id}
  model: {model}
  options: {options}
"""
DEVICE = """\
- name: {name}
  as: edu
  pci: {place}
  id: {id}
  dma: true
  {more}
"""
# The last to start: what decodes last has its way with addresses that two claim.
VICTIM = """\
- name: victim
  program: canary
  core: 0
  devices: [victim-edu, victim-card]
  regions:
    - { name: canary, size: 4K, process: rw }
"""
ATTACKER = """\
- name: {name}
  program: dma
  core: 1
  devices: [edu-{name}]
  settings:
    - {{ name: deed, value: poke }}
    - {{ name: target, value: later }}
  regions:
    - {{ name: buffer, size: 4K, process: rw }}
"""


def moved(name, cases, controls=()):
    """A machine on which all BARs are moved, and the attackers of these cases run."""
    writes = config(VICTIM_EDU, BAR0, HERE) + config(VICTIM_CARD, BAR0 + 4, SHARED + VICTIMS)
    devices = DEVICE.format(name="victim-edu", place=VICTIM_EDU, id=EDU, more="")
    devices += DEVICE.format(name="victim-card", place=VICTIM_CARD, id=CARD, more="")
    for case, (place, model_id, _, bar, base, _, _) in CASES.items():
        writes += config(place, BAR0 + 4 * bar, base)
        if case in cases:
            size = "1M" if model_id == EDU else "4K"
            devices += DEVICE.format(name=f"edu-{case}", place=place, id=model_id,
                                     more=f"bars: [{{ bar: {bar}, size: {size}, as: bar0 }}]")
    hardware = HARDWARE.format(place=VICTIM_EDU, id=EDU, model="edu",
                               options=rom(name, EDU, writes))
    hardware += HARDWARE.format(place=VICTIM_CARD, id=CARD, model="rtl8139", options="romfile=")
    for place, model_id, model, *_ in CASES.values():
        hardware += HARDWARE.format(place=place, id=model_id, model=model, options="romfile=")
    attackers = "".join(ATTACKER.format(name=case) for case in cases)
    path = describe(name, compartments=attackers + VICTIM, devices=devices, hardware=hardware,
                    controls=controls, cores=2, memory="512M")
    return Target(path, controls=bool(controls), name=name)


@pytest.fixture(scope="module")
def off():
    with moved("moved-off", list(CASES), ["config-open"]) as running:
        running.expect(r"victim\| canary: intact", 60)
        yield running


def refused(case):
    with moved(f"moved-{case}", [case]) as machine:
        machine.expect(rf"region edu-{case}\.bar\d: these pages of device edu-{case}'s BAR \d hold "
                       "its interrupt table or another", 60)


def poke(off, case):
    _, _, _, _, _, offset, value = CASES[case]
    off.set("target", hex(value << 32 | offset), compartment=case)
    off.expect(rf"{case}\| dma: poke: finished", 30, anywhere=True)


def test_c1_bar_over_another_devices(off, verdict):
    refused("c1")
    poke(off, "c1")
    by_monitor(off, config(CASES["c1"][0], COMMAND, 0))     # so only the victim's device answers
    assert word_at(off, HERE + LIVENESS) == 0xffffffff - SECRET
    verdict("C1", "a BAR that firmware left over another device's", "plan refused, device named",
            "the victim's registers changed",
            blamed="edu-c1", served=NOTHING_STARTS)


def test_c8_page_of_two_devices(off, verdict):
    refused("c8")
    poke(off, "c8")
    assert word_at(off, SHARED + VICTIMS) == SECRET
    verdict("C8", "a page that holds two devices' registers", "plan refused, device named",
            "the neighbour's registers changed",
            blamed="edu-c8", served=NOTHING_STARTS)


def test_b7_bar_over_the_io_apic(off, verdict):
    refused("b7")
    poke(off, "b7")
    assert word_at(off, IO_APIC) == 0x5a
    verdict("B7", "a BAR that firmware left over the I/O APIC", "plan refused, device named",
            "its select register changed",
            blamed="edu-b7", served=NOTHING_STARTS)
