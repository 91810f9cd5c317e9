"""Refresh: ask the collectors to read now, and say per account whether they did."""

import asyncio
import datetime as dt
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import orjson

from api.bus_state import BusState
from api.latest import Latest
from bus.interface import Bus, PublishError
from monitoring.clock import Clock
from schemas.encoding import encode
from schemas.events import CollectorStatus, RefreshCommand, RefreshResult
from schemas.fields import TEXT_LENGTH_MAX
from schemas.versions import Sequence as Versions
from schemas.versions import next_epoch

PUBLISH_SECONDS: Final = 3.0
"""The bus is given so long to take the commands; the rest of the wait is the collectors'."""

Wish = tuple[str, str | None, str | None]
"""Portfolio, exchange, account: what to refresh; None means all."""


class RefreshError(Exception):
    """A refresh that could not be asked for: ``status`` and ``error`` are the answer's, the text is for people."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


class Refresher:
    """Publishes refresh commands and gathers the answers. The same wish at the same time is one refresh."""

    def __init__(
        self,
        bus: Bus,
        latest: Latest,
        clock: Clock,
        *,
        random_part: int,
        wait_seconds: float,
        bus_state: Callable[[], BusState],
    ) -> None:
        """``bus_state`` tells how the bus stands, as the api's reader sees it."""
        self._bus = bus
        self._bus_state = bus_state
        self._latest = latest
        self._clock = clock
        self._versions = Versions(next_epoch(0, clock.now(), random_part))
        self._wait_seconds = wait_seconds
        self._running: dict[Wish, asyncio.Task[bytes]] = {}

    async def refresh(self, wish: Wish) -> bytes:
        """The answer's JSON, at most ten seconds later. RefreshError where there is nothing to ask, or no bus."""
        task = self._running.get(wish)
        if task is None:
            targets = self._targets(wish)
            task = asyncio.get_running_loop().create_task(self._run(wish, targets), name="refresh")
            self._running[wish] = task
            task.add_done_callback(lambda done: self._finish(wish, done))
        # Shielded: one of several who wait may leave, and the others still want the answer.
        return await asyncio.shield(task)

    def _finish(self, wish: Wish, task: asyncio.Task[bytes]) -> None:
        self._running.pop(wish, None)
        if not task.cancelled():
            task.exception()  # Looked at, also when all who waited for it have left.

    def _targets(self, wish: Wish) -> list[CollectorStatus]:
        portfolio, exchange, account = wish
        known = [
            status
            for status in self._latest.statuses_of(portfolio)
            if exchange in {None, status.exchange} and account in {None, status.account}
        ]
        with_keys = [status for status in known if status.state != "unconfigured"]
        if with_keys:
            return with_keys
        if known:
            raise RefreshError(404, "no_account", "There are no keys for this, so there is nothing to read anew.")
        if self._bus_state().is_away:
            raise self._bus_away()
        raise RefreshError(
            404, "no_account", "No collector has reported such an account yet; /api/portfolio lists the sources."
        )

    async def _run(self, wish: Wish, targets: Sequence[CollectorStatus]) -> bytes:
        portfolio, _, account = wish
        command_id = secrets.token_hex(8)
        missing = {status.key: status for status in targets}
        results: dict[str, RefreshResult] = {}
        complete = asyncio.Event()

        def listen(status: CollectorStatus) -> None:
            if status.key not in missing:
                return
            for result in status.refreshes:
                if result.command_id == command_id:
                    results[status.key] = result
                    del missing[status.key]
                    break
            if not missing:
                complete.set()

        self._latest.listeners.add(listen)
        try:
            await self._publish(command_id, portfolio, sorted({status.exchange for status in targets}), account)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._wait_seconds):
                    await complete.wait()
        finally:
            self._latest.listeners.discard(listen)
        return orjson.dumps(
            {
                "id": command_id,
                "portfolio": portfolio,
                "accounts": [self._answer(status, results.get(status.key)) for status in targets],
            }
        )

    async def _publish(self, command_id: str, portfolio: str, exchanges: Sequence[str], account: str | None) -> None:
        now = self._clock.now()
        records = []
        for exchange in exchanges:
            epoch, seq = self._versions.next(exchange)
            command = RefreshCommand(
                epoch=epoch,
                seq=seq,
                published_at=now,
                id=command_id,
                portfolio=portfolio,
                exchange=exchange,
                account=account,
                expires_at=now + dt.timedelta(seconds=self._wait_seconds),
            )
            records.append(encode(command))
        try:
            await self._bus.publish(records, deadline_seconds=PUBLISH_SECONDS)
        except PublishError as error:
            raise self._bus_away(error) from error

    def _bus_away(self, error: PublishError | None = None) -> RefreshError:
        """Nobody could be asked: what does not answer, as the reader says it, or else as the publishing failed."""
        bus = self._bus_state()
        why = str(bus.reason if bus.is_away else error).rstrip(".")
        return RefreshError(503, "bus_away", f"No collector could be asked: {why}.")

    def _answer(self, status: CollectorStatus, result: RefreshResult | None) -> dict[str, object]:
        if result is None:
            seconds = f"{self._wait_seconds:g}"
            bus = self._bus_state()
            message = f"The collector gave no answer within {seconds} seconds; see this source's state."
            if bus.is_away:
                message = f"No answer can be heard: {bus.reason}."[:TEXT_LENGTH_MAX]
        else:
            message = result.message
        refreshed = result is not None and result.ok
        return {
            "exchange": status.exchange,
            "account": status.account,
            "refreshed": refreshed,
            "message": message,
        }

    async def stop(self) -> None:
        """Give up what still runs."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
