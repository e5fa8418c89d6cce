# SPDX-License-Identifier: BSD-2-Clause
"""The flagship system from its ISO image, started by GRUB under a BIOS and under UEFI."""
import pytest

from gateway import BOOT_SECONDS, GREETING
from harness.machine import Machine


@pytest.mark.parametrize("option", ["--from-iso", "--uefi"])
def test_iso_boots_and_guests_serve(option):
    with Machine.system("gateway", option) as machine:
        machine.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
        machine.expect(r"guest client: address ", BOOT_SECONDS, anywhere=True)
        assert GREETING in machine.curl_until(GREETING)
