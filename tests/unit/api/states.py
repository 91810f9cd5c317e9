"""Portfolio states for tests: one made by hand, and a strategy for random ones. Sums are made exactly here."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from hypothesis import strategies as st

from schemas.amounts import multiply, round_value, total_of
from schemas.encoding import Decoded
from schemas.events import CollectorStatus, ErrorCounts, Event, Permissions, RefreshResult, SourceError
from schemas.portfolio import (
    AccountState,
    AssetPrice,
    AssetTotal,
    Change,
    Holding,
    NamedTotal,
    PartialReason,
    PortfolioState,
    PriceLeg,
    Rate,
    Source,
    Totals,
    Unpriced,
    WalletState,
)

NOW = dt.datetime(2026, 11, 22, 10, 0, 0, tzinfo=dt.UTC)


def fact(event: Event) -> Decoded:
    return Decoded(event.topic, event.key, event)


def gone(event: Event) -> Decoded:
    return Decoded(event.topic, event.key, None)


def holding(
    asset: str,
    total: str | Decimal,
    price: str | Decimal | None,
    *,
    wallet: str = "spot",
    locked: str | Decimal = "0",
    **more: object,
) -> Holding:
    total, locked = Decimal(total), Decimal(locked)
    price = None if price is None else Decimal(price)
    value = None if price is None else round_value(multiply(total, price))
    return Holding(
        asset=asset,
        wallet=wallet,
        free=total - locked,
        locked=locked,
        total=total,
        price_usd=price,
        value_usd=value,
        **more,  # type: ignore[arg-type]
    )


def account(
    exchange: str,
    holdings: Sequence[Holding],
    *,
    name: str = "main",
    read_at: dt.datetime = NOW,
    seq: int = 1,
    epoch: int = 5,
    **more: object,
) -> AccountState:
    wallets = []
    for wallet in sorted({row.wallet for row in holdings} or {"spot"}):
        own = [row for row in holdings if row.wallet == wallet]
        wallets.append(
            WalletState(
                **{
                    "wallet": wallet,
                    "status": "fresh",
                    "observed_at": read_at,
                    "requested_at": read_at - dt.timedelta(milliseconds=250),
                    "stale_at": read_at + dt.timedelta(seconds=60),
                    "cause": "poll",
                    "poll_interval_seconds": 10.0,
                    "epoch": epoch,
                    "seq": seq,
                    "asset_count": len(own),
                    "total_usd": total_of(r.value_usd for r in own if r.counted and r.value_usd is not None),
                    **more,
                }
            )
        )
    return AccountState(
        exchange=exchange,
        account=name,
        status=wallets[0].status,
        observed_at=read_at,
        wallets=tuple(wallets),
        holdings=tuple(holdings),
        total_usd=total_of(wallet.total_usd for wallet in wallets),
    )


def totals(accounts: Sequence[AccountState]) -> Totals:
    rows = [(one, row) for one in accounts for row in one.holdings if row.counted]
    unpriced = tuple(
        Unpriced(exchange=a.exchange, account=a.account, wallet=r.wallet, asset=r.asset, amount=r.total)
        for a, r in rows
        if r.value_usd is None
    )
    reasons = tuple(
        PartialReason(kind="unpriced", exchange=u.exchange, account=u.account, wallet=u.wallet, asset=u.asset)
        for u in unpriced
    )
    if not accounts:
        reasons = (PartialReason(kind="no_account"),)

    def named(names: list[tuple[str, Decimal]]) -> tuple[NamedTotal, ...]:
        return tuple(
            NamedTotal(name=name, total_usd=total_of(value for other, value in names if other == name))
            for name in sorted({name for name, _ in names})
        )

    return Totals(
        total_usd=total_of(one.total_usd for one in accounts),
        partial=bool(reasons),
        reasons=reasons,
        unpriced=unpriced,
        by_exchange=named([(one.exchange, one.total_usd) for one in accounts]),
        by_wallet=named([(w.wallet, w.total_usd) for one in accounts for w in one.wallets]),
        by_asset=tuple(_asset_total(asset, [r for _, r in rows if r.asset == asset]) for asset in _assets(rows)),
        change_24h=Change(usd=Decimal("-1.5"), percent=None, complete=False) if accounts else None,
    )


def _assets(rows: Sequence[tuple[AccountState, Holding]]) -> list[str]:
    return sorted({row.asset for _, row in rows})


def _asset_total(asset: str, rows: Sequence[Holding]) -> AssetTotal:
    values = [row.value_usd for row in rows if row.value_usd is not None]
    return AssetTotal(
        asset=asset,
        total=total_of(row.total for row in rows),
        value_usd=total_of(values) if values else None,
        unpriced=total_of(row.total for row in rows if row.value_usd is None),
    )


def price(exchange: str, asset: str, usd: str) -> AssetPrice:
    leg = PriceLeg(
        kind="direct", exchange=exchange, base=asset, quote="USDT", price=Decimal(usd), priced_at=NOW, epoch=0, seq=77
    )
    peg = PriceLeg(kind="peg", base="USDT", quote="USD", price=Decimal(1))
    return AssetPrice(
        exchange=exchange,
        asset=asset,
        price_usd=Decimal(usd),
        path=(asset, "USDT", "USD"),
        legs=(leg, peg),
        priced_at=NOW,
    )


def state(
    accounts: Sequence[AccountState] = (),
    *,
    portfolio: str = "main",
    epoch: int = 7,
    seq: int = 1,
    prices: Sequence[AssetPrice] = (),
    valued_at: dt.datetime = NOW,
    **more: object,
) -> PortfolioState:
    return PortfolioState(
        epoch=epoch,
        seq=seq,
        published_at=valued_at,
        portfolio=portfolio,
        valued_at=valued_at,
        accounts=tuple(accounts),
        totals=totals(accounts),
        sources=tuple(
            Source(exchange=one.exchange, account=one.account, state="live", last_success_at=NOW) for one in accounts
        ),
        prices=tuple(prices),
        rates=(Rate(currency="TRY", per_usd=Decimal("42.5"), path=("USD", "TRY"), priced_at=NOW),),
        pegs=("USDT",),
        **more,  # type: ignore[arg-type]
    )


def sample(seq: int = 1, *, btc: str = "0.5", **more: object) -> PortfolioState:
    """Two accounts, one unpriced holding, one mirrored row."""
    binance = account(
        "binance",
        [
            holding("BTC", btc, "82500", locked="0.1"),
            holding("XYZ", "12", None),
            holding("LDBTC", "0.25", "82500", counted=False, mirror_of={"wallet": "earn-flexible", "asset": "BTC"}),
            holding("BTC", "0.25", "82500", wallet="earn-flexible"),
        ],
        seq=seq,
    )
    btcturk = account("btcturk", [holding("TRY", "289000.005", "0.0235294117647058824")], seq=seq)
    prices = [price("binance", "BTC", "82500")]
    return state([binance, btcturk], seq=seq, prices=prices, **more)


def status(
    exchange: str = "binance",
    *,
    name: str = "main",
    portfolio: str = "main",
    epoch: int = 3,
    seq: int = 1,
    errors: ErrorCounts | None = None,
    reads: str = "live",
    refreshes: Sequence[RefreshResult] = (),
    failed: bool = False,
) -> CollectorStatus:
    error = SourceError(kind="refused", message="The key <b>was</b> refused.", mend="Check the key.", at=NOW)
    return CollectorStatus(
        epoch=epoch,
        seq=seq,
        published_at=NOW,
        portfolio=portfolio,
        exchange=exchange,
        account=name,
        state=reads,
        observed_at=NOW,
        error=error if failed else None,
        permissions=Permissions(state="unverified"),
        errors=errors or ErrorCounts(),
        refreshes=tuple(refreshes),
    )


amounts = st.decimals(min_value=0, max_value=10**10, places=10, allow_nan=False, allow_infinity=False).map(abs)
assets = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=8).filter(
    lambda name: "\x7f" not in name
)


@st.composite
def holdings(draw: st.DrawFn) -> Holding:
    total = draw(amounts)
    return holding(
        draw(assets),
        total,
        draw(st.none() | amounts),
        wallet=draw(st.sampled_from(["spot", "funding", "earn-flexible"])),
        locked=draw(st.sampled_from([Decimal(0), total])),
        counted=draw(st.booleans()),
        price_stale=draw(st.booleans()),
    )


@st.composite
def states(draw: st.DrawFn) -> PortfolioState:
    names = draw(st.lists(st.sampled_from(["binance", "btcturk", "kraken", "okx"]), unique=True, max_size=4))
    ages = st.integers(-5, 500).map(lambda seconds: NOW - dt.timedelta(seconds=seconds))
    rows = st.lists(holdings(), max_size=6, unique_by=lambda row: (row.wallet, row.asset))
    accounts = [account(name, draw(rows), read_at=draw(ages)) for name in names]
    return state(accounts, seq=draw(st.integers(1, 2**53)))
