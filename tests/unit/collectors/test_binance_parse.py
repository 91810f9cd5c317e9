"""Binance's answers: the documentation's own examples, and anything at all."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.binance import parse
from collectors.errors import UnreadableError
from collectors.exchange import Listing, Symbol
from schemas.amounts import total_of

LISTING = Listing(
    [
        Symbol("LDOUSDT", "LDO", "USDT", True),
        Symbol("BTCUSDT", "BTC", "USDT", True),
        Symbol("OUSDT", "O", "USDT", False),
    ]
)

PARSERS = [
    parse.parse_time,
    lambda payload: parse.parse_spot(payload, LISTING),
    parse.parse_funding,
    lambda payload: parse.flexible_balances(parse.parse_flexible_page(payload)[0]),
    lambda payload: parse.locked_balances(parse.parse_locked_page(payload)[0]),
    parse.parse_permissions,
    parse.parse_listing,
    parse.parse_tickers,
    parse.parse_worth,
]


def rows(balances):
    return {balance.asset: (balance.free, balance.locked, balance.total) for balance in balances}


def spot(*balances: dict[str, object]) -> dict[str, object]:
    return {"balances": list(balances)}


def row(asset: str, free: object = "1", locked: object = "0") -> dict[str, object]:
    return {"asset": asset, "free": free, "locked": locked}


def test_the_spot_example(payload) -> None:
    found = rows(parse.parse_spot(payload("binance/account.json"), None))
    assert found == {
        "BTC": (Decimal("4723846.89208129"), 0, Decimal("4723846.89208129")),
        "LTC": (Decimal("4763368.68006011"), 0, Decimal("4763368.68006011")),
    }


def test_the_funding_example_counts_all_four_parts(payload) -> None:
    assert rows(parse.parse_funding(payload("binance/get_funding_asset.json"))) == {"USDT": (1, 0, 1)}
    odd = [{"asset": "A", "free": "1", "locked": "2", "freeze": "4", "withdrawing": "8", "ipoable": "100"}]
    assert rows(parse.parse_funding(odd)) == {"A": (1, 14, 15)}


def test_the_earn_examples(payload) -> None:
    flexible, total = parse.parse_flexible_page(payload("binance/flexible_position.json"))
    assert (total, rows(parse.flexible_balances(flexible))) == (1, {"USDT": (Decimal("75.46"), 0, Decimal("75.46"))})
    locked, total = parse.parse_locked_page(payload("binance/locked_position.json"))
    amount = Decimal("122.09202928")
    assert (total, rows(parse.locked_balances(locked))) == (1, {"AXS": (0, amount, amount)})


def test_several_positions_of_an_asset_are_summed() -> None:
    page = {"rows": [{"asset": "A", "amount": "1.5", "positionId": n} for n in range(3)], "total": 3}
    assert rows(parse.locked_balances(parse.parse_locked_page(page)[0])) == {"A": (0, Decimal("4.5"), Decimal("4.5"))}


def test_the_permissions_example_names_what_is_more_than_reading(payload) -> None:
    found = parse.parse_permissions(payload("binance/api_restrictions.json"))
    assert found.reads
    assert found.ip_restricted is False
    assert set(found.powers) == {"enableInternalTransfer", "permitsUniversalTransfer", "enablePortfolioMarginTrading"}
    assert found.unknown == ()


def test_a_flag_nobody_knows_is_named_as_such() -> None:
    found = parse.parse_permissions(
        {"ipRestrict": True, "enableReading": True, "enableTeleport": True, "permitsX": False, "other": True}
    )
    assert (found.powers, found.unknown) == ((), ("enableTeleport",))
    with pytest.raises(UnreadableError):
        parse.parse_permissions({"ipRestrict": True, "enableReading": True, "enableTeleport": "yes"})


def test_the_listing_and_prices_examples(payload) -> None:
    listing = parse.parse_listing(payload("binance/exchange_info.json"))
    assert listing.symbols == {"ETHBTC": Symbol("ETHBTC", "ETH", "BTC", True)}
    (ticker,) = parse.parse_tickers(payload("binance/ticker_24hr.json"))
    assert (ticker.symbol, ticker.last, ticker.day_ago) == ("BNBBTC", Decimal("4.000002"), Decimal(99))


def test_the_other_examples(payload) -> None:
    assert parse.parse_time(payload("binance/time.json")) == 1499827319559
    assert parse.parse_worth(payload("binance/wallet_balance.json")).amount == 0


@pytest.mark.parametrize(
    ("code", "mirrored"),
    [("LDUSDT", "USDT"), ("LDBTC", "BTC"), ("LDO", None), ("LDXYZ", None), ("BTC", None), ("LD", None)],
)
def test_a_mirror_of_earn_is_told_from_a_coin(code: str, mirrored: str | None) -> None:
    (balance,) = parse.parse_spot(spot(row(code)), LISTING)
    assert (balance.mirror_of.asset if balance.mirror_of else None) == mirrored
    (unknown,) = parse.parse_spot(spot(row(code)), None)
    assert unknown.mirror_of is None


@pytest.mark.parametrize(
    "bad",
    [
        {"asset": "A", "free": "-1", "locked": "0"},
        {"asset": "A", "free": "NaN", "locked": "0"},
        {"asset": "A", "free": "1e999", "locked": "0"},
        {"asset": "A", "free": {"x": 1}, "locked": "0"},
        {"asset": "A", "free": True, "locked": "0"},
        {"asset": "A", "free": "1"},
        {"asset": "A", "free": "1,5", "locked": "0"},
        {"asset": "A", "free": None, "locked": "0"},
        {"asset": "", "free": "1", "locked": "0"},
        {"asset": "A\n", "free": "1", "locked": "0"},
        {"asset": "\ud800", "free": "1", "locked": "0"},
        {"asset": 5, "free": "1", "locked": "0"},
        {"free": "1", "locked": "0"},
        "A",
    ],
    ids=str,
)
def test_one_bad_amount_spoils_the_whole_wallet(bad: object) -> None:
    with pytest.raises(UnreadableError):
        parse.parse_spot({"balances": [row("GOOD"), bad]}, None)


def test_an_asset_twice_is_unreadable_and_zero_rows_are_left_out() -> None:
    with pytest.raises(UnreadableError, match="twice"):
        parse.parse_spot(spot(row("A"), row("A")), None)
    assert parse.parse_spot(spot(row("A", "0.00000000", "0"), row("A", "-0.0", "0")), None) == ()


def test_a_price_that_is_zero_or_odd_is_none_and_the_others_stay() -> None:
    good = {"symbol": "A", "lastPrice": "1.5", "openPrice": "0"}
    found = parse.parse_tickers(
        [good, {**good, "symbol": "B", "lastPrice": "0.00000000"}, {**good, "symbol": "C", "lastPrice": []}, 5, {},
         {"symbol": "D", "lastPrice": "2", "openPrice": "x"}]
    )  # fmt: skip
    assert [(ticker.symbol, ticker.last, ticker.day_ago) for ticker in found] == [
        ("A", Decimal("1.5"), None), ("B", None, None), ("C", None, None), ("D", 2, None),
    ]  # fmt: skip


KEYS = [
    "asset", "free", "locked", "freeze", "withdrawing", "balances", "rows", "total", "totalAmount", "productId",
    "amount", "positionId", "serverTime", "symbols", "symbol", "status", "baseAsset", "quoteAsset", "lastPrice",
    "openPrice", "balance", "ipRestrict", "enableReading", "enableX",
]  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["0", "1.5", "1e999", "-1", "NaN", "TRADING", "BTC", "LDBTC", "9" * 41])
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


AMOUNTS = st.decimals(min_value=0, max_value=10**12, places=8)


@given(st.dictionaries(st.text("ABCDEFGH", min_size=1, max_size=6), st.tuples(AMOUNTS, AMOUNTS), max_size=20))
@settings(max_examples=400, deadline=None)
def test_what_is_held_is_what_is_read(held: dict[str, tuple[Decimal, Decimal]]) -> None:
    made = spot(*(row(asset, f"{free:.8f}", f"{locked:.8f}") for asset, (free, locked) in held.items()))
    expected = {
        asset: (free, locked, total_of((free, locked))) for asset, (free, locked) in held.items() if free or locked
    }
    assert rows(parse.parse_spot(made, LISTING)) == expected
