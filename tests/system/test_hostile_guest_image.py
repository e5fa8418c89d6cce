# SPDX-License-Identifier: BSD-2-Clause
"""Positive controls of the hostile test guest: on a bare PC its misdeeds do what they are meant to."""
import pytest

from harness.bare import bare


@pytest.mark.parametrize("deed", ["triple", "ports"])
def test_deed_resets_a_bare_machine(deed):
    with bare(deed) as machine:
        machine.expect(f"hostile: {deed}", 20)
        machine.wait_exit(20)
        machine.serial.never("still here")


@pytest.mark.parametrize("deed", ["spin", "flood", "storm", "step"])
def test_deed_keeps_a_bare_machine_busy(deed):
    with bare(deed) as machine:
        machine.expect(f"hostile: {deed}", 20)
        assert not machine.qmp.command("query-cpus-fast")[0].get("halted", False)
        assert "HLT=0" in machine.qmp.monitor("info registers")
