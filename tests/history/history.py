"""What was published and served while something went wrong: everything the rules are checked against.

Raw bytes as they travelled, so that the checker decodes by itself and a secret cannot hide in what was left out.
"""

import base64
import gzip
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

Version = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One record of one of our topics, in the order of its partition. Times are the broker's, in seconds since 1970."""

    topic: str
    partition: int
    offset: int
    at: float
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the api. ``asked_at`` of a stream's event is when the one before it was there."""

    source: str
    """``poll``, or ``stream 3`` for the third connection."""
    url: str
    asked_at: float
    arrived_at: float
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def etag(self) -> str | None:
        return next((text for name, text in self.headers if name.lower() == "etag"), None)


@dataclass(frozen=True, slots=True)
class Acked:
    """A publish that the bus acknowledged to a writer that we could ask."""

    topic: str
    key: str
    version: Version
    at: float


@dataclass(frozen=True, slots=True)
class Text:
    """Anything a process said elsewhere: its log, its metrics, a file it left behind."""

    where: str
    text: bytes


@dataclass(slots=True)
class History:
    """One whole run. ``records`` are in the order in which they were read: per partition that of the log."""

    records: list[LogRecord] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    acked: list[Acked] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    quiet: list[tuple[float, float]] = field(default_factory=list)
    """From when to when nothing was put in and nothing was broken."""
    secrets: tuple[str, ...] = ()

    def save(self, path: Path) -> None:
        """As lines of JSON, compressed. The secrets, canaries of a simulated world, are among them."""
        with gzip.open(path, "wt", encoding="utf-8") as file:
            for kind in ("records", "answers", "acked", "texts"):
                for one in getattr(self, kind):
                    file.write(json.dumps([kind, _plain(asdict(one))]) + "\n")
            file.write(json.dumps(["rest", {"quiet": self.quiet, "secrets": self.secrets}]) + "\n")

    @classmethod
    def load(cls, path: Path) -> "History":
        """What :meth:`save` wrote."""
        made = cls()
        kinds = {"records": LogRecord, "answers": Answer, "acked": Acked, "texts": Text}
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                kind, values = json.loads(line)
                if kind == "rest":
                    made.quiet = [(begin, end) for begin, end in values["quiet"]]
                    made.secrets = tuple(values["secrets"])
                else:
                    getattr(made, kind).append(_made(kinds[kind], values))
        return made


_BYTES = "base64:"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return _BYTES + base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _back(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(_BYTES):
        return base64.b64decode(value.removeprefix(_BYTES))
    if isinstance(value, list):
        return tuple(_back(one) for one in value)
    return value


def _made(kind: type[Any], values: dict[str, Any]) -> Any:
    return kind(**{one.name: _back(values[one.name]) for one in fields(kind)})


def in_log_order(records: Iterable[LogRecord]) -> list[LogRecord]:
    """All topics together as they came to be: by the broker's time, and within a partition always by offset."""
    latest: dict[tuple[str, int], float] = {}
    stamped = []
    for record in sorted(records, key=lambda one: (one.topic, one.partition, one.offset)):
        place = (record.topic, record.partition)
        # A producer's clock stamps them; within a partition no later record may come before an earlier one.
        latest[place] = max(latest.get(place, 0.0), record.at)
        stamped.append((latest[place], record.topic, record.partition, record.offset, record))
    return [one[-1] for one in sorted(stamped, key=lambda one: one[:-1])]
