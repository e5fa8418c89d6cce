# SPDX-License-Identifier: BSD-2-Clause
"""Virtual functions of an NVMe disk: two guests drive one each with their distribution's nvme, and
each has a namespace of its own; the physical function's driver serves a third guest with another.
"""
import hashlib
import os
import re

import pytest

from harness.console import Console
from harness.describe import describe, indented, machine, root_port
from harness.machine import BUILD

MIB = 1 << 20
OWNERS = ("home", "left", "right")      # of the namespaces, from the first

HARDWARE = root_port("00:05.0", "under") + """\
- address: 01:00.0
  id: 1b36:0010
  model: nvme
  options: bus=under,serial=shared,sriov_max_vfs=3,sriov_vq_flexible=6,sriov_vi_flexible=3
  behind: 00:05.0
  namespaces: [{images}]
"""

PHYSICAL = """\
- name: nvme0
  as: disk
  pci: 01:00.0
  id: 1b36:0010
  dma: true
  msix: 2
  bars:
    - { bar: 0, size: 8K }
"""

VIRTUAL = {name: f"""\
- name: vf-{name}
  vf-of: nvme0
  vf: {number}
  id: 1b36:0010
  msix: 1
  bars:
    - {{ bar: 0, size: 8K }}
{f'  namespace: {space}' if space else ''}
""" for number, (name, space) in enumerate((("left", 2), ("right", 3), ("none", None)))}

DRIVER = """\
- name: nvme
  program: {program}
  core: 0
  priority: 22
  devices: [nvme0]
"""

MUX = """\
disks:
  - name: blockmux
    driver: nvme
    core: 0
    priority: 20
"""

GUESTS = {name: f"""\
- name: {name}
  kernel: guests/stock.vmlinuz
  initrd: tests/guests/attach.cpio
  cmdline: console=ttyS0 quiet bulkhead.name={name}
  memory: 256M
  core: 1
  priority: 12
  no-hvc: true
  passthrough: [{passed}]
  vcpus:
    - {{ core: {core} }}
""" for name, passed, core in (("left", "vf-left, vf-none", 2), ("right", "vf-right", 3))}

GUESTS["home"] = """\
- name: home
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=home
  memory: 256M
  core: 1
  priority: 12
  vcpus:
    - { core: 3 }
  disks:
    - { from: blockmux }
"""

DISKS = {"left": "nvme0n1", "right": "nvme0n1", "home": "vda"}


def mark_of(name):
    return f"this disk is of {name}"


def image_of(system, owner):
    return os.path.join(BUILD, "tests", f"{system}-{owner}.img")


def boot(name, program="nvme", guests=tuple(GUESTS), functions=tuple(VIRTUAL)):
    for owner in OWNERS:
        with open(image_of(name, owner), "wb") as image:
            image.write(mark_of(owner).encode() + b"\n")
            image.truncate(32 * MIB)
    images = ", ".join(image_of(name, owner) for owner in OWNERS)
    devices = PHYSICAL + "".join(VIRTUAL[function] for function in functions)
    vms = indented("".join(GUESTS[guest] for guest in guests))
    return machine(describe(name, compartments=DRIVER.format(program=program), devices=devices,
                            hardware=HARDWARE.format(images=images),
                            rest=MUX + "vms:\n" + vms))


def wait_for(booted, guest, **options):
    booted.expect(f"guest {guest}: press Enter for a shell on ttyS0", 180, **options)


@pytest.fixture(scope="module")
def console():
    with boot("nvme-vf") as booted:
        for name in GUESTS:
            wait_for(booted, name, anywhere=True)
        yield Console(booted)


def run(console, guest, line, timeout=120):
    console.shell(guest)
    console.wide(guest)
    return console.check(guest, line, timeout)


def marks_of(console, guest):
    """What the guest finds at the beginning of each of its disks, by the disk's name."""
    told = run(console, guest, "cd /dev; for d in nvme?n? vd?; do [ -e $d ] && "
                               "echo \"$d: $(dd if=$d bs=512 count=1 iflag=direct 2>/dev/null | "
                               "head -n 1)\"; done; cd /")
    return dict(re.findall(r"^(\w+): (.*?)\r?$", told, re.MULTILINE))


@pytest.mark.parametrize("guest", GUESTS)
def test_each_has_its_own_namespace_and_no_other(console, guest):
    assert marks_of(console, guest) == {DISKS[guest]: mark_of(guest)}


def test_virtual_functions_are_driven_by_the_stock_driver(console):
    """Left has a second one, without a namespace: a disk that doesn't start."""
    told = run(console, "left", "ls /sys/bus/pci/drivers/nvme; dmesg | grep 'nvme nvme'")
    assert len(re.findall(r"^0000:", told, re.MULTILINE)) == 1, told
    assert "nvme1: Device not ready" in told


# What is in the first part of the disk.
SUM = "dd if=/dev/{disk} bs=64k count=8 iflag=direct 2>/dev/null | md5sum"
# Writes it again and again, and tells of what comes back. A rest between leaves others the time.
ROUNDS = ("rm -f /tmp/stop /tmp/sums; dd if=/dev/urandom of=/tmp/a bs=64k count=8 2>/dev/null; "
          "(while [ ! -e /tmp/stop ]; do dd if=/tmp/a of=/dev/{disk} bs=64k {how} 2>/dev/null; "
          + SUM + "; {rest}; done) >/tmp/sums & true")
FURTHER = ("n=$(($(wc -l </tmp/sums)+2)); while [ $(wc -l </tmp/sums) -lt $n ]; do sleep 1; done; "
           "touch /tmp/stop; wait; md5sum </tmp/a; cat /tmp/sums")
# How long Linux waits for an answer before it asks the disk to forget the request, and again before
# it resets it: usually half a minute, here so many ms. (Its head disk over all paths has no such
# time, the path has.)
IMPATIENT = "echo 4000 | tee /sys/block/nvme*c*n*/queue/io_timeout"
LATE = "I/O [0-9]* .*timeout|I/O tag .* timeout"


def start_rounds(console, *guests, how="conv=fsync", rest="true"):
    for guest in guests:
        run(console, guest, ROUNDS.format(disk=DISKS[guest], how=how, rest=rest))


def sums(console, guest, line):
    """What the guest says of its disk, which is what the image has, too."""
    told = re.findall(r"^([0-9a-f]{32})  -", run(console, guest, line, 180), re.MULTILINE)
    with open(image_of("nvme-vf", guest), "rb") as image:
        assert set(told) == {hashlib.md5(image.read(MIB // 2)).hexdigest()}
    return told


def end_rounds(console, *guests):
    """Further rounds; all brought what was written."""
    for guest in guests:
        assert len(sums(console, guest, FURTHER)) >= 3


ONLINE = r"nvme\| virtual function 1: namespace 3, 2 queues, 1 interrupts"


def control(console, verb, victim, sign=""):
    """`sign`: what is told when it is done, be it before or after the monitor's own answer."""
    console.overview()
    start = console.machine.serial.position
    assert f"{verb}: {victim}" in "\n".join(console.command(f"{verb} {victim}"))
    console.machine.serial.position = start
    console.machine.expect(sign, 60)


def test_others_keep_theirs_when_an_owner_or_the_multiplexer_dies(console):
    """The virtual function is reset, and works for its owner's next life as it did before."""
    start_rounds(console, "home", "right", rest="sleep 1")
    start_rounds(console, "left")
    control(console, "restart", "left")
    wait_for(console.machine, "left")
    start_rounds(console, "left")
    control(console, "restart", "blockmux")
    end_rounds(console, *GUESTS)
    for guest in ("left", "right"):
        assert run(console, guest, f"dmesg | grep -cE '{LATE}'; true").strip() == "0"


class Helped(AssertionError):
    """A guest has given itself another's namespace."""


@pytest.mark.xfail(strict=True, raises=Helped,
                   reason="QEMU's disk obeys every controller that says who has a namespace")
def test_guest_cannot_give_itself_anothers_namespace(console):
    """The driver's next start, in the next test, takes it away again."""
    console.shell("left")
    console.wide("left")
    console.run("left", "attach /dev/nvme0 3 $(cat /sys/class/nvme/nvme0/cntlid); "
                        "for i in 1 2 3 4 5; do [ -e /dev/nvme0n2 ] && break; sleep 1; done")
    disks = set(marks_of(console, "left"))
    assert disks <= {"nvme0n1", "nvme0n2"} and "nvme0n1" in disks
    if "nvme0n2" in disks:
        raise Helped("left sees the namespace of right")


RESET = "echo 1 >/sys/class/nvme/nvme0/reset_controller"


def test_all_go_on_when_the_driver_is_restarted(console):
    """Its reset takes the virtual functions offline; they come again with their own namespaces
    only, and what their guests were writing is written. Right's Linux finds out by itself, left's
    is told to reset its disk: Linux 6.1 doesn't survive that a flush isn't answered."""
    run(console, "right", IMPATIENT)
    start_rounds(console, "left", "home")
    start_rounds(console, "right", how="oflag=direct")
    control(console, "restart", "nvme", ONLINE)
    run(console, "left", RESET)
    end_rounds(console, *GUESTS)
    assert run(console, "right", f"dmesg | grep -cE '{LATE}'; true").strip() != "0"
    run(console, "left", "while [ -e /dev/nvme0n2 ]; do sleep 1; done")


GIVEN_UP = "while [ -e /dev/nvme0n1 ]; do sleep 1; done"
AGAIN = ("cd /sys/bus/pci; disk=$(grep -l 0x010802 devices/*/class | head -n 1); "
         "echo 1 >${disk%/*}/remove; echo 1 >rescan; cd /; "
         "while ! [ -b /dev/nvme?n1 ]; do sleep 1; done")


def test_guest_that_gave_its_disk_up_can_take_it_again(console):
    """Left resets its disk while the driver is away, which fails; right when it is there again."""
    control(console, "stop", "nvme")
    run(console, "left", f"{RESET}; {GIVEN_UP}")
    control(console, "start", "nvme", ONLINE)
    run(console, "right", RESET)
    sums(console, "right", SUM.format(disk=DISKS["right"]))
    run(console, "left", AGAIN)
    sums(console, "left", SUM.format(disk="$(ls /dev | grep nvme.n1)"))


def test_without_the_rule_a_guest_sees_everybodys_namespaces():
    """The control: the same disk, and a driver that gives each namespace to all."""
    with boot("nvme-vf-open", "nvme-open", ["left"], ["left", "none"]) as booted:
        wait_for(booted, "left")
        assert sorted(marks_of(Console(booted), "left").values()) == sorted(map(mark_of, OWNERS))
