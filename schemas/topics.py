"""The one table of topics: what each carries, how it is kept, split and bounded."""

from dataclasses import dataclass
from typing import Final

KILOBYTE: Final = 1024
PORTFOLIO_PARTITIONS: Final = 12
"""Topics that are split by portfolio have as many partitions, so a portfolio's records lie together."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by its plain name (settings may put a prefix before it on the bus)."""

    name: str
    compacted: bool
    retention_seconds: int | None
    partitions: int
    record_bytes_max: int

    @property
    def by_portfolio(self) -> bool:
        """Whether the first part of the key, the portfolio, decides the partition."""
        return self.partitions == PORTFOLIO_PARTITIONS


HOUR: Final = 3600
DAY: Final = 24 * HOUR

BALANCES: Final = Topic("spark.balances", True, None, PORTFOLIO_PARTITIONS, 512 * KILOBYTE)
PRICES: Final = Topic("spark.prices", True, DAY, 1, 16 * KILOBYTE)
WANTED: Final = Topic("spark.wanted", True, None, 1, 16 * KILOBYTE)
COLLECTORS: Final = Topic("spark.collectors", True, None, PORTFOLIO_PARTITIONS, 16 * KILOBYTE)
PORTFOLIO: Final = Topic("spark.portfolio", True, None, PORTFOLIO_PARTITIONS, 8 * KILOBYTE * KILOBYTE)
COMMANDS: Final = Topic("spark.commands", False, HOUR, 1, 16 * KILOBYTE)
DEADLETTER: Final = Topic("spark.deadletter", False, 7 * DAY, 1, 16 * KILOBYTE)

TOPICS: Final = {topic.name: topic for topic in (BALANCES, PRICES, WANTED, COLLECTORS, PORTFOLIO, COMMANDS, DEADLETTER)}


def escape_key_part(part: str) -> str:
    """A name as part of a key: ``/`` separates the parts, so it is written ``%2F`` within one."""
    return part.replace("%", "%25").replace("/", "%2F")


def unescape_key_part(part: str) -> str:
    """The name that :func:`escape_key_part` wrote."""
    return part.replace("%2F", "/").replace("%25", "%")


def join_key(*parts: str) -> str:
    """The key of a record: its parts, escaped, with ``/`` between them."""
    key = "/".join(parts)
    if key.count("/") == len(parts) - 1 and "%" not in key:  # Nearly always, and keys are made of every record.
        return key
    return "/".join([escape_key_part(part) for part in parts])


def split_key(key: str) -> tuple[str, ...]:
    """The parts of a key, as they were before :func:`join_key`."""
    return tuple(unescape_key_part(part) for part in key.split("/"))
