"""Generated amounts, names and events of every kind, for property tests of any part.

Everything here is valid by the contract; tests of refusals break it themselves.
"""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from hypothesis import HealthCheck
from hypothesis import strategies as st

from schemas.amounts import MONEY, ZERO, total_of
from schemas.events import (
    Balance,
    BalanceSnapshot,
    CollectorStatus,
    DeadLetter,
    ErrorCounts,
    Event,
    Mirror,
    Permissions,
    PriceQuote,
    RefreshCommand,
    RefreshResult,
    SourceError,
    WalletStatus,
    WantedAsset,
)
from schemas.fields import from_milliseconds, milliseconds
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
from schemas.reasons import ERROR_REASONS

UNHURRIED: Final = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
}
"""For ``@settings(**UNHURRIED)``: whole portfolios are large examples, and a busy machine is no failure."""

EXCHANGES: Final = ("binance", "btcturk")
WALLETS: Final = ("spot", "funding", "earn-flexible", "earn-locked")

_FIRST: Final = milliseconds(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
_LAST: Final = milliseconds(dt.datetime(2099, 1, 1, tzinfo=dt.UTC))


def labels() -> st.SearchStrategy[str]:
    """Names of portfolios, exchanges, accounts and wallets."""
    tame = st.sampled_from(["main", "savings", "binance", "btcturk", *WALLETS])
    return tame | st.from_regex(r"[a-z0-9][a-z0-9_-]{0,31}", fullmatch=True)


def assets() -> st.SearchStrategy[str]:
    """Codes of assets: mostly tame, and now and then any text that the contract lets through."""
    tame = st.sampled_from(["BTC", "ETH", "USDT", "TRY", "EUR", "LDO", "LDUSDT", "SHIB", "1000SATS"])
    wild = st.text(
        st.characters(
            exclude_categories=["Cs"],
            exclude_characters=[chr(code) for code in [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]],
        ),
        min_size=1,
        max_size=64,
    )
    return st.one_of(tame, tame, wild)


def identifiers() -> st.SearchStrategy[str]:
    """Ids that somebody made up."""
    return st.sampled_from(["c1", "Q.-_9"]) | st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)


def moments() -> st.SearchStrategy[dt.datetime]:
    """Times, to the millisecond."""
    return st.integers(_FIRST, _LAST).map(from_milliseconds)


def counts() -> st.SearchStrategy[int]:
    """Whatever counts."""
    return st.integers(0, 2**53)


def seconds() -> st.SearchStrategy[float]:
    """Durations."""
    return st.floats(0, 86_400 * 366, allow_nan=False)


def texts() -> st.SearchStrategy[str]:
    """Sentences for people."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@st.composite
def amounts(draw: st.DrawFn, *, digits_max: int = 40, decimals_max: int = 30) -> Decimal:
    """Amounts from zero to the longest the rule allows."""
    decimals = draw(st.integers(0, decimals_max))
    digits = draw(st.integers(1, digits_max))
    return Decimal(draw(st.integers(0, 10**digits - 1))).scaleb(-decimals, MONEY)


def signed_amounts() -> st.SearchStrategy[Decimal]:
    """Amounts that may be a debt."""
    return st.one_of(amounts(), amounts().map(lambda amount: -amount if amount else amount))


def values() -> st.SearchStrategy[Decimal]:
    """Values in USD, small enough that any sum of them is kept exactly."""
    return st.tuples(amounts(digits_max=20, decimals_max=18), st.booleans()).map(
        lambda pair: -pair[0] if pair[1] and pair[0] else pair[0]
    )


@st.composite
def balances(draw: st.DrawFn, *, asset: str | None = None) -> Balance:
    """One row of a wallet, with ``total == free + locked``."""
    free = draw(amounts(digits_max=20, decimals_max=18))
    locked = draw(st.one_of(st.just(ZERO), amounts(digits_max=20, decimals_max=18)))
    return Balance(
        asset=draw(assets()) if asset is None else asset,
        free=free,
        locked=locked,
        total=MONEY.add(free, locked),
        borrowed=draw(st.none() | amounts()),
        interest=draw(st.none() | amounts()),
        mirror_of=draw(st.none() | st.builds(Mirror, wallet=labels(), asset=assets())),
    )


@st.composite
def snapshots(
    draw: st.DrawFn,
    *,
    portfolio: str | None = None,
    exchange: str | None = None,
    account: str | None = None,
    wallet: str | None = None,
    balances_max: int = 5,
) -> BalanceSnapshot:
    """The complete content of one wallet."""
    held = draw(st.lists(assets(), max_size=balances_max, unique=True))
    requested_at = draw(moments())
    return BalanceSnapshot(
        epoch=draw(counts()),
        seq=draw(counts()),
        published_at=draw(moments()),
        portfolio=portfolio or draw(labels()),
        exchange=exchange or draw(labels()),
        account=account or draw(labels()),
        wallet=wallet or draw(labels()),
        observed_at=draw(moments()),
        requested_at=requested_at,
        cause=draw(st.sampled_from(["poll", "stream", "refresh"])),
        command_id=draw(st.none() | identifiers()),
        poll_interval_seconds=draw(seconds()),
        balances=tuple(draw(balances(asset=asset)) for asset in held),
    )


@st.composite
def quotes(
    draw: st.DrawFn, *, exchange: str | None = None, base: str | None = None, quote: str | None = None
) -> PriceQuote:
    """The last price of a symbol."""
    first = draw(assets()) if base is None else base
    second = draw(assets().filter(lambda asset: asset != first)) if quote is None else quote
    priced_at = draw(moments())
    return PriceQuote(
        epoch=0,
        seq=milliseconds(priced_at),
        published_at=draw(moments()),
        exchange=exchange or draw(labels()),
        base=first,
        quote=second,
        price=draw(amounts()),
        price_24h_ago=draw(st.none() | amounts()),
        priced_at=priced_at,
    )


def wanted() -> st.SearchStrategy[WantedAsset]:
    """Assets that should be quoted."""
    return st.builds(
        WantedAsset,
        schema_version=st.just(1),
        epoch=counts(),
        seq=counts(),
        published_at=moments(),
        portfolio=labels(),
        asset=assets(),
        bridge=st.booleans(),
    )


def source_errors() -> st.SearchStrategy[SourceError]:
    """Why a read failed."""
    return st.builds(
        SourceError,
        kind=st.sampled_from(["unavailable", "rate_limited", "refused", "unreadable"]),
        message=texts(),
        mend=texts(),
        at=moments(),
        reason=st.none() | st.sampled_from(ERROR_REASONS) | st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True),
        retry_at=st.none() | moments(),
    )


def wallet_statuses() -> st.SearchStrategy[WalletStatus]:
    """One wallet, as its collector sees it."""
    return st.builds(
        WalletStatus,
        wallet=labels(),
        health=st.sampled_from(["starting", "ok", "suspicious", "failed"]),
        poll_interval_seconds=seconds(),
        last_success_at=st.none() | moments(),
        error=st.none() | source_errors(),
    )


def permissions() -> st.SearchStrategy[Permissions]:
    """What a key may do."""
    return st.builds(
        Permissions,
        state=st.sampled_from(["unknown", "read_only", "overridden", "refused", "unverified"]),
        flags=st.lists(identifiers(), max_size=3).map(tuple),
        ip_restricted=st.none() | st.booleans(),
    )


def statuses() -> st.SearchStrategy[CollectorStatus]:
    """How the reading of one account goes."""
    return st.builds(
        CollectorStatus,
        schema_version=st.just(1),
        epoch=counts(),
        seq=counts(),
        published_at=moments(),
        portfolio=labels(),
        exchange=labels(),
        account=labels(),
        state=st.sampled_from(
            ["starting", "live", "unavailable", "rate_limited", "refused", "unreadable", "unconfigured"]
        ),
        observed_at=moments(),
        wallets=st.lists(wallet_statuses(), max_size=2).map(tuple),
        last_success_at=st.none() | moments(),
        error=st.none() | source_errors(),
        permissions=permissions(),
        errors=st.builds(
            ErrorCounts, unavailable=counts(), rate_limited=counts(), refused=counts(), unreadable=counts()
        ),
        clock_offset_ms=st.none() | st.integers(-(2**53), 2**53),
        refreshes=st.lists(
            st.builds(
                RefreshResult, command_id=identifiers(), ok=st.booleans(), message=texts(), finished_at=moments()
            ),
            max_size=2,
        ).map(tuple),
    )


def commands() -> st.SearchStrategy[RefreshCommand]:
    """Wishes for a read now."""
    return st.builds(
        RefreshCommand,
        schema_version=st.just(1),
        epoch=counts(),
        seq=counts(),
        published_at=moments(),
        id=identifiers(),
        portfolio=labels(),
        exchange=labels(),
        account=st.none() | labels(),
        expires_at=moments(),
    )


def dead_letters() -> st.SearchStrategy[DeadLetter]:
    """Records that could not be read."""
    return st.builds(
        DeadLetter,
        schema_version=st.just(1),
        epoch=counts(),
        seq=counts(),
        published_at=moments(),
        source=st.from_regex(r"[A-Za-z0-9._-]{1,249}", fullmatch=True),
        partition=st.integers(-1, 2**31),
        offset=st.integers(-1, 2**53),
        reason=st.sampled_from(["not_json", "invalid", "too_large", "no_key", "wrong_key", "schema_unsupported"]),
        message=texts(),
        size_bytes=counts(),
        sha256=st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
        head=st.text("ABCabc019+/=", max_size=64),
    )


@st.composite
def holdings(draw: st.DrawFn, *, wallet: str) -> Holding:
    """One valued (or unpriced) row."""
    row = draw(balances())
    priced = draw(st.booleans())
    return Holding(
        asset=row.asset,
        code=draw(st.none() | assets()),
        wallet=wallet,
        free=row.free,
        locked=row.locked,
        total=row.total,
        counted=draw(st.booleans()),
        price_usd=draw(amounts()) if priced else None,
        price_stale=draw(st.booleans()),
        value_usd=draw(values()) if priced else None,
        value_24h_ago_usd=draw(st.none() | values()),
    )


@st.composite
def wallet_states(draw: st.DrawFn) -> WalletState:
    """One wallet of a portfolio state."""
    return WalletState(
        wallet=draw(st.sampled_from(WALLETS)),
        status=draw(st.sampled_from(["fresh", "stale", "suspicious"])),
        observed_at=draw(moments()),
        requested_at=draw(moments()),
        stale_at=draw(moments()),
        cause="poll",
        command_id=draw(st.none() | identifiers()),
        poll_interval_seconds=draw(seconds()),
        epoch=draw(counts()),
        seq=draw(counts()),
        asset_count=draw(counts()),
        total_usd=draw(values()),
    )


@st.composite
def account_states(draw: st.DrawFn, *, exchange: str) -> AccountState:
    """One account of a portfolio state; its total is the sum of its wallets."""
    wallets = draw(st.lists(wallet_states(), max_size=2, unique_by=lambda wallet: wallet.wallet))
    return AccountState(
        exchange=exchange,
        account=draw(labels()),
        status=draw(st.sampled_from(["fresh", "stale", "suspicious"])),
        observed_at=draw(moments()),
        wallets=tuple(wallets),
        holdings=tuple(draw(holdings(wallet=wallet.wallet)) for wallet in wallets),
        total_usd=total_of(wallet.total_usd for wallet in wallets),
    )


@st.composite
def asset_prices(draw: st.DrawFn) -> AssetPrice:
    """A price and the path it was found by; the leg's and its own time may be missing, as with a peg."""
    asset = draw(assets())
    leg = PriceLeg(
        kind=draw(st.sampled_from(["direct", "inverse", "peg"])),
        exchange=draw(st.none() | labels()),
        base=asset,
        quote="USD",
        price=draw(amounts()),
        priced_at=draw(st.none() | moments()),
    )
    return AssetPrice(
        exchange=draw(labels()),
        asset=asset,
        price_usd=draw(amounts()),
        price_24h_ago_usd=draw(st.none() | amounts()),
        path=(asset, "USD"),
        legs=(leg,),
        priced_at=leg.priced_at,
        stale=draw(st.booleans()),
    )


def _named(parts: Sequence[tuple[str, Decimal]]) -> tuple[NamedTotal, ...]:
    names = sorted({name for name, _ in parts})
    return tuple(
        NamedTotal(name=name, total_usd=total_of(value for other, value in parts if other == name)) for name in names
    )


@st.composite
def portfolio_states(draw: st.DrawFn, *, portfolio: str | None = None) -> PortfolioState:
    """A small portfolio whose totals are the exact sums of their parts."""
    exchanges = draw(st.lists(st.sampled_from(EXCHANGES), max_size=2, unique=True))
    accounts = [draw(account_states(exchange=exchange)) for exchange in exchanges]
    total = total_of(account.total_usd for account in accounts)
    reasons = tuple(
        draw(
            st.lists(
                st.builds(
                    PartialReason,
                    kind=st.sampled_from(["never_read", "wallet_stale", "unpriced"]),
                    exchange=st.none() | labels(),
                    account=st.none() | labels(),
                    wallet=st.none() | labels(),
                    asset=st.none() | assets(),
                ),
                max_size=2,
            )
        )
    )
    totals = Totals(
        total_usd=total,
        partial=bool(reasons),
        reasons=reasons,
        unpriced=tuple(
            draw(
                st.lists(
                    st.builds(
                        Unpriced, exchange=labels(), account=labels(), wallet=labels(), asset=assets(), amount=amounts()
                    ),
                    max_size=1,
                )
            )
        ),
        by_exchange=_named([(account.exchange, account.total_usd) for account in accounts]),
        by_wallet=_named([(wallet.wallet, wallet.total_usd) for account in accounts for wallet in account.wallets]),
        by_asset=(AssetTotal(asset="BTC", total=draw(amounts()), value_usd=total, unpriced=ZERO),) if total else (),
        change_24h=draw(
            st.none()
            | st.builds(Change, usd=signed_amounts(), percent=st.none() | signed_amounts(), complete=st.booleans())
        ),
    )
    return PortfolioState(
        epoch=draw(counts()),
        seq=draw(counts()),
        published_at=draw(moments()),
        portfolio=portfolio or draw(labels()),
        valued_at=draw(moments()),
        accounts=tuple(accounts),
        totals=totals,
        sources=tuple(
            draw(
                st.lists(
                    st.builds(
                        Source,
                        exchange=labels(),
                        account=labels(),
                        state=st.sampled_from(["starting", "live", "silent", "unconfigured"]),
                        last_success_at=st.none() | moments(),
                        error=st.none() | source_errors(),
                        permissions=permissions(),
                        wallets=st.lists(wallet_statuses(), max_size=1).map(tuple),
                    ),
                    max_size=1,
                )
            )
        ),
        prices=tuple(draw(st.lists(asset_prices(), max_size=2))),
        rates=tuple(
            draw(
                st.lists(
                    st.builds(
                        Rate,
                        currency=st.sampled_from(["TRY", "EUR", "BTC"]),
                        per_usd=amounts(),
                        path=st.just(("TRY", "USD")),
                        priced_at=st.none() | moments(),
                        stale=st.booleans(),
                    ),
                    max_size=1,
                )
            )
        ),
        pegs=tuple(draw(st.lists(assets(), max_size=1))),
    )


def events() -> st.SearchStrategy[Event]:
    """Events of every kind."""
    return st.one_of(snapshots(), quotes(), wanted(), statuses(), portfolio_states(), commands(), dead_letters())
