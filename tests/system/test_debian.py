# SPDX-License-Identifier: BSD-2-Clause
"""A whole Debian on systems/debian.yaml's disk: systemd comes up, and what people measure disks and
networks with works. QEMU keeps all writes to itself (-snapshot): the image stays as built."""
import re
import subprocess

import pytest

from harness.console import Console
from harness.machine import Machine, free_port

BOOT_SECONDS = 240


@pytest.fixture(scope="module")
def debian():
    machine = Machine.system("debian")
    machine.arguments.append("-snapshot")
    with machine:
        console = Console(machine)
        machine.expect(r"debian login: root \(automatic login\)", BOOT_SECONDS, anywhere=True)
        console.shell("debian")
        console.wide("debian")
        yield console


def run(console, line, timeout=120):
    return console.check("debian", line, timeout)


def test_systemd_reaches_multi_user(debian):
    output, status = debian.run("debian", "systemctl is-system-running --wait", BOOT_SECONDS)
    assert status == 0, output + debian.run("debian", "systemctl --failed --no-pager")[0]
    assert "active" in run(debian, "systemctl is-active multi-user.target")


def test_root_file_system_is_the_disk(debian):
    assert run(debian, "findmnt -no SOURCE,FSTYPE /").split() == ["/dev/vda", "ext4"]


FIO = ("fio --name=check --filename=/var/tmp/fio --bs=4k --direct=1 --ioengine=libaio --iodepth=16 "
       "--rw=randwrite --verify=crc32c --verify_fatal=1 ")


def test_fio_verifies_what_it_wrote(debian):
    report = run(debian, FIO + "--size=8M", 180)
    assert re.search(r"^ *write: IOPS=", report, re.MULTILINE), report
    assert re.search(r"^ *read: IOPS=", report, re.MULTILINE), report
    assert "err= 0" in report, report


def test_fio_finds_one_spoilt_block(debian):
    """What the other tests' verification is worth."""
    run(debian, "dd if=/dev/zero of=/var/tmp/fio bs=4k seek=1000 count=1 conv=notrunc oflag=direct")
    output, status = debian.run("debian", FIO + "--size=8M --verify_only", 180)
    assert status != 0 and "verify: bad" in output, output


@pytest.mark.parametrize("part", ["nvme", "blockmux"])
def test_fio_goes_on_across_a_reset(debian, part):
    """Of what fio wrote before and after it, and while requests were lost, nothing is missing."""
    run(debian, f"rm -f /var/tmp/fio; ({FIO} --size=48M; echo status $?) >/tmp/report 2>&1 & true")
    debian.overview()
    debian.command(f"restart {part}")
    status = "\n".join(debian.command("status"))
    assert re.search(rf"{part} +(running|resetting) +2 ", status), status
    debian.shell("debian")
    run(debian, "! grep status /tmp/report")            # it was at work all the while
    report = run(debian, "until grep status /tmp/report; do sleep 1; done; cat /tmp/report", 300)
    assert "status 0" in report and "err= 0" in report, report


@pytest.fixture
def iperf_server():
    """One measurement's server on the host, the guest's 10.0.2.2; answers its port."""
    port = free_port()
    command = ["iperf3", "-s", "-1", "--forceflush", "-B", "127.0.0.1", "-p", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert any("listening" in line for line in server.stdout), "no iperf3 server on the host"
        yield port
        server.terminate()


@pytest.mark.parametrize("direction", ["", "--reverse"])
def test_iperf3_with_the_host(debian, iperf_server, direction):
    report = run(debian, f"iperf3 --client 10.0.2.2 --port {iperf_server} --format m "
                         f"--bytes 8M {direction}", 120)
    received = re.search(r"([\d.]+) MBytes +([\d.]+) Mbits/sec +receiver", report)
    assert received and float(received.group(1)) > 7, report
    assert float(received.group(2)) > 0, report


def test_kernel_found_nothing_to_complain_of(debian):
    output, _ = debian.run(
        "debian", "dmesg | grep -c -E 'BUG|WARNING|Call Trace|soft lockup|rcu.*stall'")
    assert output.strip() == "0"


def test_shell_on_the_virtio_console(debian):
    debian.shell("debian", "hvc")
    assert "hvc0" in run(debian, "tty")
