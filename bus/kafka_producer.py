"""Publishing to Kafka: pipelined, acknowledged as a whole, with one deadline per batch that always holds.

A producer of aiokafka that lost its broker can hang in ``send`` and in ``stop``. So ours is thrown away when a deadline
passed, and a new one made; what an old one still had under way may arrive later, which versions and the writers' own
readers make harmless.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer, errors

from bus.interface import BusClosedError, BusError, NotAuthorisedError, PublishError
from bus.kafka_client import ask_for_all_topics, forgive_closing, is_refusal, reason_of
from bus.kafka_close import close
from bus.kafka_settings import KafkaSettings
from bus.partitions import partition_of
from monitoring.logs import get_logger
from monitoring.metrics import BusMetrics
from schemas.encoding import Encoded

_MISSING: Final = (errors.UnknownTopicOrPartitionError, errors.NotLeaderForPartitionError)
_TOO_LARGE: Final = (errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)

_log = get_logger()


class Producer:
    """The one producer of a bus; it is made when it is first needed and after each loss."""

    def __init__(
        self,
        settings: KafkaSettings,
        options: Callable[[], Mapping[str, Any]],
        metrics: BusMetrics,
        *,
        refused: Callable[[BusError], None],
        missing: Callable[[], None],
    ) -> None:
        """``refused`` is told what can never be mended here, ``missing`` that a topic is not there or another one."""
        self._settings = settings
        self._options = options
        self._metrics = metrics
        self._refused = refused
        self._missing = missing
        self._producer: AIOKafkaProducer | None = None
        self._sending = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        self.under_way = 0
        """Facts that were handed over and are not acknowledged yet."""
        self.publishing: set[asyncio.Future[None]] = set()
        """One per batch under way, done when it is over."""
        self._topics: dict[str, str] = {}
        self._closed = False
        self._too_large: set[tuple[str, str]] = set()

    async def publish(self, facts: Sequence[Encoded], deadline_seconds: float) -> None:
        """Send a batch in order and wait until all of it is acknowledged. PublishError otherwise."""
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.publishing.add(over)
        self.under_way += len(facts)
        producer: AIOKafkaProducer | None = None
        try:
            async with asyncio.timeout(deadline_seconds):
                # One sends at a time: the library's own waiting wakes all who wait for room, each time there is some.
                async with self._sending:
                    producer = self._producer or await self._make()
                    acknowledged = await self._send(producer, facts)
                if await _all(acknowledged):
                    too_large = [fact for fact, done in zip(facts, acknowledged, strict=True) if done.exception()]
                    await self._one_by_one(producer, too_large, facts)
        except (errors.KafkaError, OSError, AssertionError, BusError) as error:
            raise self._failure(error, producer, facts, deadline_seconds) from error
        finally:
            self.under_way -= len(facts)
            self.publishing.discard(over)
            over.set_result(None)

    async def close(self) -> None:
        """Let the producer go; bounded."""
        self._closed = True
        if self._producer is not None:
            self._drop(self._producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _make(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**self._options())
        ask_for_all_topics(producer)
        forgive_closing(producer)
        try:
            await producer.start()
        except BaseException:
            self._let_go(producer)
            raise
        self._producer = producer
        return producer

    async def _send(self, producer: AIOKafkaProducer, facts: Sequence[Encoded]) -> list["asyncio.Future[Any]"]:
        acknowledged: list[asyncio.Future[Any]] = []
        try:
            for fact in facts:
                topic = fact.topic
                name = self._topics.get(topic.name) or self._topics.setdefault(
                    topic.name, self._settings.topic(topic.name)
                )
                acknowledged.append(
                    await producer.send(
                        name, fact.value, key=fact.key.encode(), partition=partition_of(topic, fact.key)
                    )
                )
        except BaseException:
            for future in acknowledged:
                future.add_done_callback(_forget)
            raise
        return acknowledged

    async def _one_by_one(self, producer: AIOKafkaProducer, doubtful: list[Encoded], facts: Sequence[Encoded]) -> None:
        """Find the facts that are too large: the broker refuses a batch as a whole, and others were in the same."""
        newest = {(fact.topic.name, fact.key): fact for fact in facts}
        refused = []
        for fact in doubtful:
            if newest[fact.topic.name, fact.key] is not fact:
                continue  # A newer one of its key may have arrived already.
            async with self._sending:
                acknowledged = await self._send(producer, [fact])
            await _all(acknowledged)
            if acknowledged[0].exception() is not None:
                refused.append(fact)
                self._tell_too_large(fact)
            else:
                self._too_large.discard((fact.topic.name, fact.key))
        if refused:
            raise PublishError(
                f"{len(refused)} facts are larger than the broker takes, and can never be delivered",
                unsent=len(refused),
                refused=refused,
            )

    def _tell_too_large(self, fact: Encoded) -> None:
        self._metrics.refused_records.labels(fact.topic.name).inc()
        name = (fact.topic.name, fact.key)
        if name not in self._too_large:
            self._too_large.add(name)
            _log.error(
                "the broker refuses a record for its size, and takes others: see spark-portfolio topics",
                topic=fact.topic.name,
                key=fact.key,
                size_bytes=len(fact.value or b""),
            )

    def _failure(
        self, error: Exception, producer: AIOKafkaProducer | None, facts: Sequence[Encoded], deadline_seconds: float
    ) -> PublishError:
        count = len(facts)
        if isinstance(error, PublishError):
            return error
        if isinstance(error, TimeoutError) and producer is not None:
            self._drop(producer)
        if isinstance(error, (*_MISSING, AssertionError)):
            self._missing()
        if isinstance(error, errors.ProducerClosed) and self._closed:
            return BusClosedError("the bus stopped before the batch was acknowledged", unsent=count)
        if is_refusal(error):
            names = ", ".join(sorted({self._settings.topic(fact.topic.name) for fact in facts}))
            refusal = NotAuthorisedError(
                f"the broker does not let this process write to {names} ({type(error).__name__}): permit Write on it "
                "(docs/security.md lists what each role needs)"
            )
            self._refused(refusal)
            return PublishError(str(refusal), unsent=count)
        return PublishError(f"{count} facts were not acknowledged{_why(error, deadline_seconds)}", unsent=count)

    def _drop(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            self._let_go(producer)

    def _let_go(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(close(producer), name="close producer")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _why(error: Exception, deadline_seconds: float) -> str:
    if isinstance(error, TimeoutError):
        return f" within {deadline_seconds} s"
    if isinstance(error, AssertionError):  # So the library says that a topic has no such partition.
        return ": a topic has too few partitions"
    if isinstance(error, errors.ProducerClosed):
        return ": their connection was given up"
    return f": {error if isinstance(error, BusError) else reason_of(error)}"


async def _all(acknowledged: Sequence["asyncio.Future[Any]"]) -> bool:
    """Wait for all, then raise the first error there is; whether some were too large, who are found out later."""
    try:
        # From the last on, one at a time: the library ends whole batches at once, so there is mostly one to wait for.
        for future in reversed(acknowledged):
            if not future.done():
                await asyncio.wait((future,))
    except BaseException:
        for future in acknowledged:
            future.add_done_callback(_forget)
        raise
    # Each is asked for its error, so that the loop does not tell of it again.
    failed = [error for future in acknowledged if (error := future.exception()) is not None]
    for error in failed:
        if not isinstance(error, _TOO_LARGE):
            raise error
    return bool(failed)


def _forget(future: "asyncio.Future[Any]") -> None:
    """An error that was told once is not told again by the loop."""
    if not future.cancelled():
        future.exception()
