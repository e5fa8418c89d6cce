# SPDX-License-Identifier: BSD-2-Clause
"""A driver of a virtual function of the 82576, by a puppet's strings (Intel 82576 Datasheet 7.10.2,
8.1.3): its mailbox, a ring to receive and one to send by. Rings and frames are laid into the
machine's RAM, where the puppet's memory is; registers are the puppet's to write."""
import struct
import time

from earlier import BAR0, COMMAND, MASTER, MEMORY
from harness.machine import PATIENCE

ID = "8086:10ca"
CTRL, RESET = 0x0000, 1 << 26
MAILBOX, MAILBOX_MEMORY = 0xc40, 0x800
REQUEST, ACK, TAKE, FROM_DRIVER, DRIVER_READ = 1, 2, 4, 1 << 4, 1 << 5
RECEIVE, SEND = 0x2800, 0x3800                  # the rings' registers
LOW, HIGH, BYTES, SPLIT, HEAD, TAIL, CONTROL = 0, 4, 8, 0xc, 0x10, 0x18, 0x28
ENABLE, DROP_ADVANCED_2K = 1 << 25, 1 << 31 | 1 << 25 | 2
DEPTH, DESCRIPTOR, BUFFER = 256, 16, 2048
RINGS, BUFFERS, SENT, ROOM = 0, 0x2000, 0x90000, 0x100000     # offsets in what it uses of memory
DONE, STATUS_AT = 1, 8                          # of a received descriptor
WHOLE_FRAME = 3 << 20 | 1 << 24 | 1 << 25 | 1 << 29           # data, last, checksum, advanced
PLACES, MEMORY_FOR = 0xe8000000, 8 << 20        # in the guest's world, where nothing else is

RESET_ME, ADDRESS, MULTICAST, VLAN, LENGTH, PROMISCUOUS = range(1, 7)
GRANTED, REFUSED = 1 << 31, 1 << 30
SECONDS = 10

ETHERTYPE, TAGGED, SHORTEST = 0x88b5, 0x8100, 60


def mac(text):
    return bytes(int(part, 16) for part in text.split(":"))


def frame(to, source, text, tag=None):
    """An Ethernet frame of an experimental type, in VLAN `tag`."""
    tags = b"" if tag is None else struct.pack(">HH", TAGGED, tag)
    made = mac(to) + mac(source) + tags + struct.pack(">H", ETHERTYPE) + text.encode()
    return made.ljust(SHORTEST, b"\0")


class Function:
    """The puppet's virtual function number `index`."""

    def __init__(self, puppet, index=0):
        self.puppet = puppet
        self.base = PLACES + (index << 20)
        self.memory = MEMORY_FOR + index * ROOM
        self.host = puppet.memory(self.memory)
        self.sent = 0
        device = puppet.devices(ID)[index]
        puppet.set_config(device, BAR0, self.base)
        puppet.set_config(device, BAR0 + 4, 0)
        puppet.set_config(device, COMMAND, MEMORY | MASTER)

    def _write(self, register, value):
        self.puppet.write(self.base + register, value)

    def _until(self, register, bits):
        """Bits of a mailbox go when they are read."""
        seen, deadline = 0, time.monotonic() + SECONDS * PATIENCE
        while bits & ~seen:
            assert time.monotonic() < deadline, f"no answer: {seen:#x}"
            seen |= self.puppet.read(self.base + register)

    def ask(self, *words):
        """A message to the physical function's driver; its answer's first three words."""
        self._write(MAILBOX, TAKE)
        for at, word in enumerate(words):
            self._write(MAILBOX_MEMORY + 4 * at, word)
        self._write(MAILBOX, REQUEST)
        self._until(MAILBOX, FROM_DRIVER | DRIVER_READ)
        answer = [self.puppet.read(self.base + MAILBOX_MEMORY + 4 * at) for at in range(3)]
        self._write(MAILBOX, ACK)
        return answer

    def granted(self, *words):
        answer, = self.ask(*words)[:1]
        assert bool(answer & GRANTED) != bool(answer & REFUSED), hex(answer)
        return bool(answer & GRANTED)

    def _ring(self, registers, at):
        for register, value in ((LOW, self.memory + at), (HIGH, 0), (BYTES, DEPTH * DESCRIPTOR),
                                (HEAD, 0), (TAIL, 0)):
            self._write(registers + register, value)

    def start(self):
        """Resets the function, which gets and sends frames then. Answers the address it is told."""
        self._write(CTRL, RESET)
        answer = self.ask(RESET_ME)
        self.sent = 0
        ram = self.puppet.machine.ram
        for at in range(DEPTH):
            place = self.host + RINGS + at * DESCRIPTOR
            room = self.memory + BUFFERS + at * BUFFER
            ram[place:place + DESCRIPTOR] = struct.pack("<QQ", room, 0)
        self._write(RECEIVE + SPLIT, DROP_ADVANCED_2K)
        self._ring(RECEIVE, RINGS)
        self._write(RECEIVE + CONTROL, ENABLE)
        self._write(RECEIVE + TAIL, DEPTH - 1)
        self._ring(SEND, RINGS + DEPTH * DESCRIPTOR)
        self._write(SEND + CONTROL, ENABLE)
        return struct.pack("<II", *answer[1:])[:6]

    def send(self, content):
        ram, room = self.puppet.machine.ram, SENT + self.sent * BUFFER
        ram[self.host + room:self.host + room + len(content)] = content
        place = self.host + RINGS + (DEPTH + self.sent) * DESCRIPTOR
        ram[place:place + DESCRIPTOR] = struct.pack("<QII", self.memory + room,
                                                    len(content) | WHOLE_FRAME, len(content) << 14)
        self.sent += 1
        self._write(SEND + TAIL, self.sent)

    def got(self):
        """The frames that came since the start, each with the VLAN's tag that was taken off."""
        frames, machine = [], self.puppet.machine
        for at in range(DEPTH - 1):
            place = self.host + RINGS + at * DESCRIPTOR
            done, length, tag = struct.unpack("<IHH", machine.bytes_at(place + STATUS_AT, 8))
            if not done & DONE:
                break
            room = self.host + BUFFERS + at * BUFFER
            frames.append((machine.bytes_at(room, length), tag))
        return frames
