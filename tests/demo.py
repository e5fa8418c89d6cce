#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""`make run`: boots the gateway system, shows that it works, then hands the console over.

What the machine prints is shown as it comes. When standard input is no terminal, it ends after the
demonstration, with status 0 when everything worked.
"""
import os
import select
import shlex
import sys
import termios
import time
import tty

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "system"))

from gateway import CLIENT_ADDRESS, GREETING, WEB_ADDRESS, wait_for_guests  # noqa: E402
from harness.console import Console  # noqa: E402
from harness.machine import QEMU, Machine  # noqa: E402

PORT = 8080
QUIT = b"\x01"          # Ctrl-A, then x: as in QEMU
HELP = """
  The console is yours.
    Ctrl-] 1      the console of guest web: Enter starts its shell
    Ctrl-] 3      the console of guest client (2 and 4: their virtio consoles)
    Ctrl-] 0      back here: the overview with Bulkhead's monitor; try help, status, devices
    Ctrl-A x      ends the machine
  The web page of guest web: http://127.0.0.1:{port}/
"""


def say(text):
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() else ("", "")
    sys.stdout.write(f"\r\n{bold}make run: {text}{plain}\r\n")
    sys.stdout.flush()


CURSOR_QUERY = b"\x1b[6n"


def show(data):
    """While nobody answers for the person, their terminal isn't asked anything either."""
    os.write(sys.stdout.fileno(), data.replace(CURSOR_QUERY, b""))


def show_all(data):
    os.write(sys.stdout.fileno(), data)


def demonstrate(machine):
    port = machine.forwards[PORT]
    say("waiting for both guests to get their addresses (DHCP through switch and driver)")
    wait_for_guests(machine)
    say(f"guest web has {WEB_ADDRESS}, guest client has {CLIENT_ADDRESS}")
    say(f"$ curl http://127.0.0.1:{port}/")
    show(machine.curl_until(GREETING).encode())
    console = Console(machine)
    say("guest client pings guest web through the switch")
    console.focus("client.serial")
    console.type("\r")
    machine.expect(r"client:\S*# ")
    console.type(f"ping -c 3 {WEB_ADDRESS}\r")
    machine.expect(r"[23] packets received")
    machine.expect(r"client:\S*# ")
    console.overview()
    say("everything works")


def hand_over(machine):
    """Keys to the machine as they are typed, until Ctrl-A x or the machine's end."""
    print(HELP.format(port=machine.forwards[PORT]).replace("\n", "\r\n"), end="\r\n", flush=True)
    machine.send("\r")
    machine.serial.watcher = show_all
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    tty.setraw(keyboard, termios.TCSAFLUSH)
    quitting = False
    try:
        while machine.process.poll() is None:
            ready, _, _ = select.select([keyboard], [], [], 0.2)
            if not ready:
                continue
            keys = os.read(keyboard, 256)
            if not keys or (quitting and keys[:1] == b"x") or keys == QUIT + b"x":
                return
            quitting = keys == QUIT
            if not quitting:
                machine.serial.socket.sendall(keys)
    finally:
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
        print()


def main():
    machine = Machine.system("gateway", keep_ports=True)
    if machine.forwards.get(PORT) != PORT:
        say(f"port {PORT} of this host is taken; using {machine.forwards[PORT]}")
    say("booting systems/gateway.yaml")
    print(f"$ {QEMU} {shlex.join(machine.arguments)}", flush=True)
    with machine:
        machine.serial.watch(show)
        try:
            demonstrate(machine)
        except AssertionError as error:
            time.sleep(0.2)
            say(f"that went wrong: {error}")
            return 1
        if sys.stdin.isatty():
            hand_over(machine)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
