"""BTCTurk's limits: a window per endpoint and address, and the block after too many unauthorised calls.

BTCTurk docs, "Rate Limits": a period starts with the first request; exceeding it blocks for the block time.
broker-api-docs, README-pro.md: more than 50 consecutive unauthorised requests block the address.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

from simulator.btcturk.errors import typical
from simulator.config import BtcturkRules
from simulator.wire import Reply, html_page

# Addresses and windows kept; more than a loopback test can have. The oldest is forgotten first.
MOST_KEPT: Final = 1024

_K = TypeVar("_K")
_V = TypeVar("_V")


@dataclass(slots=True)
class _Use:
    started: float
    count: int = 0
    blocked_until: float = 0.0


class Limits:
    """What each address has used, and which addresses are shut out. Times are real seconds."""

    def __init__(self, rules: BtcturkRules) -> None:
        """Start with nothing used."""
        self._rules = rules
        self._uses: dict[tuple[str, str], _Use] = {}
        self._failures: dict[str, int] = {}
        self._shut_until: dict[str, float] = {}

    def forget(self) -> None:
        """Forget all use and all blocks."""
        self._uses.clear()
        self._failures.clear()
        self._shut_until.clear()

    def check(self, address: str, path: str, now: float) -> Reply | None:
        """Count a call; return the refusal when its address is shut out or over the endpoint's limit."""
        if now < self._shut_until.get(address, 0.0):
            return self.shut()
        window = self._rules.windows.get(path)
        if window is None:
            return None
        use = self._uses.get((address, path))
        if use is None or (now >= use.started + window.period and now >= use.blocked_until):
            _make_room(self._uses)
            use = self._uses[address, path] = _Use(now)
        if now < use.blocked_until:
            return typical(429, math.ceil(use.blocked_until - now))
        use.count += 1
        if use.count <= window.limit:
            return None
        use.blocked_until = now + window.block
        # The call after the block starts a new period.
        use.started = now - window.period
        return typical(429, math.ceil(window.block))

    def shut(self) -> Reply:
        """Return the answer to an address that is shut out."""
        return html_page(self._rules.address_block_status, "Forbidden")

    def failed(self, address: str, now: float) -> None:
        """Count an unauthorised call."""
        _make_room(self._failures)
        count = self._failures[address] = self._failures.get(address, 0) + 1
        if count >= self._rules.unauthorised_before_block:
            _make_room(self._shut_until)
            self._shut_until[address] = now + self._rules.address_block_seconds
            self._failures[address] = 0

    def succeeded(self, address: str) -> None:
        """An authorised call ends a row of unauthorised ones."""
        self._failures.pop(address, None)


def _make_room(kept: dict[_K, _V]) -> None:
    if len(kept) >= MOST_KEPT:
        del kept[next(iter(kept))]
