"""The truth of the simulated world: one venue per exchange, with balances, prices, keys and a clock."""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from simulator.amounts import read
from simulator.config import Account, Holding, SimulatorConfig
from simulator.market import Market
from simulator.names import BINANCE, BTCTURK, EXCHANGES, WALLETS, UnknownNameError

# Binance writes eight decimals; BTCTurk writes what its database holds, sixteen and more.
PLACES: Final = {BINANCE: 8, BTCTURK: 18}
MOST_ASSETS: Final = 5000
LONGEST_CODE: Final = 32
READ_ONLY: Final[Mapping[str, bool]] = {
    "ipRestrict": False,
    "enableReading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "enableMargin": False,
    "enableFutures": False,
    "permitsUniversalTransfer": False,
    "enableVanillaOptions": False,
    "enableFixApiTrade": False,
    "enableFixReadOnly": True,
    "enableSpotAndMarginTrading": False,
    "enablePortfolioMarginTrading": False,
}

Wallet = dict[str, Holding]
AmountLike = str | int | Decimal


class Venue:
    """One exchange: its accounts and what they hold, its market, its clock, and which keys it has revoked."""

    def __init__(self, name: str, config: SimulatorConfig, wall: Callable[[], float]) -> None:
        """Take the exchange's part of the configuration; `wall` returns the real time in seconds."""
        self.name = name
        self._wall = wall
        self.offset_ms = 0
        self.market = Market(name, config.listings.get(name, ()))
        self.accounts: Final = {one.label: one for one in config.accounts.get(name, ())}
        self.by_key: Final = {one.api_key: one for one in self.accounts.values()}
        self.revoked: set[str] = set()
        self.permissions: Final = {label: dict(READ_ONLY) for label in self.accounts}
        self.changed_ms: Final = dict.fromkeys(self.accounts, self.now_ms())
        self._wallets: Final[dict[tuple[str, str], Wallet]] = {
            (one.label, wallet): dict(one.balances.get(wallet, {}))
            for one in self.accounts.values()
            for wallet in WALLETS[name]
        }
        held = (code for wallet in self._wallets.values() for code in wallet)
        self.assets: Final = dict.fromkeys((*self.market.assets(), *held, *config.assets.get(name, ())))

    def now_ms(self) -> int:
        """Return this exchange's own clock in milliseconds since 1970: the real time plus its offset."""
        return int(self._wall() * 1000) + self.offset_ms

    def real_seconds(self) -> float:
        """Return the real time in seconds, for windows that a wrong clock does not move."""
        return self._wall()

    def account(self, label: str) -> Account:
        """Return the account. Raises UnknownNameError."""
        found = self.accounts.get(label)
        if found is None:
            raise UnknownNameError(f"{self.name} account", label, self.accounts)
        return found

    def wallet(self, account: str, wallet: str) -> Wallet:
        """Return what a wallet holds, zero rows included. Raises UnknownNameError."""
        self.account(account)
        found = self._wallets.get((account, wallet))
        if found is None:
            raise UnknownNameError(f"{self.name} wallet", wallet, WALLETS[self.name])
        return found

    def put(self, account: str, wallet: str, asset: str, holding: Holding) -> None:
        """Set one row. A new code becomes listed. Raises ValueError for what is no asset code."""
        self._check_code(asset)
        self.wallet(account, wallet)[asset] = holding
        self.assets[asset] = None
        self.changed_ms[account] = self.now_ms()

    def replace(self, account: str, wallet: str, rows: Mapping[str, Holding]) -> None:
        """Replace a wallet's whole content, or, when a code is wrong, nothing."""
        held = self.wallet(account, wallet)
        for asset in rows:
            self._check_code(asset)
        held.clear()
        self.changed_ms[account] = self.now_ms()
        for asset, holding in rows.items():
            self.put(account, wallet, asset, holding)

    def _check_code(self, asset: str) -> None:
        if not asset or len(asset) > LONGEST_CODE or not asset.isprintable():
            message = f"{asset!r} is not an asset code: give 1 to {LONGEST_CODE} printable characters."
            raise ValueError(message)
        if asset not in self.assets and len(self.assets) >= MOST_ASSETS:
            message = f"{self.name} lists {MOST_ASSETS} assets already: take codes it knows."
            raise ValueError(message)

    def holding(
        self,
        where: str,
        *,
        free: AmountLike,
        locked: AmountLike = "0",
        freeze: AmountLike = "0",
        withdrawing: AmountLike = "0",
    ) -> Holding:
        """Read the four amounts of a row. Raises ValueError naming `where`."""
        places = PLACES[self.name]
        return Holding(
            read(free, name=f"{where} free", places=places),
            read(locked, name=f"{where} locked", places=places),
            read(freeze, name=f"{where} freeze", places=places),
            read(withdrawing, name=f"{where} withdrawing", places=places),
        )

    def set_price(self, symbol: str, last: AmountLike, open_: AmountLike | None = None) -> None:
        """Set a pair's last price and, when given, its price 24 hours ago. Zero is allowed: exchanges do it."""
        pair = self.market.pair(symbol)
        places = PLACES[self.name]
        new_last = read(last, name=f"{symbol} last", places=places)
        if open_ is not None:
            pair.open_ = read(open_, name=f"{symbol} open", places=places)
        pair.set(new_last)


class World:
    """Every venue of one simulator."""

    def __init__(self, config: SimulatorConfig, wall: Callable[[], float] = time.time) -> None:
        """Build the venues from `config`; `wall` returns the real time in seconds (tests give their own)."""
        self.config = config
        self.wall = wall
        self.venues: Final = {name: Venue(name, config, wall) for name in EXCHANGES}

    def venue(self, exchange: str) -> Venue:
        """Return the exchange's venue. Raises UnknownNameError."""
        found = self.venues.get(exchange)
        if found is None:
            raise UnknownNameError("exchange", exchange, self.venues)
        return found
