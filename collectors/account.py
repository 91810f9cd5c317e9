"""One account: whether its key is let in, its wallets' loops, its status, and the refreshes asked of it."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from collectors.client import Key
from collectors.errors import ExchangeError, RefusedError
from collectors.pacing import jittered, pause_after
from collectors.permissions import UNVERIFIED, judge
from collectors.reading import Reading
from collectors.refresh import Refreshes
from collectors.report import Report
from collectors.settings import AccountSettings
from collectors.wallet import WalletLoop
from monitoring.logs import get_logger
from schemas.events import Permissions, RefreshCommand

_log = get_logger()


class AccountReader:
    """Reads one account. Its failures are its own: other accounts and exchanges keep their rhythm."""

    def __init__(
        self, settings: AccountSettings, *, reading: Reading, report: Report, filled: Mapping[str, bool]
    ) -> None:
        self._allowed = settings.allowed_flags
        self._lost = asyncio.Event()
        self._judging = asyncio.Lock()
        self._refusals = 0
        self._refused_pause = 0.0
        self._failures = 0
        self._ever_admitted = False
        self._warned_of: tuple[str, ...] = ()
        self.reading: Final = reading
        self.report: Final = report
        self.key: Final = Key(settings.credentials)
        self.admitted: Final = asyncio.Event()
        self.refreshes: Final = Refreshes(reading.clock.now, report.refreshed)
        self.wallets: Final = {
            name: WalletLoop(self, name, wallet.poll_seconds, filled=filled.get(name, False))
            for name, wallet in report.wallets.items()
        }

    @property
    def name(self) -> tuple[str, str]:
        """Portfolio and label."""
        return self.report.place.portfolio, self.report.place.account

    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """Everything that runs for this account, by name."""
        label = "/".join(self.name)
        return {f"key of {label}": self.guard_key} | {
            f"{name} of {label}": wallet.run for name, wallet in self.wallets.items()
        }

    def refresh(self, command: RefreshCommand) -> None:
        """Read all wallets now, as far as they can be; the result goes into the status."""
        if not self.admitted.is_set():
            why = self.report.error.message if self.report.error is not None else "The account is being connected."
            self.refreshes.answer(command, why)
            return
        self.refreshes.add(command, self.wallets)
        for name, wallet in self.wallets.items():
            if wallet.refused is not None:
                self.refreshes.done(name, (command.id,), wallet.refused.message)
            else:
                wallet.wake()

    def hurry(self, wallets: Iterable[str]) -> None:
        """Read these wallets now, as far as they can be: what was moved between two wallets shows in one read first."""
        for name in wallets:
            wallet = self.wallets.get(name)
            if wallet is not None and wallet.refused is None:
                wallet.wake()

    def read(self, wallet: str, at: dt.datetime) -> None:
        """A wallet was read whole."""
        self._refusals = 0
        if self.report.error is not None:
            self.report.admitted(self.report.permissions)
        self.report.read(wallet, at)
        self.reading.succeeded(wallet, self.name, at)

    async def guard_key(self) -> None:
        """Let the key in, look at it again every day, and slowly while it is refused."""
        pacing = self.reading.settings.pacing
        while True:
            pause = await self._ask()
            if not self.admitted.is_set():
                await asyncio.sleep(pause)
                continue
            try:
                await asyncio.wait_for(self._lost.wait(), jittered(pause, pacing, self.reading.chance))
            except TimeoutError:
                continue
            await asyncio.sleep(self._refused_pause)

    async def confirm_refusal(self, error: RefusedError) -> bool:
        """Whether the whole account is refused, or only what was just asked for: a second read decides.

        A valid key is refused at times, and a key may be good for one wallet and not for another. Where the exchange
        can be asked about the key, that is the second read; elsewhere the first refusal is believed, since a second
        one would count against us. ExchangeError where the second read says nothing.
        """
        async with self._judging:
            if not self.admitted.is_set():
                return True
            try:
                found = await self.reading.exchange.read_permissions(self._conversation())
            except RefusedError as second:
                self._refuse(second)
                return True
            if found is None:
                self._refuse(error)
                return True
            return False

    async def _ask(self) -> float:
        """Ask what the key may do, and let it in or not; seconds until it should be asked again."""
        pacing = self.reading.settings.pacing
        try:
            async with self._judging:
                found = await self.reading.exchange.read_permissions(self._conversation())
                if found is None:
                    self._let_try()
                    return pacing.permissions
                title = self.reading.exchange.title
                permissions, refusal = judge(found, self._allowed, title=title, first=not self._ever_admitted)
                if refusal is not None:
                    self._refuse(refusal, permissions)
                    return self._refused_pause
                self._warn(found.unknown, ip_restricted=found.ip_restricted)
                self._admit(permissions)
                return pacing.permissions
        except RefusedError as error:
            self._refuse(error)
            return self._refused_pause
        except ExchangeError as error:
            self._failures += 1
            pause = pause_after(
                error,
                failures=self._failures,
                interval=pacing.unreadable_shortest,
                pacing=pacing,
                chance=self.reading.chance,
            )
            if not self.admitted.is_set():
                self.report.account_failed(error, pause)
            return pause

    def _conversation(self) -> Callable[..., Awaitable[object]]:
        return self.reading.client.conversation(self.key).call

    def _admit(self, permissions: Permissions) -> None:
        self._failures = 0
        self._ever_admitted = True
        self._lost.clear()
        if not self.admitted.is_set() or permissions != self.report.permissions:
            self.report.admitted(permissions)
        self.admitted.set()

    def _let_try(self) -> None:
        """Nobody can be asked about the key: let it try. After a refusal, only a read that succeeds clears it."""
        if self.report.error is None:
            self._admit(UNVERIFIED)
            return
        self._failures = 0
        self._lost.clear()
        self.admitted.set()

    def _refuse(self, error: RefusedError, permissions: Permissions | None = None) -> None:
        self._refusals += 1
        # Later, never earlier: the number of tries a day is what counts.
        later = 1 + self.reading.chance.uniform(0, self.reading.settings.pacing.jitter)
        self._refused_pause = self.reading.exchange.refusal.pause(self._refusals) * later
        self.admitted.clear()
        self._lost.set()
        self.report.account_failed(error, self._refused_pause, permissions)
        self.refreshes.abandon(error.message)

    def _warn(self, unknown: tuple[str, ...], *, ip_restricted: bool | None) -> None:
        place = self.report.place
        names = {"exchange": place.exchange, "account": place.account, "portfolio": place.portfolio}
        if not self._ever_admitted and ip_restricted is False:
            _log.warning("the key works from any address; restrict it to this machine's at the exchange", **names)
        strange = tuple(flag for flag in unknown if flag not in self._allowed)
        if strange and strange != self._warned_of:
            _log.warning("the key has a permission that is not known here; look at it at the exchange", **names)
        self._warned_of = strange
