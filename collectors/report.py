"""How the reading of one account goes, as its status event tells it; changes are published and logged once."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from collectors.errors import SERIOUSNESS, ExchangeError, RateLimitedError
from monitoring.logs import get_logger
from schemas.events import (
    REFRESH_RESULTS_MAX,
    CollectorState,
    CollectorStatus,
    ErrorCounts,
    ErrorKind,
    Permissions,
    RefreshResult,
    SourceError,
    WalletHealth,
    WalletStatus,
)
from schemas.versions import Version

_log = get_logger()


UNKNOWN: Final = Permissions(state="unknown")


@dataclass(slots=True)
class WalletReport:
    """One wallet: how it is, when it was last read whole, and why not since."""

    poll_seconds: float
    health: WalletHealth = "starting"
    last_success_at: dt.datetime | None = None
    error: SourceError | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Which account: portfolio, exchange, label."""

    portfolio: str
    exchange: str
    account: str


@dataclass(slots=True)
class Report:
    """The status of one account. ``changed`` is called whenever there is something new to tell."""

    place: Place
    wallets: dict[str, WalletReport]
    changed: Callable[["Report"], None]
    now: Callable[[], dt.datetime]
    configured: bool = True
    permissions: Permissions = UNKNOWN
    error: SourceError | None = None
    """Of the account as a whole: its key was refused, or could not be asked about."""
    counts: dict[ErrorKind, int] = field(default_factory=dict)
    refreshes: tuple[RefreshResult, ...] = ()
    _told: tuple[CollectorState, ErrorKind | None] = ("starting", None)

    @property
    def state(self) -> CollectorState:
        """In one word. ``live`` only where every wallet's last read succeeded: the wallets say which did not."""
        if not self.configured:
            return "unconfigured"
        error = self.worst
        if error is not None:
            return error.kind
        if any(wallet.last_success_at for wallet in self.wallets.values()):
            return "live"
        return "starting"

    @property
    def worst(self) -> SourceError | None:
        """The error that a person should see first."""
        if self.error is not None:
            return self.error
        errors = [wallet.error for wallet in self.wallets.values() if wallet.error is not None]
        return max(errors, key=lambda error: SERIOUSNESS[error.kind], default=None)

    @property
    def last_success_at(self) -> dt.datetime | None:
        """When any wallet was last read whole."""
        return max((at for wallet in self.wallets.values() if (at := wallet.last_success_at)), default=None)

    def read(self, wallet: str, at: dt.datetime) -> None:
        """A wallet was read whole."""
        report = self.wallets[wallet]
        changed = report.health != "ok"
        report.health, report.last_success_at, report.error = "ok", at, None
        if changed:
            self._tell()

    def suspicious(self, wallet: str) -> None:
        """A read emptied a wallet that was not empty; a second one must agree."""
        self.wallets[wallet].health = "suspicious"
        self.wallets[wallet].error = None
        self._tell()

    def failed(self, wallet: str, error: ExchangeError, retry_seconds: float) -> None:
        """A wallet could not be read, and will be tried again so much later."""
        report = self.wallets[wallet]
        report.health, report.error = "failed", error.described(self.now(), retry_seconds)
        self.count(error)
        self._tell(wallet)

    def account_failed(
        self, error: ExchangeError, retry_seconds: float, permissions: Permissions | None = None
    ) -> None:
        """The account as a whole cannot be read, and will be tried again so much later."""
        self.error = error.described(self.now(), retry_seconds)
        if permissions is not None:
            self.permissions = permissions
        self.count(error)
        self._tell()

    def admitted(self, permissions: Permissions) -> None:
        """The key may read; its wallets begin anew, as far as they failed with it."""
        self.error, self.permissions = None, permissions
        for wallet in self.wallets.values():
            if wallet.error is not None and wallet.error.kind == "refused":
                wallet.error = None
                wallet.health = "starting"
        self._tell()

    def refreshed(self, result: RefreshResult) -> None:
        """A refresh command has come to its end for this account."""
        self.refreshes = (*self.refreshes, result)[-REFRESH_RESULTS_MAX:]
        self._tell()

    def count(self, error: ExchangeError) -> None:
        """One more error; a wait that was known before is none, since nothing was asked."""
        if not isinstance(error, RateLimitedError) or error.answered:
            self.counts[error.kind] = self.counts.get(error.kind, 0) + 1

    def event(self, version: Version, offset_ms: int | None) -> CollectorStatus:
        """The status as an event."""
        now = self.now()
        return CollectorStatus(
            epoch=version[0],
            seq=version[1],
            published_at=now,
            portfolio=self.place.portfolio,
            exchange=self.place.exchange,
            account=self.place.account,
            state=self.state,
            observed_at=now,
            wallets=tuple(_wallet_status(name, wallet) for name, wallet in self.wallets.items()),
            last_success_at=self.last_success_at,
            error=self.worst,
            permissions=self.permissions,
            errors=_counts(self.counts),
            clock_offset_ms=offset_ms,
            refreshes=self.refreshes,
        )

    def _tell(self, wallet: str = "") -> None:
        self.changed(self)
        error = self.worst
        told = (self.state, None if error is None else error.kind)
        if told == self._told:
            return
        self._told, was = told, self._told
        names = {"exchange": self.place.exchange, "account": self.place.account, "portfolio": self.place.portfolio}
        if error is not None:
            _log.warning(
                "an account cannot be read", **names, wallet=wallet, kind=error.kind, why=error.message, mend=error.mend
            )
        elif was[1] is not None:
            _log.info("an account is read again", **names, was=was[0])


def _wallet_status(name: str, wallet: WalletReport) -> WalletStatus:
    return WalletStatus(
        wallet=name,
        health=wallet.health,
        poll_interval_seconds=wallet.poll_seconds,
        last_success_at=wallet.last_success_at,
        error=wallet.error,
    )


def _counts(counts: Mapping[ErrorKind, int]) -> ErrorCounts:
    return ErrorCounts(
        unavailable=counts.get("unavailable", 0),
        rate_limited=counts.get("rate_limited", 0),
        refused=counts.get("refused", 0),
        unreadable=counts.get("unreadable", 0),
    )
