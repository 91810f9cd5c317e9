"""Refresh commands: who asks, for which accounts, and what became of it."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from monitoring.logs import get_logger
from schemas.events import Event, RefreshCommand, RefreshResult, is_expired

COMMANDS_MAX = 16
"""Commands that wait for one account at once. The reads they wait for are the same, so more are not needed."""

_log = get_logger()


@dataclass(slots=True)
class Refresh:
    """One command on its way through the wallets of one account."""

    command: RefreshCommand
    waiting: set[str]
    failures: list[str] = field(default_factory=list)


class Refreshes:
    """The commands that wait for one account. A read that begins now serves all that came before it."""

    def __init__(self, now: Callable[[], dt.datetime], finished: Callable[[RefreshResult], None]) -> None:
        self._now = now
        self._finished = finished
        self._open: dict[str, Refresh] = {}

    def add(self, command: RefreshCommand, wallets: Iterable[str]) -> None:
        """Take a command in for these wallets."""
        if command.id in self._open:
            return
        if len(self._open) >= COMMANDS_MAX:
            self.answer(command, "Too many refreshes were asked for at once.")
            return
        self._open[command.id] = Refresh(command, set(wallets))

    def answer(self, command: RefreshCommand, failure: str) -> None:
        """End a command at once, without a read."""
        result = RefreshResult(command_id=command.id, ok=False, message=failure[:500], finished_at=self._now())
        self._finished(result)

    def waiting_for(self, wallet: str) -> tuple[str, ...]:
        """The commands that a read of this wallet would serve if it began now, oldest first."""
        for refresh in list(self._open.values()):
            if is_expired(refresh.command, self._now()):
                del self._open[refresh.command.id]
                self.answer(refresh.command, "Not all wallets could be read in time.")
        return tuple(name for name, refresh in self._open.items() if wallet in refresh.waiting)

    def done(self, wallet: str, commands: Iterable[str], failure: str = "") -> None:
        """A read that served these commands is over; ``failure`` says why nothing came of it."""
        for name in commands:
            refresh = self._open.get(name)
            if refresh is None:
                continue
            refresh.waiting.discard(wallet)
            if failure:
                refresh.failures.append(f"{wallet}: {failure}")
            if not refresh.waiting:
                del self._open[name]
                message = " ".join(refresh.failures)
                self._finished(
                    RefreshResult(
                        command_id=name, ok=not refresh.failures, message=message[:500], finished_at=self._now()
                    )
                )

    def abandon(self, failure: str) -> None:
        """End all: the account is not read any more."""
        for refresh in list(self._open.values()):
            del self._open[refresh.command.id]
            self.answer(refresh.command, failure)


class CommandDesk:
    """Follows the commands (a CommandFollower) and hands those of this exchange to the accounts they name."""

    def __init__(self, exchange: str, now: Callable[[], dt.datetime], hand: Callable[[RefreshCommand], None]) -> None:
        self._exchange = exchange
        self._now = now
        self._hand = hand
        self._late = False

    def command(self, event: Event) -> None:
        """Take one command in; expired ones are worth nothing to anybody any more.

        Commands are followed as they come, so one that is expired by our clock is seldom late: the clocks differ.
        """
        if not isinstance(event, RefreshCommand) or event.exchange != self._exchange:
            return
        was_late, self._late = self._late, is_expired(event, self._now())
        if not self._late:
            self._hand(event)
        elif not was_late:
            _log.warning(
                "a refresh had expired when it came and is dropped: the bus was away, or this machine's clock and the "
                "api's differ",
                exchange=self._exchange,
                late_seconds=round((self._now() - event.expires_at).total_seconds(), 1),
            )
