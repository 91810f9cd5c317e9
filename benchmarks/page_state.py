"""What the page is shown: a portfolio of any size whose prices move, and an api in this process that serves it."""

import asyncio
import datetime as dt
import decimal
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from api.server import ApiRole
from api.settings import ApiSettings
from bus.local import LocalBus
from monitoring.clock import SystemClock
from monitoring.health import Readiness
from monitoring.metrics import ApiMetrics, BusMetrics, PortfolioMetrics
from schemas.encoding import encode
from schemas.events import Permissions, WalletStatus
from schemas.fields import milliseconds
from schemas.portfolio import (
    AccountState,
    AssetPrice,
    AssetTotal,
    Change,
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

KNOWN: Final = ("BTC", "ETH", "USDT", "BNB", "SOL", "XRP", "ADA", "AVAX", "DOT", "LINK", "TRX", "ATOM")
TRY_PER_USD: Final = Decimal("42.3945")
LIRA_ROUND_TRIP: Final = 42
SPREAD: Final = 20
"""A price moves by at most so many of its hundred thousandths from one state to the next: a lively second."""

READ_SECONDS: Final = 10.0
"""Wallets are read so often; between that only prices move."""

_EXACT: Final = decimal.Context(prec=60)


class World:
    """One portfolio: the assets of each account, their amounts for good, and their prices as of the last state."""

    def __init__(self, assets_per_account: dict[str, int], *, seed: int = 1) -> None:
        self._source = random.Random(seed)
        self._epoch = milliseconds(dt.datetime.now(dt.UTC)) * EPOCH_RANDOM_MAX
        self._seq = 0
        self._read_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._totals: set[str] = set()
        self._holdings = {
            exchange: {
                asset: Decimal(self._source.randrange(1, 10**10)) / 10**8
                for asset in [*KNOWN, *(f"COIN{number:04}" for number in range(count))][:count]
            }
            for exchange, count in assets_per_account.items()
        }
        self._prices = {
            (exchange, asset): Decimal(10_000_000 // (number + 1) + 1) / 1000
            for exchange, assets in self._holdings.items()
            for number, asset in enumerate(assets)
        }

        self._day_ago = {key: price * Decimal("0.99") for key, price in self._prices.items()}

    def state(self) -> tuple[PortfolioState, str]:
        """The next state, every price of it new, and the digits of its total, which no other state has."""
        with decimal.localcontext(_EXACT):
            while True:
                for key, price in self._prices.items():
                    moved = price * (100_000 + self._source.randrange(-SPREAD, SPREAD + 1)) / 100_000
                    self._prices[key] = max(Decimal("0.001"), moved.quantize(Decimal("0.00001")))
                total = sum((self._value(*key) for key in self._prices), Decimal(0))
                digits = f"{total:.2f}".replace(".", "")
                if digits not in self._totals:
                    break
            self._totals.add(digits)
            self._seq += 1
            now = dt.datetime.now(dt.UTC)
            if (now - self._read_at).total_seconds() >= READ_SECONDS:
                self._read_at = now
            return self._made(now, total), digits

    def _price(self, exchange: str, asset: str) -> Decimal:
        # One exchange quotes in lira, so its prices in dollars have as many digits as prices can have.
        price = self._prices[exchange, asset]
        return price if exchange == "binance" else Decimal(f"{price * LIRA_ROUND_TRIP / TRY_PER_USD:.18g}")

    def _value(self, exchange: str, asset: str) -> Decimal:
        return self._price(exchange, asset) * self._holdings[exchange][asset]

    def _made(self, now: dt.datetime, total: Decimal) -> PortfolioState:
        accounts = tuple(self._account(exchange) for exchange in self._holdings)
        assets = {asset: Decimal(0) for account in accounts for asset in self._holdings[account.exchange]}
        amounts = dict(assets)
        for account in accounts:
            for holding in account.holdings:
                assets[holding.asset] += holding.value_usd or 0
                amounts[holding.asset] += holding.total
        return PortfolioState(
            epoch=self._epoch,
            seq=self._seq,
            published_at=now,
            portfolio="main",
            valued_at=now,
            accounts=accounts,
            totals=Totals(
                total_usd=total,
                partial=False,
                by_exchange=tuple(NamedTotal(name=one.exchange, total_usd=one.total_usd) for one in accounts),
                by_wallet=(NamedTotal(name="spot", total_usd=total),),
                by_asset=tuple(
                    AssetTotal(asset=asset, total=amounts[asset], value_usd=value, unpriced=Decimal(0))
                    for asset, value in assets.items()
                ),
                change_24h=Change(usd=Decimal("123.45"), percent=Decimal("1.23"), complete=True),
            ),
            sources=tuple(_source(exchange, self._read_at) for exchange in self._holdings),
            prices=tuple(self._asset_price(*key, now) for key in self._prices),
            rates=tuple(
                Rate(currency=currency, per_usd=per_usd, path=("USD", "USDT", currency), priced_at=now)
                for currency, per_usd in (("TRY", TRY_PER_USD), ("EUR", Decimal("0.86")), ("BTC", Decimal("0.0000122")))
            ),
            pegs=("USDT",),
        )

    def _account(self, exchange: str) -> AccountState:
        holdings = tuple(
            Holding(
                asset=asset,
                wallet="spot",
                free=amount,
                locked=Decimal(0),
                total=amount,
                price_usd=self._price(exchange, asset),
                value_usd=self._value(exchange, asset),
                value_24h_ago_usd=self._day_ago[exchange, asset] * amount,
            )
            for asset, amount in self._holdings[exchange].items()
        )
        total = sum((self._value(exchange, asset) for asset in self._holdings[exchange]), Decimal(0))
        wallet = WalletState(
            wallet="spot",
            status="fresh",
            observed_at=self._read_at,
            requested_at=self._read_at,
            stale_at=self._read_at + dt.timedelta(hours=1),
            cause="poll",
            poll_interval_seconds=10.0,
            epoch=self._epoch,
            seq=self._seq,
            asset_count=len(holdings),
            total_usd=total,
        )
        return AccountState(
            exchange=exchange,
            account="main",
            status="fresh",
            observed_at=self._read_at,
            wallets=(wallet,),
            holdings=holdings,
            total_usd=total,
        )

    def _asset_price(self, exchange: str, asset: str, now: dt.datetime) -> AssetPrice:
        quote = "USDT" if exchange == "binance" else "TRY"
        price = self._price(exchange, asset)
        return AssetPrice(
            exchange=exchange,
            asset=asset,
            price_usd=price,
            price_24h_ago_usd=self._day_ago[exchange, asset],
            path=(asset, "USDT", "USD") if quote == "USDT" else (asset, "TRY", "USDT", "USD"),
            legs=(
                PriceLeg(kind="direct", exchange=exchange, base=asset, quote=quote, price=price, priced_at=now, seq=1),
                PriceLeg(kind="peg", base="USDT", quote="USD", price=Decimal(1)),
            ),
            priced_at=now,
        )


def _source(exchange: str, now: dt.datetime) -> Source:
    return Source(
        exchange=exchange,
        account="main",
        state="live",
        last_success_at=now,
        permissions=Permissions(state="read_only"),
        wallets=(WalletStatus(wallet="spot", health="ok", poll_interval_seconds=10.0, last_success_at=now),),
    )


class Served:
    """A running api, and how it is told of states."""

    def __init__(self, role: ApiRole, bus: LocalBus, registry: CollectorRegistry) -> None:
        self.url = role.url
        self._bus = bus
        self._registry = registry

    async def publish(self, state: PortfolioState) -> None:
        """Hand a state to the bus, as an aggregator does."""
        await self._bus.publish([encode(state)])

    def value(self, name: str) -> float:
        """One of the api's own metrics."""
        return self._registry.get_sample_value(name) or 0.0


@asynccontextmanager
async def serving(page: Path | None) -> AsyncIterator[Served]:
    """The api as the product runs it, over a bus in this process; ``page`` as ``ApiRole`` has it."""
    clock, registry = SystemClock(), CollectorRegistry()
    bus = LocalBus(None, BusMetrics(registry), clock)
    await bus.start()
    role = ApiRole(
        bus,
        settings=ApiSettings(port=0, exchanges=("binance", "btcturk")),
        metrics=ApiMetrics(registry),
        portfolio_metrics=PortfolioMetrics(registry),
        registry=registry,
        readiness=Readiness(),
        clock=clock,
        random_part=0,
        page=page,
    )
    await role.start()
    try:
        async with asyncio.timeout(10):
            while not role.check().ready:
                await asyncio.sleep(0.01)
        yield Served(role, bus, registry)
    finally:
        await role.stop()
        await bus.stop()
