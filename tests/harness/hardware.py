# SPDX-License-Identifier: BSD-2-Clause
"""Hardware listings in tests: read back into Python, changed, and laid out as a Linux system's /sys
and /proc again, for `bulkhead probe --root`."""
import os
import re
import struct

FUNCTION = re.compile(r'^  - address: "(.+)"$')
FACT = re.compile(r'^    ([a-z0-9-]+): "(.*)"$')
DUMP = re.compile(r"^ +([0-9a-f]{3,}):((?: [0-9a-f]{2})+)$")


class Function:
    """One PCI function: its configuration space and what Linux says beside it."""

    def __init__(self, address):
        self.address = address
        self.facts = {}
        self.sizes = [0] * 12
        self.line = 0
        self.config = bytearray(4096)
        self.known = 256

    def set32(self, offset, value):
        struct.pack_into("<I", self.config, offset, value)

    def resources(self):
        """As /sys shows them: BARs, ROM, and the BARs of all virtual functions together."""
        lines = []
        for size in self.sizes[:6] + [0] + [8 * size for size in self.sizes[6:]]:
            lines.append(f"0x0 0x{size - 1:x} 0x200" if size else "0x0 0x0 0x0")
        return "\n".join(lines) + "\n"


class Hardware:
    """A listing's text, taken apart."""

    def __init__(self, text):
        self.tables = {}
        self.ram = []
        self.functions = {}
        into = None
        for line in text.splitlines():
            into = self._take(line, into)

    def _take(self, line, into):
        if found := FUNCTION.match(line):
            self.last = self.functions[found.group(1)] = Function(found.group(1))
        elif found := FACT.match(line):
            self.last.facts[found.group(1)] = found.group(2)
        elif found := re.match(r"^  ([A-Z]{4}): \|$", line):
            into = self.tables[found.group(1)] = bytearray()
        elif line.startswith("    config:"):
            into = self.last.config
        elif found := DUMP.match(line):
            at, row = int(found.group(1), 16), bytes.fromhex(found.group(2))
            into.extend(bytes(max(0, at + len(row) - len(into))))
            into[at:at + len(row)] = row
        elif found := re.match(r"^    sizes: \[(.*)\]$", line):
            self.last.sizes = [int(size, 0) for size in found.group(1).split(",")]
        elif found := re.match(r"^    (line|known): (\d+)$", line):
            setattr(self.last, found.group(1), int(found.group(2)))
        elif found := re.match(r"^  - \[(\w+), (\w+)\]$", line):
            self.ram.append((int(found.group(1), 0), int(found.group(2), 0)))
        return into

    def add_reserved(self, address, first, last):
        """An RMRR for one function on bus 0 (VT-d 8.4)."""
        device, function = re.match(r"00:(..)\.(.)", address).groups()
        scope = bytes([1, 8, 0, 0, 0, 0, int(device, 16), int(function)])
        self.tables["DMAR"] += struct.pack("<HHHHQQ", 1, 24 + len(scope), 0, 0, first, last) + scope

    def write(self, root):
        """Lays the machine out below `root` as Linux would."""
        for name, table in self.tables.items():
            _write(root, f"sys/firmware/acpi/tables/{name}", table)
        ram = "".join(f"{first:08x}-{last:08x} : System RAM\n" for first, last in self.ram)
        _write(root, "proc/iomem", ram.encode())
        for function in self.functions.values():
            folder = f"sys/bus/pci/devices/0000:{function.address}"
            _write(root, f"{folder}/config", function.config[:function.known])
            _write(root, f"{folder}/resource", function.resources().encode())
            _write(root, f"{folder}/irq", f"{function.line}\n".encode())


def _write(root, name, data):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
