"""The events: whole facts, immutable, versioned, each keyed so that the newest record of a key is the truth.

Every event names its identity in its content; readers check that it agrees with the record's key. Unknown fields
are ignored (a newer minor version may add some), an unknown major version is refused.
"""

import datetime as dt
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from schemas import topics
from schemas.amounts import MONEY, Amount
from schemas.fields import Asset, Count, Identifier, Label, Seconds, Text, Utc, Word, milliseconds
from schemas.reasons import ERROR_REASONS
from schemas.topics import Topic, join_key
from schemas.versions import Version

SCHEMA_VERSION: Final = 1
"""The major version. It grows only when a reader of the old one would misunderstand."""

SCHEMA_MINOR: Final = 1
"""The minor version: so often were fields added. It stands in the documents alone, since no reader depends on it."""

BALANCES_MAX: Final = 5_000
"""Assets of one wallet. The largest exchanges list well under a thousand."""

WALLETS_MAX: Final = 32

Cause = Literal["poll", "stream", "refresh"]
ErrorKind = Literal["unavailable", "rate_limited", "refused", "unreadable"]
ERROR_KINDS: Final[tuple[ErrorKind, ...]] = ("unavailable", "rate_limited", "refused", "unreadable")
CollectorState = Literal["starting", "live", "unavailable", "rate_limited", "refused", "unreadable", "unconfigured"]
WalletHealth = Literal["starting", "ok", "suspicious", "failed"]


class Fact(BaseModel):
    """What all parts of events share: immutable, and tolerant of fields that a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Fact):
    """An event of the bus: it knows its topic, its key and its version."""

    topic: ClassVar[Topic]

    schema_version: Literal[1] = SCHEMA_VERSION
    epoch: Count
    seq: Count
    published_at: Utc

    @property
    def key(self) -> str:
        """The key of the record that carries this event."""
        raise NotImplementedError

    @property
    def version(self) -> Version:
        """``(epoch, seq)``: a reader applies an event only if its version is larger than the key's newest."""
        return self.epoch, self.seq


class Mirror(Fact):
    """The other place where a row of a wallet stands already (a Simple Earn holding that spot lists as ``LD…``)."""

    wallet: Label
    asset: Asset


class Balance(Fact):
    """The amounts of one asset in one wallet. ``total == free + locked`` is checked where a snapshot is made."""

    asset: Asset
    free: Amount
    locked: Amount
    total: Amount
    borrowed: Amount | None = None
    interest: Amount | None = None
    mirror_of: Mirror | None = None


class BalanceSnapshot(Event):
    """The complete content of one wallet: an asset that is not in it is not there."""

    topic: ClassVar[Topic] = topics.BALANCES

    portfolio: Label
    exchange: Label
    account: Label
    wallet: Label
    observed_at: Utc
    """When the exchange answered, by our clock corrected with the exchange's offset."""
    requested_at: Utc
    """When the first byte of the read was sent, after any wait for the budget; of a stream, when it arrived."""
    cause: Cause
    command_id: Identifier | None = None
    poll_interval_seconds: Seconds
    """How often the wallet is read: what counts as stale follows from it."""
    balances: Annotated[tuple[Balance, ...], Field(max_length=BALANCES_MAX)]

    @model_validator(mode="after")
    def _check_amounts(self) -> Self:
        add = MONEY.add
        for balance in self.balances:
            try:
                agrees = add(balance.free, balance.locked) == balance.total
            except ArithmeticError:  # A sum of more than 60 digits: no such amount is true.
                agrees = False
            if not agrees:
                raise ValueError(f"total of {balance.asset!r} is not free + locked")
        if len({balance.asset for balance in self.balances}) != len(self.balances):
            raise ValueError("an asset stands twice in one snapshot")
        return self

    @property
    def key(self) -> str:
        """``portfolio/exchange/account/wallet``."""
        return join_key(self.portfolio, self.exchange, self.account, self.wallet)


class PriceQuote(Event):
    """The last price of a symbol at an exchange, and what it was 24 hours before.

    Several writers may quote one symbol, so the version is the exchange's own time: epoch 0, seq in milliseconds.
    """

    topic: ClassVar[Topic] = topics.PRICES

    exchange: Label
    base: Asset
    quote: Asset
    price: Amount
    price_24h_ago: Amount | None = None
    priced_at: Utc
    """The exchange's time: of its event, or our clock corrected with the exchange's offset."""

    @model_validator(mode="after")
    def _check_version(self) -> Self:
        if self.epoch or self.seq != milliseconds(self.priced_at):
            raise ValueError("a quote's version is epoch 0 and priced_at in milliseconds")
        if self.base == self.quote:
            raise ValueError("a symbol has two different sides")
        return self

    @property
    def key(self) -> str:
        """``exchange/BASE/QUOTE``."""
        return join_key(self.exchange, self.base, self.quote)


class WantedAsset(Event):
    """Somebody holds it (or needs it as a bridge), so whoever lists it should quote it."""

    topic: ClassVar[Topic] = topics.WANTED

    portfolio: Label
    asset: Asset
    bridge: bool = False
    """Others are priced through it: symbols that quote in it are wanted too."""

    @property
    def key(self) -> str:
        """``portfolio/asset``."""
        return join_key(self.portfolio, self.asset)


class SourceError(Fact):
    """Why a read failed: the kind says what the collector does, the mend what a person can do."""

    kind: ErrorKind
    message: Text
    mend: Text
    at: Utc
    reason: Annotated[
        Word | None,
        Field(
            description="What failed, in one word. More words may come: take one that you do not know as none.",
            examples=[*ERROR_REASONS],
        ),
    ] = None
    """Of :data:`schemas.reasons.ErrorReason`, or a newer writer's word. Not ``cause``: that is what started a read."""
    retry_at: Utc | None = None
    """When the collector tries again by itself. In the past: it is at it, or was stopped."""


class WalletStatus(Fact):
    """One wallet of an account, as its collector sees it."""

    wallet: Label
    health: WalletHealth
    poll_interval_seconds: Seconds
    last_success_at: Utc | None = None
    error: SourceError | None = None


class Permissions(Fact):
    """What the exchange says the key may do. ``unverified``: the exchange has no way to ask."""

    state: Literal["unknown", "read_only", "overridden", "refused", "unverified"]
    flags: tuple[Identifier, ...] = ()
    """Flags that allow more than reading, by the exchange's own names."""
    ip_restricted: bool | None = None


class ErrorCounts(Fact):
    """Errors since this collector's start (its epoch), by kind."""

    unavailable: Count = 0
    rate_limited: Count = 0
    refused: Count = 0
    unreadable: Count = 0


class RefreshResult(Fact):
    """What became of one refresh command for this account."""

    command_id: Identifier
    ok: bool
    message: Text = ""
    finished_at: Utc


REFRESH_RESULTS_MAX: Final = 5


class CollectorStatus(Event):
    """How the reading of one account goes; on every change, and every 15 seconds as a sign of life."""

    topic: ClassVar[Topic] = topics.COLLECTORS

    portfolio: Label
    exchange: Label
    account: Label
    state: CollectorState
    observed_at: Utc
    wallets: Annotated[tuple[WalletStatus, ...], Field(max_length=WALLETS_MAX)] = ()
    last_success_at: Utc | None = None
    error: SourceError | None = None
    permissions: Permissions = Permissions(state="unknown")
    errors: ErrorCounts = ErrorCounts()
    clock_offset_ms: Annotated[int, Field(ge=-(2**53), le=2**53, strict=True)] | None = None
    refreshes: Annotated[tuple[RefreshResult, ...], Field(max_length=REFRESH_RESULTS_MAX)] = ()

    @property
    def key(self) -> str:
        """``portfolio/exchange/account``."""
        return join_key(self.portfolio, self.exchange, self.account)


class RefreshCommand(Event):
    """Asks the collector of an exchange to read now. Its key is the exchange; commands are not state."""

    topic: ClassVar[Topic] = topics.COMMANDS

    id: Identifier
    portfolio: Label
    exchange: Label
    account: Label | None = None
    expires_at: Utc

    @property
    def key(self) -> str:
        """``exchange``."""
        return join_key(self.exchange)


DEADLETTER_BYTES_MAX: Final = 1024
DeadReason = Literal["not_json", "invalid", "too_large", "no_key", "wrong_key", "schema_unsupported", "unknown_topic"]


class DeadLetter(Event):
    """A record that could not be read: its first KB, its hash, where it came from and why."""

    topic: ClassVar[Topic] = topics.DEADLETTER

    source: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$", strict=True)]
    partition: Annotated[int, Field(ge=-1, strict=True)] = -1
    offset: Annotated[int, Field(ge=-1, strict=True)] = -1
    reason: DeadReason
    message: Text
    size_bytes: Count
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$", strict=True)]
    head: Annotated[str, StringConstraints(max_length=2 * DEADLETTER_BYTES_MAX, strict=True)]
    """The first KB, in base64."""

    @property
    def key(self) -> str:
        """The topic the record came from."""
        return self.source


def is_expired(command: RefreshCommand, now: dt.datetime) -> bool:
    """Whether a command came too late to be worth anything to who asked."""
    return command.expires_at <= now
