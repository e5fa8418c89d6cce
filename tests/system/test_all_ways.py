# SPDX-License-Identifier: BSD-2-Clause
"""systems/all-ways.yaml: guests with emulated, paravirtual and passed-through network and disk side
by side in one machine. Each serves its page and keeps its disk; one that dies takes nobody along."""
import os
import re

import pytest

from gateway import BOOT_SECONDS
from harness.console import Console
from harness.machine import BUILD, Machine

GUESTS = {"emulated": (8080, "e1000", "sda"), "virtio": (8081, "virtio_net", "vda"),
          "passed": (8082, "e1000e", "nvme0n1")}
ROUNDS = ("(while [ ! -e /tmp/stop ]; do dd if=/tmp/a of=/dev/{disk} bs=64k conv=fsync "
          "2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/{disk} bs=64k count=32 "
          "2>/dev/null | md5sum; done) >/tmp/sums & true")


@pytest.fixture(scope="module")
def system():
    for image in ("disks.img", "passed.img"):
        assert os.path.exists(os.path.join(BUILD, "systems", image)), f"{image} was not built"
    booted = Machine.system("all-ways")
    booted.arguments.append("-snapshot")
    with booted:
        for name in GUESTS:
            booted.expect(rf"guest {name}: address 10\.0\.2\.1[56]", BOOT_SECONDS, anywhere=True)
        yield booted


@pytest.fixture(scope="module")
def console(system):
    return Console(system)


def run(console, guest, line, timeout=180):
    console.shell(guest)
    console.wide(guest)
    return console.check(guest, line, timeout)


def greeting(guest):
    return f"Hello from guest {guest}"


@pytest.mark.parametrize("guest", GUESTS)
def test_guest_is_reached_through_its_own_kind_of_card(system, console, guest):
    port, driver, _ = GUESTS[guest]
    system.curl_until(greeting(guest), port)
    path = run(console, guest, "readlink /sys/class/net/eth0/device/driver")
    assert path.strip().endswith(f"/{driver}"), path
    run(console, guest, "ping -c 2 10.0.2.2")


def test_all_disks_are_written_at_once(console):
    sums = {}
    for guest, (_, _, disk) in GUESTS.items():
        run(console, guest, "dd if=/dev/urandom of=/tmp/a bs=64k count=32 2>/dev/null")
        sums[guest] = run(console, guest, "md5sum </tmp/a").split()[0]
        run(console, guest, ROUNDS.format(disk=disk))
    for guest, wanted in sums.items():
        run(console, guest, "until [ -s /tmp/sums ]; do sleep 1; done; sleep 3; touch /tmp/stop")
        assert set(re.findall(r"^[0-9a-f]{32}", run(console, guest, "cat /tmp/sums"),
                              re.MULTILINE)) == {wanted}
    assert len(set(sums.values())) == len(GUESTS)


@pytest.mark.parametrize("victim", GUESTS)
def test_one_that_dies_takes_nobody_along(system, console, victim):
    console.overview()
    console.command(f"stop {victim}")
    others = [guest for guest in GUESTS if guest != victim]
    for guest in others:
        assert greeting(guest) in system.curl_until(greeting(guest), GUESTS[guest][0])
        run(console, guest, f"dd if=/dev/{GUESTS[guest][2]} of=/dev/null bs=64k count=64 "
                            "iflag=direct")
    assert system.curl(GUESTS[victim][0], timeout=3) is None
    console.overview()
    console.command(f"start {victim}")
    system.curl_until(greeting(victim), GUESTS[victim][0], BOOT_SECONDS)
    console.overview()
    status = "\n".join(console.command("status"))
    for name in others + ["e1000e", "switch", "nvme", "blockmux"]:
        assert re.search(rf"^{name} +running +\d+ +0 ", status, re.MULTILINE), status
