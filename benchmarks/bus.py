"""The bus on a real Apache Kafka against loops written by hand: the aggregator, a replay, publishing.

Both sides of a row read or write the same records on the same broker, by turns.
"""

import asyncio
import datetime as dt
import gc
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from aggregator.subscriptions import INPUTS, AggregatorRole, AggregatorSettings
from benchmarks.expert import Plain, Totals, follow
from benchmarks.kafka import broker, fill, make_topics, ready_bus, records_of
from benchmarks.records import PORTFOLIOS, REPLAYED_TOPICS, World, replayed
from benchmarks.table import ROUNDS, Row, at_least, at_most, not_run
from bus.interface import PUBLISH_DEADLINE_SECONDS
from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings, producer_options
from bus.partitions import partition_of
from localkafka import KafkaUnavailableError
from monitoring.clock import SystemClock
from monitoring.metrics import AggregatorMetrics
from schemas import topics
from schemas.amounts import parse_amount
from schemas.encoding import Decoded, Encoded
from schemas.topics import Topic
from schemas.versions import VersionGate

AGGREGATED: Final = 40_000
REPLAYED: Final = 1_000_000
PUBLISHED: Final = 20_000
BATCH: Final = 50
CONCURRENT: Final = 32
"""Batches under way at a time. With few, both processor and broker wait for each other; the bare side has no bound."""

WAIT_SECONDS: Final = 120.0

AGGREGATOR_ROW: Final = "aggregator behind FastStream / expert's loop, events"
REPLAY_ROW: Final = "replay of a million records / expert's loop, time"
PUBLISH_ROW: Final = "publish helper / bare pipelined send, records"


class Deaf(KafkaBus):
    """A bus that takes states and sends them nowhere: what is measured is reading, folding, valuing and encoding."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.states: dict[str, bytes] = {}
        self.complete = asyncio.Event()

    async def publish(self, facts: Sequence[Encoded], *, deadline_seconds: float = PUBLISH_DEADLINE_SECONDS) -> None:
        """Keep the states, until there is one of every portfolio."""
        assert deadline_seconds
        self.states.update(
            (fact.key, fact.value) for fact in facts if fact.topic is topics.PORTFOLIO and fact.value is not None
        )
        if len(self.states) >= PORTFOLIOS:
            self.complete.set()


class Counting:
    """A follower that does the least a follower can: it keeps versions."""

    def __init__(self, expected: int) -> None:
        self.gates = {topic.name: VersionGate() for topic in REPLAYED_TOPICS}
        self.seen = 0
        self.expected = expected
        self.complete = asyncio.Event()

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take facts in."""
        gates = self.gates
        for fact in facts:
            if fact.event is not None:
                gates[fact.topic.name].admits(fact.key, fact.event.version)
        self.seen += len(facts)
        if self.seen >= self.expected:
            self.complete.set()

    def caught_up(self) -> None:
        """Nothing waits for it."""

    def topic_reset(self, topic: Topic) -> None:
        """It does not happen here."""
        raise AssertionError(topic)


async def _by_turns(
    one: Callable[[int], Awaitable[float]], other: Callable[[int], Awaitable[float]]
) -> list[tuple[float, float]]:
    """Seven rounds of both, the first one going first in every second of them."""
    pairs = []
    for number in range(ROUNDS):
        seconds = {}
        for side in (one, other) if number % 2 else (other, one):
            gc.collect()
            seconds[side] = await side(number)
        pairs.append((seconds[one], seconds[other]))
    return pairs


async def aggregator_rows(bootstrap: str) -> list[Row]:
    """A log of prices, balances and statuses, from its first record to the valued and encoded state of everybody."""
    settings = KafkaSettings(bootstrap, topic_prefix="aggregated.")
    await make_topics(settings)
    world = World(dt.datetime.now(dt.UTC) - dt.timedelta(seconds=AGGREGATED // 1000 + 1))
    count = await fill(settings, records_of((*world.beginning(), *world.stream(AGGREGATED))))
    results: dict[str, Any] = {}

    async def ours(_: int) -> float:
        bus = await ready_bus(settings, Deaf)
        assert isinstance(bus, Deaf)
        role = AggregatorRole(
            bus,
            settings=AggregatorSettings(),
            metrics=AggregatorMetrics(CollectorRegistry()),
            clock=SystemClock(),
            random_part=0,
        )
        began = time.perf_counter()
        await role.start()
        async with asyncio.timeout(WAIT_SECONDS):
            await bus.complete.wait()
        seconds = time.perf_counter() - began
        await role.stop()
        await bus.stop()
        results["ours"] = {key: orjson.loads(value)["totals"]["total_usd"] for key, value in bus.states.items()}
        return seconds

    async def expert(_: int) -> float:
        totals = Totals()
        began = time.perf_counter()
        read = await follow(settings, INPUTS, totals.take)
        results["expert"] = totals.value()
        seconds = time.perf_counter() - began
        assert read == count
        return seconds

    pairs = await _by_turns(ours, expert)
    assert {key: parse_amount(text) for key, text in results["ours"].items()} == results["expert"]
    return [
        at_least(AGGREGATOR_ROW, statistics.median(theirs / ours for ours, theirs in pairs), 0.70),
        Row("  aggregator", count / statistics.median(ours for ours, _ in pairs), "events/s"),
        Row("  expert", count / statistics.median(theirs for _, theirs in pairs), "events/s"),
    ]


async def replay_rows(bootstrap: str) -> list[Row]:
    """A million records in seven logs, one for each round, from the first record to the last."""
    now = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=REPLAYED // 1000)
    part = REPLAYED // ROUNDS
    logs = [KafkaSettings(bootstrap, topic_prefix=f"replayed{number}.") for number in range(ROUNDS)]
    for settings in logs:
        await make_topics(settings)
        await fill(settings, replayed(part, now))
    followed: dict[int, Counting] = {}
    known: dict[int, Plain] = {}

    async def ours(number: int) -> float:
        bus = await ready_bus(logs[number])
        follower = Counting(part)
        reader = bus.follow_state(REPLAYED_TOPICS, follower, name="replay")
        began = time.perf_counter()
        await reader.start()
        async with asyncio.timeout(WAIT_SECONDS):
            await follower.complete.wait()
        seconds = time.perf_counter() - began
        await bus.stop()
        followed[number] = follower
        return seconds

    async def expert(number: int) -> float:
        plain = Plain()
        began = time.perf_counter()
        read = await follow(logs[number], REPLAYED_TOPICS, plain.take)
        seconds = time.perf_counter() - began
        assert read == part
        known[number] = plain
        return seconds

    pairs = await _by_turns(ours, expert)
    for number, plain in known.items():
        for topic, keys in plain.versions.items():
            gate = followed[number].gates[topic]
            assert len(gate) == len(keys)
            assert all(gate.version(key.decode()) == version for key, version in keys.items())
    return [
        at_most(REPLAY_ROW, statistics.median(ours / theirs for ours, theirs in pairs), 1.5, "ratio"),
        Row("  ours, a million", sum(ours for ours, _ in pairs), "s"),
        Row("  expert, a million", sum(theirs for _, theirs in pairs), "s"),
    ]


async def publish_rows(bootstrap: str) -> list[Row]:
    """The same records, acknowledged: batches of fifty, thirty-two of them under way; and one send after the other."""
    settings = KafkaSettings(bootstrap, topic_prefix="published.")
    await make_topics(settings)
    facts = list(World(dt.datetime.now(dt.UTC)).stream(PUBLISHED))
    bus = await ready_bus(settings)
    producer = AIOKafkaProducer(**producer_options(settings, "bench-expert"))
    await producer.start()
    await bus.publish(facts[:BATCH])

    async def ours(_: int) -> float:
        starts = iter(range(0, len(facts), BATCH))

        async def batches() -> None:
            for start in starts:
                await bus.publish(facts[start : start + BATCH])

        began = time.perf_counter()
        await asyncio.gather(*(batches() for _ in range(CONCURRENT)))
        return time.perf_counter() - began

    async def bare(_: int) -> float:
        began = time.perf_counter()
        sent = [
            await producer.send(
                settings.topic(fact.topic.name),
                fact.value,
                key=fact.key.encode(),
                partition=partition_of(fact.topic, fact.key),
            )
            for fact in facts
        ]
        await asyncio.gather(*sent)
        return time.perf_counter() - began

    try:
        pairs = await _by_turns(ours, bare)
    finally:
        await producer.stop()
        await bus.stop()
    return [
        at_least(PUBLISH_ROW, statistics.median(theirs / ours for ours, theirs in pairs), 0.8),
        Row("  publish helper", PUBLISHED / statistics.median(ours for ours, _ in pairs), "records/s"),
        Row("  bare send", PUBLISHED / statistics.median(theirs for _, theirs in pairs), "records/s"),
    ]


def rows() -> list[Row]:
    """The rows of the table."""
    try:
        with broker() as bootstrap:
            return [
                row
                for measure in (aggregator_rows, replay_rows, publish_rows)
                for row in asyncio.run(measure(bootstrap))
            ]
    except KafkaUnavailableError as error:
        goals = {AGGREGATOR_ROW: ">= 0.7", REPLAY_ROW: "<= 1.5", PUBLISH_ROW: ">= 0.8"}
        return not_run(goals, f"for want of a Kafka: {error}")
