"""The api as a role: it follows the bus, listens, and stops in order."""

import asyncio

from prometheus_client import CollectorRegistry

from api.app import build_app
from api.guards import Guard
from api.handlers import Handlers
from api.latest import FOLLOWED, Latest
from api.meter import Meter
from api.refresh import Refresher
from api.settings import ApiLimits, ApiSettings
from api.stream import Streams
from bus.interface import Bus, ReaderState
from monitoring.clock import Clock
from monitoring.health import Check, Readiness
from monitoring.logs import get_logger
from monitoring.metrics import ApiMetrics, PortfolioMetrics
from monitoring.server import HttpServer

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
    ) -> None:
        limits = limits or ApiLimits()
        meter = Meter(portfolio_metrics, portfolio=settings.default_portfolio, exchanges=settings.exchanges)
        self._latest = Latest(
            default_portfolio=settings.default_portfolio,
            exchanges=settings.exchanges,
            demo=settings.demo,
            meter=meter,
            clock=clock,
        )
        self._reader = bus.follow_state(FOLLOWED, self._latest, name="api")
        self._streams = Streams(metrics, limits)
        self._refresher = Refresher(
            bus, self._latest, clock, random_part=random_part, wait_seconds=limits.refresh_seconds
        )
        handlers = Handlers(
            self._latest, self._streams, self._refresher, clock, default_portfolio=settings.default_portfolio
        )
        app = build_app(Guard(settings, metrics, clock), handlers, registry, readiness)
        self._server = HttpServer(
            app,
            host=settings.host,
            port=settings.port,
            port_setting="API_PORT",
            connections_max=limits.connections_max,
            keepalive_seconds=limits.keepalive_seconds,
            stall_seconds=limits.stall_seconds,
        )
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
        await self._server.start()
        await self._reader.start()
        _log.info("the portfolio API is up", url=self.url, page=f"{self.url}/portfolio")

    async def stop(self) -> None:
        """End: streams first, since they would never by themselves; then requests, then the reader."""
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
        return Check(ready=False, reason=self._reader.reason or str(state))
