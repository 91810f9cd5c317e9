"""What a portfolio is made of: rows in wallets in accounts, and the sums of each asset. Pure."""

import sys
from collections.abc import Iterable
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Final

from aggregator.marks import Marks, SourceStatus, stale_limit
from aggregator.pricing import Pricing
from schemas.amounts import AMOUNT_DECIMALS_MAX, AMOUNT_DIGITS_MAX, ZERO
from schemas.events import Balance, BalanceSnapshot
from schemas.fields import milliseconds
from schemas.state_encoding import json_text

if TYPE_CHECKING:
    from aggregator.portfolio import Portfolio

_AMOUNTS: Final = Context(
    prec=AMOUNT_DIGITS_MAX + AMOUNT_DECIMALS_MAX + 20, Emin=-200, Emax=200, traps=[Inexact, InvalidOperation]
)
"""Wide enough that sums of even absurd amounts (10^39 of a coin, and 10^-30) are exact, whatever their order."""

add_amounts: Final = _AMOUNTS.add
subtract_amounts: Final = _AMOUNTS.subtract


def total_amount(amounts: Iterable[Decimal]) -> Decimal:
    """The exact sum of amounts, whatever they are."""
    total = ZERO
    for amount in amounts:
        total = add_amounts(total, amount)
    return total


Mirror = tuple[str, str]
"""The wallet and the code under which a row stands already."""


class Row:
    """One row of a wallet. ``value`` and ``ago`` are in smallest units (10^-18 dollars), None without a price."""

    __slots__ = ("ago", "code", "counted", "locked", "mirror", "position", "prefix", "text", "total", "value", "wallet")

    def __init__(self, wallet: "Wallet", position: "Position", balance: Balance, mirror: Mirror | None) -> None:
        self.wallet = wallet
        self.position = position
        self.code = sys.intern(balance.asset)
        self.total = balance.total
        # Most rows have nothing locked; one zero serves them all. ``free`` is the difference, which is exact.
        self.locked = balance.locked or ZERO
        self.mirror = mirror
        self.counted = True
        self.value: int | None = None
        self.ago: int | None = None
        self.text = b""
        self.prefix = 0


class Wallet:
    """One wallet, as its newest snapshot shows it."""

    __slots__ = (
        "account",
        "cause",
        "command_id",
        "mirrors",
        "name",
        "observed_at",
        "poll_interval_seconds",
        "requested_at",
        "rows",
        "seen_at",
        "stale_at",
        "total",
        "version",
    )

    def __init__(self, account: "Account", name: str) -> None:
        self.account = account
        self.name = sys.intern(name)
        self.rows: dict[str, Row] = {}
        self.mirrors: tuple[Row, ...] = ()
        self.total = 0
        self.version = (0, 0)
        self.observed_at = 0
        self.requested_at = 0
        self.stale_at = 0
        self.seen_at = 0
        self.poll_interval_seconds = 0.0
        self.cause = ""
        self.command_id: str | None = None

    def take(self, event: BalanceSnapshot, now: int) -> None:
        """Take in all but the rows. A time ahead of our clock counts as now: nobody stays fresh by a wrong clock."""
        self.version = event.version
        self.observed_at = milliseconds(event.observed_at)
        self.requested_at = milliseconds(event.requested_at)
        self.poll_interval_seconds = event.poll_interval_seconds
        self.stale_at = min(self.observed_at, now) + stale_limit(event.poll_interval_seconds)
        self.seen_at = min(milliseconds(event.published_at), now)
        self.cause = event.cause
        self.command_id = event.command_id


class Account:
    """One account: its wallets, and how its collector says the reading goes."""

    __slots__ = (
        "alarm",
        "exchange",
        "head",
        "marks",
        "name",
        "portfolio",
        "reasons",
        "source",
        "status",
        "total",
        "wallets",
    )

    def __init__(self, portfolio: "Portfolio", exchange: str, name: str) -> None:
        self.portfolio = portfolio
        self.exchange = sys.intern(exchange)
        self.name = sys.intern(name)
        self.wallets: dict[str, Wallet] = {}
        self.status: SourceStatus | None = None
        self.alarm: int | None = None
        self.total = 0
        self.marks: Marks | None = None
        """As last written."""
        self.head = b""
        self.source = b""
        self.reasons: tuple[bytes, ...] = ()


class Position:
    """All rows of a portfolio that hold one asset at one exchange, with their running sums over what is counted."""

    __slots__ = (
        "aged",
        "ago",
        "amount",
        "both",
        "counted",
        "portfolio",
        "pricing",
        "rows",
        "sum",
        "unpriced",
        "value",
    )

    def __init__(self, portfolio: "Portfolio", assets: "AssetSum", pricing: Pricing) -> None:
        self.portfolio = portfolio
        self.sum = assets
        self.pricing = pricing
        self.rows: dict[Row, None] = {}  # As a set, and half its size.
        self.counted = 0
        """How many of the rows are counted."""
        self.amount = ZERO
        self.unpriced = ZERO
        """So much of the amount has no value."""
        self.value = 0
        self.aged = 0
        """How many of the counted rows have a value of 24 hours ago."""
        self.both = 0
        """So much of the value has one of 24 hours ago beside it."""
        self.ago = 0


class AssetSum:
    """One asset of a portfolio over all exchanges, and its parts of the state."""

    __slots__ = (
        "ago",
        "asset",
        "both",
        "has_ago",
        "part",
        "partial",
        "positions",
        "reasons",
        "text",
        "unpriced",
        "value",
    )

    def __init__(self, asset: str) -> None:
        self.asset = asset
        self.text = sys.intern(json_text(asset))
        """The asset as JSON."""
        self.positions: list[Position] = []
        self.value = 0
        self.both = 0
        self.ago = 0
        self.has_ago = False
        self.partial = False
        """Whether a counted row lacks one of the two prices."""
        self.part = b""
        self.reasons: tuple[bytes, ...] = ()
        self.unpriced: tuple[bytes, ...] = ()
