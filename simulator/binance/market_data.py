"""Binance's public market data (spot docs, rest-api.md, "General endpoints" and "Market Data endpoints")."""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from simulator.amounts import EXACT, ZERO, padded
from simulator.binance.errors import RefusalError, bad_symbol, invalid
from simulator.jsontext import Raw, compact
from simulator.market import Pair
from simulator.world import Venue

STATUSES: Final = frozenset({"TRADING", "HALT", "BREAK", "CANCEL_ONLY"})
# Every pair here is tradable on spot; asking for another permission finds nothing.
PERMISSION: Final = "SPOT"
SYMBOL: Final = re.compile(r"[^a-z\s\x00-\x1f!-,/:-@\[-^`{-\x7f]{1,50}")
DAY_MS: Final = 86_400_000
FEW_SYMBOLS, MANY_SYMBOLS = 20, 100
PLACES: Final = 8
ORDER_TYPES: Final = (
    "LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT",
)  # fmt: skip

Params = dict[str, str]


def wanted_symbols(params: Params) -> list[str] | None:
    """Return the symbols asked for, or None for all. Raises the refusals for symbols no one could mean."""
    if "symbol" in params and "symbols" in params:
        raise RefusalError(-1128, "Combination of optional parameters invalid.")
    if "symbol" in params:
        _check_symbol(params["symbol"], "symbol")
        return [params["symbol"]]
    if "symbols" not in params:
        return None
    try:
        listed = json.loads(params["symbols"])
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, str) for one in listed):
        raise RefusalError(-1135, "JSON sent for parameter 'symbols' is not valid")
    if " " in params["symbols"]:
        raise RefusalError(
            -1100, "Illegal characters found in parameter 'symbols'; legal range is '^\\[\"[^ ]*\"\\]$'."
        )
    for symbol in listed:
        _check_symbol(symbol, "symbols")
    if len(set(listed)) != len(listed):
        raise RefusalError(-1151, "Symbol is present multiple times in the list.")
    return listed


def _check_symbol(symbol: str, name: str) -> None:
    if not SYMBOL.fullmatch(symbol):
        raise RefusalError(
            -1100,
            f"Illegal characters found in parameter '{name}'; legal range is '^[\\w\\-._&&[^a-z]]{{1,50}}$'.",
        )


def chosen(venue: Venue, params: Params) -> list[Pair]:
    """Return the pairs a call is about, halted ones included unless `symbolStatus` says otherwise."""
    status = params.get("symbolStatus")
    if status is not None and status not in STATUSES:
        raise RefusalError(-1122, "Invalid symbolStatus.")
    names = wanted_symbols(params)
    found = list(venue.market.pairs.values()) if names is None else [venue.market.pairs.get(one) for one in names]
    pairs = [one for one in found if one is not None]
    if len(pairs) != len(found):
        raise bad_symbol()
    if status is None:
        return pairs
    if "symbol" in params and pairs[0].status != status:
        raise RefusalError(-1220, "The symbol's status does not match the requested symbolStatus.")
    return [one for one in pairs if one.status == status]


def _answer(venue: Venue, params: Params, row: Callable[[Pair], object]) -> object:
    """One object for `symbol`, a list otherwise."""
    rows = [row(pair) for pair in chosen(venue, params)]
    return rows[0] if "symbol" in params else rows


def price(venue: Venue, params: Params) -> object:
    """/api/v3/ticker/price."""
    return _answer(venue, params, lambda pair: {"symbol": pair.symbol, "price": padded(pair.last)})


def book(venue: Venue, params: Params) -> object:
    """/api/v3/ticker/bookTicker. A halted pair has an empty book: zeros."""

    def row(pair: Pair) -> object:
        bid, ask, quantity = (
            (pair.bid, pair.ask, "1.50000000") if pair.status == "TRADING" else (ZERO, ZERO, padded(ZERO))
        )
        return {
            "symbol": pair.symbol, "bidPrice": padded(bid), "bidQty": quantity,
            "askPrice": padded(ask), "askQty": quantity,
        }  # fmt: skip

    return _answer(venue, params, row)


def day(venue: Venue, params: Params) -> object:
    """/api/v3/ticker/24hr, FULL or MINI."""
    kind = params.get("type", "FULL")
    if kind not in {"FULL", "MINI"}:
        raise RefusalError(-1139, "Invalid ticker type.")
    now_ms = venue.now_ms()
    return _answer(venue, params, lambda pair: _day_row(pair, now_ms, full=kind == "FULL"))


def _day_row(pair: Pair, now_ms: int, *, full: bool) -> dict[str, object]:
    change = EXACT.subtract(pair.last, pair.open_)
    percent = EXACT.divide(EXACT.multiply(change, Decimal(100)), pair.open_) if pair.open_ else ZERO
    average = EXACT.divide(EXACT.add(pair.last, pair.open_), Decimal(2))
    row: dict[str, object] = {"symbol": pair.symbol}
    if full:
        row |= {
            "priceChange": padded(change), "priceChangePercent": padded(percent, 3),
            "weightedAvgPrice": padded(average), "prevClosePrice": padded(pair.open_),
        }  # fmt: skip
    row["lastPrice"] = padded(pair.last)
    if full:
        row |= {
            "lastQty": "0.01000000", "bidPrice": padded(pair.bid), "bidQty": "1.50000000",
            "askPrice": padded(pair.ask), "askQty": "1.50000000",
        }  # fmt: skip
    row |= {
        "openPrice": padded(pair.open_), "highPrice": padded(pair.high), "lowPrice": padded(pair.low),
        "volume": padded(pair.volume), "quoteVolume": padded(EXACT.multiply(pair.volume, average)),
        "openTime": now_ms - DAY_MS, "closeTime": now_ms, "firstId": 28_385, "lastId": 5_128_460, "count": 5_100_076,
    }  # fmt: skip
    return row


def day_weight(params: Params) -> int:
    """2 for 1 to 20 symbols, 40 for 21 to 100, 80 for more or all."""
    if "symbol" in params:
        return 2
    count = params["symbols"].count(",") + 1 if "symbols" in params else MANY_SYMBOLS + 1
    if count <= FEW_SYMBOLS:
        return 2
    return 40 if count <= MANY_SYMBOLS else 80


def price_weight(params: Params) -> int:
    """2 for one `symbol`, 4 otherwise."""
    return 2 if "symbol" in params else 4


class ExchangeInfo:
    """/api/v3/exchangeInfo, whose rows never change and are written once."""

    def __init__(self, weight_per_minute: int) -> None:
        """Nothing is written before it is asked for."""
        self._limit = weight_per_minute
        self._rows: dict[tuple[str, bool], str] = {}

    def __call__(self, venue: Venue, params: Params) -> object:
        """Answer one call."""
        if "symbolStatus" in params and ("symbol" in params or "symbols" in params):
            raise RefusalError(-1128, "Combination of optional parameters invalid.")
        permissions = params.get("permissions", PERMISSION)
        sets = params.get("showPermissionSets", "true")
        if sets not in {"true", "false"}:
            raise invalid("showPermissionSets")
        pairs = chosen(venue, params) if PERMISSION in permissions else []
        rows = ",".join(self._row(pair, sets=sets == "true") for pair in pairs)
        head = compact(
            {
                "timezone": "UTC", "serverTime": venue.now_ms(),
                "rateLimits": [
                    {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": self._limit},
                    {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50},
                    {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 160_000},
                    {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
                ],
                "exchangeFilters": [],
            }
        )  # fmt: skip
        return Raw(f'{head[:-1]},"symbols":[{rows}]}}')

    def _row(self, pair: Pair, *, sets: bool) -> str:
        found = self._rows.get((pair.symbol, sets))
        if found is None:
            found = self._rows[pair.symbol, sets] = compact(_info_row(pair, sets=sets))
        return found


def _info_row(pair: Pair, *, sets: bool) -> dict[str, object]:
    return {
        "symbol": pair.symbol, "status": pair.status, "baseAsset": pair.base, "baseAssetPrecision": PLACES,
        "quoteAsset": pair.quote, "quotePrecision": PLACES, "quoteAssetPrecision": PLACES,
        "baseCommissionPrecision": PLACES, "quoteCommissionPrecision": PLACES, "orderTypes": ORDER_TYPES,
        "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True, "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True, "cancelReplaceAllowed": True,
        "amendAllowed": True, "pegInstructionsAllowed": True, "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": padded(pair.step), "maxPrice": "1000000.00000000",
             "tickSize": padded(pair.step)},
        ],
        "permissions": [], "permissionSets": [[PERMISSION]] if sets else [],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }  # fmt: skip
