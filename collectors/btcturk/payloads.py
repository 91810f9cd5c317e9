"""BTCTurk's answers under its own names, as far as they are used (docs.btcturk.com)."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, PlainValidator, TypeAdapter

from collectors.payload import ExchangeAmount, Payload, read_amount
from schemas.fields import Asset

Text = Annotated[str, Field(max_length=64)]
SYMBOLS_MAX: Final = 20_000


def read_local_amount(value: object) -> Decimal:
    """An amount with a point or with a comma for the decimals: the docs' own example of balances has commas.

    A comma is never a thousands sign: with a point beside it, or twice, the text is no amount.
    """
    if isinstance(value, str) and "," in value and "." not in value:
        return read_amount(value.replace(",", ".", 1))
    return read_amount(value)


LocalAmount = Annotated[Decimal, PlainValidator(read_local_amount)]


class ServerTime(Payload):
    """GET /api/v2/server/time: the one answer without an envelope."""

    serverTime: Annotated[int, Field(ge=0, le=2**53)]  # noqa: N815 - the exchange's own name


class UserBalance(Payload):
    """A row of GET /api/v1/users/balances ("Account Balance"): balance = free + locked.

    ``orderFund`` and ``requestFund`` are parts of ``locked`` and not read.
    """

    asset: Asset
    balance: LocalAmount
    locked: LocalAmount
    free: LocalAmount


class UserBalances(Payload):
    """GET /api/v1/users/balances."""

    data: list[UserBalance]


class Pair(Payload):
    """A symbol of GET /api/v2/server/exchangeinfo."""

    name: Text
    status: Text
    numerator: Asset
    denominator: Asset


class Pairs(Payload):
    """The content of GET /api/v2/server/exchangeinfo."""

    symbols: Annotated[list[Pair], Field(max_length=SYMBOLS_MAX)]


class ExchangeInfo(Payload):
    """GET /api/v2/server/exchangeinfo."""

    data: Pairs


class TickerRow(Payload):
    """A row of GET /api/v2/ticker. Prices are JSON numbers; ``open`` may be 0 or missing."""

    pair: Text
    last: ExchangeAmount


class Tickers(Payload):
    """GET /api/v2/ticker."""

    data: list[object]


SERVER_TIME: Final = TypeAdapter(ServerTime)
USER_BALANCES: Final = TypeAdapter(UserBalances)
EXCHANGE_INFO: Final = TypeAdapter(ExchangeInfo)
TICKERS: Final = TypeAdapter(Tickers)
