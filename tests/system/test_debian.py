# SPDX-License-Identifier: BSD-2-Clause
"""A whole Debian on systems/debian.yaml's disk: systemd comes up, and what people measure disks and
networks with works. QEMU keeps all writes to itself (-snapshot), so the image stays as it was built."""
import pytest

from harness.console import Console
from harness.machine import Machine

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
    output, status = console.run("debian", line, timeout)
    assert status == 0, output
    return output


def test_systemd_reaches_multi_user(debian):
    output, status = debian.run("debian", "systemctl is-system-running --wait", BOOT_SECONDS)
    assert status == 0, output + debian.run("debian", "systemctl --failed --no-pager")[0]
    assert "active" in run(debian, "systemctl is-active multi-user.target")


def test_root_file_system_is_the_disk(debian):
    assert run(debian, "findmnt -no SOURCE,FSTYPE /").split() == ["/dev/vda", "ext4"]
