"""What the exchanges were asked: a bounded list of requests, and counts for the metrics."""

from collections import Counter, deque
from dataclasses import asdict, dataclass
from typing import Final

MOST_REQUESTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class RequestSeen:
    """One request that arrived. `at` is in monotonic seconds; `status` is None while, or because, nothing was answered.

    `query` is as sent, without the signature. `account` is the label that the key belongs to.
    """

    at: float
    exchange: str
    method: str
    path: str
    query: str
    account: str | None
    status: int | None = None
    fault: int | None = None

    def as_json(self) -> dict[str, object]:
        """Return every field."""
        return asdict(self)


class Ticket:
    """The place of one request in the log, to be filled in when its answer is known."""

    __slots__ = ("seen",)

    def __init__(self, seen: RequestSeen) -> None:
        """Start with what is known on arrival."""
        self.seen = seen


class RequestLog:
    """The newest requests, in order of arrival, and how many of each status there were since the start."""

    def __init__(self) -> None:
        """Start empty."""
        self._tickets: deque[Ticket] = deque(maxlen=MOST_REQUESTS)
        self.counts: Counter[tuple[str, str]] = Counter()

    def open(self, seen: RequestSeen) -> Ticket:
        """Take a request in as it arrives."""
        ticket = Ticket(seen)
        self._tickets.append(ticket)
        return ticket

    def count(self, exchange: str, status: int | None) -> None:
        """Count one finished request; without a status it counts as `none`."""
        self.counts[exchange, "none" if status is None else str(status)] += 1

    def seen(self, exchange: str | None = None) -> list[RequestSeen]:
        """Return the requests of one exchange, or all."""
        return [one.seen for one in self._tickets if exchange in {None, one.seen.exchange}]

    def clear(self) -> None:
        """Forget the requests; the counts stay, as counters do."""
        self._tickets.clear()
