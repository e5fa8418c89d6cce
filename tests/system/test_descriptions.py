# SPDX-License-Identifier: BSD-2-Clause
"""The host tool against descriptions with seeded mistakes, and against the example systems.

Each file in tests/descriptions holds the mistake and says beside it what must be reported, as
"# wrong: OWNER: WHAT; mend: HOW": on that line, and nothing else. A * stands for anything. The tool
that is tested is built with the sanitizers.
"""
import fnmatch
import glob
import os
import re
import subprocess

import pytest

from harness.machine import ROOT

TOOL = os.path.join(ROOT, "build", "tests", "tool", "bulkhead")
CASES = sorted(glob.glob(os.path.join(ROOT, "tests", "descriptions", "*.yaml")))
SYSTEMS = sorted(glob.glob(os.path.join(ROOT, "systems", "*.yaml")))
MARK = re.compile(r"# wrong: (.*)$")
FINDING = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): (?P<text>.*)$")


def tool(*arguments):
    assert os.path.exists(TOOL), "the tool with the sanitizers was not built"
    return subprocess.run([TOOL, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)


def expected(path):
    with open(path, encoding="utf-8") as file:
        return [(number, mark.group(1)) for number, line in enumerate(file, 1)
                if (mark := MARK.search(line))]


def findings(text, path):
    found = []
    for row in text.splitlines():
        match = FINDING.match(row)
        assert match and match.group("file") == path, f"not a finding: {row}"
        found.append((int(match.group("line")), match.group("text")))
    return found


def matches(text, wanted):
    literal = re.sub(r"([\[?])", r"[\1]", wanted)   # only * has a meaning
    return fnmatch.fnmatchcase(text, literal)


def name(path):
    return os.path.splitext(os.path.basename(path))[0]


def test_there_are_enough_cases():
    assert len(CASES) >= 25


@pytest.mark.parametrize("path", CASES, ids=name)
def test_mistake_is_reported(path):
    wanted = expected(path)
    assert wanted, "the case says nothing of what is wrong"
    relative = os.path.relpath(path, ROOT)
    done = tool("check", relative)
    found = findings(done.stderr, relative)
    assert done.returncode == 1
    assert [line for line, _ in found] == [line for line, _ in wanted], found
    for (_, text), (_, pattern) in zip(found, wanted):
        assert matches(text, pattern), text
        assert "; mend: " in text


@pytest.mark.parametrize("path", SYSTEMS, ids=name)
def test_example_is_clean(path):
    done = tool("check", os.path.relpath(path, ROOT))
    assert (done.returncode, done.stderr) == (0, "")


def test_mistake_keeps_the_plan_from_being_written(tmp_path):
    done = tool("build", "tests/descriptions/core-out-of-range.yaml", "-o", str(tmp_path))
    assert done.returncode == 1
    assert os.listdir(tmp_path) == []


def test_same_description_same_plan(tmp_path):
    plans = []
    for run in ("first", "second"):
        folder = tmp_path / run
        folder.mkdir()
        assert tool("build", "systems/hello.yaml", "-o", str(folder)).returncode == 0
        plans.append((folder / "hello.plan").read_bytes())
    assert plans[0] == plans[1]


def test_show_names_who_reaches_a_guests_buffers():
    text = tool("show", "systems/gateway.yaml").stdout
    assert re.search(r"reaches r +web\.net0\.out .*; also switch r, web rw", text)
    assert re.search(r"reaches w +e1000e\.pool .*; also switch r", text)
    web = text[text.index("compartment web"):text.index("compartment client")]
    assert "its memory trusts   kernel, plan\n" in web
    assert re.search(r"its service needs +kernel, plan, .*e1000e.*switch", web)


def test_show_names_who_reaches_pictures_and_keys():
    text = tool("show", "systems/seat.yaml").stdout
    part = dict(re.findall(r"^compartment (\S+)\n(.*?)(?=^compartment |\Z)", text, re.S | re.M))
    assert re.search(r"memory +r +text\.vram .*; also text rw$", part["seat"], re.M)
    assert re.search(r"memory +rw +seat\.surface .*; also bochs r$", part["seat"], re.M)
    assert re.search(r"may move +text\.vram in its guest", part["text"])
    assert re.search(r"may watch text$", part["seat"], re.M)
    assert [name for name in part if "vga.bar" in part[name]] == ["bochs"]
    assert [name for name in part if "0x60-0x60" in part[name]] == ["ps2"]
    assert "its memory trusts   kernel, plan\n" in part["text"]
    assert re.search(r"its service needs .*bochs, ps2, console, seat", part["text"])


@pytest.mark.parametrize("iommu, behind, warned", [("amd-vi", True, True), ("amd-vi", False, False),
                                                  ("vt-d", True, False)])
def test_run_warns_of_devices_that_the_emulator_mixes_up(tmp_path, iommu, behind, warned):
    with open(os.path.join(ROOT, "systems", "hello.yaml"), encoding="utf-8") as file:
        text = file.read()
    bridge = ", behind: 00:05.0" if behind else ""
    text = text.replace("iommu: vt-d", f"iommu: {iommu}\n  devices:\n"
                        f"    - {{ address: 01:00.0, id: 1234:11e8{bridge} }}")
    text = text.replace("devices:\n  - name: com1", "devices:\n  - name: edu\n    pci: 01:00.0\n"
                        "    dma: true\n  - name: com1").replace("[com1]", "[com1, edu]")
    path = tmp_path / "mixed.yaml"
    path.write_text(text)
    done = tool("run", "--print", str(path), "-o", str(tmp_path))
    assert (done.returncode, "edu: behind a bridge QEMU's AMD-Vi" in done.stderr) == (0, warned)


@pytest.mark.parametrize("arguments", [[], ["check"], ["sink", "systems/hello.yaml"],
                                       ["check", "a.yaml", "b.yaml"]])
def test_wrong_use_is_explained(arguments):
    done = tool(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: bulkhead")


def test_missing_file_is_named():
    done = tool("check", "systems/none.yaml")
    assert done.returncode == 1
    assert "systems/none.yaml:0: description: can't be read" in done.stderr
