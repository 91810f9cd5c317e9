"""The state of a portfolio, built from parts of which only the marked ones are written anew. Pure."""

from collections.abc import Iterable

from aggregator.holdings import Account, AssetSum, Position, Wallet, total_amount
from aggregator.marks import marks_of, worst
from aggregator.portfolio import Portfolio
from aggregator.pricing import Pricing, Pricings
from aggregator.valuation import fit_amount, percent_of
from schemas.amounts import format_amount
from schemas.portfolio import REASONS_MAX, Freshness
from schemas.state_encoding import (
    AssetNumbers,
    encode_asset_total,
    encode_body,
    encode_list,
    encode_part,
    format_moment,
    format_units,
    open_account,
)


def refresh(portfolio: Portfolio, now: int) -> None:
    """Write the marked accounts and assets anew. All rows must be valued."""
    for account in portfolio.dirty_accounts:
        _refresh_account(account, now)
    portfolio.dirty_accounts.clear()
    for assets in portfolio.dirty_assets:
        _refresh_asset(assets)
    portfolio.dirty_assets.clear()


def _reason(kind: str, exchange: str | None = None, account: str | None = None, **more: str | None) -> bytes:
    return encode_part({"kind": kind, "exchange": exchange, "account": account, **more})


def _refresh_account(account: Account, now: int) -> None:
    account.marks = state, marks = marks_of(account, now)
    status = account.status
    if status is None:
        account.source = encode_part(
            {
                "exchange": account.exchange,
                "account": account.name,
                "state": state,
                "permissions": {"state": "unknown", "flags": []},
                "wallets": [],
            }
        )
    else:
        account.source = b'{"state":"%s",' % state.encode() + status.details[1:]
    wallets = [account.wallets[name] for name in sorted(account.wallets)]
    account.total = sum(wallet.total for wallet in wallets)
    account.reasons = tuple(_reasons_of(account, wallets, marks))
    if not wallets:
        account.head = b""
        return
    account.head = open_account(
        {
            "exchange": account.exchange,
            "account": account.name,
            "status": worst(marks),
            "observed_at": format_moment(min(wallet.observed_at for wallet in wallets)),
            "wallets": [_wallet_fields(wallet, mark) for wallet, mark in zip(wallets, marks, strict=True)],
            "total_usd": format_units(account.total),
        }
    )


def _wallet_fields(wallet: Wallet, mark: Freshness) -> dict[str, object]:
    fields: dict[str, object] = {
        "wallet": wallet.name,
        "status": mark,
        "observed_at": format_moment(wallet.observed_at),
        "requested_at": format_moment(wallet.requested_at),
        "stale_at": format_moment(wallet.stale_at),
        "cause": wallet.cause,
        "poll_interval_seconds": wallet.poll_interval_seconds,
        "epoch": wallet.version[0],
        "seq": wallet.version[1],
        "asset_count": len(wallet.rows),
        "total_usd": format_units(wallet.total),
    }
    if wallet.command_id is not None:
        fields["command_id"] = wallet.command_id
    return fields


def _reasons_of(account: Account, wallets: list[Wallet], marks: tuple[Freshness, ...]) -> Iterable[bytes]:
    status = account.status
    if not wallets:
        # "unconfigured" is what a collector says of an exchange it has no keys for. A collector that merely fell
        # silent before its first read leaves something out, for as long as nobody retires the account.
        if status is not None and status.state != "unconfigured":
            yield _reason("never_read", account.exchange, account.name)
        return
    for wallet, mark in zip(wallets, marks, strict=True):
        if mark != "fresh":
            yield _reason(f"wallet_{mark}", account.exchange, account.name, wallet=wallet.name)
    for name in () if status is None else status.wallets:
        if name not in account.wallets:
            yield _reason("wallet_never_read", account.exchange, account.name, wallet=name)


def _refresh_asset(assets: AssetSum) -> None:
    counted = [position for position in assets.positions if position.counted]
    if not counted:
        assets.value = assets.both = assets.ago = 0
        assets.has_ago = assets.partial = False
        assets.reasons = assets.unpriced = ()
        assets.part = b""
        return
    first = counted[0]
    amount, unpriced = first.amount, first.unpriced
    value, both, ago, aged, count = first.value, first.both, first.ago, first.aged, first.counted
    if len(counted) > 1:
        counted.sort(key=_place)
        amount = total_amount(position.amount for position in counted)
        unpriced = total_amount(position.unpriced for position in counted)
        value = sum(position.value for position in counted)
        both = sum(position.both for position in counted)
        ago = sum(position.ago for position in counted)
        aged = sum(position.aged for position in counted)
        count = sum(position.counted for position in counted)
    assets.value, assets.both, assets.ago = value, both, ago
    assets.has_ago = bool(aged)
    assets.partial = aged != count
    assets.reasons = assets.unpriced = ()
    if unpriced or any(position.pricing.stale for position in counted):
        assets.reasons = tuple(dict.fromkeys(reason for position in counted for reason in _price_reasons(position)))
        assets.unpriced = tuple(row for position in counted if position.unpriced for row in _unpriced(position))
    total = fit_amount(amount)
    valued = None if unpriced == amount else value
    left = fit_amount(unpriced)
    if aged:
        change = both - ago
        assets.part = encode_asset_total(
            assets.text, AssetNumbers(total, left, valued, change, percent_of(change, ago))
        )
    else:
        assets.part = encode_asset_total(assets.text, AssetNumbers(total, left, valued))


def _place(position: Position) -> tuple[str, str]:
    return position.pricing.exchange, position.pricing.asset


def _price_reasons(position: Position) -> Iterable[bytes]:
    exchange = position.pricing.exchange
    if position.unpriced:
        yield _reason("unpriced", exchange, asset=position.sum.asset)
    if position.pricing.stale and position.unpriced != position.amount:
        yield _reason("price_stale", exchange, asset=position.sum.asset)


def _unpriced(position: Position) -> Iterable[bytes]:
    rows = [row for row in position.rows if row.counted and row.value is None]
    rows.sort(key=lambda row: (row.wallet.account.name, row.wallet.name, row.code))
    for row in rows:
        account = row.wallet.account
        yield encode_part(
            {
                "exchange": account.exchange,
                "account": account.name,
                "wallet": row.wallet.name,
                "asset": position.sum.asset,
                "amount": row.total,
            }
        )


def build(portfolio: Portfolio, pricings: Pricings) -> bytes:
    """The state of a portfolio but for its version and times. Everything marked must have been refreshed."""
    if portfolio.sorted_accounts is None:
        portfolio.sorted_accounts = tuple(account for _, account in sorted(portfolio.accounts.items()))
    if portfolio.sorted_assets is None:
        portfolio.sorted_assets = tuple(assets for _, assets in sorted(portfolio.assets.items()))
    if portfolio.prices_round != pricings.rates_round:
        used = {position.pricing for position in portfolio.positions.values()}.union(pricings.rate_pricings)
        portfolio.prices = tuple(sorted(used, key=lambda pricing: (pricing.exchange, pricing.asset)))
        portfolio.prices_round = pricings.rates_round
    accounts = portfolio.sorted_accounts
    return encode_body(
        portfolio.name,
        ((account.head, _holdings(account)) for account in accounts if account.head),
        {
            "totals": _totals(accounts, portfolio.sorted_assets),
            "sources": encode_list(account.source for account in accounts),
            "prices": encode_list(pricing.part for pricing in portfolio.prices if pricing.part),
            "rates": encode_list(pricings.rate_parts),
            "pegs": sorted(_pegs(portfolio.prices)),
        },
    )


def _pegs(prices: Iterable[Pricing]) -> set[str]:
    return {pricing.peg for pricing in prices if pricing.peg is not None}


def _holdings(account: Account) -> list[bytes]:
    return [row.text for name in sorted(account.wallets) for row in account.wallets[name].rows.values()]


def _totals(accounts: tuple[Account, ...], all_assets: tuple[AssetSum, ...]) -> dict[str, object]:
    by_exchange: dict[str, int] = {}
    by_wallet: dict[str, int] = {}
    reasons: list[bytes] = []
    for account in accounts:
        reasons += account.reasons
        if not account.wallets:
            continue
        by_exchange[account.exchange] = by_exchange.get(account.exchange, 0) + account.total
        for wallet in account.wallets.values():
            by_wallet[wallet.name] = by_wallet.get(wallet.name, 0) + wallet.total
    if not by_exchange:
        reasons.insert(0, _reason("no_account"))
    unpriced: list[bytes] = []
    for assets in all_assets:
        reasons += assets.reasons
        unpriced += assets.unpriced
    fields: dict[str, object] = {
        "total_usd": format_units(sum(by_exchange.values())),
        "partial": bool(reasons),
        "reasons": encode_list(reasons[:REASONS_MAX]),
        "unpriced": encode_list(unpriced),
        "by_exchange": _named(by_exchange),
        "by_wallet": _named(by_wallet),
        "by_asset": encode_list(assets.part for assets in all_assets if assets.part),
    }
    if change := _change(all_assets):
        fields["change_24h"] = change
    return fields


def _named(totals: dict[str, int]) -> list[dict[str, str]]:
    return [{"name": name, "total_usd": format_units(total)} for name, total in sorted(totals.items())]


def _change(all_assets: tuple[AssetSum, ...]) -> dict[str, object] | None:
    """The change of what has both prices; none where nothing has."""
    if not any(assets.has_ago for assets in all_assets):
        return None
    ago = sum(assets.ago for assets in all_assets)
    change = sum(assets.both for assets in all_assets) - ago
    fields: dict[str, object] = {
        "usd": format_units(change),
        "complete": not any(assets.partial for assets in all_assets),
    }
    percent = percent_of(change, ago)
    if percent is not None:
        fields["percent"] = format_amount(percent)
    return fields
