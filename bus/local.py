"""The embedded bus: everything in this process, on one event loop, and nothing to install."""

import asyncio
import enum
import functools
import itertools
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bus.backlog import CommandBacklog, StateBacklog
from bus.deadletters import DeadLetters
from bus.interface import (
    PUBLISH_DEADLINE_SECONDS,
    STOP_DEADLINE_SECONDS,
    BusClosedError,
    BusError,
    CommandFollower,
    PublishError,
    RawRecord,
    Reader,
    StateFollower,
)
from bus.local_reader import LocalReader
from bus.newest import NewestRecords
from bus.reader import CommandIntake, ReaderStatus, StateIntake
from bus.refusal import refusal_of
from bus.statefile import StoredRecord
from bus.storage import Storage
from monitoring.clock import Clock
from monitoring.health import Check
from monitoring.metrics import BusMetrics
from schemas.encoding import Encoded
from schemas.events import DeadLetter
from schemas.fields import milliseconds
from schemas.topics import DEADLETTER, TOPICS, Topic

DEAD_LETTERS_MAX: Final = 1_000
"""The newest dead letters that are kept for people."""

WAITING_FACTS_MAX: Final = 50_000
WAITING_BYTES_MAX: Final = 64 * 1024 * 1024
"""What may wait for a slow disk; more is refused, so that memory is not its buffer."""

EXPIRY_INTERVAL_SECONDS: Final = 3600.0
"""How often records past their topic's retention are taken away."""

_FILE_CLOSING_SECONDS: Final = STOP_DEADLINE_SECONDS - 1.5
"""The last dead letters may take the rest."""


class _Phase(enum.Enum):
    NEW = "is not started"
    OPEN = "is open"
    STOPPED = "has stopped"


class LocalBus:
    """Publishes to followers in this process, keeps the newest record of every key, and that in a file if given one.

    With a state file a batch is acknowledged, and then visible, when it is committed: a killed process loses nothing
    that was acknowledged (see ``bus.statefile`` for the power cut). Without one it lives as long as the process.

    Where the file cannot be written any more while running (disk full, read-only), the bus goes on in memory and
    acknowledges what only memory holds: an old file beats a portfolio that stops. It counts the failed writes, says why
    in :attr:`degraded_reason`, and makes the file whole as soon as it can be written again.
    """

    def __init__(self, state_file: Path | None, metrics: BusMetrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._newest = NewestRecords()
        self._storage = None if state_file is None else Storage(state_file, lambda: self._newest, metrics, clock)
        self._phase = _Phase.NEW
        self._offsets = itertools.count()
        self._readers: list[LocalReader] = []
        self._unacknowledged: dict[asyncio.Future[None], int] = {}
        self._letters: deque[RawRecord] = deque(maxlen=DEAD_LETTERS_MAX)
        self._dead_letters = DeadLetters(self.publish, clock)
        self._expired_at = 0.0
        self._ended = asyncio.Event()

    @property
    def name(self) -> str:
        """``local``."""
        return "local"

    @property
    def degraded_reason(self) -> str:
        """Why the state file does not hold the newest, for people; empty as long as it does or there is none."""
        return "" if self._storage is None else self._storage.problem

    async def start(self) -> None:
        """Read the state file and give started readers what it holds. BusError where it cannot be used."""
        if self._phase is not _Phase.NEW:
            raise BusError("a local bus is started once")
        if self._storage is not None:
            for record in await self._storage.open():
                self._newest.put(record)
        self._offsets = itertools.count(1 + max((record.raw.offset for record in self._newest), default=-1))
        self._phase = _Phase.OPEN
        self._expire()
        for reader in self._readers:
            self._attach(reader)

    async def stop(self) -> int:
        """End the readers, write what waits, let the file go; how many facts were not acknowledged in time."""
        self._ended.set()
        if self._phase is not _Phase.OPEN:
            self._phase = _Phase.STOPPED
            return 0
        await self._dead_letters.stop()
        self._phase = _Phase.STOPPED
        if self._storage is not None:
            await self._storage.close(_FILE_CLOSING_SECONDS)
        for reader in tuple(self._readers):
            await reader.stop()
        unsent = 0
        for acknowledged, count in tuple(self._unacknowledged.items()):
            unsent += count
            if not acknowledged.done():
                error = BusClosedError("the bus stopped before the batch was acknowledged", unsent=count)
                acknowledged.set_exception(error)
        return unsent

    async def wait(self) -> None:
        """Until it was stopped: in one process nothing else ends it."""
        await self._ended.wait()

    def check(self) -> Check:
        """Ready while it is open; with a warning while only memory holds what is published."""
        if self._phase is not _Phase.OPEN:
            return Check(ready=False, reason=f"the bus {self._phase.value}")
        return Check(ready=True, warning=self.degraded_reason)

    async def publish(self, facts: Sequence[Encoded], *, deadline_seconds: float = PUBLISH_DEADLINE_SECONDS) -> None:
        """Publish a batch, in order; with a state file it is committed when this returns. PublishError otherwise."""
        if self._phase is not _Phase.OPEN:
            raise BusClosedError(f"the bus {self._phase.value}", unsent=len(facts))
        self._check(facts)
        began = self._clock.monotonic()
        acknowledged = self._submit([self._stored(fact.topic.name, fact.key.encode(), fact.value) for fact in facts])
        if acknowledged.done():
            await asyncio.sleep(0)  # A writer that publishes in a loop must not keep the readers from running.
        else:
            try:
                async with asyncio.timeout(deadline_seconds):
                    await acknowledged
            except TimeoutError as error:
                raise PublishError(
                    f"{len(facts)} facts were not written to the state file within {deadline_seconds} s",
                    unsent=len(facts),
                ) from error
        self._metrics.publish_duration.observe(self._clock.monotonic() - began)
        for fact in facts:
            self._metrics.published.labels(fact.topic.name).inc()
        if began - self._expired_at >= EXPIRY_INTERVAL_SECONDS:
            self._expire()

    async def inject(self, topic: str, key: bytes | None, value: bytes | None) -> None:
        """Let a record in as it is, unchecked: how those of another version or program enter. For tests."""
        await self._submit([self._stored(topic, key, value)])

    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The newest dead letters, oldest first."""
        return tuple(DeadLetter.model_validate_json(letter.value or b"") for letter in self._letters)

    def follow_state(
        self, topics: Sequence[Topic], follower: StateFollower, *, name: str, stamps: Sequence[Topic] = ()
    ) -> Reader:
        """A reader of compacted topics from the beginning; not started yet."""
        for topic in topics:
            if not topic.compacted:
                raise ValueError(f"{topic.name} is not compacted: it holds no state to follow")
        status = ReaderStatus(name, self._metrics)
        intake = StateIntake(follower, status, self._dead_letters, self._metrics, stamps=stamps)
        return LocalReader(
            [topic.name for topic in topics],
            intake,
            StateBacklog(),
            join=self._joined,
            leave=self._left,
            spared=self._metrics.conflated.inc,
        )

    def follow_commands(self, topic: Topic, follower: CommandFollower, *, name: str) -> Reader:
        """A reader of a command topic from its end; not started yet."""
        if topic.compacted:
            raise ValueError(f"{topic.name} holds state, not commands")
        intake = CommandIntake(follower, ReaderStatus(name, self._metrics), self._dead_letters, self._metrics)
        return LocalReader(
            [topic.name],
            intake,
            CommandBacklog(),
            join=self._joined,
            leave=self._left,
            spared=self._metrics.commands_dropped.inc,
        )

    def _joined(self, reader: LocalReader) -> None:
        if self._phase is _Phase.STOPPED:
            raise BusError("the bus has stopped")
        self._readers.append(reader)
        if self._phase is _Phase.OPEN:
            self._attach(reader)

    def _left(self, reader: LocalReader) -> None:
        if reader in self._readers:
            self._readers.remove(reader)

    def _attach(self, reader: LocalReader) -> None:
        records = self._newest.of(reader.topics) if reader.follows_state else []
        reader.attach([record.raw for record in records])

    def _check(self, facts: Sequence[Encoded]) -> None:
        """PublishError where a batch cannot be taken in; then nothing of it was."""
        reason = next(filter(None, map(refusal_of, facts)), "") or self._no_room(facts)
        if reason:
            raise PublishError(reason, unsent=len(facts))

    def _no_room(self, facts: Sequence[Encoded]) -> str:
        waiting_facts = waiting_bytes = 0
        if self._storage is not None and any(fact.topic.compacted for fact in facts):
            waiting_facts, waiting_bytes = self._storage.waiting_facts, self._storage.waiting_bytes
        if waiting_facts > WAITING_FACTS_MAX or waiting_bytes > WAITING_BYTES_MAX:
            return "the disk of the state file is too slow: too much waits for it already"
        return self._newest.refusal(facts, waiting_facts, waiting_bytes)

    def _stored(self, topic: str, key: bytes | None, value: bytes | None) -> StoredRecord:
        return StoredRecord(RawRecord(topic, 0, next(self._offsets), key, value), milliseconds(self._clock.now()))

    def _submit(self, records: Sequence[StoredRecord]) -> asyncio.Future[None]:
        """Make a batch durable, then visible, whether or not anybody still waits for it."""
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unacknowledged[acknowledged] = len(records)
        durable = [record for record in records if record.raw.key and self._is_state(record.raw.topic)]
        done = functools.partial(self._show, records, acknowledged)
        if self._storage is not None and durable:
            self._storage.put(durable, done)
        else:
            done()
        return acknowledged

    @staticmethod
    def _is_state(topic: str) -> bool:
        return topic in TOPICS and TOPICS[topic].compacted

    def _show(self, records: Sequence[StoredRecord], acknowledged: asyncio.Future[None]) -> None:
        for record in records:
            self._newest.put(record)
            if record.raw.topic == DEADLETTER.name:
                self._letters.append(record.raw)
            for reader in self._readers:
                if record.raw.topic in reader.topics:
                    reader.offer(record.raw)
        del self._unacknowledged[acknowledged]
        if not acknowledged.done():
            acknowledged.set_result(None)

    def _expire(self) -> None:
        """Take away what is past its topic's retention. Followers keep what they have; late ones are not given it."""
        self._expired_at = self._clock.monotonic()
        now = milliseconds(self._clock.now())
        gone = [
            StoredRecord(RawRecord(name, 0, record.raw.offset, record.raw.key, None), now)
            for name, topic in TOPICS.items()
            if topic.compacted and topic.retention_seconds is not None
            for record in self._newest.written_before(name, now - topic.retention_seconds * 1000)
        ]
        for record in gone:
            self._newest.put(record)
        if gone and self._storage is not None:
            self._storage.put(gone, lambda: None)
