"""What waits to be published: the newest fact per key, in batches, retried until the bus has it.

The loops that read exchanges hand facts over and go on; a bus that is away costs memory of one fact per key.
"""

import asyncio
import random
from itertools import islice
from typing import Final, NoReturn

from bus.interface import BATCH_RECORDS_MAX, Bus, PublishError
from monitoring.logs import get_logger
from schemas.encoding import Encoded

RETRY_FIRST_SECONDS: Final = 0.2
RETRY_LONGEST_SECONDS: Final = 1.0
"""A bus that is back has everything within two seconds; to ask one that is away costs nearly nothing."""

BATCH_BYTES_MAX: Final = 1024 * 1024
"""Of one batch (or one record): a line of 3 Mbit/s carries it within the deadline of the bus. One that never arrives in
time is tried again as a whole, for ever, and nothing behind it would be sent."""

FLUSH_SECONDS: Final = 2.0
"""At the stop, the last facts get so long; the rest of the bound is for closing connections."""

Name = tuple[str, str]

_log = get_logger()


class Outbox:
    """Facts on their way. A newer fact of a key takes the place of one that was not sent yet."""

    def __init__(self, bus: Bus, *, exchange: str, chance: random.Random) -> None:
        self._bus = bus
        self._exchange = exchange
        self._chance = chance
        self._waiting: dict[Name, Encoded] = {}
        self._sending: dict[Name, Encoded] = {}
        self._filled = asyncio.Event()
        self._failing = False

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sending)

    def put(self, fact: Encoded) -> None:
        """Hand a fact over; returns at once."""
        self._waiting[fact.topic.name, fact.key] = fact
        self._filled.set()

    @property
    def failing(self) -> bool:
        """Whether the bus does not take what is handed over."""
        return self._failing

    def withdraw(self, topic: str, key: str) -> None:
        """Take back what was not sent yet."""
        self._waiting.pop((topic, key), None)
        self._sending.pop((topic, key), None)

    async def run(self) -> NoReturn:
        """Publish for ever."""
        failures = 0
        while True:
            await self._filled.wait()
            try:
                await self._publish()
            except PublishError as error:
                failures += 1
                if not self._failing:
                    self._failing = True
                    _log.warning("the bus does not take events; they are kept", exchange=self._exchange, why=str(error))
                pause = min(RETRY_LONGEST_SECONDS, RETRY_FIRST_SECONDS * 2 ** min(failures, 16))
                await asyncio.sleep(self._chance.uniform(RETRY_FIRST_SECONDS, pause))
                continue
            failures = 0
            if self._failing:
                self._failing = False
                _log.info("the bus takes events again", exchange=self._exchange)

    async def flush(self) -> int:
        """Publish what is left within FLUSH_SECONDS; how many facts were not acknowledged."""
        try:
            async with asyncio.timeout(FLUSH_SECONDS):
                while self._waiting or self._sending:
                    await self._publish()
        except (TimeoutError, PublishError):
            pass
        return len(self)

    async def _publish(self) -> None:
        self._sending = {name: self._waiting.pop(name) for name in self._next_names()}
        if not self._waiting:
            self._filled.clear()
        try:
            if self._sending:
                await self._bus.publish(list(self._sending.values()))
            self._sending = {}
        except PublishError as error:
            left = error.left(list(self._sending.values()))
            self._sending = {(fact.topic.name, fact.key): fact for fact in left}
            if left:
                raise
        finally:
            # Not acknowledged: back into the line, unless something newer of the key stands there already.
            if self._sending:
                self._waiting = self._sending | self._waiting
                self._sending = {}
                self._filled.set()

    def _next_names(self) -> list[Name]:
        """What goes out next, the longest waiting first: as much as one batch may be."""
        names: list[Name] = []
        size = 0
        for name, fact in islice(self._waiting.items(), BATCH_RECORDS_MAX):
            size += len(fact.value or b"")
            if names and size > BATCH_BYTES_MAX:
                break
            names.append(name)
        return names
