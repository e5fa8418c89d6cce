# SPDX-License-Identifier: BSD-2-Clause
"""systems/all-ways.yaml: every way of giving a guest network and disk side by side in one machine:
emulated, paravirtual, passed through, a virtual function, and by a driver domain. Each guest serves
its page and keeps its disk; one that dies takes nobody along but those whom it serves."""
import os
import re
import subprocess

import pytest

from gateway import BOOT_SECONDS
from harness.console import Console
from harness.machine import BUILD, ROOT, Machine, built

# The host's port of its page, the driver of its network card.
GUESTS = {"emulated": (8080, "e1000"), "virtio": (8081, "virtio_net"),
          "passed": (8082, "e1000e"), "virtual": (8083, "igbvf"), "served": (8084, "virtio_net")}
DISKS = {"emulated": ("sda", "nvme0n1"), "virtio": ("vda",), "passed": ("nvme0n1",),
         "virtual": ("nvme0n1",), "stored": ("nvme0n1",)}
# Who dies, and whose page that takes away.
DEATHS = {"passed": "passed", "virtual": "virtual", "domain": "served"}
# Again and again, with a rest between: more rounds of one guest's aren't worth the others' time.
ROUNDS = ("(while [ ! -e /tmp/stop ]; do dd if=/tmp/a of=/dev/{disk} bs=64k conv=fsync "
          "2>/dev/null; echo 3 >/proc/sys/vm/drop_caches; dd if=/dev/{disk} bs=64k count=8 "
          "2>/dev/null | md5sum; sleep 1; done) >/tmp/{disk}.sums & true")


def wait_for(booted, guests):
    for name in guests:
        booted.expect(rf"guest {name}: address 10\.0\.2\.1[567]", BOOT_SECONDS, anywhere=True)
    booted.expect(r"guest stored: imports the disk of 10\.0\.9\.1", BOOT_SECONDS, anywhere=True)


@pytest.fixture(scope="module")
def system():
    for image in ("disks.img", "virtual.img", "passed.img", "store.img"):
        assert os.path.exists(os.path.join(BUILD, "systems", image)), f"{image} was not built"
    booted = Machine.system("all-ways")
    booted.arguments.append("-snapshot")
    with booted:
        wait_for(booted, GUESTS)
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


def reach_through_its_own_kind_of_card(system, console, guest):
    port, driver = GUESTS[guest]
    system.curl_until(greeting(guest), port)
    path = run(console, guest, "readlink /sys/class/net/eth0/device/driver")
    assert path.strip().endswith(f"/{driver}"), path
    run(console, guest, "ping -c 2 10.0.2.2")


def write_all_disks_at_once(console, disks):
    sums = {}
    for guest, names in disks.items():
        run(console, guest, "dd if=/dev/urandom of=/tmp/a bs=64k count=8 2>/dev/null")
        sums[guest] = console.check(guest, "md5sum </tmp/a").split()[0]
        for disk in names:
            console.check(guest, ROUNDS.format(disk=disk))
    for guest, names in disks.items():
        written = " && ".join(f"[ $(wc -l </tmp/{disk}.sums) -ge 2 ]" for disk in names)
        run(console, guest, f"until {written}; do sleep 1; done")
    for guest, wanted in sums.items():
        run(console, guest, "touch /tmp/stop; wait")
        assert set(re.findall(r"^[0-9a-f]{32}", console.check(guest, "cat /tmp/*.sums"),
                              re.MULTILINE)) == {wanted}
    assert len(set(sums.values())) == len(disks)


@pytest.mark.parametrize("guest", GUESTS)
def test_guest_is_reached_through_its_own_kind_of_card(system, console, guest):
    reach_through_its_own_kind_of_card(system, console, guest)


def test_all_disks_are_written_at_once(console):
    write_all_disks_at_once(console, DISKS)


def test_driver_domains_are_trusted_by_nobody(console):
    assert run(console, "domain", "ls /sys/class/net/br0/brif").split() == ["eth0", "eth1"]
    shown = subprocess.run([built("tools", "bulkhead"), "show", "systems/all-ways.yaml"], cwd=ROOT,
                           check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    trusted = re.findall(r"^ +its (?:memory trusts|service needs) .*$", shown, re.MULTILINE)
    assert len(trusted) >= 2 * len(GUESTS)
    assert not [row for row in trusted if re.search(r"\b(domain|store)\b", row)]


@pytest.mark.parametrize("victim", DEATHS)
def test_one_that_dies_takes_nobody_along(system, console, victim):
    lost = DEATHS[victim]
    console.overview()
    console.command(f"stop {victim}")
    others = [guest for guest in GUESTS if guest != lost]
    for guest in others:
        assert greeting(guest) in system.curl_until(greeting(guest), GUESTS[guest][0])
    for guest in set(DISKS) - {lost}:
        for disk in DISKS[guest]:
            run(console, guest, f"dd if=/dev/{disk} of=/dev/null bs=64k count=64 iflag=direct")
    assert system.curl(GUESTS[lost][0], timeout=3) is None
    console.overview()
    console.command(f"start {victim}")
    system.curl_until(greeting(lost), GUESTS[lost][0], BOOT_SECONDS)
    console.overview()
    status = "\n".join(console.command("status"))
    for name in others + ["igb", "switch", "bridged", "nvme", "blockmux"]:
        assert re.search(rf"^{name} +running +\d+ +0 ", status, re.MULTILINE), status


def test_disk_of_a_driver_domain_comes_back_with_it(system, console):
    """What was under way when the domain died is done when it is there again."""
    run(console, "stored", "dd if=/dev/urandom of=/tmp/a bs=64k count=32 2>/dev/null")
    wanted = run(console, "stored", "md5sum </tmp/a").split()[0]
    console.overview()
    console.command("stop store")
    run(console, "stored", "(dd if=/tmp/a of=/dev/nvme0n1 bs=64k conv=fsync && "
                           "echo written >/tmp/done) 2>/dev/null & true")
    assert greeting("passed") in system.curl_until(greeting("passed"), GUESTS["passed"][0])
    assert run(console, "stored", "cat /tmp/done 2>/dev/null; true").strip() == ""
    console.overview()
    console.command("start store")
    run(console, "stored", "until [ -s /tmp/done ]; do sleep 1; done; "
                           "echo 3 >/proc/sys/vm/drop_caches", BOOT_SECONDS)
    assert wanted in run(console, "stored", "dd if=/dev/nvme0n1 bs=64k count=32 2>/dev/null | "
                                            "md5sum")
