"""`spark-portfolio forget`: an account that is gone for good leaves the portfolio by tombstones."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry

from bus.interface import Bus, BusError, NotAuthorisedError, Reader
from bus.kafka import KafkaBus
from bus.kafka_client import probe
from bus.kafka_settings import KafkaSettings
from bus.local import LocalBus
from cli.check_kafka import AWAY, sentence_of, what_of
from cli.embedded import state_file
from cli.exits import Exit, ExitError
from cli.run import exit_of
from cli.settings.load import Settings
from monitoring.clock import Clock, SystemClock
from monitoring.metrics import BusMetrics
from schemas import topics
from schemas.encoding import Decoded, Encoded, tombstone
from schemas.events import CollectorStatus
from schemas.topics import Topic, join_key, split_key

READ_SECONDS: Final = 30.0
"""For all balances and statuses that there are; a million records need some ten seconds."""

REACH_SECONDS: Final = 4.0
"""For the broker to answer at all; a connection that is swallowed is given up after two."""

QUIET_SECONDS: Final = 45.0
"""A collector says every 15 seconds how it is: one that was silent three times over has gone."""


class _Keys:
    """Collects the keys of one account."""

    def __init__(self, portfolio: str, exchange: str, label: str) -> None:
        self._account = (portfolio, exchange, label)
        self.reported_at: dt.datetime | None = None
        """When its collector last said how it is."""
        self.found: dict[tuple[str, str], Encoded] = {}

    def apply(self, facts: Sequence[Decoded]) -> None:
        for fact in facts:
            if split_key(fact.key)[:3] == self._account:
                if isinstance(fact.event, CollectorStatus):
                    self.reported_at = fact.event.observed_at
                if fact.event is None:
                    self.found.pop((fact.topic.name, fact.key), None)
                else:
                    self.found[fact.topic.name, fact.key] = tombstone(fact.topic, fact.key)

    def caught_up(self) -> None:
        """Wait for it through the reader instead."""

    def topic_reset(self, topic: Topic) -> None:
        """Nothing to forget twice."""


async def run_forget(settings: Settings, account: str, portfolio: str) -> Exit:
    """Publish the tombstones of one account; what is still configured is refused, it would come back."""
    exchange, slash, label = account.partition("/")
    if not slash or not exchange or not label:
        raise ExitError(Exit.WRONG_USE, f"{account!r} names no account: write EXCHANGE/LABEL, such as EXCHANGE/main")
    configured = settings.exchanges.get(exchange)
    if configured and any((one.label, one.portfolio) == (label, portfolio) for one in configured.accounts):
        raise ExitError(
            Exit.WRONG_USE,
            f"{account} is still configured and would come back: first remove its key from the settings",
        )
    if settings.kafka is not None:
        await _reach(settings.kafka)
    clock = SystemClock()
    bus = _bus(settings, clock)
    keys = _Keys(portfolio, exchange, label)
    reader = bus.follow_state([topics.BALANCES, topics.COLLECTORS], keys, name="forget")
    try:
        await bus.start()
        await reader.start()
        await _read(bus, reader)
        if not keys.found:
            raise ExitError(Exit.WRONG_USE, f"portfolio {portfolio!r} has no account {account}: nothing to forget")
        if settings.kafka is not None:  # The local state is free for us only when no collector runs.
            _refuse_reported(account, keys.reported_at, clock.now())
        # The last state of the portfolio still shows the account, and it is there before the next one is made.
        retired = list(keys.found.values())  # The reader sees our own tombstones, and empties what it found.
        await bus.publish([*retired, tombstone(topics.PORTFOLIO, join_key(portfolio))])
    except BusError as error:
        raise ExitError(exit_of(error), what_of(error)) from error
    finally:
        await reader.stop()
        await bus.stop()
    print(f"{account} is forgotten: {len(retired)} records taken away")
    return Exit.CLEAN


async def _reach(kafka: KafkaSettings) -> None:
    """Whether the broker answers: a command that is over in a moment does not wait for it, as processes do."""
    try:
        async with asyncio.timeout(REACH_SECONDS):
            await probe(kafka, "spark-forget")
    except BusError as error:
        raise ExitError(exit_of(error), sentence_of(_away(error))) from error
    except OSError as error:  # Also that the time is over, and errors of TLS.
        reason = "it does not answer" if isinstance(error, TimeoutError) else str(error)
        raise ExitError(Exit.ERROR, sentence_of(BusError(f"{AWAY}{reason}"))) from error


def _away(error: BusError) -> BusError:
    return error if isinstance(error, NotAuthorisedError) else BusError(f"{AWAY}{error}")


def _refuse_reported(account: str, reported_at: dt.datetime | None, now: dt.datetime) -> None:
    """A collector that still reads it would publish all of it again."""
    if reported_at is None or (age := max(0.0, (now - reported_at).total_seconds())) >= QUIET_SECONDS:
        return
    raise ExitError(
        Exit.WRONG_USE,
        f"{account}: its collector reported {age:.0f} s ago: stop it or take its key away first, or the account would "
        f"come back; then try again when it has been silent for {QUIET_SECONDS:.0f} s",
    )


def _bus(settings: Settings, clock: Clock) -> Bus:
    """Where the records are: on Kafka, also while the processes run (the aggregator then makes a new state at once)."""
    metrics = BusMetrics(CollectorRegistry())
    if settings.kafka is not None:
        return KafkaBus(settings.kafka, metrics, clock, client_id="spark-forget")
    if not state_file(settings).exists():
        raise ExitError(Exit.WRONG_USE, f"there is no state in {settings.core.state_dir}: nothing to forget")
    return LocalBus(state_file(settings), metrics, clock)


async def _read(bus: Bus, reader: Reader) -> None:
    """Wait until all that is there was read; BusError where it cannot be, or not in time."""
    live, ended = asyncio.create_task(reader.live()), asyncio.create_task(bus.wait())
    try:
        done, _ = await asyncio.wait({live, ended}, timeout=READ_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in sorted(done, key=lambda task: task is live):  # The bus knows better why.
            task.result()
        if not done:
            raise BusError(f"the records were not read within {READ_SECONDS:.0f} s: {bus.check().reason}")
    finally:
        for task in (live, ended):
            task.cancel()
        await asyncio.gather(live, ended, return_exceptions=True)
