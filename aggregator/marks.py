"""What is fresh, stale or suspicious, which source is silent, and when that changes by itself. Pure."""

from typing import TYPE_CHECKING, Final

from schemas.events import CollectorStatus
from schemas.fields import milliseconds
from schemas.portfolio import Freshness, Source, SourceState

if TYPE_CHECKING:
    from aggregator.holdings import Account, Wallet

WALLET_STALE_MS_MIN: Final = 60_000
"""However often a wallet is read, a minute without a read is no news yet: a reconnect takes as long."""

WALLET_STALE_INTERVALS: Final = 3
"""Two failed reads in a row happen; with the third missing the wallet is stale."""

SILENT_MS: Final = 45_000
"""Three signs of life, one every 15 s, did not come."""

UNCONFIGURED_MS: Final = 600_000
"""Nobody restarts for ten minutes: the collector is not meant to run."""

_WORST_FIRST: Final[tuple[Freshness, ...]] = ("suspicious", "stale", "fresh")


class SourceStatus:
    """What a collector said of an account last, in the form in which it is needed."""

    __slots__ = (
        "_details",
        "_event",
        "alive_at",
        "epoch",
        "refused",
        "refused_wallets",
        "state",
        "suspicious",
        "wallets",
    )

    def __init__(self, event: CollectorStatus, now: int) -> None:
        self.epoch = event.epoch
        self.state = event.state
        # By the exchange's clock, as wallets are: a machine whose clock is behind is not silent. A time ahead of our
        # clock counts as now: nobody stays alive by a wrong clock.
        self.alive_at = min(milliseconds(event.published_at) + (event.clock_offset_ms or 0), now)
        self.wallets = tuple(wallet.wallet for wallet in event.wallets)
        self.suspicious = frozenset(wallet.wallet for wallet in event.wallets if wallet.health == "suspicious")
        errors = {wallet.wallet: wallet.error for wallet in event.wallets if wallet.error is not None}
        self.refused_wallets = frozenset(name for name, error in errors.items() if error.kind == "refused")
        # A status shows the worst error there is: where that is a wallet's own, the key is good for the others.
        self.refused = event.state == "refused" and event.error not in errors.values()
        self._event: CollectorStatus | None = event
        self._details = b""

    @property
    def details(self) -> bytes:
        """Everything of a source's part of the state but ``state``, which time changes.

        Made when it is asked for first: of the statuses that a start reads, only the last of each account is.
        """
        event = self._event
        if event is not None:
            source = Source(
                exchange=event.exchange,
                account=event.account,
                state="live",
                last_success_at=event.last_success_at,
                error=event.error,
                permissions=event.permissions,
                wallets=event.wallets,
            )
            self._details = source.model_dump_json(exclude_none=True, exclude={"state"}).encode()
            self._event = None
        return self._details


def stale_limit(poll_interval_seconds: float) -> int:
    """How old a wallet may be before it is stale, in milliseconds."""
    return max(WALLET_STALE_MS_MIN, WALLET_STALE_INTERVALS * round(poll_interval_seconds * 1000))


def alive_at(account: "Account") -> int:
    """When something was last heard of an account's collector.

    Balances may arrive before the first status; then the newest snapshot is the sign of life.
    """
    if account.status is not None:
        return account.status.alive_at
    return max((wallet.seen_at for wallet in account.wallets.values()), default=0)


def source_state(account: "Account", now: int) -> SourceState:
    """The state of an account's source: what its collector says, as long as it says anything."""
    quiet = now - alive_at(account)
    if quiet > UNCONFIGURED_MS:
        return "unconfigured"
    if quiet > SILENT_MS:
        return "silent"
    return "starting" if account.status is None else account.status.state


def freshness(account: "Account", wallet: "Wallet", state: SourceState, now: int) -> Freshness:
    """How far a wallet can be trusted. Whatever speaks against it shows, however young the snapshot is."""
    status = account.status
    if status is not None:
        if wallet.name in status.suspicious:
            return "suspicious"
        if status.epoch > wallet.version[0]:  # The collector was started again and has not read it yet.
            return "stale"
        if status.refused or wallet.name in status.refused_wallets:
            return "stale"
    if now > wallet.stale_at or state in {"unconfigured", "silent"}:
        return "stale"
    return "fresh"


Marks = tuple[SourceState, tuple[Freshness, ...]]
"""The marks of an account: its source's state, and the freshness of its wallets in the order of their names."""


def marks_of(account: "Account", now: int) -> Marks:
    """All marks of an account at a moment."""
    state = source_state(account, now)
    return state, tuple(freshness(account, account.wallets[name], state, now) for name in sorted(account.wallets))


def worst(marks: tuple[Freshness, ...]) -> Freshness:
    """The mark of an account: that of its worst wallet."""
    return next(mark for mark in _WORST_FIRST if mark in marks)


def next_mark(account: "Account", now: int) -> int | None:
    """When a mark of the account changes next if nothing arrives, in milliseconds; None if never."""
    alive = alive_at(account)
    soonest: int | None = None
    if alive + UNCONFIGURED_MS >= now:
        soonest = alive + (SILENT_MS if alive + SILENT_MS >= now else UNCONFIGURED_MS) + 1
    for wallet in account.wallets.values():
        moment = wallet.stale_at + 1
        if moment > now and (soonest is None or moment < soonest):
            soonest = moment
    return soonest


def age_from(account: "Account", now: int) -> None:
    """Let nothing of an account be younger than this moment, after the clock went back."""
    if account.status is not None:
        account.status.alive_at = min(account.status.alive_at, now)
    for wallet in account.wallets.values():
        wallet.seen_at = min(wallet.seen_at, now)
        wallet.stale_at = min(wallet.stale_at, now + stale_limit(wallet.poll_interval_seconds))
