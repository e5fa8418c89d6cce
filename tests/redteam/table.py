#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The red team's table as a document: docs/red-team-table.md from what the last runs have shown. Rows
of tests that didn't run again are kept; `make clean` forgets all."""
import json
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KEPT = os.path.join(ROOT, "build", "tests", "redteam.json")
DOCUMENT = os.path.join(ROOT, "docs", "red-team-table.md")
HEAD = ("attack", "what", "protected", "control: that protection off", "blamed", "served meanwhile")

TOP = """\
# What came of each attack

Written by `make redteam-table` from the results of `make redteam`; [red-team.md](red-team.md) says
how attacks are mounted and judged. *Blamed* is whom a line of the kernel, or of the program that
refuses, names; *served meanwhile* who was seen to go on. Figures vary from run to run.

"""


def order(row):
    """A2 before A10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", row[0])], row


def _kept():
    if not os.path.exists(KEPT):
        return []
    with open(KEPT, encoding="utf-8") as file:
        return json.load(file)


def keep(rows):
    """Rows replace older ones of the same attack and text."""
    kept = {(row[0], row[1]): row for row in [*_kept(), *map(list, rows)]}
    with open(KEPT, "w", encoding="utf-8") as file:
        json.dump(sorted(kept.values(), key=order), file, indent=1)


def _line(cells):
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main():
    rows = sorted(_kept(), key=order)
    if not rows:
        raise SystemExit("no results are kept: run make redteam first")
    with open(DOCUMENT, "w", encoding="utf-8") as file:
        file.write(TOP + _line(HEAD) + "|" + "---|" * len(HEAD) + "\n" + "".join(map(_line, rows)))


if __name__ == "__main__":
    main()
