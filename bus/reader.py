"""What the readers of every bus share: raw records in, whole facts out, and a state that tells the truth.

Nothing here does IO. A bus hands over records and says what happened to its transport; decoding, counting,
dead letters, the end after too many bad records, and the calls to the follower are done here, the same for all.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from bus.deadletters import DeadLetters
from bus.interface import (
    BATCH_RECORDS_MAX,
    POISON_IN_A_ROW_MAX,
    BusError,
    CommandFollower,
    RawRecord,
    ReaderState,
    StateFollower,
)
from monitoring.logs import get_logger
from monitoring.metrics import BusMetrics
from schemas.encoding import Decoded, DecodeError, decode, decode_stamp
from schemas.topics import DEADLETTER, TOPICS, Topic

BATCH_BYTES_MAX: Final = 1024 * 1024
"""A follower is given at most so many bytes at once (or one record): decoding them holds the loop for some 20 ms."""

_OTHER_TOPIC: Final = "other"

_log = get_logger()


def batches(records: Sequence[RawRecord]) -> Iterator[Sequence[RawRecord]]:
    """Records in order, in parts small enough to be taken in without holding the loop."""
    start = size = 0
    for index, record in enumerate(records):
        length = len(record.value) if record.value else 0
        if index > start and (index - start == BATCH_RECORDS_MAX or size + length > BATCH_BYTES_MAX):
            yield records[start:index]
            start, size = index, 0
        size += length
    if start < len(records):
        yield records[start:]


_LEVELS: Final = {ReaderState.FAILED: "error", ReaderState.DEGRADED: "warning", ReaderState.LIVE: "info"}
"""Starting and stopping are steps of somebody else's, who tells of them."""


class ReaderStatus:
    """Where a reader stands, told to its gauge, to the log when it changes, and to who waits for it to be live."""

    def __init__(self, name: str, metrics: BusMetrics) -> None:
        self.name = name
        self.state = ReaderState.UNSTARTED
        self.reason = ""
        self._caught_up = False
        self._stopped = False
        self._changed = asyncio.Event()
        self._gauges = {state: metrics.reader_state.labels(name, state.value) for state in ReaderState}
        for state, gauge in self._gauges.items():
            gauge.set(state is self.state)

    def started(self) -> None:
        """A start, from the beginning: nothing was given yet."""
        self._caught_up = self._stopped = False
        self._become(ReaderState.LOADING)

    def caught_up(self) -> None:
        """What was there at the start was given."""
        self._caught_up = True
        if self.state is not ReaderState.FAILED:
            self._become(ReaderState.LIVE)

    def degraded(self, reason: str, *, told: bool = False) -> None:
        """The bus does not answer in time; what was given stays right, and grows old. ``told``: the log has it."""
        if self.state in {ReaderState.LOADING, ReaderState.LIVE, ReaderState.DEGRADED}:
            self._become(ReaderState.DEGRADED, reason, told=told)

    def recovered(self) -> None:
        """The bus answers again."""
        if self.state is ReaderState.DEGRADED:
            self._become(ReaderState.LIVE if self._caught_up else ReaderState.LOADING)

    def failed(self, reason: str, *, told: bool = False) -> None:
        """The reader has ended for good; only a new start helps. The first reason stays. ``told``: the log has it."""
        if self.state is not ReaderState.FAILED:
            self._become(ReaderState.FAILED, reason, told=told)

    def stopped(self) -> None:
        """The reader was ended by its owner. A failure stays visible."""
        self._stopped = True
        self._become(self.state if self.state is ReaderState.FAILED else ReaderState.UNSTARTED, self.reason)

    async def live(self) -> None:
        """Wait until the reader is live; BusError if it failed or was stopped."""
        while self.state is not ReaderState.LIVE:
            if self.state is ReaderState.FAILED:
                raise BusError(f"the reader {self.name!r} failed: {self.reason}")
            if self._stopped:
                raise BusError(f"the reader {self.name!r} was stopped before it was live")
            await self._changed.wait()

    def _become(self, state: ReaderState, reason: str = "", *, told: bool = False) -> None:
        if state is not self.state:
            self._gauges[self.state].set(0)
            self._gauges[state].set(1)
            # By name: a logger's method, kept from the import on, would not know how the process logs.
            log = getattr(_log, "debug" if told else _LEVELS.get(state, "debug"))
            log(f"reader is {state}", reader=self.name, **({"reason": reason} if reason else {}))
        self.state, self.reason = state, reason
        # Each waiter holds the event of the moment it began to wait.
        self._changed.set()
        self._changed = asyncio.Event()


class Intake:
    """Takes raw records in for one follower. Every method answers whether the reader may go on."""

    def __init__(
        self, status: ReaderStatus, dead_letters: DeadLetters, metrics: BusMetrics, *, stamps: Sequence[Topic] = ()
    ) -> None:
        self.status = status
        self._stamps = frozenset(topic.name for topic in stamps)
        self._dead_letters = dead_letters
        self._bad = metrics.dead_letters
        self._delivered = {name: metrics.delivered.labels(name) for name in TOPICS}
        self._bad_in_a_row: dict[tuple[str, int], int] = {}

    def restart(self) -> None:
        """Begin anew, from the beginning."""
        self._bad_in_a_row.clear()
        self.status.started()

    def take(self, records: Sequence[RawRecord]) -> bool:
        """Decode records, step over the bad ones, give the good ones to the follower in order.

        Hand over one of :func:`batches` at a time and let other tasks run in between. False: the reader has failed,
        too many bad records came in a row or the follower raised; what follows must not be handed over.
        """
        if self.status.state is ReaderState.FAILED:
            return False
        facts: list[Decoded] = []
        poisoned = ""
        stamps, bad = self._stamps, self._bad_in_a_row
        for record in records:
            topic, partition, _, key, value = record
            try:
                facts.append(decode_stamp(topic, key, value) if topic in stamps else decode(topic, key, value))
            except Exception as error:  # noqa: BLE001 - a record must never end a reader, whatever a parser makes of it
                poisoned = self._step_over(record, _as_decode_error(error))
                if poisoned:
                    break
            else:
                if bad:
                    bad.pop((topic, partition), None)
        if facts and not self._give(facts):
            return False
        if poisoned:
            self.status.failed(poisoned)
        return not poisoned

    def caught_up(self) -> bool:
        """All that was there at the start was given: the bus says so once per start."""
        self.status.caught_up()
        return self.status.state is not ReaderState.FAILED

    def _deliver(self, facts: Sequence[Decoded]) -> None:
        raise NotImplementedError

    def _give(self, facts: Sequence[Decoded]) -> bool:
        about = {"key": facts[0].key} if len(facts) == 1 else {"first_key": facts[0].key, "facts": len(facts)}
        if not self._call(lambda: self._deliver(facts), **about):
            return False
        for topic, count in Counter([fact.topic.name for fact in facts]).items():
            self._delivered[topic].inc(count)
        return True

    def _call(self, call: Callable[[], None], **about: object) -> bool:
        # What was being read is not said, nor the exception's own words, which may quote it: it is somebody's wealth.
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever a follower raises is a bug that must be seen, not swallowed
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{where.name} in {where.filename.replace(chr(92), '/').rsplit('/', 1)[-1]}:{where.lineno}"
            _log.error(
                "a follower raised, its reader stops",
                reader=self.status.name,
                error=type(error).__name__,
                at=place,
                **about,
            )
            self.status.failed(f"its follower raised {type(error).__name__} at {place}")
            return False
        return True

    def _step_over(self, record: RawRecord, error: DecodeError) -> str:
        """Count and tell of a bad record; why the reader must stop, or nothing."""
        place = (record.topic, record.partition)
        row = self._bad_in_a_row[place] = self._bad_in_a_row.get(place, 0) + 1
        self._bad.labels(record.topic if record.topic in TOPICS else _OTHER_TOPIC, error.reason).inc()
        self._dead_letters.put(record, error)
        if row == 1:
            _log.warning(
                "a bad record was stepped over",
                reader=self.status.name,
                topic=record.topic,
                partition=record.partition,
                offset=record.offset,
                reason=error.reason,
            )
        if row < POISON_IN_A_ROW_MAX:
            return ""
        return (
            f"poisoned: {row} bad records in a row on {record.topic}, the last at offset {record.offset} "
            f"is {error.reason}; see {DEADLETTER.name} for what they are, mend their writer, then start again"
        )


class StateIntake(Intake):
    """The intake of a state reader."""

    def __init__(
        self,
        follower: StateFollower,
        status: ReaderStatus,
        dead_letters: DeadLetters,
        metrics: BusMetrics,
        *,
        stamps: Sequence[Topic] = (),
    ) -> None:
        super().__init__(status, dead_letters, metrics, stamps=stamps)
        self._follower = follower

    def _deliver(self, facts: Sequence[Decoded]) -> None:
        self._follower.apply(facts)

    def caught_up(self) -> bool:
        """Tell the follower too."""
        if self.status.state is ReaderState.FAILED or not self._call(self._follower.caught_up):
            return False
        return super().caught_up()

    def topic_reset(self, topic: Topic) -> bool:
        """Say that a topic was emptied."""
        if self.status.state is ReaderState.FAILED:
            return False
        return self._call(lambda: self._follower.topic_reset(topic), topic=topic.name)


class CommandIntake(Intake):
    """The intake of a command reader."""

    def __init__(
        self, follower: CommandFollower, status: ReaderStatus, dead_letters: DeadLetters, metrics: BusMetrics
    ) -> None:
        super().__init__(status, dead_letters, metrics)
        self._follower = follower

    def _deliver(self, facts: Sequence[Decoded]) -> None:
        for fact in facts:
            if fact.event is not None:
                self._follower.command(fact.event)


def _as_decode_error(error: Exception) -> DecodeError:
    if isinstance(error, DecodeError):
        return error
    return DecodeError("invalid", f"the record could not be read: {type(error).__name__}")
