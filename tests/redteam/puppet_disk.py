# SPDX-License-Identifier: BSD-2-Clause
"""An NVMe disk that is passed through to a puppet, and what the puppet has it do (NVM Express Base
Specification 1.4). Reads take it as long as a test wants, and bring no data."""
from earlier import BAR0, COMMAND, MASTER, MEMORY

ID = "1b36:0010"
SLOW_DISK = "slow"                                   # for QEMU: what holds its data
CONFIGURATION, STATUS, QUEUE_SIZES, ADMIN_SQ, ADMIN_CQ = 0x14, 0x1c, 0x24, 0x28, 0x30      # 3.1
DOORBELLS = 0x1000
ENABLED = 6 << 16 | 4 << 20 | 1                      # 3.1.5, with entries of 64 and 16 bytes
READY = 1                                            # 3.1.6
PRP1, DWORD10 = 24, 40                               # of a command: 4.2
CONTIGUOUS = 1                                       # a queue: 5.3, 5.4
CREATE_SQ, CREATE_CQ, IDENTIFY, READ = 1, 5, 6, 2    # opcodes: 5, 6
CONTROLLER = 1                                       # what identify is about
VENDOR = b"\x36\x1b"                                 # how its answer begins
ADMIN, IO = 0, 1                                     # queues, by their ids
SQ_BYTES, CQ_BYTES, ENTRIES, PAGE = 64, 16, 8, 4096
QUEUES = 10 << 20                                    # in the guest's memory, where nothing else is

HARDWARE = f"""\
- address: "{{place}}"
  id: {ID}
  model: nvme
  options: serial=slow,drive={SLOW_DISK}
"""
DEVICE = f"""\
- name: {{name}}
  pci: "{{place}}"
  id: {ID}
  msix: 1
  bars:
    - {{{{ bar: 0, size: 8K }}}}
"""


def medium(seconds):
    """QEMU's arguments for what holds the disk's data: reads take so long."""
    return ["-blockdev", f"null-co,node-name={SLOW_DISK},size={1 << 20},"
                         f"latency-ns={int(seconds * 1e9)}"]


class Disk:
    """The controller, switched on, with an admin queue and one for reads."""

    def __init__(self, machine):
        self.machine, self.puppet = machine, machine.puppet
        device = self.puppet.device(ID)
        self.puppet.set_config(device, COMMAND, MEMORY | MASTER)
        self.bar = self.puppet.config(device, BAR0) & ~0xf
        self.sent = [0, 0]
        self.switch(0)
        queues = self.puppet.memory(QUEUES)
        machine.ram[queues:queues + 4 * PAGE] = bytes(4 * PAGE)
        self.puppet.write(self.bar + QUEUE_SIZES, (ENTRIES - 1) << 16 | ENTRIES - 1)
        self.puppet.write_64(self.bar + ADMIN_SQ, self.submissions(ADMIN))
        self.puppet.write_64(self.bar + ADMIN_CQ, self.completions(ADMIN))
        self.switch(ENABLED)

    def switch(self, configuration):
        self.puppet.write(self.bar + CONFIGURATION, configuration)
        ready = READY if configuration & ENABLED else 0
        self.machine.wait(lambda: self.puppet.read(self.bar + STATUS) & READY == ready)

    @staticmethod
    def submissions(queue):
        return QUEUES + queue * 2 * PAGE

    @staticmethod
    def completions(queue):
        return QUEUES + (queue * 2 + 1) * PAGE

    def order(self, queue, opcode, buffer=0, words=(0, 0), namespace=0):
        """Sends a command; `words`: its 10th and 11th. Answers where in the machine's memory its
        completion will be."""
        number = self.sent[queue]
        entry = self.submissions(queue) + SQ_BYTES * number
        for offset, value in ((0, namespace << 32 | number << 16 | opcode), (PRP1, buffer),
                              (DWORD10, words[1] << 32 | words[0])):
            self.puppet.write_64(entry + offset, value)
        self.sent[queue] += 1
        self.puppet.write(self.bar + DOORBELLS + 8 * queue, self.sent[queue])
        return self.puppet.memory(self.completions(queue) + CQ_BYTES * number)

    def is_done(self, completion):
        return any(self.machine.bytes_at(completion, CQ_BYTES))

    def finish(self, completion):
        self.machine.wait(lambda: self.is_done(completion))

    def identify(self, buffer):
        """Lets it write what it is to this address, a page long."""
        self.finish(self.order(ADMIN, IDENTIFY, buffer, (CONTROLLER, 0)))

    def read(self, buffer):
        """Starts a read. Answers where its completion will be."""
        size = (ENTRIES - 1) << 16 | IO
        self.finish(self.order(ADMIN, CREATE_CQ, self.completions(IO), (size, CONTIGUOUS)))
        self.finish(self.order(ADMIN, CREATE_SQ, self.submissions(IO),
                               (size, IO << 16 | CONTIGUOUS)))
        return self.order(IO, READ, buffer, namespace=1)
