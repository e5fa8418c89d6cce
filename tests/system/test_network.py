# SPDX-License-Identifier: BSD-2-Clause
"""The network path without guests: a client of the switch reaches the outside through the driver, and
goes on when driver, switch or client are reset."""
import re

import pytest

from harness.console import Console
from harness.describe import (NETPROBE, NIC_DEVICE, NIC_DRIVER, NIC_HARDWARE, SWITCH, describe,
                              indented, machine)

PROBE = NETPROBE.format(echoes=1000)


@pytest.fixture(scope="module")
def network():
    path = describe("network", compartments=NIC_DRIVER, devices=NIC_DEVICE, hardware=NIC_HARDWARE,
                    rest=SWITCH + "vms:\n" + indented(PROBE))
    with machine(path) as booted:
        yield booted


def next_echo(network, timeout=30):
    return int(network.expect(r"probe\| echo (\d+) answered", timeout).group(1))


def test_address_and_echo(network):
    network.expect(r"probe\| address 10\.0\.2\.15", 30)
    network.expect(r"probe\| gateway 10\.0\.2\.2 answers", 30)
    assert next_echo(network) >= 1


@pytest.mark.parametrize("compartment", ["e1000e", "switch", "probe"])
def test_goes_on_after_a_reset(network, compartment):
    next_echo(network)                                  # it is up, whichever test is the first
    console = Console(network)
    console.overview()
    assert f"restart: {compartment}" in "\n".join(console.command(f"restart {compartment}"))
    status = "\n".join(console.command("status"))
    assert re.search(rf"{compartment} +(running|resetting) +2 ", status), status
    first = next_echo(network)
    assert next_echo(network) == first + 1
    assert next_echo(network) == first + 2
