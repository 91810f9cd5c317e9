"""A real Apache Kafka for benchmarks: a broker of the run's own, our topics on it, and logs filled quickly."""

import asyncio
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from prometheus_client import CollectorRegistry

from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings, client_options
from bus.partitions import partition_of
from localkafka import BlockingBroker
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas.encoding import Encoded
from schemas.topics import Topic

READY_SECONDS: Final = 30.0
BATCH_BYTES: Final = 200_000
"""What travels together while a log is filled; the topics of small records allow some 300 KB."""

NO_COMPACTION: Final = {"log.cleaner.backoff.ms": "3600000", "log.initial.task.delay.ms": "3600000"}
"""What is measured lies still: no record goes, and nobody reads and writes the disk beside us."""


@contextmanager
def broker() -> Iterator[str]:
    """A broker for as long as it is needed, and its address. KafkaUnavailableError where none can be had."""
    with tempfile.TemporaryDirectory(prefix="spark-bench-") as folder:
        one = BlockingBroker(Path(folder) / "kafka", properties=NO_COMPACTION)
        try:
            one.start()
            yield one.bootstrap
        finally:
            one.kill()


async def ready_bus(settings: KafkaSettings, kind: type[KafkaBus] = KafkaBus) -> KafkaBus:
    """A started bus whose topics are there."""
    bus = kind(settings, BusMetrics(CollectorRegistry()), SystemClock(), client_id="bench")
    await bus.start()
    async with asyncio.timeout(READY_SECONDS):
        while not bus.check().ready:
            await asyncio.sleep(0.01)
    return bus


async def make_topics(settings: KafkaSettings) -> None:
    """Have our topics on the broker, configured as the product does it."""
    bus = await ready_bus(settings)
    await bus.stop()


Record = tuple[Topic, str, bytes]
"""Topic, key, value."""


async def fill(settings: KafkaSettings, records: Iterable[Record]) -> int:
    """Append records to their topics, in order per partition and as fast as it goes; how many they were."""
    producer = AIOKafkaProducer(
        **client_options(settings, "bench-fill"), acks=1, max_batch_size=BATCH_BYTES, max_request_size=4 * BATCH_BYTES
    )
    await producer.start()
    open_batches: dict[tuple[str, int], Any] = {}
    acknowledged = []
    count = 0
    try:
        for topic, key, value in records:
            place = settings.topic(topic.name), partition_of(topic, key)
            batch = open_batches.get(place)
            if batch is None or batch.append(key=key.encode(), value=value, timestamp=None) is None:
                if batch is not None:
                    acknowledged.append(await producer.send_batch(batch, place[0], partition=place[1]))
                batch = open_batches[place] = producer.create_batch()
                assert batch.append(key=key.encode(), value=value, timestamp=None) is not None
            count += 1
        for place, batch in open_batches.items():
            acknowledged.append(await producer.send_batch(batch, place[0], partition=place[1]))
        await asyncio.gather(*acknowledged)
    finally:
        await producer.stop()
    return count


def records_of(facts: Iterable[Encoded]) -> Iterator[Record]:
    """Encoded facts as records to fill in."""
    return ((fact.topic, fact.key, fact.value) for fact in facts if fact.value is not None)
