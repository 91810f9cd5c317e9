"""One connection of a reader: a FastStream batch subscriber over explicit partitions, on a consumer that we steer.

FastStream runs the loop and hands batches over; everything that its defaults would get wrong is decided here (each
point was measured, and has its test):

- its parsers decode headers, and lose a whole batch in silence when one is not UTF-8; ours look at no header at all, so
  ``reply_to`` steers nothing either, and ``no_reply`` says so again;
- its loop sleeps as long as it waited when nothing came, and five seconds after an error; our consumer's ``getmany``
  returns with records, or not at all, and reports errors to the reader;
- it swallows what a handler raises and goes on behind those records; our handler ends the session instead;
- its subscriber and its consumer stop within no bound; they are ended by ``kafka_close``.

No group, no commits: where a reader stands is the reader's own, from the offsets that the broker says at the start.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.protocol.fetch import FetchRequest
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka import TopicPartition as SubscribedPartition
from faststream.kafka.message import KafkaMessage

from bus.interface import BATCH_RECORDS_MAX, RawRecord
from bus.kafka_client import ask_for_all_topics
from bus.kafka_close import close
from bus.kafka_records import records_in
from bus.kafka_settings import FETCH_WAIT_MS_MAX
from bus.progress import Offsets, Place

POLL_SECONDS: Final = 1.0
"""How long one wait for records is; it ends at once when some come."""

BEHIND_WAIT_MS: Final = 10
"""How long a broker waits for records while there are some elsewhere; it is asked a hundred times a second then."""

BATCH_RECORDS_FETCHED_MAX: Final = BATCH_RECORDS_MAX * 4
"""Records handed over in one call of the handler, which takes them in parts and lets others run between."""

_READ_UNCOMMITTED: Final = 0


class Steering(Protocol):
    """Who decides where a consumer stands and learns what became of it: the reader."""

    def positions(self, begins: Offsets, ends: Offsets) -> Offsets:
        """Where to begin, given what is there."""

    def taken(self) -> Offsets:
        """The offset behind what was taken in, of every partition."""

    def drained(self, consumer: "Consumer") -> bool:
        """All that was handed over has been taken in; the consumer asks for more. Whether it is behind."""

    async def out_of_range(self, consumer: "Consumer", places: Iterable[Place]) -> None:
        """There is nothing at the positions of these."""

    def broke(self, error: Exception) -> None:
        """The consumer cannot go on; this session is over."""

    async def take(self, records: Sequence[RawRecord]) -> None:
        """Take records in."""


class Consumer(AIOKafkaConsumer):  # type: ignore[misc] # untyped library
    """An aiokafka consumer of assigned partitions that begins where its reader says and never returns empty hands."""

    def __init__(self, steering: Steering, **options: Any) -> None:
        super().__init__(**options)
        ask_for_all_topics(self)
        self._steering = steering
        self._places: list[TopicPartition] = []
        self.placed = False
        """Whether it stands where the reader said."""
        self.waiting = False
        """Whether everything that came was handed over, so that the positions are those of the reader."""
        self.over = False
        """Whether its session has ended: nothing more is to be had of it."""

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Remember what to read. It is assigned at the start, when positions are known: before, it would be reset."""
        self._places = list(partitions)

    async def start(self) -> None:
        """Connect, learn what is there, and stand where the reader says."""
        await super().start()
        self._hurry(behind=True)
        begins, ends = await self.reach()
        super().assign(self._places)
        for place, offset in self._steering.positions(begins, ends).items():
            self.seek(place, offset)
        self.placed = True

    async def reach(self) -> tuple[Offsets, Offsets]:
        """Where each partition begins and ends on the broker."""
        return await self.beginning_offsets(self._places), await self.end_offsets(self._places)

    def seek(self, partition: Place, offset: int) -> None:
        """Read from there on."""
        super().seek(TopicPartition(*partition), offset)

    def standing(self) -> dict[Place, int]:
        """The position of every partition: the offset that comes next."""
        assignment = self._subscription.subscription.assignment
        return {place: assignment.state_value(place).position for place in self._places}

    async def getmany(
        self,
        *partitions: TopicPartition,  # noqa: ARG002 - FastStream names none
        timeout_ms: int = 0,  # noqa: ARG002 - its wait is not ours
        max_records: int | None = None,
    ) -> dict[TopicPartition, list[Any]]:
        """Records, as soon as there are some. ConsumerStoppedError at the end and after an error, which is reported."""
        while True:
            if self.over:
                raise errors.ConsumerStoppedError
            try:
                found = await self._wait(max_records)
            except errors.ConsumerStoppedError:
                raise
            except Exception as error:
                # Whatever it is: the loop that asks would do so again at once, and for ever.
                self.over = True
                self._steering.broke(error)
                raise errors.ConsumerStoppedError from error
            if found:
                return found

    async def _wait(self, max_records: int | None) -> dict[TopicPartition, list[Any]]:
        self._hurry(behind=self._steering.drained(self))
        self.waiting = True
        try:
            found: dict[TopicPartition, list[Any]] = await super().getmany(
                timeout_ms=int(POLL_SECONDS * 1000), max_records=max_records
            )
        except errors.OffsetOutOfRangeError as error:
            await self._steering.out_of_range(self, error.args[0])
            return {}
        except UnicodeDecodeError:
            # The name of a header is no UTF-8, and the library cannot read on. What it had decoded of other partitions
            # when it raised is lost with it, so all go back to what was taken in.
            return await self._fetch(self._steering.taken())
        finally:
            self.waiting = False
        return found

    def _hurry(self, *, behind: bool) -> None:
        """Let no partition that is read to its end hold up the others: one request to a broker is under way at a time.

        While there is something to read somewhere, the broker must not wait for more where there is nothing.
        """
        wait = BEHIND_WAIT_MS if behind else FETCH_WAIT_MS_MAX
        self._fetcher._fetch_max_wait_ms = wait  # noqa: SLF001 - read at each request; there is no public way

    async def _fetch(self, positions: Offsets) -> dict[TopicPartition, list[Any]]:
        by_leader: dict[Any, dict[str, list[tuple[int, int, int]]]] = {}
        for place, offset in positions.items():
            self.seek(place, offset)
            leader = self._client.cluster.leader_for_partition(TopicPartition(*place))
            asked = (place[1], offset, self._max_partition_fetch_bytes)
            by_leader.setdefault(leader, {}).setdefault(place[0], []).append(asked)
        found: dict[TopicPartition, list[Any]] = {}
        for leader, topics in by_leader.items():
            request = FetchRequest(0, 1, self._fetch_max_bytes, _READ_UNCOMMITTED, list(topics.items()))
            response = await self._client.send(leader, request)
            answers = ((topic, *answer) for topic, partitions in response.topics for answer in partitions)
            for topic, partition, code, *_, data in answers:
                error = errors.for_code(code)
                if error is not errors.NoError:
                    raise error
                place = TopicPartition(topic, partition)
                records, following = records_in(bytes(data or b""), topic, partition, positions[place])
                self.seek(place, following)
                if records:
                    found[place] = records
        return found


class Session:
    """A started subscriber, from its own broker object to its consumer; thrown away as a whole when it breaks."""

    def __init__(
        self, places: Sequence[Place], steering: Steering, options: Mapping[str, Any], plain_names: Mapping[str, str]
    ) -> None:
        self._plain_names = plain_names
        self._steering = steering
        self.consumer: Consumer | None = None
        self._over = False
        broker = KafkaBroker(
            options["bootstrap_servers"],
            client_id=options["client_id"],
            consumer_only=True,
            allow_auto_create_topics=False,
            ack_policy=AckPolicy.MANUAL,
            apply_types=False,
            logger=None,
            graceful_timeout=1.0,
        )

        def build(**asked: Any) -> Consumer:
            if asked.get("group_id") is not None or asked.get("enable_auto_commit"):
                raise RuntimeError("a reader of state has no group and commits nothing")
            self.consumer = Consumer(steering, **options)
            return self.consumer

        self._broker = broker
        self._build = build
        self._subscriber = broker.subscriber(
            partitions=[SubscribedPartition(topic, partition, declare=False) for topic, partition in places],
            batch=True,
            max_records=BATCH_RECORDS_FETCHED_MAX,
            no_reply=True,
        )
        self._subscriber(self._handle, parser=self._parse, decoder=_decode)

    async def start(self) -> None:
        """Connect and begin to hand over. KafkaError, OSError; the session is closed by its owner all the same."""
        await self._broker.connect()  # With consumer_only it opens nothing: it prepares the broker object.
        # Instead of what it prepared as the maker of consumers: its options are the library's, ours are all explicit.
        self._broker.config.broker_config.builder = self._build
        await self._subscriber.start()

    async def close(self) -> None:
        """End within a bound, whatever the connection does. Nothing is handed over any more."""
        self._end()
        tasks = tuple(self._subscriber.tasks)
        if self.consumer is not None:
            await close(self.consumer, *tasks)
        await self._subscriber.stop()  # What it would wait for has ended.

    def _end(self) -> None:
        self._over = True
        if self.consumer is not None:
            self.consumer.over = True

    async def _parse(self, records: tuple[Any, ...]) -> KafkaMessage:
        """A batch as FastStream carries it. No header is looked at: anybody can write them, and anything."""
        return KafkaMessage(body=b"", raw_message=records, headers={}, reply_to="", consumer=_NOBODY)

    async def _handle(self, records: Sequence[Any]) -> None:
        if self._over:
            return
        names = self._plain_names
        raw = [
            _RAW(RawRecord, (names[record.topic], record.partition, record.offset, record.key, record.value))
            for record in records
        ]
        try:
            await self._steering.take(raw)
        except Exception as error:  # noqa: BLE001 - whatever it is, these records must not be held for taken in
            self._end()
            self._steering.broke(error)


class _NoConsumer:
    """What a message may commit by: nothing."""

    async def commit(self, *_: object) -> None:
        """Never."""
        raise RuntimeError("a reader of state commits nothing")

    def seek(self, *_: object) -> None:
        """Never."""
        raise RuntimeError("a reader of state is not sent back")


_RAW: Final = tuple.__new__
"""Makes a named tuple in half the time of its own way, which only puts names to places."""

_NOBODY: Final[Any] = _NoConsumer()


async def _decode(message: KafkaMessage) -> Any:
    """The raw records; they are decoded one by one behind this, so that a bad one is only itself."""
    return message.raw_message
