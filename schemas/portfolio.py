"""The portfolio state: everything the API serves about one portfolio, whole, as of one moment.

Its constructor holds it to the promise that matters: every total is the exact sum of its parts.
"""

from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from schemas import topics
from schemas.amounts import Amount, SignedAmount, total_of
from schemas.events import Cause, Event, Fact, Mirror, Permissions, SourceError, WalletStatus
from schemas.fields import Asset, Count, Identifier, Label, Seconds, Utc
from schemas.topics import Topic, join_key

Freshness = Literal["fresh", "stale", "suspicious"]
SourceState = Literal[
    "starting", "live", "unavailable", "rate_limited", "refused", "unreadable", "silent", "unconfigured"
]
PartialKind = Literal[
    "no_account",
    "never_read",
    "wallet_never_read",
    "wallet_stale",
    "wallet_suspicious",
    "unpriced",
    "price_stale",
]
REASONS_MAX: Final = 20_000

Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3,5}$", strict=True)]


class PriceLeg(Fact):
    """One step of a price's path: a quote as it stands, its inverse, or a peg from the settings (price 1)."""

    kind: Literal["direct", "inverse", "peg"]
    exchange: Label | None = None
    base: Asset
    quote: Asset
    price: Amount
    priced_at: Utc | None = None
    stale: bool = False
    epoch: Count = 0
    seq: Count = 0


class AssetPrice(Fact):
    """What one unit of an asset is worth for the holdings of one exchange, and how that was found."""

    exchange: Label
    asset: Asset
    price_usd: Amount
    price_24h_ago_usd: Amount | None = None
    path: tuple[Asset, ...]
    """``BTC``, ``TRY``, ``USD``: from the asset to the dollar; with a peg as the last step, if there is one."""
    legs: tuple[PriceLeg, ...]
    priced_at: Utc | None = None
    """Of the oldest leg; none where the only leg is a peg."""
    stale: bool = False


class Holding(Fact):
    """One row of one wallet, valued. No price: ``price_usd`` and ``value_usd`` are null, never 0."""

    asset: Asset
    code: Asset | None = None
    """The exchange's own code, where it is not the asset's name."""
    wallet: Label
    free: Amount
    locked: Amount
    total: Amount
    mirror_of: Mirror | None = None
    counted: bool = True
    """False: the same holding stands in another wallet already, so this row is in no total."""
    price_usd: Amount | None = None
    price_stale: bool = False
    value_usd: SignedAmount | None = None
    value_24h_ago_usd: SignedAmount | None = None


class WalletState(Fact):
    """One wallet: its freshness, the snapshot it shows, and the sum of its counted, priced holdings."""

    wallet: Label
    status: Freshness
    observed_at: Utc
    requested_at: Utc
    stale_at: Utc
    cause: Cause
    command_id: Identifier | None = None
    poll_interval_seconds: Seconds
    epoch: Count
    seq: Count
    asset_count: Count
    total_usd: SignedAmount


class AccountState(Fact):
    """One account: the worst freshness of its wallets, their oldest time, and the sum of their totals."""

    exchange: Label
    account: Label
    status: Freshness
    observed_at: Utc
    wallets: tuple[WalletState, ...]
    holdings: tuple[Holding, ...]
    total_usd: SignedAmount

    @model_validator(mode="after")
    def _check_sums(self) -> Self:
        if total_of(wallet.total_usd for wallet in self.wallets) != self.total_usd:
            raise ValueError("the total of an account is not the sum of its wallets")
        return self


class Source(Fact):
    """One account as its collector reports it, whether or not it was ever read."""

    exchange: Label
    account: Label
    state: SourceState
    last_success_at: Utc | None = None
    error: SourceError | None = None
    permissions: Permissions = Permissions(state="unknown")
    wallets: tuple[WalletStatus, ...] = ()


class Unpriced(Fact):
    """A holding that no total contains, since nobody quotes a usable price."""

    exchange: Label
    account: Label
    wallet: Label
    asset: Asset
    amount: Amount


class PartialReason(Fact):
    """One thing that a total lacks or should not be trusted with."""

    kind: PartialKind
    exchange: Label | None = None
    account: Label | None = None
    wallet: Label | None = None
    asset: Asset | None = None


class AssetTotal(Fact):
    """One asset over all accounts: counted rows only."""

    asset: Asset
    total: Amount
    value_usd: SignedAmount | None = None
    unpriced: Amount
    """So much of the total has no price and is not in the value."""
    change_24h_usd: SignedAmount | None = None
    change_24h_percent: SignedAmount | None = None


class NamedTotal(Fact):
    """The sum over one exchange or one kind of wallet."""

    name: Label
    total_usd: SignedAmount


class Change(Fact):
    """What today's holdings would have been worth 24 hours ago, and the difference to now.

    Over the holdings with both prices; ``complete`` says whether those are all.
    """

    usd: SignedAmount
    percent: SignedAmount | None = None
    complete: bool


class Totals(Fact):
    """The sums, and what they leave out."""

    total_usd: SignedAmount
    partial: bool
    reasons: Annotated[tuple[PartialReason, ...], Field(max_length=REASONS_MAX)] = ()
    unpriced: tuple[Unpriced, ...] = ()
    by_exchange: tuple[NamedTotal, ...] = ()
    by_wallet: tuple[NamedTotal, ...] = ()
    by_asset: tuple[AssetTotal, ...] = ()
    change_24h: Change | None = None

    @model_validator(mode="after")
    def _check_partial(self) -> Self:
        if self.partial != bool(self.reasons):
            raise ValueError("a total is partial exactly when there is a reason")
        return self


class Rate(Fact):
    """How many units of a display currency one US dollar is."""

    currency: Currency
    per_usd: Amount
    path: tuple[Asset, ...]
    priced_at: Utc | None = None
    stale: bool = False


class PortfolioState(Event):
    """Everything the API serves about one portfolio."""

    topic: ClassVar[Topic] = topics.PORTFOLIO

    portfolio: Label
    valued_at: Utc
    accounts: tuple[AccountState, ...] = ()
    totals: Totals
    sources: tuple[Source, ...] = ()
    prices: tuple[AssetPrice, ...] = ()
    rates: tuple[Rate, ...] = ()
    pegs: tuple[Asset, ...] = ()
    """Assets that the settings count as one US dollar, as far as a price here uses them."""

    @model_validator(mode="after")
    def _check_sums(self) -> Self:
        total = self.totals.total_usd
        if total_of(account.total_usd for account in self.accounts) != total:
            raise ValueError("the total is not the sum of the accounts")
        for parts in (self.totals.by_exchange, self.totals.by_wallet):
            if total_of(part.total_usd for part in parts) != total:
                raise ValueError("the total is not the sum of its parts")
        if total_of(asset.value_usd for asset in self.totals.by_asset if asset.value_usd is not None) != total:
            raise ValueError("the total is not the sum over the assets")
        return self

    @property
    def key(self) -> str:
        """``portfolio``."""
        return join_key(self.portfolio)
