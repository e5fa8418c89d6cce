# SPDX-License-Identifier: BSD-2-Clause
"""The smallest systems: a program that says hello, and the console with its monitor."""
import pytest

from harness.console import Console
from harness.describe import describe, machine
from harness.machine import Machine


def test_hello_runs_and_wakes_up():
    with Machine.system("hello") as hello:
        hello.expect(r"hello 0 from hello", 30)
        hello.expect(r"hello 3 from hello", 30)


@pytest.mark.parametrize("cores", [1, 2, 4])
def test_monitor_answers_on_every_core_count(cores):
    path = describe(f"console{cores}", cores=cores, memory="256M")
    with machine(path) as smallest:
        smallest.expect(r"bulkhead> ", 30)
        console = Console(smallest)
        status = "\n".join(console.command("status"))
        assert "uart" in status and "console" in status
        for core in range(cores):
            assert f"core {core}" in status
        assert console.command("help")
        console.type("poweroff\r")
        smallest.wait_exit(20)
