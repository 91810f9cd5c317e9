"""The simulator: both exchanges and their control server, and what tests say to them."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from simulator.binance.exchange import Binance
from simulator.btcturk.exchange import Btcturk
from simulator.config import Holding, SimulatorConfig
from simulator.control import ControlServer
from simulator.faults import Fault, FaultBook
from simulator.names import BINANCE, BTCTURK, EXCHANGES, UnknownNameError
from simulator.record import RequestLog, RequestSeen
from simulator.server import ExchangeServer, Shared
from simulator.walk import Walk
from simulator.world import READ_ONLY, AmountLike, World

if TYPE_CHECKING:
    from simulator.wire import Exchange

LOOPBACK: Final = "127.0.0.1"
# A clock a year off is already nonsense; more would leave the range of dates.
MOST_OFFSET_MS: Final = 366 * 86_400_000


class Simulator:
    """Binance and BTCTurk as local servers. Nothing is opened before `start`.

    Amounts and prices are strings, integers or Decimals, never floats. Unknown exchanges, accounts,
    wallets, symbols and faults raise UnknownNameError (a LookupError) with the known names; values that
    cannot be raise ValueError.
    """

    def __init__(self, config: SimulatorConfig, *, wall: Callable[[], float] = time.time) -> None:
        """Build the world. `wall` returns the real time in seconds; tests of minute windows give their own."""
        self.config = config
        self._world = World(config, wall)
        self._walker = Walk(self._world, config.seed)
        self._faults = FaultBook(config.seed)
        self._log = RequestLog()
        self._exchanges: dict[str, Exchange] = {
            BINANCE: Binance(self._world.venue(BINANCE), config.binance),
            BTCTURK: Btcturk(self._world.venue(BTCTURK), config.btcturk),
        }
        shared = Shared(self._faults, self._log)
        self._servers = {name: ExchangeServer(one, shared) for name, one in self._exchanges.items()}
        self._control = ControlServer(self)
        self._walking = False
        self._walk_task: asyncio.Task[None] | None = None
        self._started = False

    # Start and stop

    async def start(
        self, host: str = LOOPBACK, control_port: int = 0, binance_port: int = 0, btcturk_port: int = 0
    ) -> None:
        """Open the three ports, 0 for any free one. Raises OSError when one is taken; then none stays open."""
        if self._started:
            message = "The simulator runs already: stop it first."
            raise RuntimeError(message)
        try:
            await self._control.start(host, control_port)
            await self._servers[BINANCE].start(host, binance_port)
            await self._servers[BTCTURK].start(host, btcturk_port)
        except OSError:
            await self.stop()
            raise
        self._started = True
        self.walk(running=self._walking)

    async def stop(self) -> None:
        """Close everything within two seconds, hanging requests included. Can be called again."""
        self._started = False
        task, self._walk_task = self._walk_task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        exchanges = (one.stop() for one in self._servers.values())
        await asyncio.gather(self._control.stop(), *exchanges)

    async def __aenter__(self) -> Self:
        """Start on free ports."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def control_url(self) -> str:
        """Where the control server listens, without a trailing slash; empty before the start."""
        return self._control.url

    @property
    def binance_url(self) -> str:
        """Where Binance listens, without a trailing slash; empty before the start."""
        return self._servers[BINANCE].url

    def url(self, exchange: str) -> str:
        """Where an exchange is served, without a trailing slash."""
        self._known(exchange)
        return {"binance": self.binance_url, "btcturk": self.btcturk_url}[exchange]

    @property
    def btcturk_url(self) -> str:
        """Where BTCTurk listens, without a trailing slash; empty before the start."""
        return self._servers[BTCTURK].url

    # Balances and prices

    def set_balance(
        self,
        exchange: str,
        account: str,
        wallet: str,
        asset: str,
        *,
        free: AmountLike,
        locked: AmountLike = "0",
        freeze: AmountLike = "0",
        withdrawing: AmountLike = "0",
    ) -> None:
        """Set one asset of a wallet. `freeze` and `withdrawing` are owned too, and count as locked."""
        venue = self._world.venue(exchange)
        holding = venue.holding(asset, free=free, locked=locked, freeze=freeze, withdrawing=withdrawing)
        venue.put(account, wallet, asset, holding)

    def set_balances(
        self, exchange: str, account: str, wallet: str, rows: Mapping[str, tuple[AmountLike, AmountLike]]
    ) -> None:
        """Replace a wallet's content by (free, locked) rows. When a row cannot be read nothing changes."""
        venue = self._world.venue(exchange)
        read = {asset: venue.holding(asset, free=free, locked=locked) for asset, (free, locked) in rows.items()}
        venue.replace(account, wallet, read)

    def balances(self, exchange: str, account: str, wallet: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Return the truth: (free, locked) of every asset that is not zero, without mirrors such as LDUSDT."""
        held = self._world.venue(exchange).wallet(account, wallet)
        return {asset: (one.free, one.used) for asset, one in held.items() if one.total}

    def holdings(self, exchange: str, account: str, wallet: str) -> dict[str, Holding]:
        """Return a wallet's rows with all their parts, zero rows included."""
        return dict(self._world.venue(exchange).wallet(account, wallet))

    def set_price(self, exchange: str, symbol: str, last: AmountLike, open_: AmountLike | None = None) -> None:
        """Set the last price of a pair, spelled as the exchange does, and perhaps its price 24 hours ago."""
        self._world.venue(exchange).set_price(symbol, last, open_)

    def price(self, exchange: str, symbol: str) -> Decimal:
        """Return the last price of a pair."""
        return self._world.venue(exchange).market.pair(symbol).last

    def prices(self, exchange: str) -> dict[str, tuple[Decimal, Decimal]]:
        """Return (last, 24 hours ago) of every pair."""
        pairs = self._world.venue(exchange).market.pairs.values()
        return {pair.symbol: (pair.last, pair.open_) for pair in pairs}

    def walk(self, running: bool) -> None:
        """Start or stop the walk, one step every `walk_seconds`. Before `start` the wish is kept until then."""
        self._walking = running
        if not running and self._walk_task is not None:
            self._walk_task.cancel()
            self._walk_task = None
        if running and self._started and self._walk_task is None:
            self._walk_task = asyncio.create_task(self._walk_on(), name="simulator walk")

    @property
    def walking(self) -> bool:
        """Whether the walk is switched on."""
        return self._walking

    def step(self) -> None:
        """Do one step of the walk by hand."""
        self._walker.step()

    async def _walk_on(self) -> None:
        while True:
            await asyncio.sleep(self.config.walk_seconds)
            self._walker.step()

    # Faults, clocks and keys

    def inject(self, fault: Fault) -> int:
        """Put a fault in force and return its id."""
        if fault.account is not None:
            self._world.venue(fault.exchange).account(fault.account)
        return self._faults.add(fault)

    def clear_faults(self, exchange: str | None = None) -> None:
        """End the faults of one exchange, or all. Calls that hang already go on hanging."""
        self._faults.clear(exchange)

    def clear_fault(self, number: int) -> None:
        """End one fault. A fault whose times are used up is gone already and raises UnknownNameError."""
        self._faults.remove(number)

    def faults(self) -> list[tuple[int, Fault, int | None]]:
        """Return (id, fault, times left; None: until cleared) of every fault in force."""
        return [(number, fault, self._faults.left(number)) for number, fault in self._faults]

    def clear_limits(self, exchange: str | None = None) -> None:
        """Forget used weights, windows, bans and blocks of one exchange, or of both."""
        names = EXCHANGES if exchange is None else (self._world.venue(exchange).name,)
        for name in names:
            self._exchanges[name].forget_limits()

    def set_clock_offset(self, exchange: str, ms: int) -> None:
        """Set the exchange's clock to the real time plus `ms`."""
        given: object = ms  # callers without a type checker pass what they like
        if isinstance(given, bool) or not isinstance(given, int) or abs(given) > MOST_OFFSET_MS:
            message = f"offset_ms is {ms!r}: give whole milliseconds, at most a year."
            raise ValueError(message)
        self._world.venue(exchange).offset_ms = ms

    def clock_offset(self, exchange: str) -> int:
        """Return how many milliseconds the exchange's clock is ahead of the real time."""
        return self._world.venue(exchange).offset_ms

    def set_permissions(self, account: str, **flags: bool) -> None:
        """Set flags of a Binance key's apiRestrictions; names the exchange has yet to invent are welcome."""
        venue = self._world.venue(BINANCE)
        venue.account(account)
        for name, value in flags.items():
            if not (name in READ_ONLY or name.startswith(("enable", "permits"))) or not isinstance(value, bool):
                message = f"{name}={value!r} is no permission: give a name such as enableReading, and true or false."
                raise ValueError(message)
        venue.permissions[account].update(flags)

    def permissions(self, account: str) -> dict[str, bool]:
        """Return a Binance key's flags."""
        venue = self._world.venue(BINANCE)
        venue.account(account)
        return dict(venue.permissions[account])

    def revoke(self, exchange: str, account: str) -> None:
        """Make an account's key invalid."""
        venue = self._world.venue(exchange)
        venue.revoked.add(venue.account(account).label)

    def restore(self, exchange: str, account: str) -> None:
        """Make an account's key valid again."""
        venue = self._world.venue(exchange)
        venue.revoked.discard(venue.account(account).label)

    def revoked(self, exchange: str) -> list[str]:
        """Return the accounts whose keys are invalid."""
        return sorted(self._world.venue(exchange).revoked)

    # What was asked

    def requests(self, exchange: str | None = None) -> list[RequestSeen]:
        """Return the newest 10 000 requests in order of arrival, of one exchange or of both."""
        self._known(exchange)
        return self._log.seen(exchange)

    def clear_requests(self) -> None:
        """Forget the requests."""
        self._log.clear()

    def request_counts(self) -> dict[tuple[str, str], int]:
        """Return how many requests ended with (exchange, status) since the start; `none` is no answer."""
        return dict(self._log.counts)

    @staticmethod
    def _known(exchange: str | None) -> None:
        if exchange not in {None, *EXCHANGES}:
            raise UnknownNameError("exchange", str(exchange), EXCHANGES)
