"""The loop that reads one wallet of one account, and the guard against a wallet that is suddenly empty."""

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from collectors.balances import moved_mirrors
from collectors.client import Conversation
from collectors.errors import ExchangeError, RateLimitedError, RefusedError, UnreadableError
from collectors.pacing import jittered, pause_after
from schemas.encoding import RecordTooLargeError
from schemas.events import Balance

if TYPE_CHECKING:
    from collectors.account import AccountReader

STAGGER_SECONDS_MAX: Final = 2.0
"""First reads of many wallets are spread over so long; longer would keep a person waiting at the start."""


class EmptyGuard:
    """Holds back a read that empties a wallet which was not empty, until a second one agrees.

    Exchanges are known to answer zeros now and then. What the wallet held is known from our own last snapshot, so a
    restart forgets nothing.
    """

    def __init__(self, *, filled: bool, confirm_seconds: float) -> None:
        self._filled = filled
        self._confirm_seconds = confirm_seconds
        self._doubted_at: float | None = None

    def holds(self, balances: tuple[Balance, ...], now: float) -> float:
        """Seconds until the read that may confirm this one; 0 where it may be published."""
        if balances or not self._filled:
            self._filled = bool(balances)
            self._doubted_at = None
            return 0.0
        if self._doubted_at is None:
            self._doubted_at = now
        left = self._doubted_at + self._confirm_seconds - now
        if left > 0:
            return left
        self._filled, self._doubted_at = False, None
        return 0.0


class WalletLoop:
    """Reads one wallet for ever, in its own rhythm."""

    def __init__(self, account: "AccountReader", wallet: str, poll_seconds: float, *, filled: bool) -> None:
        self._account = account
        self._reading = account.reading
        self._pacing = account.reading.settings.pacing
        self._guard = EmptyGuard(filled=filled, confirm_seconds=self._pacing.confirm)
        self._woken = asyncio.Event()
        self._refreshed_at: float | None = None
        self._failures = 0
        self._refusals = 0
        self.wallet: Final = wallet
        self.poll_seconds: Final = poll_seconds
        self.balances: tuple[Balance, ...] | None = None
        """As last published, once it was read in this process."""
        self.refused: RefusedError | None = None
        """Set while this wallet alone is refused: nothing changes until a person acts, so nobody hurries it."""

    def wake(self) -> None:
        """Read now."""
        self._woken.set()

    async def run(self) -> None:
        """Read for ever."""
        # The list of symbols tells which rows mirror another wallet: worth waiting for one try, not for more.
        await self._reading.listing.tried.wait()
        await asyncio.sleep(self._reading.chance.uniform(0, min(STAGGER_SECONDS_MAX, self.poll_seconds / 5)))
        while True:
            await self._account.admitted.wait()
            pause = await self._read()
            await self._rest(pause)

    async def _rest(self, pause: float) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), pause)
        except TimeoutError:
            return
        if self._refreshed_at is not None:
            since = self._reading.clock.monotonic() - self._refreshed_at
            await asyncio.sleep(max(0.0, self._pacing.refresh_gap - since))

    async def _read(self) -> float:
        """Read once; seconds until the next time."""
        self._woken.clear()
        commands = self._account.refreshes.waiting_for(self.wallet)
        now = self._reading.clock.monotonic
        began = now()
        if commands:
            self._refreshed_at = began
        conversation = self._reading.client.conversation(self._account.key)
        exchange = self._reading.exchange
        try:
            balances = await exchange.read_wallet(self.wallet, conversation.call, self._reading.listing.listing)
            if not self._account.admitted.is_set():
                return 0.0  # The key was refused meanwhile: its last answers are not published either.
            held = self._guard.holds(balances, now())
            if held:
                self._count("held")
                self._account.report.suspicious(self.wallet)
                return held
            self._publish(balances, conversation, commands)
        except RefusedError as error:
            return await self._on_refusal(error, commands)
        except ExchangeError as error:
            return self._on_failure(error, commands)
        self._reading.metrics.poll_duration.labels(exchange.name, self.wallet).observe(now() - began)
        return self._on_success(conversation, commands)

    def _publish(self, balances: tuple[Balance, ...], conversation: Conversation, commands: tuple[str, ...]) -> None:
        requested_at, observed_at = _times(conversation)
        try:
            self._reading.writer.snapshot(
                self._account.report.place,
                self.wallet,
                balances,
                requested_at=requested_at,
                observed_at=observed_at,
                cause="refresh" if commands else "poll",
                command_id=commands[-1] if commands else None,
                poll_seconds=self.poll_seconds,
            )
        except (RecordTooLargeError, ValidationError):
            raise UnreadableError(
                f"The {self.wallet} wallet does not fit into one event.",
                "If it stays, tell the makers: no wallet should be so large.",
                reason="too_large",
            ) from None
        moved = () if self.balances is None else moved_mirrors(self.balances, balances)
        self.balances = balances
        self._account.hurry(moved)

    def _on_success(self, conversation: Conversation, commands: tuple[str, ...]) -> float:
        _, observed_at = _times(conversation)
        self._failures = self._refusals = 0
        self.refused = None
        self._count("ok")
        self._account.read(self.wallet, observed_at)
        self._account.refreshes.done(self.wallet, commands)
        return jittered(self.poll_seconds, self._pacing, self._reading.chance)

    async def _on_refusal(self, error: RefusedError, commands: tuple[str, ...]) -> float:
        self._count(error.kind)
        try:
            whole = await self._account.confirm_refusal(error)
        except ExchangeError as second:
            return self._on_failure(second, commands)
        if whole:
            return 0.0
        self._refusals += 1
        # A key that is good and has read this wallet: once is no proof.
        proof = self.balances is None or self._refusals > 1
        pause = jittered(self._pacing.refused, self._pacing, self._reading.chance) if proof else self._pacing.confirm
        self._account.report.failed(self.wallet, error, pause)
        self._account.refreshes.done(self.wallet, commands, error.message)
        if proof:
            self.refused = error
        return pause

    def _on_failure(self, error: ExchangeError, commands: tuple[str, ...]) -> float:
        self._failures += 1
        if not isinstance(error, RateLimitedError) or error.answered:
            self._count(error.kind)
        pause = pause_after(
            error,
            failures=self._failures,
            interval=self.poll_seconds,
            pacing=self._pacing,
            chance=self._reading.chance,
        )
        self._account.report.failed(self.wallet, error, pause)
        self._account.refreshes.done(self.wallet, commands, error.message)
        return pause

    def _count(self, outcome: str) -> None:
        self._reading.metrics.polls.labels(self._reading.exchange.name, self.wallet, outcome).inc()


def _times(conversation: Conversation) -> tuple[dt.datetime, dt.datetime]:
    if conversation.requested_at is None or conversation.observed_at is None:
        raise RuntimeError("a wallet was read without a request")
    return conversation.requested_at, conversation.observed_at
