"""The composition root of the embedded way: every part in one process, on the local bus."""

from pathlib import Path
from typing import Final

from bus.interface import Bus, BusError
from bus.local import LocalBus
from cli.exits import Exit, ExitError
from cli.parts import Tune, make_aggregator, make_api, make_collector, new_registry
from cli.run import Step, Waits, stop_in_order, unsent_of
from cli.settings.load import Settings
from monitoring.clock import Clock, SystemClock
from monitoring.health import Readiness
from monitoring.metrics import BusMetrics, CollectorMetrics
from monitoring.pulse import Pulse
from monitoring.server import ListenError

STATE_FILE: Final = "portfolio.sqlite"


class Embedded:
    """The whole system in one process: built at once, started and stopped in order."""

    def __init__(
        self,
        settings: Settings,
        *,
        demo: bool,
        clock: Clock | None = None,
        tune: Tune = lambda settings: settings,
    ) -> None:
        """``tune`` may change what people cannot set: pacing and timeouts, in tests."""
        clock = clock or SystemClock()
        registry, process = new_registry("embedded")
        self._pulse = Pulse(process, clock)
        self.bus: Bus = LocalBus(None if demo else state_file(settings), BusMetrics(registry), clock)
        self.readiness = Readiness()
        self.api = make_api(
            self.bus,
            settings.core,
            exchanges=settings.exchanges,
            demo=demo,
            registry=registry,
            readiness=self.readiness,
            clock=clock,
        )
        self.aggregator = make_aggregator(self.bus, settings.core, registry=registry, clock=clock)
        metrics = CollectorMetrics(registry)
        self.collectors = [
            make_collector(self.bus, exchange, metrics=metrics, clock=clock, tune=tune)
            for exchange in settings.exchanges.values()
        ]
        self.readiness.add("bus", self.bus.check)
        self.readiness.add("aggregator", self.aggregator.check)
        self.readiness.add("api", self.api.check)
        for collector in self.collectors:
            self.readiness.add(f"collector {collector.name}", collector.check)

    @property
    def url(self) -> str:
        """Where the page and the API are."""
        return self.api.url

    @property
    def roles(self) -> list[Waits]:
        """The parts that may end by themselves."""
        return [self.bus, self.api, self.aggregator, *self.collectors]

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
        steps: list[Step] = [(f"collector {collector.name}", collector.stop) for collector in self.collectors]
        steps += [("aggregator", self.aggregator.stop), ("api", self.api.stop)]
        return unsent_of(await stop_in_order([*steps, ("bus", self.bus.stop), ("pulse", self._pulse.stop)]))


def state_file(settings: Settings) -> Path:
    """Where the embedded way keeps what it knows."""
    return settings.core.state_dir / STATE_FILE
