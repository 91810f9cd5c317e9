"""The readers of the embedded bus."""

import asyncio
from collections.abc import Callable, Sequence

from bus.backlog import CommandBacklog, StateBacklog
from bus.interface import BATCH_RECORDS_MAX, BusError, RawRecord, ReaderState
from bus.reader import Intake, batches
from monitoring.logs import get_logger

_log = get_logger()


class LocalReader:
    """Gives one follower what waits for it, from a task of its own."""

    def __init__(
        self,
        topics: Sequence[str],
        intake: Intake,
        backlog: StateBacklog | CommandBacklog,
        *,
        join: Callable[["LocalReader"], None],
        leave: Callable[["LocalReader"], None],
        spared: Callable[[], None],
    ) -> None:
        self.topics = tuple(topics)
        self.follows_state = isinstance(backlog, StateBacklog)
        self._intake = intake
        self._status = intake.status
        self._backlog = backlog
        self._join = join
        self._leave = leave
        self._spared = spared
        self._wake = asyncio.Event()
        self._left_at_start: int | None = None
        self._task: asyncio.Task[None] | None = None

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
        """Why it failed, for people; empty otherwise."""
        return self._status.reason

    async def start(self) -> None:
        """Begin to follow, at once or as soon as the bus is started. BusError if it runs already."""
        if self._task is not None:
            raise BusError(f"the reader {self.name!r} was started already")
        self._left_at_start = None
        self._intake.restart()
        self._join(self)
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"reader {self.name}")

    async def live(self) -> None:
        """Wait until the reader is live. BusError if it failed."""
        await self._status.live()

    async def stop(self) -> None:
        """End. Nothing is given to the follower afterwards."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait({task})
        self._end()
        self._status.stopped()

    def attach(self, records: Sequence[RawRecord]) -> None:
        """The bus is there, and holds these records now; what comes is given by :meth:`offer`."""
        for record in records:
            self._backlog.push(record)
        self._left_at_start = len(self._backlog)
        self._wake.set()

    def offer(self, record: RawRecord) -> None:
        """A new record. It is not waited for."""
        if self._backlog.push(record):
            self._spared()
        self._wake.set()

    async def _run(self) -> None:
        try:
            going = True
            while going:
                await self._wake.wait()
                self._wake.clear()
                going = await self._give()
        except Exception as error:  # noqa: BLE001 - a reader that ended without a word would look healthy
            _log.exception("a reader broke", reader=self.name)
            self._status.failed(f"the reader broke: {type(error).__name__}")
        finally:
            self._end()

    def _end(self) -> None:
        # Also after a stop that came before the task's first step, which then never ran.
        self._leave(self)
        self._backlog.clear()

    async def _give(self) -> bool:
        """Give all that waits; whether to go on. What was there at the start comes first, since the oldest do."""
        while True:
            if self._left_at_start == 0:
                self._left_at_start = None
                if not self._intake.caught_up():
                    return False
            if not self._backlog:
                return True
            records = self._backlog.pop(min(self._left_at_start or BATCH_RECORDS_MAX, BATCH_RECORDS_MAX))
            for batch in batches(records):
                if not self._intake.take(batch):
                    return False
                await asyncio.sleep(0)
            if self._left_at_start is not None:
                self._left_at_start -= len(records)
