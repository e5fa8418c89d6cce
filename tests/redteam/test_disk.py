# SPDX-License-Identifier: BSD-2-Clause
"""A client of a disk that reaches for sectors outside its extent (F10), judged by the disk's image."""
import os

import pytest

from harness.describe import describe, indented, machine
from harness.machine import BUILD

MIB = 1 << 20
SECTOR = 512
IMAGE = os.path.join(BUILD, "tests", "redteam-disk.img")
FILLER = b"\xee"
FIRST, SIZE = 8, 8                 # MiB: what the attacker has of the disk
BEHIND = SIZE * MIB // SECTOR      # its first sector that isn't its own
WRAPPING = (1 << 48) - FIRST * MIB // SECTOR   # behind the end of all sectors: the disk's first

PARTS = {
    "hardware": f"""\
- address: 00:03.0
  id: 1b36:0010
  model: nvme
  options: serial=test
  disk: {IMAGE}
""",
    "devices": """\
- name: disk
  pci: 00:03.0
  id: 1b36:0010
  dma: true
  msix: 2
  bars:
    - { bar: 0, size: 8K }
""",
    "compartments": """\
- name: nvme
  core: 1
  priority: 22
  devices: [disk]
""",
}
CLIENT = """\
disks:
  - name: blockmux
    driver: nvme
    core: 1
    priority: 20
vms:
  - name: attacker
    program: trespass
    kernel: programs/trespass.elf
    memory: 16M
    core: 0
    priority: 12
    settings:
      - {{ name: lba, value: "{lba}" }}
    vcpus:
      - {{ core: 1 }}
    disks:
      - {{ from: blockmux{extent} }}
"""


def trespass(name, lba, extent):
    """What the attacker was told, and the disk afterwards."""
    with open(IMAGE, "wb") as image:
        image.write(FILLER * (32 * MIB))
    path = describe(name, cores=2, memory="512M", rest=CLIENT.format(lba=lba, extent=extent), **PARTS)
    with machine(path) as running:
        told = running.expect(r"trespass: written (\d), read (\d), found (0x[0-9a-f]+)$", 90,
                              anywhere=True).groups()
    with open(IMAGE, "rb") as image:
        return told, image.read()


@pytest.mark.parametrize("lba, harmed", [(BEHIND, (FIRST + SIZE) * MIB), (WRAPPING, 0)],
                         ids=["behind", "wrapping"])
def test_f10_extent_is_a_client_s_bound(verdict, lba, harmed):
    extent = f", first: {FIRST}M, size: {SIZE}M"
    told, content = trespass("extent", lba, extent)
    assert told == ("2", "2", "0x0")
    assert content == FILLER * len(content)
    whole = lba + FIRST * MIB // SECTOR & (1 << 48) - 1
    told, content = trespass("extent-control", whole, "")
    assert told == ("0", "0", "0x5a")
    assert content[harmed:harmed + 8 * SECTOR] == b"\x5a" * (8 * SECTOR)
    verdict("F10", f"a client writes sector {lba:#x} of its {SIZE} MiB", "refused, disk unchanged",
            "granted the whole disk: sector written")
