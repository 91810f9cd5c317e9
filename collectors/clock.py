"""The exchange's time: our steady clock, set by its time endpoint. And stamps that are never the same twice."""

import datetime as dt
from typing import Final

from monitoring.clock import Clock
from schemas.fields import from_milliseconds, milliseconds

RESYNC_SECONDS: Final = 600.0
"""Clocks of cheap machines drift by up to 0.1 ms a second: 60 ms in this time, far below any exchange's tolerance."""

SKEW_WARNING_SECONDS: Final = 2.0
"""From here on a wrong clock is worth a person's attention; signing corrects for it in any case."""

JUMP_SECONDS: Final = 1.0
"""Where calendar and steady clock part by so much, one was set or the machine slept: ask the exchange again."""


SERVER_MS_MIN: Final = 1_577_836_800_000
SERVER_MS_MAX: Final = 4_102_444_800_000
"""The years 2020 to 2100. Another time is no clock's, and one beyond the calendar could not even be calculated with."""


class ServerClock:
    """What the exchange's clock shows now. Until it was asked, ours is all we have.

    It runs on the steady clock, so a calendar that is set back or forth changes nothing until the next sync.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._server_ms: float | None = None
        self._doubt_ms = 0.0
        self._synced_monotonic = 0.0
        self._synced_now = clock.now()

    def set(self, server_ms: int, *, sent: float, received: float) -> None:
        """Take in an answer of the time endpoint, with the steady clock's seconds around it.

        The answer is taken as made half way through the round trip.
        """
        self._doubt_ms = max(0.0, received - sent) * 500
        self._server_ms = server_ms + self._doubt_ms
        self._synced_monotonic = received
        self._synced_now = self._clock.now()

    def now(self) -> dt.datetime:
        """The exchange's moment."""
        return self._clock.now() if self._server_ms is None else from_milliseconds(round(self._now_ms()))

    def milliseconds(self) -> int:
        """The exchange's moment as whole milliseconds since 1970."""
        return milliseconds(self._clock.now()) if self._server_ms is None else round(self._now_ms())

    def stamp_ms(self) -> int:
        """The moment to sign with: the earliest it can be there, since late stamps are forgiven, early ones not."""
        return self.milliseconds() - round(self._doubt_ms)

    def offset_ms(self) -> int | None:
        """The exchange's clock minus ours, or None while it was never asked."""
        return None if self._server_ms is None else self.milliseconds() - milliseconds(self._clock.now())

    def due(self) -> bool:
        """Whether the exchange should be asked (again): never was, long ago, or our clocks disagree with themselves."""
        if self._server_ms is None:
            return True
        steady = self._clock.monotonic() - self._synced_monotonic
        calendar = (self._clock.now() - self._synced_now).total_seconds()
        return steady >= RESYNC_SECONDS or abs(calendar - steady) >= JUMP_SECONDS

    def _now_ms(self) -> float:
        return (self._server_ms or 0.0) + (self._clock.monotonic() - self._synced_monotonic) * 1000


class Stamps:
    """The stamps of one key: the exchange's time, and always larger than the last one."""

    def __init__(self) -> None:
        self._last = 0

    def next(self, now_ms: int) -> int:
        """A stamp that was not used before."""
        self._last = max(now_ms, self._last + 1)
        return self._last

    def forget(self) -> None:
        """Begin anew from the time: the last stamps came from a clock that was wrong, perhaps far ahead."""
        self._last = 0
