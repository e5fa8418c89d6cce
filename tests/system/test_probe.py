# SPDX-License-Identifier: BSD-2-Clause
"""`bulkhead probe` on a Linux that runs on the emulated machine, and what the tool then says of
descriptions for that machine: the same as the kernel says on it."""
import os
import re
import subprocess

import pytest

from harness.describe import FOLDER, describe
from harness.hardware import Hardware
from harness.machine import Machine, built

TOOL = built("tests", "tool", "bulkhead")

DEVICES = """
-device e1000e,addr=2 -device edu,addr=4 -device rtl8139,addr=6 -device sdhci-pci,addr=7
-device pcie-root-port,id=above,addr=8,chassis=1,slot=1 -device igb,bus=above
-device pcie-pci-bridge,id=below,bus=pcie.0,addr=9
-device edu,bus=below,addr=1 -device rtl8139,bus=below,addr=2
-device pxb-pcie,id=second,bus_nr=32,bus=pcie.0,addr=a,bypass_iommu=on
-device pcie-root-port,id=under,bus=second,chassis=2,slot=2 -device edu,bus=under
""".split()

HARDWARE = """\
- address: "21:00.0"
  id: 1234:11e8
"""

DEVICE = """\
- name: edu
  pci: "21:00.0"
  id: 1234:11e8
  dma: true
"""

DRIVER = """\
- name: driver
  program: hello
  devices: [edu]
"""


def for_the_kernel():
    """A description whose only device is the one that no unit covers."""
    return describe("probe", compartments=DRIVER, devices=DEVICE, hardware=HARDWARE, cores=1,
                    memory="512M")


def tool(*arguments):
    return subprocess.run([TOOL, *arguments], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)


def probe(root):
    done = tool("probe", "--root", str(root))
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture(scope="module", name="listing")
def fixture_listing():
    """The listing that a Linux wrote on the machine, as a text."""
    command = Machine.command_of(for_the_kernel(), "-o", FOLDER)
    at = command.index("-kernel")
    linux = ["-kernel", built("guests", "vmlinuz"),
             "-initrd", built("tests", "guests", "probe.cpio"),
             "-append", "console=ttyS0 quiet rdinit=/probe"]
    with Machine(command[:at] + linux + DEVICES, name="probe-linux") as machine:
        machine.expect("the listing begins", 60)
        machine.expect("the listing ends", 60)
        with open(machine.log_path, encoding="utf-8", errors="replace") as log:
            text = log.read().replace("\r", "")
    return re.search(r"the listing begins\n(.*?)the listing ends", text, re.S).group(1)


@pytest.fixture(scope="module", name="kernel")
def fixture_kernel():
    """What the kernel logs on the same machine."""
    command = Machine.command_of(for_the_kernel(), "-o", FOLDER)
    with Machine(command + DEVICES, name="probe-kernel") as machine:
        machine.expect(r"plan refused: .* may use DMA, .* with all memory", 60)
        with open(machine.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()


def check_on(tmp_path, listing):
    path = tmp_path / "hardware.yaml"
    path.write_text(listing)
    return tool("check", for_the_kernel(), "--hardware", str(path))


def test_the_kernel_sees_the_same_functions_and_groups(listing, kernel):
    seen = re.findall(r"PCI: (\S+) (\S+) class (\w+) group (\d+)", kernel)
    functions = Hardware(listing).functions
    assert [row[0] for row in seen] == list(functions)
    for address, identity, code, group in seen:
        facts = functions[address].facts
        others = [row[0] for row in seen if row[3] == group and row[0] != address]
        assert (facts["id"], facts["class"][:6]) == (identity, code)
        assert facts["group"].split(":  ")[0].startswith(
            "with " + " ".join(others) if others else "alone"), facts["group"]


def test_the_tool_refuses_for_the_kernels_reason(listing, kernel, tmp_path):
    why = re.search(r"may use DMA, but (no IOMMU unit covers it)", kernel).group(1)
    done = check_on(tmp_path, listing)
    assert done.returncode == 1
    assert f"edu: its DMA can't be confined on the listed machine: {why}; mend: " in done.stderr


def test_what_is_listed(listing):
    functions = Hardware(listing).functions
    assert functions["00:02.0"].facts["bar0"].startswith("memory 0xf")
    assert functions["00:02.0"].facts["msix"].startswith("5 entries, table in BAR 3 at 0x0")
    assert functions["00:02.0"].facts["reset"] == "power state D3hot and back"
    assert "00:02.0" in functions["00:06.0"].facts["intx"].split("shared with ")[1]
    assert functions["01:00.0"].facts["reset"] == "function-level reset"
    assert functions["01:00.0"].facts["sriov"].startswith("8 virtual functions (8 at first), offset")
    assert functions["01:00.0"].facts["vf-bar0"] == "16K each"
    assert functions["02:01.0"].facts["alias"] == "its requests come as 02:00.0"
    assert functions["00:08.0"].facts["acs"] == "has all that is needed"
    assert functions["21:00.0"].facts["iommu"] == "no IOMMU unit covers it"


def test_a_listing_laid_out_again_is_the_same(listing, tmp_path):
    Hardware(listing).write(tmp_path)
    assert probe(tmp_path) == listing


def test_an_edited_listing_is_refused(listing, tmp_path):
    done = check_on(tmp_path, listing.replace("no IOMMU unit covers it", "confines it"))
    assert done.returncode == 1
    assert "hardware: 'iommu' isn't what follows from the rest; mend: write the listing again" \
        in done.stderr


def test_reserved_memory_is_listed(listing, tmp_path):
    machine = Hardware(listing)
    machine.add_reserved("00:04.0", 0x1ffe0000, 0x1fffffff)
    machine.write(tmp_path)
    facts = Hardware(probe(tmp_path)).functions["00:04.0"].facts
    assert facts["reserved0"] == "0x1ffe0000..0x1fffffff by the firmware (RMRR)"
    assert facts["iommu"] == "the firmware has reserved memory (RMRR, IVMD) for its DMA"


@pytest.mark.parametrize("table, said", [
    ("MCFG", "describes no ECAM"), ("DMAR", None),
])
def test_machine_without_a_table(listing, tmp_path, table, said):
    machine = Hardware(listing)
    del machine.tables[table]
    machine.write(tmp_path)
    done = tool("probe", "--root", str(tmp_path))
    if said is None:
        assert done.stdout.count('iommu: "the firmware describes no IOMMU"') == len(machine.functions)
        done = check_on(tmp_path, done.stdout)
        assert "machine: the listed machine's IOMMU can't be used: the firmware describes no IOMMU" \
            in done.stderr
    else:
        assert done.returncode == 1 and said in done.stderr


def test_without_root_nothing_is_listed(listing, tmp_path):
    machine = Hardware(listing)
    machine.functions["00:02.0"].known = 64
    machine.write(tmp_path)
    done = tool("probe", "--root", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert "run it as root" in done.stderr


def test_the_saved_listing_is_of_this_version(tmp_path):
    """tests/descriptions/hardware/pc.yaml: this machine with an RMRR and two BARs in one page."""
    path = os.path.join(os.path.dirname(__file__), "..", "descriptions", "hardware", "pc.yaml")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    Hardware(text).write(tmp_path)
    assert probe(tmp_path) == text.split("\n", 1)[1]
