"""The composition root of the embedded way: every part in one process, on the local bus."""

import random
import secrets
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from aggregator.subscriptions import AggregatorRole, AggregatorSettings
from api.server import ApiRole
from api.settings import ApiSettings
from bus.interface import Bus, BusError
from bus.local import LocalBus
from cli.exits import Exit, ExitError
from cli.run import Role, stop_in_order
from cli.settings.exchanges import ExchangeSettings
from cli.settings.load import Settings
from collectors.registry import EXCHANGES
from collectors.role import CollectorRole
from collectors.settings import AccountSettings, CollectorSettings
from monitoring.clock import Clock, SystemClock
from monitoring.health import Readiness
from monitoring.logs import get_logger
from monitoring.metrics import (
    AggregatorMetrics,
    ApiMetrics,
    BusMetrics,
    CollectorMetrics,
    PortfolioMetrics,
    ProcessMetrics,
)
from monitoring.pulse import Pulse
from monitoring.server import ListenError
from schemas.versions import EPOCH_RANDOM_MAX

STATE_FILE: Final = "portfolio.sqlite"

_log = get_logger()


class Embedded:
    """The whole system in one process: built at once, started and stopped in order."""

    def __init__(
        self,
        settings: Settings,
        *,
        demo: bool,
        clock: Clock | None = None,
        tune: Callable[[CollectorSettings], CollectorSettings] = lambda settings: settings,
    ) -> None:
        """``tune`` may change what people cannot set: pacing and timeouts, in tests."""
        clock = clock or SystemClock()
        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        process = ProcessMetrics(registry)
        process.info.labels(version=version("spark-portfolio"), role="embedded").set(1)
        self._pulse = Pulse(process, clock)
        self.bus: Bus = LocalBus(None if demo else state_file(settings), BusMetrics(registry), clock)
        self.readiness = Readiness()
        self.api = ApiRole(
            self.bus,
            settings=_api_settings(settings, demo=demo),
            metrics=ApiMetrics(registry),
            portfolio_metrics=PortfolioMetrics(registry),
            registry=registry,
            readiness=self.readiness,
            clock=clock,
            random_part=secrets.randbelow(EPOCH_RANDOM_MAX),
        )
        self.aggregator = AggregatorRole(
            self.bus,
            settings=AggregatorSettings(pegs=settings.core.usd_pegs),
            metrics=AggregatorMetrics(registry),
            clock=clock,
            random_part=secrets.randbelow(EPOCH_RANDOM_MAX),
        )
        collector_metrics = CollectorMetrics(registry)
        self.collectors = [
            CollectorRole(
                EXCHANGES[exchange.spec.name],
                bus=self.bus,
                settings=tune(_collector_settings(exchange)),
                metrics=collector_metrics,
                clock=clock,
                random=random.Random(),  # noqa: S311 - jitter, not secrecy
            )
            for exchange in settings.exchanges.values()
        ]
        self.readiness.add("aggregator", self.aggregator.check)
        self.readiness.add("api", self.api.check)
        for collector in self.collectors:
            self.readiness.add(f"collector {collector.name}", collector.check)

    @property
    def roles(self) -> list[Role]:
        """The parts that may end by themselves."""
        return [self.api, self.aggregator, *self.collectors]

    async def start(self) -> None:
        """Start all; ExitError with a sentence where that cannot be (a port or a state file that is taken)."""
        try:
            await self.bus.start()
        except BusError as error:
            raise ExitError(Exit.ERROR, str(error)) from error
        try:
            await self.api.start()
        except ListenError as error:
            raise ExitError(Exit.WRONG_USE, str(error)) from error
        self._pulse.start()
        await self.aggregator.start()
        for collector in self.collectors:
            await collector.start()

    async def stop(self) -> Exit:
        """Stop all, writers first, the bus last; UNSENT where it was left with facts."""
        steps: list[tuple[str, Callable[[], Awaitable[object]]]]
        steps = [(f"collector {collector.name}", collector.stop) for collector in self.collectors]
        steps += [("aggregator", self.aggregator.stop), ("api", self.api.stop)]
        results = await stop_in_order([*steps, ("bus", self.bus.stop), ("pulse", self._pulse.stop)])
        if unsent := sum(result for result in results if isinstance(result, int)):
            _log.error("ended with facts that were not acknowledged", unsent=unsent)
            return Exit.UNSENT
        return Exit.CLEAN


def _api_settings(settings: Settings, *, demo: bool) -> ApiSettings:
    core = settings.core
    return ApiSettings(
        host=core.api_host,
        port=core.api_port,
        allowed_hosts=core.allowed_hosts,
        admin_token=core.admin_token,
        read_token=core.read_token,
        demo=demo,
        exchanges=tuple(settings.exchanges),
    )


def _collector_settings(exchange: ExchangeSettings) -> CollectorSettings:
    return CollectorSettings(
        exchange=exchange.spec.name,
        rest_url=exchange.urls["REST_URL"],
        poll_seconds=dict(exchange.poll_seconds),
        accounts=tuple(
            AccountSettings(
                portfolio=account.portfolio,
                label=account.label,
                credentials=dict(account.credentials),
                allowed_flags=account.allowed_flags,
            )
            for account in exchange.accounts
        ),
    )


def state_file(settings: Settings) -> Path:
    """Where the embedded way keeps what it knows."""
    return settings.core.state_dir / STATE_FILE


def is_terminal() -> bool:
    """Whether a person watches."""
    return sys.stdout.isatty() and sys.stderr.isatty()
