# SPDX-License-Identifier: BSD-2-Clause
"""Who goes on while others attack, and what the table says where nobody is named or served."""
from guests import states

NO_EFFECT = "nobody: no effect"
NO_EVENT = "nobody: QEMU logs no event"
NOTHING_STARTS = "nothing starts"        # the plan is refused
GREETING = "Hello from guest web"


def served(running, *names):
    """These, once each is seen to run; of web the page is fetched."""
    state = states(running)
    assert all(state[name] == "running" for name in names), state
    if "web" in names:
        assert GREETING in (running.curl() or ""), running.serial.tail()
    return ", ".join(names)
