"""The price book and the paths through it: what is accepted, what ages, and which way to the dollar is taken."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.prices import Outcome
from aggregator.valuation import fit_amount, percent_of, value_of
from schemas.amounts import AMOUNT_DIGITS_MAX, check_amount, format_amount, multiply, round_value
from schemas.encoding import Decoded
from schemas.state_encoding import format_units
from tests.unit.aggregator.worlds import SECOND, START, Player, balance, quote, snapshot, status

DAY = 86_400 * SECOND


def held(*rows, exchange="binance", at=START):
    return snapshot([balance(asset, amount) for asset, amount in rows], exchange=exchange, at=at)


def price_of(player, asset, now=START, exchange="binance"):
    """The price of an asset in the newest state, as (path, price, stale); None when it is unpriced."""
    player.tick(now)
    state = player.states["main"]
    found = [price for price in state.prices if (price.exchange, price.asset) == (exchange, asset)]
    return (found[0].path, found[0].price_usd, found[0].stale) if found else None


def with_quotes(*quotes, holds="BTC", exchange="binance", pegs=("USDT",)):
    player = Player(pegs)
    player.play([held((holds, "1"), exchange=exchange), *quotes])
    return player


def test_no_quote_is_no_price_and_the_total_says_so():
    player = with_quotes()
    assert price_of(player, "BTC") is None
    (account,) = player.states["main"].accounts
    assert account.holdings[0].value_usd is None
    totals = player.states["main"].totals
    assert totals.partial
    assert [(row.asset, row.amount) for row in totals.unpriced] == [("BTC", 1)]
    assert totals.by_asset[0].value_usd is None
    assert totals.by_asset[0].unpriced == 1


def test_a_price_of_zero_is_no_price():
    player = with_quotes(quote("BTC", "USDT", "0"))
    assert price_of(player, "BTC") is None


def test_a_zero_takes_a_former_price_away():
    player = with_quotes(quote("BTC", "USDT", "100"))
    player.tick(START)
    player.play([quote("BTC", "USDT", "0", at=START + SECOND)], START + SECOND)
    assert price_of(player, "BTC", START + 5 * SECOND) is None


def test_a_quote_from_the_future_is_refused_and_leaves_no_version():
    player = with_quotes()
    assert player.play([quote("BTC", "USDT", "9", at=START + 61 * SECOND)]) == [Outcome.REFUSED]
    assert player.play([quote("BTC", "USDT", "7", at=START + 60 * SECOND)]) == [Outcome.APPLIED]
    assert price_of(player, "BTC") == (("BTC", "USDT", "USD"), 7, False)


def test_a_clock_that_is_set_back_keeps_no_price_fresh():
    player = with_quotes(quote("BTC", "USDT", "100"))
    player.tick(START)
    back = START - 3600 * SECOND
    player.tick(back)
    later = back + 121 * SECOND
    assert player.play([quote("BTC", "USDT", "50", at=START + 121 * SECOND)], later) == [Outcome.REFUSED]
    assert price_of(player, "BTC", later) == (("BTC", "USDT", "USD"), 100, True)
    assert player.states["main"].totals.partial
    assert price_of(player, "BTC", back + DAY + SECOND) is None


@pytest.mark.parametrize("jump", ["301", "0.33", "100000000"])
def test_a_jump_is_held_for_one_confirmation(jump):
    player = with_quotes(quote("BTC", "USDT", "100"))
    player.play([quote("BTC", "USDT", jump, at=START + SECOND)], START + SECOND)
    assert player.aggregator.held_prices == 1
    assert price_of(player, "BTC", START + 2 * SECOND)[1] == 100
    near = multiply(Decimal(jump), Decimal("1.19"))
    player.play([quote("BTC", "USDT", near, at=START + 3 * SECOND)], START + 3 * SECOND)
    assert player.aggregator.held_prices == 0
    assert price_of(player, "BTC", START + 4 * SECOND)[1] == near


def test_a_jump_that_is_taken_back_leaves_nothing():
    player = with_quotes(quote("BTC", "USDT", "100"))
    moments = [START + number * SECOND for number in range(1, 4)]
    for price, at in zip(["1000", "101", "1000"], moments, strict=True):
        player.play([quote("BTC", "USDT", price, at=at)], at)
    assert player.aggregator.held_prices == 1
    assert price_of(player, "BTC", moments[-1] + SECOND)[1] == 101


def test_another_jump_is_no_confirmation():
    player = with_quotes(quote("BTC", "USDT", "100"))
    for number, price in enumerate(["1000", "5000", "25000"], 1):
        player.play([quote("BTC", "USDT", price, at=START + number * SECOND)], START + number * SECOND)
    assert price_of(player, "BTC", START + 5 * SECOND)[1] == 100


def test_a_held_quote_that_comes_again_does_not_confirm_itself():
    player = with_quotes(quote("BTC", "USDT", "100"))
    jump = quote("BTC", "USDT", "1000", at=START + SECOND)
    player.play([jump], START + SECOND)
    player.aggregator.topic_reset(jump.topic)
    player.play([jump], START + 2 * SECOND)
    assert player.aggregator.held_prices == 1
    assert price_of(player, "BTC", START + 3 * SECOND)[1] == 100


def test_a_zero_does_not_disarm_the_guard():
    player = with_quotes(quote("BTC", "USDT", "100"))
    for number, price in enumerate(["0", "100000"], 1):
        player.play([quote("BTC", "USDT", price, at=START + number * SECOND)], START + number * SECOND)
    assert price_of(player, "BTC", START + 3 * SECOND) is None
    assert player.aggregator.held_prices == 1


def test_after_a_zero_the_former_price_is_believed_at_once():
    player = with_quotes(quote("BTC", "USDT", "100"))
    for number, price in enumerate(["0", "101"], 1):
        player.play([quote("BTC", "USDT", price, at=START + number * SECOND)], START + number * SECOND)
    assert price_of(player, "BTC", START + 3 * SECOND)[1] == 101


def test_while_a_jump_is_held_the_old_price_ages():
    player = with_quotes(quote("BTC", "USDT", "100"))
    player.play([quote("BTC", "USDT", "1000", at=START + SECOND)], START + SECOND)
    assert price_of(player, "BTC", START + 121 * SECOND) == (("BTC", "USDT", "USD"), 100, True)


def test_a_price_of_yesterday_guards_nothing():
    player = with_quotes(quote("BTC", "USDT", "100"))
    player.tick(START)
    late = START + DAY + SECOND
    player.play([quote("BTC", "USDT", "1000", at=late)], late)
    assert price_of(player, "BTC", late)[1] == 1000


def test_a_price_is_stale_after_two_minutes_and_gone_after_a_day():
    player = with_quotes(quote("BTC", "USDT", "100"))
    assert price_of(player, "BTC", START + 120 * SECOND)[2] is False
    assert price_of(player, "BTC", START + 120.02 * SECOND)[2] is True
    assert "price_stale" in {reason.kind for reason in player.states["main"].totals.reasons}
    assert price_of(player, "BTC", START + DAY)[2] is True
    assert price_of(player, "BTC", START + DAY + 0.02 * SECOND) is None
    assert player.states["main"].totals.total_usd == 0
    assert player.states["main"].totals.unpriced


def test_a_heartbeat_quote_makes_a_stale_price_fresh():
    player = with_quotes(quote("BTC", "USDT", "100"))
    later = START + 200 * SECOND
    assert price_of(player, "BTC", later)[2] is True
    player.play([quote("BTC", "USDT", "100", at=later)], later)
    assert price_of(player, "BTC", later + SECOND)[2] is False


def test_a_tombstone_takes_a_symbol_away_and_an_old_quote_does_not_revive_it():
    one = quote("BTC", "USDT", "100")
    player = with_quotes(one)
    assert player.play([Decoded(one.topic, one.key, None)] * 2) == [Outcome.DELETED, Outcome.DUPLICATE]
    assert player.play([one]) == [Outcome.OLDER]
    assert price_of(player, "BTC") is None


OLD = START - 130 * SECOND
ROUTES = [
    ([quote("BTC", "USDT", "2"), quote("USDT", "BTC", "0.25")], ("BTC", "USDT", "USD"), 2),
    ([quote("USDT", "BTC", "0.25"), quote("BTC", "TRY", "60"), quote("USDT", "TRY", "10")], ("BTC", "USDT", "USD"), 4),
    ([quote("BTC", "TRY", "60"), quote("USDT", "TRY", "10")], ("BTC", "TRY", "USDT", "USD"), 6),
    # A fresh bridge before a stale direct pair.
    (
        [quote("BTC", "USDT", "2", at=OLD), quote("BTC", "TRY", "60"), quote("USDT", "TRY", "10")],
        ("BTC", "TRY", "USDT", "USD"),
        6,
    ),
    # A bridge at home before a direct pair elsewhere.
    (
        [quote("BTC", "USDT", "2", exchange="btcturk"), quote("BTC", "TRY", "60"), quote("USDT", "TRY", "10")],
        ("BTC", "TRY", "USDT", "USD"),
        6,
    ),
    # All legs elsewhere before mixed ones, even if that one is longer.
    (
        [
            quote("BTC", "TRY", "60"),
            quote("BTC", "EUR", "5", exchange="btcturk"),
            quote("EUR", "USDT", "2", exchange="btcturk"),
            quote("USDT", "TRY", "10", exchange="btcturk"),
        ],
        ("BTC", "EUR", "USDT", "USD"),
        10,
    ),
    ([quote("BTC", "TRY", "60"), quote("USDT", "TRY", "10", exchange="btcturk")], ("BTC", "TRY", "USDT", "USD"), 6),
    ([quote("BTC", "USD", "3"), quote("BTC", "USDT", "2")], ("BTC", "USD"), 3),
    # A real dollar quote of the peg before the peg, unless it is stale.
    ([quote("BTC", "USDT", "2"), quote("USDT", "USD", "0.5", exchange="btcturk")], ("BTC", "USDT", "USD"), 1),
    ([quote("BTC", "USDT", "2"), quote("USDT", "USD", "0.5", at=OLD)], ("BTC", "USDT", "USD"), 2),
]


@pytest.mark.parametrize(("quotes", "path", "price"), ROUTES)
def test_the_written_order_of_paths(quotes, path, price):
    for order in (quotes, quotes[::-1]):
        assert price_of(with_quotes(*order), "BTC")[:2] == (path, price)


def test_a_pegged_asset_is_one_dollar_and_shows_the_peg():
    player = with_quotes(holds="USDT")
    assert price_of(player, "USDT") == (("USDT", "USD"), 1, False)
    (price,) = player.states["main"].prices
    assert [leg.kind for leg in price.legs] == ["peg"]
    assert price.priced_at is None
    assert player.states["main"].pegs == ("USDT",)


def test_without_a_peg_in_the_settings_a_stablecoin_is_unpriced():
    player = with_quotes(holds="USDT", pegs=())
    assert price_of(player, "USDT") is None
    player.play([quote("USDT", "USD", "0.97")])
    assert price_of(player, "USDT", START + SECOND) == (("USDT", "USD"), Decimal("0.97"), False)
    assert player.states["main"].pegs == ()


def test_the_dollar_needs_no_quote():
    player = with_quotes(holds="USD")
    assert price_of(player, "USD") == (("USD",), 1, False)
    assert "main/USD" not in player.wanted


def test_display_rates_are_left_out_while_unknown():
    player = with_quotes(quote("USDT", "TRY", "40", exchange="btcturk"))
    player.tick(START)
    (rate,) = player.states["main"].rates
    assert (rate.currency, rate.per_usd, rate.path) == ("TRY", 40, ("TRY", "USDT", "USD"))
    player.tick(START + DAY + SECOND)
    assert player.states["main"].rates == ()


def test_an_absurd_value_is_unpriced():
    player = Player()
    player.play([held(("BTC", "10000000")), quote("BTC", "USDT", "1" + "0" * 9)])
    player.tick(START)
    (row,) = player.states["main"].accounts[0].holdings
    assert row.price_usd == 10**9
    assert row.value_usd is None
    assert [one.asset for one in player.states["main"].totals.unpriced] == ["BTC"]


def test_what_changed_along_the_path_of_a_bridge_reaches_its_holders():
    player = with_quotes(quote("BTC", "TRY", "60"), quote("USDT", "TRY", "10"), status())
    assert price_of(player, "BTC")[1] == 6
    player.play([quote("USDT", "TRY", "12", at=START + SECOND)], START + SECOND)
    assert price_of(player, "BTC", START + 2 * SECOND)[1] == 5


@given(st.decimals(0, 10**12, places=12), st.decimals(Decimal("1e-10"), 10**6, places=10))
@settings(max_examples=200, deadline=None)
def test_a_value_is_rounded_as_the_contract_rounds(amount, price):
    units = value_of(amount, price.scaleb(18))
    value = round_value(multiply(amount, price))
    assert units is None if value >= 10**16 else format_units(units) == format_amount(value)


@given(st.integers(-(10**45), 10**45))
@settings(max_examples=200, deadline=None)
def test_units_are_written_as_the_amount_they_are(units):
    assert format_units(units) == format_amount(Decimal(f"{units}E-18"))


@given(st.integers(0, 10**75), st.integers(0, 30))
@settings(max_examples=200, deadline=None)
def test_any_sum_of_amounts_fits_into_an_amount(digits, decimals):
    amount = Decimal(f"{digits}E-{decimals}")
    fitted = Decimal(fit_amount(amount))
    assert check_amount(fitted) == fitted
    assert amount > 10**AMOUNT_DIGITS_MAX - 1 or abs(fitted - amount) <= amount / 10**38


@pytest.mark.parametrize(
    ("change", "base", "percent"),
    [
        (1, 0, None),
        (5, 100, "5"),
        (-1, 3, "-33.3333"),
        (1, 2_000_000, "0"),
        (3, 2_000_000, "0.0002"),
        (2, 3, "66.6667"),
    ],
)
def test_percent(change, base, percent):
    found = percent_of(change, base)
    assert found == (None if percent is None else Decimal(percent))
