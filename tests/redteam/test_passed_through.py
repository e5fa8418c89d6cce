# SPDX-License-Identifier: BSD-2-Clause
"""Guests that have real devices and use them against others: DMA from a device that is passed
through (A1, A5, A8), and what a guest may do to the configuration of its device (C1, C2, C3, C12).
A puppet (puppet.py) mounts them; its devices are an edu, which has no reset of its own, and an
e1000e, behind a port each."""
import contextlib
import re
import time

import pytest

from attack import CANARY, DIRTY_FROM, PATTERN, Target
from earlier import BAR0, COMMAND, MASTER, MEMORY, by_monitor, config, requester
from guests import device_counts, states
from harness.describe import describe, indented, root_port
from harness.machine import PATIENCE
from puppet import MEMORY as GUEST_MEMORY
from puppet import Puppet, restart, vm
from test_dma import word_at
from witness import NO_EFFECT

EDU, CARD, CARDS_PLACE, ECAM = "1234:11e8", "8086:10d3", "02:00.0", 0xb0000000
FAULT_LIMIT = 10                     # of the engine
POWER_CONTROL, MSIX_CONTROL = 0xcc, 0xa0             # of the real card
HARDWARE = "".join(root_port(f"00:0{slot}.0", f"port{slot}", slot) + f"""\
- address: 0{slot - 2}:00.0
  id: {id}
  model: {model}
  behind: 00:0{slot}.0
  options: bus=port{slot}{more}
""" for slot, id, model, more in ((3, EDU, "edu", ",dma_mask=0xffffffffffffffff"),
                                  (4, CARD, "e1000e", ""), (5, EDU, "edu", "")))
DEVICES = f"""\
- name: engine
  pci: "01:00.0"
  id: {EDU}
  msi: true
  fault-limit: {FAULT_LIMIT}
  bars:
    - {{ bar: 0, size: 1M }}
- name: card
  pci: "02:00.0"
  id: {CARD}
  msix: 3
  bars:
    - {{ bar: 0, size: 128K }}
- name: victims
  pci: "03:00.0"
  id: {EDU}
  dma: true
"""
TABLE = "    - { bar: 3, size: 16K }\n"      # where the card's MSI-X table is
ALL_OF_THE_CARD = DEVICES.replace("size: 128K }\n", "size: 128K }\n" + TABLE)
# Its place is one that is no place in the puppet's memory.
VICTIM = """\
- name: victim
  program: canary
  core: 0
  devices: [victims]
  regions:
    - { name: canary, size: 4K, process: rw, alignment: 32M }
"""
BUFFER = 8 << 20                     # in the guest's memory, where nothing else is


@contextlib.contextmanager
def boot(name, controls=(), dirt=b"", devices=DEVICES):
    path = describe(name, compartments=VICTIM, devices=devices, hardware=HARDWARE, cores=2,
                    memory="512M", controls=controls, rest="vms:\n" + indented(vm("engine, card")))
    with Target(path, controls=bool(controls), name=name, dirt=dirt) as machine:
        machine.expect(r"victim\| canary: intact", 60, anywhere=True)
        machine.expect(r"puppet\.serial\| puppet: here", 60, anywhere=True)
        machine.puppet = Puppet(machine)
        yield machine


DIRT = b"a secret of whoever ran here before, in all of this memory     \n"
DIRTY = 48 << 20                     # bytes: the guest's memory lies within


@pytest.fixture(scope="module")
def machine():
    with boot("passed", dirt=DIRT * (DIRTY // len(DIRT))) as running:
        yield running


@pytest.fixture(scope="module")
def dirty():
    """The same without resets and without limits of faults, and the guest has all registers of its
    card. What a guest's writes to configuration space would do if they reached the device is shown
    here, too, by QEMU's monitor in the guest's place."""
    with boot("passed-dirty", ["no-quiesce", "no-storm-limit", "config-open"],
              devices=ALL_OF_THE_CARD) as running:
        yield running


def reaches_device(machine, register, value):
    """Whether this write, past the puppet's own monitor, changes the card."""
    before = word_at(machine, card_register(register))
    by_monitor(machine, config(CARDS_PLACE, register, value))
    return word_at(machine, card_register(register)) != before


def card_register(register):
    return ECAM + requester(CARDS_PLACE) * 4096 + register


def intact(machine):
    machine.serial.mark()
    machine.expect(r"victim\| canary: intact", 20)


def bar_of(machine, bus, number=0):
    """Where the physical BAR is, as QEMU has it."""
    text = machine.qmp.monitor("info pci")
    text = text[re.search(rf"Bus +{bus}, device +0", text).start():]
    return int(re.search(rf"BAR{number}: .* at (0x[0-9a-f]+)", text).group(1), 16)


def test_c12_memory_that_was_used_before_the_boot(machine, verdict):
    page = GUEST_MEMORY - (1 << 20)                                   # in the dirt, in any case
    assert not any(machine.puppet.read(page + at) for at in range(0, 4096, 512))
    address = machine.puppet.memory(page)
    assert DIRTY_FROM < address < DIRTY_FROM + DIRTY                  # it was dirty before
    assert machine.search(DIRT, DIRTY_FROM) > 0                     # and what nobody has still is
    intact(machine)
    verdict("C12", "secrets of an earlier system, all over the memory", "a guest finds zeros",
            "they are still where nobody has memory", blamed=NO_EFFECT, served="victim")


class Engine:
    """The puppet's edu: its registers (QEMU, docs/specs/edu.rst), and copies out of the guest."""

    MEMORY, TO_RAM, START, COMMAND = 0x40000, 2, 1, 0x98

    def __init__(self, puppet):
        self.puppet = puppet
        self.device = puppet.device(EDU)
        puppet.set_config(self.device, COMMAND, MEMORY | MASTER)
        self.bar = puppet.config(self.device, BAR0) & ~0xf

    def start(self, source, target, command):
        for register, value in ((0x80, source), (0x88, target), (0x90, len(PATTERN)),
                                (self.COMMAND, self.START | command)):
            self.puppet.write_64(self.bar + register, value)

    def copy(self, source, target, command):
        self.start(source, target, command)
        time.sleep(0.3 * PATIENCE)

    def load(self):
        for at in range(0, len(PATTERN), 8):
            self.puppet.write_64(BUFFER + at, 0x5a5a5a5a5a5a5a5a)
        self.copy(BUFFER, self.MEMORY, 0)

    def write(self, target):
        self.load()
        self.copy(self.MEMORY, target, self.TO_RAM)


def test_a1_a5_dma_outside_the_guests_memory(machine, verdict):
    engine = Engine(machine.puppet)
    engine.write(BUFFER + 4096)
    assert machine.puppet.read(BUFFER + 4096) == 0x5a5a5a5a          # what it is granted works
    address, registers = machine.canary(), bar_of(machine, 3) + 4
    before = word_at(machine, registers)
    assert address > GUEST_MEMORY
    for target in (address, registers):
        engine.write(target)
        machine.expect(rf'fault: device "engine" \(01:00\.0\) of "puppet": DMA write to '
                       rf"{target & ~0xfff:#x} denied", 30, anywhere=True)
    assert machine.bytes_at(address) == CANARY and word_at(machine, registers) == before
    intact(machine)
    with boot("passed-open", ["dma-open"]) as off:
        engine, address = Engine(off.puppet), off.canary()
        engine.write(bar_of(off, 3) + 4)
        engine.write(address)
        assert off.bytes_at(address) == PATTERN
        assert word_at(off, bar_of(off, 3) + 4) == 0xffffffff - 0x5a5a5a5a
    verdict("A1", "a guest's passed-through edu writes outside the guest",
            "fault named, canary intact", "canary overwritten",
            blamed="engine of puppet", served="victim")
    verdict("A5", "a guest's passed-through edu writes to another device", "fault named, unchanged",
            "the register changed",
            blamed="engine of puppet", served="victim")


TABLE_BAR = BAR0 + 12
MESSAGE = 0xfee00010


def write_table(machine):
    """The guest writes its card's first message to be somebody else's. Answers what it reads there
    afterwards, and the real table before and after."""
    puppet, number, table = machine.puppet, machine.puppet.device(CARD), 0xe9000000
    puppet.set_config(number, TABLE_BAR, table)
    puppet.set_config(number, COMMAND, MEMORY)
    before = [word_at(machine, bar_of(machine, 2, 3) + at) for at in range(0, 48, 4)]
    for at in range(0, 48, 4):
        puppet.write(table + at, MESSAGE)
    after = [word_at(machine, bar_of(machine, 2, 3) + at) for at in range(0, 48, 4)]
    return puppet.read(table), before, after


def test_b3_msix_table_of_a_guest(machine, dirty, verdict):
    """The guest's table is its monitor's: the real one keeps the kernel's messages."""
    found, before, after = write_table(machine)
    assert found == MESSAGE and after == before
    intact(machine)
    _, _, after = write_table(dirty)
    assert after[0] == MESSAGE
    verdict("B3", "a guest writes to its device's MSI-X table", "the real one stays",
            "granted its page: the real message changed", blamed=NO_EFFECT, served="victim")


def test_c1_the_guest_moves_its_bar(machine, dirty, verdict):
    """Over its own memory, its interrupt controllers, its other BAR, and away: only its own world
    moves."""
    puppet, engine = machine.puppet, Engine(machine.puppet)
    physical, card = bar_of(machine, 1), bar_of(machine, 2)
    cards = puppet.config(puppet.device(CARD), BAR0) & ~0xf
    for place in (BUFFER, 0xfec00000, 0xfee00000, cards & ~0xfffff, 0xd0000000):
        puppet.set_config(engine.device, BAR0, place)
        assert (bar_of(machine, 1), bar_of(machine, 2)) == (physical, card)
    moved = 0xe8000000
    puppet.set_config(engine.device, BAR0, moved)
    assert puppet.read(moved) == 0x010000ed                           # edu's identification
    assert puppet.read(engine.bar) == 0xffffffff
    puppet.set_config(engine.device, BAR0, engine.bar)
    assert puppet.read(engine.bar) == 0x010000ed
    intact(machine)
    assert reaches_device(dirty, BAR0 + 4, 0xfd000000)
    verdict("C1", "a guest moves its device's BAR over everything it has", "the real BAR stays",
            "past its VMM: it moves",
            blamed=NO_EFFECT, served="victim")


def test_c2_registers_that_are_switched_off(machine, dirty, verdict):
    puppet, engine = machine.puppet, Engine(machine.puppet)
    puppet.set_config(engine.device, COMMAND, MASTER)
    assert puppet.read(engine.bar) == 0xffffffff
    puppet.set_config(engine.device, COMMAND, MEMORY | MASTER)
    assert puppet.read(engine.bar) == 0x010000ed
    number = puppet.device(CARD)
    puppet.set_config(number, COMMAND, MEMORY)
    power, base = puppet.capability(number, 1), puppet.config(number, BAR0) & ~0xf
    assert puppet.read(base + 8) != 0xffffffff                        # the card's status
    puppet.set_config(number, power + 4, 3)                           # D3hot (PM 3.2.4)
    assert puppet.read(base + 8) == 0xffffffff
    assert word_at(machine, card_register(POWER_CONTROL)) & 3 == 0
    puppet.set_config(number, power + 4, 0)
    assert puppet.read(base + 8) != 0xffffffff
    intact(machine)
    assert reaches_device(dirty, POWER_CONTROL, 3)
    assert reaches_device(dirty, POWER_CONTROL, 0)
    verdict("C2", "a guest reads registers that it switched off", "all ones, the device stays on",
            "past its VMM: the device is off",
            blamed=NO_EFFECT, served="victim")


def test_c3_other_registers(machine, dirty, verdict):
    """All bits of every register of the guest's configuration space are written: but for BARs,
    command, the interrupt line and what a message is, nothing of it reaches the device."""
    puppet = machine.puppet
    number = puppet.device(CARD)
    pcie = puppet.capability(number, 0x10)
    before = [word_at(machine, card_register(register)) for register in range(0, 0x100, 4)]
    for register in range(0x28, 0x100, 4):
        if register != pcie + 8:
            puppet.set_config(number, register, 0xffffffff)
    puppet.set_config(number, pcie + 8, 0x7fff)                      # all of Device Control but FLR
    after = [word_at(machine, card_register(register)) for register in range(0, 0x100, 4)]
    assert after == before
    resets = device_counts(machine, "card")[1]
    puppet.set_config(number, pcie + 8, 1 << 15)                      # FLR: the kernel's own ladder
    machine.wait(lambda: puppet.config(number, 0) == 0x10d38086)
    assert device_counts(machine, "card")[1] == resets + 1
    intact(machine)
    masked = word_at(dirty, card_register(MSIX_CONTROL)) ^ 1 << 30
    assert reaches_device(dirty, MSIX_CONTROL, masked)
    verdict("C3", "a guest writes ones to all registers of its device's configuration space",
            "none reaches the device; a reset is the kernel's",
            "past its VMM: its messages are masked",
            blamed=NO_EFFECT, served="victim")


RECEIVE_RING, SECRET = 0x2800, 0x5ec3e700
TRIES = 8


def switch_on(puppet):
    """The card's number, and where its registers are."""
    number, place = puppet.device(CARD), 0xe8000000
    puppet.set_config(number, BAR0, place)
    puppet.set_config(number, COMMAND, MEMORY)
    puppet.set_config(number, puppet.capability(number, 1) + 4, 0)    # D0
    return number, place


def residue(machine):
    """What the next life of a guest finds of a secret in memory and in its device's registers, and
    whether the transfer that its edu was at came meanwhile: into its memory, or as a fault."""
    puppet, engine = machine.puppet, Engine(machine.puppet)
    _, base = switch_on(puppet)
    for place in (BUFFER, base + RECEIVE_RING):
        puppet.write(place, SECRET)
        assert puppet.read(place) == SECRET
    engine.load()
    engine.copy(Engine.MEMORY, BUFFER + 4096, Engine.TO_RAM)
    assert puppet.read(BUFFER + 4096) == 0x5a5a5a5a
    puppet.flood(engine.bar + Engine.COMMAND, Engine.START | Engine.TO_RAM)
    place = puppet.memory(BUFFER + 4096)
    machine.ram[place:place + len(PATTERN)] = bytes(len(PATTERN))
    machine.wait(lambda: machine.bytes_at(place) == PATTERN)           # the flood has begun
    before = len(machine.serial.text())
    restart(machine)
    puppet = machine.puppet
    _, base = switch_on(puppet)
    time.sleep(0.3 * PATIENCE)
    came = (puppet.read(BUFFER + 4096) != 0 or
            re.search(r'"engine" .* of "puppet": DMA write', machine.serial.text()[before:]))
    return puppet.read(BUFFER), puppet.read(base + RECEIVE_RING), bool(came)


def test_a8_c12_the_guest_is_stopped(machine, dirty, verdict):
    """There is always a transfer under way: one takes edu 100 ms, and the guest starts them without
    an end. The control's may end between the guest's end and the cleaning of its memory and so
    leave no trace: it has several tries."""
    assert residue(machine) == (0, 0, False)
    intact(machine)
    for _ in range(TRIES):
        memory, register, came = residue(dirty)
        assert (memory, register) == (0, SECRET)
        if came:
            break
    assert came
    verdict("A8", "a guest's device writes while the guest is stopped", "never comes",
            "not quiesced: it comes, or is a fault",
            blamed=NO_EFFECT, served="victim")
    verdict("C12", "what a guest left in memory and in its device's registers",
            "the next one finds zeros", "without the reset: it reads the register",
            blamed=NO_EFFECT, served="victim")


def storm(machine, until):
    """Transfers to where none may go, ten a second, until this comes true."""
    engine, address = Engine(machine.puppet), machine.canary()
    engine.load()
    engine.start(Engine.MEMORY, address, Engine.TO_RAM)
    machine.puppet.flood(engine.bar + Engine.COMMAND, Engine.START | Engine.TO_RAM)
    machine.wait(until, 60)
    assert machine.bytes_at(address) == CANARY
    intact(machine)
    return states(machine)["puppet"]


def test_a14_storm_of_faults_by_a_guest(machine, dirty, verdict):
    """It is stopped with its device. The last test here, for that reason."""
    limit = rf'device "engine" of "puppet" reached its limit of {FAULT_LIMIT} faults'
    assert storm(machine, lambda: re.search(limit, machine.serial.text())) == "faulted"
    assert storm(dirty, lambda: device_counts(dirty, "engine")[0] > 2 * FAULT_LIMIT) == "running"
    dirty.serial.never("reached its limit")
    verdict("A14", "a storm of DMA faults by a guest's passed-through edu",
            f"device off, guest stopped after {FAULT_LIMIT}", "goes on, guest and all",
            blamed="engine of puppet", served="victim")
