"""Publishing to Kafka: pipelined, acknowledged as a whole, with one deadline per batch that always holds.

A producer of aiokafka that lost its broker can hang in ``send`` and in ``stop``. So ours is thrown away when a deadline
passed, and a new one made; what an old one still had under way may arrive later, which versions and the writers' own
readers make harmless.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer, errors

from bus.interface import BusClosedError, BusError, NotAuthorisedError, PublishError
from bus.kafka_client import ask_for_all_topics, close_quietly, is_refusal, reason_of
from bus.kafka_settings import KafkaSettings, producer_options
from bus.partitions import partition_of
from monitoring.logs import get_logger
from schemas.encoding import Encoded

_log = get_logger()


class Producer:
    """The one producer of a bus; it is made when it is first needed and after each loss."""

    def __init__(
        self,
        settings: KafkaSettings,
        client_id: str,
        *,
        refused: Callable[[BusError], None],
        missing: Callable[[], None],
    ) -> None:
        """``refused`` is told what can never be mended here, ``missing`` that a topic is not there."""
        self._settings = settings
        self._client_id = client_id
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
                await _all(acknowledged)
        except (errors.KafkaError, OSError, TimeoutError, BusError) as error:
            raise self._failure(error, producer, facts, deadline_seconds) from error
        finally:
            self.under_way -= len(facts)
            self.publishing.discard(over)
            over.set_result(None)

    async def close(self) -> None:
        """Let the producer go; bounded."""
        if self._producer is not None:
            self._drop(self._producer)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _make(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(**producer_options(self._settings, self._client_id))
        ask_for_all_topics(producer)
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

    def _failure(
        self, error: Exception, producer: AIOKafkaProducer | None, facts: Sequence[Encoded], deadline_seconds: float
    ) -> PublishError:
        count = len(facts)
        if isinstance(error, PublishError):
            return error
        if isinstance(error, TimeoutError):
            if producer is not None:
                self._drop(producer)
            return PublishError(f"{count} facts were not acknowledged within {deadline_seconds} s", unsent=count)
        if isinstance(error, errors.UnknownTopicOrPartitionError):
            self._missing()
        if isinstance(error, errors.ProducerClosed):
            return BusClosedError("the bus stopped before the batch was acknowledged", unsent=count)
        if isinstance(error, errors.MessageSizeTooLargeError):
            largest = max(facts, key=lambda fact: len(fact.value or b""))
            _log.error(
                "the broker refuses a record for its size, and takes others: see spark-portfolio topics",
                topic=largest.topic.name,
                key=largest.key,
                size_bytes=len(largest.value or b""),
            )
        if is_refusal(error):
            names = ", ".join(sorted({self._settings.topic(fact.topic.name) for fact in facts}))
            refusal = NotAuthorisedError(
                f"the broker does not let this process write to {names} ({type(error).__name__}): permit Write on it "
                "(docs/security.md lists what each role needs)"
            )
            self._refused(refusal)
            return PublishError(str(refusal), unsent=count)
        return PublishError(f"{count} facts were not acknowledged: {reason_of(error)}", unsent=count)

    def _drop(self, producer: AIOKafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
            self._let_go(producer)

    def _let_go(self, producer: AIOKafkaProducer) -> None:
        task = asyncio.create_task(close_quietly(producer.stop, "producer"), name="close producer")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _all(acknowledged: Sequence["asyncio.Future[Any]"]) -> None:
    """Wait for all, then raise the first error there is."""
    try:
        if not all(future.done() for future in acknowledged):
            await asyncio.wait(acknowledged)
    finally:
        for future in acknowledged:
            future.add_done_callback(_forget)
    for future in acknowledged:
        future.result()


def _forget(future: "asyncio.Future[Any]") -> None:
    """An error that was told once is not told again by the loop."""
    if not future.cancelled():
        future.exception()
