"""Which partition a record lies in: that of its portfolio, so that all of a portfolio lies together."""

import functools

from aiokafka.partitioner import murmur2

from schemas.topics import Topic, unescape_key_part

_POSITIVE = 0x7FFFFFFF


def partition_of(topic: Topic, key: str) -> int:
    """The partition of a key: by the portfolio alone (the key's first part), as Kafka's own clients hash a key."""
    if not topic.by_portfolio:
        return 0
    return _of_portfolio(key.partition("/")[0], topic.partitions)


@functools.lru_cache(maxsize=10_000)
def _of_portfolio(part: str, partitions: int) -> int:
    hashed: int = murmur2(unescape_key_part(part).encode())
    return (hashed & _POSITIVE) % partitions
