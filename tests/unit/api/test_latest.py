import json

from api.latest import Watcher
from schemas.topics import PORTFOLIO
from tests.unit.api.states import account, fact, gone, holding, sample, state, status
from tests.unit.api.test_meter import Metered


def body(metered: Metered, portfolio: str = "main") -> dict:
    view = metered.latest.view(portfolio)
    assert view is not None
    return json.loads(view.body())


def test_versions_never_go_back_and_an_emptied_topic_starts_anew() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample(seq=3)), fact(sample(seq=2)), fact(sample(seq=3))])
    assert body(metered)["version"] == "7-3"
    metered.latest.topic_reset(PORTFOLIO)
    assert body(metered)["version"] == "7-3"
    metered.latest.apply([fact(sample(seq=1))])
    assert body(metered)["version"] == "7-1"


def test_a_deleted_portfolio_is_not_brought_back_by_an_old_record() -> None:
    metered = Metered()
    desk = state([account("okx", [holding("BTC", "1", "2")])], portfolio="desk", seq=5)
    metered.latest.apply([fact(desk), gone(desk)])
    assert metered.latest.view("desk") is None
    metered.latest.apply([fact(desk)])
    assert metered.latest.portfolios() == ["main"]


def test_a_portfolio_that_only_sources_speak_of_can_be_asked_for() -> None:
    metered = Metered()
    reported = status(portfolio="desk")
    metered.latest.apply([fact(reported)])
    assert [source["state"] for source in body(metered, "desk")["sources"]] == ["live"]
    metered.latest.apply([gone(reported)])
    assert metered.latest.view("desk") is None


def test_watchers_are_woken_by_what_they_would_show() -> None:
    metered = Metered()
    view = metered.latest.view("main")
    assert view is not None
    watcher = Watcher()
    view.watchers.add(watcher)
    metered.latest.apply([fact(status())])
    assert watcher.is_set()
    metered.latest.apply([fact(sample())])
    watcher.clear()
    metered.latest.apply([fact(status(seq=2))])  # The state says it, when it comes.
    metered.latest.apply([fact(sample(seq=1))])
    assert not watcher.is_set()
    metered.latest.apply([fact(sample(seq=2))])
    assert watcher.is_set()


def test_one_encoding_serves_everybody_within_a_second() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample())])
    view = metered.latest.view("main")
    assert view is not None
    first = view.body()
    metered.clock.move(0.9)
    assert view.body() is first
    assert view.frame() is view.frame()
    metered.clock.move(0.2)
    assert view.body() is not first


def test_a_view_somebody_watches_outlives_its_portfolio() -> None:
    metered = Metered()
    desk = state([account("okx", [holding("BTC", "1", "2")])], portfolio="desk")
    metered.latest.apply([fact(desk)])
    view = metered.latest.view("desk")
    assert view is not None
    view.watchers.add(Watcher())
    metered.latest.apply([gone(desk)])
    assert metered.latest.view("desk") is view
    assert body(metered, "desk")["accounts"] == []


def test_a_source_that_reports_nothing_any_more_is_silent_also_without_an_aggregator() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample()), fact(status()), fact(status(portfolio="desk"))])
    metered.clock.move(44)
    assert [source["state"] for source in body(metered)["sources"]] == ["live", "live"]
    metered.clock.move(2)
    quiet = body(metered)
    assert [(source["exchange"], source["state"]) for source in quiet["sources"]] == [
        ("binance", "silent"),
        ("btcturk", "live"),  # Nothing was heard of this one here, so nothing is known beyond the state.
    ]
    assert quiet["totals"]["partial"]
    assert quiet["accounts"][0]["status"] == "stale"
    assert [source["state"] for source in body(metered, "desk")["sources"]] == ["silent"]
    metered.latest.apply([fact(status(seq=2))])
    metered.clock.move(1)
    assert body(metered)["sources"][0]["state"] == "live"


def test_what_was_told_before_the_start_is_as_old_as_it_says() -> None:
    metered = Metered(live=False)
    metered.clock.move(60)
    metered.latest.apply([fact(sample()), fact(status())])
    metered.latest.caught_up()
    assert body(metered)["sources"][0]["state"] == "silent"


def test_while_loading_no_state_is_shown_since_it_may_be_older_than_what_was_served_before() -> None:
    metered = Metered(live=False)
    desk = state([account("okx", [holding("BTC", "1", "2")])], portfolio="desk", seq=5)
    lost = state([account("okx", [holding("BTC", "1", "2")])], portfolio="lost", seq=5)
    metered.latest.apply([fact(sample(seq=1)), fact(desk), fact(lost), fact(sample(seq=2)), gone(lost)])
    assert body(metered)["version"] is None
    assert body(metered)["totals"]["reasons"][0]["kind"] == "loading"
    metered.latest.caught_up()
    assert body(metered)["version"] == "7-2"
    assert body(metered, "desk")["version"] == "7-5"
    assert metered.latest.portfolios() == ["desk", "main"]


def test_the_etag_says_what_has_grown_old() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample())])
    view = metered.latest.view("main")
    assert view is not None
    etags = []
    for _ in range(40):
        body(metered)
        etags.append(view.etag)
        metered.clock.move(10)
    assert etags[0] == 'W/"7-1"'
    assert 2 <= len(set(etags)) <= 4  # Ages alone change nothing.
    assert etags == sorted(etags, key=etags.index)  # And none comes back.
