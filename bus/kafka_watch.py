"""The bus's eye on the broker: is it there, are our topics there and as they must be, how far do they reach.

One small loop on a connection of its own, which no long poll holds up. What it sees it tells the readers: that the
broker is away, that it is back, where each partition ends, and that a topic was emptied (it has another id than
before). Topics that are missing are made, at the start and at any time later.
"""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition, errors

from bus.interface import BusError, NotAuthorisedError, TopicsError
from bus.kafka_client import ask_for_all_topics, client_of, is_refusal, probe, reason_of
from bus.kafka_close import close
from bus.kafka_metadata import TopicOnBroker, topics_on_broker
from bus.kafka_settings import KafkaSettings, consumer_options
from bus.kafka_topics import TopicAdmin
from bus.progress import Offsets, Place
from monitoring.logs import get_logger
from monitoring.metrics import BusMetrics
from schemas.topics import TOPICS

if TYPE_CHECKING:
    import uuid

WATCH_SECONDS: Final = 0.5
LOOK_SECONDS_MAX: Final = 3.0
"""For one look; a broker that takes longer is away."""

FIRST_LOOK_SECONDS_MAX: Final = 20.0
"""For a look that connects first, and verifies the topics: some sixty exchanges one after the other with TLS and SASL,
over a line that may need 0.2 s for each. A broker that swallows everything is found out by the first of them."""

VERIFY_SECONDS: Final = 60.0
"""How often the topics' settings are looked at again: whoever runs goes on, and who starts next would be refused."""

RETRY_SECONDS_MIN: Final = 0.2
RETRY_SECONDS_MAX: Final = 1.0
"""Short, since a broker on its way up is waited for by people; a refused connection costs nearly nothing."""

AWAY_AFTER_LOOKS: Final = 2
"""One look that fails is a hiccup, two in a row are an outage."""

_log = get_logger()


class Watched(Protocol):
    """A reader, as the watch knows it."""

    @property
    def places(self) -> Sequence[Place]:
        """What it reads."""

    def seen(self, ends: Offsets) -> None:
        """The broker answers; where partitions end."""

    def away(self, reason: str) -> None:
        """The broker does not answer."""

    def emptied(self, topic: str) -> None:
        """A topic, by its plain name, was emptied: it is another one under the old name."""


class Watch:
    """See the module."""

    def __init__(
        self, settings: KafkaSettings, client_id: str, metrics: BusMetrics, failed: Callable[[BusError], None]
    ) -> None:
        """``failed`` is told what only a person can mend."""
        self._settings = settings
        self._client_id = client_id
        self._metrics = metrics
        self._failed = failed
        self._client: AIOKafkaConsumer | None = None
        self._task: asyncio.Task[None] | None = None
        self._ids: dict[str, uuid.UUID] = {}
        self._verified = False
        self._verified_at = 0.0
        self._verifying: asyncio.Task[None] | None = None
        self._look_now = asyncio.Event()
        self._failures = 0
        self._server = ""
        self.ready = asyncio.Event()
        """Set from when on all topics have been there once, as they must be."""
        self.problem = "the broker has not answered yet"
        """Why it cannot be used at the moment; empty when it can."""
        self.warning = ""
        """What is wrong with the topics since they were verified; empty when nothing is."""
        self.readers: set[Watched] = set()
        self.stopped = False

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="kafka watch")

    async def stop(self) -> None:
        """End; bounded."""
        self.stopped = True
        try:
            tasks = {task for task in (self._task, self._verifying) if task is not None}
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await self._disconnect()

    def look(self) -> None:
        """Look at once, instead of in half a second: somebody missed a topic."""
        self._look_now.set()

    def bootstrap(self) -> dict[str, list[str]]:
        """An option for other clients: to begin at the server that was found to answer, if one was."""
        return {"bootstrap_servers": [self._server]} if self._server else {}

    async def _run(self) -> None:
        while True:
            pause = WATCH_SECONDS
            self._look_now.clear()
            try:
                longest = LOOK_SECONDS_MAX if self._client is not None else FIRST_LOOK_SECONDS_MAX
                async with asyncio.timeout(longest):
                    client = self._client or await self._connect()
                    there = await self._topics(client)
                    ends = await self._ends(client)
                self._told(there, ends)
                self._verify_now_and_then()
            except (NotAuthorisedError, TopicsError) as error:
                self.problem = str(error)
                self._failed(error)
                return
            except (errors.KafkaError, BusError, OSError, TimeoutError) as error:
                if is_refusal(error):
                    self._failed(NotAuthorisedError(f"the broker refuses this process: {type(error).__name__}"))
                    return
                pause = await self._away(error)
            except Exception as error:  # noqa: BLE001 - a bus whose watch has ended without a word would look healthy
                _log.error("watching Kafka failed by a mistake of ours", error=type(error).__name__)
                pause = await self._away(error)
            if not self._look_now.is_set():
                try:
                    async with asyncio.timeout(pause):
                        await self._look_now.wait()
                except TimeoutError:
                    continue

    async def _connect(self) -> AIOKafkaConsumer:
        self._server = await probe(self._settings, self._client_id)
        client = AIOKafkaConsumer(**consumer_options(self._settings, self._client_id) | self.bootstrap())
        ask_for_all_topics(client)
        self._client = client
        await client.start()
        return client

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await close(client)

    async def _away(self, error: BaseException) -> float:
        """The look failed; how long to wait for the next."""
        self._failures += 1
        reason = reason_of(error) if not isinstance(error, BusError) else str(error)
        if self._failures == AWAY_AFTER_LOOKS:
            _log.warning("Kafka does not answer; what is known is kept, and it is tried again", reason=reason)
        if self._failures >= AWAY_AFTER_LOOKS or not self.ready.is_set():
            self.problem = reason
        if self._failures >= AWAY_AFTER_LOOKS:
            self._server = ""
            for reader in tuple(self.readers):
                reader.away(self.problem)
        await self._disconnect()
        longest = min(RETRY_SECONDS_MAX, RETRY_SECONDS_MIN * 2 ** min(self._failures, 10))
        return random.uniform(RETRY_SECONDS_MIN, longest)  # noqa: S311 - jitter, not secrecy

    def _told(self, there: Mapping[str, TopicOnBroker], ends: Offsets) -> None:
        if self._failures >= AWAY_AFTER_LOOKS:
            _log.info("Kafka answers again")
        self._failures = 0
        self.problem = ""
        self.ready.set()
        for name, topic in there.items():
            before = self._ids.get(name)
            if topic.id is None:
                continue
            self._ids[name] = topic.id
            if before is not None and before != topic.id:
                for reader in tuple(self.readers):
                    if any(place[0] == self._settings.topic(name) for place in reader.places):
                        reader.emptied(name)
        for reader in tuple(self.readers):
            reader.seen(ends)

    async def _topics(self, client: AIOKafkaConsumer) -> dict[str, TopicOnBroker]:
        """Our topics, all of them: missing ones are made first."""
        names = {self._settings.topic(name): name for name in TOPICS}
        found = await topics_on_broker(client_of(client), list(names))
        if len(found) < len(names) or not self._verified or self._is_another(names, found):
            await self._make_and_verify()
            found = await topics_on_broker(client_of(client), list(names))
        if len(found) < len(names):
            raise BusError("the topics are being made")
        if leaderless := sorted(name for name, topic in found.items() if not topic.ready):
            await client_of(client).force_metadata_update()
            raise BusError(f"partitions of {', '.join(leaderless)} have no leader")
        return {names[name]: topic for name, topic in found.items()}

    def _is_another(self, names: Mapping[str, str], found: Mapping[str, TopicOnBroker]) -> bool:
        """Whether a topic is not the one that was verified: somebody made it anew, maybe otherwise than we would."""
        known = ((self._ids.get(names[name]), topic.id) for name, topic in found.items())
        return any(before is not None and before != now for before, now in known)

    async def _make_and_verify(self) -> None:
        async with TopicAdmin(self._settings, client_id=self._client_id) as admin:
            made = await admin.create_missing()
            if made:
                self._metrics.topics_made.inc(len(made))
                names = ", ".join(self._settings.topic(name) for name in made)
                _log.info("topics were missing and are made", topics=names)
            if len(await admin.existing()) < len(TOPICS):
                # Somebody else is just making them, maybe otherwise: what is not seen was not verified.
                raise BusError("the topics are being made")
            problems = await admin.problems()
        if problems:
            raise TopicsError("the topics on Kafka are not as they must be. " + " | ".join(map(str, problems)))
        self._verified = True
        self._verified_at = time.monotonic()

    def _verify_now_and_then(self) -> None:
        """Look at the settings again, beside the looks that must be quick."""
        if self._verifying is not None and not self._verifying.done():
            return
        if time.monotonic() - self._verified_at >= VERIFY_SECONDS:
            self._verified_at = time.monotonic()
            self._verifying = asyncio.create_task(self._verify(), name="kafka topics")

    async def _verify(self) -> None:
        try:
            async with TopicAdmin(self._settings, client_id=self._client_id) as admin:
                problems = await admin.problems()
        except BusError:
            return  # Whether the broker answers is told by the looks.
        self._metrics.topics_wrong.set(len({problem.topic for problem in problems}))
        warning = " | ".join(map(str, problems))
        if warning and not self.warning:
            _log.warning("topics on Kafka were altered; a process that starts now is refused by them", reason=warning)
        elif self.warning and not warning:
            _log.info("the topics on Kafka are as they must be again")
        self.warning = warning

    async def _ends(self, client: AIOKafkaConsumer) -> Offsets:
        places = [TopicPartition(*place) for place in {place for reader in self.readers for place in reader.places}]
        if not places:
            return {}
        ends: Offsets = await client.end_offsets(places)
        return ends
