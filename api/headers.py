"""Small matters of HTTP that several handlers share: headers made once, conditions, what a client can unpack."""

from collections.abc import Iterable, Mapping
from typing import Final

from aiohttp import web

from monitoring.guards import SECURITY_HEADERS

Headers = Mapping[str, str]

_ACCEPTED: Final = 1.0
_REFUSED: Final = 0.0


def ready_headers(content_type: str, more: Headers) -> Headers:
    """Headers of an answer, with those of all answers, to be used any number of times."""
    # Taken from a response: its kind of mapping is copied much faster than a dictionary is.
    return web.Response(headers={"Content-Type": content_type, **SECURITY_HEADERS, **more}).headers


def matches(condition: str, etag: str) -> bool:
    """Whether If-None-Match names this entity, compared weakly (RFC 9110 §13.1.2)."""
    if condition == etag or condition.strip() == "*":
        return True
    opaque = etag.removeprefix("W/")
    return any(part.strip().removeprefix("W/") == opaque for part in condition.split(","))


def accepts_gzip(accept_encoding: Iterable[str]) -> bool:
    """Whether a client takes gzip, and no less gladly than the plain bytes (RFC 9110 §12.5.3)."""
    weights: dict[str, float] = {}
    for coding in ",".join(accept_encoding).split(","):
        name, *parameters = (part.strip().lower() for part in coding.split(";"))
        weights[name] = _weight(parameters)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", _REFUSED)))
    return gzip > 0 and gzip >= weights.get("identity", _REFUSED)


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                weight = float(value)
            except ValueError:
                return _REFUSED  # What cannot be read is no consent; the plain bytes suit everybody.
            return weight if 0 <= weight <= 1 else _REFUSED
    return _ACCEPTED
