#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs every measured machine in QEMU's deterministic mode and prints one table.

The machines differ in what they boot, not in what they are: the same board, CPU, IOMMU, network card.
The measured programs leave marks (bench/mark.h) that the counting plugin (bench/count.c) writes with
the number of instructions that the whole machine has executed so far. docs/benchmarks.md explains
what each line means.
"""
import argparse
import os
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import parts

BUILD = Path("build/bench")
KERNEL = Path("build/kernel/bulkhead32.elf")

ROUNDS = 512        # operations between the marks of a batch: bench/mark.h
BATCHES = 3
IS_END = 0x8000

(EMPTY, CPUID, PORT, SIGNAL, SIGNAL_ACROSS, FUTEX, FUTEX_ACROSS, INTERRUPT, INTERRUPT_LOOP, SEND_64,
 SEND_1500, ECHO_64, ECHO_1500, PING_64, PING_1500, READ_4K, READ_4K_16, READ_128K, READ_128K_16,
 WRITE_4K, WRITE_4K_16, WRITE_128K, WRITE_128K_16) = range(23)

NETWORK = (SEND_64, SEND_1500, ECHO_64, ECHO_1500, PING_64, PING_1500)
EXITS = (EMPTY, CPUID, PORT)
DISK = (READ_4K, READ_4K_16, READ_128K, READ_128K_16, WRITE_4K, WRITE_4K_16, WRITE_128K,
        WRITE_128K_16)
NAMES = dict(zip(EXITS + NETWORK, "empty cpuid port send-64 send-1500 echo-64 echo-1500 ping-64 "
                 "ping-1500".split()))    # as bench/linux/measure.c calls them

PATIENCE = 120      # seconds of QEMU's computing without a mark after which a machine is given up
SEEDS = range(42, 58)

MACHINE = [
    "qemu-system-x86_64", "-M", "q35,kernel-irqchip=split,hpet=off,smbus=off,vmport=off",
    "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off",
    "-rtc", "clock=vm,base=2024-01-01", "-cpu", "EPYC,+svm,+npt",
    "-nodefaults", "-no-reboot", "-display", "none",
    "-netdev", "user,id=net,restrict=on",
    "-device", "edu,addr=4",
]
# A unit with caching mode says that a hypervisor emulates it, and Linux then invalidates with every
# unmapping; without, it collects them, as it does on a real machine.
UNIT = "intel-iommu,intremap=on,aw-bits=48,caching-mode="
CARD = ["-device", "e1000e,netdev=net,mac=52:54:00:12:34:56,addr=2,romfile="]
ROOT_PORT = ["-device", "pcie-root-port,id=above,chassis=1,addr=5"]
SRIOV_CARD = [*ROOT_PORT, "-device", "igb,netdev=net,bus=above,mac=52:54:00:12:34:56,romfile="]
PORT_EDU = [*ROOT_PORT, "-device", "edu,bus=above"]      # whose port can reset it
# Answers everything at once, from nowhere, so that no file of the build machine is in the figures.
NVME = ["-blockdev", "driver=null-co,node-name=disk,size=1073741824,read-zeroes=on",
        "-device", "nvme,serial=bulkhead,drive=disk,addr=3"]


class Machine:
    """One booted system: its name, cores, memory, what it boots, what it measures, for which of
    these it is counted whose the instructions are (bench/parts.py), whether it may stop with
    every seed because of the emulator, so that some of it can't be measured, and its hardware
    beside the board: network card, disk, the IOMMU's caching mode."""

    def __init__(self, name, cores, memory, boot, measures, profiled=(), may_stop=False,
                 hardware=CARD, caching="on"):
        self.name, self.cores, self.memory = name, cores, memory
        self.boot, self.measures, self.profiled = boot, measures, profiled
        self.may_stop = may_stop
        self.hardware = ["-device", UNIT + caching, *hardware]
        self.serial = BUILD / f"{name}.serial"
        self.profile = BUILD / f"{name}.profile"

    def marks(self, seed):
        return BUILD / f"{self.name}.{seed}.marks"

    def all_marks(self):
        """Those of every seed that was run, one after the other."""
        return [mark for seed in SEEDS for mark in read_marks(self.marks(seed))]

    def forget(self):
        for seed in SEEDS:
            self.marks(seed).unlink(missing_ok=True)

    def plugin(self, seed):
        arguments = [f"{BUILD}/count.so", f"out={self.marks(seed)}"]
        if self.profiled:
            arguments += [f"profile={self.profile}"] + [f"from={each}" for each in self.profiled]
        return ",".join(arguments)

    def command(self, seed):
        return MACHINE + self.hardware + ["-smp", str(self.cores), "-m", self.memory,
                          "-seed", str(seed), "-serial", f"file:{self.serial}",
                          "-plugin", self.plugin(seed)] + [
                              argument.replace("LEFT", self.left_by_name()) for argument in self.boot]

    def left(self):
        ends = [number for number, _, _ in self.all_marks()]
        return [identity for identity in self.measures if ends.count(identity | IS_END) < BATCHES]

    def left_by_name(self):
        return ",".join(NAMES.get(identity, "") for identity in self.left())


def linux(name, cores, memory, initramfs, arguments, measures, **rest):
    return Machine(name, cores, memory, [
        "-kernel", f"{BUILD}/vmlinuz", "-initrd", f"{BUILD}/{initramfs}.cpio",
        "-append", f"console=ttyS0 quiet {arguments}"], measures, **rest)


# How Linux uses the IOMMU: its default on this unit, that on a real one, and for guests only.
WAYS = {"": ("", "on"), "-lazy": ("", "off"), "-pt": (" iommu=pt", "off")}


def natives(name, arguments, measures, hardware, ways):
    return [linux(name + way, 1, "512M", "native", arguments + WAYS[way][0], measures,
                  hardware=hardware, caching=WAYS[way][1]) for way in ways]


def bulkhead(plan, cores, memory, measures, **rest):
    return Machine(f"bulkhead-{plan}", cores, memory, [
        "-kernel", str(KERNEL), "-initrd", f"{BUILD}/bench-{plan}.plan"], measures, **rest)


MACHINES = [
    linux("native", 1, "512M", "native", "bench.role=native",
          EXITS + (SIGNAL, FUTEX, INTERRUPT_LOOP) + NETWORK),
    linux("native-across", 2, "512M", "native", "bench.role=across", (SIGNAL_ACROSS, FUTEX_ACROSS)),
    linux("kvm-qemu", 1, "2G", "host", "bench.role=kvm bench.vhost=off bench.names=LEFT",
          EXITS + NETWORK, may_stop=True),
    linux("kvm-vhost", 1, "2G", "host", "bench.role=kvm bench.vhost=on bench.names=LEFT",
          EXITS + NETWORK, may_stop=True),
    bulkhead("signal", 1, "256M", (SIGNAL,)),
    bulkhead("across", 2, "256M", (SIGNAL_ACROSS,)),
    bulkhead("interrupt", 1, "256M", (INTERRUPT_LOOP,)),
    bulkhead("guest", 1, "1G", EXITS + NETWORK),
    *natives("native", "bench.role=packets", NETWORK, CARD, ("-lazy", "-pt")),
    *natives("native-disk", "bench.role=disk", DISK, NVME, WAYS),
    *natives("native-igb", "bench.role=packets", NETWORK, SRIOV_CARD,
             ("", "-lazy", "-pt")),
    *natives("native-vf", "bench.role=vf", NETWORK, SRIOV_CARD, ("", "-lazy", "-pt")),
    bulkhead("disk", 2, "1G", DISK, hardware=CARD + NVME, profiled=DISK),
    bulkhead("zerocopy", 2, "1G", DISK, hardware=CARD + NVME, profiled=DISK),
    bulkhead("ahci", 2, "1G", DISK, hardware=CARD + NVME, profiled=DISK),
    bulkhead("nvme", 2, "1G", DISK, hardware=CARD + NVME, profiled=DISK),
    bulkhead("nvmezero", 2, "1G", DISK, hardware=CARD + NVME, profiled=DISK),
    bulkhead("e1000", 2, "1G", NETWORK, profiled=NETWORK),
    bulkhead("passed", 2, "1G", NETWORK, hardware=CARD + NVME, profiled=NETWORK),
    bulkhead("passdisk", 2, "1G", DISK, hardware=CARD + NVME, profiled=DISK),
    bulkhead("passedu", 2, "256M", (INTERRUPT_LOOP,), hardware=PORT_EDU,
             profiled=(INTERRUPT_LOOP,)),
    bulkhead("vf", 2, "1G", NETWORK, hardware=SRIOV_CARD, profiled=NETWORK),
    bulkhead("domain", 2, "1G", NETWORK, profiled=NETWORK),
    bulkhead("store", 2, "1G", DISK, hardware=NVME, profiled=DISK),
]

# Names for several machines.
GROUPS = {
    "disk": ("native-disk", "bulkhead-disk", "bulkhead-zerocopy", "bulkhead-ahci", "bulkhead-nvme",
             "bulkhead-nvmezero"),
    "e1000": ("bulkhead-guest", "bulkhead-e1000"),
    "passed": ("native", "native-lazy", "native-pt", "native-disk", "native-disk-lazy",
               "native-disk-pt", "bulkhead-passed", "bulkhead-passdisk", "bulkhead-passedu"),
    "vf": ("native-igb", "native-vf", "native-vf-lazy", "native-vf-pt", "bulkhead-vf"),
    "domain": ("native-lazy", "native-disk-lazy", "bulkhead-domain", "bulkhead-store"),
}

SYSTEMS = {
    "bulkhead": ("bulkhead-signal", "bulkhead-across", "bulkhead-interrupt", "bulkhead-guest"),
    "native": ("native", "native-across"),
    "qemu": ("kvm-qemu",),
    "vhost": ("kvm-vhost",),
}


def read_marks(path):
    """(number, instructions so far, those of guests) of each mark; a line that is being written is
    left out."""
    text = path.read_text() if path.exists() else ""
    lines = text[:text.rfind("\n") + 1].splitlines()
    return [(int(number, 16), int(executed), int(guest))
            for number, _, executed, guest in map(str.split, lines)]


def computing_seconds(process):
    """Processor time that a child has used so far; other load on the build machine isn't in it."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(machine, process, marks):
    """Waits until everything is measured or nothing happened for too long."""
    size, since = -1, 0
    while process.poll() is None and machine.left():
        time.sleep(0.5)
        now = marks.stat().st_size if marks.exists() else 0
        if now != size:
            size, since = now, computing_seconds(process)
        elif computing_seconds(process) - since > PATIENCE:
            return


def run_once(machine, seed):
    with open(BUILD / f"{machine.name}.qemu", "w", encoding="utf-8") as errors:
        process = subprocess.Popen(machine.command(seed), stdin=subprocess.DEVNULL,
                                   stdout=errors, stderr=errors)
        try:
            watch(machine, process, machine.marks(seed))
        finally:
            process.terminate()
            process.wait()


def run(machine):
    """A KVM guest that stops is followed by one with another seed for what is left to measure.
    false: a machine that shouldn't stop did."""
    machine.forget()
    for seed in SEEDS:
        print(f"bench: {machine.name}, seed {seed} ...", end=" ", flush=True)
        start = time.monotonic()
        run_once(machine, seed)
        complete = not machine.left()
        print(f"{time.monotonic() - start:.0f} s" + ("" if complete else ", incomplete"), flush=True)
        if complete:
            return True
    print(f"bench: {machine.name} gives no complete figures, the table shows '-' for the missing "
          f"ones; its console: {machine.serial}")
    return machine.may_stop


def measured(marks, identity, operations, outside):
    """Instructions for one operation, the guest's own left out if `outside`: the batches' median.
    None: not measured."""
    costs, begin = [], None
    for number, count, guest in marks:
        executed = count - guest if outside else count
        if number == identity:
            begin = executed
        elif number == identity | IS_END and begin is not None:
            costs.append((executed - begin) / operations)
            begin = None
    return statistics.median(costs) if costs else None


def minus(one, other):
    return None if one is None or other is None else one - other


def half(value):
    return None if value is None else value / 2


class Results:
    """Figures of each system by measurement."""

    def __init__(self):
        marks = {machine.name: machine.all_marks() for machine in MACHINES}
        self.systems = marks | {system: [mark for name in names for mark in marks[name]]
                                for system, names in SYSTEMS.items()}

    def whole(self, system, identity, outside=False):
        operations = 1 if identity == INTERRUPT else ROUNDS
        return measured(self.systems[system], identity, operations, outside)

    def outside(self, system, identity):
        """What all but the guest executes."""
        return self.whole(system, identity, outside=True)

    def received(self, system, echo, send):
        return minus(self.outside(system, echo), self.outside(system, send))


GUESTS = ("bulkhead", "qemu", "vhost")


def rows(results):
    """(title, {system: figure}, the systems that are the baseline)."""
    whole, outside = results.whole, results.outside

    def one_way(title, ours, linux_event, linux_futex):
        yield (title, {"bulkhead": half(whole("bulkhead", ours)),
                       "native": half(whole("native", linux_event))}, ("native",))
        yield ("  the same with a futex", {"native": half(whole("native", linux_futex))}, ())

    def guests(title, figure):
        return (title, {system: figure(system) for system in GUESTS}, ("qemu", "vhost"))

    def packets(size, send, echo, ping):
        yield (f"UDP packet, {size} bytes, guest to wire, whole",
               {system: whole(system, send) for system in GUESTS + ("native",)}, ("qemu", "vhost"))
        yield guests("  guest -> switch -> driver: outside the guest",
                     lambda system: outside(system, send))
        yield guests("  driver -> switch -> guest: outside the guest",
                     lambda system: results.received(system, echo, send))
        yield (f"echo, {size} bytes, 16 under way, whole",
               {system: whole(system, echo) for system in GUESTS + ("native",)}, ("qemu", "vhost"))
        yield (f"echo, {size} bytes, one under way, whole",
               {system: whole(system, ping) for system in GUESTS + ("native",)}, ("qemu", "vhost"))

    yield from one_way("signal to wake-up, same core", SIGNAL, SIGNAL, FUTEX)
    yield from one_way("signal to wake-up, across cores", SIGNAL_ACROSS, SIGNAL_ACROSS, FUTEX_ACROSS)
    yield ("device interrupt to driver",
           {system: whole(system, INTERRUPT) for system in ("bulkhead", "native")}, ("native",))
    yield ("  whole cycle, acknowledged, waiting again",
           {system: whole(system, INTERRUPT_LOOP) for system in ("bulkhead", "native")}, ("native",))
    yield ("device interrupt to the handler in its guest",
           {"bulkhead": whole("bulkhead-passedu", INTERRUPT)}, ())
    yield guests("guest CPUID, there and back", lambda system: outside(system, CPUID))
    yield guests("guest port access to a device model", lambda system: half(outside(system, PORT)))
    yield from packets(64, SEND_64, ECHO_64, PING_64)
    yield from packets(1500, SEND_1500, ECHO_1500, PING_1500)


def shown(value):
    return "-" if value is None else f"{value:,.0f}"


def ratio(figures, baselines):
    """Bulkhead's figure over the best baseline's."""
    known = [figures[name] for name in baselines if figures.get(name)]
    ours = figures.get("bulkhead")
    return "-" if ours is None or not known else f"{ours / min(known):.2f}"


def print_table(results):
    line = "{:<46}{:>10}{:>14}{:>12}{:>12}{:>8}"
    print()
    print("Executed instructions for one operation (all cores, all privilege levels together)")
    print(line.format("", "Bulkhead", "Linux native", "KVM, QEMU", "KVM, vhost", "ratio"))
    for title, figures, baselines in rows(results):
        print(line.format(title, *(shown(figures.get(name))
                                   for name in ("bulkhead", "native", "qemu", "vhost")),
                          ratio(figures, baselines)))
    print("ratio: Bulkhead over the better Linux figure of this run. What is counted: docs/benchmarks.md")


# A table each: what the guest's disk is, the machine and its baseline.
DISK_MACHINES = [("virtio-blk", "bulkhead-disk", "native-disk"),
                 ("virtio-blk, zero-copy", "bulkhead-zerocopy", "native-disk"),
                 ("emulated AHCI", "bulkhead-ahci", "native-disk"),
                 ("emulated NVMe", "bulkhead-nvme", "native-disk"),
                 ("emulated NVMe, zero-copy", "bulkhead-nvmezero", "native-disk")]
DISK_TITLES = {
    READ_4K: "read 4 KiB, one under way", READ_4K_16: "read 4 KiB, 16 under way",
    READ_128K: "read 128 KiB, one under way", READ_128K_16: "read 128 KiB, 16 under way",
    WRITE_4K: "write 4 KiB, one under way", WRITE_4K_16: "write 4 KiB, 16 under way",
    WRITE_128K: "write 128 KiB, one under way", WRITE_128K_16: "write 128 KiB, 16 under way",
}
GOALS = {READ_4K: 6000, READ_4K_16: 2000, READ_128K: 8000, READ_128K_16: 8000,
         WRITE_4K: 6000, WRITE_4K_16: 2000, WRITE_128K: 8000, WRITE_128K_16: 8000}
PARTS = ("bulkhead", "vmm", "blockmux", "nvme")
PACKET_PARTS = ("bulkhead", "vmm", "netswitch", "e1000e")


def shares(name, identity, programs):
    """Instructions of one operation by part: the guest, `programs`, all others."""
    machine = next(machine for machine in MACHINES if machine.name == name)
    if not parts.is_current(machine.profile) or identity not in machine.profiled:
        return [None] * (len(programs) + 2)
    found = parts.by_program(parts.read_profile(machine.profile, identity))
    known = [found["guest kernel"] + found["guest process"]] + [found[each] for each in programs]
    return [each / (BATCHES * ROUNDS) for each in known + [found.total() - sum(known)]]


def print_disks(results):
    line = "{:<34}{:>9}{:>9}{:>7}{:>10}{:>8}  {:<7}{:>9}{:>8}{:>8}{:>10}{:>8}{:>7}"
    for title, name, baseline in DISK_MACHINES:
        print()
        print(f"Requests to a disk ({title}): whole, outside the guest, and by part")
        print(line.format("", "Bulkhead", "native", "ratio", "overhead", "goal", "", "guest",
                          "kernel", "VMM", "blockmux", "driver", "other"))
        for identity, operation in DISK_TITLES.items():
            ours, theirs = results.whole(name, identity), results.whole(baseline, identity)
            overhead = results.outside(name, identity)
            met = "" if overhead is None else "met" if overhead <= GOALS[identity] else "missed"
            print(line.format(operation, shown(ours), shown(theirs),
                              ratio({"bulkhead": ours, "native": theirs}, ("native",)),
                              shown(overhead), shown(GOALS[identity]), met,
                              *map(shown, shares(name, identity, PARTS))))


PACKET_TITLES = {
    SEND_64: "UDP packet, 64 bytes", SEND_1500: "UDP packet, 1500 bytes",
    ECHO_64: "echo, 64 bytes, 16 under way", ECHO_1500: "echo, 1500 bytes, 16 under way",
    PING_64: "echo, 64 bytes, one under way", PING_1500: "echo, 1500 bytes, one under way",
}


def print_cards(results):
    line = "{:<34}{:>10}{:>10}{:>7}{:>12}{:>12}{:>7}{:>9}{:>8}{:>8}{:>8}{:>8}{:>7}"
    print()
    print("A guest's packets over the emulated 82540EM, beside virtio-net; parts of the 82540EM's")
    print(line.format("", "82540EM", "virtio", "ratio", "outside", "virtio's", "ratio", "guest",
                      "kernel", "VMM", "switch", "driver", "other"))
    for identity, operation in PACKET_TITLES.items():
        figures = [get(name, identity) for get in (results.whole, results.outside)
                   for name in ("bulkhead-e1000", "bulkhead")]
        pairs = [ratio({"bulkhead": a, "virtio": b}, ("virtio",)) for a, b in
                 (figures[:2], figures[2:])]
        print(line.format(operation, shown(figures[0]), shown(figures[1]), pairs[0],
                          shown(figures[2]), shown(figures[3]), pairs[1],
                          *map(shown, shares("bulkhead-e1000", identity, PACKET_PARTS))))


# Beside the same Linux on the machine itself, in each of its ways to use the IOMMU.
PASSED_MACHINES = [
    ("the card that the guest drives itself", "bulkhead-passed", "native", PACKET_TITLES),
    ("the disk that the guest drives itself", "bulkhead-passdisk", "native-disk", DISK_TITLES),
    ("a virtual function that the guest drives itself", "bulkhead-vf", "native-vf", PACKET_TITLES),
    ("a driver domain's card", "bulkhead-domain", "native", PACKET_TITLES),
    ("a driver domain's disk", "bulkhead-store", "native-disk", DISK_TITLES),
]
PASSED_PARTS = ("bulkhead", "vmm", "netswitch")


def print_passed(results):
    line = "{:<30}{:>9}{:>9}{:>9}{:>9}{:>7}{:>9}{:>9}{:>8}{:>8}{:>8}{:>7}"
    for title, name, baseline, operations in PASSED_MACHINES:
        print()
        print(f"{title[0].upper()}{title[1:]}: whole, outside the guests, and by part")
        print(line.format("", "Bulkhead", "native:", "strict", "lazy", "ratio", "no IOMMU",
                          "outside", "guests", "kernel", "VMMs", "switch"))
        for identity, operation in operations.items():
            ours = results.whole(name, identity)
            strict, lazy, direct = (results.whole(baseline + way, identity) for way in WAYS)
            print(line.format(operation, shown(ours), "", shown(strict), shown(lazy),
                              ratio({"bulkhead": ours, "native": lazy}, ("native",)),
                              shown(direct), shown(results.outside(name, identity)),
                              *map(shown, shares(name, identity, PASSED_PARTS)[:-1])))
    print("native: Linux with the IOMMU in use, invalidating at each unmapping or, its default on a")
    print("real machine and the ratio's baseline, later; and with devices that the IOMMU lets through.")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", help="run these machines, separated by commas; the table takes the "
                        "others' figures from earlier runs: " +
                        " ".join([m.name for m in MACHINES] + list(GROUPS)))
    parser.add_argument("--table", action="store_true", help="run nothing")
    return parser.parse_args()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that QEMU is ended, too
    options = arguments()
    named = options.only.split(",") if options.only else [machine.name for machine in MACHINES]
    only = [name for each in named for name in GROUPS.get(each, (each,))]
    unknown = set(only) - {machine.name for machine in MACHINES}
    if unknown:
        sys.exit(f"bench: no such machine: {', '.join(sorted(unknown))}")
    complete = True
    if not options.table:
        complete = all([run(machine) for machine in MACHINES if machine.name in only])
    results = Results()
    print_table(results)
    print_disks(results)
    print_cards(results)
    print_passed(results)
    sys.exit(0 if complete else 1)


if __name__ == "__main__":
    main()
