# SPDX-License-Identifier: BSD-2-Clause
"""Machines that can't carry their system: the kernel says why and stops."""
from harness.machine import Machine, built


def test_no_plan():
    with Machine(["-M", "q35", "-accel", "tcg", "-cpu", "max,+svm,+npt", "-m", "256", "-nodefaults",
                  "-no-reboot", "-kernel", built("kernel", "bulkhead32.elf")],
                 name="no-plan") as machine:
        machine.expect(r"^bulkhead: stopped: .*no plan", 30)


def gateway_with(option, value):
    arguments = Machine.command_of("gateway")
    arguments[arguments.index(option) + 1] = value
    return Machine(arguments, name="gateway-refused")


def test_too_little_memory():
    with gateway_with("-m", "384M") as machine:
        line = machine.expect(r"^bulkhead: stopped: (.*)$", 30).group(1)
        assert "memory" in line and "MiB" in line or "KiB" in line, line


def test_too_few_cores():
    with gateway_with("-smp", "2") as machine:
        line = machine.expect(r"^bulkhead: stopped: (.*)$", 30).group(1)
        assert "core" in line, line


def test_cpu_without_svm():
    with gateway_with("-cpu", "max,-svm") as machine:
        line = machine.expect(r"^bulkhead: stopped: (.*)$", 30).group(1)
        assert "SVM" in line, line
