# SPDX-License-Identifier: BSD-2-Clause
"""Plans spoiled after the tool made them: the kernel refuses each at boot, names table, entry and
rule, and runs none of it. Every spoiled plan but the damaged one has a good checksum, so that the
rule itself is what stops it. (The rules one by one: tests/unit/test_plan_check.c.)"""
import os
import re

import pytest

from harness.machine import BUILD, Machine, built
from harness.plan import Plan

FOLDER = os.path.join(BUILD, "tests", "systems")
WRITE_EXECUTE = 7


def damage(plan):
    plan.bytes[-100] ^= 1


def foreign_ports(plan):
    plan.set("port_range", 0, "first", 0xcf8)


def writable_code(plan):
    code = plan.find("region", "kind", 1)
    plan.set("region", code, "rights", WRITE_EXECUTE)


def mapping_beyond_region(plan):
    plan.set("mapping", 0, "size", plan.get("mapping", 0, "size") + 0x1000)


def mapping_of_nothing(plan):
    plan.set("mapping", 0, "region", 0xfffffff0)


def kernel_entry(plan):
    plan.set("thread", 0, "entry", 0xffffffff80200000)


def budget_above_period(plan):
    plan.set("placement", 0, "budget_us", plan.get("placement", 0, "period_us") + 1)


def core_that_is_not(plan):
    plan.set("placement", 0, "core", 9)


def content_outside(plan):
    plan.set("region", plan.find("region", "kind", 1), "content_offset", 1 << 40)


def slot_of_another_kind(plan):
    plan.set("slot", 0, "kind", 99)


CASES = [
    (damage, r"header 0: the checksum is wrong"),
    (foreign_ports, r"port_range 0: the ports are reserved to the kernel"),
    (writable_code, r"region \d+: the rights are empty, unknown or more"),
    (mapping_beyond_region, r"mapping 0: a range is empty, too large or ends beyond"),
    (mapping_of_nothing, r"mapping 0: a field names an object that doesn't exist"),
    (kernel_entry, r"thread 0: the thread's entry or stack is no address"),
    (budget_above_period, r"placement 0: the budget is zero or above its period"),
    (core_that_is_not, r"placement 0: the core is out of range"),
    (content_outside, r"region \d+: the content lies outside"),
    (slot_of_another_kind, r"slot 0: the kind is unknown"),
]


def booting(plan):
    """The machine of system hello with another plan."""
    machine = Machine.system("hello")
    machine.arguments[machine.arguments.index("-initrd") + 1] = plan
    return machine


@pytest.mark.parametrize("spoil, message", CASES, ids=[spoil.__name__ for spoil, _ in CASES])
def test_kernel_refuses(spoil, message):
    plan = Plan(built("systems", "hello.plan"))
    spoil(plan)
    if spoil is not damage:
        plan.seal()
    os.makedirs(FOLDER, exist_ok=True)
    path = os.path.join(FOLDER, f"spoiled-{spoil.__name__}.plan")
    plan.write(path)
    with booting(path) as machine:
        machine.expect(r"the plan is refused: " + message, 30, anywhere=True)
        assert not re.search(r"hello \d+ from", machine.serial.text())


def test_kernel_refuses_what_is_no_plan(tmp_path):
    path = tmp_path / "not-a.plan"
    path.write_bytes(b"\x7fELF" + bytes(8188))
    with booting(str(path)) as machine:
        machine.expect(r"the plan is refused: header 0: not a plan", 30, anywhere=True)
