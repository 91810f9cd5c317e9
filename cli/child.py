"""One process of the fleet: started with its settings in its environment, kept running, ended."""

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from cli.exits import Exit
from monitoring.logs import get_logger

RESTART_SECONDS_FIRST: Final = 0.5
RESTART_SECONDS_MAX: Final = 30.0
HEALTHY_SECONDS: Final = 60.0
"""A process that ran for so long had a good start: its next end is a new misfortune, not the same one again."""

FINAL: Final = frozenset({Exit.WRONG_USE, Exit.REPLACED, Exit.NOT_AUTHORISED})
"""Ends that a new start would only repeat: a person, or nobody, has to do something."""

_CHUNK_BYTES: Final = 65_536

_log = get_logger()


class Child:
    """A process of this program. ``words`` are those of its command line; secrets are in ``environment`` alone.

    It has a session of its own, so that Ctrl-C on the terminal reaches the parent only, which then ends it in order.
    Its standard input is open as long as the parent lives. What it logs is passed on, a line at a time.
    """

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self._words = list(words)
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._ending = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process id, or None while it does not run."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process is not None else None

    @property
    def ending(self) -> bool:
        """Whether it was told to end."""
        return self._ending.is_set()

    async def run(self) -> Exit:
        """Start it, and again whenever it dies; return when it was ended, or when its exit code is final."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            code = await self._once()
            if self._ending.is_set() or code in FINAL:
                return code
            failures = 1 if loop.time() - began >= HEALTHY_SECONDS else failures + 1
            pause = min(RESTART_SECONDS_MAX, RESTART_SECONDS_FIRST * 2.0 ** min(failures - 1, 10))
            pause *= random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not secrecy
            _log.warning(
                "a process ended by itself and is started again",
                process=self.name,
                **how_it_ended(None if self._process is None else self._process.returncode),
                in_seconds=round(pause, 1),
            )
            try:
                await asyncio.wait_for(self._ending.wait(), pause)
            except TimeoutError:
                continue
            return Exit.CLEAN

    async def _once(self) -> Exit:
        # -P: a folder of the same name where we happen to be must not be taken for this program.
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "cli",
            *self._words,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        if self._ending.is_set():  # Told to end while it was being made.
            self.end()
        if process.stderr is not None:
            await _pass_on(process.stderr)
        code = await process.wait()
        if self._ending.is_set() and code == -signal.SIGTERM:
            return Exit.CLEAN  # It was ended before it had begun.
        return Exit(code) if code in set(Exit) else Exit.ERROR

    def end(self) -> None:
        """Ask it to end in order, and start it no more."""
        self._ending.set()
        if self._process is None or self._process.returncode is not None:
            return
        if os.name == "posix":
            self._process.send_signal(signal.SIGTERM)
        elif self._process.stdin is not None:  # Windows knows no polite signal; the end of its input is one.
            self._process.stdin.close()

    def kill(self) -> None:
        """End it at once."""
        self._ending.set()
        if self._process is not None and self._process.returncode is None:
            self._process.kill()


def how_it_ended(code: int | None) -> dict[str, int | str | None]:
    """For the log: the exit code, or the signal that killed it (a negative code says so, but to nobody)."""
    return {"how": f"killed by signal {-code}"} if code is not None and code < 0 else {"exit_code": code}


async def _pass_on(stream: asyncio.StreamReader) -> None:
    """Write whole lines to standard error as it is at that moment: above a live display, where there is one."""
    rest = b""
    while chunk := await stream.read(_CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        _write(lines)
    if rest:
        _write([rest])


def _write(lines: Sequence[bytes]) -> None:
    # Who reads our standard error may leave (a pager, a log collector): that is no reason to end what runs.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write("".join(line.decode("utf-8", "backslashreplace") + "\n" for line in lines))
