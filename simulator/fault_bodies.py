"""What faults do to an answer's content."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final

from simulator.faults import Fault
from simulator.jsontext import Pairs, Raw, exact, load
from simulator.wire import HTML_TYPE, Exchange, Reply, html_page

OK: Final = 200
LEGALLY_BLOCKED: Final = 451
NESTING: Final = 100_000
DEFAULT_RETRY_AFTER: Final = 5
# Port 9 (discard) is closed wherever this runs; a client that follows the redirect fails at once.
NOWHERE: Final = "http://127.0.0.1:9/"
# Where the rows of an answer stand; the longer lists of exchangeInfo come before its rateLimits.
ROW_KEYS: Final = ("balances", "rows", "symbols", "data")
# In the order in which a client would read them first.
AMOUNT_KEYS: Final = (
    "free", "locked", "totalAmount", "amount", "price", "lastPrice", "last", "balance", "freeze", "withdrawing",
    "orderFund", "requestFund", "btcValuation", "openPrice", "open", "bidPrice", "askPrice", "highPrice", "lowPrice",
    "high", "low", "bid", "ask", "average", "volume", "quoteVolume", "totalAmountInBTC", "totalAmountInUSDT",
)  # fmt: skip

Row = dict[str, object]


def replaced(fault: Fault, exchange: Exchange, reply: Reply) -> Reply:
    """Return the answer as this fault leaves it; `reply` unchanged for faults of the connection."""
    maker = _ANSWERS.get(fault.kind)
    if maker is not None:
        made = maker(fault, exchange)
        return replace(made, headers={**reply.headers, **made.headers})
    if reply.status != OK:
        return reply  # the exchange refused the call: there is no content to spoil
    if fault.kind == "truncated":
        return replace(reply, body=reply.body[: max(1, len(reply.body) // 2)])
    spoil = _CONTENTS.get(fault.kind)
    if spoil is None:
        return reply
    return replace(reply, body=exact(spoil(load(reply.body))).encode())


def _status(fault: Fault, exchange: Exchange) -> Reply:
    made = exchange.refusal(fault.status or 500, fault.retry_after)
    return made if fault.body is None else replace(made, body=fault.body.encode())


def _rate_limited(fault: Fault, exchange: Exchange) -> Reply:
    return exchange.refusal(429, DEFAULT_RETRY_AFTER if fault.retry_after is None else fault.retry_after)


def _blocked(fault: Fault, exchange: Exchange) -> Reply:
    status = fault.status or LEGALLY_BLOCKED
    made = exchange.refusal(status) if status == LEGALLY_BLOCKED else html_page(status, "Forbidden")
    return made if fault.body is None else replace(made, body=fault.body.encode())


_ANSWERS: Final[dict[str, Callable[[Fault, Exchange], Reply]]] = {
    "status": _status,
    "rate_limited": _rate_limited,
    "banned": lambda fault, exchange: exchange.ban(fault.retry_after),
    "blocked": _blocked,
    "garbage": lambda _fault, _exchange: Reply(OK, b"\x00\xfe\xffnot json at all"),
    "html": lambda _fault, _exchange: Reply(OK, b"<!DOCTYPE html><html><body>Maintenance</body></html>", HTML_TYPE),
    "error_200": lambda _fault, exchange: exchange.refusal(OK),
    "redirect": lambda _fault, _exchange: Reply(302, b"", HTML_TYPE, {"Location": NOWHERE}),
    "deep": lambda _fault, _exchange: Reply(OK, b"[" * NESTING + b"]" * NESTING),
    "page_fail": lambda _fault, exchange: exchange.refusal(500),
}


def _rows(content: object) -> list[object] | None:
    """Find the list of rows: the answer itself, or a list under one of the usual keys, one level down at most."""
    if isinstance(content, list):
        return content
    if not isinstance(content, dict):
        return None
    inner = content.get("data")
    for holder in (content, inner if isinstance(inner, dict) else {}):
        for key in ROW_KEYS:
            found = holder.get(key)
            if isinstance(found, list):
                return found
    return None


def _half(content: object) -> object:
    rows = _rows(content)
    if rows is not None:
        del rows[len(rows) // 2 :]
    return content


def _empty(content: object) -> object:
    rows = _rows(content)
    if rows is None:
        return {}
    rows.clear()
    if isinstance(content, dict) and "total" in content:
        content["total"] = 0
    return content


def _zero(value: object) -> object:
    return "0" if isinstance(value, str) else 0


def _zeros(content: object) -> object:
    if isinstance(content, list):
        return [_zeros(one) for one in content]
    if isinstance(content, dict):
        return {
            key: _zero(value) if key in AMOUNT_KEYS and isinstance(value, str | int | Decimal) else _zeros(value)
            for key, value in content.items()
        }
    return content


def _spoil_first(content: object, spoil: Callable[[Row, str], object]) -> object:
    """Replace the first row that has an amount (or the answer, when it is one object) by what `spoil` makes of it."""
    rows = _rows(content)
    for index, row in enumerate(rows or ()):
        found = _first_amount(row)
        if rows is not None and isinstance(row, dict) and found is not None:
            rows[index] = spoil(row, found)
            return content
    found = _first_amount(content)
    return spoil(content, found) if isinstance(content, dict) and found is not None else content


def _first_amount(row: object) -> str | None:
    if not isinstance(row, dict):
        return None
    return next((key for key in AMOUNT_KEYS if isinstance(row.get(key), str | int | Decimal)), None)


def _twice(row: Row, key: str) -> Pairs:
    other: object = "999999" if isinstance(row[key], str) else 999_999
    return Pairs([*row.items(), (key, other)])


def _amount_as(text: str) -> Callable[[Row, str], object]:
    def spoil(row: Row, key: str) -> object:
        return {**row, key: text if isinstance(row[key], str) else Raw(text)}

    return spoil


def _nested(row: Row, key: str) -> object:
    return {**row, key: {"value": row[key]}}


def _without(row: Row, key: str) -> object:
    return {name: value for name, value in row.items() if name != key}


_CONTENTS: Final[dict[str, Callable[[object], object]]] = {
    "half": _half,
    "empty": _empty,
    "zeros": _zeros,
    "duplicate_keys": lambda content: _spoil_first(content, _twice),
    "wrong_type": lambda content: _spoil_first(content, _nested),
    "nan": lambda content: _spoil_first(content, _amount_as("NaN")),
    "negative": lambda content: _spoil_first(content, _amount_as("-1.00000000")),
    "huge": lambda content: _spoil_first(content, _amount_as("1e999")),
    "missing_field": lambda content: _spoil_first(content, _without),
}
