"""A reader on Kafka: session after session, and what it tells of itself.

A session is one consumer with its connections. It is replaced when it breaks or stands still; the positions outlive it.
Nothing is committed anywhere: a new process begins at the beginning.
"""

import asyncio
import random
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from aiokafka import errors

from bus.interface import BusError, NotAuthorisedError, RawRecord, ReaderState
from bus.kafka_client import is_refusal, reason_of
from bus.kafka_config import TOMBSTONE_SECONDS
from bus.kafka_consumer import Consumer, Session
from bus.kafka_watch import Watch
from bus.progress import Offsets, Place, Progress
from bus.reader import CommandIntake, StateIntake, batches
from monitoring.logs import get_logger
from monitoring.metrics import BusMetrics
from schemas.topics import TOPICS

SESSION_START_SECONDS: Final = 5.0
RETRY_SECONDS_MIN: Final = 0.2
RETRY_SECONDS_MAX: Final = 1.0

STUCK_SECONDS: Final = 5.0
"""A consumer that has records before it, is not busy, and got none for so long is replaced."""

STUCK_SESSIONS_MAX: Final = 3
"""So many sessions at one place: the broker cannot give what lies there. It is never stepped over."""

EMPTIED_TWICE_SECONDS: Final = 10.0
"""An emptied topic shows twice, by its offsets and by its id; within this time it is the same event."""

_log = get_logger()


class KafkaReader:
    """A running follower on Kafka; see ``bus.interface.Reader``."""

    def __init__(
        self,
        names: Mapping[Place, str],
        intake: StateIntake | CommandIntake,
        *,
        watch: Watch,
        options: Callable[[], Mapping[str, Any]],
        metrics: BusMetrics,
        refused: Callable[[BusError], None],
    ) -> None:
        """``names``: each place, with its topic's plain name. ``refused`` hears of a NotAuthorisedError."""
        self._intake = intake
        self._status = intake.status
        self._names = {topic: name for (topic, _), name in names.items()}
        self._topics = {name: topic for topic, name in self._names.items()}
        self._watch = watch
        self._options = options
        self._refused = refused
        self._metrics = metrics
        self._lag = metrics.reader_lag.labels(self._status.name)
        self._task: asyncio.Task[None] | None = None
        self._session: Session | None = None
        self._over = asyncio.Event()
        self._why = ""
        self._is_state = isinstance(intake, StateIntake)
        self._emptied: dict[str, tuple[float, bool]] = {}
        self._made: dict[str, int] = {}
        self._in_touch_at = 0.0
        self._ends: Offsets = {}
        self._moved_at = 0.0
        self._moved_to: Offsets = {}
        self._stuck_sessions = 0
        self.places: Sequence[Place] = tuple(names)
        self._progress = self._anew()

    def _anew(self) -> Progress:
        return Progress(self.places, from_beginning=self._is_state)

    @property
    def name(self) -> str:
        """What the reader is called."""
        return self._status.name

    @property
    def state(self) -> ReaderState:
        """Where it stands."""
        return self._status.state

    @property
    def reason(self) -> str:
        """Why it is degraded or failed."""
        return self._status.reason

    async def start(self) -> None:
        """Begin to follow, from the beginning."""
        if self._task is not None:
            raise BusError(f"the reader {self.name!r} is started already")
        if self._watch.stopped:
            raise BusError("the bus has stopped")
        self._progress = self._anew()
        self._stuck_sessions = 0
        self._intake.restart()
        self._task = asyncio.create_task(self._run(), name=f"reader {self.name}")
        self._watch.readers.add(self)

    async def live(self) -> None:
        """Wait until it is live."""
        await self._status.live()

    async def stop(self) -> None:
        """End; bounded, never raises."""
        task, self._task = self._task, None
        self._watch.readers.discard(self)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})
        self._lag.set(0)
        self._status.stopped()

    def fail(self, reason: str, *, told: bool = False) -> None:
        """End for good; what was given stays. ``told``: the log has it."""
        self._status.failed(reason, told=told)
        self._over.set()

    # What the session calls.

    def positions(self, begins: Offsets, ends: Offsets) -> Offsets:
        """Where the session begins to read."""
        positions, emptied = self._progress.begin(begins, ends)
        for topic in emptied:
            self._tell_emptied(self._names[topic], by_id=False)
            self._watch.look()  # What shows by its id too is then known, before the same can happen again.
        return positions

    def taken(self) -> Offsets:
        """Behind what was taken in."""
        return dict(self._progress.position)

    def drained(self, consumer: Consumer) -> bool:
        """All that came was taken in; whether what was there at the start is still being read."""
        if not self._progress.caught_up or self.state is ReaderState.DEGRADED:
            self._look_where_we_are(consumer)
        return not self._progress.caught_up

    async def out_of_range(self, consumer: Consumer, places: Iterable[Place]) -> None:
        """Nothing lies where we stand: the topic was emptied, or what was not read yet has expired."""
        self._metrics.out_of_range.labels(self.name).inc()
        begins, ends = await consumer.reach()
        _log.warning("nothing lies where a reader stands", reader=self.name, partitions=len(list(places)))
        for place, offset in self.positions(begins, ends).items():
            consumer.seek(place, offset)

    def broke(self, error: Exception) -> None:
        """The session cannot go on."""
        if is_refusal(error):
            names = ", ".join(sorted(self._names))
            refusal = NotAuthorisedError(
                f"the broker does not let this process read {names} ({type(error).__name__}): permit Read on it "
                "(docs/security.md lists what each role needs)"
            )
            self.fail(str(refusal), told=True)
            self._refused(refusal)
        elif isinstance(error, errors.CorruptRecordException):
            self.fail("a record's checksum is wrong: look at the broker's disk. It is not stepped over")
        elif isinstance(error, errors.UnsupportedCodecError):
            self.fail(
                f"records are packed in a way that this process cannot read ({error}): set the topic right "
                "(spark-portfolio topics --reconcile), then have their writer write them again"
            )
        elif isinstance(error, errors.KafkaError | OSError | TimeoutError):
            self._end_session(reason_of(error))
        else:
            _log.error("reading failed by a mistake of ours", reader=self.name, error=type(error).__name__)
            self._end_session(f"a mistake of ours: {type(error).__name__}")

    async def take(self, records: Sequence[RawRecord]) -> None:
        """Hand records on in parts, with others running between."""
        made = dict(self._made)
        for part in batches(records):
            if self._task is None or not self._intake.take(part):
                self._over.set()
                return
            last = part[0]
            for record in part:
                if record.partition != last.partition or record.topic != last.topic:
                    self._took(last, made)
                last = record
            self._took(last, made)
            await asyncio.sleep(0)

    def _took(self, record: RawRecord, made: Mapping[str, int]) -> None:
        # A topic that was made anew meanwhile begins at its beginning, not behind a record of the former one.
        if self._made.get(record.topic) == made.get(record.topic):
            self._progress.took((self._topics[record.topic], record.partition), record.offset)

    # What the watch calls.

    def seen(self, ends: Offsets) -> None:
        """The broker answers."""
        self._in_touch_at = time.monotonic()
        before, self._ends = self._ends, ends
        consumer = None if self._session is None else self._session.consumer
        if consumer is None or not consumer.placed:
            return
        if self.state is ReaderState.DEGRADED:
            self._progress.returned(ends)
        if consumer.waiting:
            self._look_where_we_are(consumer)
            self._look_for_progress(before)
        self._lag.set(self._progress.lag(ends))

    def away(self, reason: str) -> None:
        """The broker does not answer."""
        self._progress.lost()
        self._status.degraded(f"Kafka does not answer: {reason}", told=True)

    def emptied(self, topic: str) -> None:
        """A topic was made anew under its old name: it is read from its beginning."""
        self._tell_emptied(topic, by_id=True)
        self._made[topic] = self._made.get(topic, 0) + 1
        consumer = None if self._session is None else self._session.consumer
        for place in self._progress.emptied(self._topics[topic]):
            if consumer is not None and consumer.placed:
                consumer.seek(place, 0)

    # The rest.

    async def _run(self) -> None:
        try:
            await self._follow()
        except Exception as error:  # noqa: BLE001 - a bug must be seen as a failed reader, not as one that is silent
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
            _log.error("a reader ended by a mistake of ours", reader=self.name, error=type(error).__name__, at=place)
            self.fail(f"a mistake of ours: {type(error).__name__}")
        self._watch.readers.discard(self)
        self._lag.set(0)

    async def _follow(self) -> None:
        failures = 0
        self._in_touch_at = time.monotonic()
        while True:
            await self._watch.ready.wait()
            if time.monotonic() - self._in_touch_at > TOMBSTONE_SECONDS:
                self.fail("it was away from Kafka for longer than deletions are kept; a restart reads everything anew")
            if self._has_failed():
                break
            if await self._one_session():
                failures = 0
            if self._has_failed():
                break
            failures += 1
            self._progress.lost()
            self._status.degraded(self._why)
            self._metrics.sessions_lost.labels(self.name).inc()
            longest = min(RETRY_SECONDS_MAX, RETRY_SECONDS_MIN * 2 ** min(failures, 10))
            await asyncio.sleep(random.uniform(RETRY_SECONDS_MIN, longest))  # noqa: S311 - jitter, not secrecy

    async def _one_session(self) -> bool:
        """From the connection to the end of it; whether it was made at all."""
        self._over = asyncio.Event()
        session = self._session = Session(self.places, self, self._options(), self._names)
        try:
            async with asyncio.timeout(SESSION_START_SECONDS):
                await session.start()
            self._moved_at, self._moved_to = time.monotonic(), {}
            await self._over.wait()
        except (errors.KafkaError, OSError, TimeoutError) as error:
            self.broke(error)
            return False
        finally:
            self._session = None
            await session.close()
        return True

    def _has_failed(self) -> bool:
        return self.state is ReaderState.FAILED

    def _end_session(self, why: str) -> None:
        self._why = why
        self._over.set()

    def _look_where_we_are(self, consumer: Consumer) -> None:
        progress = self._progress
        progress.stand(consumer.standing())
        if self.state is ReaderState.DEGRADED and (
            progress.is_back() or (progress.is_answered and not progress.caught_up)
        ):
            self._status.recovered()
        if progress.reaches_goal() and not self._intake.caught_up():
            self._over.set()

    def _look_for_progress(self, ends_before: Offsets) -> None:
        now = time.monotonic()
        if self._progress.position != self._moved_to or not self._progress.lag(ends_before):
            if self._moved_to and self._progress.position != self._moved_to:
                self._stuck_sessions = 0
            self._moved_at, self._moved_to = now, dict(self._progress.position)
        elif now - self._moved_at > STUCK_SECONDS:
            self._stuck_sessions += 1
            if self._stuck_sessions >= STUCK_SESSIONS_MAX:
                self.fail("the broker does not give the next records, though it says that there are some")
            else:
                self._end_session("no records come, though there are some")

    def _tell_emptied(self, topic: str, *, by_id: bool) -> None:
        """Say once that a topic was emptied: its offsets show it at once, its id half a second later, or it alone."""
        now = time.monotonic()
        told_at, told_by_id = self._emptied.get(topic, (float("-inf"), False))
        is_told = now - told_at < EMPTIED_TWICE_SECONDS and not (by_id and told_by_id)
        self._emptied[topic] = (told_at if is_told else now, by_id or (is_told and told_by_id))
        if is_told:
            return
        _log.warning("a topic was emptied; its values are kept, its versions forgotten", reader=self.name, topic=topic)
        self._metrics.topic_resets.labels(self.name, topic).inc()
        if isinstance(self._intake, StateIntake) and not self._intake.topic_reset(TOPICS[topic]):
            self._over.set()
