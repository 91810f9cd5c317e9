"""The composition root of one role in a process of its own, on Apache Kafka.

It starts in any order with the others, without a broker too: health and metrics answer from the first moment, and it
is ready when the bus is and the role has read what it needs.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from bus.interface import Bus, BusError
from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings
from cli.exits import Exit, ExitError
from cli.garbage import spare_what_stays
from cli.logs import log_as
from cli.parent import watch_parent
from cli.parts import make_aggregator, make_api, make_collector, new_registry
from cli.run import Role, Step, install_signals, stop_in_order, unsent_of, until_end
from cli.settings.load import Settings, load_settings
from collectors.spec import ExchangeSpec
from monitoring.clock import Clock, SystemClock
from monitoring.guards import BearerToken
from monitoring.health import Check, Readiness
from monitoring.logs import get_logger
from monitoring.metrics import BusMetrics, CollectorMetrics, ProcessMetrics
from monitoring.pulse import Pulse
from monitoring.server import ListenError, MonitoringServer, PortTakenError

AGGREGATOR_PORT: Final = 4002

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Order:
    """Which role is to run: ``collector`` (of an exchange), ``aggregator`` or ``api``."""

    role: str
    spec: ExchangeSpec | None = None
    demo: bool = False
    """The api says in every answer that the exchanges are simulated ones."""

    @property
    def name(self) -> str:
        """As in logs and metrics: ``collector NAME`` of an exchange."""
        return self.role if self.spec is None else f"{self.role} {self.spec.name}"

    @property
    def words(self) -> list[str]:
        """As words of the command line."""
        return [*self.name.split(), *(["--demo"] if self.demo else [])]

    @property
    def specs(self) -> list[ExchangeSpec]:
        """The exchanges whose settings are read. Nobody else's keys are even looked at."""
        return [] if self.spec is None else [self.spec]

    @property
    def metrics_port(self) -> int | None:
        """Where it shows health and metrics unless told otherwise; None for the api, which has a port of its own."""
        if self.spec is not None:
            return self.spec.metrics_port
        return AGGREGATOR_PORT if self.role == "aggregator" else None


class Apart:
    """One role with its bus and its way to be looked at; built at once, started and stopped in order."""

    def __init__(
        self, order: Order, settings: Settings, kafka: KafkaSettings, exchanges: Sequence[str], clock: Clock
    ) -> None:
        registry, process = new_registry(order.name)
        self._readiness = Readiness()
        metrics = BusMetrics(registry)
        metrics.info.labels(servers=kafka.bootstrap_servers, prefix=kafka.topic_prefix).set(1)
        self._bus: Bus = KafkaBus(kafka, metrics, clock, client_id=f"spark-{order.name.replace(' ', '-')}")
        self._readiness.add("bus", self._bus.check)
        self._server: MonitoringServer | None = None
        self._pulse: Pulse | None = None
        self._role: Role
        check: Callable[[], Check]
        if order.spec is not None:
            exchange = settings.exchanges[order.spec.name]
            collector = make_collector(self._bus, exchange, metrics=CollectorMetrics(registry), clock=clock)
            self._role, check = collector, collector.check
        elif order.role == "aggregator":
            aggregator = make_aggregator(self._bus, settings.core, registry=registry, clock=clock)
            self._role, check = aggregator, aggregator.check
        else:
            api = make_api(
                self._bus,
                settings.core,
                exchanges=exchanges,
                demo=order.demo,
                registry=registry,
                readiness=self._readiness,
                clock=clock,
            )
            self._role, check = api, api.check
            self._pulse = Pulse(process, clock)
        self._readiness.add(order.name, check)
        if order.metrics_port is not None:
            self._server = self._monitoring(order.metrics_port, settings, registry, process, clock)

    def _monitoring(
        self, port: int, settings: Settings, registry: CollectorRegistry, process: ProcessMetrics, clock: Clock
    ) -> MonitoringServer:
        core = settings.core
        token = core.read_token
        return MonitoringServer(
            host=core.metrics_host,
            port=core.metrics_port or port,
            registry=registry,
            readiness=self._readiness,
            metrics=process,
            clock=clock,
            allowed_hosts=core.allowed_hosts,
            read_token=None if token is None else BearerToken(token.get_secret_value(), setting="READ_TOKEN"),
        )

    @property
    def parts(self) -> list[Bus | Role]:
        """What may end by itself."""
        return [self._bus, self._role]

    async def start(self) -> None:
        """Start all; ExitError with a sentence where that cannot be (a port that is taken)."""
        try:
            if self._server is not None:
                await self._server.start()
                _log.info("health and metrics are here", url=self._server.url)
            await self._bus.start()
            await self._role.start()
        except PortTakenError as error:
            raise ExitError(Exit.WRONG_USE, f"{error}{'' if self._server is None else _SHARED}") from error
        except ListenError as error:
            raise ExitError(Exit.WRONG_USE, str(error)) from error
        except BusError as error:
            raise ExitError(Exit.ERROR, str(error)) from error
        if self._pulse is not None:
            self._pulse.start()

    async def stop(self) -> Exit:
        """Stop the role, then the bus, then what is looked at; UNSENT where it was left with facts."""
        steps: list[Step] = [("role", self._role.stop), ("bus", self._bus.stop)]
        if self._server is not None:
            steps.append(("health and metrics", self._server.stop))
        if self._pulse is not None:
            steps.append(("pulse", self._pulse.stop))
        return unsent_of(await stop_in_order(steps))


_SHARED: Final = (
    " Where several roles run on one machine, one METRICS_PORT in their common .env cannot serve them all: leave it "
    "empty there (each role has a port of its own), or set it in the environment of each process."
)


async def run_apart(
    order: Order, *, all_specs: Sequence[ExchangeSpec], env_file: Path, environment: Mapping[str, str], child: bool
) -> Exit:
    """Run one role until a signal, or until it must end by itself. ``child``: also until the parent is gone."""
    stop = asyncio.Event()
    install_signals(stop)
    if child:
        watch_parent(stop)
    loaded = load_settings(order.specs, env_file, environment)
    settings = loaded.settings
    if settings is None:
        raise ExitError(Exit.WRONG_USE, loaded.problems())
    if settings.kafka is None:
        raise ExitError(
            Exit.WRONG_USE,
            f"{order.name} alone needs Apache Kafka to reach the others: set KAFKA_BOOTSTRAP_SERVERS. "
            "Without Kafka, spark-portfolio up runs all of them in one process.",
        )
    log_as(order.name, settings)
    for finding in () if child else loaded.findings:  # The parent has told them, once for all its processes.
        _log.warning(finding.message, mend=finding.mend)
    apart = Apart(order, settings, settings.kafka, [spec.name for spec in all_specs], SystemClock())
    code = Exit.CLEAN
    try:
        await apart.start()
        spare_what_stays()
        _log.info("running", kafka=settings.kafka.bootstrap_servers)
        code = await until_end(apart.parts, stop)
    finally:
        stopped = await apart.stop()
    _log.info("ended", exit_code=int(code or stopped))
    return code or stopped
