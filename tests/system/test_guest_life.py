# SPDX-License-Identifier: BSD-2-Clause
"""A guest that resets itself comes back, with both its vCPUs, when its VM is set to; one that
switches itself off stays off; one that ends as soon as it starts waits longer each time. The console
says which it was."""
import pytest

from harness.console import Console
from harness.describe import describe, indented, machine

GUESTS = """\
- name: web
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=web
  memory: 128M
  core: 0
  priority: 12
  vcpus:
    - { core: 1 }
    - { core: 2 }
  settings:
    - { name: on_reset, value: restart }
- name: hopeless
  kernel: tests/guests/hostile.bzimage
  cmdline: triple
  memory: 64M
  no-hvc: true
  core: 3
  vcpus:
    - { core: 3 }
  settings:
    - { name: on_reset, value: restart }
"""

READY = "press Enter for a shell on ttyS0"


@pytest.fixture(scope="module")
def console():
    path = describe("guest-life", rest="vms:\n" + indented(GUESTS))
    with machine(path) as booted:
        booted.expect(READY, 180)
        yield Console(booted)


def end_by(console, line):
    """Has the guest end itself a little later, when the overview shows what the VMM says."""
    console.shell("web")
    console.wide("web")
    assert console.run("web", "nproc")[0].strip() == "2"
    console.run("web", f"(sleep 4; {line}) >/dev/null & true")
    console.overview()


def test_reset_guest_comes_back(console):
    end_by(console, "reboot -f")
    console.machine.expect(r"web\| the guest asked for a reset: starting it again", 60)
    console.machine.expect(READY, 180)


def test_guest_that_ends_at_once_waits(console):
    for wait in (1, 2, 4):
        console.machine.expect(rf"hopeless\| the guest can't go on: starting it again in {wait} s", 60,
                               anywhere=True)


def test_guest_that_is_off_stays_off(console):
    end_by(console, "poweroff -f")
    console.machine.expect(r"web\| the guest switched itself off: stopped", 60)
    assert any("web" in line for line in console.command("status"))
