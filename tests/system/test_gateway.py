# SPDX-License-Identifier: BSD-2-Clause
"""The flagship system, booted as `make run` boots it: two Debian guests behind one e1000e."""
import re

import pytest

from gateway import CLIENT_ADDRESS, GREETING, WEB_ADDRESS, wait_for_guests
from harness.console import Console
from harness.machine import Machine


@pytest.fixture(scope="module")
def gateway():
    with Machine.system("gateway") as machine:
        yield machine


@pytest.fixture(scope="module")
def console(gateway):
    return Console(gateway)


def test_both_guests_get_their_addresses_by_dhcp(gateway):
    wait_for_guests(gateway)


def test_host_fetches_the_page_of_a_guest(gateway):
    assert GREETING in gateway.curl_until(GREETING)


def test_page_comes_again_and_again(gateway):
    for _ in range(20):
        assert GREETING in (gateway.curl() or "")


def test_monitor_answers(console):
    console.overview()
    assert console.command("help")
    status = "\n".join(console.command("status"))
    for compartment in ("uart", "e1000e", "console", "switch", "web", "client"):
        assert compartment in status


@pytest.mark.parametrize("line", ["devices", "faults", "counters", "log"])
def test_monitor_knows(console, line):
    console.overview()
    assert console.command(line), f"{line} prints nothing"


def test_monitor_refuses_what_it_does_not_know(console):
    console.overview()
    answer = " ".join(console.command("submerge"))
    assert "submerge" in answer and "help" in answer


def test_key_steps_through_the_guests(console):
    console.overview()
    assert [console.step() for _ in range(5)] == ["web.serial", "web.hvc", "client.serial",
                                                  "client.hvc", "overview"]


@pytest.mark.parametrize("guest", ["web", "client"])
def test_shell_of_each_guest_is_reached(console, guest):
    console.shell(guest)
    console.wide(guest)
    output, status = console.run(guest, "hostname")
    assert status == 0 and output.strip() == guest


@pytest.mark.parametrize("guest", ["web", "client"])
def test_shell_on_the_virtio_console(console, guest):
    console.shell(guest, "hvc")
    output, status = console.run(guest, "tty")
    assert status == 0 and "hvc0" in output


def test_shell_of_client_pings_web_through_the_switch(console):
    console.shell("client")
    output, status = console.run("client", f"ping -c 5 {WEB_ADDRESS}")
    assert status == 0 and re.search(r"5 packets transmitted, [45] packets received", output)


def test_client_fetches_the_page_of_web(console):
    console.shell("client")
    output, status = console.run("client", f"wget -q -O - http://{WEB_ADDRESS}/")
    assert status == 0 and GREETING in output


def test_client_has_two_cpus(console):
    console.shell("client")
    output, _ = console.run("client", "nproc")
    assert output.strip() == "2"


def test_shell_of_web_pings_client(console):
    console.shell("web")
    output, status = console.run("web", f"ping -c 5 {CLIENT_ADDRESS}")
    assert status == 0 and re.search(r"5 packets transmitted, [45] packets received", output)


def test_web_transfers_a_megabyte_intact(gateway, console):
    console.shell("web")
    console.run("web", "dd if=/dev/urandom of=/www/blob bs=64k count=16 2>/dev/null", 120)
    output, _ = console.run("web", "md5sum /www/blob")
    wanted = output.split()[0]
    console.shell("client")
    output, status = console.run(
        "client", f"wget -q -O - http://{WEB_ADDRESS}/blob | md5sum", 180)
    assert status == 0 and wanted in output


def test_guest_with_two_vcpus_forks_for_long(console):
    """Address spaces come and go on both vCPUs; a guest that was started again wouldn't answer."""
    console.shell("client")
    output, status = console.run(
        "client", "i=0; while [ $i -lt 1500 ]; do busybox true & busybox true; i=$((i+1)); done; "
                  "wait; grep -c processor /proc/cpuinfo", 300)
    assert status == 0 and output.strip() == "2", output


def test_guests_kernels_found_nothing_to_complain_of(console):
    for guest in ("web", "client"):
        console.shell(guest)
        console.wide(guest)
        output, _ = console.run(
            guest, "dmesg | grep -c -E 'BUG|WARNING|Call Trace|soft lockup|rcu.*stall'")
        assert output.strip() == "0"


def test_switch_confines_each_port_to_its_own_address(console):
    """A frame with a foreign source address must not pass the port (ATTACKS.md, F7)."""
    console.shell("client")
    console.run("client", "ip link set eth0 down; ip link set eth0 address 52:54:00:00:00:99; "
                          "ip link set eth0 up; ip address add 10.0.2.99/24 dev eth0", 60)
    output, status = console.run("client", f"ping -c 2 -W 2 {WEB_ADDRESS}")
    assert status != 0, output


def test_poweroff_ends_the_machine(gateway, console):
    console.overview()
    console.type("poweroff\r")
    gateway.wait_exit(30)
