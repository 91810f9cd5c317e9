"""The pulse of a process: how late its event loop wakes."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Final

import structlog

from monitoring.clock import Clock
from monitoring.metrics import ProcessMetrics

PULSE_SECONDS: Final = 0.5
SHOWN_SECONDS: Final = 30.0
"""The metric shows the longest lag of so long: twice the usual time between two looks of a Prometheus, which would
never see one that is over in a second."""

LAG_WARNING_SECONDS: Final = 1.0
"""An event loop that wakes this late keeps every part of the process waiting."""

_log = structlog.get_logger(__name__)


class Pulse:
    """Measures how late the event loop wakes, and warns when it was blocked: once when it begins, once when it ends."""

    def __init__(self, metrics: ProcessMetrics, clock: Clock) -> None:
        self._metrics = metrics
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to measure."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="pulse")

    async def _run(self) -> None:
        blocked = False
        lags: deque[tuple[float, float]] = deque()
        while True:
            before = self._clock.monotonic()
            await asyncio.sleep(PULSE_SECONDS)
            now = self._clock.monotonic()
            lag = max(0.0, now - before - PULSE_SECONDS)
            lags.append((now, lag))
            while lags[0][0] < now - SHOWN_SECONDS:
                lags.popleft()
            self._metrics.loop_lag.set(max(late for _, late in lags))
            if lag >= LAG_WARNING_SECONDS and not blocked:
                _log.warning("the event loop was blocked; everything in this process was late", seconds=round(lag, 3))
            elif lag < LAG_WARNING_SECONDS and blocked:
                _log.info("the event loop turns in time again")
            blocked = lag >= LAG_WARNING_SECONDS

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
