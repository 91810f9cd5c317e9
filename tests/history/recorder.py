"""Writes the history of a run: every record of our topics as it lies on the broker, and every answer of the api.

The log is read by the plain client, without a group, from the beginning; nothing is ever committed. The api is polled
and streamed at the same time. Nothing here uses our own readers: what they would do wrong must not go unseen.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence

import aiohttp
from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import TOPICS
from tests.history.history import Answer, History, LogRecord, Text

POLL_SECONDS = 0.1
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 10.0
DRAIN_SECONDS = 20.0


class LogRecorder:
    """Records every topic of ours under a prefix; topics that come later are found."""

    def __init__(self, history: History, bootstrap: str, prefix: str) -> None:
        self._history = history
        self._bootstrap = bootstrap
        self._prefix = prefix
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self.read_to: dict[TopicPartition, int] = {}

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="log recorder")

    async def stop(self) -> None:
        """End when everything that is on the broker now was read."""
        await self.drain()
        self._stopping = True
        assert self._task is not None
        await asyncio.wait_for(self._task, DRAIN_SECONDS)

    async def drain(self) -> None:
        """Wait until everything that is on the broker now was read."""
        async with self._consumer() as consumer:
            places = await self._places(consumer)
            ends = await consumer.end_offsets(places) if places else {}
        async with asyncio.timeout(DRAIN_SECONDS):
            while any(self.read_to.get(place, 0) < end for place, end in ends.items()):
                self._look()
                await asyncio.sleep(0.02)

    def _look(self) -> None:
        if self._task is not None and self._task.done():
            self._task.result()

    @contextlib.asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=1_000,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def _places(self, consumer: AIOKafkaConsumer) -> list[TopicPartition]:
        await consumer._client.force_metadata_update()
        there = await consumer.topics()
        names = [self._prefix + name for name in TOPICS if self._prefix + name in there]
        return [TopicPartition(name, part) for name in names for part in consumer.partitions_for_topic(name) or ()]

    async def _run(self) -> None:
        async with self._consumer() as consumer:
            known: set[TopicPartition] = set()
            looked_at = 0.0
            while not self._stopping:
                if time.monotonic() - looked_at > 1 and len(known) < sum(topic.partitions for topic in TOPICS.values()):
                    looked_at = time.monotonic()
                    places = set(await self._places(consumer))
                    if places != known:
                        known = places
                        consumer.assign(list(known))
                        for place in known:
                            consumer.seek(place, self.read_to.get(place, 0))
                if not known:
                    await asyncio.sleep(0.1)
                    continue
                for place, batch in (await consumer.getmany(timeout_ms=100)).items():
                    self._history.records += [self._record(record) for record in batch]
                    self.read_to[place] = batch[-1].offset + 1

    def _record(self, record) -> LogRecord:  # type: ignore[no-untyped-def]
        return LogRecord(
            topic=record.topic.removeprefix(self._prefix),
            partition=record.partition,
            offset=record.offset,
            at=record.timestamp / 1000,
            key=record.key,
            value=record.value,
            headers=tuple(record.headers),
        )


class ApiRecorder:
    """Asks for portfolios all the time, by polling and by streaming. An api that is away is asked again."""

    def __init__(self, history: History, url: str, portfolios: Sequence[str] = ("main",)) -> None:
        self._history = history
        self._url = url
        self._portfolios = portfolios
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS, sock_read=ANSWER_SECONDS)
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._streams = 0

    async def start(self) -> None:
        for portfolio in self._portfolios:
            self._tasks.append(asyncio.create_task(self._poll(f"{self._url}/api/portfolio?portfolio={portfolio}")))
            self._tasks.append(
                asyncio.create_task(self._stream(f"{self._url}/api/portfolio/stream?portfolio={portfolio}"))
            )

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def text(self, url: str) -> None:
        """Keep what an address says, wherever it is (metrics, health)."""
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            async with self._session.get(url) as response:
                self._history.texts.append(Text(url, repr(response.headers).encode() + await response.read()))

    async def poll(self, url: str, etag: str | None = None) -> Answer:
        """Ask once."""
        asked_at = time.time()
        async with self._session.get(url, headers={"If-None-Match": etag} if etag else {}) as response:
            body = await response.read()
            answer = Answer("poll", url, asked_at, time.time(), response.status, tuple(response.headers.items()), body)
        self._history.answers.append(answer)
        return answer

    async def _poll(self, url: str) -> None:
        etag: str | None = None
        turn = 0
        while True:
            turn += 1
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                # Every other time as one who has the last answer already.
                etag = (await self.poll(url, etag if turn % 2 else None)).etag
            await asyncio.sleep(POLL_SECONDS)

    async def _stream(self, url: str) -> None:
        while True:
            self._streams += 1
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                await self._one_stream(url, f"stream {self._streams}")
            await asyncio.sleep(POLL_SECONDS)

    async def _one_stream(self, url: str, source: str) -> None:
        before = time.time()
        async with self._session.get(url) as response:
            headers = tuple(response.headers.items())
            waiting = b""
            async for piece in response.content.iter_any():
                # Lines end with \n or \r\n, events with an empty line.
                waiting = (waiting + piece).replace(b"\r\n", b"\n")
                *events, waiting = waiting.split(b"\n\n")
                for event in events:
                    data = [line[6:] for line in event.split(b"\n") if line.startswith(b"data: ")]
                    if data:
                        now = time.time()
                        answer = Answer(source, url, before, now, response.status, headers, b"\n".join(data))
                        self._history.answers.append(answer)
                        before = now
