#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Runs the test suites in order and adds their results up into one closing line.

A test that could not run (not built, crashed, timed out, nothing collected) counts as failed.
What is printed of a file of booted tests comes when it is over, if they all run; results of single
tests lie under build/tests/.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import corpus

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, "build", "tests")
UNIT_TIMEOUT = 300
PROOF_TIMEOUT = 600
MACHINES_AT_ONCE = 2
SLOW = ("test_firmware.py", "test_all_ways.py", "test_passthrough.py", "test_debian_ahci.py",
        "test_debian_uefi.py", "test_nvme_vf.py", "test_debian.py", "test_all_ways_amd.py",
        "test_sriov.py")
ALONE = ("test_scheduling.py", "test_stress.py")     # they measure time, or use every core
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}


class Tally:
    """Passed and failed tests, with the names of the failed ones."""

    def __init__(self):
        self.passed = 0
        self.failures = []

    def add(self, name, passed, failed):
        self.passed += passed
        self.failures += [name] * failed
        print(f"  {'FAIL' if failed else 'ok  '} {name}: {passed} passed, {failed} failed",
              flush=True)

    def failed(self, name, why):
        self.failures.append(name)
        print(f"  FAIL {name}: {why}", flush=True)


def heading(text):
    print(f"== {text}", flush=True)


def cmocka_counts(output):
    """cmocka prints '[  PASSED  ] 3 test(s).' and '[  FAILED  ] 1 test(s), listed below:'."""
    def count(word):
        return sum(int(n) for n in re.findall(rf"\[  {word}  \] (\d+) test\(s\)", output))
    return count("PASSED"), count("FAILED")


def run_unit(name, tally):
    binary = os.path.join(BUILD, "unit", name)
    if not os.path.exists(binary):
        tally.failed(f"unit {name}", "not built")
        return
    try:
        done = subprocess.run([binary], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", timeout=UNIT_TIMEOUT,
                              env={**os.environ, **SANITIZERS}, check=False)
    except subprocess.TimeoutExpired:
        tally.failed(f"unit {name}", f"no end after {UNIT_TIMEOUT} s")
        return
    passed, failed = cmocka_counts(done.stdout)
    if done.returncode != 0 or passed == 0:
        print(done.stdout, end="")
        failed = max(failed, 1)
    tally.add(f"unit {name}", passed, failed)


def start_fuzzer(name, seeds, seconds):
    """Starts one fuzzer, from its corpus; what it finds goes to a folder of its own, never into the
    sources."""
    work = os.path.join(BUILD, "fuzz", f"{name}.work")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "new"))
    corpus.unpack(name, os.path.join(work, "kept"))
    folders = [os.path.join(work, "new"), os.path.join(work, "kept")]
    folders += [os.path.join(ROOT, seeds)] if seeds else []
    command = [os.path.join(BUILD, "fuzz", name), *corpus.OPTIONS, f"-max_total_time={seconds}",
               "-print_final_stats=1", "-seed=1", f"-artifact_prefix={work}/", *folders]
    log = open(os.path.join(work, "log"), "wb")
    return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log), log


def finish_fuzzer(name, process, log, seconds, tally):
    try:
        status = process.wait(timeout=seconds + 120)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        status = "no end"
    log.close()
    with open(log.name, errors="replace") as file:
        text = file.read()
    runs = re.findall(r"stat::number_of_executed_units:\s*(\d+)", text)
    if status != 0:
        print("\n".join(text.splitlines()[-60:]))
        tally.failed(f"fuzz {name}", f"exit {status}; input kept in {os.path.dirname(log.name)}")
    else:
        print(f"  ok   fuzz {name}: {runs[0] if runs else '?'} inputs", flush=True)
        tally.passed += 1


def run_fuzzers(entries, seconds, tally):
    """Two at a time: the machine that this is meant for has two cores."""
    pending = [entry.partition(":")[::2] for entry in entries]
    running = []
    while pending or running:
        while pending and len(running) < 2:
            name, seeds = pending.pop(0)
            if not os.path.exists(os.path.join(BUILD, "fuzz", name)):
                tally.failed(f"fuzz {name}", "not built")
                continue
            running.append((name, *start_fuzzer(name, seeds, seconds)))
        if running:
            name, process, log = running.pop(0)
            finish_fuzzer(name, process, log, seconds, tally)


def run_proof(name, tally):
    """A folder of proofs/ with its script `check`, which fails unless what it states holds."""
    try:
        done = subprocess.run([os.path.join(ROOT, "proofs", name, "check")], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PROOF_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired) as error:
        tally.failed(f"proof {name}", str(error))
        return
    print(done.stdout, end="")
    tally.add(f"proof {name}", int(done.returncode == 0), int(done.returncode != 0))


class Booted:
    """A pytest process over some of a suite's files, and what came of it."""

    def __init__(self, suite, name, paths, only=""):
        self.suite = suite
        self.report = os.path.join(BUILD, f"{name}.xml")
        self.command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-v",
                        "--tb=short", f"--junitxml={self.report}", *paths]
        self.command += ["-k", only] if only else []

    def run(self, **options):
        os.makedirs(BUILD, exist_ok=True)
        if os.path.exists(self.report):
            os.remove(self.report)
        return subprocess.run(self.command, cwd=ROOT, check=False, **options)

    def count(self, tally):
        """Adds its tests up. A skipped one didn't show what it is there to show; but one that is
        expected to fail did, and is a failure as soon as it doesn't fail any more."""
        try:
            cases = list(ElementTree.parse(self.report).getroot().iter("testcase"))
        except (OSError, ElementTree.ParseError):
            tally.failed(self.suite, "could not run")
            return
        for case in cases:
            outcome = {child.tag for child in case if child.get("type") != "pytest.xfail"}
            if outcome & {"failure", "error", "skipped"}:
                tally.failures.append(f"{self.suite} {case.get('name')}")
            else:
                tally.passed += 1
        if not cases:
            tally.failed(self.suite, "no test was found")


def environment(patience):
    return {"BULKHEAD_PATIENCE": patience, **os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def run_one_suite(suite, only, tally):
    heading(f"{suite} tests")
    booted = Booted(suite, suite, [os.path.join("tests", suite)], only)
    booted.run(env=environment("1"))
    booted.count(tally)


def file_jobs():
    """The system tests file by file, the slow ones first; but those that want the machine alone."""
    folder = os.path.join("tests", "system")
    files = sorted(name for name in os.listdir(os.path.join(ROOT, folder))
                   if name.startswith("test_") and name not in ALONE)
    files.sort(key=lambda name: name not in SLOW)
    return [Booted("system", name[:-len(".py")], [os.path.join(folder, name)]) for name in files]


def run_quietly(booted):
    """Its output is printed as one piece, when it is over."""
    done = booted.run(env=environment("2"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                      text=True, errors="replace")
    print(done.stdout, end="", flush=True)


def run_booted(tally):
    """All booted tests, two machines at a time: one alone leaves half of two cores idle. The red
    team stays one piece, for its table."""
    heading(f"booted tests, {MACHINES_AT_ONCE} machines at a time")
    jobs = [Booted("redteam", "redteam", [os.path.join("tests", "redteam")]), *file_jobs()]
    with concurrent.futures.ThreadPoolExecutor(MACHINES_AT_ONCE) as pool:
        list(pool.map(run_quietly, jobs))
    alone = Booted("system", "alone", [os.path.join("tests", "system", name) for name in ALONE])
    run_quietly(alone)
    for booted in (*jobs, alone):
        booted.count(tally)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-status", type=int, default=0)
    parser.add_argument("--unit", default="")
    parser.add_argument("--fuzz", default="")
    parser.add_argument("--fuzz-seconds", type=int, default=10)
    parser.add_argument("--proofs", default="")
    parser.add_argument("--system", action="store_true")
    parser.add_argument("--redteam", action="store_true")
    parser.add_argument("--only", default="")
    options = parser.parse_args()

    start = time.monotonic()
    tally = Tally()
    if options.build_status != 0:
        tally.failed("build", "something above doesn't build")
    if options.unit:
        heading("unit tests (AddressSanitizer, UndefinedBehaviorSanitizer)")
        for name in options.unit.split():
            run_unit(name, tally)
    if options.fuzz:
        heading(f"fuzzing, {options.fuzz_seconds} s each")
        run_fuzzers(options.fuzz.split(), options.fuzz_seconds, tally)
    if options.proofs:
        heading("proofs")
        for name in options.proofs.split():
            run_proof(name, tally)
    if options.system and options.redteam and not options.only:
        run_booted(tally)
    else:
        for suite in ("system", "redteam"):
            if getattr(options, suite):
                run_one_suite(suite, options.only, tally)

    for name in tally.failures:
        print(f"failed: {name}")
    print(f"time: {time.monotonic() - start:.0f} s")
    print(f"{tally.passed} passed, {len(tally.failures)} failed", flush=True)
    return 1 if tally.failures or tally.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
