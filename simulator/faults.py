"""Faults a test can order: which calls they hit, how often, and what they do."""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Final

from simulator.names import EXCHANGES, UnknownNameError

KINDS: Final[dict[str, str]] = {
    "status": "answers `status` with `body`, or with the exchange's typical error body",
    "rate_limited": "429 with Retry-After `retry_after` and the exchange's body",
    "banned": "the exchange's answer to a banned address (Binance 418, BTCTurk 403)",
    "blocked": "451 (or `status` 403): not served from this place, or stopped by the firewall",
    "hang": "never answers; ends when the client leaves or the simulator stops",
    "slow": "the right answer, `seconds` later",
    "close": "announces the whole body, sends half of it, and closes",
    "reset": "resets the connection before the first byte",
    "garbage": "200 with bytes that are not JSON",
    "html": "200 with an HTML page",
    "truncated": "200 with the first half of the body, its length announced as complete",
    "half": "200 with half of the rows left out",
    "empty": "200 with the rows left out",
    "zeros": "200 with every amount 0",
    "oversized": "200 with a body of more than 20 MB",
    "duplicate_keys": "200 with one amount given twice, differently, in one object",
    "wrong_type": "200 with one amount as a nested object",
    "nan": "200 with one amount NaN",
    "negative": "200 with one amount negative",
    "huge": "200 with one amount 1e999",
    "missing_field": "200 with one amount left out",
    "error_200": "200 with the exchange's error body",
    "redirect": "302 to a closed port",
    "deep": "200 with 100 000 nested brackets",
    "page_fail": "500 for every page after the first",
}
MOST_FAULTS: Final = 1000
MOST_SECONDS: Final = 3600.0
STATUSES: Final = range(200, 600)


@dataclass(frozen=True, slots=True, kw_only=False)
class Fault:
    """One ordered fault. It hits calls whose path fits the glob, `times` times (None: until cleared).

    `probability` is drawn from a seeded generator for each call that fits. `seconds` belongs to slow;
    `status` and `body` to status and blocked; `retry_after` (seconds) to rate_limited, banned and status.
    The whole answer is worked out first (weights are spent, nonces used), then the fault acts on what is
    sent. Raises UnknownNameError or ValueError.
    """

    exchange: str
    kind: str
    path: str = "*"
    method: str | None = None
    account: str | None = None
    times: int | None = None
    probability: float = 1.0
    status: int | None = None
    body: str | None = None
    retry_after: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Refuse what could never act as meant."""
        if self.exchange not in EXCHANGES:
            raise UnknownNameError("exchange", self.exchange, EXCHANGES)
        if self.kind not in KINDS:
            raise UnknownNameError("fault kind", self.kind, KINDS)
        self._check_types()
        if self.times is not None and self.times < 1:
            message = f"times is {self.times}: give 1 or more, or leave it out for 'until cleared'."
            raise ValueError(message)
        if not 0 < self.probability <= 1:
            message = f"probability is {self.probability}: give more than 0 and at most 1."
            raise ValueError(message)
        if self.status is not None and self.status not in STATUSES:
            message = f"status is {self.status}: give 200 to 599."
            raise ValueError(message)
        if self.seconds is not None and not 0 <= self.seconds <= MOST_SECONDS:
            message = f"seconds is {self.seconds}: give 0 to {MOST_SECONDS:.0f}."
            raise ValueError(message)
        if self.retry_after is not None and self.retry_after < 0:
            message = f"retry_after is {self.retry_after}: give 0 or more seconds."
            raise ValueError(message)

    def _check_types(self) -> None:
        # The control server passes JSON, which no type checker has seen.
        wanted: dict[str, tuple[type, ...]] = {
            "path": (str,),
            "method": (str, type(None)),
            "account": (str, type(None)),
            "times": (int, type(None)),
            "probability": (int, float),
            "status": (int, type(None)),
            "body": (str, type(None)),
            "retry_after": (int, type(None)),
            "seconds": (int, float, type(None)),
        }
        for name, types in wanted.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, types):
                message = f"{name} is {value!r}: give {' or '.join(one.__name__ for one in types)}."
                raise ValueError(message)  # noqa: TRY004 - one error for everything wrong in a fault

    def fits(self, method: str, path: str, account: str | None, page: int) -> bool:
        """Whether a call is one this fault is for."""
        return (
            fnmatchcase(path, self.path)
            and self.method in {None, method}
            and self.account in {None, account}
            and (self.kind != "page_fail" or page > 1)
        )

    def as_json(self) -> dict[str, object]:
        """Return the fields that are set."""
        return {name: value for name, value in asdict(self).items() if value is not None}


FAULT_FIELDS: Final = tuple(one.name for one in fields(Fault))


class FaultBook:
    """The faults now in force. The first that fits a call, in the order they came, acts alone."""

    def __init__(self, seed: int) -> None:
        """Draw probabilities from a generator of its own, so that other draws do not move them."""
        self._random = random.Random(f"faults-{seed}")  # noqa: S311 - chance for tests, not secrets
        self._next = 1
        self._faults: dict[int, Fault] = {}
        self._left: dict[int, int] = {}

    def __iter__(self) -> Iterator[tuple[int, Fault]]:
        """Yield (id, fault) in order."""
        return iter(list(self._faults.items()))

    def left(self, number: int) -> int | None:
        """Return how often a fault will act yet; None: until cleared."""
        return self._left.get(number)

    def add(self, fault: Fault) -> int:
        """Put a fault in force and return its id. Raises ValueError when there are too many."""
        if len(self._faults) >= MOST_FAULTS:
            message = f"There are {MOST_FAULTS} faults in force already: clear some."
            raise ValueError(message)
        number, self._next = self._next, self._next + 1
        self._faults[number] = fault
        if fault.times is not None:
            self._left[number] = fault.times
        return number

    def remove(self, number: int) -> None:
        """End one fault. Raises UnknownNameError."""
        if number not in self._faults:
            raise UnknownNameError("fault", str(number), self._faults)
        del self._faults[number]
        self._left.pop(number, None)

    def clear(self, exchange: str | None = None) -> None:
        """End the faults of one exchange, or all. Raises UnknownNameError."""
        if exchange not in {None, *EXCHANGES}:
            raise UnknownNameError("exchange", str(exchange), EXCHANGES)
        for number, fault in self:
            if exchange in {None, fault.exchange}:
                self.remove(number)

    def take(self, exchange: str, method: str, path: str, account: str | None, page: int) -> tuple[int, Fault] | None:
        """Return the fault that acts on this call, using it up once."""
        for number, fault in self._faults.items():
            if fault.exchange != exchange or not fault.fits(method, path, account, page):
                continue
            if fault.probability < 1 and self._random.random() >= fault.probability:
                continue
            if number in self._left:
                self._left[number] -= 1
                if not self._left[number]:
                    self.remove(number)
            return number, fault
        return None
