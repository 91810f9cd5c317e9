"""Loops that must not end: one that raises is begun again, slower each time, and counted. Its neighbours go on."""

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, NoReturn

from monitoring.clock import Clock
from monitoring.logs import get_logger
from monitoring.metrics import CollectorMetrics

FIRST_SECONDS: Final = 1.0
LONGEST_SECONDS: Final = 60.0
HEALTHY_SECONDS: Final = 60.0
"""A loop that ran so long is healthy again: its next failure is a first one."""

_log = get_logger()


async def keep_running(
    loop: Callable[[], Awaitable[object]],
    *,
    name: str,
    exchange: str,
    clock: Clock,
    chance: random.Random,
    metrics: CollectorMetrics,
) -> NoReturn:
    """Run the loop for ever. It should not return; if it does, that is a failure like any other."""
    failures = 0
    while True:
        began = clock.monotonic()
        try:
            await loop()
            what, where = "returned", ""
        except Exception as error:  # noqa: BLE001 - whatever it is, the other loops must not learn of it
            what, where = type(error).__name__, _place(error)
        if clock.monotonic() - began >= HEALTHY_SECONDS:
            failures = 0
        failures += 1
        metrics.loop_restarts.labels(exchange).inc()
        pause = chance.uniform(0.5, 1.0) * min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** min(failures - 1, 16))
        # The error's text stays out: it could quote anything. Its type and place are what a report needs.
        _log.error("a loop broke and is begun again", loop=name, exchange=exchange, error=what, at=where, seconds=pause)
        await asyncio.sleep(pause)


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
