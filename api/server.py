"""The api as a role: it follows the bus, listens, and stops in order."""

import asyncio
from importlib.resources.abc import Traversable
from typing import Final

from prometheus_client import CollectorRegistry

from api.app import build_app
from api.bus_state import BusWatch
from api.guards import Guard
from api.handlers import Handlers
from api.latest import FOLLOWED, SILENT_SECONDS, Latest
from api.meter import Meter
from api.refresh import Refresher
from api.settings import ApiLimits, ApiSettings
from api.static_page import StaticPage
from api.stream import Streams
from bus.interface import Bus, ReaderState
from monitoring.clock import Clock
from monitoring.health import Check, Readiness
from monitoring.logs import get_logger
from monitoring.metrics import ApiMetrics, PortfolioMetrics
from monitoring.server import HttpServer

MEND: Final = "make page (without make: python hatch_build.py), then start again"

_LOADING: Final = "what is on the bus is being read"

_log = get_logger()


class ApiRole:
    """Serves the newest state as JSON, as a stream, as metrics and as a page."""

    def __init__(
        self,
        bus: Bus,
        *,
        settings: ApiSettings,
        metrics: ApiMetrics,
        portfolio_metrics: PortfolioMetrics,
        registry: CollectorRegistry,
        readiness: Readiness,
        clock: Clock,
        random_part: int,
        limits: ApiLimits | None = None,
        page: Traversable | None = None,
    ) -> None:
        """``page`` is the folder of the built page, by default the one inside this package."""
        limits = limits or ApiLimits()
        meter = Meter(portfolio_metrics, portfolio=settings.default_portfolio, exchanges=settings.exchanges)
        self._bus = BusWatch(lambda: (self._reader.state, self._reader.reason), clock, grace_seconds=SILENT_SECONDS)
        self._latest = Latest(
            default_portfolio=settings.default_portfolio,
            exchanges=settings.exchanges,
            demo=settings.demo,
            meter=meter,
            clock=clock,
            bus=self._bus.look,
        )
        self._reader = bus.follow_state(FOLLOWED, self._latest, name="api")
        self._streams = Streams(metrics, limits)
        self._refresher = Refresher(
            bus,
            self._latest,
            clock,
            random_part=random_part,
            wait_seconds=limits.refresh_seconds,
            bus_state=self._bus.look,
        )
        handlers = Handlers(
            self._latest, self._streams, self._refresher, clock, default_portfolio=settings.default_portfolio
        )
        self._page = StaticPage(page)
        app = build_app(Guard(settings, metrics, clock), handlers, self._page, registry, readiness)
        self._server = HttpServer(
            app,
            host=settings.host,
            port=settings.port,
            port_setting="API_PORT",
            connections_max=limits.connections_max,
            keepalive_seconds=limits.keepalive_seconds,
            stall_seconds=limits.stall_seconds,
        )
        self._look_seconds = limits.bus_look_seconds
        self._looking: asyncio.Task[None] | None = None
        self._stopped = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:4001``."""
        return self._server.url

    @property
    def latest(self) -> Latest:
        """What it serves."""
        return self._latest

    async def start(self) -> None:
        """Listen, and begin to follow; the bus need not answer. PortTakenError, ListenError."""
        await asyncio.to_thread(self._page.load)
        if not self._page.built:
            _log.warning("the page is not built, so /portfolio shows how that is done; all else works", mend=MEND)
        await self._server.start()
        await self._reader.start()
        self._looking = asyncio.create_task(self._look(), name="api bus watch")
        _log.info("the portfolio API is up", url=self.url, page=f"{self.url}/portfolio")

    async def stop(self) -> None:
        """End: streams first, since they would never by themselves; then requests, then the reader."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})
        self._streams.close()
        await self._refresher.stop()
        await self._server.stop()
        await self._reader.stop()
        self._stopped.set()

    async def wait(self) -> None:
        """Wait until it was stopped. It outlives a failed reader: what it shows ages in sight, and it is not ready."""
        await self._stopped.wait()

    def check(self) -> Check:
        """Ready when all that was on the bus at the start was read and the bus answers."""
        state = self._reader.state
        if state is ReaderState.LIVE:
            return Check(ready=True)
        why = _LOADING if state is ReaderState.LOADING else self._reader.reason
        return Check(ready=False, reason=f"{state}: {why}" if why else str(state))

    async def _look(self) -> None:
        """Tell all who watch when the bus goes away or comes back: no fact does, and since when is known from here."""
        before = self._bus.look()
        while True:
            await asyncio.sleep(self._look_seconds)
            now = self._bus.look()
            if now != before:
                self._latest.bus_changed()
            before = now
