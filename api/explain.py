"""Why a total is what it is: the balances, prices and versions that one asset's sum was made of."""

import datetime as dt
from decimal import Decimal

import orjson

from api.rows import Row, age_seconds, cents, exact, mirror_row, moment, version_text
from schemas.amounts import format_amount, total_of
from schemas.fields import format_utc
from schemas.portfolio import AccountState, AssetPrice, Holding, PortfolioState, PriceLeg, WalletState


def explain(state: PortfolioState, asset: str, exchange: str | None, now: dt.datetime) -> bytes | None:
    """The explanation as JSON, or None where nobody (at that exchange) holds the asset."""
    accounts = [account for account in state.accounts if exchange in {None, account.exchange}]
    rows = [(account, row) for account in accounts for row in account.holdings if row.asset == asset]
    if not rows:
        return None
    counted = [row for _, row in rows if row.counted]
    values = [row.value_usd for row in counted if row.value_usd is not None]
    value = total_of(values) if values else None
    # A mirror row is priced as the asset it mirrors.
    priced_as = {(account.exchange, row.mirror_of.asset if row.mirror_of else row.asset) for account, row in rows}
    return orjson.dumps(
        {
            "portfolio": state.portfolio,
            "version": version_text(state.version),
            "updatedAt": format_utc(state.valued_at),
            "asset": asset,
            "exchange": exchange,
            "balances": [_balance(account, row, now) for account, row in rows],
            "prices": [_price(price, now) for price in state.prices if (price.exchange, price.asset) in priced_as],
            "total": format_amount(total_of(row.total for row in counted)),
            "valueUsdExact": exact(value),
            "valueUsd": None if value is None else cents(value),
            "unpriced": format_amount(_unpriced(counted)),
        }
    )


def _unpriced(rows: list[Holding]) -> Decimal:
    return total_of(row.total for row in rows if row.value_usd is None)


def _balance(account: AccountState, row: Holding, now: dt.datetime) -> Row:
    wallet = _wallet_of(account, row)
    return {
        "exchange": account.exchange,
        "account": account.account,
        "wallet": row.wallet,
        "free": format_amount(row.free),
        "locked": format_amount(row.locked),
        "total": format_amount(row.total),
        "priceUsd": exact(row.price_usd),
        "valueUsd": exact(row.value_usd),
        "counted": row.counted,
        "mirrorOf": mirror_row(row.mirror_of),
        "status": "stale" if wallet.status == "fresh" and now >= wallet.stale_at else wallet.status,
        "asOf": format_utc(wallet.observed_at),
        "ageSeconds": age_seconds(wallet.observed_at, now),
        "version": version_text((wallet.epoch, wallet.seq)),
    }


def _wallet_of(account: AccountState, row: Holding) -> WalletState:
    return next(wallet for wallet in account.wallets if wallet.wallet == row.wallet)


def _price(price: AssetPrice, now: dt.datetime) -> Row:
    return {
        "exchange": price.exchange,
        "priceUsd": format_amount(price.price_usd),
        "path": price.path,
        "stale": price.stale,
        "legs": [_leg(leg, now) for leg in price.legs],
    }


def _leg(leg: PriceLeg, now: dt.datetime) -> Row:
    return {
        "kind": leg.kind,
        "exchange": leg.exchange,
        "base": leg.base,
        "quote": leg.quote,
        "price": format_amount(leg.price),
        "pricedAt": moment(leg.priced_at),
        "ageSeconds": None if leg.priced_at is None else age_seconds(leg.priced_at, now),
        "stale": leg.stale,
        "version": None if leg.kind == "peg" else version_text((leg.epoch, leg.seq)),
    }
