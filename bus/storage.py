"""Writes the state file beside the event loop: one thread, and one transaction for all batches that wait."""

import asyncio
import contextlib
import functools
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from bus.statefile import StateFile, StoredRecord
from monitoring.clock import Clock
from monitoring.logs import get_logger
from monitoring.metrics import BusMetrics

COMMIT_INTERVAL_SECONDS: Final = 0.01
"""At most a hundred transactions a second: a lone batch is written at once, those right behind it together."""

STORAGE_RETRY_SECONDS: Final = 5.0
"""After a failed write so long nothing is written: a full disk does not get better by being asked all the time."""

T = TypeVar("T")

_log = get_logger()


class StorageThread:
    """One thread that runs one job after the other. A daemon: a disk that hangs must not keep the process alive."""

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Run a call after those before it; its result or its exception. Cancelling the future stops nothing."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                settle = functools.partial(_settle, future, call())
            except Exception as error:  # noqa: BLE001 - handed to who waits for it
                settle = functools.partial(_fail, future, error)
            with contextlib.suppress(RuntimeError):  # The loop was closed: nobody waits any more.
                loop.call_soon_threadsafe(settle)

        self._jobs.put(job)
        return future

    def end(self, last: Callable[[], None] | None = None) -> None:
        """Let the thread end after the jobs that wait and, if given, a last one that does not raise."""
        if last is not None:
            self._jobs.put(last)
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


def _settle(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


@dataclass(frozen=True, slots=True)
class _Batch:
    records: Sequence[StoredRecord]
    done: Callable[[], None]


class Storage:
    """Makes batches durable in order. Where the file cannot be written any more it says so and lets them pass.

    ``newest`` gives the newest record of every key that was let pass; after missed writes the file is made to hold
    exactly these.
    """

    def __init__(
        self, path: Path, newest: Callable[[], Iterable[StoredRecord]], metrics: BusMetrics, clock: Clock
    ) -> None:
        self._path = path
        self._file = StateFile(path)
        self._newest = newest
        self._failures = metrics.storage_failures
        self._clock = clock
        self._batches: list[_Batch] = []
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._thread: StorageThread | None = None
        self._task: asyncio.Task[None] | None = None
        self._retry_at = 0.0
        self.problem = ""
        """Why the file does not hold the newest, for people; empty as long as it does."""
        self.waiting_facts = 0
        self.waiting_bytes = 0

    async def open(self) -> list[StoredRecord]:
        """Open the file and begin to write; what it holds, oldest first. BusError where it cannot be used."""
        thread = StorageThread("state file")
        try:
            records = await thread.submit(self._file.open)
        except BaseException:
            thread.end()
            raise
        self._thread = thread
        self._task = asyncio.get_running_loop().create_task(self._write(thread), name="state file")
        return records

    def put(self, records: Sequence[StoredRecord], done: Callable[[], None]) -> None:
        """Write a batch; ``done`` is called when it is durable, after those of all batches before it."""
        self._batches.append(_Batch(records, done))
        self.waiting_facts += len(records)
        self.waiting_bytes += _size(records)
        self._idle.clear()
        self._work.set()

    async def close(self, deadline_seconds: float) -> None:
        """Write what waits and let the file go, within the deadline."""
        if self._thread is None or self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_seconds):
                await self._idle.wait()
                if self.problem:
                    self._retry_at = 0.0
                    await self._commit(self._thread, [])
                await self._thread.submit(self._file.close)
        self._task.cancel()
        await asyncio.wait({self._task})
        self._thread.end(self._file.close)
        if self.problem:
            _log.error("the state file lacks the newest records", file=str(self._path), reason=self.problem)

    async def _write(self, thread: StorageThread) -> None:
        loop = asyncio.get_running_loop()
        free_at = loop.time()
        while True:
            await self._work.wait()
            # Slept before a write, not after one: a loop that has nothing to do is not woken for it.
            if (pause := free_at - loop.time()) > 0:
                await asyncio.sleep(pause)
            free_at = loop.time() + COMMIT_INTERVAL_SECONDS
            self._work.clear()
            batches, self._batches = self._batches, []
            await self._commit(thread, [record for batch in batches for record in batch.records])
            for batch in batches:
                self.waiting_facts -= len(batch.records)
                self.waiting_bytes -= _size(batch.records)
                batch.done()
            if not self._batches:
                self._idle.set()

    async def _commit(self, thread: StorageThread, records: Sequence[StoredRecord]) -> None:
        if self.problem and self._clock.monotonic() < self._retry_at:
            return
        newest: dict[tuple[str, bytes | None], StoredRecord] = {}
        for record in sorted(records, key=lambda record: record.raw.offset):
            newest[record.raw.topic, record.raw.key] = record
        if self.problem:
            job = functools.partial(self._file.rewrite, [*self._newest(), *newest.values()])
        else:
            job = functools.partial(self._file.write, list(newest.values()))
        try:
            await thread.submit(job)
        except Exception as error:  # noqa: BLE001 - whatever the disk says, the portfolio is served from memory
            self._failures.inc()
            self._retry_at = self._clock.monotonic() + STORAGE_RETRY_SECONDS
            if not self.problem:
                _log.error(
                    "the state file cannot be written; serving from memory, a restart would show older values",
                    file=str(self._path),
                    reason=str(error),
                )
            self.problem = f"{self._path} cannot be written: {error}"
        else:
            if self.problem:
                _log.info("the state file is written again", file=str(self._path))
            self.problem = ""


def _size(records: Iterable[StoredRecord]) -> int:
    return sum(len(record.raw.value) for record in records if record.raw.value)
