"""Running a composed process: signals, waiting for its end, stopping in order within a bound."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from bus.interface import BusError, NotAuthorisedError, ReplacedError, TopicsError
from cli.exits import Exit, ExitError
from monitoring.logs import get_logger

STOP_SECONDS: Final = 5.0
"""A process has this long from the signal to its end. What is not done by then is given up."""

_log = get_logger()


REASON_SECONDS: Final = 1.0
"""A part that the bus has failed may notice before the bus has said why; its reason is worth this wait."""


class Waits(Protocol):
    """What may end by itself."""

    async def wait(self) -> None:
        """Return or raise when it must end."""


class Role(Waits, Protocol):
    """A part that a composition root starts, waits for and stops."""

    async def start(self) -> None:
        """Begin; returns soon, whether or not the others are there."""

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


async def until_end(parts: Sequence[Waits], stop: asyncio.Event) -> Exit:
    """Wait for the stop signal, or for the first part that ends by itself; what that means as an exit code.

    One line says why. Where several end at once, the one counts that tells most about what to do.
    """
    stopping = asyncio.create_task(stop.wait(), name="stop")
    waits = [asyncio.create_task(_wait(part), name=f"wait {type(part).__name__}") for part in parts]
    try:
        done, _ = await asyncio.wait([stopping, *waits], return_when=asyncio.FIRST_COMPLETED)
        if stopping in done:
            return Exit.CLEAN
        if all(type(task.exception()) is BusError for task in done):
            more, _ = await asyncio.wait(waits, timeout=REASON_SECONDS, return_when=asyncio.ALL_COMPLETED)
            done |= more
        return max((_meaning(task) for task in done), key=lambda found: found[0]).tell()
    finally:
        for task in (stopping, *waits):
            task.cancel()
        await asyncio.gather(stopping, *waits, return_exceptions=True)


_LINES: Final = {
    Exit.NOT_AUTHORISED: "Kafka does not permit what this process needs; it ends",
    Exit.REPLACED: "another process took over; this one leaves",
    Exit.WRONG_USE: "the topics are not as they must be; this process ends",
}


class _Meaning(NamedTuple):
    """What the end of a part means: its exit code, which also says how much it tells, and a line for the log."""

    code: Exit
    line: str
    about: dict[str, str]

    def tell(self) -> Exit:
        _log.error(self.line, **self.about)
        return self.code


def exit_of(error: BaseException) -> Exit:
    """The exit code that an error of the bus means."""
    match error:
        case NotAuthorisedError():
            return Exit.NOT_AUTHORISED
        case ReplacedError():
            return Exit.REPLACED
        case TopicsError():
            return Exit.WRONG_USE
        case _:
            return Exit.ERROR


def _meaning(task: asyncio.Task[Any]) -> _Meaning:
    error = task.exception()
    reason = {"reason": str(error)}
    if error is None:
        return _Meaning(Exit.ERROR, "a part ended", {"part": task.get_name()})
    if isinstance(error, ExitError):
        return _Meaning(error.code, str(error), {})
    code = exit_of(error)
    if code in _LINES:
        return _Meaning(code, _LINES[code], reason)
    return _Meaning(code, "a part ended", {"part": task.get_name(), **reason, "error": type(error).__name__})


async def _wait(part: Waits) -> None:
    await part.wait()


def unsent_of(results: Sequence[object]) -> Exit:
    """What the stop of all parts comes to: UNSENT, and a line with the number, where facts were left."""
    if unsent := sum(result for result in results if isinstance(result, int)):
        _log.error("ended with facts that were not acknowledged", unsent=unsent)
        return Exit.UNSENT
    return Exit.CLEAN


Step = tuple[str, Callable[[], Awaitable[object]]]
"""A part to stop: what it is called, and how it is stopped."""


async def stop_in_order(steps: Sequence[Step], *, seconds: float = STOP_SECONDS) -> list[object]:
    """Run the steps one after the other within these seconds together; a step that fails or hangs is named.

    What each step returned, None for one that failed.
    """
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + seconds
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
