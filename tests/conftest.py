# SPDX-License-Identifier: BSD-2-Clause
"""Makes the harness importable for the booted tests, and ends what a test left running."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.machine import Machine  # noqa: E402


@pytest.fixture(scope="module")
def machines():
    """Starts machines; all of them end with the module, whatever happened."""
    started = []

    def start(*arguments, **options):
        machine = Machine(*arguments, **options)
        started.append(machine)
        machine.start()
        return machine

    yield start
    for machine in started:
        machine.stop()
