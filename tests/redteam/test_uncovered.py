# SPDX-License-Identifier: BSD-2-Clause
"""A3: a device that no remapping unit covers. QEMU makes such a one behind a second root bus that
bypasses the IOMMU. It is refused by name; marked unsafe, it reaches everything."""
from attack import CANARY, Target
from harness.describe import describe
from witness import NOTHING_STARTS

BYPASS = ["-device", "pxb-pcie,id=second,bus_nr=32,bus=pcie.0,bypass_iommu=on",
          "-device", "pcie-root-port,id=under,bus=second,chassis=1,slot=1",
          "-device", "edu,bus=under,dma_mask=0xffffffffffffffff"]

HARDWARE = """\
- address: "21:00.0"
  id: 1234:11e8
"""

DEVICE = """\
- name: edu
  pci: "21:00.0"
  id: 1234:11e8
  dma: true
  %s
  bars:
    - { bar: 0, size: 1M }
"""

COMPARTMENTS = """\
- name: victim
  program: canary
  core: 0
  regions:
    - { name: canary, size: 4K, process: rw }
- name: attacker
  program: dma
  core: 1
  devices: [edu]
  settings:
    - { name: deed, value: %s }
    - { name: target, value: later }
  regions:
    - { name: buffer, size: 4K, process: rw, device: edu, dma: rw, iova: "0x2000000000" }
"""


def target(name, deed, unsafe):
    path = describe(name, compartments=COMPARTMENTS % deed, cores=2, memory="512M", hardware=HARDWARE,
                    devices=DEVICE % ("unsafe: true" if unsafe else "fault-limit: 64"))
    return Target(path, name=name, extra=BYPASS)


def test_a3_device_without_a_unit(verdict):
    with target("a3", "write", unsafe=False) as machine:
        machine.expect(r'plan refused: device "edu" \(21:00\.0\) of "attacker" may use DMA, but no '
                       r"IOMMU unit covers it", 60)
    with target("a3-off", "write", unsafe=True) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        address = machine.canary()
        machine.set("target", hex(address))
        machine.expect(r"attacker\| dma: write: finished", 30)
        assert machine.bytes_at(address) != CANARY
        machine.expect(r"victim\| canary: SPOILED", 15)
    verdict("A3", "a DMA device that no IOMMU unit covers", "plan refused, device and owner named",
            "marked unsafe: canary overwritten",
            blamed="edu of attacker", served=NOTHING_STARTS)
