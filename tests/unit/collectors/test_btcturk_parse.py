"""BTCTurk's answers: the documentation's own examples, both decimal signs, and anything at all."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.btcturk import parse
from collectors.errors import UnreadableError
from collectors.exchange import Symbol

PARSERS = [parse.parse_time, parse.parse_balances, parse.parse_listing, parse.parse_tickers]


def rows(balances):
    return {balance.asset: (balance.free, balance.locked, balance.total) for balance in balances}


def one(balance: object, free: object, locked: object) -> dict[str, object]:
    return {"data": [{"asset": "A", "balance": balance, "free": free, "locked": locked}]}


def test_the_balances_example_has_decimal_commas(payload) -> None:
    assert rows(parse.parse_balances(payload("btcturk/balances.json"))) == {
        "TRY": (Decimal("22349.3654565035348765"), Decimal("4874.3628685722294523"), Decimal("27223.7283250757643288")),
        "BTC": (Decimal("6.439241464455326"), Decimal("3.3109771999999998"), Decimal("9.7502186644553258")),
    }


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1,5", "1.5"), ("1.5", "1.5"), ("15", "15"), (15, "15"), (Decimal("1.5"), "1.5"), ("0,00000001", "0.00000001")],
)
def test_both_decimal_signs_and_json_numbers_are_read(text: object, amount: str) -> None:
    assert rows(parse.parse_balances(one(text, text, "0"))) == {"A": (Decimal(amount), 0, Decimal(amount))}


@pytest.mark.parametrize("text", ["1.234,5", "1,234.5", "1,234,5", ",", "1 5", "-1", "NaN", "", None, True, [], "١"])
def test_a_comma_is_never_a_thousands_sign(text: object) -> None:
    with pytest.raises(UnreadableError):
        parse.parse_balances(one(text, text, "0"))


def test_the_exchanges_own_total_must_agree() -> None:
    parse.parse_balances(one("100.0000009", "60", "40"))
    for total in ("100.000002", "99", "0"):
        with pytest.raises(UnreadableError, match="total"):
            parse.parse_balances(one(total, "60", "40"))
    with pytest.raises(UnreadableError, match="total"):
        parse.parse_balances(one("1", "0", "0"))


def test_the_total_published_is_free_and_locked() -> None:
    assert rows(parse.parse_balances(one("100.0000009", "60", "40"))) == {"A": (60, 40, 100)}


def test_the_listing_and_prices_examples(payload) -> None:
    listing = parse.parse_listing(payload("btcturk/exchange_info.json"))
    assert listing.symbols == {"BTCTRY": Symbol("BTCTRY", "BTC", "TRY", True)}
    (ticker,) = parse.parse_tickers(payload("btcturk/ticker.json"))
    assert (ticker.symbol, ticker.last, ticker.day_ago) == ("BTCUSDT", 79152, 77356)
    assert parse.parse_time(payload("btcturk/time.json")) == 1613313462021


def test_a_price_of_zero_is_none_and_a_day_ago_of_zero_too() -> None:
    data = [{"pair": "A", "last": 5, "open": 0}, {"pair": "B", "last": 0, "open": 1}, {"pair": "C", "last": 7}, {}, 3]
    found = parse.parse_tickers({"data": data})
    assert [(ticker.symbol, ticker.last, ticker.day_ago) for ticker in found] == [
        ("A", 5, None), ("B", None, 1), ("C", 7, None),
    ]  # fmt: skip


KEYS = [
    "data", "asset", "balance", "free", "locked", "symbols", "name", "status", "numerator", "denominator", "pair",
    "last", "open", "serverTime", "code", "success",
]  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["0", "1,5", "1.5", "1e999", "-1", "9" * 41, "1,2,3"])
)  # fmt: skip
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=25,
)


@given(ANY_JSON, st.sampled_from(PARSERS))
@settings(max_examples=800, deadline=None)
def test_any_json_gives_a_result_or_unreadable(value: object, parser) -> None:
    try:
        parser(value)
    except UnreadableError as error:
        assert error.mend  # noqa: PT017 - the point is that nothing else is raised


AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=16)


@given(AMOUNTS, AMOUNTS, st.booleans())
@settings(max_examples=400, deadline=None)
def test_what_is_held_is_what_is_read(free: Decimal, locked: Decimal, comma: bool) -> None:
    total = free + locked
    texts = [f"{amount:f}".replace(".", "," if comma else ".") for amount in (total, free, locked)]
    expected = {"A": (free, locked, total)} if total else {}
    assert rows(parse.parse_balances(one(*texts))) == expected
