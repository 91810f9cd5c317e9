"""A portfolio state of a person's size: two exchanges, five wallets, some forty holdings."""

import datetime as dt
from decimal import Decimal

from schemas.events import Permissions, WalletStatus
from schemas.fields import milliseconds
from schemas.portfolio import (
    AccountState,
    AssetPrice,
    AssetTotal,
    Holding,
    NamedTotal,
    PortfolioState,
    PriceLeg,
    Rate,
    Source,
    Totals,
    WalletState,
)
from schemas.versions import EPOCH_RANDOM_MAX

WALLETS = {"binance": ("spot", "funding", "earn-flexible", "earn-locked"), "btcturk": ("spot",)}
ASSETS_PER_WALLET = 8


def person(now: dt.datetime, seq: int = 1) -> PortfolioState:
    """The state as of now."""
    epoch = milliseconds(now) * EPOCH_RANDOM_MAX
    assets = [f"COIN{number}" for number in range(ASSETS_PER_WALLET)]
    price, amount = Decimal("1234.5678"), Decimal("1.23456789")
    value = price * amount
    prices = tuple(
        AssetPrice(
            exchange=exchange,
            asset=asset,
            price_usd=price,
            price_24h_ago_usd=price,
            path=(asset, "USDT", "USD"),
            legs=(
                PriceLeg(
                    kind="direct", exchange=exchange, base=asset, quote="USDT", price=price, priced_at=now, seq=seq
                ),
                PriceLeg(kind="peg", base="USDT", quote="USD", price=Decimal(1)),
            ),
            priced_at=now,
        )
        for exchange in WALLETS
        for asset in assets
    )
    accounts = []
    for exchange, wallets in WALLETS.items():
        holdings = tuple(
            Holding(
                asset=asset,
                wallet=wallet,
                free=amount,
                locked=Decimal(0),
                total=amount,
                price_usd=price,
                value_usd=value,
                value_24h_ago_usd=value,
            )
            for wallet in wallets
            for asset in assets
        )
        states = tuple(
            WalletState(
                wallet=wallet,
                status="fresh",
                observed_at=now,
                requested_at=now,
                stale_at=now + dt.timedelta(seconds=60),
                cause="poll",
                poll_interval_seconds=10.0,
                epoch=epoch,
                seq=seq,
                asset_count=len(assets),
                total_usd=value * len(assets),
            )
            for wallet in wallets
        )
        accounts.append(
            AccountState(
                exchange=exchange,
                account="main",
                status="fresh",
                observed_at=now,
                wallets=states,
                holdings=holdings,
                total_usd=value * len(holdings),
            )
        )
    count = sum(len(account.wallets) for account in accounts)
    kinds = sorted({wallet for wallets in WALLETS.values() for wallet in wallets})
    return PortfolioState(
        epoch=epoch,
        seq=seq,
        published_at=now,
        portfolio="main",
        valued_at=now,
        accounts=tuple(accounts),
        totals=Totals(
            total_usd=value * len(assets) * count,
            partial=False,
            by_exchange=tuple(NamedTotal(name=a.exchange, total_usd=a.total_usd) for a in accounts),
            by_wallet=tuple(
                NamedTotal(
                    name=kind,
                    total_usd=value * len(assets) * sum(kind in wallets for wallets in WALLETS.values()),
                )
                for kind in kinds
            ),
            by_asset=tuple(
                AssetTotal(asset=asset, total=amount * count, value_usd=value * count, unpriced=Decimal(0))
                for asset in assets
            ),
        ),
        sources=tuple(
            Source(
                exchange=exchange,
                account="main",
                state="live",
                last_success_at=now,
                permissions=Permissions(state="read_only"),
                wallets=tuple(WalletStatus(wallet=w, health="ok", poll_interval_seconds=10.0) for w in wallets),
            )
            for exchange, wallets in WALLETS.items()
        ),
        prices=prices,
        rates=(Rate(currency="TRY", per_usd=Decimal("42.1"), path=("USD", "USDT", "TRY"), priced_at=now),),
        pegs=("USDT",),
    )
