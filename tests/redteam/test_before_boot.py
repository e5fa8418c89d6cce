# SPDX-License-Identifier: BSD-2-Clause
"""A2: an earlier boot stage leaves a network card receiving into memory that is somebody's later.

An option ROM programs the card; the test lays the ring of receive descriptors into RAM, where
nobody else is, aims it at the canary, and sends frames from outside.
"""
import time

from attack import CANARY, VICTIM, Air, Target
from earlier import BAR0, COMMAND, IO, MASTER, MEMORY, config, receiver, ring_of, rom
from harness.describe import describe
from harness.machine import PATIENCE
from witness import NO_EVENT

PLACE, ID, PORT = "00:04.0", "8086:10d3", 0xd100
RING, DESCRIPTORS = 0x1e000000, 64
RING_DENIED = rf'fault: device "nic" \(00:04\.0\) of "owner": DMA read of {RING:#x} denied'

HARDWARE = f"""\
- address: {PLACE}
  id: {ID}
  model: e1000e
  options: netdev=air,%s
"""
DEVICE = f"""\
- name: nic
  as: edu
  pci: {PLACE}
  id: {ID}
  dma: true
  bars:
    - {{ bar: 0, size: 128K }}
"""
COMPARTMENTS = VICTIM + """\
- name: owner
  program: dma
  core: 1
  devices: [nic]
  settings:
    - { name: deed, value: idle }
    - { name: target, value: later }
  regions:
    - { name: buffer, size: 4K, process: rw, device: nic, dma: rw }
"""
ARMED = [*config(PLACE, BAR0 + 8, PORT), *config(PLACE, COMMAND, IO | MEMORY | MASTER),
         *receiver(PORT, RING, DESCRIPTORS)]


def left_running(name, controls=(), iommu="vt-d"):
    """The machine, its ring aimed at the canary, and the air through which frames come."""
    air = Air()
    path = describe(name, compartments=COMPARTMENTS, devices=DEVICE, cores=2, memory="512M",
                    hardware=HARDWARE % rom(name, ID, ARMED), controls=controls, iommu=iommu)
    machine = Target(path, controls=bool(controls), name=name, extra=air.arguments())
    machine.start()
    machine.expect(r"victim\| canary: intact", 60)
    address = machine.canary()
    ring = ring_of(address, DESCRIPTORS)
    assert machine.bytes_at(RING, len(ring)) == bytes(len(ring))
    machine.ram[RING:RING + len(ring)] = ring
    air.blow()
    return machine, address, air


def master_again(machine, air):
    """The owner turns bus mastering on, without a reset, and frames come."""
    machine.set("target", "1", compartment="owner")
    machine.expect(r"owner\| dma: device .*: idle", 30)
    air.blow()


def control(name, iommu="vt-d"):
    machine, address, air = left_running(name, ["no-quiesce", "dma-open"], iommu)
    machine.expect(r"victim\| canary: SPOILED", 15)
    assert machine.bytes_at(address) == air.FRAME[:64]
    machine.stop()


def test_a2_device_left_running_before_boot(verdict):
    machine, address, air = left_running("a2")
    time.sleep(0.5 * PATIENCE)
    assert machine.bytes_at(address) == CANARY
    machine.serial.never("fault:")
    master_again(machine, air)
    machine.expect(RING_DENIED, 30, anywhere=True)
    assert machine.bytes_at(address) == CANARY
    machine.stop()
    machine, address, _ = left_running("a2-on", ["no-quiesce"])
    machine.expect(RING_DENIED, 30, anywhere=True)
    assert machine.bytes_at(address) == CANARY
    machine.stop()
    control("a2-off")
    verdict("A2", "a network card that an earlier boot stage left receiving",
            "silent; mastering on again: fault named",
            "left on, all memory open: canary overwritten",
            blamed="nic of owner", served="victim")


def test_a2_on_amd_vi(verdict):
    """QEMU's AMD-Vi tells of no fault, so the canary alone is what is judged."""
    machine, address, air = left_running("a2-amd", iommu="amd-vi")
    time.sleep(0.5 * PATIENCE)
    assert machine.bytes_at(address) == CANARY
    master_again(machine, air)
    time.sleep(0.5 * PATIENCE)
    assert machine.bytes_at(address) == CANARY
    machine.serial.mark()
    machine.expect(r"victim\| canary: intact", 20)
    machine.stop()
    control("a2-amd-off", "amd-vi")
    verdict("A2", "AMD-Vi: a network card that an earlier boot stage left receiving",
            "canary intact, also with mastering on again",
            "left on, all memory open: canary overwritten",
            blamed=NO_EVENT, served="victim")
