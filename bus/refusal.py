"""What can be on no bus, whichever it is."""

from schemas.encoding import Encoded, RecordTooLargeError, check_record
from schemas.topics import TOPICS


def refusal_of(fact: Encoded) -> str:
    """Why a fact can be on no bus, or nothing. Who encodes by the contract never hears it."""
    topic, value = fact.topic, fact.value
    known = TOPICS.get(topic.name)
    if known is not topic and known != topic:
        return f"{topic.name!r} is none of our topics"
    if value is None and not topic.compacted:
        return f"{topic.name} is not compacted: a tombstone means nothing there"
    try:
        check_record(topic, fact.key, value or b"")
    except RecordTooLargeError as error:
        return str(error)
    return ""
