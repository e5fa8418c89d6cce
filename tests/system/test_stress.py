# SPDX-License-Identifier: BSD-2-Clause
"""A Debian guest with four vCPUs under stress: memory, fork, timers and interprocessor interrupts at
once. Nothing may be found wrong, and no vCPU may stand still meanwhile: each ticks once a second.
All vCPUs are busy all the time: one that idles would look by itself for what a lost interrupt asks.
BULKHEAD_STRESS_SECONDS says how long (`make soak`: ten minutes)."""
import os
import re

import pytest

from harness.console import Console
from harness.describe import DISK_DEVICE, DISK_DRIVER, DISK_MUX, describe, disk_hardware, machine

SECONDS = int(os.environ.get("BULKHEAD_STRESS_SECONDS", "30"))
VCPUS = 4
LONGEST_SECONDS = 10                # between two ticks, on a machine that emulates it all
STRESSORS = ("--vm 2 --vm-bytes 48M --fork 2 --timer 1 --timer-freq 500 --tlb-shootdown 1 "
             "--switch 2 --membarrier 2 --cpu 4")

GUEST = """\
vms:
  - name: debian
    kernel: guests/debian.vmlinuz
    initrd: guests/debian.initrd
    cmdline: >-
      console=ttyS0 root=/dev/vda rw systemd.hostname=debian
    memory: 512M
    core: 0
    priority: 12
    vcpus:
      - { core: 1 }
      - { core: 2 }
      - { core: 3 }
      - { core: 4 }
    disks:
      - { from: blockmux, partition: debian }
"""

TICK = ("for c in $(seq 0 %d); do (taskset -c $c sh -c 'p=$(date +%%s); while [ ! -e /tmp/end ]; "
        "do sleep 1; n=$(date +%%s); echo $((n-p)); p=$n; done' >/tmp/ticks$c) & done" % (VCPUS - 1))


@pytest.fixture(scope="module")
def debian():
    path = describe("stress", cores=VCPUS + 1, hardware=disk_hardware("guests/debian.img"),
                    devices=DISK_DEVICE, compartments=DISK_DRIVER, rest=DISK_MUX + GUEST)
    running = machine(path)
    running.arguments.append("-snapshot")
    with running:
        console = Console(running)
        running.expect(r"debian login: root \(automatic login\)", 240, anywhere=True)
        console.shell("debian")
        console.wide("debian")
        yield console


def run(console, line, timeout=120):
    return console.check("debian", line, timeout)


def interrupts(console, kind):
    """Of a kind (/proc/interrupts), how many each vCPU has had."""
    row = run(console, f"grep '{kind}:' /proc/interrupts")
    return [int(count) for count in re.search(r":((?: +\d+)+)", row).group(1).split()]


def test_all_vcpus_are_there(debian):
    assert run(debian, "nproc").split() == [str(VCPUS)]


def test_stress_finds_nothing_wrong(debian):
    before = {kind: interrupts(debian, kind) for kind in ("LOC", "RES", "CAL")}
    run(debian, TICK)
    report = run(debian, f"stress-ng {STRESSORS} --verify --metrics-brief --timeout {SECONDS}s",
                 60 + 4 * SECONDS)
    assert "successful run completed" in report and "fail" not in report.lower(), report
    run(debian, "touch /tmp/end; sleep 3")
    for kind, counts in before.items():
        for vcpu, (old, new) in enumerate(zip(counts, interrupts(debian, kind))):
            assert new > old, f"vCPU {vcpu} had no {kind} interrupt in {SECONDS} s"


@pytest.mark.parametrize("vcpu", range(VCPUS))
def test_no_vcpu_stood_still(debian, vcpu):
    ticks = [int(gap) for gap in run(debian, f"cat /tmp/ticks{vcpu}").split()]
    assert sum(ticks) >= SECONDS - LONGEST_SECONDS, ticks
    assert max(ticks) <= LONGEST_SECONDS, ticks


def test_kernel_found_nothing_to_complain_of(debian):
    output, _ = debian.run(
        "debian", "dmesg | grep -E 'BUG|WARNING|Call Trace|soft lockup|rcu.*stall|unstable'")
    assert output == ""
