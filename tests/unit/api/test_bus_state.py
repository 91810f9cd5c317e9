import datetime as dt
import json

import pytest

from api.bus_state import BACK_REASON, LIVE, LOADING, BusState, excuse
from api.latest import SILENT_SECONDS, Watcher
from api.models import PortfolioBody
from api.render import Rendered, render_unread
from api.rows import bus_error_row
from bus.interface import ReaderState
from schemas.events import SourceError
from schemas.fields import TEXT_LENGTH_MAX
from tests.unit.api.states import NOW, fact, sample, status
from tests.unit.api.test_meter import Metered

WHY = "Kafka does not answer: 127.0.0.1:19292 refuses connections: nothing listens there"
AWAY = (ReaderState.DEGRADED, WHY)
HERE = (ReaderState.LIVE, "")


def document(metered: Metered) -> dict:
    metered.clock.move(1)
    view = metered.latest.view("main")
    assert view is not None
    text = view.body()
    PortfolioBody.model_validate_json(text)
    return json.loads(text)


def after_a_silence(metered: Metered) -> dict:
    metered.latest.apply([fact(sample()), fact(status()), fact(status("btcturk"))])
    document(metered)
    metered.reader = AWAY
    document(metered)
    metered.clock.move(80)
    return document(metered)


def test_silence_while_the_bus_is_away_is_the_bus_s() -> None:
    body = after_a_silence(Metered())
    assert body["bus"] == {"state": "degraded", "since": "2026-11-22T10:00:02.000Z", "reason": WHY}
    assert body["accounts"], "what was known stays"
    for source in body["sources"]:
        assert source["state"] == "silent"
        assert source["error"]["kind"] == "unavailable"
        assert "The bus does not answer since 2026-11-22T10:00:02.000Z" in source["error"]["message"]
        assert "127.0.0.1:19292" in source["error"]["message"]
        assert source["error"]["mend"] == "Look at Kafka, not at the collector."
        assert source["error"]["at"] == body["bus"]["since"]


def test_a_collector_that_is_silent_on_a_live_bus_is_still_named() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample()), fact(status())])
    metered.clock.move(80)
    body = document(metered)
    assert body["bus"] == {"state": "live", "since": None, "reason": None}
    assert (body["sources"][0]["state"], body["sources"][0]["error"]) == ("silent", None)


def test_after_an_outage_collectors_have_their_time_to_report() -> None:
    metered = Metered()
    after_a_silence(metered)
    metered.reader = HERE
    metered.latest.apply([fact(status("btcturk", seq=2))])
    body = document(metered)
    assert (body["bus"]["state"], body["bus"]["reason"]) == ("live", BACK_REASON)
    assert [source["state"] for source in body["sources"]] == ["silent", "live"]
    assert "comes by itself" in body["sources"][0]["error"]["mend"]
    assert body["sources"][1]["error"] is None
    metered.clock.move(SILENT_SECONDS)
    metered.latest.apply([fact(status("btcturk", seq=3))])
    body = document(metered)
    assert body["bus"] == {"state": "live", "since": None, "reason": None}
    assert body["sources"][0]["error"] is None


def test_before_anything_was_read_no_first_read_is_claimed() -> None:
    metered = Metered(live=False)
    metered.reader = AWAY
    body = document(metered)
    assert body["bus"]["state"] == "degraded"
    assert {source["state"] for source in body["sources"]} == {"starting"}
    assert {source["error"]["mend"] for source in body["sources"]} == {"Look at Kafka, not at the collector."}
    metered.reader = (ReaderState.LOADING, "")
    loading = document(metered)
    assert (loading["bus"]["state"], loading["sources"][0]["error"]) == ("loading", None)
    metered.reader = HERE
    metered.latest.caught_up()
    metered.clock.move(SILENT_SECONDS)
    assert [source["error"] for source in document(metered)["sources"]] == [None, None], "their first read is under way"


def test_a_reader_that_failed_sends_to_the_api_not_to_kafka() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample()), fact(status())])
    metered.reader = (ReaderState.FAILED, "poisoned: <b>20</b> bad records in a row")
    document(metered)
    metered.clock.move(80)
    body = document(metered)
    assert body["bus"]["state"] == "failed"
    assert "start the api again" in body["sources"][0]["error"]["mend"]


def test_since_is_the_first_moment_of_the_outage_whatever_comes_of_it() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample())])
    metered.reader = AWAY
    first = document(metered)["bus"]["since"]
    metered.reader = (ReaderState.DEGRADED, "the broker cannot be reached")
    second = document(metered)["bus"]
    assert (second["since"], second["reason"]) == (first, "the broker cannot be reached")
    metered.reader = (ReaderState.FAILED, "it was away for too long")
    assert document(metered)["bus"]["since"] == first
    metered.reader = HERE
    document(metered)
    metered.reader = AWAY
    assert document(metered)["bus"]["since"] > first


def test_the_etag_changes_with_the_bus_and_is_the_version_alone_without() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample())])
    view = metered.latest.view("main")
    assert view is not None
    etags = []
    for reader in (HERE, AWAY, AWAY, (ReaderState.DEGRADED, "the broker cannot be reached"), HERE):
        metered.reader = reader
        document(metered)
        etags.append(view.etag)
    assert etags[0] == 'W/"7-1"'
    assert etags[1] == etags[2]
    assert len(set(etags)) == 4
    metered.clock.move(SILENT_SECONDS)
    metered.latest.apply([fact(sample(seq=2))])
    document(metered)
    assert view.etag is not None
    assert view.etag.startswith('W/"7-2')


def test_watchers_are_woken_and_nothing_is_rendered_more_than_once_a_second() -> None:
    metered = Metered()
    metered.latest.apply([fact(sample())])
    view = metered.latest.view("main")
    assert view is not None
    first = view.body()
    metered.reader = AWAY
    assert view.body() is first
    watcher = Watcher()
    view.watchers.add(watcher)
    metered.latest.bus_changed()
    assert watcher.is_set()
    assert json.loads(view.body())["bus"]["state"] == "degraded"


@pytest.mark.parametrize("state", ["degraded", "failed", "live"])
def test_the_longest_reason_fits_into_an_error(state: str) -> None:
    row = bus_error_row(BusState(state, NOW, "why " * 500))  # type: ignore[arg-type]
    SourceError(**{**row, "at": NOW})
    assert len(row["message"]) == TEXT_LENGTH_MAX


def test_only_what_hangs_on_the_bus_is_excused() -> None:
    away = BusState("degraded", NOW - dt.timedelta(seconds=5), WHY)
    refused = json.loads(
        render_unread("main", [status(reads="refused", failed=True)], (), loading=False, demo=False, bus=away)
    )
    assert refused["sources"][0]["error"]["mend"] == "Check the key."
    assert json.loads(Rendered(sample(), demo=False).document(NOW, (), away))["sources"][0]["error"] is None
    assert excuse(LIVE.state, LIVE.reason, "silent") is None
    assert excuse(LIVE.state, BACK_REASON, "starting") is None
    assert excuse(LOADING.state, LOADING.reason, "silent") is None
