# SPDX-License-Identifier: BSD-2-Clause
"""DMA attacks (A1, A6, A7, A9, A10) by a hostile driver of QEMU's edu device.

Each runs twice: under the shipped kernel, where the victim's memory must stay as it is and the fault
must name the device and its owner; and with that one protection off, where the same attack must
succeed, so that the first run isn't empty.
"""
import time

from attack import CANARY, PATTERN, VICTIM, Target
from harness.describe import describe
from harness.machine import PATIENCE
from witness import NO_EVENT

HARDWARE = """\
- address: 00:04.0
  id: 1234:11e8
  model: edu
  options: dma_mask=0xffffffffffffffff
"""

DEVICE = """\
- name: edu
  pci: 00:04.0
  id: 1234:11e8
  dma: true
  msi: true
  bars:
    - { bar: 0, size: 1M }
"""

COMPARTMENTS = VICTIM + """\
- name: attacker
  program: dma
  core: 1
  devices: [edu]
  settings:
    - { name: deed, value: %s }
    - { name: target, value: %s }
  regions:
    - { name: buffer, size: 4K, process: rw, device: edu, dma: rw, iova: "%#x" }
"""
IOVA = 0x2000000000


def target(name, deed, controls=(), later=True, iommu="vt-d"):
    text = COMPARTMENTS % (deed, "later" if later else "0", IOVA)
    path = describe(name, compartments=text, devices=DEVICE, hardware=HARDWARE, controls=controls,
                    cores=2, memory="512M", iommu=iommu)
    return Target(path, controls=bool(controls), name=name)


def fault_named(machine, what):
    machine.expect(r'fault: device "edu" \(00:04\.0\) of "attacker": ' + what, 30,
                   anywhere=True)


def service_goes_on(machine):
    machine.serial.mark()
    machine.expect(r"victim\| canary: intact", 15)


def aim(machine, where):
    """Sends the attacker off once everybody is there."""
    machine.expect(r"victim\| canary: intact", 60)
    address = where(machine)
    before = machine.bytes_at(address)
    machine.set("target", hex(address))
    machine.expect(r"attacker\| dma: .*: finished", 30)
    time.sleep(0.3 * PATIENCE)
    return address, before


def test_a1_write_outside_the_space(verdict):
    with target("a1", "write") as machine:
        address, _ = aim(machine, Target.canary)
        fault_named(machine, f"DMA write to {address:#x} denied")
        assert machine.bytes_at(address) == CANARY
        service_goes_on(machine)
    with target("a1-off", "write", ["dma-open"]) as machine:
        address, _ = aim(machine, Target.canary)
        assert machine.bytes_at(address) == PATTERN
        machine.expect(r"victim\| canary: SPOILED", 15)
    verdict("A1", "edu writes to another compartment's memory", "fault named, canary intact",
            "canary overwritten",
            blamed="edu of attacker", served="victim")


def test_a1_read_outside_the_space(verdict):
    stolen = "got 61 20 63 61"     # how the canary begins
    with target("a1-read", "read") as machine:
        address, _ = aim(machine, Target.canary)
        fault_named(machine, f"DMA read of {address:#x} denied")
        machine.serial.never(stolen)
        service_goes_on(machine)
    with target("a1-read-off", "read", ["dma-open"]) as machine:
        aim(machine, Target.canary)
        machine.expect(stolen, 5, anywhere=True)
    verdict("A1", "edu reads another compartment's memory", "fault named, nothing read",
            "the canary was read",
            blamed="edu of attacker", served="victim")


ECAM_OF_SATA = 0xb0000000 + (0x1f << 15 | 2 << 12)   # a function that nobody owns; SeaBIOS' place
INTERRUPT_LINE = 0x3c
VTD = 0xfed90000                                     # where the emulated machine has them
IO_APIC = 0xfec00000


def word_at(machine, address):
    return int(machine.qmp.monitor(f"xp /1xw {address:#x}").split(":")[1].strip(), 16)


def test_a6_configuration_space(verdict):
    with target("a6-ecam", "write") as machine:
        machine.expect(r"victim\| canary: intact", 60)
        before = word_at(machine, ECAM_OF_SATA + INTERRUPT_LINE)
        machine.set("target", hex(ECAM_OF_SATA))
        fault_named(machine, f"DMA write to {ECAM_OF_SATA:#x} denied")
        assert word_at(machine, ECAM_OF_SATA + INTERRUPT_LINE) == before != 0x5a
        service_goes_on(machine)
    with target("a6-ecam-off", "write", ["dma-open"]) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        machine.set("target", hex(ECAM_OF_SATA))
        machine.expect(r"attacker\| dma: .*: finished", 30)
        assert word_at(machine, ECAM_OF_SATA + INTERRUPT_LINE) & 0xff == 0x5a
    verdict("A6", "edu writes to another function's configuration space", "fault named, unchanged",
            "the interrupt line register changed",
            blamed="edu of attacker", served="victim")


def test_a6_io_apic(verdict):
    with target("a6-ioapic", "write") as machine:
        machine.expect(r"victim\| canary: intact", 60)
        before = word_at(machine, IO_APIC)
        machine.set("target", hex(IO_APIC))
        fault_named(machine, f"DMA write to {IO_APIC:#x} denied")
        assert word_at(machine, IO_APIC) == before != 0x5a
        service_goes_on(machine)
    with target("a6-ioapic-off", "write", ["dma-open"]) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        machine.set("target", hex(IO_APIC))
        machine.wait(lambda: word_at(machine, IO_APIC) == 0x5a)
    verdict("A6", "edu writes to the I/O APIC", "fault named, unchanged", "its select register changed",
            blamed="edu of attacker", served="victim")


def test_a10_tables_of_the_iommu(verdict):
    def root_table(machine):
        return word_at(machine, VTD + 0x20) & ~0xfff
    with target("a10", "write") as machine:
        address, before = aim(machine, root_table)
        fault_named(machine, f"DMA write to {address:#x} denied")
        assert machine.bytes_at(address) == before != bytes(64)
        service_goes_on(machine)
    with target("a10-off", "write", ["dma-open"]) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        address = root_table(machine)
        machine.set("target", hex(address))
        machine.wait(lambda: machine.bytes_at(address) == PATTERN)
    verdict("A10", "edu writes to the IOMMU's root table", "fault named, table intact",
            "table overwritten",
            blamed="edu of attacker", served="victim")


def neighbour(name, iova, controls=()):
    text = COMPARTMENTS % ("neighbour", "0", iova)
    path = describe(name, compartments=text, devices=DEVICE, hardware=HARDWARE, controls=controls,
                    cores=2, memory="512M")
    return Target(path, controls=bool(controls), name=name)


def canary_under(controls):
    """Where the canary will be: the layout doesn't depend on where a device sees its buffer."""
    with neighbour("a9-probe", IOVA, controls) as machine:
        machine.expect(r"victim\| canary: intact", 60)
        return machine.canary()


def test_a9_page_behind_the_buffer(verdict):
    """The buffer is granted just below the IOVA that is the canary's physical address."""
    address = canary_under([])
    with neighbour("a9", address - 4096) as machine:
        assert machine.canary() == address
        fault_named(machine, f"DMA write to {address:#x} denied")
        assert machine.bytes_at(address) == CANARY
        service_goes_on(machine)
    address = canary_under(["dma-open"])
    with neighbour("a9-off", address - 4096, ["dma-open"]) as machine:
        machine.expect(r"attacker\| dma: neighbour: finished", 60)
        assert machine.bytes_at(address) == PATTERN
        assert machine.bytes_at(address + len(PATTERN)) == CANARY    # it is the canary's page
    verdict("A9", "edu writes behind the end of its buffer", "fault named, canary intact",
            "the neighbour was overwritten",
            blamed="edu of attacker", served="victim")


def leave(name, controls=(), iommu="vt-d"):
    """The attacker tells edu to write in 100 ms, and faults: its device is taken away meanwhile.
    Answers the machine and whether the late write arrived in memory."""
    machine = target(name, "leave", controls, later=False, iommu=iommu)
    machine.start()
    machine.expect(r'attacker.*(fault|exception|instruction)', 60)
    time.sleep(1.0 * PATIENCE)
    return machine, machine.search(PATTERN) >= 0


def test_a7_stale_translations(verdict):
    machine, arrived = leave("a7")
    with_service = not arrived
    machine.serial.never("fault: device")
    service_goes_on(machine)
    machine.stop()
    machine, late = leave("a7-late", ["no-quiesce"])
    fault_named(machine, "DMA write to .* denied: it has no device space")
    machine.stop()
    machine, stale = leave("a7-off", ["no-quiesce", "no-invalidate"])
    machine.stop()
    assert with_service and not late and stale
    verdict("A7", "edu writes after its owner died, through its old translations", "fault named",
            "without invalidation the write arrived",
            blamed="edu of attacker", served="victim")
    verdict("A8", "edu's write is in flight when its owner dies", "never comes: quiesced before",
            "not quiesced: it comes, and is a fault",
            blamed="attacker, for its fault", served="victim")


AMDVI = 0xfed80000


def device_table(machine):
    return word_at(machine, AMDVI) & ~0xfff


def tour(name, controls=()):
    """The attacker goes round: canary, a function that nobody owns, the IOMMU's own table, the I/O
    APIC. With a control all must change, else none may."""
    with target(name, "tour", controls, iommu="amd-vi") as machine:
        machine.expect(r"victim\| canary: intact", 60)
        places, before = [], "later"
        for address, look in (
                (machine.canary(), machine.bytes_at),
                (ECAM_OF_SATA, lambda at: word_at(machine, at + INTERRUPT_LINE)),
                (device_table(machine), machine.bytes_at),
                (IO_APIC, lambda at: word_at(machine, at))):
            places.append((address, look, look(address)))
            machine.set("target", hex(address), before=before)
            before = hex(address)
            if controls:
                machine.wait(lambda: changed(places[-1]))
            else:
                machine.expect(rf"attacker\| dma: tour: wrote to {address:x}$", 15, anywhere=True)
        if not controls:
            assert not any(map(changed, places))
            service_goes_on(machine)


def changed(place):
    address, look, was = place
    return look(address) != was


def test_dma_on_amd_vi(verdict):
    """QEMU's AMD-Vi tells of no fault, so memory and registers alone are looked at."""
    tour("tour")
    tour("tour-off", ["dma-open"])
    for attack, what in (("A1", "another compartment's memory"), ("A6", "configuration space"),
                         ("A6", "the I/O APIC"), ("A10", "the IOMMU's device table")):
        verdict(attack, f"AMD-Vi: edu writes to {what}", "unchanged", "overwritten",
                blamed=NO_EVENT, served="victim")


def test_a7_stale_translations_on_amd_vi(verdict):
    machine, late = leave("a7-amd", ["no-quiesce"], iommu="amd-vi")
    service_goes_on(machine)
    machine.stop()
    machine, stale = leave("a7-amd-off", ["no-quiesce", "no-invalidate"], iommu="amd-vi")
    machine.stop()
    assert not late and stale
    verdict("A7", "AMD-Vi: edu writes after its owner died, unquiesced", "nothing arrived",
            "without invalidation the write arrived",
            blamed="attacker, for its fault", served="victim")


FWCFG = VICTIM + """\
- name: attacker
  program: fwcfg
  core: 1
  settings:
    - { name: command, value: later }
    - { name: target, value: later }
  regions:
    - { name: command, size: 4K, process: rw }
"""


def fwcfg(name, controls=()):
    path = describe(name, compartments=FWCFG, controls=controls, cores=2, memory="512M")
    machine = Target(path, controls=bool(controls), name=name)
    machine.start()
    machine.expect(r"victim\| canary: intact", 60)
    address = machine.canary()
    machine.set("command", hex(machine.find(b"\xc3" * 64) - 64))
    machine.set("target", hex(address))
    return machine, address


def test_a13_dma_past_the_iommu(verdict):
    machine, address = fwcfg("a13")
    machine.expect(r'"?attacker"?.*port', 30)
    assert machine.bytes_at(address) == CANARY
    service_goes_on(machine)
    machine.stop()
    machine, address = fwcfg("a13-off", ["ports-open"])
    machine.expect(r"attacker\| fwcfg: asked", 30)
    assert machine.bytes_at(address, 4) == b"QEMU"
    machine.stop()
    verdict("A13", "a process starts fw_cfg's DMA", "stopped at the port, canary intact",
            "the canary was overwritten",
            blamed="attacker", served="victim")
