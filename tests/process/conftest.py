"""Programs as a person starts them: real processes of the installed command, on free loopback ports."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.ports import free_ports

COMMAND = Path(sys.executable).with_name("spark-portfolio")
START_SECONDS = 25.0
OURS = (
    "BINANCE",
    "BTCTURK",
    "API_",
    "ADMIN_",
    "READ_",
    "KAFKA_",
    "STATE_",
    "LOG_",
    "ALLOWED_",
    "METRICS_",
    "USD_",
    "TOPIC_",
)


class Program:
    """One running command, its output in files, and the port it was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports(3)  # The simulated exchanges take the two behind it.
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: asyncio.subprocess.Process | None = None
        self.started_at = 0.0

    async def start(self, *arguments: str, **settings: str) -> "Program":
        environment = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
        environment |= {"API_PORT": str(self.port), "PYTHONUNBUFFERED": "1", **settings}
        self.started_at = time.monotonic()
        with (self.folder / "out").open("ab") as out, (self.folder / "err").open("ab") as err:
            self.process = await asyncio.create_subprocess_exec(
                str(COMMAND),
                *arguments,
                cwd=self.folder,
                env=environment,
                stdout=out,
                stderr=err,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text()

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text()

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within: float) -> int:
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), within)

    async def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self.signal(signal.SIGINT)
        return await self.ended(6)

    async def kill(self) -> None:
        """kill -9, the whole group."""
        if self.process is not None and self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Callable[[], Program]]:
    made: list[Program] = []

    def make() -> Program:
        folder = tmp_path / f"program-{len(made)}"
        folder.mkdir()
        made.append(Program(folder))
        return made[-1]

    yield make
    for one in made:
        await one.kill()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


Until = Callable[..., Awaitable[Any]]


@pytest.fixture
def until(http: aiohttp.ClientSession) -> Until:
    """Ask an address until its JSON satisfies a condition; the last answer is shown when it never does."""

    async def ask(program: Program, path: str, condition: Callable[[Any], bool], within: float = START_SECONDS) -> Any:
        ends_at = time.monotonic() + within
        last: object = None
        while time.monotonic() < ends_at:
            assert program.process is not None
            if program.process.returncode is not None:
                pytest.fail(f"the program ended with {program.process.returncode}: {program.err[-2000:]}")
            try:
                async with http.get(program.url + path) as response:
                    last = await response.json(content_type=None)
                    if condition(last):
                        return last
            except (aiohttp.ClientError, TimeoutError) as error:
                last = error
            await asyncio.sleep(0.1)  # The pace of asking, not a wait for anything.
        pytest.fail(f"{path} was not as expected within {within} s; last: {last}\n{program.err[-2000:]}")

    return ask
