# SPDX-License-Identifier: BSD-2-Clause
"""What a driver may do with its device: granted DMA, interrupts and their limit, the reset ladder,
quarantine; and what is refused at boot: a split isolation group, DMA without an IOMMU."""
import pytest

from harness.console import Console
from harness.describe import FOLDER, describe
from harness.machine import Machine

HARDWARE = """\
- address: "%s"
  id: 1234:11e8
"""

DEVICE = """\
- name: edu
  pci: "%s"
  id: 1234:11e8
  dma: true
  msi: true
  storm-limit: 100
  bars:
    - { bar: 0, size: 1M }
"""

DRIVER = """\
- name: driver
  program: dma
  core: 1
  devices: [edu]
  settings:
    - { name: deed, value: %s }
  regions:
    - { name: buffer, size: 4K, process: rw, device: edu, dma: rw, iova: "0x2000000000" }
"""

PORT = ["-device", "pcie-root-port,id=under,bus=pcie.0,addr=3,chassis=1,slot=1"]
ON_ROOT, BEHIND_PORT = "00:04.0", "01:00.0"


def edu(name, deed, place=ON_ROOT, iommu="vt-d"):
    path = describe(name, compartments=DRIVER % deed, devices=DEVICE % place,
                    hardware=HARDWARE % place, cores=2, memory="512M", iommu=iommu)
    device = "edu,dma_mask=0xffffffffffffffff," + ("addr=4" if place == ON_ROOT else "bus=under")
    port = [] if place == ON_ROOT else PORT
    return Machine(Machine.command_of(path, "-o", FOLDER) + port + ["-device", device], name=name)


# QEMU's AMD-Vi takes a device behind a port for another one.
@pytest.mark.parametrize("place, iommu", [(ON_ROOT, "vt-d"), (BEHIND_PORT, "vt-d"),
                                          (ON_ROOT, "amd-vi")])
def test_granted_dma_works(place, iommu):
    with edu("dma-inside", "inside", place, iommu) as machine:
        machine.expect(r"driver\| dma: inside: the data came back", 60)
        machine.serial.never("fault:")


@pytest.mark.parametrize("unit, refused", [
    ("intremap=on,aw-bits=39", None),                  # tables of three levels
    ("intremap=on,eim=on,aw-bits=48", None),
    ("intremap=off,aw-bits=48", "has no interrupt remapping"),
])
def test_other_remapping_units(unit, refused):
    use_unit("intel-iommu", unit, refused)


def test_amd_vi_without_interrupt_remapping():
    use_unit("amd-iommu", "intremap=off,pt=off", "has no interrupt remapping")


def use_unit(kind, unit, refused):
    arguments = [f"{kind},{unit}" if argument.startswith("intel-iommu") else argument
                 for argument in edu("dma-unit", "inside").arguments]
    with Machine(arguments, name="dma-unit") as machine:
        if refused is None:
            machine.expect(r"driver\| dma: inside: the data came back", 60)
        else:
            machine.expect(refused, 60)
            machine.expect("plan refused: .*no usable IOMMU", 60)


@pytest.mark.parametrize("iommu", ["vt-d", "amd-vi"])
def test_interrupts_arrive_and_are_limited(iommu):
    with edu("dma-interrupt", "interrupt", iommu=iommu) as machine:
        machine.expect(r"driver\| dma: interrupt: 1 arrived", 60)
        machine.expect(r"driver\| dma: interrupt: 1 after the storm", 60)
        machine.expect(r'interrupt ".*" of device "edu" of "driver": more than 100 in 10 ms: masked',
                       10, anywhere=True)


def test_reset_behind_a_port():
    with edu("dma-reset", "reset", BEHIND_PORT) as machine:
        machine.expect(r'device "edu": 01:00\.0, owner "driver", reset: reset of the bus', 60)
        machine.expect(r"driver\| dma: inside: the data came back", 60)
        machine.expect(r"driver\| dma: reset: state 1", 60)
        machine.expect(r"driver\| dma: inside: the data came back", 60)


def test_driver_restarts_behind_a_port():
    with edu("dma-restart", "inside", BEHIND_PORT) as machine:
        machine.expect(r"driver\| dma: inside: finished", 60)
        Console(machine).command("restart driver")
        machine.expect(r"driver\| dma: inside: the data came back", 60)


def test_device_that_cannot_be_reset_is_quarantined():
    with edu("dma-stuck", "reset") as machine:
        machine.expect(r'device "edu" \(00:04\.0\) of "driver": there is no way to reset it.*: '
                       r"quarantined", 60)
        machine.expect(r"driver\| dma: reset: state 4", 60, anywhere=True)
        machine.expect(r"driver\| dma: the device mayn't master the bus any more", 60, anywhere=True)


# Behind a bridge to conventional PCI, of which the description doesn't tell.
NEIGHBOURS = """\
- name: first
  pci: "01:01.0"
  id: 1234:11e8
  dma: true
- name: second
  pci: "01:02.0"
  id: 1234:11e8
  dma: true
"""
OWNERS = """\
- name: one
  program: hello
  core: 0
  devices: [first]
- name: two
  program: hello
  core: 0
  devices: [second]
"""


def test_split_group_is_refused():
    path = describe("dma-split", compartments=OWNERS, devices=NEIGHBOURS, cores=1, memory="512M",
                    hardware=HARDWARE % "01:01.0" + HARDWARE % "01:02.0")
    devices = ["-device", "pcie-pci-bridge,id=below,bus=pcie.0,addr=5",
               "-device", "edu,bus=below,addr=1", "-device", "edu,bus=below,addr=2"]
    with Machine(Machine.command_of(path, "-o", FOLDER) + devices, name="dma-split") as machine:
        machine.expect(r'plan refused: devices "first" \(01:01\.0\) of "one" and "second" '
                       r'\(01:02\.0\) of "two" can\'t be kept apart: they share a conventional PCI '
                       r"bus and its requester id: give them to one owner, and only one of them", 60)


def test_dma_without_an_iommu_is_refused():
    path = describe("dma-no-iommu", compartments=DRIVER % "inside", devices=DEVICE % ON_ROOT,
                    hardware=HARDWARE % ON_ROOT, cores=2, memory="512M")
    arguments = Machine.command_of(path, "-o", FOLDER)
    at = next(i for i, argument in enumerate(arguments) if argument.startswith("intel-iommu"))
    arguments = arguments[:at - 1] + arguments[at + 1:] + ["-device", "edu,addr=4"]
    with Machine(arguments, name="dma-no-iommu") as machine:
        machine.expect(r'plan refused: device "edu" \(00:04\.0\) of "driver" may use DMA, but this '
                       r"machine has no usable IOMMU", 60)
