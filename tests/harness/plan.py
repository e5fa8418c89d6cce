# SPDX-License-Identifier: BSD-2-Clause
"""Plans as bytes (abi/plan.h), to spoil them: fields are changed and the checksum made right again."""
import struct

HEADER = struct.Struct("<QIIQII32sIIII")
TABLE = struct.Struct("<QII")
TABLES = ["region", "space", "mapping", "compartment", "slot", "thread", "vcpu", "doorbell",
          "channel", "interrupt", "device", "port_range", "mode", "placement"]
CHECKSUM_OFFSET = 24
DOORBELL_PORT = 0        # enum bh_doorbell_kind

# field: (offset in its entry, struct format); only what tests change
FIELDS = {
    "region": {"kind": (32, "I"), "rights": (36, "I"), "owner": (44, "I"), "size": (48, "Q"),
               "alignment": (56, "Q"), "content_offset": (64, "Q"), "content_size": (72, "Q"),
               "device": (80, "I"), "base": (88, "Q")},
    "space": {"kind": (32, "I"), "owner": (36, "I")},
    "mapping": {"space": (0, "I"), "region": (4, "I"), "address": (8, "Q"), "offset": (16, "Q"),
                "size": (24, "Q"), "rights": (32, "I")},
    "compartment": {"space": (32, "I"), "first_slot": (40, "I")},
    "slot": {"compartment": (0, "I"), "kind": (4, "I"), "object": (8, "I"), "rights": (16, "I")},
    "thread": {"compartment": (32, "I"), "entry": (40, "Q"), "stack": (48, "Q")},
    "doorbell": {"kind": (4, "I"), "address": (8, "Q"), "channel": (24, "I")},
    "channel": {"thread": (32, "I"), "bits": (40, "Q")},
    "port_range": {"device": (0, "I"), "first": (4, "I"), "count": (8, "I")},
    "placement": {"thread": (4, "I"), "core": (8, "I"), "priority": (12, "I"),
                  "budget_us": (16, "I"), "period_us": (20, "I")},
}


def _crc_table():
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value = (value >> 8) ^ CRC_TABLE[(value ^ byte) & 0xff]
    return value ^ 0xffffffff


class Plan:
    """The bytes of a plan file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())

    def table(self, name):
        """Answers (offset, count, entry size)."""
        return TABLE.unpack_from(self.bytes, HEADER.size + TABLE.size * TABLES.index(name))

    def _field(self, table, index, field):
        offset, count, size = self.table(table)
        assert index < count, f"the plan has {count} entries in {table}"
        at, kind = FIELDS[table][field]
        return "<" + kind, offset + index * size + at

    def get(self, table, index, field):
        kind, at = self._field(table, index, field)
        return struct.unpack_from(kind, self.bytes, at)[0]

    def set(self, table, index, field, value):
        kind, at = self._field(table, index, field)
        struct.pack_into(kind, self.bytes, at, value)

    def find(self, table, field, value):
        """The first entry whose field has this value."""
        for index in range(self.table(table)[1]):
            if self.get(table, index, field) == value:
                return index
        raise AssertionError(f"no {table} with {field} = {value}")

    def name(self, table, index):
        """That of an entry which has one."""
        offset, _, size = self.table(table)
        return self.bytes[offset + index * size:][:32].split(b"\0")[0].decode()

    def port_doorbells(self, vm):
        """The VM's doorbells by their device: at which ports they begin."""
        bells = [i for i in range(self.table("doorbell")[1])
                 if self.get("doorbell", i, "kind") == DOORBELL_PORT]
        names = {self.name("channel", self.get("doorbell", i, "channel")): i for i in bells}
        return {name[len(vm) + 1:]: self.get("doorbell", i, "address")
                for name, i in names.items() if name.startswith(vm + ".")}

    def seal(self):
        """Makes the checksum right again."""
        struct.pack_into("<I", self.bytes, CHECKSUM_OFFSET, 0)
        struct.pack_into("<I", self.bytes, CHECKSUM_OFFSET, crc32c(self.bytes))

    def write(self, path):
        with open(path, "wb") as file:
            file.write(self.bytes)
