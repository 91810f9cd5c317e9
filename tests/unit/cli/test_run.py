"""How the end of a part becomes the end of a process: its exit code, and one line that says why."""

import asyncio
import json

import pytest

from bus.interface import BusError, NotAuthorisedError, ReplacedError, TopicsError
from cli.exits import Exit, ExitError
from cli.run import stop_in_order, unsent_of, until_end
from monitoring.logs import configure_logs


class Part:
    """Ends when it is told, or at once, by returning or raising."""

    def __init__(self, error: Exception | None = None, *, after: "Part | None" = None, ends: bool = True) -> None:
        self.error, self.after, self.ends = error, after, ends
        self.ended = asyncio.Event()

    async def wait(self) -> None:
        if self.after is not None:
            await self.after.ended.wait()
            for _ in range(10):  # So much later that the first has been seen to end.
                await asyncio.sleep(0)
        if not self.ends:
            await asyncio.Event().wait()
        self.ended.set()
        if self.error is not None:
            raise self.error


def told(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotAuthorisedError("no"), Exit.NOT_AUTHORISED),
        (ReplacedError("other"), Exit.REPLACED),
        (TopicsError("wrong"), Exit.WRONG_USE),
        (BusError("away"), Exit.ERROR),
        (RuntimeError("bug"), Exit.ERROR),
        (ExitError(Exit.UNSENT, "said"), Exit.UNSENT),
        (None, Exit.ERROR),
    ],
)
async def test_each_end_has_its_code_and_one_line(
    error: Exception | None, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("info", "json", [])
    assert await until_end([Part(error), Part(ends=False)], asyncio.Event()) == code
    lines = told(capsys)
    assert len(lines) == 1
    assert str(error or "a part ended") in json.dumps(lines)


async def test_what_the_bus_says_counts_more_than_who_noticed_it_first(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json", [])
    reader = Part(BusError("the reader failed"))
    bus = Part(NotAuthorisedError("permit Read on spark.balances"), after=reader)
    assert await until_end([bus, reader], asyncio.Event()) == Exit.NOT_AUTHORISED
    assert [line["reason"] for line in told(capsys)] == ["permit Read on spark.balances"]


async def test_a_signal_is_a_clean_end() -> None:
    stop = asyncio.Event()
    stop.set()
    assert await until_end([Part(ends=False)], stop) == Exit.CLEAN


async def test_what_was_left_unsent_is_counted_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("info", "json", [])

    async def left(count: int | None) -> int | None:
        return count

    results = await stop_in_order([("a", lambda: left(3)), ("b", lambda: left(None)), ("c", lambda: left(4))])
    assert unsent_of(results) == Exit.UNSENT
    assert [line["unsent"] for line in told(capsys)] == [7]
    assert unsent_of([None, 0]) == Exit.CLEAN


async def test_a_part_that_hangs_does_not_keep_the_others_from_stopping() -> None:
    stopped = []

    async def hang() -> None:
        await asyncio.Event().wait()

    async def stop() -> None:
        stopped.append(True)

    await stop_in_order([("hangs", hang), ("after", stop)], seconds=0.1)
    assert stopped == [True]
