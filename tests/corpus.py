#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The fuzzers' corpora, tests/fuzz/corpus/NAME: inputs that together reach all that was ever
reached, one a line in base64, the shortest first. Run as a program (`make corpus`), it renews them:
each fuzzer starts from its corpus, and what it adds is merged to the fewest inputs that reach as
much.
"""
import argparse
import base64
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BINARIES = os.path.join(ROOT, "build", "tests", "fuzz")
CORPORA = os.path.join(ROOT, "tests", "fuzz", "corpus")

# Most inputs are lists of steps, so they are long from the beginning: in ten seconds their length,
# left alone, grows to 30 bytes or so.
OPTIONS = ["-timeout=20", "-rss_limit_mb=2048", "-len_control=0", "-max_len=4096"]


def unpack(name, folder):
    """A fuzzer's corpus as libFuzzer wants it: a folder, one file an input."""
    os.makedirs(folder)
    path = os.path.join(CORPORA, name)
    if not os.path.exists(path):
        return
    with open(path, encoding="ascii") as file:
        for number, line in enumerate(file):
            with open(os.path.join(folder, f"{number:04}"), "wb") as one:
                one.write(base64.b64decode(line))


def pack(name, folder):
    inputs = []
    for entry in os.listdir(folder):
        with open(os.path.join(folder, entry), "rb") as file:
            inputs.append(file.read())
    inputs.sort(key=lambda data: (len(data), data))
    os.makedirs(CORPORA, exist_ok=True)
    with open(os.path.join(CORPORA, name), "w", encoding="ascii") as file:
        for data in inputs:
            file.write(base64.b64encode(data).decode() + "\n")
    return inputs


def renew(name, seeds, seconds):
    work = os.path.join(BINARIES, f"{name}.corpus")
    shutil.rmtree(work, ignore_errors=True)
    new, merged, kept = (os.path.join(work, folder) for folder in ("new", "merged", "kept"))
    os.makedirs(new)
    os.makedirs(merged)
    unpack(name, kept)
    sources = [kept] + ([os.path.join(ROOT, seeds)] if seeds else [])
    command = [os.path.join(BINARIES, name), f"-artifact_prefix={work}/", *OPTIONS]
    with open(os.path.join(work, "log"), "wb") as log:
        subprocess.run([*command, f"-max_total_time={seconds}", new, *sources],
                       cwd=ROOT, check=True, stdout=log, stderr=log)
        subprocess.run([*command, "-merge=1", "-set_cover_merge=1", "-use_counters=0", merged, new,
                        *sources], cwd=ROOT, check=True, stdout=log, stderr=log)
    inputs = pack(name, merged)
    print(f"  {name}: {len(inputs)} inputs, {sum(map(len, inputs))} bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fuzz", default="", help="NAME:FOLDER, NAME:FOLDER, ...")
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    for entry in options.fuzz.split():
        name, _, seeds = entry.partition(":")
        renew(name, seeds, options.seconds)


if __name__ == "__main__":
    main()
