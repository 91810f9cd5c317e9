"""When a portfolio's state goes out. Pure.

- a change of a balance or a status, or a mark that age changed: at once, at least 20 ms after its last state;
- a change of prices alone: at most once a second, and at most 1 MB a second;
- nothing changed: every 15 s, so that a reader can tell a quiet market from a dead aggregator.

What comes out as it was published before (but for version and times) is not published again before those 15 s.
"""

from typing import Final

from aggregator.portfolio import Portfolio

URGENT_SPACING_MS: Final = 20
"""Fifty states a second of one portfolio are more than any eye or reader needs; a burst becomes one state."""

PRICE_SPACING_MS: Final = 1_000
PRICE_BYTES_PER_SECOND: Final = 1_000_000
HEARTBEAT_MS: Final = 15_000

LONG_AGO: Final = -(10**15)
"""Before any moment, in milliseconds."""


class Outlet:
    """One portfolio, and when and what of it went out."""

    __slots__ = ("alarm", "not_before", "portfolio", "priced", "sent_at", "sent_hash", "sent_size", "urgent")

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        self.urgent = False
        self.priced = False
        self.sent_at = LONG_AGO
        self.sent_size = 0
        self.sent_hash: int | None = None
        """Of the content last sent; None when it must go out whatever it is. Sixty-four bits within one process."""
        self.not_before = LONG_AGO
        self.alarm: int | None = None

    def due_at(self) -> int:
        """When it goes out next."""
        if self.urgent:
            wait = URGENT_SPACING_MS
        elif self.priced:
            wait = max(PRICE_SPACING_MS, self.sent_size * 1000 // PRICE_BYTES_PER_SECOND)
        else:
            wait = HEARTBEAT_MS
        return max(self.sent_at + wait, self.not_before)
