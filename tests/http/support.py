"""A real api on loopback for the tests: its own bus, registry and clock; and raw sockets for what no client sends."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from api.server import ApiRole
from api.settings import ApiLimits, ApiSettings
from bus.local import LocalBus
from monitoring.health import Readiness
from monitoring.metrics import ApiMetrics, BusMetrics, PortfolioMetrics
from schemas.encoding import encode, tombstone
from schemas.events import Event
from tests.unit.api.states import NOW

ADMIN_TOKEN = "admin-" + "a" * 40
READ_TOKEN = "read-" + "r" * 40

PAGE = Path(__file__).with_name("page")
"""A page as the build leaves one, but small and always there."""

ASSET = "/assets/app-1a2B3c_D.js"
"""One of its files."""


class MovedClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self._now = NOW
        self._monotonic = 1000.0

    def now(self) -> dt.datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def move(self, seconds: float) -> None:
        self._now += dt.timedelta(seconds=seconds)
        self._monotonic += seconds


@dataclass
class Api:
    """A running api, and what a test does to it."""

    role: ApiRole
    bus: LocalBus
    registry: CollectorRegistry
    clock: MovedClock
    client: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.role.url

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    async def publish(self, *events: Event) -> None:
        await self.bus.publish([encode(event) for event in events])
        await until(lambda: all(self._has(event) for event in events))

    async def retire(self, event: Event) -> None:
        await self.bus.publish([tombstone(event.topic, event.key)])

    def _has(self, event: Event) -> bool:
        if event.topic.name == "spark.collectors":
            known = self.role.latest.statuses.get(event.key)
            return known is not None and known.version >= event.version
        view = self.role.latest.view(event.key)
        return view is not None and view.state is not None and view.state.version >= event.version

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    async def raw(self, text: str | bytes) -> tuple[int, str]:
        """Send bytes as they are; the status and the whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(text if isinstance(text, bytes) else text.encode("latin-1"))
            async with asyncio.timeout(5):
                answer = await reader.read(65536)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        return int(answer.split(b" ", 2)[1]), answer.decode("latin-1")


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until a condition holds; TimeoutError where it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the parts under test have no event for every fact of theirs
            await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def running_api(
    *, limits: ApiLimits | None = None, clock: MovedClock | None = None, page: Path | None = PAGE, **settings: object
) -> AsyncIterator[Api]:
    clock = clock or MovedClock()
    registry = CollectorRegistry()
    bus = LocalBus(state_file=None, metrics=BusMetrics(registry), clock=clock)
    await bus.start()
    readiness = Readiness()
    role = ApiRole(
        bus,
        settings=ApiSettings(**{"port": 0, "exchanges": ("binance", "btcturk"), **settings}),  # type: ignore[arg-type]
        metrics=ApiMetrics(registry),
        portfolio_metrics=PortfolioMetrics(registry),
        registry=registry,
        readiness=readiness,
        clock=clock,
        random_part=1,
        limits=limits,
        page=page,
    )
    readiness.add("api", role.check)
    await role.start()
    await until(lambda: role.check().ready)
    async with aiohttp.ClientSession(role.url) as client:
        api = Api(role, bus, registry, clock, client)
        try:
            yield api
        finally:
            await client.close()
            await role.stop()
            await bus.stop()
