"""What the contract suite needs of a bus beside its interface: ways to break it from outside."""

import contextlib
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from prometheus_client import CollectorRegistry

from bus.interface import Bus
from bus.kafka import KafkaBus
from bus.kafka_config import topic_config
from bus.kafka_settings import KafkaSettings
from bus.local import LocalBus
from bus.partitions import partition_of
from localkafka import Proxy
from monitoring.clock import SystemClock
from monitoring.metrics import BusMetrics
from schemas.events import DeadLetter
from schemas.topics import DEADLETTER, TOPICS, Topic
from tests.contract.bus.tools import eventually

Headers = Sequence[tuple[str, bytes | None]]


class LackingError(Exception):
    """The bus has no such thing; the harness says why in ``lacks``."""


class Harness:
    """One kind of bus. ``bus`` is started by the fixture, and whatever is started is stopped by it.

    A test that needs something a bus may lack names it: ``@pytest.mark.needs("restart")``. Where ``lacks`` has it,
    the test is expected to fail with LackingError, and must.
    """

    lacks: ClassVar[Mapping[str, str]] = {}

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.registry = CollectorRegistry()
        self.metrics = BusMetrics(self.registry)
        self.bus: Bus = self.make_bus()

    def make_bus(self) -> Bus:
        """A bus on the same storage, not started."""
        raise NotImplementedError

    async def open(self) -> None:
        """Start what the bus stands on, and the bus."""
        await self.bus.start()

    async def close(self) -> None:
        """Stop the bus and what it stands on."""
        await self.bus.stop()

    async def restart_bus(self) -> Bus:
        """Stop the bus and start another on the same storage. Needs: restart."""
        await self.bus.stop()
        self.bus = self.make_bus()
        await self.bus.start()
        return self.bus

    async def inject(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        """Put a record on a topic as no writer of ours would. Headers need: headers."""
        raise NotImplementedError

    async def empty_topic(self, topic: Topic) -> None:
        """Take all records of a topic away behind the bus's back. Needs: empty_topic."""
        raise LackingError("empty_topic")

    def stalled(self) -> contextlib.AbstractAsyncContextManager[None]:
        """While it lasts nothing is acknowledged. Needs: stall."""
        raise LackingError("stall")

    async def dead_letters(self) -> list[DeadLetter]:
        """What was sent to the dead letters, oldest first."""
        raise NotImplementedError

    def child(self) -> list[str]:
        """How a child process is told to make such a bus (see publisher.py). Needs: processes."""
        raise LackingError("processes")

    def sample(self, name: str, **labels: str) -> float:
        """The value of a metric."""
        return self.registry.get_sample_value(name, labels) or 0.0


_NO_HEADERS = "a record of the local bus has no headers"
_NOBODY_EMPTIES = "nobody but the local bus has a hand on its records"


class LocalMemory(Harness):
    lacks: ClassVar[Mapping[str, str]] = {
        "restart": "without a state file it lives as long as its process",
        "processes": "without a state file it lives in one process",
        "stall": "in memory there is nothing to wait for",
        "headers": _NO_HEADERS,
        "empty_topic": _NOBODY_EMPTIES,
    }

    def make_bus(self) -> LocalBus:
        return LocalBus(None, self.metrics, SystemClock())

    async def restart_bus(self) -> Bus:
        raise LackingError("restart")

    async def inject(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        if headers:
            raise LackingError("headers")
        assert isinstance(self.bus, LocalBus)
        await self.bus.inject(topic, key, value)

    async def dead_letters(self) -> list[DeadLetter]:
        assert isinstance(self.bus, LocalBus)
        return list(self.bus.dead_letters())


class LocalFile(LocalMemory):
    lacks: ClassVar[Mapping[str, str]] = {"headers": _NO_HEADERS, "empty_topic": _NOBODY_EMPTIES}

    @property
    def state_file(self) -> Path:
        return self.folder / "state" / "bus.sqlite"

    def make_bus(self) -> LocalBus:
        return LocalBus(self.state_file, self.metrics, SystemClock())

    async def restart_bus(self) -> Bus:
        return await Harness.restart_bus(self)

    @contextlib.asynccontextmanager
    async def stalled(self) -> AsyncIterator[None]:
        """Hold the thread that writes the file, as a hanging disk would."""
        assert isinstance(self.bus, LocalBus)
        gate = threading.Event()
        held = self.bus._storage._thread.submit(lambda: gate.wait(30))
        try:
            yield
        finally:
            gate.set()
            await held

    def child(self) -> list[str]:
        return ["local", str(self.state_file)]


class Kafka(Harness):
    """On a real broker, under topic names of its own. ``proxy`` stands in the way where a test needs a stall."""

    lacks: ClassVar[Mapping[str, str]] = {}

    def __init__(self, folder: Path, bootstrap: str, prefix: str, proxy: Proxy | None = None) -> None:
        self.settings = KafkaSettings(bootstrap, topic_prefix=prefix)
        self.proxy = proxy
        super().__init__(folder)

    def make_bus(self) -> KafkaBus:
        return KafkaBus(self.settings, self.metrics, SystemClock(), client_id="contract")

    async def open(self) -> None:
        await super().open()
        await eventually(lambda: self.bus.check().ready)

    async def close(self) -> None:
        await super().close()
        async with self.admin() as admin:
            await admin.delete_topics([self.settings.topic(name) for name in TOPICS])

    @contextlib.asynccontextmanager
    async def admin(self) -> AsyncIterator[Any]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.settings.bootstrap_servers)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def inject(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        partition = partition_of(TOPICS[topic], (key or b"").decode(errors="replace")) if topic in TOPICS else 0
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.bootstrap_servers, max_request_size=20_000_000)
        await producer.start()
        try:
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None, headers=list(headers))
            # A broker takes no record without a key on a compacted topic; one that once was not compacted may have it.
            async with contextlib.nullcontext() if key else self.not_compacted(topic):
                await (await producer.send_batch(batch, self.settings.topic(topic), partition=partition))
        finally:
            await producer.stop()

    @contextlib.asynccontextmanager
    async def not_compacted(self, topic: str) -> AsyncIterator[None]:
        name, config = self.settings.topic(topic), topic_config(TOPICS[topic])
        async with self.admin() as admin:
            for policy in ({"cleanup.policy": "delete"}, {}):
                await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, config | policy)])
                if policy:
                    yield

    async def empty_topic(self, topic: Topic) -> None:
        """Delete it; the bus itself makes it anew."""
        async with self.admin() as admin:
            await admin.delete_topics([self.settings.topic(topic.name)])

    @contextlib.asynccontextmanager
    async def stalled(self) -> AsyncIterator[None]:
        assert self.proxy is not None
        self.proxy.blackhole()
        try:
            yield
        finally:
            await self.proxy.restore()

    async def dead_letters(self) -> list[DeadLetter]:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.settings.bootstrap_servers, auto_offset_reset="earliest")
        await consumer.start()
        try:
            place = TopicPartition(self.settings.topic(DEADLETTER.name), 0)
            consumer.assign([place])
            await consumer.seek_to_beginning(place)
            end = (await consumer.end_offsets([place]))[place]
            letters = []
            while await consumer.position(place) < end:
                letters.append(DeadLetter.model_validate_json((await consumer.getone()).value))
            return letters
        finally:
            await consumer.stop()

    def child(self) -> list[str]:
        return ["kafka", f"{self.settings.bootstrap_servers} {self.settings.topic_prefix}"]


HARNESSES: Mapping[str, type[Harness]] = {"local-memory": LocalMemory, "local-file": LocalFile, "kafka": Kafka}
"""Every bus there is: a new one is added here, and the whole suite holds it."""
