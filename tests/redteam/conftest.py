# SPDX-License-Identifier: BSD-2-Clause
"""The table that `make redteam` ends with: each attack, what came of it, and of its control."""
import pytest

ROWS = []


@pytest.fixture
def verdict():
    """verdict(attack, text, protected, control): one row, once both were shown."""
    def add(attack, text, protected, control):
        ROWS.append((attack, text, protected, control))
    return add


def pytest_terminal_summary(terminalreporter):
    if not ROWS:
        return
    head = ("attack", "what", "protected", "control: that protection off")
    rows = [head, *sorted(ROWS)]
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    terminalreporter.write_line("")
    for row in rows:
        terminalreporter.write_line("  ".join(cell.ljust(width) for cell, width in zip(row, widths)))
