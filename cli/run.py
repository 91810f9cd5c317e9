"""Running a composed process: signals, waiting for its end, stopping in order within a bound."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from bus.interface import ReplacedError
from cli.exits import Exit
from monitoring.logs import get_logger

STOP_SECONDS: Final = 5.0
"""A process has this long from the signal to its end. What is not done by then is given up."""

_log = get_logger()


class Role(Protocol):
    """A part that a composition root starts, waits for and stops."""

    async def start(self) -> None:
        """Begin; returns soon, whether or not the others are there."""

    async def wait(self) -> None:
        """Return or raise when the part must end by itself."""

    async def stop(self) -> object:
        """End; bounded. A number is how many facts were left unsent."""


def install_signals(stop: asyncio.Event) -> None:
    """Make Ctrl-C and SIGTERM set the event; a second one ends the process at once."""
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            sys.stderr.write("\nended at once\n")
            raise SystemExit(Exit.ERROR)
        stop.set()

    hang_up = [signal.SIGHUP] if hasattr(signal, "SIGHUP") else []  # A closed terminal window; not on Windows.
    for number in (signal.SIGINT, signal.SIGTERM, *hang_up):
        try:
            loop.add_signal_handler(number, on_signal)
        except NotImplementedError:  # Windows: the loop has no signal handlers; the plain ones wake it.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))


async def until_end(roles: Sequence[Role], stop: asyncio.Event) -> Exit:
    """Wait for the stop signal, or for the first role that ends by itself; what that means as an exit code."""
    stopping = asyncio.create_task(stop.wait(), name="stop")
    waits = [asyncio.create_task(_wait(role), name=f"wait {type(role).__name__}") for role in roles]
    try:
        done, _ = await asyncio.wait([stopping, *waits], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            error = task.exception()
            if isinstance(error, ReplacedError):
                _log.error("another process took over; this one leaves", reason=str(error))
                return Exit.REPLACED
            if error is not None:
                _log.error("a part ended", part=task.get_name(), reason=str(error), error=type(error).__name__)
            return Exit.ERROR
        return Exit.CLEAN
    finally:
        for task in (stopping, *waits):
            task.cancel()
        await asyncio.gather(stopping, *waits, return_exceptions=True)


async def _wait(role: Role) -> None:
    await role.wait()


async def stop_in_order(steps: Sequence[tuple[str, Callable[[], Awaitable[object]]]]) -> list[object]:
    """Run the steps one after the other within STOP_SECONDS together; a step that fails or hangs is named.

    What each step returned, None for one that failed.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + STOP_SECONDS
    results: list[object] = []
    for name, step in steps:
        try:
            results.append(await asyncio.wait_for(_await(step), timeout=max(ends_at - loop.time(), 0.05)))
        except TimeoutError:
            _log.warning("a part did not stop in time and is left behind", part=name)
            results.append(None)
        except Exception as error:  # noqa: BLE001 - the parts behind it must be stopped whatever this one does
            _log.warning("a part failed while stopping", part=name, error=f"{type(error).__name__}: {error}")
            results.append(None)
    return results


async def _await(step: Callable[[], Awaitable[object]]) -> object:
    return await step()
