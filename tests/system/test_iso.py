# SPDX-License-Identifier: BSD-2-Clause
"""The flagship system from its ISO image, started by GRUB under a BIOS and under UEFI."""
import pytest

from gateway import BOOT_SECONDS, GREETING
from harness.machine import Machine


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_iso_boots_and_guests_serve(firmware):
    with Machine.iso("gateway", firmware) as machine:
        machine.expect(r"guest web: address ", BOOT_SECONDS, anywhere=True)
        machine.expect(r"guest client: address ", BOOT_SECONDS, anywhere=True)
        assert GREETING in machine.curl_until(GREETING)
