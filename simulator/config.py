"""What a simulated world is made of at its start: accounts, coins, pairs, and how strict each exchange is."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from simulator.amounts import ZERO, add
from simulator.names import BINANCE, BTCTURK, EXCHANGES, WALLETS, UnknownNameError

BINANCE_KEY: Final = re.compile(r"[A-Za-z0-9]{64}")
BTCTURK_SECRET_BYTES: Final = 32
# Letters, digits, dash and underscore only: labels stand in the control server's paths.
LABEL: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Holding:
    """What a wallet holds of one asset. `freeze` and `withdrawing` are further parts that are owned but not free."""

    free: Decimal = ZERO
    locked: Decimal = ZERO
    freeze: Decimal = ZERO
    withdrawing: Decimal = ZERO

    @property
    def used(self) -> Decimal:
        """Everything owned that is not free."""
        return add(self.locked, self.freeze, self.withdrawing)

    @property
    def total(self) -> Decimal:
        """Everything owned."""
        return add(self.free, self.used)


@dataclass(frozen=True, slots=True)
class Account:
    """One account of one exchange, with the key that reads it.

    Binance keys are 64 letters and digits. A BTCTurk secret is the base64 of 32 bytes. `earn_positions`
    says into how many positions an asset's flexible or locked Earn amount is split (1 unless named).
    """

    label: str
    api_key: str
    api_secret: str = field(repr=False)
    balances: Mapping[str, Mapping[str, Holding]] = field(default_factory=dict)
    earn_positions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """One trading pair at the start: the last price, the price 24 hours ago, and the decimals of its price step."""

    symbol: str
    base: str
    quote: str
    last: Decimal
    open_: Decimal
    places: int = 2
    status: str = "TRADING"


@dataclass(frozen=True, slots=True)
class BinanceRules:
    """How strict Binance is. The defaults are the documented ones (spot docs, rest-api.md, "LIMITS").

    `refusals_before_ban` is ours: the docs say only that a client that does not back off after 429 is banned.
    """

    testnet: bool = False
    weight_per_minute: int = 6000
    sapi_weight_per_minute: int = 12000
    refusals_before_ban: int = 10
    first_ban_seconds: float = 120.0
    longest_ban_seconds: float = 259_200.0
    mirrors_flexible_earn: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` calls in `period` seconds from the first one; more than that block for `block` seconds."""

    limit: int
    period: float = 60.0
    block: float = 60.0


DecimalStyle = Literal["comma", "point", "mixed"]


def _documented_windows() -> Mapping[str, Window]:
    """BTCTurk docs, "Rate Limits": policy ip, period and block 60 s."""
    return {"/api/v1/users/balances": Window(120), "/api/v2/ticker": Window(600)}


@dataclass(frozen=True, slots=True)
class BtcturkRules:
    """How strict BTCTurk is, and how it writes amounts.

    The docs do not say how long a block for unauthorised calls lasts, nor its status: both are settable.
    """

    decimal_style: DecimalStyle = "comma"
    stamp_tolerance_ms: int = 5000
    windows: Mapping[str, Window] = field(default_factory=_documented_windows)
    unauthorised_before_block: int = 50
    address_block_seconds: float = 3600.0
    address_block_status: int = 403


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """A whole simulated world. Raises ValueError for keys no exchange would issue, or labels given twice."""

    seed: int = 0
    accounts: Mapping[str, tuple[Account, ...]] = field(default_factory=dict)
    listings: Mapping[str, tuple[Listing, ...]] = field(default_factory=dict)
    assets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    binance: BinanceRules = BinanceRules()
    btcturk: BtcturkRules = BtcturkRules()
    walk_seconds: float = 1.0

    def __post_init__(self) -> None:
        """Check names, keys and secrets, so that a typing error shows here and not as a refused call."""
        for exchange in (*self.accounts, *self.listings, *self.assets):
            if exchange not in EXCHANGES:
                raise UnknownNameError("exchange", exchange, EXCHANGES)
        for exchange, accounts in self.accounts.items():
            for one in accounts:
                _check_account(exchange, one)
            for what, names in (
                ("label", [a.label for a in accounts]),
                ("key", [a.api_key for a in accounts]),
            ):
                if len(set(names)) != len(names):
                    message = f"Two accounts of {exchange} have the same {what}: give each its own."
                    raise ValueError(message)

    def account(self, exchange: str, label: str) -> Account:
        """Return the account named `label`. Raises UnknownNameError."""
        accounts = self.accounts.get(exchange)
        if accounts is None:
            raise UnknownNameError("exchange", exchange, self.accounts)
        for one in accounts:
            if one.label == label:
                return one
        raise UnknownNameError(f"{exchange} account", label, (one.label for one in accounts))


def _check_account(exchange: str, account: Account) -> None:
    if not LABEL.fullmatch(account.label):
        message = f"The label {account.label!r} of {exchange} must be letters, digits, '-' or '_'."
        raise ValueError(message)
    if exchange == BINANCE and not BINANCE_KEY.fullmatch(account.api_key):
        message = f"The key of {exchange}/{account.label} must be 64 letters and digits."
        raise ValueError(message)
    if exchange == BTCTURK and not _is_btcturk_secret(account.api_secret):
        message = f"The secret of {exchange}/{account.label} must be the base64 of {BTCTURK_SECRET_BYTES} bytes."
        raise ValueError(message)
    for wallet in account.balances:
        if wallet not in WALLETS[exchange]:
            raise UnknownNameError(f"{exchange} wallet", wallet, WALLETS[exchange])


def _is_btcturk_secret(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret, validate=True)) == BTCTURK_SECRET_BYTES
    except (binascii.Error, ValueError):
        return False
