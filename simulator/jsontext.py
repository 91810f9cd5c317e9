"""JSON as the exchanges write it: UTF-8 unescaped, numbers exact, and, for faults, JSON no encoder would write."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Final

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Raw(str):
    """Text that goes onto the wire as it is: a bare NaN, or a part that was written before."""

    __slots__ = ()


class Pairs(list[tuple[str, object]]):
    """A JSON object as a list of pairs, so that one key can appear twice."""


def compact(value: object) -> str:
    """Write a value without Decimals, at the speed of the standard library."""
    return _ENCODER.encode(value)


def dump(value: object) -> str:
    """Write an answer: prepared text as it is, at full speed when there is no Decimal in it, else exactly."""
    if isinstance(value, Raw):
        return value
    try:
        return compact(value)
    except TypeError:
        return exact(value)


def exact(value: object) -> str:
    """Write a value whose Decimals become JSON numbers digit by digit, never by way of a float."""
    parts: list[str] = []
    _write(value, parts.append)
    return "".join(parts)


def load(body: bytes) -> object:
    """Read JSON with numbers as Decimal. Raises ValueError for what is not JSON."""
    return json.loads(body, parse_float=Decimal)


def _write(value: object, out: Callable[[str], None]) -> None:
    if isinstance(value, Raw):
        out(value)
    elif isinstance(value, Decimal):
        out(f"{value:f}")
    elif isinstance(value, Pairs):
        _write_object(value, out)
    elif isinstance(value, dict):
        _write_object(list(value.items()), out)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            out("," if index else "[")
            _write(item, out)
        out("]" if value else "[]")
    else:
        out(_ENCODER.encode(value))


def _write_object(pairs: list[tuple[str, object]], out: Callable[[str], None]) -> None:
    for index, (key, item) in enumerate(pairs):
        out("," if index else "{")
        out(_ENCODER.encode(str(key)))
        out(":")
        _write(item, out)
    out("}" if pairs else "{}")
