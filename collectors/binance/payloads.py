"""Binance's answers under its own names, as far as they are used. Amounts are strings (rest-api.md; the SDKs)."""

from typing import Annotated, Final

from pydantic import ConfigDict, Field, TypeAdapter

from collectors.payload import ExchangeAmount, Payload
from schemas.fields import Asset

Text = Annotated[str, Field(max_length=64)]
SYMBOLS_MAX: Final = 20_000


class ServerTime(Payload):
    """GET /api/v3/time."""

    serverTime: Annotated[int, Field(ge=0, le=2**53)]  # noqa: N815 - the exchange's own name


class SpotBalance(Payload):
    """A row of GET /api/v3/account."""

    asset: Asset
    free: ExchangeAmount
    locked: ExchangeAmount


class Account(Payload):
    """GET /api/v3/account."""

    balances: list[SpotBalance]


class FundingAsset(Payload):
    """A row of POST /sapi/v1/asset/get-funding-asset: four parts that all belong to the owner."""

    asset: Asset
    free: ExchangeAmount
    locked: ExchangeAmount
    freeze: ExchangeAmount
    withdrawing: ExchangeAmount


class FlexiblePosition(Payload):
    """A row of GET /sapi/v1/simple-earn/flexible/position."""

    asset: Asset
    totalAmount: ExchangeAmount  # noqa: N815 - the exchange's own name
    productId: str  # noqa: N815 - the exchange's own name


class LockedPosition(Payload):
    """A row of GET /sapi/v1/simple-earn/locked/position."""

    asset: Asset
    amount: ExchangeAmount
    positionId: int | str  # noqa: N815 - the exchange's own name


class FlexiblePage(Payload):
    """A page of flexible positions."""

    rows: list[FlexiblePosition]
    total: Annotated[int, Field(ge=0)]


class LockedPage(Payload):
    """A page of locked positions."""

    rows: list[LockedPosition]
    total: Annotated[int, Field(ge=0)]


class Restrictions(Payload):
    """GET /sapi/v1/account/apiRestrictions. All fields are kept: one that we do not know may be a new power."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    ipRestrict: bool  # noqa: N815 - the exchange's own name
    enableReading: bool  # noqa: N815 - the exchange's own name


class WalletBalance(Payload):
    """A row of GET /sapi/v1/asset/wallet/balance."""

    balance: ExchangeAmount


class SymbolInfo(Payload):
    """A symbol of GET /api/v3/exchangeInfo."""

    symbol: Text
    status: Text
    baseAsset: Asset  # noqa: N815 - the exchange's own name
    quoteAsset: Asset  # noqa: N815 - the exchange's own name


class ExchangeInfo(Payload):
    """GET /api/v3/exchangeInfo."""

    symbols: Annotated[list[SymbolInfo], Field(max_length=SYMBOLS_MAX)]


class DayTicker(Payload):
    """A row of GET /api/v3/ticker/24hr, type MINI."""

    symbol: Text
    lastPrice: ExchangeAmount  # noqa: N815 - the exchange's own name
    openPrice: ExchangeAmount  # noqa: N815 - the exchange's own name


SERVER_TIME: Final = TypeAdapter(ServerTime)
ACCOUNT: Final = TypeAdapter(Account)
FUNDING: Final = TypeAdapter(list[FundingAsset])
FLEXIBLE_PAGE: Final = TypeAdapter(FlexiblePage)
LOCKED_PAGE: Final = TypeAdapter(LockedPage)
RESTRICTIONS: Final = TypeAdapter(Restrictions)
WALLET_BALANCES: Final = TypeAdapter(list[WalletBalance])
EXCHANGE_INFO: Final = TypeAdapter(ExchangeInfo)
DAY_TICKERS: Final = TypeAdapter(list[object])
