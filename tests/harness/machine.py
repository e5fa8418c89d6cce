# SPDX-License-Identifier: BSD-2-Clause
"""A QEMU machine under test.

Machine.system(NAME) takes the command from `bulkhead run --print`, so that what is tested is what
`make run` starts; only the console, the monitor and the host's ports are replaced, so that machines
don't collide. Machine(arguments) takes QEMU's arguments as they are.
"""
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from .qmp import Qmp
from .serial import Missing, Serial

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build")
LOGS = os.path.join(BUILD, "tests", "logs")
TOOL = os.path.join(BUILD, "tools", "bulkhead")
QEMU = "qemu-system-x86_64"
EMULATOR_RACE = b"iotlb_to_section"
FORWARD = re.compile(r"hostfwd=(tcp|udp):([0-9.]*):(\d+)-")

# How much longer than on an idle machine things may take; for slow or busy machines.
PATIENCE = float(os.environ.get("BULKHEAD_PATIENCE", "1"))


def free_port():
    """A TCP port of the host's loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def built(*path):
    """A file under build/; a clear failure when the build didn't make it."""
    name = os.path.join(BUILD, *path)
    assert os.path.exists(name), f"build/{'/'.join(path)} was not built"
    return name


def without(arguments, option):
    """The arguments without `option VALUE`, wherever it stands."""
    kept = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument == option:
            skip = True
        else:
            kept.append(argument)
    return kept


class Machine:
    """One QEMU process with its serial line, its monitor and its forwarded ports."""

    def __init__(self, arguments, name="machine", keep_ports=False):
        self.name = name
        self.keep_ports = keep_ports  # the command's own host ports, where they are free
        self.forwards = {}  # port in the command -> port on the host
        self.arguments = self._with_own_ports(self._with_own_console(list(arguments)))
        self.restarted = False
        self.folder = None
        self.process = None
        self.serial = None
        self.qmp = None
        self.log_path = None

    @classmethod
    def command_of(cls, system, *options):
        """QEMU's arguments for systems/NAME.yaml, or for another description by its path."""
        path = system if system.endswith(".yaml") else os.path.join("systems", f"{system}.yaml")
        text = subprocess.run([built("tools", "bulkhead"), "run", "--print", *options, path],
                              cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True,
                              timeout=120).stdout
        return shlex.split(text.replace("\\\n", " "))[1:]

    @classmethod
    def system(cls, system, *options, **keywords):
        name = os.path.splitext(os.path.basename(system))[0]
        return cls(cls.command_of(system, *options), name=name, **keywords)

    @staticmethod
    def _with_own_console(arguments):
        for option in ("-serial", "-monitor", "-qmp", "-display"):
            arguments = without(arguments, option)
        return [argument for argument in arguments if argument != "-nographic"]

    def _with_own_ports(self, arguments):
        def replace(found):
            wanted = int(found.group(3))
            port = wanted if self.keep_ports and port_is_free(wanted) else free_port()
            self.forwards[wanted] = port
            return f"hostfwd={found.group(1)}:127.0.0.1:{port}-"
        return [FORWARD.sub(replace, argument) for argument in arguments]

    def start(self):
        # Socket paths may have 107 bytes at most, so they don't go under build/.
        self.folder = tempfile.mkdtemp(prefix="bulkhead-")
        os.makedirs(LOGS, exist_ok=True)
        self.log_path = os.path.join(LOGS, f"{self.name}.{os.getpid()}.{id(self):x}.log")
        serial, monitor = (os.path.join(self.folder, name) for name in ("serial", "qmp"))
        command = [QEMU, *self.arguments, "-display", "none",
                   "-chardev", f"socket,id=console,path={serial},server=on,wait=on",
                   "-serial", "chardev:console",
                   "-qmp", f"unix:{monitor},server=on,wait=off"]
        self.errors = open(os.path.join(self.folder, "stderr"), "w+b")
        self.process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL,
                                        stdout=self.errors, stderr=self.errors)
        try:
            self.serial = Serial(serial, self.log_path)
            self.qmp = Qmp(monitor)
        except OSError as error:
            self.errors.seek(0)
            said = self.errors.read().decode("utf-8", "replace")
            self.stop()
            raise AssertionError(f"QEMU didn't start: {said}\n{shlex.join(command)}") from error
        return self

    def stop(self):
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.qmp:
            self.qmp.close()
        if self.serial:
            self.serial.close()
        self.errors.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def expect(self, pattern, timeout=60, **options):
        """As Serial.expect. A machine that QEMU's own race ended before anybody typed starts again."""
        try:
            return self.serial.expect(pattern, timeout * PATIENCE, **options)
        except Missing:
            if self.restarted or self.serial.typed or not self._emulator_aborted():
                raise
        self._start_again()
        return self.serial.expect(pattern, timeout * PATIENCE, **options)

    def _emulator_aborted(self):
        """QEMU 10.0 now and then fails its own assertion when the memory map changes under load."""
        try:
            status = self.process.wait(1)
        except subprocess.TimeoutExpired:
            return False
        self.errors.seek(0)
        return status == -signal.SIGABRT and EMULATOR_RACE in self.errors.read()

    def _start_again(self):
        print(f"{self.name}: QEMU failed its own assertion ({EMULATOR_RACE.decode()}); once more")
        watcher = self.serial.watcher
        self.stop()
        self.restarted = True
        self.start()
        if watcher:
            self.serial.watch(watcher)

    def send(self, text):
        self.serial.send(text)

    def wait_exit(self, timeout=60):
        """Waits for QEMU's end; answers its exit status. An end by a signal is no end of the machine."""
        try:
            status = self.process.wait(timeout * PATIENCE)
            assert status >= 0, f"QEMU ended by signal {-status}"
            return status
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the machine still runs after {timeout} s. The serial line ends "
                                 f"with:\n{self.serial.tail()}") from None

    def curl(self, port=8080, path="/", timeout=10):
        """Fetches a page through a forwarded port; answers its text, None when nobody answers."""
        done = subprocess.run(["curl", "-sS", "--max-time", str(timeout),
                               f"http://127.0.0.1:{self.forwards[port]}{path}"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None

    def curl_until(self, wanted, port=8080, timeout=60):
        """Fetches until the page contains `wanted`."""
        deadline = time.monotonic() + timeout * PATIENCE
        while True:
            page = self.curl(port)
            if page is not None and wanted in page:
                return page
            if time.monotonic() > deadline:
                raise AssertionError(f"no page with {wanted!r} within {timeout} s. The serial line "
                                     f"ends with:\n{self.serial.tail()}")
            time.sleep(0.5)
