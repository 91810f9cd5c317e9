"""The newest of everything the api serves: the state of each portfolio, the status of each account.

It follows ``spark.portfolio`` and ``spark.collectors`` from the beginning, without a group or commits: at every
start everything is read anew, and a record counts only if its version is larger.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from api.meter import Meter
from api.render import Rendered, render_unread
from monitoring.clock import Clock
from schemas.encoding import Decoded
from schemas.events import CollectorStatus
from schemas.portfolio import PortfolioState
from schemas.topics import COLLECTORS, PORTFOLIO, Topic, split_key
from schemas.versions import VersionGate

FOLLOWED: Final = (PORTFOLIO, COLLECTORS)

RENDER_SECONDS: Final = 1.0
"""Ages are rendered at most so often; clients age what they show from ``asOf``."""


Watcher = asyncio.Event
"""Set whenever there is something newer than what its owner last took."""


class View:
    """One portfolio as it is served: its newest state, encoded at most once a second, and who waits for the next."""

    def __init__(self, portfolio: str, render_unread: Callable[[str], bytes], *, demo: bool, clock: Clock) -> None:
        self.portfolio = portfolio
        self.state: PortfolioState | None = None
        self.etag: str | None = None
        self.watchers: set[Watcher] = set()
        self._render_unread = render_unread
        self._demo = demo
        self._clock = clock
        self._rendered: Rendered | None = None
        self._body = b""
        self._frame: bytes | None = None
        self._good_until = float("-inf")

    def replace(self, state: PortfolioState | None) -> None:
        """Serve this state from now on; None where there is none (any more)."""
        self.state = state
        self.etag = None if state is None else f'W/"{state.epoch}-{state.seq}"'
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
            else:
                if self._rendered is None:
                    self._rendered = Rendered(self.state, demo=self._demo)
                self._body = self._rendered.document(self._clock.now())
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


class Latest:
    """The api's follower of state."""

    def __init__(
        self, *, default_portfolio: str, exchanges: Sequence[str], demo: bool, meter: Meter, clock: Clock
    ) -> None:
        self._default = default_portfolio
        self._exchanges = tuple(exchanges)
        self._demo = demo
        self._meter = meter
        self._clock = clock
        self._gates = {topic.name: VersionGate() for topic in FOLLOWED}
        self._views: dict[str, View] = {}
        self._live = False
        self.statuses: dict[str, CollectorStatus] = {}
        """The newest status by its key."""
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
                    self._ensure_view(event.portfolio).replace(event)
                elif isinstance(event, CollectorStatus):
                    self._take_status(event)

    def _take_status(self, status: CollectorStatus) -> None:
        self._meter.status(status, live=self._live)
        self.statuses[status.key] = status
        view = self._ensure_view(status.portfolio)
        if view.state is None:
            view.touch()
        for listener in tuple(self.listeners):
            listener(status)

    def _remove(self, fact: Decoded) -> None:
        portfolio = split_key(fact.key)[0]
        view = self._views.get(portfolio)
        if fact.topic is COLLECTORS:
            self.statuses.pop(fact.key, None)
            self._meter.status_gone(fact.key)
            if view is not None and view.state is None:
                view.touch()
        elif view is not None:
            self._meter.state_gone(portfolio)
            view.replace(None)
        spoken_of = view is not None and (view.state is not None or self.statuses_of(portfolio))
        watched = view is not None and view.watchers
        if not spoken_of and not watched and portfolio != self._default:
            self._views.pop(portfolio, None)

    def caught_up(self) -> None:
        """What was there at the start has been read."""
        self._live = True
        for view in self._views.values():
            if view.state is None:
                view.touch()

    def topic_reset(self, topic: Topic) -> None:
        """The topic was emptied: keep the values, forget the versions; the writers publish anew."""
        self._gates[topic.name].forget()

    def _ensure_view(self, portfolio: str) -> View:
        view = self._views.get(portfolio)
        if view is None:
            view = self._views[portfolio] = View(portfolio, self._unread, demo=self._demo, clock=self._clock)
        return view

    def _unread(self, portfolio: str) -> bytes:
        exchanges = self._exchanges if portfolio == self._default else ()
        statuses = self.statuses_of(portfolio)
        return render_unread(portfolio, statuses, exchanges, loading=not self._live, demo=self._demo)
