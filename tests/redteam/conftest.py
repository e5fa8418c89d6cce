# SPDX-License-Identifier: BSD-2-Clause
"""The table that `make redteam` ends with: each attack, what came of it and of its control, whom
the kernel named, and who was served meanwhile. It is kept for `make redteam-table` (table.py)."""
import pytest

import table

ROWS = []


@pytest.fixture
def verdict():
    """verdict(attack, text, protected, control, blamed, served): one row, once both were shown.
    Blamed is whom the line of the kernel or of the refusing program names, served who went on
    meanwhile, as the test has seen; no row is without (witness.py has words for nobody)."""
    def add(attack, text, protected, control, blamed, served):
        assert blamed and served
        ROWS.append((attack, text, protected, control, blamed, served))
    return add


def pytest_terminal_summary(terminalreporter):
    if not ROWS:
        return
    rows = [table.HEAD, *sorted(ROWS, key=table.order)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.HEAD))]
    terminalreporter.write_line("")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths))
        terminalreporter.write_line("  ".join(cells).rstrip())
    table.keep(ROWS)
