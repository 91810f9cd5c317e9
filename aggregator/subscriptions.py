"""The aggregator's edge on the bus: takes records in, publishes what is due, and says how it goes.

Balances, prices and statuses are followed as state from the beginning; so are the topics written here, to find the
epoch, to retire what a former run left, and to notice another writer. Every record is whole and versioned, so it may
come again, late or twice. One task (the readers') takes in and only marks; one values and publishes.
"""

import asyncio
import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.aggregator import DEFAULT_PEGS, Aggregator
from bus.interface import (
    PUBLISH_DEADLINE_SECONDS,
    STOP_DEADLINE_SECONDS,
    Bus,
    BusError,
    PublishError,
    ReaderState,
    ReplacedError,
)
from monitoring.clock import Clock
from monitoring.health import Check
from monitoring.logs import get_logger
from monitoring.metrics import AggregatorMetrics
from schemas import topics
from schemas.encoding import Decoded, Encoded
from schemas.topics import Topic
from schemas.versions import next_epoch

INPUTS: Final = (topics.BALANCES, topics.PRICES, topics.COLLECTORS)
OWN: Final = (topics.PORTFOLIO, topics.WANTED)

PAUSE_SECONDS_MAX: Final = 0.5
"""However far away the next moment is: a clock that jumped or a reader that failed is seen within this time."""

RETRY_SECONDS_MIN: Final = 0.2
RETRY_SECONDS_MAX: Final = 1.0
"""A bus that is back has everything within two seconds; to ask one that is away costs nearly nothing."""

_log = get_logger()


@dataclass(frozen=True, slots=True)
class AggregatorSettings:
    """What the settings say to the aggregator: the assets that count as one US dollar."""

    pegs: tuple[str, ...] = DEFAULT_PEGS


class AggregatorRole:
    """The aggregator as a part of a process. It leaves (:meth:`wait` raises) when it was replaced.

    A reader that failed ends nothing: who started it anew would run into the same records again. What it read grows
    old in sight, and :meth:`check` says why. Where it cannot read its own topics it is blind to other writers, and
    publishes nothing.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        settings: AggregatorSettings,
        metrics: AggregatorMetrics,
        clock: Clock,
        random_part: int,
    ) -> None:
        self._bus = bus
        self._metrics = metrics
        self._clock = clock
        self._random_part = random_part
        self._aggregator = Aggregator(settings.pegs)
        self._inputs = bus.follow_state(INPUTS, self, name="aggregator")
        self._own = bus.follow_state(OWN, self, name="aggregator-own", stamps=(topics.PORTFOLIO,))
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._live = False
        self._failures = 0
        self._refused: frozenset[str] = frozenset()
        self._repaired: dict[str, int] = {}

    async def start(self) -> None:
        """Begin to read; nothing is published before all that was there has been read."""
        await self._inputs.start()
        await self._own.start()
        self._task = asyncio.create_task(self._run(), name="aggregator")

    async def stop(self) -> None:
        """Let the batch on its way arrive, then end; bounded."""
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            if self._live:
                await asyncio.wait({self._task}, timeout=STOP_DEADLINE_SECONDS)
            self._task.cancel()
            await asyncio.wait({self._task})
        await self._inputs.stop()
        await self._own.stop()

    async def wait(self) -> None:
        """Until it ends. ReplacedError when another writer took over."""
        if self._task is None:
            raise RuntimeError("the aggregator is not started")
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()

    def check(self) -> Check:
        """Ready when all that was there has been read and states are acknowledged."""
        if self._task is None:
            return Check(ready=False, reason="unstarted")
        for state in (ReaderState.FAILED, ReaderState.DEGRADED):
            for reader in (self._inputs, self._own):
                if reader.state is state:
                    return Check(ready=False, reason=f"{state}: {reader.reason}")
        if self._task.done():
            return Check(ready=False, reason="failed: the aggregator has ended")
        if not self._live or any(reader.state is not ReaderState.LIVE for reader in (self._inputs, self._own)):
            return Check(ready=False, reason="loading: what is on the bus is being read")
        if self._failures:
            return Check(ready=False, reason="degraded: the bus does not acknowledge states")
        return Check(ready=True)

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take records in, as a follower of the bus."""
        now = self._clock.now()
        apply = self._aggregator.apply
        outcomes = Counter([(fact.topic.name, apply(fact, now)) for fact in facts])
        for (topic, outcome), count in outcomes.items():
            self._metrics.events.labels(topic=topic, outcome=outcome).inc(count)
        self._wake.set()

    def caught_up(self) -> None:
        """Waited for by :meth:`_run`."""

    def topic_reset(self, topic: Topic) -> None:
        """A topic was emptied: keep the values, publish ours again."""
        _log.warning("a topic was emptied; values are kept, own states are published again", topic=topic.name)
        self._metrics.topic_resets.labels(topic.name).inc()
        self._aggregator.topic_reset(topic)
        self._wake.set()

    async def _run(self) -> None:
        try:
            await self._inputs.live()
            await self._own.live()
        except BusError as error:
            _log.error("what is on the bus cannot be read, so nothing is published", why=str(error))
        else:
            await self._work()
        while not self._stopping:
            self._wake.clear()
            await self._wake.wait()

    async def _work(self) -> None:
        """Value and publish, until it is stopped or may not any more."""
        now = self._clock.now()
        epoch = next_epoch(self._aggregator.largest_epoch, now, self._random_part)
        self._aggregator.begin(epoch, now)
        self._live = True
        _log.info("the aggregator is live", epoch=epoch, portfolios=self._aggregator.portfolios)
        while not self._stopping:
            other = self._aggregator.replaced_by
            if other is not None:
                raise ReplacedError(f"another aggregator with the larger epoch {other} publishes these portfolios")
            if self._own.state is ReaderState.FAILED:
                _log.error("other writers cannot be seen any more, so nothing is published", why=self._own.reason)
                return
            self._wake.clear()
            facts = self._value()
            if facts:
                await self._publish(facts)
            await self._pause()

    def _value(self) -> list[Encoded]:
        began = self._clock.monotonic()
        facts = self._aggregator.due(self._clock.now())
        if facts:
            self._metrics.valuation_duration.observe(self._clock.monotonic() - began)
        self._metrics.portfolios.set(self._aggregator.portfolios)
        self._metrics.held_prices.set(self._aggregator.held_prices)
        self._tell_repairs()
        self._tell_refused()
        return facts

    def _tell_repairs(self) -> None:
        for topic, count in self._aggregator.repairs.items():
            more = count - self._repaired.get(topic, 0)
            if more:
                self._metrics.repairs.labels(topic).inc(more)
                self._repaired[topic] = count

    def _tell_refused(self) -> None:
        refused = self._aggregator.refused
        for portfolio in refused.keys() - self._refused:
            _log.error(
                "a portfolio is too large to be published; split its accounts over several portfolios",
                portfolio=portfolio,
                reason=refused[portfolio],
            )
        self._refused = frozenset(refused)

    async def _publish(self, facts: list[Encoded]) -> None:
        try:
            await self._bus.publish(facts, deadline_seconds=PUBLISH_DEADLINE_SECONDS)
        except PublishError as error:
            left = error.left(facts)
            if left:
                self._failed(left, error)
                return
            self._metrics.publish_failures.inc()  # The rest arrived, and the bus has named what it refuses.
        self._metrics.states.inc(sum(fact.topic is topics.PORTFOLIO for fact in facts))
        if self._failures:
            _log.info("states are acknowledged again", failed_batches=self._failures)
            self._failures = 0

    def _failed(self, facts: list[Encoded], error: PublishError) -> None:
        """Keep nothing of the batch but that it was not sent: the newest states go out at the next attempt."""
        self._metrics.publish_failures.inc()
        if not self._failures:
            _log.warning("states are not acknowledged; the newest are sent again until they are", reason=str(error))
        pause = min(RETRY_SECONDS_MAX, RETRY_SECONDS_MIN * 2 ** min(self._failures, 10))
        pause *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not secrecy
        self._failures += 1
        self._aggregator.unsent(facts, self._clock.now() + dt.timedelta(seconds=pause))

    async def _pause(self) -> None:
        """Sleep until something arrives or is due."""
        due = self._aggregator.next_due()
        seconds = PAUSE_SECONDS_MAX
        if due is not None:
            seconds = min(seconds, (due - self._clock.now()).total_seconds())
        if seconds <= 0 or self._wake.is_set():
            await asyncio.sleep(0)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            return
