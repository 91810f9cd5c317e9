"""The portfolio state as bytes, part by part, so that a part that did not change is not written again.

Written is exactly what :class:`schemas.portfolio.PortfolioState` reads, fields without a value left out. Its models
stay the one truth: a property test reads back what is written here and compares it with the models' own outcome.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

import orjson

from schemas.amounts import VALUE_DECIMALS, format_amount
from schemas.events import SCHEMA_VERSION
from schemas.fields import format_utc, from_milliseconds
from schemas.versions import Version


def format_units(units: int) -> str:
    """A value counted in its smallest unit (10^-18 dollars), as an amount is written."""
    if units < 0:
        return "-" + format_units(-units)
    digits = str(units).zfill(VALUE_DECIMALS + 1)
    fraction = digits[-VALUE_DECIMALS:].rstrip("0")
    return f"{digits[:-VALUE_DECIMALS]}.{fraction}" if fraction else digits[:-VALUE_DECIMALS]


def format_moment(moment: int) -> str:
    """A moment in milliseconds since 1970, as the contract writes times."""
    return format_utc(from_milliseconds(moment))


def json_text(text: str) -> str:
    """A text as JSON, with its quotes."""
    return orjson.dumps(text).decode()


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return format_amount(value)
    raise TypeError(f"a state has no {type(value).__name__}")


def encode_part(fields: Mapping[str, Any]) -> bytes:
    """One part of a state. Decimals become amounts, parts that are JSON already are put in as they are."""
    part = orjson.dumps({name: value for name, value in fields.items() if value is not None}, default=_plain)
    # Parts are kept, and what orjson hands out sits in a buffer of some kilobytes; a copy is as long as its text.
    return bytes(memoryview(part))


def encode_list(parts: Iterable[bytes]) -> orjson.Fragment:
    """A list of parts, as a value for :func:`encode_part`."""
    return orjson.Fragment(b"[" + b",".join(parts) + b"]")


def open_account(fields: Mapping[str, Any]) -> bytes:
    """The beginning of an account: all but its holdings, which :func:`encode_body` puts behind it."""
    return encode_part(fields)[:-1] + b',"holdings":['


def holding_amounts(
    asset: str, code: str | None, wallet: str, amounts: tuple[str, str, str], mirror: tuple[str, str] | None
) -> str:
    """The beginning of a holding: what does not change with prices.

    ``asset`` is JSON already; ``amounts`` are free, locked and total.
    """
    named = "" if code is None else f',"code":{json_text(code)}'
    mirrored = ""
    if mirror is not None:
        mirrored = f',"mirror_of":{{"wallet":{json_text(mirror[0])},"asset":{json_text(mirror[1])}}}'
    free, locked, total = amounts
    return (
        f'{{"asset":{asset}{named},"wallet":"{wallet}","free":"{free}","locked":"{locked}","total":"{total}"{mirrored}'
    )


def holding_price(price_usd: Decimal | None, *, stale: bool) -> str:
    """The middle of a holding: its price, the same for all holdings of the asset."""
    priced = "" if price_usd is None else f',"price_usd":"{format_amount(price_usd)}"'
    return f'{priced},"price_stale":{"true" if stale else "false"}'


def holding_value(value: int | None, value_24h_ago: int | None, *, counted: bool) -> str:
    """The end of a holding: what it is worth, in smallest units."""
    now = "" if value is None else f',"value_usd":"{format_units(value)}"'
    ago = "" if value_24h_ago is None else f',"value_24h_ago_usd":"{format_units(value_24h_ago)}"'
    return f',"counted":{"true" if counted else "false"}{now}{ago}}}'


class AssetNumbers(NamedTuple):
    """The numbers of one asset's sum: amounts as written, values in smallest units."""

    total: str
    unpriced: str
    value: int | None
    change: int | None = None
    percent: Decimal | None = None


def encode_asset_total(asset: str, numbers: AssetNumbers) -> bytes:
    """One asset's sum. Written by hand, since a snapshot changes many of them; ``asset`` is JSON already."""
    total, unpriced, value, change, percent = numbers
    valued = "" if value is None else f',"value_usd":"{format_units(value)}"'
    changed = "" if change is None else f',"change_24h_usd":"{format_units(change)}"'
    relative = "" if percent is None else f',"change_24h_percent":"{format_amount(percent)}"'
    return f'{{"asset":{asset},"total":"{total}","unpriced":"{unpriced}"{valued}{changed}{relative}}}'.encode()


def encode_body(portfolio: str, accounts: Iterable[tuple[bytes, list[bytes]]], others: Mapping[str, Any]) -> bytes:
    """Everything of a state but its version and times: the part by which two states are compared.

    An account is its beginning (:func:`open_account`) and its holdings. Each byte is copied twice here and once more in
    :func:`encode_state`: with thousands of holdings, copying is what a state costs.
    """
    pieces = [f'"portfolio":{json_text(portfolio)},"accounts":['.encode()]
    comma = b""
    for head, holdings in accounts:
        pieces += (comma, head, b",".join(holdings), b"]}")
        comma = b","
    pieces += (b"],", orjson.dumps(others)[1:])
    return b"".join(pieces)


def encode_state(version: Version, moment: int, body: bytes) -> bytes:
    """A whole state: the body, with the version and the time of its valuation before it."""
    time = format_moment(moment)
    head = (
        f'{{"schema_version":{SCHEMA_VERSION},"epoch":{version[0]},"seq":{version[1]},"published_at":"{time}"'
        f',"valued_at":"{time}",'
    )
    return head.encode() + body
