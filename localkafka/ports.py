"""Free loopback ports for a program that must be told its own."""

import random
import socket

LOWEST, HIGHEST = 15_000, 30_000
"""Below the range that systems give to outgoing connections: there, the next client of anything may take the port of
a broker that is down, and a client that keeps trying a dead port may even connect to itself."""

TRIES_MAX = 200
"""Half of the range would have to be taken for this many failures in a row to be likely."""

_random = random.SystemRandom()


def free_port() -> int:
    """A port of 127.0.0.1 that nothing is bound to; OSError when none is found."""
    for _ in range(TRIES_MAX):
        port = _random.randrange(LOWEST, HIGHEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise OSError(f"no free port on 127.0.0.1 between {LOWEST} and {HIGHEST}: stop some of what listens there")
