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


def left_running(name, controls=()):
    """The machine, its ring aimed at the canary, and the air through which frames come."""
    air = Air()
    path = describe(name, compartments=COMPARTMENTS, devices=DEVICE, cores=2, memory="512M",
                    hardware=HARDWARE % rom(name, ID, ARMED), controls=controls)
    machine = Target(path, controls=bool(controls), name=name, extra=air.arguments())
    machine.start()
    machine.expect(r"victim\| canary: intact", 60)
    address = machine.canary()
    ring = ring_of(address, DESCRIPTORS)
    assert machine.bytes_at(RING, len(ring)) == bytes(len(ring))
    machine.ram[RING:RING + len(ring)] = ring
    air.blow()
    return machine, address, air


def test_a2_device_left_running_before_boot(verdict):
    machine, address, air = left_running("a2")
    time.sleep(0.5 * PATIENCE)
    assert machine.bytes_at(address) == CANARY
    machine.serial.never("fault:")
    machine.set("target", "1", compartment="owner")      # turns bus mastering on, without a reset
    machine.expect(r"owner\| dma: device .*: idle", 30)
    air.blow()
    machine.expect(RING_DENIED, 30, anywhere=True)
    assert machine.bytes_at(address) == CANARY
    machine.stop()
    machine, address, _ = left_running("a2-on", ["no-quiesce"])
    machine.expect(RING_DENIED, 30, anywhere=True)
    assert machine.bytes_at(address) == CANARY
    machine.stop()
    machine, address, air = left_running("a2-off", ["no-quiesce", "dma-open"])
    machine.expect(r"victim\| canary: SPOILED", 15)
    assert machine.bytes_at(address) == air.FRAME[:64]
    machine.stop()
    verdict("A2", "a network card that an earlier boot stage left receiving",
            "silent; mastering on again: fault named",
            "left on, all memory open: canary overwritten",
            blamed="nic of owner", served="victim")
