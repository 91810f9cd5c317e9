"""Parts of the state as rows of the api's JSON shape: names in camelCase, amounts as exact strings, times in UTC."""

import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

import orjson

from api.bus_state import BusState
from schemas.amounts import format_amount
from schemas.events import CollectorStatus, Mirror, Permissions, SourceError, WalletStatus
from schemas.fields import TEXT_LENGTH_MAX, format_utc
from schemas.portfolio import (
    AccountState,
    AssetPrice,
    Change,
    Holding,
    NamedTotal,
    PartialReason,
    Rate,
    Source,
    Totals,
    WalletState,
)
from schemas.reasons import is_known
from schemas.versions import Version

Row = dict[str, Any]

_TENTH: Final = dt.timedelta(milliseconds=100)
_CENT: Final = Decimal("0.01")
_NO_CENTS: Final = Decimal("0.00")
_CENTS: Final = Context(prec=130, rounding=ROUND_HALF_EVEN)


def cents_text(amount: Decimal) -> str:
    """An amount with two decimals, rounded half to even, never by way of a binary float; no ``-0.00``."""
    return format(amount.quantize(_CENT, context=_CENTS) or _NO_CENTS, "f")


def cents(amount: Decimal) -> orjson.Fragment:
    """The same as a JSON number."""
    return orjson.Fragment(cents_text(amount))


def exact(amount: Decimal | None) -> str | None:
    """An exact amount as its string, or null for what is not known."""
    return None if amount is None else format_amount(amount)


def moment(when: dt.datetime | None) -> str | None:
    """A time in RFC 3339, UTC, or null."""
    return None if when is None else format_utc(when)


def age_seconds(when: dt.datetime, now: dt.datetime) -> float:
    """Seconds from then to now, up to the next tenth; never negative, whatever the clocks say.

    Up, since an age that is shown for a second may lag by that second and by no more.
    """
    return max(0, -((when - now) // _TENTH)) / 10


def version_text(version: Version) -> str:
    """``epoch-seq``."""
    return f"{version[0]}-{version[1]}"


def mirror_row(mirror: Mirror | None) -> Row | None:
    """Where the same holding stands already, or null."""
    return None if mirror is None else {"wallet": mirror.wallet, "asset": mirror.asset}


def fragment(rows: object) -> orjson.Fragment:
    """Rows that do not change any more, encoded once."""
    return orjson.Fragment(orjson.dumps(rows))


def account_row(account: AccountState, prices: Mapping[tuple[str, str], AssetPrice]) -> Row:
    """An account; its ages and statuses are written at every rendering."""
    balances = [_balance_row(holding, prices.get((account.exchange, holding.asset))) for holding in account.holdings]
    return {
        "exchange": account.exchange,
        "account": account.account,
        "status": account.status,
        "asOf": format_utc(account.observed_at),
        "ageSeconds": 0.0,
        "balances": fragment(balances),
        "wallets": [_wallet_row(wallet) for wallet in account.wallets],
        "totals": {"totalUsd": cents(account.total_usd), "totalUsdExact": format_amount(account.total_usd)},
    }


def _balance_row(holding: Holding, price: AssetPrice | None) -> Row:
    priced = price is not None and holding.price_usd is not None
    return {
        "asset": holding.asset,
        "code": holding.code,
        "wallet": holding.wallet,
        "free": format_amount(holding.free),
        "locked": format_amount(holding.locked),
        "total": format_amount(holding.total),
        "priceUsd": exact(holding.price_usd),
        "valueUsd": exact(holding.value_usd),
        "value24hAgoUsd": exact(holding.value_24h_ago_usd),
        "pricePath": price.path if price is not None and priced else None,
        "priceStale": holding.price_stale,
        "counted": holding.counted,
        "mirrorOf": mirror_row(holding.mirror_of),
    }


def _wallet_row(wallet: WalletState) -> Row:
    return {
        "wallet": wallet.wallet,
        "status": wallet.status,
        "asOf": format_utc(wallet.observed_at),
        "staleAt": format_utc(wallet.stale_at),
        "ageSeconds": 0.0,
        "cause": wallet.cause,
        "commandId": wallet.command_id,
        "pollIntervalSeconds": wallet.poll_interval_seconds,
        "assetCount": wallet.asset_count,
        "totalUsd": cents(wallet.total_usd),
        "totalUsdExact": format_amount(wallet.total_usd),
        "version": version_text((wallet.epoch, wallet.seq)),
    }


def totals_row(totals: Totals, *, known: bool) -> Row:
    """The sums; null where nothing was ever read. What makes them partial is written at every rendering."""
    return {
        "totalUsd": cents(totals.total_usd) if known else None,
        "totalUsdExact": format_amount(totals.total_usd) if known else None,
        "partial": totals.partial,
        "reasons": [],
        "unpriced": [
            {
                "exchange": row.exchange,
                "account": row.account,
                "wallet": row.wallet,
                "asset": row.asset,
                "amount": format_amount(row.amount),
            }
            for row in totals.unpriced
        ],
        "byExchange": [_named_row(row) for row in totals.by_exchange],
        "byWallet": [_named_row(row) for row in totals.by_wallet],
        "byAsset": [
            {
                "asset": row.asset,
                "total": format_amount(row.total),
                "valueUsd": exact(row.value_usd),
                "unpriced": format_amount(row.unpriced),
                "change24hUsd": exact(row.change_24h_usd),
                "change24hPercent": exact(row.change_24h_percent),
            }
            for row in totals.by_asset
        ],
        "change24h": _change_row(totals.change_24h),
    }


def _named_row(row: NamedTotal) -> Row:
    return {"name": row.name, "totalUsd": cents(row.total_usd), "totalUsdExact": format_amount(row.total_usd)}


def _change_row(change: Change | None) -> Row | None:
    if change is None:
        return None
    return {"usd": format_amount(change.usd), "percent": exact(change.percent), "complete": change.complete}


def reason_row(kind: str, exchange: str | None = None, account: str | None = None, wallet: str | None = None) -> Row:
    """Something a total lacks that only the api knows of."""
    return {"kind": kind, "exchange": exchange, "account": account, "wallet": wallet, "asset": None}


def reason_of(reason: PartialReason) -> Row:
    """Something a total lacks, as the state says it."""
    return {
        "kind": reason.kind,
        "exchange": reason.exchange,
        "account": reason.account,
        "wallet": reason.wallet,
        "asset": reason.asset,
    }


def source_row(source: Source | CollectorStatus, *, state: str | None = None) -> Row:
    """An account as its collector reports it; ``state`` where the api knows better than the report."""
    return {
        "exchange": source.exchange,
        "account": source.account,
        "state": state or source.state,
        "lastSuccessAt": moment(source.last_success_at),
        "error": _error_row(source.error),
        "permissions": _permissions_row(source.permissions),
        "wallets": [_source_wallet_row(wallet) for wallet in source.wallets],
    }


def starting_source_row(exchange: str) -> Row:
    """An exchange that nobody reported on yet."""
    return {
        "exchange": exchange,
        "account": "main",
        "state": "starting",
        "lastSuccessAt": None,
        "error": None,
        "permissions": _permissions_row(Permissions(state="unknown")),
        "wallets": [],
    }


def _permissions_row(permissions: Permissions) -> Row:
    return {
        "state": permissions.state,
        "flags": permissions.flags,
        "ipRestricted": permissions.ip_restricted,
    }


def _error_row(error: SourceError | None) -> Row | None:
    if error is None:
        return None
    return {
        "kind": error.kind,
        "reason": error.reason if is_known(error.reason) else None,
        "message": error.message,
        "mend": error.mend,
        "at": format_utc(error.at),
        "retryAt": moment(error.retry_at),
    }


def bus_row(bus: BusState) -> Row:
    """How the bus stands."""
    return {"state": bus.state, "since": moment(bus.since), "reason": bus.reason}


def bus_error_row(bus: BusState) -> Row:
    """The error of a source of which nothing is heard, since nothing at all is heard over the bus."""
    since, reason = moment(bus.since), bus.reason
    if bus.state == "failed":
        message = f"The api does not read the bus any more since {since}; what is shown was known then. Why: {reason}"
        mend = "Mend what the reason names, then start the api again; the collector is not the cause."
    elif bus.state == "degraded":
        message = f"The bus does not answer since {since}; what is shown was known then. Why: {reason}"
        mend = "Look at Kafka, not at the collector."
    else:
        message = f"Nothing was heard yet since {since}: {reason}"
        mend = "Nothing: the next report comes by itself."
    return {
        "kind": "unavailable",
        "reason": None,
        "message": message[:TEXT_LENGTH_MAX],
        "mend": mend,
        "at": since,
        "retryAt": None,
    }


def _source_wallet_row(wallet: WalletStatus) -> Row:
    return {
        "wallet": wallet.wallet,
        "health": wallet.health,
        "pollIntervalSeconds": wallet.poll_interval_seconds,
        "lastSuccessAt": moment(wallet.last_success_at),
        "error": _error_row(wallet.error),
    }


def price_row(price: AssetPrice) -> Row:
    """What one unit of an asset is worth at one exchange."""
    return {
        "exchange": price.exchange,
        "asset": price.asset,
        "priceUsd": format_amount(price.price_usd),
        "price24hAgoUsd": exact(price.price_24h_ago_usd),
        "path": price.path,
        "pricedAt": moment(price.priced_at),
        "stale": price.stale,
    }


def rate_row(rate: Rate) -> Row:
    """How many units of a display currency one dollar is."""
    return {
        "currency": rate.currency,
        "perUsd": format_amount(rate.per_usd),
        "path": rate.path,
        "pricedAt": moment(rate.priced_at),
        "stale": rate.stale,
    }
