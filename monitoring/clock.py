"""Time as a parameter: parts are given a clock, so that tests move it instead of waiting."""

import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    """Two kinds of time: what the calendar says, and what only ever grows."""

    def now(self) -> dt.datetime:
        """The moment, in UTC. It may jump, also backwards."""

    def monotonic(self) -> float:
        """Seconds from some beginning; never backwards."""


class SystemClock:
    """The machine's own."""

    def now(self) -> dt.datetime:
        """The moment, in UTC."""
        return dt.datetime.now(dt.UTC)

    def monotonic(self) -> float:
        """Seconds since some beginning."""
        return time.monotonic()
