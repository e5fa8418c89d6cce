# SPDX-License-Identifier: BSD-2-Clause
"""Parts are reset under a guest that serves: its page comes again without the guest's doing."""
import re

import pytest

from gateway import BOOT_SECONDS, GREETING
from harness.console import Console
from harness.describe import describe_web_and, machine


@pytest.fixture(scope="module")
def serving():
    with machine(describe_web_and("restart")) as booted:
        booted.expect(r"guest web: address", BOOT_SECONDS, anywhere=True)
        booted.curl_until(GREETING)
        yield booted


@pytest.mark.parametrize("part", ["e1000e", "switch", "uart"])
def test_page_comes_again_after_a_reset(serving, part):
    console = Console(serving)
    console.overview()
    console.command(f"restart {part}")
    serving.curl_until(GREETING)
    status = "\n".join(console.command("status"))
    assert re.search(rf"{part} +running +2 ", status), status
    assert re.search(r"web +running +1 ", status), status


def test_guest_starts_anew(serving):
    console = Console(serving)
    console.overview()
    console.command("restart web")
    serving.expect(r"guest web: address", BOOT_SECONDS)
    serving.curl_until(GREETING)
