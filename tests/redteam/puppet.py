# SPDX-License-Identifier: BSD-2-Clause
"""A guest that does what the test tells it (tests/guests/puppet.c): orders are laid into its
mailbox, which the test finds in the machine's RAM. Mounts attacks with devices that are passed
through."""
import struct
import time

from harness.console import Console
from harness.machine import PATIENCE

MARK = struct.pack("<QQ", 0x6d7269d1d3c2b1a0 ^ 0xffff, 0x706e27737464656c ^ 0xffff)
READ, WRITE, CONFIG_READ, CONFIG_WRITE, WRITE_64, FLOOD = range(6)
WANTED, DONE, OPERATION, ADDRESS, VALUE, OWN, NAME = range(16, 72, 8)     # in the mailbox
NAME_BYTES = 8
MEMORY = 16 << 20
SECONDS = 20

VM = """\
- name: {name}
  kernel: tests/guests/puppet.bzimage
  cmdline: {name}
  memory: 16M
  core: {monitors}
  priority: 6
  no-hvc: true
  no-rng: true
  passthrough: [{devices}]
  vcpus:
    - {{ core: {core}, priority: 4, budget: 3ms, period: 10ms }}
  settings:
    - {{ name: on_reset, value: restart }}
"""


def vm(devices, name="puppet", monitors=0, core=1):
    """A puppet with these devices; `monitors` is the core of its monitor."""
    return VM.format(devices=devices, name=name, monitors=monitors, core=core)


def restart(machine, name="puppet"):
    """On to a puppet's next life, which is machine.puppet then."""
    Console(machine).command(f"restart {name}")
    machine.expect(rf"{name}\.serial\| puppet: here", 60)
    machine.puppet = Puppet(machine, name)


class Puppet:
    """The strings of a puppet."""

    def __init__(self, machine, name="puppet"):
        self.machine = machine
        self.box = self._find(name.encode().ljust(NAME_BYTES, b"\0"))

    def _find(self, name):
        at = self.machine.find(MARK)
        while at >= 0 and self.machine.bytes_at(at + NAME, NAME_BYTES) != name:
            at = self.machine.search(MARK, at + 1)
        assert at >= 0, f"there is no puppet {name}"
        return at

    def _word(self, offset):
        return struct.unpack("<Q", self.machine.bytes_at(self.box + offset, 8))[0]

    def _put(self, offset, value):
        self.machine.ram[self.box + offset:self.box + offset + 8] = struct.pack("<Q", value)

    def _give(self, operation, address, value):
        for offset, word in ((OPERATION, operation), (ADDRESS, address), (VALUE, value)):
            self._put(offset, word)
        self._put(WANTED, self._word(DONE) + 1)

    def _finish(self, meanwhile=lambda: None):
        deadline = time.monotonic() + SECONDS * PATIENCE
        while self._word(DONE) != self._word(WANTED):
            assert time.monotonic() < deadline, f"the puppet hangs:\n{self.machine.serial.tail()}"
            meanwhile()
            time.sleep(0.005)

    def _order(self, operation, address, value=0):
        self._give(operation, address, value)
        self._finish()
        return self._word(VALUE)

    def read(self, address):
        return self._order(READ, address)

    def write(self, address, value):
        self._order(WRITE, address, value)

    def write_64(self, address, value):
        self._order(WRITE_64, address, value)

    def flood(self, address, value):
        """Begins to write this as fast as it can, until end_flood() or this life's end."""
        self._give(FLOOD, address, value)

    def end_flood(self):
        self._finish(lambda: self._put(WANTED, self._word(WANTED) + 1))

    def config(self, device, register):
        return self._order(CONFIG_READ, device << 11 | register)

    def set_config(self, device, register, value):
        self._order(CONFIG_WRITE, device << 11 | register, value)

    def devices(self, vendor_device):
        """The numbers of the functions "vendor:device" on its bus."""
        vendor, device = (int(part, 16) for part in vendor_device.split(":"))
        return [number for number in range(1, 32)
                if self.config(number, 0) == device << 16 | vendor]

    def device(self, vendor_device):
        """The number of the only one."""
        number, = self.devices(vendor_device)
        return number

    def memory(self, address):
        """Where this part of the puppet's memory, which is one piece, is in the machine's."""
        return self.box - self._word(OWN) + address

    def capability(self, device, kind):
        """The offset of a capability."""
        at = self.config(device, 0x34) & 0xff
        while at and self.config(device, at) & 0xff != kind:
            at = self.config(device, at) >> 8 & 0xff
        assert at, f"no capability {kind:#x}"
        return at
