"""What can be on no bus, whichever it is."""

from schemas.encoding import Encoded, RecordTooLargeError, encode_value
from schemas.topics import TOPICS


def refusal_of(fact: Encoded) -> str:
    """Why a fact can be on no bus, or nothing. Who encodes by the contract never hears it."""
    if TOPICS.get(fact.topic.name) != fact.topic:
        return f"{fact.topic.name!r} is none of our topics"
    if fact.value is None and not fact.topic.compacted:
        return f"{fact.topic.name} is not compacted: a tombstone means nothing there"
    try:
        encode_value(fact.topic, fact.key, fact.value or b"")
    except RecordTooLargeError as error:
        return str(error)
    return ""
