# SPDX-License-Identifier: BSD-2-Clause
"""VMs that the distribution's SeaBIOS, OVMF and U-Boot start, from a disk that knows nothing of
Bulkhead: GRUB in its master boot record and as UEFI's default loader, and on its partition Linux and
what else boots on a PC. The disk is virtio's, but NVMe's for Memtest86+ and AHCI's for U-Boot."""
import re
import secrets
import time

import pytest

from harness.console import Console
from harness.describe import (DISK_DEVICE, DISK_DRIVER, DISK_MUX, NIC_DEVICE, NIC_DRIVER, SWITCH,
                              describe, disk_hardware, indented, machine)
from harness.machine import built
from harness.plan import Plan
from harness.serial import Missing
from harness.web import Web

BOOT_SECONDS = 180
HTTP_BOOT_SECONDS = 300
KEY_SECONDS = 6         # from a key in GRUB's menu to a word of what it starts
PASS_SECONDS = 900      # of Memtest86+ over 16 MiB; 4 minutes on an idle machine

PC = """\
- name: {name}
  firmware: {firmware}
  hpet: true
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  stopped: true
  settings:
    - {{ name: on_reset, value: restart }}
  vcpus:
    - {{ core: 2 }}
    - {{ core: 1 }}
  disks:
    - {{ from: blockmux, readonly: true }}
"""

GUESTS = PC.format(name="pc", firmware="seabios") + """\
- name: memtest
  firmware: seabios
  memory: 16M
  core: 0
  priority: 12
  no-hvc: true
  stopped: true
  vcpus:
    - { core: 3 }
  disks:
    - { from: blockmux, readonly: true, model: nvme }
"""

UEFI_GUESTS = PC.format(name="uefi", firmware="ovmf") + """\
- name: uboot
  firmware: guests/boot/usr/lib/u-boot/qemu-x86/u-boot.rom
  memory: 256M
  core: 0
  priority: 12
  no-hvc: true
  stopped: true
  vcpus:
    - { core: 3 }
  disks:
    - { from: blockmux, readonly: true, model: ahci }
- name: shell
  firmware: ovmf
  memory: 128M
  core: 0
  priority: 12
  no-hvc: true
  stopped: true
  vcpus:
    - { core: 1 }
"""

NETWORK_GUESTS = """\
- name: first
  firmware: seabios
  memory: 64M
  core: 0
  priority: 12
  stopped: true
  vcpus:
    - { core: 2 }
  nic: { switch: switch, mac: 52:54:00:00:00:0f }
  disks:
    - { from: blockmux, readonly: true }
- name: second
  firmware: seabios
  memory: 256M
  core: 0
  priority: 12
  stopped: true
  vcpus:
    - { core: 3 }
  nic: { switch: switch, mac: 52:54:00:00:00:10, model: e1000 }
  disks:
    - { from: blockmux, readonly: true }
"""

# What DHCP names as the file to boot: the card with the stock driver goes on, the other one is done.
SCRIPT = """\
#!ipxe
iseq ${{net0/chip}} 82540em || shell
kernel vmlinuz initrd=initrd console=ttyS0 bulkhead.name=second secret={secret}
initrd --name initrd initrd
boot
"""

NIC = """\
- address: 00:02.0
  id: 8086:10d3
  model: e1000e
  network: true
"""


def boot(name, guests, compartments="", devices="", hardware="", rest=""):
    path = describe(name, compartments=compartments + DISK_DRIVER, devices=devices + DISK_DEVICE,
                    hardware=hardware + disk_hardware("guests/pc.img"),
                    rest=rest + DISK_MUX + "vms:\n" + indented(guests))
    made = machine(path)
    made.arguments.append("-snapshot")
    return made


LINUX = r"Linux version"
MEMTEST = r"Testing"
LAST_ENTRY = r" Reset "
BIOS = r"SeaBIOS \(version"
IPXE = r"iPXE initialising"


def switch_on(console, guest):
    """Nobody is on before a test wants it: menus, prompts and Memtest86+ never rest."""
    console.overview()
    console.command(f"start {guest}")
    console.focus(f"{guest}.serial")


def switch_off(console, guest):
    console.overview()
    console.command(f"stop {guest}")


def choose(system, console, key, then):
    """Chooses an entry of GRUB's menu by its hotkey once the last entry is there, again until what
    it starts speaks: GRUB drops keys that come while it draws."""
    system.expect(LAST_ENTRY, BOOT_SECONDS)
    for _ in range(BOOT_SECONDS // KEY_SECONDS):
        console.type(key)
        try:
            return system.expect(then, KEY_SECONDS)
        except Missing:
            pass
    return system.expect(then, 1)


@pytest.fixture(scope="module")
def system():
    with boot("firmware", GUESTS) as booted:
        booted.expect(r"^bulkhead> ", BOOT_SECONDS)
        yield booted


def test_memtest86_completes_a_pass_without_error(system):
    console = Console(system)
    switch_on(console, "memtest")
    choose(system, console, "m", MEMTEST)
    system.expect(r"Pass:\s+[1-9]\d*\s+Errors: 0\b", PASS_SECONDS)
    assert not re.search(r"Errors: [1-9]", system.serial.text())
    switch_off(console, "memtest")


@pytest.fixture(scope="module")
def console(system):
    console = Console(system)
    switch_on(console, "pc")
    choose(system, console, "l", LINUX)
    system.expect(r"press Enter for a shell on ttyS0", BOOT_SECONDS)
    return console


def run(console, line, timeout=60):
    console.shell("pc")
    return console.check("pc", line, timeout)


def test_grub_boots_linux_with_both_vcpus(console):
    assert run(console, "nproc").strip() == "2"
    assert "BOOT_IMAGE=/vmlinuz" in run(console, "cat /proc/cmdline")


# PCI devices by the doorbells of theirs.
PCI = {"hvc0": "00:02.0", "disk0": "00:03.0", "rng0": "00:07.0"}


def check_doorbells(plan, vm, ports):
    """Each notify BAR is where the tool expected that the firmware puts it; `ports`: Linux' list."""
    bars = {device: int(first, 16)
            for first, device in re.findall(r"(\w{4})-\w{4} : 0000:(00:0\d\.0)", ports)}
    doorbells = Plan(built("tests", "systems", plan)).port_doorbells(vm)
    assert bars == {PCI[name]: port for name, port in doorbells.items()}


def test_notify_bars_are_where_the_doorbells_are(console):
    check_doorbells("firmware.plan", "pc", run(console, "cat /proc/ioports"))


def test_disk_that_booted_is_the_linux_kernels_too(console):
    assert "1af4" in run(console, "cat /sys/block/vda/device/../vendor")
    assert "GRUB" in run(console, "head -c 512 /dev/vda | strings | grep GRUB")


def test_devices_interrupt_by_the_tables_of_the_firmware(console):
    interrupts = run(console, "cat /proc/interrupts")
    assert re.search(r"\n *4: .*IO-APIC +4-edge +ttyS0", interrupts), interrupts
    assert re.search(r"PCI-MSI.*virtio0-req", interrupts), interrupts
    assert run(console, "cat /sys/bus/platform/devices/rtc_cmos/name 2>/dev/null || "
                        "cat /sys/class/rtc/rtc0/name").startswith("rtc_cmos")


CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"


def test_linux_keeps_time_by_the_hpet(console):
    """It measures its processor by it, or, where an exit takes it too long for that (20 us), takes it
    for its clock at once. Told to, it takes it in any case."""
    assert "3 comparators, 64-bit 100.000000 MHz counter" in run(console, "dmesg | grep hpet0")
    measured = "using HPET reference calibration" in run(console, "dmesg | grep tsc:")
    usual = run(console, f"cat {CLOCK}").strip()
    assert measured or usual == "hpet"
    assert run(console, f"echo hpet >{CLOCK}; cat {CLOCK}").strip() == "hpet"
    began = time.monotonic()
    run(console, "sleep 10")
    assert 5 < time.monotonic() - began < 40
    run(console, f"echo {usual} >{CLOCK}")


def test_kernel_found_nothing_to_complain_of(console):
    output = run(console, "dmesg | grep -c -E 'BUG|WARNING|Call Trace|nobody cared|soft lockup|"
                          "ACPI.*Error|ACPI BIOS' || true")
    assert output.strip() == "0", run(console, "dmesg | grep -E 'ACPI|BUG|WARNING'")


def test_reset_goes_through_the_firmware_again(system, console):
    console.shell("pc")
    system.serial.mark()
    console.type("reboot -f\r")
    system.expect(r"SeaBIOS \(version", BOOT_SECONDS)
    choose(system, console, "r", BIOS)          # GRUB's own reset: a jump to the BIOS
    choose(system, console, "l", LINUX)
    system.expect(r"press Enter for a shell on ttyS0", BOOT_SECONDS)
    assert run(console, "nproc").strip() == "2"


def test_linux_switches_the_vm_off(system, console):
    console.shell("pc")
    system.serial.mark()
    console.type("poweroff -f\r")
    system.expect(r"poweroff -f\n", 60)         # the guest has all of it before the focus goes
    console.overview()
    system.expect(r"pc\| .*the guest switched itself off: stopped", 60, anywhere=True)


@pytest.fixture(scope="module")
def uefi():
    with boot("uefi", UEFI_GUESTS) as booted:
        booted.expect(r"^bulkhead> ", BOOT_SECONDS)
        yield booted


def u_boot(console, line, then, timeout=60):
    console.type(line + "\r")
    console.machine.expect(then, timeout)
    console.machine.expect(r"^=> ", timeout)


def test_u_boot_reads_the_disk(uefi):
    """Its countdown, or where that led: a prompt after a minute's search for other disks."""
    console = Console(uefi)
    switch_on(console, "uboot")
    uefi.expect(r"U-Boot 20\d\d\.", BOOT_SECONDS)
    uefi.expect(r"Hit any key to stop autoboot", BOOT_SECONDS)
    console.type(" ")
    uefi.expect(r"^=> ", BOOT_SECONDS)
    u_boot(console, "pci", r"00\.08\.00 +0x8086 +0x2922")
    u_boot(console, "scsi scan", r"Prod\.: Bulkhead disk")
    u_boot(console, "ls scsi 0:1", r"\d+ +vmlinuz")


def test_u_boot_boots_linux(uefi):
    console = Console(uefi)
    console.focus("uboot.serial")
    u_boot(console, "load scsi 0:1 2000000 vmlinuz", r"\d+ bytes read")
    u_boot(console, "load scsi 0:1 8000000 initrd", r"\d+ bytes read")
    u_boot(console, "setenv bootargs console=ttyS0 bulkhead.name=uboot", r"setenv")
    console.type("zboot 2000000 - 8000000 ${filesize}\r")
    uefi.expect(LINUX, BOOT_SECONDS)
    uefi.expect(r"press Enter for a shell on ttyS0", BOOT_SECONDS)
    console.shell("uboot")
    assert "bulkhead.name=uboot" in console.check("uboot", "cat /proc/cmdline")


def test_ovmf_starts_its_shell(uefi):
    console = Console(uefi)
    switch_on(console, "shell")
    uefi.expect(r"UEFI Interactive Shell", BOOT_SECONDS)
    uefi.expect(r"Shell> ", BOOT_SECONDS)
    console.type("pci\r")
    uefi.expect(r"Vendor 8086 Device 1237", 60)
    uefi.expect(r"Vendor 1AF4 Device 1044", 60)
    switch_off(console, "shell")


def test_ovmf_boots_grub_and_linux_from_the_same_disk(uefi):
    console = Console(uefi)
    switch_on(console, "uefi")
    choose(uefi, console, "l", LINUX)
    uefi.expect(r"press Enter for a shell on ttyS0", BOOT_SECONDS)
    console.type("\r")
    uefi.expect(r"pc:\S*# ", 60)
    console.type("ls -d /sys/firmware/efi; nproc\r")
    uefi.expect(r"^/sys/firmware/efi\n2\n", 60)
    uefi.expect(r"pc:\S*# ", 60)
    check_doorbells("uefi.plan", "uefi", console.check("pc", "cat /proc/ioports"))


@pytest.fixture(scope="module")
def web():
    def content(*path):
        with open(built(*path), "rb") as file:
            return file.read()

    secret = secrets.token_hex(8)
    pages = {"/boot.ipxe": SCRIPT.format(secret=secret).encode(),
             "/vmlinuz": content("guests", "stock.vmlinuz"),
             "/initrd": content("guests", "stock.cpio")}
    with Web(pages) as served:
        served.secret = secret
        yield served


def with_boot_file(arguments, url):
    """DHCP's answers on the user network name this file."""
    return [argument + f",bootfile={url}" if argument.startswith("user,") else argument
            for argument in arguments]


@pytest.fixture(scope="module")
def network(web):
    made = boot("ipxe", NETWORK_GUESTS, compartments=NIC_DRIVER, devices=NIC_DEVICE, hardware=NIC,
                rest=SWITCH)
    made.arguments = with_boot_file(made.arguments, web.url("/boot.ipxe"))
    with made as booted:
        booted.expect(r"^bulkhead> ", BOOT_SECONDS)
        yield booted


@pytest.mark.parametrize("guest, driver", [("first", "virtio-net"), ("second", "82540em")])
def test_ipxe_gets_an_address(network, guest, driver):
    console = Console(network)
    switch_on(console, guest)
    choose(network, console, "i", IPXE)
    network.expect(rf"using {driver} on 0000:00:01.0 \(open\)", BOOT_SECONDS)
    network.expect(r"net0: 10\.0\.2\.\d+/255\.255\.255\.0 gw 10\.0\.2\.2", BOOT_SECONDS)
    if guest == "first":                        # the second boots on
        switch_off(console, guest)


def test_ipxe_boots_over_http_on_the_emulated_card(network, web):
    """The host's server tells what was fetched, and the kernel's command line who wrote it."""
    console = Console(network)
    network.expect(re.escape(web.url("/boot.ipxe")) + r"\.+ ok", BOOT_SECONDS)
    network.expect(r"press Enter for a shell on ttyS0", HTTP_BOOT_SECONDS)
    for path in ("/boot.ipxe", "/vmlinuz", "/initrd"):
        assert web.sent(path), web.log
    console.shell("second")
    assert f"secret={web.secret}" in console.check("second", "cat /proc/cmdline")


def test_linux_that_ipxe_fetched_goes_on_with_the_card(network):
    console = Console(network)
    console.shell("second")
    assert "e1000" in console.check("second", "readlink /sys/class/net/eth0/device/driver")
    console.check("second", "ping -c 3 10.0.2.2")
