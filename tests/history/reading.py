"""The history as the checker looks at it: what each topic says last, and what each answer says of itself."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schemas.encoding import Decoded, DecodeError, decode
from tests.history.history import Answer, History, LogRecord, Version, in_log_order

ONE_WRITER = ("spark.balances", "spark.collectors", "spark.portfolio", "spark.wanted")
"""Topics of which every key has one writer, so that versions of a key grow."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that did not hold, and what shows it."""

    rule: str
    what: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what} [{self.evidence}]"


@dataclass(frozen=True, slots=True)
class Fact:
    """A record and what it says."""

    record: LogRecord
    fact: Decoded

    @property
    def version(self) -> Version | None:
        return None if self.fact.event is None else self.fact.event.version

    @property
    def place(self) -> str:
        record = self.record
        return f"{record.topic}/{record.partition}@{record.offset} {self.fact.key} {self.version}"


def facts_of(history: History, *topics: str) -> Iterator[Fact]:
    """The readable records of some topics, in the order in which they came to be."""
    for record in in_log_order(one for one in history.records if one.topic in topics):
        try:
            yield Fact(record, decode(record.topic, record.key, record.value))
        except DecodeError:
            continue


def newest(facts: Iterable[Fact]) -> dict[str, Fact]:
    """What a reader that began at the beginning holds in the end: the largest version of each key that is there."""
    held: dict[str, Fact] = {}
    largest: dict[str, Version] = {}
    for fact in facts:
        key, version = fact.fact.key, fact.version
        if version is None:
            held.pop(key, None)
        elif key not in largest or version > largest[key]:
            largest[key] = version
            held[key] = fact
    return held


@dataclass(frozen=True, slots=True)
class Served:
    """An answer with a whole portfolio in it."""

    answer: Answer
    portfolio: str
    version: Version
    body: dict[str, Any]

    @property
    def place(self) -> str:
        answer = self.answer
        return f"{answer.source} {answer.url} asked {answer.asked_at:.3f} arrived {answer.arrived_at:.3f}"


def served(history: History) -> Iterator[Served]:
    """The answers that show a state, in the order of their arrival; amounts are exact."""
    for answer in sorted(history.answers, key=lambda one: one.arrived_at):
        if answer.status != 200 or not urlsplit(answer.url).path.startswith("/api/portfolio"):
            continue
        body = json.loads(answer.body, parse_float=Decimal)
        if body["version"] is not None:
            yield Served(answer, body["portfolio"], parse_version(body["version"]), body)


def versions_seen(history: History) -> Iterator[tuple[Answer, str, Version]]:
    """Every answer that names a version, also one that says that nothing changed."""
    for one in served(history):
        yield one.answer, one.portfolio, one.version
    for answer in history.answers:
        if answer.status == 304 and answer.etag is not None:
            portfolio = parse_qs(urlsplit(answer.url).query).get("portfolio", ["main"])[0]
            yield answer, portfolio, version_of_etag(answer.etag)


def parse_version(text: str) -> Version:
    epoch, seq = text.split("-")
    return int(epoch), int(seq)


def version_of_etag(etag: str) -> Version:
    """``W/"epoch-seq"``, perhaps with more behind a further dash."""
    return parse_version("-".join(etag.removeprefix("W/").strip('"').split("-")[:2]))


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def seconds(when: dt.datetime) -> float:
    return when.timestamp()


def first_difference(left: Any, right: Any, where: str = "") -> str:
    """Where two nested values part, and how; empty where they do not."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys()):
            found = first_difference(left.get(name), right.get(name), f"{where}.{name}")
            if found:
                return found
        return ""
    if isinstance(left, list) and isinstance(right, list):
        for index, (one, other) in enumerate(zip(left, right, strict=False)):
            found = first_difference(one, other, f"{where}[{index}]")
            if found:
                return found
        return "" if len(left) == len(right) else f"{where}: {len(left)} against {len(right)} rows"
    return "" if left == right else f"{where}: {str(left)[:120]} against {str(right)[:120]}"
