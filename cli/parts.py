"""The parts of the product, made from settings: the same for one process of all roles and for one of each."""

import random
import secrets
from collections.abc import Callable, Iterable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector

from aggregator.subscriptions import AggregatorRole, AggregatorSettings
from api.server import ApiRole
from api.settings import ApiSettings
from bus.interface import Bus
from cli.settings.core import CoreSettings
from cli.settings.exchanges import ExchangeSettings
from collectors.registry import EXCHANGES
from collectors.role import CollectorRole
from collectors.settings import AccountSettings, CollectorSettings
from monitoring.clock import Clock
from monitoring.health import Readiness
from monitoring.metrics import AggregatorMetrics, ApiMetrics, CollectorMetrics, PortfolioMetrics, ProcessMetrics
from schemas.versions import EPOCH_RANDOM_MAX

Tune = Callable[[CollectorSettings], CollectorSettings]
"""Changes what people cannot set, pacing and timeouts: for tests."""


def new_registry(role: str) -> tuple[CollectorRegistry, ProcessMetrics]:
    """The metrics of one process, with what it is."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    process = ProcessMetrics(registry)
    process.info.labels(version=version("spark-portfolio"), role=role).set(1)
    return registry, process


def make_api(
    bus: Bus,
    core: CoreSettings,
    *,
    exchanges: Iterable[str],
    demo: bool,
    registry: CollectorRegistry,
    readiness: Readiness,
    clock: Clock,
) -> ApiRole:
    """The api. ``exchanges`` are all there are, with keys or not: one that never reports shows as unconfigured."""
    return ApiRole(
        bus,
        settings=ApiSettings(
            host=core.api_host,
            port=core.api_port,
            allowed_hosts=core.allowed_hosts,
            admin_token=core.admin_token,
            read_token=core.read_token,
            demo=demo,
            exchanges=tuple(exchanges),
        ),
        metrics=ApiMetrics(registry),
        portfolio_metrics=PortfolioMetrics(registry),
        registry=registry,
        readiness=readiness,
        clock=clock,
        random_part=secrets.randbelow(EPOCH_RANDOM_MAX),
    )


def make_aggregator(bus: Bus, core: CoreSettings, *, registry: CollectorRegistry, clock: Clock) -> AggregatorRole:
    """The aggregator. It needs no key of anybody."""
    return AggregatorRole(
        bus,
        settings=AggregatorSettings(pegs=core.usd_pegs),
        metrics=AggregatorMetrics(registry),
        clock=clock,
        random_part=secrets.randbelow(EPOCH_RANDOM_MAX),
    )


def make_collector(
    bus: Bus,
    exchange: ExchangeSettings,
    *,
    metrics: CollectorMetrics,
    clock: Clock,
    tune: Tune = lambda settings: settings,
) -> CollectorRole:
    """The collector of one exchange; without an account of it, a source of prices."""
    accounts = tuple(
        AccountSettings(
            portfolio=account.portfolio,
            label=account.label,
            credentials=dict(account.credentials),
            allowed_flags=account.allowed_flags,
        )
        for account in exchange.accounts
    )
    settings = CollectorSettings(
        exchange=exchange.spec.name,
        rest_url=exchange.urls["REST_URL"],
        poll_seconds=dict(exchange.poll_seconds),
        accounts=accounts,
    )
    return CollectorRole(
        EXCHANGES[exchange.spec.name],
        bus=bus,
        settings=tune(settings),
        metrics=metrics,
        clock=clock,
        random=random.Random(),  # noqa: S311 - jitter, not secrecy
    )
