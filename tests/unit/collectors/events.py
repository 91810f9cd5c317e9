"""Facts of one account as a collector writes them, for tests of what it reads of itself."""

import datetime as dt
from decimal import Decimal

from schemas.encoding import Decoded
from schemas.events import BalanceSnapshot, CollectorStatus

AT = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)


def snapshot(epoch: int, seq: int, account: str = "main", total: str = "1") -> BalanceSnapshot:
    amount = Decimal(total)
    return BalanceSnapshot(
        epoch=epoch, seq=seq, published_at=AT, portfolio="main", exchange="x", account=account, wallet="spot",
        observed_at=AT, requested_at=AT, cause="poll", poll_interval_seconds=10.0,
        balances=({"asset": "A", "free": amount, "locked": Decimal(0), "total": amount},),
    )  # fmt: skip


def status(epoch: int, seq: int = 1, state: str = "live", at: dt.datetime = AT) -> CollectorStatus:
    return CollectorStatus(
        epoch=epoch, seq=seq, published_at=at, portfolio="main", exchange="x", account="main", state=state,
        observed_at=at,
    )  # fmt: skip


def decoded(event: BalanceSnapshot | CollectorStatus) -> Decoded:
    return Decoded(event.topic, event.key, event)


def taken_away(event: BalanceSnapshot | CollectorStatus) -> Decoded:
    return Decoded(event.topic, event.key, None)
