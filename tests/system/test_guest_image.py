# SPDX-License-Identifier: BSD-2-Clause
"""The demonstration guests on plain QEMU, without Bulkhead: they work by themselves.

When a guest fails under Bulkhead, this tells whether the guest is to blame.
"""
import pytest

from harness.machine import Machine, built


def arguments(cpus):
    return ["-M", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-m", "256",
            "-smp", str(cpus), "-nodefaults", "-no-reboot",
            "-kernel", built("guests", "vmlinuz"), "-initrd", built("guests", "initramfs.cpio"),
            "-append", "console=ttyS0 quiet bulkhead.name=alone bulkhead.ip=10.0.2.20 "
                       "bulkhead.http=1",
            "-netdev", "user,id=n,hostfwd=tcp:127.0.0.1:8080-10.0.2.20:80",
            "-device", "virtio-net-pci,netdev=n,disable-legacy=on"]


@pytest.mark.parametrize("cpus", [1, 2])
def test_guest_serves_on_plain_qemu(cpus):
    with Machine(arguments(cpus), name=f"plain{cpus}") as machine:
        machine.expect(rf"guest alone: Linux \S+, {cpus} CPU", 60)
        machine.expect(r"guest alone: address 10\.0\.2\.20", 30, anywhere=True)
        assert "Hello from guest alone" in machine.curl_until("guest alone")
        machine.expect(r"press Enter for a shell on ttyS0", 30, anywhere=True)
        machine.send("\n")
        machine.expect(r"alone:\S*# ", 20)
        machine.send("echo $((6 * 7))\n")
        machine.expect(r"^42$", 20)
