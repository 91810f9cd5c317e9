"""When a portfolio's state goes out, and whose turn it is. Pure.

- a change of a balance or a status, or a mark that age changed: at once, at least 20 ms after its last state;
- a change of prices alone: at most once a second, and at most 1 MB a second;
- nothing changed: every 15 s, so that a reader can tell a quiet market from a dead aggregator.

What comes out as it was published before (but for version and times) is not published again before those 15 s.

The last two are calm: they wait in one line for a budget of 4 MB a second that all portfolios share. A display rate
that moves every second touches every portfolio there is, and no broker carries a thousand states of 150 KB a second.
The line is served in the order in which the portfolios came due, so nobody is passed over twice. A thousand portfolios
of 20 KB (100 holdings) are 20 MB: each follows the prices every five seconds instead of every second. A thousand of
150 KB follow every 38 s, and so do their signs of life. A single portfolio of up to 1 MB keeps its one a second.
"""

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

from aggregator.alarms import Alarms
from aggregator.portfolio import Portfolio

URGENT_SPACING_MS: Final = 20
"""Fifty states a second of one portfolio are more than any eye or reader needs; a burst becomes one state."""

PRICE_SPACING_MS: Final = 1_000
PRICE_BYTES_PER_SECOND: Final = 1_000_000
HEARTBEAT_MS: Final = 15_000

CALM_BYTES_PER_SECOND: Final = 4_000_000
"""Of all portfolios together. A small broker on one disk writes and serves it with ease, a reader of everything (the
api) decodes it in a tenth of a core, and it leaves room for what is urgent."""

CALM_SAVED_MS: Final = 100
"""What was not used for so long may be sent at once: small states go in batches, not each with a wait of its own."""

LONG_AGO: Final = -(10**15)
"""Before any moment, in milliseconds."""


class Outlet:
    """One portfolio, and when and what of it went out."""

    __slots__ = (
        "alarm",
        "gone",
        "in_line",
        "not_before",
        "portfolio",
        "priced",
        "sent_at",
        "sent_hash",
        "sent_size",
        "urgent",
    )

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
        self.in_line = False
        self.gone = False

    def due_at(self) -> int:
        """When it goes out next."""
        if self.urgent:
            wait = URGENT_SPACING_MS
        elif self.priced:
            wait = max(PRICE_SPACING_MS, self.sent_size * 1000 // PRICE_BYTES_PER_SECOND)
        else:
            wait = HEARTBEAT_MS
        return max(self.sent_at + wait, self.not_before)


class Turns:
    """Whose turn it is: the urgent ones at their moment, the calm ones in line for the budget they share."""

    def __init__(self) -> None:
        self._alarms: Alarms[Outlet] = Alarms()
        self._line: deque[Outlet] = deque()
        self._paid_until: float = LONG_AGO
        """Up to which moment the budget is spent."""

    def touch(self, outlet: Outlet, *, urgent: bool) -> None:
        """Something of a portfolio changed: prices alone, or more than that."""
        if urgent:
            outlet.urgent = True
        elif outlet.priced:
            return
        else:
            outlet.priced = True
        self._alarms.set(outlet, outlet.due_at())

    def leave(self, outlet: Outlet) -> None:
        """The portfolio is gone."""
        outlet.gone = True
        self._alarms.set(outlet, None)

    def due(self, now: int) -> Iterator[Outlet]:
        """Each outlet whose turn it is; may be left early.

        Say of each what became of it, by :meth:`went` or :meth:`again`, before the next is asked for.
        """
        for outlet in self._alarms.due(now):
            at = outlet.due_at()
            if outlet.gone:
                continue
            if at > now:
                self._alarms.set(outlet, at)
            elif outlet.urgent:
                yield outlet
            elif not outlet.in_line:
                outlet.in_line = True
                self._line.append(outlet)
        while self._line and self._paid_until <= now:
            outlet = self._line.popleft()
            outlet.in_line = False
            if outlet.gone:
                continue
            if outlet.due_at() > now:  # It went out as urgent meanwhile.
                self._alarms.set(outlet, outlet.due_at())
                continue
            yield outlet

    def went(self, outlet: Outlet, now: int, calm_bytes: int) -> None:
        """Its turn is over; so many bytes of the shared budget were used."""
        if calm_bytes:
            began = max(self._paid_until, now - CALM_SAVED_MS)
            self._paid_until = began + calm_bytes * 1000 / CALM_BYTES_PER_SECOND
        self._alarms.set(outlet, outlet.due_at())

    def again(self, outlet: Outlet) -> None:
        """Its turn is not over: there is more to be worked out first."""
        if outlet.urgent:
            self._alarms.set(outlet, outlet.due_at())
        elif not outlet.in_line:
            outlet.in_line = True
            self._line.appendleft(outlet)

    def next_at(self, now: int) -> int | None:
        """When :meth:`due` has something to give; None if never."""
        soonest = self._alarms.next_at()
        if not self._line:
            return soonest
        # Not at the first free byte but when a whole batch has room.
        served = now if self._paid_until <= now else math.ceil(self._paid_until) + CALM_SAVED_MS
        return served if soonest is None else min(soonest, served)

    def rewind(self, now: int) -> None:
        """The clock went back: nothing waits for a moment that lies an hour ahead now. The owner touches all anew."""
        self._alarms.clear()
        self._paid_until = min(self._paid_until, now)
