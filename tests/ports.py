"""Free loopback ports for programs that must be told theirs.

They are taken from below the range that the system gives to outgoing connections: a port from that range may be used
by the next client before the program has bound it.
"""

import os
import random
import socket
from contextlib import ExitStack

LOWEST, HIGHEST = 15_000, 30_000
SHARE = 3_500
"""Each of several test processes has ports of its own: they would take each other's between the look and the use."""


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    lowest = LOWEST + worker * SHARE % (HIGHEST - LOWEST - SHARE)
    for _ in range(200):
        first = random.randrange(lowest, lowest + SHARE)
        with ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise AssertionError(f"no {count} free ports in a row")


def free_port() -> int:
    """One free port."""
    return free_ports(1)
