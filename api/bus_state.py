"""What the api knows of the bus it reads: whether it answers, since when not, and why.

Collectors are heard over the bus alone. While it cannot be read, their silence says nothing of them, and nobody is
sent to look for a mistake there.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from bus.interface import ReaderState
from monitoring.clock import Clock

BusStateName = Literal["loading", "live", "degraded", "failed"]
Excuse = Literal["loading", "degraded", "failed", "back"]
"""Why a source that seems silent or starting may be neither."""

BACK_REASON: Final = "the bus answers again, and the next reports of the collectors are awaited"


@dataclass(frozen=True, slots=True)
class BusState:
    """How the bus stands, as the api's own reader sees it. ``since`` and ``reason`` where there is something to say."""

    state: BusStateName
    since: dt.datetime | None = None
    reason: str | None = None

    @property
    def is_away(self) -> bool:
        """Whether it is not read: what is known grows old, and nothing new can be known."""
        return self.state in {"degraded", "failed"}


LIVE: Final = BusState("live")
LOADING: Final = BusState("loading")


def excuse(bus: str, reason: str | None, source: str) -> Excuse | None:
    """What speaks against what a source's state seems to say; None where it may be taken as it is."""
    if source not in {"silent", "starting"}:
        return None
    if bus == "degraded":
        return "degraded"
    if bus == "failed":
        return "failed"
    if bus == "loading":
        return "loading" if source == "starting" else None
    return "back" if reason is not None and source == "silent" else None


class BusWatch:
    """Remembers since when the bus is away, and for a while that it was."""

    def __init__(self, ask: Callable[[], tuple[ReaderState, str]], clock: Clock, *, grace_seconds: float) -> None:
        """``ask`` gives the reader's state and reason; ``grace_seconds``: the collectors' time to be heard again."""
        self._ask = ask
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._away_since: dt.datetime | None = None
        self._back = LIVE
        self._back_until = float("-inf")

    def look(self) -> BusState:
        """How it stands now. Cheap: it asks nobody but the reader."""
        state, reason = self._ask()
        if state is ReaderState.DEGRADED or state is ReaderState.FAILED:
            if self._away_since is None:
                self._away_since = self._clock.now()
            name: BusStateName = "degraded" if state is ReaderState.DEGRADED else "failed"
            return BusState(name, self._away_since, reason or "the bus does not answer")
        if self._away_since is not None:
            self._away_since = None
            self._back = BusState("live", self._clock.now(), BACK_REASON)
            self._back_until = self._clock.monotonic() + self._grace_seconds
        if state is not ReaderState.LIVE:
            return LOADING
        return self._back if self._clock.monotonic() < self._back_until else LIVE
