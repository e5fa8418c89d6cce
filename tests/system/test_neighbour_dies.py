# SPDX-License-Identifier: BSD-2-Clause
"""Two guests share a network card and a disk. One of them, or its monitor, dies in the middle of
traffic on both: what the other one writes, reads back and sends stays whole."""
import hashlib
import os
import re
import subprocess
import threading

import pytest

from gateway import BOOT_SECONDS, CLIENT_ADDRESS, WEB_ADDRESS
from harness.console import Console
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, NIC_DEVICE, NIC_DRIVER,
                              NIC_HARDWARE, SWITCH, describe, disk_hardware, indented, machine)
from harness.machine import BUILD

MIB = 1 << 20
IMAGE = os.path.join(BUILD, "tests", "neighbours.img")

GUEST = """\
- name: {name}
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name={name} bulkhead.ip={address} bulkhead.http=1
  memory: 256M
  core: 0
  priority: 12
  vcpus:
    - {{ core: {core} }}
  settings:
    - {{ name: on_reset, value: restart }}
  nic:
    switch: switch
    mac: 52:54:00:00:00:{mac}
  disks:
    - {{ from: blockmux, first: {first}M, size: 16M }}
"""

# Writes the guest's disk again and again and tells of each round whether it came back as written.
ROUNDS = ("(i=0; while :; do dd if=/dev/urandom of=/tmp/w bs=64k count=64; "
          "dd if=/tmp/w of=/dev/vda bs=64k conv=fsync; echo 3 >/proc/sys/vm/drop_caches; "
          "dd if=/dev/vda of=/tmp/r bs=64k count=64; i=$((i+1)); "
          "cmp /tmp/w /tmp/r && echo round $i good || echo round $i bad; done) "
          "2>/dev/null >/tmp/rounds & true")
DOWNLOADS = f"(while :; do wget -q -O /tmp/blob http://{WEB_ADDRESS}/blob; done) & true"


@pytest.fixture(scope="module")
def system():
    with open(IMAGE, "wb") as image:
        image.truncate(64 * MIB)
    guests = (GUEST.format(name="keep", address=WEB_ADDRESS, core=2, mac="0f", first=8) +
              GUEST.format(name="victim", address=CLIENT_ADDRESS, core=3, mac="10", first=32))
    path = describe("neighbours", hardware=indented(NIC_HARDWARE, 0) + disk_hardware(IMAGE),
                    devices=NIC_DEVICE + DISK_DEVICE, compartments=NIC_DRIVER + DISK_DRIVER,
                    rest=SWITCH + DISK_MUX + "vms:\n" + indented(guests))
    with machine(path) as booted:
        wait_for(booted, "keep")
        wait_for(booted, "victim")
        run(Console(booted), "keep", "dd if=/dev/urandom of=/www/blob bs=64k count=32 2>/dev/null")
        run(Console(booted), "keep", ROUNDS)
        yield booted


def wait_for(booted, guest, **options):
    booted.expect(rf"guest {guest}: address ", BOOT_SECONDS, **{"anywhere": True, **options})


def run(console, guest, line):
    console.shell(guest)
    console.wide(guest)
    return console.check(guest, line)


def rounds(console):
    """How many rounds keep has had; none was bad."""
    told = run(console, "keep", "cat /tmp/rounds")
    assert "bad" not in told
    return len(re.findall(r"round \d+ good", told))


class Downloads(threading.Thread):
    """The host fetches keep's two megabytes without a pause."""

    def __init__(self, booted):
        super().__init__()
        self.booted = booted
        self.ended = threading.Event()
        self.hashes = []

    def run(self):
        url = f"http://127.0.0.1:{self.booted.forwards[8080]}/blob"
        while not self.ended.is_set():
            done = subprocess.run(["curl", "-sS", "--max-time", "120", url], check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.hashes.append(hashlib.md5(done.stdout).hexdigest() if done.returncode == 0
                               else f"curl's status {done.returncode}")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()


def guest_dies(console):
    console.type("echo b >/proc/sysrq-trigger\r")


def monitor_dies(console):
    console.overview()
    console.command("restart victim")


@pytest.mark.parametrize("die", [guest_dies, monitor_dies])
def test_other_guest_loses_nothing(system, die):
    console = Console(system)
    wanted = run(console, "keep", "md5sum /www/blob").split()[0]
    run(console, "victim", ROUNDS)
    run(console, "victim", DOWNLOADS)
    run(console, "victim", "until grep -q good /tmp/rounds && [ -s /tmp/blob ]; do sleep 1; done")
    before = rounds(console)
    with Downloads(system) as downloads:
        console.shell("victim")
        die(console)
        wait_for(system, "victim", anywhere=False)
        run(console, "keep", f"until grep -q 'round {before + 3} ' /tmp/rounds; do sleep 1; done")
    assert rounds(console) >= before + 3
    assert set(downloads.hashes) == {wanted} and len(downloads.hashes) > 1, downloads.hashes
    console.overview()
    status = "\n".join(console.command("status"))
    for name in ("keep", "e1000e", "switch", "nvme", "blockmux"):
        assert re.search(rf"^{name} +running +1 ", status, re.MULTILINE), status


def test_victim_works_again(system):
    console = Console(system)
    run(console, "victim", f"wget -q -O /tmp/blob http://{WEB_ADDRESS}/blob && "
                           "dd if=/tmp/blob of=/dev/vda bs=64k conv=fsync")
