"""BTCTurk's public market data: prices are JSON numbers, and one pair is still a list (BTCTurk docs, "Ticker")."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from simulator.amounts import EXACT, ZERO, plain
from simulator.btcturk.errors import error_reply
from simulator.jsontext import Raw, compact
from simulator.market import Pair
from simulator.wire import Reply
from simulator.world import Venue

Params = dict[str, str]
NOT_FOUND: Final = 404
CENT: Final = Decimal("0.01")
SCALE: Final = 8


def server_time(venue: Venue) -> object:
    """/api/v2/server/time, the one answer without an envelope."""
    now_ms = venue.now_ms()
    moment = datetime.fromtimestamp(now_ms // 1000, UTC)
    text = f"{moment:%Y-%m-%dT%H:%M:%S}.{now_ms % 1000:03d}0000+00:00"
    return {"serverTime": now_ms, "serverTime2": text}


def ticker(venue: Venue, params: Params) -> object:
    """/api/v2/ticker; `pairSymbol` may be spelled BTCUSDT or BTC_USDT."""
    now_ms = venue.now_ms()
    pairs = list(enumerate(venue.market.pairs.values()))
    wanted = params.get("pairSymbol")
    if wanted:
        pairs = [(index, one) for index, one in pairs if wanted.upper() in {one.symbol, _normalised(one)}]
        if not pairs:
            return _no_such(wanted)
    return [_row(one, index, now_ms) for index, one in pairs]


def ticker_currency(venue: Venue, params: Params) -> object:
    """/api/v2/ticker/currency?symbol=usdt: the pairs with that coin on either side."""
    wanted = params.get("symbol", "").upper()
    now_ms = venue.now_ms()
    pairs = [(index, one) for index, one in enumerate(venue.market.pairs.values()) if wanted in {one.base, one.quote}]
    if not pairs:
        return _no_such(wanted)
    return [_row(one, index, now_ms) for index, one in pairs]


def _no_such(wanted: str) -> Reply:
    return error_reply(NOT_FOUND, NOT_FOUND, f"PAIR_SYMBOL_NOT_FOUND: {wanted[:32]}")


def _normalised(pair: Pair) -> str:
    return f"{pair.base}_{pair.quote}"


def _number(value: Decimal) -> Decimal:
    """Drop trailing zeros: 79152, not 79152.00."""
    return Decimal(plain(value))


def _row(pair: Pair, index: int, now_ms: int) -> dict[str, object]:
    change = EXACT.subtract(pair.last, pair.open_)
    percent = (
        EXACT.divide(EXACT.multiply(change, Decimal(100)), pair.open_).quantize(CENT, context=EXACT)
        if pair.open_
        else ZERO
    )
    average = EXACT.divide(EXACT.add(pair.high, pair.low), Decimal(2)).quantize(pair.step, context=EXACT)
    return {
        "pair": pair.symbol, "pairNormalized": _normalised(pair), "timestamp": now_ms,
        "last": _number(pair.last), "high": _number(pair.high), "low": _number(pair.low),
        "bid": _number(pair.bid), "ask": _number(pair.ask), "open": _number(pair.open_),
        "volume": _number(pair.volume), "average": _number(average), "daily": _number(change),
        "dailyPercent": _number(percent), "denominatorSymbol": pair.quote, "numeratorSymbol": pair.base,
        "order": 1000 + index,
    }  # fmt: skip


class ExchangeInfo:
    """/api/v2/server/exchangeinfo, whose rows never change and are written once."""

    def __init__(self) -> None:
        """Nothing is written before it is asked for."""
        self._rows = ""

    def __call__(self, venue: Venue, _params: Params) -> object:
        """Answer one call."""
        if not self._rows:
            pairs = enumerate(venue.market.pairs.values())
            self._rows = ",".join(compact(_info_row(one, index)) for index, one in pairs)
        return Raw(
            f'{{"timeZone":"UTC","serverTime":{venue.now_ms()},"symbols":[{self._rows}],'
            '"currencies":[],"currencyOperationBlocks":[]}'
        )


def _info_row(pair: Pair, index: int) -> dict[str, object]:
    return {
        "id": index + 1, "name": pair.symbol, "nameNormalized": _normalised(pair), "status": pair.status,
        "numerator": pair.base, "denominator": pair.quote, "numeratorScale": SCALE,
        "denominatorScale": pair.places, "hasFraction": pair.places > 0,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.0000000000001", "maxPrice": "10000000",
             "tickSize": plain(pair.step), "minExchangeValue": "99.92", "minAmount": None, "maxAmount": None},
        ],
        "orderMethods": ["MARKET", "LIMIT", "STOP_MARKET", "STOP_LIMIT"], "displayFormat": "#,###",
        "commissionFromNumerator": False, "order": 1000 + index, "priceRounding": False,
        "minimumLimitOrderPrice": plain(pair.step), "maximumLimitOrderPrice": "10000000",
    }  # fmt: skip
