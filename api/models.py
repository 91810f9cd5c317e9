"""The shapes of the api's answers, as they are published in the OpenAPI document. Tests hold every answer to them.

Amounts are exact strings. Numbers called ``totalUsd`` are rounded to cents, for people; beside each stands
``totalUsdExact``. What is not known is null, never 0.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from api.bus_state import BusStateName
from schemas.amounts import Amount, SignedAmount
from schemas.events import Cause, ErrorKind, WalletHealth
from schemas.fields import Asset, Count, Identifier, Label, Text, Utc
from schemas.portfolio import Currency, Freshness, PartialKind, SourceState
from schemas.reasons import ErrorReason

Age = Annotated[float, Field(ge=0)]
"""Seconds since the exchange was read, to a tenth, as of this answer. Age it further from ``asOf``."""

Cents = float
"""US dollars, rounded half to even to cents."""

Version = Annotated[str, Field(pattern=r"^[0-9]{1,16}-[0-9]{1,16}$")]
"""``epoch-seq`` of the event it was made of."""


ASSET_PATTERN: Final[str] = TypeAdapter(Asset).json_schema()["pattern"]
"""What an asset may be called, as the contract says it."""


class Body(BaseModel):
    """A part of an answer: camelCase, and nothing that is not described."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class MirrorBody(Body):
    """The wallet and asset where the same holding stands already."""

    wallet: Label
    asset: Asset


class BalanceBody(Body):
    """One row of one wallet, valued. ``counted`` is false where the same holding stands in another wallet."""

    asset: Asset
    code: Asset | None
    wallet: Label
    free: Amount
    locked: Amount
    total: Amount
    price_usd: Amount | None
    value_usd: SignedAmount | None
    value_24h_ago_usd: SignedAmount | None = Field(alias="value24hAgoUsd")
    price_path: tuple[Asset, ...] | None
    price_stale: bool
    counted: bool
    mirror_of: MirrorBody | None


class WalletBody(Body):
    """One wallet: how fresh it is, when it was read and when it will count as stale."""

    wallet: Label
    status: Freshness
    as_of: Utc
    stale_at: Utc
    age_seconds: Age
    cause: Cause
    command_id: Identifier | None
    poll_interval_seconds: float
    asset_count: Count
    total_usd: Cents
    total_usd_exact: SignedAmount
    version: Version


class AccountTotals(Body):
    """The sum of an account's counted, priced holdings."""

    total_usd: Cents
    total_usd_exact: SignedAmount


class AccountBody(Body):
    """One account that has ever been read: the worst freshness and the oldest time of its wallets."""

    exchange: Label
    account: Label
    status: Freshness
    as_of: Utc
    age_seconds: Age
    balances: tuple[BalanceBody, ...]
    wallets: tuple[WalletBody, ...]
    totals: AccountTotals


class ReasonBody(Body):
    """One thing the total lacks or should not be trusted with."""

    kind: PartialKind | Literal["loading"]
    exchange: Label | None
    account: Label | None
    wallet: Label | None
    asset: Asset | None


class UnpricedBody(Body):
    """A holding that no total contains, for want of a price."""

    exchange: Label
    account: Label
    wallet: Label
    asset: Asset
    amount: Amount


class NamedTotalBody(Body):
    """The sum over one exchange or one kind of wallet."""

    name: Label
    total_usd: Cents
    total_usd_exact: SignedAmount


class AssetTotalBody(Body):
    """One asset over all accounts. ``unpriced`` is the part of its total that has no price."""

    asset: Asset
    total: Amount
    value_usd: SignedAmount | None
    unpriced: Amount
    change_24h_usd: SignedAmount | None = Field(alias="change24hUsd")
    change_24h_percent: SignedAmount | None = Field(alias="change24hPercent")


class ChangeBody(Body):
    """Today's holdings now and 24 hours ago. ``complete``: every counted holding has both prices."""

    usd: SignedAmount
    percent: SignedAmount | None
    complete: bool


class TotalsBody(Body):
    """The sums, and what they leave out. Null where nothing was ever read."""

    total_usd: Cents | None
    total_usd_exact: SignedAmount | None
    partial: bool
    reasons: tuple[ReasonBody, ...]
    unpriced: tuple[UnpricedBody, ...]
    by_exchange: tuple[NamedTotalBody, ...]
    by_wallet: tuple[NamedTotalBody, ...]
    by_asset: tuple[AssetTotalBody, ...]
    change_24h: ChangeBody | None = Field(alias="change24h")


class ErrorDetail(Body):
    """What an exchange refused or could not do, and what a person can do about it.

    ``reason`` is what failed in one word, null where none fits or the collector is newer than the api and says a word
    that the api does not know; more words may come. ``retryAt`` is when the collector tries again by itself; in the
    past, it is at it, or was stopped. A source that seems ``silent`` or ``starting`` only since the bus cannot be read
    says so here, with neither.
    """

    kind: ErrorKind
    reason: ErrorReason | None
    message: Text
    mend: Text
    at: Utc
    retry_at: Utc | None


class PermissionsBody(Body):
    """What the exchange says the key may do."""

    state: Literal["unknown", "read_only", "overridden", "refused", "unverified"]
    flags: tuple[Identifier, ...]
    ip_restricted: bool | None


class SourceWalletBody(Body):
    """One wallet as its collector sees it."""

    wallet: Label
    health: WalletHealth
    poll_interval_seconds: float
    last_success_at: Utc | None
    error: ErrorDetail | None


class SourceBody(Body):
    """One account as its collector reports it, whether or not it was ever read."""

    exchange: Label
    account: Label
    state: SourceState
    last_success_at: Utc | None
    error: ErrorDetail | None
    permissions: PermissionsBody
    wallets: tuple[SourceWalletBody, ...]


class RateBody(Body):
    """How many units of a display currency one US dollar is."""

    currency: Currency
    per_usd: Amount
    path: tuple[Asset, ...]
    priced_at: Utc | None
    stale: bool


class PriceBody(Body):
    """What one unit of an asset is worth for the holdings of one exchange, and by which path."""

    exchange: Label
    asset: Asset
    price_usd: Amount
    price_24h_ago_usd: Amount | None = Field(alias="price24hAgoUsd")
    path: tuple[Asset, ...]
    priced_at: Utc | None
    stale: bool


class BusBody(Body):
    """How the bus stands that all of this comes from.

    ``loading``: what is on it is being read. ``degraded``: it does not answer, what is shown was known at ``since``,
    and reading goes on by itself. ``failed``: it is not read any more until the api is started again. ``reason`` says
    why, for people. For a while after an outage a ``live`` one has both too: what is not heard yet is on its way.
    """

    state: BusStateName
    since: Utc | None
    reason: str | None


class PortfolioBody(Body):
    """``GET /api/portfolio``, and every ``data:`` of its stream."""

    schema_version: Literal[1]
    portfolio: Label
    version: Version | None
    updated_at: Utc | None
    demo: bool
    accounts: tuple[AccountBody, ...]
    totals: TotalsBody
    sources: tuple[SourceBody, ...]
    bus: BusBody
    prices: tuple[PriceBody, ...]
    rates: tuple[RateBody, ...]
    pegs: tuple[Asset, ...]


class ExplainedBalance(Body):
    """One row that goes into an asset's sum, with the version and time of the wallet it was read from."""

    exchange: Label
    account: Label
    wallet: Label
    free: Amount
    locked: Amount
    total: Amount
    price_usd: Amount | None
    value_usd: SignedAmount | None
    counted: bool
    mirror_of: MirrorBody | None
    status: Freshness
    as_of: Utc
    age_seconds: Age
    version: Version


class ExplainedLeg(Body):
    """One step of a price's path, with the version and age of the quote it stands on. A peg has neither."""

    kind: Literal["direct", "inverse", "peg"]
    exchange: Label | None
    base: Asset
    quote: Asset
    price: Amount
    priced_at: Utc | None
    age_seconds: Age | None
    stale: bool
    version: Version | None


class ExplainedPrice(Body):
    """The price that one exchange's holdings of the asset are valued at."""

    exchange: Label
    price_usd: Amount
    path: tuple[Asset, ...]
    stale: bool
    legs: tuple[ExplainedLeg, ...]


class ExplainBody(Body):
    """``GET /api/portfolio/explain``: what the total of one asset was made of."""

    portfolio: Label
    version: Version
    updated_at: Utc
    asset: Asset
    exchange: Label | None
    balances: tuple[ExplainedBalance, ...]
    prices: tuple[ExplainedPrice, ...]
    total: Amount
    value_usd_exact: SignedAmount | None
    value_usd: Cents | None
    unpriced: Amount


class RefreshRequest(Body):
    """What to read anew; everything of the portfolio where nothing is named."""

    portfolio: Label | None = None
    exchange: Label | None = None
    account: Label | None = None


class RefreshedAccount(Body):
    """What became of one account. ``refreshed``: its wallets were read after the request came."""

    exchange: Label
    account: Label
    refreshed: bool
    message: Text


class RefreshBody(Body):
    """``POST /api/portfolio/refresh``."""

    id: Identifier
    portfolio: Label
    accounts: tuple[RefreshedAccount, ...]


class HealthBody(Body):
    """``GET /health``."""

    ok: Literal[True]


class ReadyBody(Body):
    """``GET /ready`` of a process that is."""

    ready: Literal[True]


class NotReadyBody(Body):
    """``GET /ready`` of a process that is not yet, with the reason of each part that is missing something."""

    ready: Literal[False]
    reasons: dict[str, str]


class PortfoliosBody(Body):
    """The portfolios that can be asked for, in order, and the one that is shown to who names none."""

    portfolios: tuple[Label, ...]
    default: Label


class ErrorBody(Body):
    """Every error: a code for programs, a sentence for people."""

    error: Annotated[str, Field(pattern=r"^[a-z_]{2,40}$")]
    message: str
