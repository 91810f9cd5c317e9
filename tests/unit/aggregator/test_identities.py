"""Two coins with one ticker are two assets: neither amounts nor prices of one are ever taken for the other's."""

from decimal import Decimal

import pytest

from collectors.exchange import Listing, Symbol
from collectors.quotes import Wanted
from schemas import assets
from schemas.events import WantedAsset
from tests.unit.aggregator.worlds import SECOND, START, Player, balance, fact, quote, snapshot

OTHER = "LUNA@btcturk"


@pytest.fixture(autouse=True)
def _one_ticker_two_coins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(assets.IDENTITIES, ("btcturk", "LUNA"), OTHER)


def state_of(player: Player):
    return player.settle(START + SECOND)["main"]


def test_they_are_summed_and_priced_apart() -> None:
    player = Player()
    player.play(
        [
            snapshot([balance("LUNA", "2")]),
            snapshot([balance("LUNA", "3")], exchange="btcturk"),
            quote("LUNA", "USDT", "10"),
            quote("LUNA", "USDT", "7", exchange="btcturk"),
        ]
    )
    sums = {one.asset: (one.total, one.value_usd) for one in state_of(player).totals.by_asset}
    assert sums == {"LUNA": (Decimal(2), Decimal(20)), OTHER: (Decimal(3), Decimal(21))}
    (row,) = (row for one in state_of(player).accounts if one.exchange == "btcturk" for row in one.holdings)
    assert (row.asset, row.code) == (OTHER, "LUNA"), "the exchange's own code is kept in sight"


def test_the_others_price_is_no_price() -> None:
    player = Player()
    player.play([snapshot([balance("LUNA", "3")], exchange="btcturk"), quote("LUNA", "USDT", "10")])
    state = state_of(player)
    assert [(one.asset, one.amount) for one in state.totals.unpriced] == [(OTHER, Decimal(3))]
    assert state.totals.total_usd == 0


def test_each_exchange_is_asked_for_the_coin_that_is_wanted() -> None:
    wanted = Wanted()
    wanted.apply([fact(WantedAsset(epoch=1, seq=1, published_at=START, portfolio="main", asset="LUNA"))])
    listing = Listing([Symbol("LUNAUSDT", "LUNA", "USDT", trading=True)])
    assert [one.name for one in wanted.symbols("binance", listing)] == ["LUNAUSDT"]
    assert wanted.symbols("btcturk", listing) == []
