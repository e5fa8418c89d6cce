# SPDX-License-Identifier: BSD-2-Clause
"""A client of a disk that reaches for sectors outside its extent, judged by the disk's image, or for
memory that isn't its own (F10), judged by whose it is."""
import os

import pytest

from harness.describe import DISK_DEVICE, DISK_DRIVER, DISK_MUX, describe, disk_hardware, machine
from harness.machine import BUILD
from witness import served

MIB = 1 << 20
SECTOR = 512
IMAGE = os.path.join(BUILD, "tests", "redteam-disk.img")
FILLER = b"\xee"
FIRST, SIZE = 8, 8                 # MiB: what the attacker has of the disk
BEHIND = SIZE * MIB // SECTOR      # its first sector that isn't its own
WRAPPING = (1 << 48) - FIRST * MIB // SECTOR   # behind the end of all sectors: the disk's first

CLIENT = """\
  - name: {name}
    program: trespass
    kernel: programs/trespass.elf
    memory: 16M
    core: {core}
    priority: 12
    settings:
      - {{ name: {setting}, value: "{value}" }}
    vcpus:
      - {{ core: 1 }}
    disks:
      - {{ from: blockmux, first: {first}M, size: {size}M{more} }}
"""


def clients(*which):
    return "vms:\n" + "".join(
        CLIENT.format(name=name, core=core, setting=setting, value=value, first=first, size=SIZE,
                      more=more) for name, core, setting, value, first, more in which)


def trespass(name, lba, mux):
    """What the attacker was told, the disk afterwards, and who goes on."""
    with open(IMAGE, "wb") as image:
        image.write(FILLER * (32 * MIB))
    path = describe(name, cores=2, memory="512M", hardware=disk_hardware(IMAGE), devices=DISK_DEVICE,
                    compartments=DISK_DRIVER,
                    rest=mux + clients(("attacker", 0, "lba", lba, FIRST, "")))
    with machine(path) as running:
        told = running.expect(r"trespass: written (\d), read (\d), found (0x[0-9a-f]+)$", 90,
                              anywhere=True).groups()
        witnesses = served(running, "blockmux", "nvme")
    with open(IMAGE, "rb") as image:
        return told, image.read(), witnesses


@pytest.mark.parametrize("lba, harmed", [(BEHIND, (FIRST + SIZE) * MIB), (WRAPPING, 0)],
                         ids=["behind", "wrapping"])
def test_f10_extent_is_a_clients_bound(verdict, lba, harmed):
    """The control is the same request to a multiplexer that was built without the extent's rule."""
    told, content, witnesses = trespass("extent", lba, DISK_MUX)
    assert told == ("2", "2", "0x0")
    assert content == FILLER * len(content)
    told, content, _ = trespass("extent-control", lba, DISK_MUX + "    program: blockmux-open\n")
    assert told == ("0", "0", "0x5a")
    assert content[harmed:harmed + 8 * SECTOR] == b"\x5a" * (8 * SECTOR)
    verdict("F10", f"a client writes sector {lba:#x} of its {SIZE} MiB", "refused, disk unchanged",
            "another's sector was written", blamed="the client, by its answer", served=witnesses)


MEMORY = 16 * MIB
BEYOND = MEMORY + 2 * MIB          # where the tool puts the next client's memory in the disk's space
ZERO_COPY = ", zero-copy: true"


def name_memory(name, target, driver, memory):
    """What the attacker was told, what the victim says afterwards, and who goes on."""
    with open(IMAGE, "wb") as image:
        image.write(FILLER * (32 * MIB))
    path = describe(name, cores=2, memory="512M", hardware=disk_hardware(IMAGE), devices=DISK_DEVICE,
                    compartments=driver, rest=DISK_MUX + clients(
                        ("attacker", 0, "memory", target, 0, ZERO_COPY),
                        ("victim", 1, "watch", 1, SIZE, ZERO_COPY)))
    with machine(path) as running:
        told = running.expect(r"trespass: written (\d), read (\d), found (0x[0-9a-f]+)$", 90,
                              anywhere=True).groups()
        running.expect(rf"victim\| trespass: my memory is {memory}", 60)
        return told, served(running, "victim", "blockmux", "nvme")


def test_f10_a_list_names_the_clients_own_memory(verdict):
    """Zero-copy. The memory that is named is read from and written to if it is the client's own; what
    is next to it in the disk's space is another's. The control is a driver without that rule."""
    told, _ = name_memory("own-memory", 4096, DISK_DRIVER, "untouched")
    assert told == ("0", "0", "0x0")
    told, witnesses = name_memory("lists", BEYOND, DISK_DRIVER, "untouched")
    assert told == ("0", "1", "0x0")
    careless = DISK_DRIVER.replace("- name: nvme\n", "- name: nvme\n  program: nvme-lists-open\n")
    assert careless != DISK_DRIVER
    told, _ = name_memory("lists-control", BEYOND, careless, "spoiled")
    assert told == ("0", "0", "0x0")
    verdict("F10", "a zero-copy client names the next one's memory", "refused, memory untouched",
            "the neighbour's memory was written", blamed="the client, by its answer",
            served=witnesses)
