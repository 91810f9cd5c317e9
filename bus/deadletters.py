"""Dead letters: what became of records that could not be read, told on a topic of their own."""

import asyncio
import base64
import contextlib
import hashlib
import re
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from bus.interface import RawRecord
from monitoring.clock import Clock
from monitoring.logs import get_logger
from schemas import topics
from schemas.encoding import DecodeError, Encoded, encode
from schemas.events import DEADLETTER_BYTES_MAX, DeadLetter
from schemas.versions import EPOCH_RANDOM_MAX, next_epoch
from schemas.versions import Sequence as Versions

LETTERS_WAITING_MAX: Final = 100
"""Letters that wait to be published. Readers stop after twenty bad records in a row, so more are not worth memory."""

STOP_WAIT_SECONDS: Final = 1.0
"""How long the end of a bus waits for its last letters: they are for people, and best effort."""

Publish = Callable[[Sequence[Encoded]], Awaitable[None]]

_log = get_logger()
_NOT_A_TOPIC = re.compile(r"[^A-Za-z0-9._-]")


class DeadLetters:
    """Publishes a letter for each bad record, in the background and best effort.

    Nobody waits for it: a letter that cannot be published is dropped and said in the log, and no reader stops for it.
    """

    def __init__(self, publish: Publish, clock: Clock) -> None:
        self._publish = publish
        self._clock = clock
        self._versions = Versions(next_epoch(0, clock.now(), secrets.randbelow(EPOCH_RANDOM_MAX)))
        self._waiting: deque[Encoded] = deque(maxlen=LETTERS_WAITING_MAX)
        self._task: asyncio.Task[None] | None = None
        self._failing = False

    def put(self, record: RawRecord, error: DecodeError) -> None:
        """Tell of a bad record. One of the dead letters themselves is not told of again: that would never end."""
        if record.topic == topics.DEADLETTER.name:
            return
        self._waiting.append(encode(self._letter(record, error)))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._send(), name="dead letters")

    async def stop(self) -> None:
        """Wait a moment for the last letters, then give up on them. Never raises."""
        if self._task is not None:
            _, late = await asyncio.wait({self._task}, timeout=STOP_WAIT_SECONDS)
            for task in late:
                _log.warning("dead letters were left unpublished at the end")
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _send(self) -> None:
        try:
            while self._waiting:
                letters = list(self._waiting)
                self._waiting.clear()
                try:
                    await self._publish(letters)
                    self._failing = False
                except Exception as error:  # noqa: BLE001 - whatever happened, it must not reach a reader
                    if not self._failing:
                        _log.warning("dead letters could not be published", letters=len(letters), reason=str(error))
                    self._failing = True
        finally:
            self._task = None

    def _letter(self, record: RawRecord, error: DecodeError) -> DeadLetter:
        source = _NOT_A_TOPIC.sub("_", record.topic)[:249] or "_"
        value = record.value or b""
        epoch, seq = self._versions.next(source)
        return DeadLetter(
            epoch=epoch,
            seq=seq,
            published_at=self._clock.now(),
            source=source,
            partition=record.partition,
            offset=record.offset,
            reason=error.reason,
            message=str(error),
            size_bytes=len(value),
            sha256=hashlib.sha256(value).hexdigest(),
            head=base64.b64encode(value[:DEADLETTER_BYTES_MAX]).decode("ascii"),
        )
