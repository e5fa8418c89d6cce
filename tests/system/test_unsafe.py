# SPDX-License-Identifier: BSD-2-Clause
"""A machine without an IOMMU: a device with DMA is refused unless the description says that its owner
may be trusted with everything; then its native driver works, and everybody is told."""
import re
import subprocess

import pytest

from gateway import BOOT_SECONDS, GREETING
from harness import describe as parts
from harness.console import Console
from harness.machine import Machine, built


@pytest.fixture(scope="module", name="path")
def fixture_path():
    nic = parts.NIC_DEVICE + "  unsafe: true\n"
    return parts.describe("unsafe", compartments=parts.NIC_DRIVER, devices=nic, iommu="none",
                          hardware=parts.NIC_HARDWARE,
                          rest=parts.SWITCH + "vms:\n" + parts.indented(parts.WEB))


def test_everybody_trusts_the_owner(path):
    text = subprocess.run([built("tests", "tool", "bulkhead"), "show", path], text=True, check=True,
                          stdout=subprocess.PIPE, timeout=60).stdout
    trusts = re.findall(r"its memory trusts +kernel, plan(.*)", text)
    names = re.findall(r"^compartment (\S+)", text, re.M)
    assert "UNSAFE without an IOMMU" in text and len(trusts) == len(names) > 3
    for name, trusted in zip(names, trusts):
        assert ("e1000e" in trusted) == (name != "e1000e"), (name, trusted)


def test_the_native_driver_serves_a_page(path):
    with Machine.system(path, "-o", parts.FOLDER) as machine:
        assert "intel-iommu" not in " ".join(machine.arguments)
        machine.expect(r'UNSAFE: device "nic" \(00:02\.0\) reaches all memory, as this machine has no '
                       r'usable IOMMU: everybody must trust "e1000e"', 60, anywhere=True)
        machine.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
        assert GREETING in machine.curl_until(GREETING)
        Console(machine).command("restart e1000e")
        machine.expect(r"e1000e\| link up", 60)
        assert GREETING in machine.curl_until(GREETING)
