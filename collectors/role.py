"""The collector of one exchange as a part that is started, waited for and stopped."""

import asyncio
import random as chances
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from bus.interface import Bus, BusError, Reader, ReaderState, ReplacedError, StateFollower
from collectors.account import AccountReader
from collectors.client import Client
from collectors.clock import RESYNC_SECONDS
from collectors.errors import ExchangeError
from collectors.exchange import Exchange
from collectors.http import HttpSession
from collectors.keyless import KeylessStatus
from collectors.listing import ListingDesk
from collectors.outbox import Outbox
from collectors.own_keys import TOPICS, OwnKeys
from collectors.pacing import backoff
from collectors.quotes import PriceLoop, Wanted
from collectors.reading import Reading
from collectors.reconcile import Reconciler
from collectors.refresh import CommandDesk
from collectors.report import Place, Report, WalletReport
from collectors.settings import AccountSettings, CollectorSettings, check_settings
from collectors.supervise import keep_running
from collectors.writer import Writer, snapshot_key
from monitoring.clock import Clock, SystemClock
from monitoring.health import Check
from monitoring.logs import get_logger
from monitoring.metrics import CollectorMetrics
from schemas.events import RefreshCommand
from schemas.topics import COLLECTORS, COMMANDS, WANTED, Topic
from schemas.versions import EPOCH_RANDOM_MAX, next_epoch

MAIN: Final = "main"
"""Portfolio and account under which an exchange without any account reports."""

STOP_SECONDS: Final = 1.0
"""For the loops to end; they are only waiting, and their requests are aborted."""

_NOT_LIVE: Final = (ReaderState.FAILED, ReaderState.DEGRADED, ReaderState.LOADING, ReaderState.UNSTARTED)
"""The worst first."""

_LOADING: Final = "what is on the bus is being read"

_log = get_logger()


class CollectorRole:
    """Reads one exchange: its accounts, if any, and its prices. It starts without exchange and bus and waits for both.

    ``SettingsError`` from the constructor names a setting that cannot be right.
    """

    def __init__(
        self,
        exchange: type[Exchange],
        *,
        bus: Bus,
        settings: CollectorSettings,
        metrics: CollectorMetrics,
        random: chances.Random,
        clock: Clock | None = None,
    ) -> None:
        self._exchange = exchange()
        check_settings(settings, self._exchange)
        self._settings = settings
        self._bus = bus
        self._metrics = metrics
        self._chance = random
        self._clock = clock or SystemClock()
        self._outbox = Outbox(bus, exchange=self.name, chance=random)
        self._wanted = Wanted(self._emptied)
        self._prices: PriceLoop | None = None
        self._client: Client | None = None
        self._accounts: dict[tuple[str, str], AccountReader] = {}
        self._reports: list[Report] = []
        self._writer: Writer | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._own = OwnKeys(
            self.name,
            ((account.portfolio, account.label) for account in settings.accounts),
            self._exchange.wallets,
            republish=self._outbox.put,
            emptied=self._emptied,
            metrics=metrics,
        )
        self._keyless = None if settings.accounts else self._without_keys()
        self._readers: list[Reader] = []
        self._main: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """The exchange's."""
        return self._exchange.name

    async def start(self) -> None:
        """Begin; returns at once, whether or not the exchange or the bus answers."""
        desk = CommandDesk(self.name, self._clock.now, self._command)
        own: tuple[Sequence[Topic], StateFollower] = (TOPICS, self._own)
        if self._keyless is not None:
            own = ((COLLECTORS,), self._keyless)
        self._readers = [
            self._bus.follow_state(*own, name=f"{self.name}-own"),
            self._bus.follow_state((WANTED,), self._wanted, name=f"{self.name}-wanted"),
            self._bus.follow_commands(COMMANDS, desk, name=f"{self.name}-commands"),
        ]
        for reader in self._readers:
            await reader.start()
        self._main = asyncio.create_task(self._run(), name=f"collector {self.name}")

    async def wait(self) -> None:
        """Return when it was stopped; ReplacedError when another process writes our keys with a larger epoch."""
        if self._main is None:
            raise RuntimeError("the collector was not started")
        await asyncio.wait({self._main})
        if not self._main.cancelled():
            self._main.result()

    async def stop(self) -> int:
        """End: requests are aborted, what was read is published within a bound; how many facts were left unsent."""
        if self._main is not None:
            self._main.cancel()
            await asyncio.wait({self._main}, timeout=STOP_SECONDS)
            if self._main.done() and not self._main.cancelled():
                self._main.exception()
        # Who was replaced has nothing to say any more: the other's facts are the newer ones.
        unsent = 0 if self._own.replaced.is_set() else await self._outbox.flush()
        for reader in self._readers:
            await reader.stop()
        return unsent

    def check(self) -> Check:
        """Ready once our own last facts were read from the bus: from then on accounts are read.

        A reader that failed ends nothing but itself: accounts and prices are read as before, as far as they can be
        without it, and the reason stays until somebody mends what it stumbled over.
        """
        if not self._readers:
            return Check(ready=False, reason="unstarted")
        if self._own.replaced.is_set():
            return Check(ready=False, reason="failed: another process has taken over")
        for state in _NOT_LIVE:
            for reader in self._readers:
                if reader.state is state:
                    return Check(ready=False, reason=f"{state}: {reader.name}: {reader.reason or _LOADING}")
        if self._outbox.failing:
            return Check(ready=False, reason="degraded: the bus does not take events")
        return Check(ready=True)

    async def _run(self) -> None:
        url = self._settings.rest_url or self._default_url()
        http = HttpSession(url, title=self._exchange.title, timeouts=self._settings.timeouts)
        async with http:
            client = Client(self._exchange, http, clock=self._clock, metrics=self._metrics)
            pacing = self._settings.pacing
            listing = ListingDesk(client, pacing=pacing, chance=self._chance)
            self._client = client
            prices = self._prices = PriceLoop(
                client,
                wanted=self._wanted,
                listing=listing,
                outbox=self._outbox,
                poll_seconds=self._settings.price_poll_seconds,
                pacing=pacing,
                clock=self._clock,
                chance=self._chance,
                metrics=self._metrics,
            )
            try:
                self._keep("outbox", self._outbox.run)
                self._keep("clock", lambda: self._keep_time(client))
                self._keep("listing", listing.run)
                self._keep("prices", prices.run)
                await self._begin(client, listing, prices)
                await self._own.replaced.wait()
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
        raise ReplacedError(f"another process collects {self.name} now, with a larger epoch")

    async def _begin(self, client: Client, listing: ListingDesk, prices: PriceLoop) -> None:
        """Read accounts, once our own last facts are known."""
        try:
            await self._readers[0].live()
        except BusError as error:
            _log.error("our own last events cannot be read, so no account is read", exchange=self.name, why=str(error))
            return
        if self._keyless is not None:
            self._keep("status", self._beat)
            return
        epoch = self._next_epoch()
        filled = {key: bool(snapshot.balances) for key, snapshot in self._own.snapshots().items()}
        self._own.begin(epoch, self._outbid)
        self._writer = Writer(
            epoch, outbox=self._outbox, own=self._own, clock=self._clock, offset_ms=client.server_clock.offset_ms
        )
        reading = Reading(
            exchange=self._exchange,
            settings=self._settings,
            client=client,
            writer=self._writer,
            listing=listing,
            clock=self._clock,
            chance=self._chance,
            metrics=self._metrics,
        )
        for settings in self._settings.accounts:
            self._begin_account(settings, reading, filled, prices)
        self._keep("status", self._beat)

    def _begin_account(
        self, settings: AccountSettings, reading: Reading, filled: dict[str, bool], prices: PriceLoop
    ) -> None:
        place = Place(settings.portfolio, self.name, settings.label)
        wallets = {
            wallet: WalletReport(self._settings.interval(wallet, seconds))
            for wallet, seconds in self._exchange.wallets.items()
        }
        report = Report(place, wallets, self._tell, self._clock.now)
        held = {wallet: filled.get(snapshot_key(place, wallet), False) for wallet in wallets}
        account = AccountReader(settings, reading=reading, report=report, filled=held)
        self._reports.append(report)
        self._accounts[account.name] = account
        for name, loop in account.loops().items():
            self._keep(name, loop)
        self._keep(f"total of {place.portfolio}/{place.account}", Reconciler(account, prices.last).run)

    def _command(self, command: RefreshCommand) -> None:
        for (portfolio, label), account in self._accounts.items():
            if portfolio == command.portfolio and command.account in {None, label}:
                account.refresh(command)

    def _tell(self, report: Report) -> None:
        if self._writer is not None:
            self._writer.status(report)

    async def _beat(self) -> None:
        """Report at once, and go on as a sign of life."""
        while True:
            for report in self._reports:
                self._tell(report)
            if self._keyless is not None:
                self._keyless.tell()
            await asyncio.sleep(self._settings.pacing.heartbeat)

    def _without_keys(self) -> KeylessStatus:
        report = Report(Place(MAIN, self.name, MAIN), {}, lambda _report: None, self._clock.now, configured=False)
        return KeylessStatus(
            report,
            offset_ms=lambda: None if self._client is None else self._client.server_clock.offset_ms(),
            publish=self._outbox.put,
            withdraw=self._outbox.withdraw,
            emptied=self._emptied,
            clock=self._clock,
            random_part=lambda: self._chance.randrange(EPOCH_RANDOM_MAX),
        )

    def _next_epoch(self) -> int:
        return next_epoch(self._own.largest_epoch, self._clock.now(), self._chance.randrange(EPOCH_RANDOM_MAX))

    def _outbid(self) -> None:
        """Go on with a larger epoch: one without keys reported for an account of ours, not knowing of us."""
        if self._writer is None:
            return
        epoch = self._next_epoch()
        _log.info(
            "a process without keys reported for an account of ours; it is outbid", exchange=self.name, epoch=epoch
        )
        self._own.begin(epoch, self._outbid)
        self._writer.renew(epoch)
        for report in self._reports:
            self._tell(report)
        for account in self._accounts.values():
            account.hurry(account.wallets)  # A status newer than its wallets makes them stale until they are read.

    def _emptied(self, topic: Topic) -> None:
        """A topic was emptied. Prices are not followed, so the loss of any topic is taken as the loss of all."""
        self._metrics.topic_resets.labels(self.name, topic.name).inc()
        _log.warning("a topic was emptied; what is ours is published again", exchange=self.name, topic=topic.name)
        if self._prices is not None:
            self._prices.quote_all()

    async def _keep_time(self, client: Client) -> None:
        failures = 0
        while True:
            try:
                await client.sync()
            except ExchangeError:
                # The reads say that the exchange is away; here only the next try matters.
                failures += 1
                await asyncio.sleep(backoff(failures, self._settings.pacing, self._chance))
            else:
                failures = 0
                await asyncio.sleep(RESYNC_SECONDS)

    def _keep(self, name: str, loop: Callable[[], Awaitable[object]]) -> None:
        running = keep_running(
            loop, name=name, exchange=self.name, clock=self._clock, chance=self._chance, metrics=self._metrics
        )
        self._tasks.append(asyncio.create_task(running, name=f"{self.name} {name}"))

    def _default_url(self) -> str:
        return next(url.default for url in self._exchange.spec.urls if url.suffix == "REST_URL")
