"""Bodies are read exactly, or refused as unreadable: nothing else ever comes out."""

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import UnreadableError
from collectors.strict_json import parse_json


def test_numbers_stay_exact() -> None:
    assert parse_json(b'{"a": 0.1234567890123456789, "b": 1e-7, "c": 19}', source="X") == {
        "a": Decimal("0.1234567890123456789"),
        "b": Decimal("1E-7"),
        "c": 19,
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "nothing"),
        (b"<!DOCTYPE html><html></html>", "a web page"),
        (b" <html>", "a web page"),
        (b'{"a": 1', "a cut text"),
        (b"hello", "a text"),
        (b"\xff\xfe", "no text"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'[{"x": {"a": 1, "a": 1}}]', "twice"),
        (b"[NaN]", "NaN"),
        (b"[Infinity]", "Infinity"),
        (b"[-Infinity]", "Infinity"),
        (b"[1e99999999999999999999]", "too long"),
        (b"[" + b"9" * 5000 + b"]", "too long"),
        (b"[" * 100_000 + b"]" * 100_000, "deeply"),
    ],
    ids=lambda value: value[:12].decode("latin1") if isinstance(value, bytes) else value,
)
def test_what_is_not_strict_json_is_unreadable(body: bytes, said: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        parse_json(body, source="X")
    assert said in caught.value.message
    assert caught.value.mend


@given(st.binary(max_size=200))
@settings(max_examples=400, deadline=None)
def test_any_bytes_give_a_value_or_unreadable(body: bytes) -> None:
    try:
        parse_json(body, source="X")
    except UnreadableError:
        return
    json.loads(body)


@given(st.text(max_size=40), st.decimals(allow_nan=False, allow_infinity=False, places=12))
@settings(max_examples=400, deadline=None)
def test_what_was_written_is_read(name: str, number: Decimal) -> None:
    body = json.dumps({name: "x"}).encode()[:-1] + f', "n{len(name)}!": {number:f}}}'.encode()
    read = parse_json(body, source="X")
    assert isinstance(read, dict)
    assert Decimal(read[f"n{len(name)}!"]) == number
