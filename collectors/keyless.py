"""The status of an exchange that we have no keys for, on a key that a process with keys has the better right to."""

from collections.abc import Callable, Sequence
from typing import Final

from collectors.report import Report
from monitoring.clock import Clock
from monitoring.logs import get_logger
from schemas.encoding import Decoded, Encoded, encode
from schemas.events import CollectorStatus, Event
from schemas.topics import COLLECTORS, Topic, join_key
from schemas.versions import Sequence as Versions
from schemas.versions import next_epoch

SILENT_SECONDS: Final = 45.0
"""Three signs of life of the other did not come: from then on everybody takes it for silent."""

_log = get_logger()


class KeylessStatus:
    """Reports the exchange as unconfigured, while nobody with keys reports for it (a StateFollower).

    Two processes of one exchange are right: a source of prices here, one with keys elsewhere. Prices have many writers;
    the status has one, and it is not this one as long as another speaks. Nothing of that ends the process.
    """

    def __init__(
        self,
        report: Report,
        *,
        offset_ms: Callable[[], int | None],
        publish: Callable[[Encoded], None],
        withdraw: Callable[[str, str], None],
        emptied: Callable[[Topic], None],
        clock: Clock,
        random_part: Callable[[], int],
    ) -> None:
        """``withdraw`` takes a fact of a topic and key back that was not sent yet."""
        place = report.place
        self._report = report
        self._key = join_key(place.portfolio, place.exchange, place.account)
        self._offset_ms = offset_ms
        self._publish = publish
        self._withdraw = withdraw
        self._emptied = emptied
        self._clock = clock
        self._random_part = random_part
        self._live = False
        self._largest_epoch = 0
        self._heard_at: float | None = None
        """When the other was last heard, on the steady clock."""
        self._said_other = False
        self._versions: Versions | None = None

    def tell(self) -> None:
        """Report, if it is ours to report: at the start, and as a sign of life."""
        if not self._live:
            return
        if self._versions is None:
            if self._heard_at is not None and self._clock.monotonic() - self._heard_at < SILENT_SECONDS:
                self._note_other()
                return
            epoch = next_epoch(self._largest_epoch, self._clock.now(), self._random_part())
            self._versions = Versions(epoch)
            if self._said_other:
                self._said_other = False
                _log.info(
                    "the other process is silent; its status is reported here", exchange=self._report.place.exchange
                )
        self._publish(encode(self._report.event(self._versions.next(self._key), self._offset_ms())))

    def apply(self, facts: Sequence[Decoded]) -> None:
        """Take records in."""
        for fact in facts:
            if fact.key == self._key and isinstance(fact.event, CollectorStatus):
                self._see(fact.event)

    def caught_up(self) -> None:
        """What was there at the start is known."""
        self._live = True

    def topic_reset(self, topic: Topic) -> None:
        """The topic was emptied: say again what was said."""
        if self._versions is not None:
            self.tell()
        self._emptied(topic)

    def _see(self, status: CollectorStatus) -> None:
        self._largest_epoch = max(self._largest_epoch, status.epoch)
        ours = self._versions
        if ours is not None and status.epoch == ours.epoch:
            return
        # Another one without keys yields to the larger epoch, as we do; one with keys has the key in any case.
        if status.state == "unconfigured" and (ours is None or status.epoch < ours.epoch):
            return
        self._heard_at = self._clock.monotonic() - self._age(status)
        if ours is not None:
            self._versions = None
            self._withdraw(COLLECTORS.name, self._key)
            self._note_other()

    def _age(self, event: Event) -> float:
        # What was there at the start is as old as it says; after that, what comes is news, whatever the clocks say.
        return 0.0 if self._live else max(0.0, (self._clock.now() - event.published_at).total_seconds())

    def _note_other(self) -> None:
        if not self._said_other:
            self._said_other = True
            _log.info(
                "another process reports the status of this exchange; only prices are read here",
                exchange=self._report.place.exchange,
            )
