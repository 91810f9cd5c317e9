"""Buses on a broker, what they said and counted, and a hand on the broker's own records."""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import ConsumerRecord
from prometheus_client import CollectorRegistry

from bus.interface import Reader, ReaderState
from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas.topics import TOPICS, Topic
from tests.contract.bus.tools import Recorder, eventually

READY_SECONDS = 15.0


class Made:
    """A bus, its metrics, and the states its readers went through."""

    def __init__(self, settings: KafkaSettings, client_id: str = "test") -> None:
        self.settings = settings
        self.registry = CollectorRegistry()
        self.metrics = BusMetrics(self.registry)
        self.bus = KafkaBus(settings, self.metrics, SystemClock(), client_id=client_id)
        self.states: dict[str, list[ReaderState]] = {}

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    async def ready(self, seconds: float = READY_SECONDS) -> None:
        await until(lambda: self.bus.check().ready, seconds)

    async def follow(
        self, topics: Sequence[Topic], follower: Recorder | None = None, name: str = "reader", *, live: bool = True
    ) -> tuple[Recorder, Reader]:
        follower = follower or Recorder()
        reader = self.bus.follow_state(topics, follower, name=name)
        states = self.states[name] = []
        become = reader._status._become

        def noted(state: ReaderState, reason: str = "", *, told: bool = False) -> None:
            if not states or states[-1] is not state:
                states.append(state)
            become(state, reason, told=told)

        reader._status._become = noted
        await reader.start()
        if live:
            await asyncio.wait_for(reader.live(), READY_SECONDS)
        return follower, reader


@contextlib.asynccontextmanager
async def started(
    bootstrap: str, prefix: str = "", *, ready: bool = True, client_id: str = "test", **settings: Any
) -> AsyncIterator[Made]:
    made = Made(KafkaSettings(bootstrap, topic_prefix=prefix, **settings), client_id)
    await made.bus.start()
    try:
        if ready:
            await made.ready()
        yield made
    finally:
        await made.bus.stop()


async def until(condition: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait for it; how long it took."""
    began = time.monotonic()
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - conditions of all kinds, few of which have an event
            await asyncio.sleep(0.005)
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def admin_of(bootstrap: str, **options: Any) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **options)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def topics_of(bootstrap: str, prefix: str = "") -> set[str]:
    async with admin_of(bootstrap) as admin:
        return {name.removeprefix(prefix) for name in await admin.list_topics() if name.startswith(prefix)}


async def clear(bootstrap: str, prefix: str) -> None:
    async with admin_of(bootstrap) as admin:
        await admin.delete_topics([prefix + name for name in TOPICS])


async def alter(bootstrap: str, name: str, **config: str) -> None:
    """Set a topic's settings, all of them at once as the old request does: those that are not named are the defaults."""
    plain = {key.replace("_", "."): value for key, value in config.items()}
    async with admin_of(bootstrap) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, plain)])
    async with asyncio.timeout(5):  # The broker takes a moment to show it.
        while not plain.items() <= (await config_of(bootstrap, name)).items():  # noqa: ASYNC110 - it tells only who asks
            await asyncio.sleep(0.02)


async def config_of(bootstrap: str, name: str) -> dict[str, str]:
    async with admin_of(bootstrap) as admin:
        (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        return {entry[0]: entry[1] for entry in response.resources[0][4]}


async def delete_records(bootstrap: str, name: str, before: int, partition: int = 0) -> None:
    async with admin_of(bootstrap) as admin:
        await admin.delete_records({TopicPartition(name, partition): RecordsToDelete(before_offset=before)})


@contextlib.asynccontextmanager
async def foreign_producer(bootstrap: str, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    """Another program that writes our topics."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=20_000_000, **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def records_of(bootstrap: str, name: str) -> list[ConsumerRecord]:
    """All records of a topic, as any consumer has them."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer._client.force_metadata_update()
        partitions = await consumer._client._wait_on_metadata(name)
        places = [TopicPartition(name, partition) for partition in sorted(partitions)]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        found: list[ConsumerRecord] = []
        while not all([await consumer.position(place) >= end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def ends_of(bootstrap: str, name: str) -> dict[int, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = await consumer._client._wait_on_metadata(name)
        ends = await consumer.end_offsets([TopicPartition(name, partition) for partition in partitions])
        return {place.partition: end for place, end in ends.items()}
    finally:
        await consumer.stop()


def with_header_key(batch: bytearray, written: bytes, instead: bytes) -> None:
    """Write other bytes into a built batch (the libraries write only UTF-8), and its checksum anew."""
    assert len(written) == len(instead)
    at = batch.index(written)
    batch[at : at + len(written)] = instead
    struct.pack_into(">I", batch, 17, calc_crc32c(bytes(batch[21:])))


@contextlib.contextmanager
def no_task_is_left(*, seconds: float = 3.0) -> Iterator[Callable[[], "asyncio.Task[None]"]]:
    """What runs when it ends is what ran when it began; the last steps of clients may take a moment."""
    before = asyncio.all_tasks()

    def ours(task: "asyncio.Task[Any]") -> bool:
        return task is not asyncio.current_task() and "Proxy." not in repr(task.get_coro())

    async def gone() -> None:
        left: set[asyncio.Task[Any]] = set()
        try:
            async with asyncio.timeout(seconds):
                while left := {task for task in asyncio.all_tasks() - before if ours(task)}:  # noqa: ASYNC110 - tasks come and go
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"left behind: {left}") from None

    yield lambda: asyncio.create_task(gone())


__all__ = ["Made", "Recorder", "eventually", "started"]
