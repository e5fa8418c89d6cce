# SPDX-License-Identifier: BSD-2-Clause
"""A guest that does what the test tells it (tests/guests/puppet.c): orders are laid into its
mailbox, which the test finds in the machine's RAM. Mounts attacks with devices that are passed
through."""
import struct
import time

from harness.machine import PATIENCE

MARK = struct.pack("<QQ", 0x6d7269d1d3c2b1a0 ^ 0xffff, 0x706e27737464656c ^ 0xffff)
READ, WRITE, CONFIG_READ, CONFIG_WRITE, WRITE_64 = range(5)
WANTED, DONE, OPERATION, ADDRESS, VALUE = range(16, 56, 8)      # offsets in the mailbox
MEMORY = 16 << 20
SECONDS = 20

VM = """\
- name: puppet
  kernel: tests/guests/puppet.bzimage
  memory: 16M
  core: 0
  priority: 6
  no-hvc: true
  no-rng: true
  passthrough: [%s]
  vcpus:
    - { core: 1, priority: 4, budget: 3ms, period: 10ms }
  settings:
    - { name: on_reset, value: restart }
"""


class Puppet:
    """The strings of the one puppet on this machine."""

    def __init__(self, machine):
        self.machine = machine
        self.box = machine.find(MARK)

    def _word(self, offset):
        return struct.unpack("<Q", self.machine.bytes_at(self.box + offset, 8))[0]

    def _put(self, offset, value):
        self.machine.ram[self.box + offset:self.box + offset + 8] = struct.pack("<Q", value)

    def _order(self, operation, address, value=0):
        for offset, word in ((OPERATION, operation), (ADDRESS, address), (VALUE, value)):
            self._put(offset, word)
        number = self._word(DONE) + 1
        self._put(WANTED, number)
        deadline = time.monotonic() + SECONDS * PATIENCE
        while self._word(DONE) != number:
            assert time.monotonic() < deadline, f"the puppet hangs:\n{self.machine.serial.tail()}"
            time.sleep(0.005)
        return self._word(VALUE)

    def read(self, address):
        return self._order(READ, address)

    def write(self, address, value):
        self._order(WRITE, address, value)

    def write_64(self, address, value):
        self._order(WRITE_64, address, value)

    def config(self, device, register):
        return self._order(CONFIG_READ, device << 11 | register)

    def set_config(self, device, register, value):
        self._order(CONFIG_WRITE, device << 11 | register, value)

    def device(self, vendor_device):
        """The number of the function "vendor:device" on its bus."""
        vendor, device = (int(part, 16) for part in vendor_device.split(":"))
        for number in range(1, 32):
            if self.config(number, 0) == device << 16 | vendor:
                return number
        raise AssertionError(f"the puppet has no {vendor_device}")

    def capability(self, device, kind):
        """The offset of a capability."""
        at = self.config(device, 0x34) & 0xff
        while at and self.config(device, at) & 0xff != kind:
            at = self.config(device, at) >> 8 & 0xff
        assert at, f"no capability {kind:#x}"
        return at
