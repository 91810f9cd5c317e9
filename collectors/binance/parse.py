"""Binance's answers to ours: pure functions that read a whole payload or raise UnreadableError, nothing else."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from collectors.balances import Amounts, balances
from collectors.binance import payloads
from collectors.errors import UnreadableError
from collectors.exchange import KeyPermissions, Listing, Symbol, Ticker, Worth
from collectors.payload import MEND, read_amount, read_payload
from schemas.amounts import AmountError, total_of
from schemas.events import Balance, Mirror

MIRROR_PREFIX: Final = "LD"
"""Flexible Earn holdings also stand in the spot account under this prefix (seen by many; not in the docs)."""

MIRRORED_WALLET: Final = "earn-flexible"
TRADING: Final = "TRADING"

POWERS: Final = (
    "enableWithdrawals",
    "enableSpotAndMarginTrading",
    "enableMargin",
    "enableFutures",
    "enableInternalTransfer",
    "permitsUniversalTransfer",
    "enableVanillaOptions",
    "enableFixApiTrade",
    "enablePortfolioMarginTrading",
)
"""Flags of a key that allow more than reading (binance-sdk-wallet, ``apiRestrictions``)."""

HARMLESS: Final = frozenset({"enableReading", "enableFixReadOnly"})
_FLAG: Final = re.compile(r"(enable|permits)")


def parse_time(payload: object) -> int:
    """GET /api/v3/time: milliseconds."""
    return read_payload(payloads.SERVER_TIME, payload, what="the server time").serverTime


def parse_spot(payload: object, listing: Listing | None) -> tuple[Balance, ...]:
    """GET /api/v3/account. Rows that mirror flexible Earn are marked so, where the listing lets us tell."""
    account = read_payload(payloads.ACCOUNT, payload, what="the spot account")
    rows = (Amounts(row.asset, row.free, row.locked, mirror_of(row.asset, listing)) for row in account.balances)
    return balances(rows, what="the spot account")


def mirror_of(code: str, listing: Listing | None) -> Mirror | None:
    """What an ``LD…`` row of spot mirrors. ``LDx`` is Earn only if x is known and LDx is no coin itself, as LDO is."""
    asset = code.removeprefix(MIRROR_PREFIX)
    if listing is None or asset == code or code in listing.bases or asset not in listing.assets:
        return None
    return Mirror(wallet=MIRRORED_WALLET, asset=asset)


def parse_funding(payload: object) -> tuple[Balance, ...]:
    """POST get-funding-asset: locked, frozen and leaving amounts are all still the owner's."""
    found = read_payload(payloads.FUNDING, payload, what="the funding wallet")
    try:
        rows = [Amounts(row.asset, row.free, total_of((row.locked, row.freeze, row.withdrawing))) for row in found]
    except AmountError as error:
        raise UnreadableError(f"the funding wallet: {error}.", MEND) from None
    return balances(rows, what="the funding wallet")


def parse_flexible_page(payload: object) -> tuple[list[payloads.FlexiblePosition], int]:
    """One page of flexible positions, and how many there are on all pages."""
    page = read_payload(payloads.FLEXIBLE_PAGE, payload, what="a page of flexible Earn")
    return page.rows, page.total


def parse_locked_page(payload: object) -> tuple[list[payloads.LockedPosition], int]:
    """One page of locked positions, and how many there are on all pages."""
    page = read_payload(payloads.LOCKED_PAGE, payload, what="a page of locked Earn")
    return page.rows, page.total


def flexible_balances(positions: Sequence[payloads.FlexiblePosition]) -> tuple[Balance, ...]:
    """All flexible positions, several of one asset added up; they can be redeemed at any time, so they are free."""
    summed = _sums(((row.asset, row.totalAmount) for row in positions), what="flexible Earn")
    return balances((Amounts(asset, amount, Decimal(0)) for asset, amount in summed), what="flexible Earn")


def locked_balances(positions: Sequence[payloads.LockedPosition]) -> tuple[Balance, ...]:
    """All locked positions, several of one asset added up."""
    summed = _sums(((row.asset, row.amount) for row in positions), what="locked Earn")
    return balances((Amounts(asset, Decimal(0), amount) for asset, amount in summed), what="locked Earn")


def _sums(rows: Iterable[tuple[str, Decimal]], *, what: str) -> list[tuple[str, Decimal]]:
    amounts: dict[str, list[Decimal]] = {}
    for asset, amount in rows:
        amounts.setdefault(asset, []).append(amount)
    try:
        return [(asset, total_of(parts)) for asset, parts in amounts.items()]
    except AmountError as error:
        raise UnreadableError(f"{what}: {error}.", MEND) from None


def parse_permissions(payload: object) -> KeyPermissions:
    """GET apiRestrictions: the powers that are on. A flag that is neither true nor false makes it unreadable."""
    found = read_payload(payloads.RESTRICTIONS, payload, what="the key's permissions")
    on: list[str] = []
    for name, value in (found.model_extra or {}).items():
        if not _FLAG.match(name):
            continue
        if not isinstance(value, bool):
            raise UnreadableError("the key's permissions: a flag is neither true nor false.", MEND)
        if value and name not in HARMLESS:
            on.append(name)
    return KeyPermissions(
        reads=found.enableReading,
        powers=tuple(name for name in on if name in POWERS),
        unknown=tuple(name for name in on if name not in POWERS),
        ip_restricted=found.ipRestrict,
    )


def parse_listing(payload: object) -> Listing:
    """GET /api/v3/exchangeInfo. Symbols are never taken apart: base and quote stand beside them."""
    info = read_payload(payloads.EXCHANGE_INFO, payload, what="the list of symbols")
    return Listing(
        Symbol(row.symbol, row.baseAsset, row.quoteAsset, row.status == TRADING)
        for row in info.symbols
        if row.baseAsset != row.quoteAsset
    )


def parse_tickers(payload: object) -> list[Ticker]:
    """GET /api/v3/ticker/24hr with ``symbols``: a list. A row without a usable price gives a ticker without one."""
    rows = read_payload(payloads.DAY_TICKERS, payload, what="the prices")
    return [ticker for row in rows if (ticker := _ticker(row)) is not None]


def _ticker(row: object) -> Ticker | None:
    try:
        read = payloads.DayTicker.model_validate(row)
    except ValidationError:
        return _named(row)
    return Ticker(read.symbol, read.lastPrice or None, read.openPrice or None)


def _named(row: object) -> Ticker | None:
    """What is left of a row that is not as documented: its symbol, and its last price where that alone is good."""
    if not isinstance(row, dict) or not isinstance(row.get("symbol"), str):
        return None
    try:
        last = read_amount(row.get("lastPrice"))
    except AmountError:
        return Ticker(row["symbol"], None, None)
    return Ticker(row["symbol"], last or None, None)


def parse_worth(payload: object) -> Worth:
    """GET asset/wallet/balance: the sum over all wallets, asked for in BTC."""
    rows = read_payload(payloads.WALLET_BALANCES, payload, what="the exchange's own totals")
    try:
        return Worth("BTC", total_of(row.balance for row in rows))
    except AmountError as error:
        raise UnreadableError(f"the exchange's own totals: {error}.", MEND) from None
