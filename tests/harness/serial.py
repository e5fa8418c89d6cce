# SPDX-License-Identifier: BSD-2-Clause
"""A machine's serial line on a unix socket: keeps everything that was read, and waits for patterns."""
import os
import re
import socket
import threading
import time

# The console erases its prompt to show somebody's line: that line stands by itself then, and what was
# typed at the prompt doesn't pass for a line that was entered.
ERASED = re.compile(rb"\r\x1b\[K")
ERASED_MARK = "\N{ERASE TO THE LEFT}\n".encode()
LINE_END = r"(?=\n)"
# Cursor queries, colours and title changes are of no interest to a test.
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|\x1b[()][A-Z0-9]|\x1b[>=]|[\r\x0f]")
UNFINISHED = re.compile(rb"\r?(\x1b[\[\]()]?[0-9;?]*)?$")
TAIL_LINES = 60


class Missing(AssertionError):
    """What was expected on the serial line didn't come."""


class Serial:
    """Reads in a thread of its own, so that the machine never waits for the test."""

    def __init__(self, path, log_path):
        self.socket = self._connect(path)
        self.log = open(log_path, "wb")
        self.raw = bytearray()
        self.changed = threading.Condition()
        self.closed = False
        self.watcher = None
        self.typed = False
        self.position = 0  # where the next expect starts, in the text without escapes
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @staticmethod
    def _connect(path, seconds=20):
        """QEMU makes the socket some time after its start."""
        deadline = time.monotonic() + seconds
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(path)
                return connection
            except OSError:
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _read(self):
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            with self.changed:
                if not data:
                    self.closed = True
                    self.changed.notify_all()
                    return
                self.log.write(data)
                self.log.flush()
                self.raw += data
                if self.watcher:
                    self.watcher(data)
                self.changed.notify_all()

    def _text(self):
        whole = UNFINISHED.sub(b"", bytes(self.raw))
        return ESCAPES.sub(b"", ERASED.sub(ERASED_MARK, whole)).decode("utf-8", "replace")

    def text(self):
        """Everything so far, without escape sequences."""
        with self.changed:
            return self._text()

    def watch(self, watcher):
        """Hands everything to `watcher` as well, what was read before first."""
        with self.changed:
            watcher(bytes(self.raw))
            self.watcher = watcher

    def tail(self, lines=TAIL_LINES):
        return "\n".join(self.text().splitlines()[-lines:])

    def mark(self):
        """Lets the next expect see only what comes from now on."""
        self.position = len(self.text())

    def send(self, text):
        self.typed = True
        self.socket.sendall(text.encode())

    def expect(self, pattern, timeout=60, anywhere=False):
        """Waits for a regular expression behind the last match; `anywhere`: in everything so far.

        A `$` at its end is the end of a whole line, not of what has arrived of it. Answers the match.
        On failure tells what the line said last.
        """
        if pattern.endswith("$"):
            pattern = pattern[:-1] + LINE_END
        expression = re.compile(pattern, re.MULTILINE)
        deadline = time.monotonic() + timeout
        with self.changed:
            while True:
                found = expression.search(self._text(), 0 if anywhere else self.position)
                if found:
                    if not anywhere:
                        self.position = found.end()
                    return found
                left = deadline - time.monotonic()
                if left <= 0 or self.closed:
                    break
                self.changed.wait(min(left, 1))
        why = "the machine ended" if self.closed else f"nothing like it within {timeout} s"
        raise Missing(f"expected {pattern!r}: {why}. The serial line ends with:\n{self.tail()}\n"
                      f"(whole log: {os.path.relpath(self.log.name)})")

    def never(self, pattern, seconds=0):
        """Fails when the pattern is in the text, now or within so many seconds."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text(), re.MULTILINE)
            if found:
                raise AssertionError(f"{found.group(0)!r} must not appear:\n{self.tail()}")
            if time.monotonic() >= deadline:
                return
            time.sleep(0.2)

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        self.reader.join(5)
        self.log.close()
