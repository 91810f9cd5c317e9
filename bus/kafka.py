"""The bus on Apache Kafka: the same promises as the local one, between processes and machines.

Who does what: ``kafka_watch`` sees whether the broker and the topics are there, ``kafka_producer`` publishes within
deadlines, ``kafka_reader`` follows, ``kafka_config`` has the topics' settings, ``kafka_settings`` every option of the
clients. Nothing of Kafka shows outside this package.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bus.deadletters import DeadLetters
from bus.interface import (
    PUBLISH_DEADLINE_SECONDS,
    BusClosedError,
    BusError,
    CommandFollower,
    PublishError,
    Reader,
    StateFollower,
)
from bus.kafka_producer import Producer
from bus.kafka_reader import KafkaReader
from bus.kafka_settings import KafkaSettings, consumer_options, producer_options
from bus.kafka_watch import Watch
from bus.reader import CommandIntake, ReaderStatus, StateIntake
from bus.refusal import refusal_of
from monitoring.clock import Clock
from monitoring.health import Check
from monitoring.metrics import BusMetrics
from schemas.encoding import Encoded
from schemas.topics import Topic

STOP_FLUSH_SECONDS: Final = 2.0
"""At the stop, batches on their way get so long to be acknowledged; the rest of the bound is for the connections."""


class KafkaBus:
    """See ``bus.interface.Bus``. It starts without a broker, waits for it, and survives its absence."""

    def __init__(self, settings: KafkaSettings, metrics: BusMetrics, clock: Clock, *, client_id: str) -> None:
        self._settings = settings
        self._metrics = metrics
        self._clock = clock
        self._client_id = client_id
        self._watch = Watch(settings, client_id, metrics, self._fail)
        self._producer = Producer(
            settings, self._producer_options, metrics, refused=self._fail, missing=self._watch.look
        )
        self._dead_letters = DeadLetters(self.publish, clock)
        self._readers: list[KafkaReader] = []
        self._started = self._stopping = False
        self._error: BusError | None = None
        self._ended = asyncio.Event()
        self._ending: asyncio.Task[int] | None = None

    @property
    def name(self) -> str:
        """``kafka``."""
        return "kafka"

    async def start(self) -> None:
        """Begin to look for the broker; returns at once. BusError where settings name files that cannot be used."""
        if self._started:
            raise BusError("a Kafka bus is started once")
        try:
            consumer_options(self._settings, self._client_id)
        except OSError as error:  # TLS errors are among them.
            raise BusError(f"the TLS files of the Kafka settings cannot be used: {error}") from error
        self._started = True
        self._watch.start()

    async def stop(self) -> int:
        """End within STOP_DEADLINE_SECONDS: last letters, then batches under way, then readers and connections."""
        if not self._started:
            self._stopping = True
            self._ended.set()
            return 0
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(), name="stop kafka bus")
        return await asyncio.shield(self._ending)  # Half ended, it would leave connections behind.

    async def _end(self) -> int:
        await self._dead_letters.stop()
        self._stopping = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_FLUSH_SECONDS):
                while self._producer.publishing:
                    await asyncio.wait(self._producer.publishing)
        unsent = self._producer.under_way
        readers = (reader.stop() for reader in tuple(self._readers))
        await asyncio.gather(*readers, self._watch.stop(), self._producer.close())
        self._ended.set()
        return unsent

    async def wait(self) -> None:
        """Until it was stopped. NotAuthorisedError, TopicsError where only a person can mend it."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    def check(self) -> Check:
        """Ready while the broker answers and the topics are as they must be."""
        if self._stopping or not self._started:
            return Check(ready=False, reason="the bus has stopped" if self._stopping else "the bus is not started")
        if self._error is not None:
            return Check(ready=False, reason=f"failed: {self._error}")
        if self._watch.problem:
            state = "degraded" if self._watch.ready.is_set() else "loading"
            return Check(ready=False, reason=f"{state}: {self._watch.problem}")
        return Check(ready=True, warning=self._watch.warning)

    async def publish(self, facts: Sequence[Encoded], *, deadline_seconds: float = PUBLISH_DEADLINE_SECONDS) -> None:
        """Publish a batch, in order; every record is acknowledged by all in-sync replicas when this returns."""
        if not self._started or self._stopping:
            state = "has stopped" if self._stopping else "is not started"
            raise BusClosedError(f"the bus {state}", unsent=len(facts))
        for fact in facts:
            if reason := refusal_of(fact):
                raise PublishError(reason, unsent=len(facts))
        if not facts:
            return
        began = self._clock.monotonic()
        await self._topics_are_right(facts, deadline_seconds)
        await self._producer.publish(facts, deadline_seconds)
        self._metrics.publish_duration.observe(self._clock.monotonic() - began)
        counts: dict[str, int] = {}
        for fact in facts:
            counts[fact.topic.name] = counts.get(fact.topic.name, 0) + 1
        for topic, count in counts.items():
            self._metrics.published.labels(topic).inc(count)

    async def _topics_are_right(self, facts: Sequence[Encoded], deadline_seconds: float) -> None:
        """Wait for the topics to be there and as they must be: nothing is written to others."""
        if not self._watch.ready.is_set():
            try:
                async with asyncio.timeout(deadline_seconds):
                    await self._watch.ready.wait()
            except TimeoutError as error:
                raise PublishError(
                    f"{len(facts)} facts were not acknowledged: {self._watch.problem}", unsent=len(facts)
                ) from error
        if self._error is not None:
            raise PublishError(str(self._error), unsent=len(facts))

    def follow_state(
        self, topics: Sequence[Topic], follower: StateFollower, *, name: str, stamps: Sequence[Topic] = ()
    ) -> Reader:
        """A reader of compacted topics from the beginning; not started yet."""
        for topic in topics:
            if not topic.compacted:
                raise ValueError(f"{topic.name} is not compacted: it holds no state to follow")
        status = ReaderStatus(name, self._metrics)
        return self._reader(topics, StateIntake(follower, status, self._dead_letters, self._metrics, stamps=stamps))

    def follow_commands(self, topic: Topic, follower: CommandFollower, *, name: str) -> Reader:
        """A reader of a command topic from its end; not started yet."""
        if topic.compacted:
            raise ValueError(f"{topic.name} holds state, not commands")
        status = ReaderStatus(name, self._metrics)
        return self._reader([topic], CommandIntake(follower, status, self._dead_letters, self._metrics))

    def _reader(self, topics: Sequence[Topic], intake: StateIntake | CommandIntake) -> KafkaReader:
        names = {
            (self._settings.topic(topic.name), partition): topic.name
            for topic in topics
            for partition in range(topic.partitions)
        }
        reader = KafkaReader(
            names,
            intake,
            watch=self._watch,
            options=self._consumer_options,
            metrics=self._metrics,
            refused=self._fail,
        )
        self._readers.append(reader)
        return reader

    def _consumer_options(self) -> Mapping[str, Any]:
        return consumer_options(self._settings, self._client_id) | self._watch.bootstrap()

    def _producer_options(self) -> Mapping[str, Any]:
        return producer_options(self._settings, self._client_id) | self._watch.bootstrap()

    def _fail(self, error: BusError) -> None:
        """Only a person can mend this: say it once, and let nobody wait for it."""
        if self._error is not None:
            return
        self._error = error
        self._watch.ready.set()
        for reader in self._readers:
            reader.fail(str(error), told=True)
        self._ended.set()
