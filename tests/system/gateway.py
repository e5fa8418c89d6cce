# SPDX-License-Identifier: BSD-2-Clause
"""What systems/gateway.yaml promises, for the tests that boot it."""

WEB_ADDRESS = "10.0.2.15"
CLIENT_ADDRESS = "10.0.2.16"
GREETING = "Hello from guest web"
BOOT_SECONDS = 180


def wait_for_guests(machine, timeout=BOOT_SECONDS):
    machine.expect(rf"guest web: address {WEB_ADDRESS}", timeout, anywhere=True)
    machine.expect(rf"guest client: address {CLIENT_ADDRESS}", timeout, anywhere=True)
