# SPDX-License-Identifier: BSD-2-Clause
"""QEMU's machine protocol, as far as tests need it: one command, one answer; events are kept."""
import json
import socket
import time


class QmpError(RuntimeError):
    """QEMU refused a command."""


class Qmp:
    """One connection to QEMU's monitor."""

    def __init__(self, path, seconds=20):
        deadline = time.monotonic() + seconds
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        self.socket.settimeout(60)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.events = []
        json.loads(self.lines.readline())
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        message = {"execute": name, "arguments": arguments} if arguments else {"execute": name}
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            line = self.lines.readline()
            if not line:
                raise QmpError(f"{name}: the monitor closed")
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpError(f"{name}: {answer['error'].get('desc')}")
            self.events.append(answer)

    def monitor(self, line):
        """A command of the human monitor; answers its text."""
        return self.command("human-monitor-command", **{"command-line": line})

    def physical(self, address, size):
        """Bytes of guest-physical memory, by the monitor's xp."""
        text = self.monitor(f"xp /{size}xb {address:#x}")
        values = [word for line in text.splitlines() for word in line.split(":", 1)[1].split()]
        return bytes(int(value, 16) for value in values)

    def close(self):
        self.lines.close()
        self.socket.close()
