"""From a balance event on the bus to the frame of the live stream that shows it, on a real Apache Kafka.

The aggregator and the api run as users run them, each a process of its own. A hundred people hold twenty coins each,
and everybody's stream is open. Two hundred balance events a second are published evenly, one batch each, every one
with an amount of its own; prices stand still. Publisher and readers share a third process, and all share the machine.
"""

import asyncio
import datetime as dt
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import aiohttp

from benchmarks.kafka import broker, ready_bus
from benchmarks.records import ASSETS, PORTFOLIOS, ROWS, quote, snapshot, status
from benchmarks.table import Row, at_most, not_run
from bus.kafka import KafkaBus
from bus.kafka_settings import KafkaSettings
from localkafka import KafkaUnavailableError, free_port
from schemas.encoding import Encoded
from schemas.events import Balance

EVENTS_PER_SECOND: Final = 200
WARM_UP_EVENTS: Final = 600
EVENTS: Final = 4_000
START_SECONDS: Final = 60.0
LATE_SECONDS: Final = 10.0
EXCHANGE: Final = "binance"
BEAT: Final = "BEAT"
"""The coin whose amount counts the events of a person."""

_SHOWN: Final = re.compile(rb'"asset":"BEAT"[^}]*?"total":"([0-9]+)"')

ROW: Final = "balance event on Kafka -> in the SSE stream, 200/s over 100 portfolios"


@asynccontextmanager
async def _process(folder: str, environment: dict[str, str], role: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "cli", role, "--child"),
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(url: str) -> None:
    async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(f"{url}/ready") as response:
                    if response.ok:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


class Person:
    """A portfolio: what it holds, what of it was published when, and what its stream has shown."""

    def __init__(self, name: str, source: random.Random) -> None:
        self.name = name
        self._source = source
        self._amounts = {asset: self._amount() for asset in source.sample(ASSETS, ROWS - 1)}
        self._beat = 0
        self.waiting: deque[tuple[int, float]] = deque()
        self.latencies: list[float] = []
        self.connected = asyncio.Event()

    def _amount(self) -> str:
        return f"{self._source.randrange(1, 10**11) / 10**8:.8f}"

    def event(self) -> Encoded:
        """The next snapshot: the count, and one more amount, are new."""
        self._beat += 1
        self._amounts[self._source.choice(list(self._amounts))] = self._amount()
        rows = {**self._amounts, BEAT: str(self._beat)}
        balances = tuple(Balance(asset=asset, free=a, locked="0", total=a) for asset, a in rows.items())
        return snapshot(self.name, EXCHANGE, self._beat, balances, dt.datetime.now(dt.UTC))

    def published(self) -> None:
        """The last event is handed to the bus at this moment."""
        self.waiting.append((self._beat, time.perf_counter()))

    async def follow(self, port: int) -> None:
        """Read the stream, frame by frame."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = f"GET /api/portfolio/stream?portfolio={self.name} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"
        writer.write(request.encode())
        try:
            rest = b""
            while data := await reader.read(1 << 18):
                now = time.perf_counter()
                *frames, rest = (rest + data).split(b"\n\n")
                for frame in frames:
                    self._look(frame, now)
        finally:
            writer.close()

    def _look(self, frame: bytes, now: float) -> None:
        shown = _SHOWN.search(frame)
        if shown is None:
            return
        self.connected.set()
        beat = int(shown[1])
        while self.waiting and self.waiting[0][0] <= beat:
            self.latencies.append(now - self.waiting.popleft()[1])


async def _publish_evenly(bus: KafkaBus, people: list[Person], count: int) -> None:
    """Everybody in turn; no event waits for the one before to be acknowledged."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / EVENTS_PER_SECOND - loop.time()))
            person = people[number % len(people)]
            fact = person.event()
            person.published()
            tasks.create_task(bus.publish([fact]))


async def _latencies(bootstrap: str) -> list[float]:
    settings = KafkaSettings(bootstrap, topic_prefix="live.")
    api, metrics = free_port(), free_port()
    environment = {
        **{name: text for name, text in os.environ.items() if name in {"PATH", "HOME", "LANG"}},
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "TOPIC_PREFIX": settings.topic_prefix,
        "API_PORT": str(api),
        "LOG_FORMAT": "json",
    }
    source = random.Random(9)
    people = [Person(f"p{number}", source) for number in range(PORTFOLIOS)]
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        bus = await ready_bus(settings)
        stack.push_async_callback(bus.stop)
        now = dt.datetime.now(dt.UTC)
        await bus.publish([quote(EXCHANGE, asset, "12.5", now) for asset in (*ASSETS, BEAT)])
        await bus.publish([status(person.name, EXCHANGE, 1, now) for person in people])
        await bus.publish([person.event() for person in people])
        await stack.enter_async_context(_process(folder, {**environment, "METRICS_PORT": str(metrics)}, "aggregator"))
        await stack.enter_async_context(_process(folder, environment, "api"))
        await _ready(f"http://127.0.0.1:{metrics}")
        await _ready(f"http://127.0.0.1:{api}")
        streams = [asyncio.create_task(person.follow(api)) for person in people]
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.gather(*(person.connected.wait() for person in people))
            await _publish_evenly(bus, people, WARM_UP_EVENTS)
            await _shown(people)
            for person in people:
                person.latencies.clear()
            await _publish_evenly(bus, people, EVENTS)
            await _shown(people)
        finally:
            for stream in streams:
                stream.cancel()
            await asyncio.gather(*streams, return_exceptions=True)
    return [latency for person in people for latency in person.latencies]


async def _shown(people: list[Person]) -> None:
    async with asyncio.timeout(LATE_SECONDS):
        while any(person.waiting for person in people):
            await asyncio.sleep(0.01)


def rows() -> list[Row]:
    """The rows of the table."""
    try:
        with broker() as bootstrap:
            latencies = asyncio.run(_latencies(bootstrap))
    except KafkaUnavailableError as error:
        goals = {f"{ROW}: p50": "<= 10", f"{ROW}: p95": "<= 50"}
        return not_run(goals, f"for want of a Kafka: {error}")
    assert len(latencies) == EVENTS
    cuts = statistics.quantiles(latencies, n=100)
    return [
        at_most(f"{ROW}: p50", cuts[49] * 1e3, 10.0, "ms"),
        at_most(f"{ROW}: p95", cuts[94] * 1e3, 50.0, "ms"),
        Row("  p99", cuts[98] * 1e3, "ms"),
        Row("  largest", max(latencies) * 1e3, "ms"),
    ]
