"""The aggregator's own decisions: what goes out when, versions, other writers, what is wanted, clocks that jump."""

import datetime as dt

import pytest

import aggregator.aggregator as module
from aggregator import outlets
from aggregator.aggregator import Aggregator
from aggregator.alarms import Alarms
from schemas import topics
from schemas.encoding import Decoded, decode, encode
from schemas.events import WantedAsset
from schemas.portfolio import PortfolioState, Totals
from tests.unit.aggregator.worlds import SECOND, START, Player, balance, fact, quote, snapshot, status

MILLI = SECOND / 1000


def holding(amount, seq, at=START, portfolio="main", asset="BTC"):
    return snapshot([balance(asset, amount)], version=(1, seq), at=at, portfolio=portfolio)


def states(published):
    return [state for _, state in published]


def quoted(price, at):
    return quote("BTC", "USDT", price, at=at)


def settled():
    player = Player()
    player.play([holding("1", 1), status(), quoted("100", START)])
    player.tick(START)
    return player


def foreign(epoch, seq=1, portfolio="main"):
    return fact(
        PortfolioState(
            epoch=epoch,
            seq=seq,
            published_at=START,
            valued_at=START,
            portfolio=portfolio,
            totals=Totals(total_usd="0", partial=False),
        )
    )


# When


def test_a_balance_goes_out_at_once_but_20_ms_apart():
    player = settled()
    now = START + SECOND
    player.play([holding("2", 2, now)], now)
    assert player.aggregator.next_due() <= now
    assert len(player.tick(now)) == 1
    player.play([holding("3", 3, now)], now + MILLI)
    assert player.tick(now + 19 * MILLI) == []
    assert player.aggregator.next_due() == now + 20 * MILLI
    (state,) = states(player.tick(now + 20 * MILLI))
    assert state.totals.total_usd == 300


def test_a_burst_becomes_one_state_the_newest():
    player = settled()
    now = START + SECOND
    player.play([holding(str(amount), amount, now) for amount in range(2, 50)], now)
    (state,) = states(player.tick(now))
    assert state.totals.total_usd == 4900


def test_prices_alone_go_out_once_a_second():
    player = settled()
    for step in range(1, 100):
        now = START + 10 * step * MILLI
        player.play([quoted(str(100 + step), now)], now)
        assert player.tick(now) == []
    (state,) = states(player.tick(START + SECOND))
    assert state.totals.total_usd == 199


def test_large_portfolios_follow_prices_at_a_megabyte_a_second(monkeypatch):
    monkeypatch.setattr(outlets, "PRICE_BYTES_PER_SECOND", 500)
    player = settled()
    size = len(player.sent[-1].value)
    now = START + SECOND
    player.play([quoted("101", now)], now)
    assert player.tick(now) == []
    due = player.aggregator.next_due()
    assert due > START + 2 * SECOND
    assert abs(due - START - dt.timedelta(seconds=size / 500)) < SECOND / 2
    assert len(player.tick(due)) == 1


def test_a_balance_takes_newer_prices_with_it():
    player = settled()
    now = START + 100 * MILLI
    player.play([quoted("150", now), holding("2", 2, now)], now)
    (state,) = states(player.tick(now))
    assert state.totals.total_usd == 300


def test_what_did_not_change_is_not_published_again_but_as_a_sign_of_life():
    player = settled()
    now = START + SECOND
    assert player.play([status(version=(1, 2))], now) == ["applied"]
    assert player.tick(now) == []
    assert player.tick(START + 14.9 * SECOND) == []
    assert player.aggregator.next_due() <= START + 15 * SECOND
    ((one, state),) = player.tick(START + 15 * SECOND)
    assert state.valued_at == START + 15 * SECOND
    assert state.version == (7, 2)
    assert one.key == "main"


def test_a_tick_with_nothing_due_says_when_it_is():
    player = settled()
    assert player.aggregator.due(START + SECOND) == []
    assert player.aggregator.next_due() == START + 15 * SECOND


def test_only_touched_portfolios_go_out():
    player = settled()
    player.play([holding("1", 1, portfolio="desk", asset="ETH"), status(portfolio="desk")])
    player.tick(START + MILLI)
    now = START + SECOND
    player.play([holding("5", 2, now, portfolio="desk", asset="ETH")], now)
    assert [one.key for one, _ in player.tick(now)] == ["desk"]


def test_much_work_is_done_in_slices(monkeypatch):
    monkeypatch.setattr(module, "ROWS_PER_CALL", 3)
    player = Player()
    rows = [balance(f"A{number}", "1") for number in range(10)]
    player.play([snapshot(rows), snapshot(rows, portfolio="desk")])
    for _ in range(3):
        assert not [one for one in player.aggregator.due(START) if one.topic is topics.PORTFOLIO]
        assert player.aggregator.next_due() <= START
    assert len(player.tick(START)) == 2


def test_nothing_goes_out_before_the_beginning():
    aggregator = Aggregator()
    aggregator.apply(holding("1", 1), START)
    assert aggregator.due(START) == []
    aggregator.begin(5, START)
    assert {one.topic.name for one in aggregator.due(START)} == {"spark.portfolio", "spark.wanted"}


# What is not acknowledged


def test_what_was_not_acknowledged_goes_out_again_in_its_newest_form():
    player = settled()
    now = START + SECOND
    player.play([holding("2", 2, now)], now)
    lost = player.aggregator.due(now)
    retry = now + 2 * SECOND
    player.aggregator.unsent(lost, retry)
    player.play([holding("3", 3, now)], now + MILLI)
    assert player.tick(now + SECOND) == []
    ((_, state),) = player.tick(retry)
    assert state.totals.total_usd == 300
    assert state.seq == 3  # The lost one had number 2: numbers are never given twice.


def test_a_lost_state_goes_out_again_even_if_nothing_changed_since():
    player = settled()
    now = START + SECOND
    player.play([holding("2", 2, now)], now)
    player.aggregator.unsent(player.aggregator.due(now), now + SECOND)
    assert len(player.tick(now + SECOND)) == 1


def test_lost_wants_and_tombstones_are_said_again():
    player = Player()
    one = holding("1", 1, portfolio="desk", asset="ETH")
    player.play([one])
    lost = player.aggregator.due(START)
    player.aggregator.unsent(lost, START + SECOND)
    player.tick(START + SECOND)
    assert "desk/ETH" in player.wanted
    player.play([Decoded(one.topic, one.key, None)], START + 2 * SECOND)
    (gone,) = player.aggregator.due(START + 2 * SECOND)
    assert (gone.key, gone.value) == ("desk", None)
    player.aggregator.unsent([gone], START + 3 * SECOND)
    assert player.tick(START + 2.5 * SECOND) == []
    ((again, _),) = player.tick(START + 3 * SECOND)
    assert (again.key, again.value) == ("desk", None)


def test_a_state_too_large_for_a_record_is_refused_and_named(monkeypatch):
    player = settled()
    small = topics.Topic("spark.portfolio", True, None, 12, 500)
    monkeypatch.setattr(module.topics, "PORTFOLIO", small)
    now = START + SECOND
    player.play([holding("2", 2, now)], now)
    assert player.tick(now) == []
    assert "500" in player.aggregator.refused["main"]


# Other writers, resets


def test_a_writer_with_a_larger_epoch_replaces_us():
    player = settled()
    player.play([foreign(8)])
    assert player.aggregator.replaced_by == 8
    player.play([holding("2", 2)])
    assert player.aggregator.due(START + SECOND) == []
    assert player.aggregator.next_due() is None


def test_a_larger_epoch_replaces_us_on_any_key_of_our_topics():
    """Two that started at once: the other may have shown itself where we have nothing to say."""
    for record in (foreign(8, portfolio="elsewhere"), wanted("GONE", epoch=8), wanted("BTC", epoch=8)):
        player = settled()
        player.play([record])
        assert player.aggregator.replaced_by == 8


def test_of_two_that_start_at_once_on_an_empty_bus_the_lower_epoch_learns_of_the_other():
    one, two = Aggregator(), Aggregator()
    for asset in ("BTC", "EUR", "TRY", "USDT"):  # Said by a former run: there is nothing that had to be said anew.
        for each in (one, two):
            each.apply(wanted(asset, bridge=True), START)
    one.begin(5, START)
    two.begin(6, START)
    for sent in two.due(START):
        one.apply(decode(sent.topic.name, sent.key.encode(), sent.value), START)
    assert one.replaced_by == 6
    two.apply(decode("spark.wanted", b"main/BTC", encode(wanted("BTC", epoch=5).event).value), START)
    assert two.replaced_by is None


def test_another_writer_with_our_very_epoch_replaces_us():
    player = settled()
    player.play([foreign(7, seq=1)])
    assert player.aggregator.replaced_by is None
    player.play([foreign(7, seq=2)])
    assert player.aggregator.replaced_by == 7


def test_our_own_batch_that_was_given_up_and_arrives_late_is_written_over():
    player = settled()
    for second in range(1, 4):
        now = START + second * SECOND
        player.play([holding(str(second + 1), second + 1, now)], now)
        assert len(player.tick(now)) == 1
    read = player.play([foreign(7, seq) for seq in (1, 2, 2, 4)], now)
    assert read == ["applied", "applied", "duplicate", "applied"]
    assert player.tick(START + 4 * SECOND) == []  # In order, however late they are read: nothing to mend.
    assert player.play([foreign(7, 3)], now) == ["older"]
    ((_, state),) = player.tick(START + 5 * SECOND)
    assert state.version == (7, 5)
    assert player.aggregator.repairs == {"spark.portfolio": 1}


def test_a_foreign_tombstone_is_written_over():
    player = settled()
    player.play([Decoded(topics.PORTFOLIO, "main", None)])
    ((_, state),) = player.tick(START + SECOND)
    assert state.version == (7, 2)


def test_a_late_state_of_a_portfolio_that_is_gone_is_taken_away_again():
    player = settled()
    one, said = holding("1", 1), status()
    player.play([Decoded(one.topic, one.key, None), Decoded(said.topic, said.key, None)])
    player.play([foreign(7, 1)])
    assert [state for _, state in player.tick(START + SECOND)] == [None]
    player.play([Decoded(topics.PORTFOLIO, "main", None)])
    assert player.tick(START + SECOND) == []
    for late in (foreign(7, 1), foreign(3, 99)):
        player.play([late])
        assert [state for _, state in player.tick(START + SECOND)] == [None]
        player.play([Decoded(topics.PORTFOLIO, "main", None)])
    assert player.tick(START + 20 * SECOND) == []


def test_a_key_that_is_no_portfolio_ends_nothing():
    player = settled()
    assert player.play([Decoded(topics.PORTFOLIO, "a/b", None), Decoded(topics.WANTED, "a", None)]) == [
        "refused",
        "deleted",
    ]


def test_a_late_record_of_a_former_writer_is_written_over():
    player = settled()
    player.play([foreign(3, seq=99)])
    ((_, state),) = player.tick(START + 20 * MILLI)
    assert state.version == (7, 2)
    player.play([fact(state)], START + SECOND)
    assert player.tick(START + SECOND) == []


def test_the_largest_epoch_on_own_topics_is_known():
    aggregator = Aggregator()
    aggregator.apply(foreign(41), START)
    aggregator.apply(wanted("BTC", epoch=77), START)
    assert aggregator.largest_epoch == 77


def test_an_emptied_own_topic_is_filled_again():
    player = settled()
    player.wanted.clear()
    player.aggregator.topic_reset(topics.PORTFOLIO)
    player.aggregator.topic_reset(topics.WANTED)
    player.play([foreign(7, 1)])  # The new log begins with what was on its way.
    assert len(player.tick(START + SECOND)) == 1
    assert player.aggregator.repairs == {}
    assert set(player.wanted) == {"main/BTC", "main/EUR", "main/TRY", "main/USDT"}


def test_an_emptied_input_keeps_its_values_and_forgets_its_versions():
    player = settled()
    for topic in (topics.BALANCES, topics.PRICES, topics.COLLECTORS):
        player.aggregator.topic_reset(topic)
    (state,) = states(player.tick(START + 15 * SECOND))
    assert state.totals.total_usd == 100
    assert player.play([holding("1", 1), status(), quoted("100", START)]) == ["applied"] * 3


def test_a_portfolio_with_nothing_left_is_taken_away():
    player = settled()
    one, said = holding("1", 1), status()
    player.play([Decoded(one.topic, one.key, None), Decoded(said.topic, said.key, None)])
    assert [(one.key, state) for one, state in player.tick(START + SECOND)] == [("main", None)]
    player.play([snapshot(version=(2, 1))], START + 2 * SECOND)
    ((_, state),) = player.tick(START + 2 * SECOND)
    assert state.version == (7, 2)


@pytest.mark.parametrize(
    ("topic", "key"), [(topics.BALANCES, "main/x"), (topics.COLLECTORS, "x"), (topics.PRICES, "y")]
)
def test_a_tombstone_of_nothing_is_a_no_op(topic, key):
    player = settled()
    assert player.play([Decoded(topic, key, None)]) == ["duplicate"]
    assert player.tick(START + SECOND) == []


# Wanted


def wanted(asset, *, portfolio="main", epoch=1, bridge=False):
    return fact(WantedAsset(epoch=epoch, seq=1, published_at=START, portfolio=portfolio, asset=asset, bridge=bridge))


def test_what_is_held_is_wanted_and_ten_minutes_after_no_more():
    player = Player()
    player.play([holding("1", 1, portfolio="desk", asset="ETH")])
    player.tick(START)
    assert player.wanted["desk/ETH"].bridge is False
    assert player.wanted["main/USDT"].bridge is True
    player.play([snapshot(portfolio="desk", version=(1, 2))])
    player.tick(START)
    player.tick(START + 599 * SECOND)
    assert player.wanted["desk/ETH"] is not None
    player.tick(START + 600 * SECOND)
    assert player.wanted["desk/ETH"] is None


def test_what_is_held_again_in_time_stays_wanted():
    player = Player()
    player.play([holding("1", 1, asset="ETH")])
    player.tick(START)
    player.play([snapshot(version=(1, 2))])
    player.tick(START)
    player.play([holding("1", 3, asset="ETH")])
    player.tick(START + 700 * SECOND)
    assert player.wanted["main/ETH"] is not None


def test_what_a_former_run_wanted_is_retired_too():
    aggregator = Aggregator()
    for one in (wanted("GONE"), wanted("ETH"), holding("1", 1, asset="ETH")):
        aggregator.apply(one, START)
    aggregator.begin(5, START)
    said = {one.key for one in aggregator.due(START) if one.topic is topics.WANTED}
    assert "main/ETH" not in said
    later = aggregator.due(START + 600 * SECOND)
    assert [(one.key, one.value) for one in later if one.topic is topics.WANTED] == [("main/GONE", None)]


def test_a_bridge_that_is_none_any_more_is_said_anew():
    aggregator = Aggregator(pegs=())
    aggregator.apply(wanted("ETH", bridge=True), START)
    aggregator.apply(holding("1", 1, asset="ETH"), START)
    aggregator.apply(wanted("ETH", bridge=True), START)
    aggregator.begin(5, START)
    said = [decode("spark.wanted", one.key.encode(), one.value).event for one in aggregator.due(START)[:9]
            if one.key == "main/ETH"]  # fmt: skip
    assert [one.bridge for one in said] == [False]


def test_an_emptied_topic_of_wants_retires_nothing():
    player = settled()
    for topic in (topics.BALANCES, topics.PRICES, topics.COLLECTORS, topics.WANTED, topics.PORTFOLIO):
        player.aggregator.topic_reset(topic)
    player.sent.clear()
    player.tick(START + 900 * SECOND)
    assert {one.key for one in player.sent} >= {"main", "main/BTC"}
    assert all(one.value is not None for one in player.sent)


def test_what_somebody_else_took_away_is_said_again():
    player = settled()
    player.wanted.clear()
    player.play([Decoded(topics.WANTED, "main/BTC", None), wanted("TRY", epoch=3)])
    player.tick(START)
    assert set(player.wanted) == {"main/BTC", "main/TRY"}


# Clocks


def test_a_clock_that_goes_back_an_hour_stops_nothing():
    player = settled()
    back = START - 3600 * SECOND
    player.play([holding("2", 2, back)], back)
    ((_, state),) = player.tick(back + 20 * MILLI)
    assert state.totals.total_usd == 200
    assert state.valued_at == back + 20 * MILLI
    state = states(player.tick(back + 61 * SECOND))[-1]
    assert state.accounts[0].status == "stale"


def test_a_clock_that_is_slewed_back_stands_still():
    player = settled()
    player.play([holding("2", 2)], START - 500 * MILLI)
    assert player.aggregator.due(START - 500 * MILLI) == []
    assert len(player.tick(START + 20 * MILLI)) == 1


def test_versions_follow_the_epoch_not_the_clock():
    player = settled()
    for seconds in (-4000, 10, -8000):
        now = START + seconds * SECOND
        player.aggregator.topic_reset(topics.PORTFOLIO)
        player.tick(now)
    numbers = [decode(one.topic.name, b"main", one.value).event.version for one in player.sent if one.key == "main"]
    assert numbers == sorted(set(numbers))


class Bell:
    def __init__(self):
        self.alarm = None


def test_alarms_ring_once_and_at_the_earliest_moment_set():
    alarms, one, two = Alarms(), Bell(), Bell()
    alarms.set(one, 10)
    alarms.set(one, 20)
    alarms.set(two, 15)
    alarms.set(two, 5)
    assert alarms.next_at() == 5
    assert list(alarms.due(12)) == [two, one]
    assert list(alarms.due(100)) == []
    alarms.set(one, 30)
    alarms.set(one, None)
    assert list(alarms.due(100)) == []
    assert alarms.next_at() is None
