"""What is asked for, and at what cost."""

import json
from urllib.parse import parse_qs

from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.binance.exchange import Binance
from collectors.btcturk.exchange import Btcturk


def cost(count: int) -> int:
    symbols = [f"S{number}" for number in range(count)]
    return sum(request.endpoint.weight for request in Binance().ticker_requests(symbols))


def test_the_cheapest_way_to_all_tickers_is_taken() -> None:
    """Weights of rest-api.md: 2 up to 20 symbols, 40 up to 100, 80 for more."""
    assert [cost(count) for count in (0, 1, 20, 21, 100, 800, 801, 2000)] == [0, 2, 2, 4, 10, 80, 80, 80]


@given(st.lists(st.text("ABC123币安", min_size=1, max_size=10), unique=True, max_size=60))
@settings(max_examples=200, deadline=None)
def test_every_symbol_is_asked_for_once(symbols: list[str]) -> None:
    exchange = Binance()
    asked: list[str] = []
    for request in exchange.ticker_requests(symbols):
        query = exchange.encode(request).query
        assert query.isascii()
        fields = parse_qs(query)
        asked += json.loads(fields["symbols"][0])
        assert fields["type"] == ["MINI"]
        assert fields["symbolStatus"] == ["TRADING"]
    assert asked == symbols


def test_one_call_brings_everything_where_there_is_no_choice() -> None:
    assert len(Btcturk().ticker_requests(["A", "B"])) == 1
    assert Btcturk().ticker_requests([]) == ()


def test_used_weight_is_read_from_the_right_header() -> None:
    from collectors.binance import endpoints

    headers = {"x-mbx-used-weight-1m": "70", "x-sapi-used-ip-weight-1m": "300"}
    assert Binance().used_weight(endpoints.ACCOUNT, headers) == 70
    assert Binance().used_weight(endpoints.EARN_LOCKED, headers) == 300
    for text in ("", "x", "-1", "²", "9" * 30):
        assert Binance().used_weight(endpoints.ACCOUNT, {"x-mbx-used-weight-1m": text}) is None
    assert Btcturk().used_weight(endpoints.ACCOUNT, headers) is None
