# SPDX-License-Identifier: BSD-2-Clause
"""Devices behind a bridge to conventional PCI, all of which appear under one requester id (A4), and
what follows from it for owners (C7). The description doesn't tell of the bridge, so that it is the
kernel that has to find out; what `bulkhead check` says is in tests/descriptions."""
from attack import CANARY, PATTERN, Target
from harness.describe import describe
from test_dma import IOVA
from witness import NOTHING_STARTS

BRIDGE = ["-device", "pcie-pci-bridge,id=below,bus=pcie.0,addr=5"]
EDU = "edu,bus=below,addr={},dma_mask=0xffffffffffffffff"
HARDWARE = """\
- address: "01:0{slot}.0"
  id: 1234:11e8
"""
DEVICE = """\
- name: edu-{slot}
  as: edu
  pci: "01:0{slot}.0"
  id: 1234:11e8
  dma: true
  bars:
    - {{ bar: 0, size: 1M }}
"""
ATTACKER = f"""\
- name: attacker
  program: dma
  core: 1
  devices: [edu-1]
  settings:
    - {{ name: deed, value: write }}
    - {{ name: target, value: later }}
  regions:
    - {{ name: buffer, size: 4K, process: rw, device: edu-1, dma: rw, iova: "{IOVA // 2:#x}" }}
"""
# The last to start, so that the one space that the bridge's id can have is the victim's.
VICTIM = """\
- name: victim
  program: canary
  core: 0
  devices: %s
  regions:
    - { name: canary, size: 4K, process: rw%s }
"""
ALONE = VICTIM % ("[]", "")
NEIGHBOUR = VICTIM % ("[edu-2]", f', device: edu-2, dma: rw, iova: "{IOVA:#x}"')


def behind_bridge(name, victim, slots, controls=()):
    path = describe(name, compartments=ATTACKER + victim, cores=2, memory="512M", controls=controls,
                    hardware="".join(HARDWARE.format(slot=slot) for slot in slots),
                    devices="".join(DEVICE.format(slot=slot) for slot in slots))
    devices = [part for slot in slots for part in ("-device", EDU.format(slot))]
    return Target(path, controls=bool(controls), name=name, extra=BRIDGE + devices)


def test_a4_alias_behind_a_bridge(verdict):
    """The space that is attached to the alias is the device's own, no less and no more."""
    with behind_bridge("a4", ALONE, [1]) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        address = machine.canary()
        machine.set("target", hex(address))
        machine.expect(rf'fault: device "edu-1" \(01:00\.0\) of "attacker": DMA write to '
                       rf"{address:#x} denied", 30, anywhere=True)
        assert machine.bytes_at(address) == CANARY
        machine.serial.never("DMA read of")
        machine.serial.mark()
        machine.expect(r"victim\| canary: intact", 15)
    with behind_bridge("a4-off", ALONE, [1], ["dma-open"]) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        address = machine.canary()
        machine.set("target", hex(address))
        machine.expect(r"attacker\| dma: write: finished", 30)
        assert machine.bytes_at(address) == PATTERN
    verdict("A4", "edu behind a bridge writes under the bridge's id", "fault named, canary intact",
            "canary overwritten",
            blamed="edu-1 of attacker", served="victim")


def test_c7_group_of_two_owners(verdict):
    with behind_bridge("c7", NEIGHBOUR, [1, 2]) as machine:
        machine.expect(r'plan refused: devices "edu-1" \(01:01\.0\) of "attacker" and "edu-2" '
                       r'\(01:02\.0\) of "victim" can\'t be kept apart: they share a conventional '
                       "PCI bus", 60)
    with behind_bridge("c7-off", NEIGHBOUR, [1, 2], ["no-source-check"]) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        address = machine.canary()
        machine.set("target", hex(IOVA))
        machine.expect(r"victim\| canary: SPOILED", 15)
        assert machine.bytes_at(address) != CANARY
    verdict("C7", "two owners of one isolation group", "plan refused, both named",
            "one writes where only the other's device may",
            blamed="both devices and owners", served=NOTHING_STARTS)
