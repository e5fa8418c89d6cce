# SPDX-License-Identifier: BSD-2-Clause
"""System descriptions for tests, made of a few parts: they go to build/tests/systems/NAME.yaml.

Every system has the serial port, its driver and the console with the monitor; the parts that a test
adds are texts of the description's lists (docs/description.md), written as in systems/gateway.yaml.
"""
import os
import subprocess
import textwrap

from .machine import BUILD, ROOT, Machine, built

FOLDER = os.path.join(BUILD, "tests", "systems")

HEAD = """\
# SPDX-License-Identifier: BSD-2-Clause
system: {name}
machine:
  cores: {cores}
  memory: {memory}
  iommu: {iommu}
{hardware}
log-port: 0x3f8
{controls}
devices:
  - name: com1
    as: uart0
    platform: true
    isa: 4
    ports:
      - {{ first: 0x3f8, count: 8 }}
{devices}
compartments:
  - name: uart
    core: 0
    priority: 22
    devices: [com1]
{compartments}
console:
  name: console
  driver: uart
  core: 0
  priority: 16
{rest}
"""

NIC_HARDWARE = """\
  - address: 00:02.0
    id: 8086:10d3
    model: e1000e
    options: mac=52:54:00:12:34:56
    network: true
    forwards:
      - { host: 8080, guest: "10.0.2.15:80" }
"""

NIC_DEVICE = """\
- name: nic
  pci: 00:02.0
  id: 8086:10d3
  dma: true
  msix: 3
  bars:
    - { bar: 0, size: 128K }
"""

NIC_DRIVER = """\
- name: e1000e
  core: 1
  priority: 22
  budget: 8ms
  period: 10ms
  devices: [nic]
"""

NETPROBE = """\
- name: probe
  program: netprobe
  kernel: programs/netprobe.elf
  memory: 16M
  core: 2
  priority: 12
  settings:
    - {{ name: echoes, value: "{echoes}" }}
  vcpus:
    - {{ core: 3 }}
  nic:
    switch: switch
    mac: 52:54:00:00:00:0f
"""


def root_port(address, name, chassis=1):
    """A port, behind which bus 1 and so on are; `name`: QEMU's, for what is put there."""
    return f"""\
- address: {address}
  id: 1b36:000c
  model: pcie-root-port
  options: id={name},chassis={chassis}
"""


# An 82576 behind a port of its own, whose virtual functions are on its bus; what QEMU is told, and
# what else the description says of it, are added.
IGB_HARDWARE = root_port("00:05.0", "under") + """\
- address: 01:00.0
  id: 8086:10c9
  model: igb
  behind: 00:05.0
  options: bus=under,"""

IGB_DEVICE = """\
- name: nic
  pci: 01:00.0
  id: 8086:10c9
  dma: true
  msix: 3
  bars:
    - { bar: 0, size: 128K }
"""


def igb_function(name, number, mac, more=""):
    """A virtual function of the card; `more`: further fields, each with its indentation."""
    return f"""\
- name: {name}
  vf-of: nic
  vf: {number}
  id: 8086:10ca
  mac: {mac}
  msix: 3
  bars:
    - {{ bar: 0, size: 16K }}
{more}"""


SWITCH = """\
switches:
  - name: switch
    uplink: e1000e
    core: 1
    priority: 20
    budget: 8ms
    period: 10ms
"""

WEB = """\
- name: web
  kernel: guests/vmlinuz
  initrd: guests/initramfs.cpio
  cmdline: console=ttyS0 quiet bulkhead.name=web bulkhead.ip=10.0.2.15 bulkhead.http=1
  memory: 256M
  core: 0
  priority: 12
  vcpus:
    - { core: 2 }
  nic:
    switch: switch
    mac: 52:54:00:00:00:0f
"""


DISK_DEVICE = """\
- name: disk
  pci: 00:03.0
  id: 1b36:0010
  dma: true
  msix: 2
  bars:
    - { bar: 0, size: 8K }
"""

DISK_DRIVER = """\
- name: nvme
  core: 1
  priority: 22
  devices: [disk]
"""

DISK_MUX = """\
disks:
  - name: blockmux
    driver: nvme
    core: 1
    priority: 20
"""

# The display behind a bridge, whose reset is the only one that it has.
SEAT_HARDWARE = root_port("00:05.0", "display") + """\
- address: 01:00.0
  id: 1234:1111
  model: VGA
  options: bus=display
  behind: 00:05.0
"""

SEAT_DISPLAY = """\
- name: vga
  as: display
  pci: 01:00.0
  id: 1234:1111
  bars:
    - { bar: 0, size: 4M, write-combine: true }
    - { bar: 2, size: 4K }
"""

SEAT_KEYBOARD = """\
- name: ps2
  as: keyboard
  platform: true
  isa: 1
  ports:
    - { first: 0x60, count: 1 }
"""

SEAT_DEVICES = SEAT_DISPLAY + SEAT_KEYBOARD

SEAT_DRIVERS = """\
- name: bochs
  core: 0
  priority: 18
  devices: [vga]
- name: ps2
  core: 0
  priority: 22
  devices: [ps2]
"""

SEAT = """\
seat:
  name: seat
  screen: bochs
  keyboard: ps2
  core: 0
  priority: 17
  budget: 8ms
  period: 10ms
"""


def disk_hardware(image):
    """An NVMe disk with this image."""
    return f"""\
- address: 00:03.0
  id: 1b36:0010
  model: nvme
  options: serial=test
  disk: {image}
"""


def indented(text, by=2):
    return textwrap.indent(textwrap.dedent(text), " " * by)


def describe(name, compartments="", devices="", hardware="", rest="", controls=(), cores=4,
             memory="2G", iommu="vt-d"):
    """Writes the description; answers its path."""
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, f"{name}.yaml")
    text = HEAD.format(
        name=name, cores=cores, memory=memory, iommu=iommu,
        hardware="  devices:\n" + indented(hardware, 4) if hardware else "",
        controls=f"controls: [{', '.join(controls)}]" if controls else "",
        devices=indented(devices), compartments=indented(compartments), rest=rest)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def describe_web_and(name, compartments="", devices="", hardware="", vms="", **options):
    """A system in which guest web serves its page, and others do what they do."""
    return describe(name, compartments=NIC_DRIVER + textwrap.dedent(compartments),
                    devices=NIC_DEVICE + textwrap.dedent(devices),
                    hardware=textwrap.dedent(NIC_HARDWARE) + textwrap.dedent(hardware),
                    rest=SWITCH + "vms:\n" + indented(WEB) + indented(vms), **options)


def build(path):
    """Builds the plan of a description; answers its path."""
    subprocess.run([built("tools", "bulkhead"), "build", path, "-o", FOLDER], cwd=ROOT, check=True,
                   timeout=120)
    return os.path.splitext(path)[0] + ".plan"


def machine(path, *options, **keywords):
    return Machine.system(path, "-o", FOLDER, *options, **keywords)


def machine_with_controls(path, *options, **keywords):
    """The same on the kernel that takes plans in which protections are off (abi/plan.h)."""
    made = machine(path, *options, **keywords)
    at = made.arguments.index("-kernel") + 1
    made.arguments[at] = built("kernel-controls", "bulkhead32.elf")
    return made
