"""BTCTurk's answers to ours: pure functions that read a whole payload or raise UnreadableError, nothing else."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from collectors.balances import Amounts, balances
from collectors.btcturk import payloads
from collectors.errors import UnreadableError
from collectors.exchange import Listing, Symbol, Ticker
from collectors.payload import MEND, read_amount, read_payload
from schemas.amounts import AmountError, add, subtract
from schemas.events import Balance

TRADING: Final = "TRADING"

TOTAL_TOLERANCE: Final = Decimal("1e-8")
"""How far, relatively, BTCTurk's own total may be from free + locked: its amounts look like doubles at times."""


def parse_time(payload: object) -> int:
    """GET /api/v2/server/time: milliseconds."""
    return read_payload(payloads.SERVER_TIME, payload, what="the server time").serverTime


def parse_balances(payload: object) -> tuple[Balance, ...]:
    """GET /api/v1/users/balances: every asset, of which the zero rows are left out."""
    rows = read_payload(payloads.USER_BALANCES, payload, what="the balances").data
    return balances(_amounts(rows), what="the balances")


def _amounts(rows: list[payloads.UserBalance]) -> Iterator[Amounts]:
    for row in rows:
        if row.balance or row.free or row.locked:
            _check_total(row)
            yield Amounts(row.asset, row.free, row.locked)


def _check_total(row: payloads.UserBalance) -> None:
    try:
        gap = abs(subtract(add(row.free, row.locked), row.balance))
        agrees = gap <= TOTAL_TOLERANCE * max(row.balance, add(row.free, row.locked))
    except ArithmeticError:
        agrees = False
    if not agrees:
        raise UnreadableError("the balances: a total is not its free and locked parts together.", MEND)


def parse_listing(payload: object) -> Listing:
    """GET /api/v2/server/exchangeinfo. Names are never taken apart: both sides stand beside them."""
    info = read_payload(payloads.EXCHANGE_INFO, payload, what="the list of symbols")
    return Listing(
        Symbol(row.name, row.numerator, row.denominator, row.status == TRADING)
        for row in info.data.symbols
        if row.numerator != row.denominator
    )


def parse_tickers(payload: object) -> list[Ticker]:
    """GET /api/v2/ticker: a list, even of one. A row without a usable price gives a ticker without one."""
    rows = read_payload(payloads.TICKERS, payload, what="the prices").data
    return [ticker for row in rows if (ticker := _ticker(row)) is not None]


def _ticker(row: object) -> Ticker | None:
    if not isinstance(row, dict):
        return None
    try:
        read = payloads.TickerRow.model_validate(row)
    except ValidationError:
        pair = row.get("pair")
        return Ticker(pair, None, None) if isinstance(pair, str) else None
    try:
        day_ago = read_amount(row.get("open"))
    except AmountError:  # Missing or odd: the last price is good without it.
        day_ago = None
    return Ticker(read.pair, read.last or None, day_ago or None)
