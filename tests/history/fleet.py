"""The processes of a run: started as a person would, killed without warning, and watched until they are ready again."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from simulator import Simulator
from tests.history.history import Text
from tests.ports import free_port

COMMAND = Path(sys.executable).with_name("spark-portfolio")
LOOK_SECONDS = 0.05
STOP_SECONDS = 10.0

ROLES = {
    "collector-binance": ("collector", "binance"),
    "collector-btcturk": ("collector", "btcturk"),
    "aggregator": ("aggregator",),
    "api": ("api",),
}

POLLS = {
    "BINANCE_SPOT_POLL_SECONDS": "1",
    "BINANCE_FUNDING_POLL_SECONDS": "2",
    "BINANCE_EARN_POLL_SECONDS": "3",
    "BTCTURK_SPOT_POLL_SECONDS": "2",
}
"""Faster than people need it, for much to be under way at any moment; still within what the exchanges allow."""


@dataclass(slots=True)
class Member:
    """One process, over all its lives."""

    name: str
    port: int
    folder: Path
    environment: dict[str, str]
    process: asyncio.subprocess.Process | None = None
    kills: int = 0
    ready_seconds: list[float] = field(default_factory=list)
    """From each start until it said that it was ready; a life that ended before is not among them."""
    unexpected: list[str] = field(default_factory=list)
    not_ready: str = ""
    """What it said last when it was asked."""
    _watch: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ready(self) -> bool:
        """Whether this life has been ready."""
        return self._watch is not None and self._watch.done()

    async def start(self, session: aiohttp.ClientSession) -> None:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                str(COMMAND),
                *ROLES[self.name],
                "--env-file",
                os.devnull,
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        self._watch = asyncio.create_task(self._until_ready(session, time.monotonic()), name=f"watch {self.name}")

    async def _until_ready(self, session: aiohttp.ClientSession, started_at: float) -> None:
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                async with session.get(f"{self.url}/ready") as response:
                    if response.status == 200:
                        self.ready_seconds.append(time.monotonic() - started_at)
                        return
                    self.not_ready = await response.text()
            await asyncio.sleep(LOOK_SECONDS)

    async def kill(self) -> None:
        """SIGKILL; a process that had ended by itself is a finding."""
        assert self.process is not None
        self._look()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
        await self._end_watch()
        self.kills += 1

    async def stop(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self._look()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
        except TimeoutError:
            self.unexpected.append(f"did not end within {STOP_SECONDS} s of SIGTERM")
            await self.kill()
            return -9
        await self._end_watch()
        return code

    async def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    def _look(self) -> None:
        if self.process is not None and self.process.returncode is not None:
            self.unexpected.append(f"ended by itself with {self.process.returncode}")

    def said(self) -> Text:
        return Text(f"the log of {self.name}", (self.folder / f"{self.name}.log").read_bytes())


class NotReadyError(Exception):
    """A process did not become ready, or ended by itself."""


class Fleet:
    """All processes over one simulated world and one broker."""

    def __init__(self, folder: Path, bootstrap: str, prefix: str, sim: Simulator) -> None:
        self.secrets: list[str] = ["canary-admin-token-" + "0123456789abcdef" * 2]
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        environment |= {
            "PYTHONUNBUFFERED": "1",
            "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
            "TOPIC_PREFIX": prefix,
            "LOG_FORMAT": "json",
            "BINANCE_REST_URL": sim.url("binance"),
            "BTCTURK_REST_URL": sim.url("btcturk"),
            "ADMIN_TOKEN": self.secrets[0],
            **POLLS,
        }
        for exchange, suffixes in (
            ("binance", ("API_KEY", "API_SECRET")),
            ("btcturk", ("API_KEY", "API_SECRET_BASE64")),
        ):
            account = sim.config.account(exchange, "main")
            for suffix, secret in zip(suffixes, (account.api_key, account.api_secret), strict=True):
                environment[f"{exchange.upper()}_{suffix}"] = secret
                self.secrets.append(secret)
        self.members = {name: self._member(name, folder, environment) for name in ROLES}

    @staticmethod
    def _member(name: str, folder: Path, environment: dict[str, str]) -> Member:
        port = free_port()
        setting = "API_PORT" if name == "api" else "METRICS_PORT"
        return Member(name, port, folder, {**environment, setting: str(port)})

    async def start(self, session: aiohttp.ClientSession) -> None:
        for member in self.members.values():
            await member.start(session)

    async def all_ready(self, seconds: float) -> None:
        """Wait for it; NotReadyError where one does not come, or has ended."""
        ends_at = time.monotonic() + seconds
        while not all(member.ready for member in self.members.values()):
            for member in self.members.values():
                if member.process is not None and member.process.returncode is not None:
                    raise NotReadyError(f"{member.name} ended by itself with {member.process.returncode}")
            if time.monotonic() > ends_at:
                late = {member.name: member.not_ready for member in self.members.values() if not member.ready}
                raise NotReadyError(f"not ready within {seconds} s: {late}")
            await asyncio.sleep(LOOK_SECONDS)

    async def kill_all(self) -> None:
        """Leave nothing behind, whatever happened."""
        for member in self.members.values():
            if member.process is not None and member.process.returncode is None:
                await member.kill()
