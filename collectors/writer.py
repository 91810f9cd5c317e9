"""How this collector's events get their version and onto the bus."""

import datetime as dt
from collections.abc import Callable

from collectors.outbox import Outbox
from collectors.own_keys import OwnKeys
from collectors.report import Place, Report
from monitoring.clock import Clock
from schemas.encoding import encode
from schemas.events import Balance, BalanceSnapshot, Cause
from schemas.topics import join_key
from schemas.versions import Sequence


class Writer:
    """The one writer of an epoch: snapshots and statuses, each remembered in case it must be published again."""

    def __init__(
        self, epoch: int, *, outbox: Outbox, own: OwnKeys, clock: Clock, offset_ms: Callable[[], int | None]
    ) -> None:
        self._sequence = Sequence(epoch)
        self._outbox = outbox
        self._own = own
        self._clock = clock
        self._offset_ms = offset_ms

    def renew(self, epoch: int) -> None:
        """Go on with a larger epoch."""
        self._sequence = Sequence(epoch)

    def snapshot(
        self,
        place: Place,
        wallet: str,
        balances: tuple[Balance, ...],
        *,
        requested_at: dt.datetime,
        observed_at: dt.datetime,
        cause: Cause,
        command_id: str | None,
        poll_seconds: float,
    ) -> None:
        """Publish the whole content of a wallet. RecordTooLargeError or ValidationError where it cannot be one."""
        epoch, seq = self._sequence.next(snapshot_key(place, wallet))
        event = BalanceSnapshot(
            epoch=epoch,
            seq=seq,
            published_at=self._clock.now(),
            portfolio=place.portfolio,
            exchange=place.exchange,
            account=place.account,
            wallet=wallet,
            observed_at=observed_at,
            requested_at=requested_at,
            cause=cause,
            command_id=command_id,
            poll_interval_seconds=poll_seconds,
            balances=balances,
        )
        fact = encode(event)
        self._own.wrote(event, fact)
        self._outbox.put(fact)

    def status(self, report: Report) -> None:
        """Publish how the reading of an account goes."""
        key = join_key(report.place.portfolio, report.place.exchange, report.place.account)
        event = report.event(self._sequence.next(key), self._offset_ms())
        fact = encode(event)
        self._own.wrote(event, fact)
        self._outbox.put(fact)


def snapshot_key(place: Place, wallet: str) -> str:
    """The key of a wallet's snapshots."""
    return join_key(place.portfolio, place.exchange, place.account, wallet)
