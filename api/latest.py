"""The newest of everything the api serves: the state of each portfolio, the status of each account.

It follows ``spark.portfolio`` and ``spark.collectors`` from the beginning, without a group or commits: at every
start everything is read anew, and a record counts only if its version is larger.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from api.bus_state import LIVE, BusState
from api.meter import Meter
from api.render import AccountName, Rendered, render_unread
from monitoring.clock import Clock
from schemas.encoding import Decoded
from schemas.events import CollectorStatus
from schemas.portfolio import PortfolioState
from schemas.topics import COLLECTORS, PORTFOLIO, Topic, split_key
from schemas.versions import VersionGate

FOLLOWED: Final = (PORTFOLIO, COLLECTORS)

RENDER_SECONDS: Final = 1.0
"""Ages are rendered at most so often; clients age what they show from ``asOf``."""

SILENT_SECONDS: Final = 45.0
"""Collectors report every 15 seconds; one that missed three in a row is gone."""

Watcher = asyncio.Event
"""Set whenever there is something newer than what its owner last took."""


class View:
    """One portfolio as it is served: its newest state, encoded at most once a second, and who waits for the next."""

    def __init__(
        self,
        portfolio: str,
        render_unread: Callable[[str], bytes],
        silent: Callable[[str], set[AccountName]],
        bus: Callable[[], BusState],
        *,
        demo: bool,
        clock: Clock,
    ) -> None:
        self.portfolio = portfolio
        self.state: PortfolioState | None = None
        self.etag: str | None = None
        """Of the last body: the state's version, and what the api adds: what is old, that the bus is away."""
        self.watchers: set[Watcher] = set()
        self._render_unread = render_unread
        self._silent = silent
        self._bus = bus
        self._demo = demo
        self._clock = clock
        self._rendered: Rendered | None = None
        self._body = b""
        self._frame: bytes | None = None
        self._good_until = float("-inf")

    def replace(self, state: PortfolioState | None) -> None:
        """Serve this state from now on; None where there is none (any more)."""
        self.state = state
        self._rendered = None
        self.touch()

    def touch(self) -> None:
        """Render anew at the next asking, and wake those who wait."""
        self._good_until = float("-inf")
        for watcher in self.watchers:
            watcher.set()

    def body(self) -> bytes:
        """The JSON document with ages of at most a second ago."""
        now = self._clock.monotonic()
        if now >= self._good_until:
            if self.state is None:
                self._body = self._render_unread(self.portfolio)
                self.etag = None
            else:
                if self._rendered is None:
                    self._rendered = Rendered(self.state, demo=self._demo)
                bus = self._bus()
                self._body = self._rendered.document(self._clock.now(), self._silent(self.portfolio), bus)
                self.etag = _etag(self.state, self._rendered.grown, bus)
            self._frame = None
            self._good_until = now + RENDER_SECONDS
        return self._body

    def frame(self) -> bytes:
        """The same document as one event of the stream: encoded once, for all who read it."""
        body = self.body()
        if self._frame is None:
            version = b"" if self.state is None else b"id: %d-%d\n" % self.state.version
            self._frame = b"%sdata: %s\n\n" % (version, body)
        return self._frame


def _etag(state: PortfolioState, grown: tuple[tuple[str, ...], ...], bus: BusState) -> str:
    if not grown and bus is LIVE:
        return f'W/"{state.epoch}-{state.seq}"'
    said = (grown, bus.state, bus.since, bus.reason)
    digest = hashlib.sha256(repr(said).encode()).hexdigest()
    return f'W/"{state.epoch}-{state.seq}-{digest[:16]}"'


class Latest:
    """The api's follower of state."""

    def __init__(
        self,
        *,
        default_portfolio: str,
        exchanges: Sequence[str],
        demo: bool,
        meter: Meter,
        clock: Clock,
        bus: Callable[[], BusState],
    ) -> None:
        """``bus`` tells how the bus stands that all this comes from."""
        self._default = default_portfolio
        self._exchanges = tuple(exchanges)
        self._demo = demo
        self._meter = meter
        self._clock = clock
        self._bus = bus
        self._gates = {topic.name: VersionGate() for topic in FOLLOWED}
        self._views: dict[str, View] = {}
        self._live = False
        self._read: dict[str, PortfolioState] = {}
        """While loading, the newest read so far. They are older than what the api before this one served last, so
        nobody is shown them before the newest is known."""
        self.statuses: dict[str, CollectorStatus] = {}
        """The newest status by its key."""
        self._heard: dict[str, dict[AccountName, float]] = {}
        """By portfolio: when its accounts last reported, on the steady clock."""
        self.listeners: set[Callable[[CollectorStatus], None]] = set()
        """Called with every new status."""
        self._ensure_view(default_portfolio)

    @property
    def live(self) -> bool:
        """Whether all that was there at the start has been read."""
        return self._live

    def portfolios(self) -> list[str]:
        """The names of all that can be asked for."""
        return sorted(self._views)

    def view(self, portfolio: str) -> View | None:
        """A portfolio as it is served, or None where nobody ever spoke of it."""
        return self._views.get(portfolio)

    def statuses_of(self, portfolio: str) -> list[CollectorStatus]:
        """The newest status of each account of a portfolio, in order."""
        return [self.statuses[key] for key in sorted(self.statuses) if self.statuses[key].portfolio == portfolio]

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take facts in; of several states of one portfolio in a batch, all count and the last is served."""
        for fact in facts:
            event = fact.event
            gate = self._gates[fact.topic.name]
            if event is None:
                if gate.delete(fact.key):
                    self._remove(fact)
            elif gate.admits(fact.key, event.version):
                if isinstance(event, PortfolioState):
                    self._meter.state(event, live=self._live, now=self._clock.now())
                    view = self._ensure_view(event.portfolio)
                    if self._live:
                        view.replace(event)
                    else:
                        self._read[event.portfolio] = event
                elif isinstance(event, CollectorStatus):
                    self._take_status(event)

    def _take_status(self, status: CollectorStatus) -> None:
        self._meter.status(status, live=self._live)
        self.statuses[status.key] = status
        # What was there at the start is as old as it says; after that, what comes is news, whatever the clocks say.
        age = 0.0 if self._live else max(0.0, (self._clock.now() - status.observed_at).total_seconds())
        heard = self._heard.setdefault(status.portfolio, {})
        heard[status.exchange, status.account] = self._clock.monotonic() - age
        view = self._ensure_view(status.portfolio)
        if view.state is None:
            view.touch()
        for listener in tuple(self.listeners):
            listener(status)

    def _remove(self, fact: Decoded) -> None:
        portfolio, *name = split_key(fact.key)
        view = self._views.get(portfolio)
        if fact.topic is COLLECTORS:
            self.statuses.pop(fact.key, None)
            self._heard.get(portfolio, {}).pop((name[0], name[1]), None)
            if view is not None and view.state is None:
                view.touch()
        elif view is not None:
            self._read.pop(portfolio, None)
            self._meter.state_gone(portfolio)
            view.replace(None)
        spoken_of = view is not None and (view.state is not None or self.statuses_of(portfolio))
        watched = view is not None and view.watchers
        if not spoken_of and not watched and portfolio != self._default:
            self._views.pop(portfolio, None)

    def caught_up(self) -> None:
        """What was there at the start has been read."""
        self._live = True
        for portfolio, state in self._read.items():
            self._ensure_view(portfolio).replace(state)
        self._read.clear()
        for view in self._views.values():
            if view.state is None:
                view.touch()

    def bus_changed(self) -> None:
        """The bus stands otherwise than before: everybody is told at once."""
        for view in self._views.values():
            view.touch()

    def topic_reset(self, topic: Topic) -> None:
        """The topic was emptied: keep the values, forget the versions; the writers publish anew."""
        self._gates[topic.name].forget()

    def _ensure_view(self, portfolio: str) -> View:
        view = self._views.get(portfolio)
        if view is None:
            view = self._views[portfolio] = View(
                portfolio, self._unread, self._silent, self._bus, demo=self._demo, clock=self._clock
            )
        return view

    def _silent(self, portfolio: str) -> set[AccountName]:
        before = self._clock.monotonic() - SILENT_SECONDS
        return {account for account, heard in self._heard.get(portfolio, {}).items() if heard < before}

    def _unread(self, portfolio: str) -> bytes:
        exchanges = self._exchanges if portfolio == self._default else ()
        statuses = self.statuses_of(portfolio)
        silent = self._silent(portfolio)
        return render_unread(
            portfolio,
            statuses,
            exchanges,
            loading=not self._live,
            demo=self._demo,
            silent=silent,
            bus=self._bus(),
        )
