"""The checker can fail: a good history passes, and each rule catches the history that was doctored against it."""

import datetime as dt
import json
from dataclasses import replace

import pytest

from api.render import Rendered, render_unread
from schemas import topics
from schemas.encoding import Encoded, encode
from schemas.portfolio import PortfolioState
from tests.history.checker import RULES, check
from tests.history.history import Acked, Answer, History, LogRecord, Text, in_log_order
from tests.unit.aggregator.worlds import SECOND, START, Player, balance, quote, snapshot, status

CANARY = "canary/" + "K" * 40
URL = "http://127.0.0.1:1/api/portfolio?portfolio=main"
KEY = "main/binance/main/spot"


class Small:
    """A run of a minute: balances, prices and statuses in, states out, an api that shows each of them."""

    def __init__(self):
        self.history = History(secrets=(CANARY,))
        self.player = Player(now=START)
        self.offsets = {}
        for second in range(6):
            now = START + 10 * second * SECOND
            facts = [
                snapshot([balance("BTC", str(second + 1)), balance("XYZ", "3")], version=(9, second + 1), at=now),
                snapshot([balance("TRY", "500")], exchange="btcturk", version=(8, second + 1), at=now - 5 * SECOND),
                status(version=(9, second + 1), at=now),
                quote("BTC", "USDT", str(50_000 + second), at=now),
            ]
            for fact in facts:
                self.put(encode(fact.event), now)
                self.history.acked.append(Acked(fact.topic.name, fact.key, fact.event.version, now.timestamp()))
            self.player.play(facts, now)
            for fact, state in self.player.tick(now + SECOND / 100):
                self.put(fact, now + SECOND / 100)
                self.serve(state, now + SECOND / 50)
        self.history.quiet = [(START.timestamp() + 51, START.timestamp() + 60)]

    def put(self, fact: Encoded, at: dt.datetime) -> None:
        offset = self.offsets[fact.topic.name] = self.offsets.get(fact.topic.name, -1) + 1
        self.history.records.append(
            LogRecord(fact.topic.name, 0, offset, at.timestamp(), fact.key.encode(), fact.value)
        )

    def serve(self, state: PortfolioState, at: dt.datetime, source: str = "poll", status_code: int = 200) -> None:
        asked = at.timestamp()
        etag = f'W/"{state.epoch}-{state.seq}"'
        body = Rendered(state, demo=False).document(at) if status_code == 200 else b""
        self.history.answers.append(
            Answer(source, URL, asked, asked + 0.005, status_code, (("ETag", etag),), body)
        )  # fmt: skip

    @property
    def state(self) -> PortfolioState:
        return self.player.states["main"]

    def records_of(self, topic):
        return [record for record in self.history.records if record.topic == topic.name]


@pytest.fixture
def small() -> Small:
    return Small()


def rules(history: History) -> set[str]:
    return {finding.rule for finding in check(history)}


def change(history: History, index: int, **what) -> None:
    """Doctor an answer's body."""
    answer = history.answers[index]
    body = json.loads(answer.body)
    for path, value in what.items():
        place = body
        *way, last = path.split("__")
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    history.answers[index] = replace(answer, body=json.dumps(body).encode())


def test_a_good_history_passes(small):
    small.serve(small.state, START + 55 * SECOND, status_code=304)
    small.serve(small.state, START + 56 * SECOND, source="stream 1")
    unread = render_unread("main", [], ["binance"], loading=True, demo=False)
    small.history.answers.append(Answer("poll", URL, START.timestamp(), START.timestamp(), 200, (), unread))
    small.history.answers.append(Answer("poll", URL, START.timestamp() + 3, START.timestamp() + 4, 503, (), b"{}"))
    assert check(small.history) == []
    assert len(RULES) == 6


def test_it_is_kept_and_read_back_whole(small, tmp_path):
    small.history.texts.append(Text("log", b"\xff said"))
    small.history.save(tmp_path / "history.gz")
    assert History.load(tmp_path / "history.gz") == small.history


def test_h1_a_version_that_goes_back(small):
    older = small.history.answers[2]
    later = START.timestamp() + 58
    small.history.answers.append(replace(older, asked_at=later, arrived_at=later + 0.1))
    (finding,) = [one for one in check(small.history) if one.rule == "H1"]
    assert "was served after" in finding.what


def test_h1_also_where_only_the_etag_says_it(small):
    state = small.state.model_copy(update={"seq": 1})
    small.serve(state, START + 59 * SECOND, status_code=304)
    assert rules(small.history) == {"H1"}


def test_h1_is_not_about_answers_that_overtake_each_other(small):
    older, newer = small.history.answers[-2:]
    # Asked for before the newer one had arrived, it may arrive after it.
    small.history.answers.append(replace(older, asked_at=newer.asked_at, arrived_at=newer.arrived_at + 1))
    assert "H1" not in rules(small.history)


def test_h2_an_input_that_the_state_does_not_have(small):
    late = snapshot([balance("BTC", "7")], version=(9, 99), at=START + 50 * SECOND)
    small.put(encode(late.event), START + 50 * SECOND)
    assert rules(small.history) == {"H2"}


def test_h2_a_state_that_is_not_served(small):
    del small.history.answers[-1]
    assert rules(small.history) == {"H2"}


def test_h2_a_state_of_nothing_and_inputs_without_a_state(small):
    other = snapshot(portfolio="desk", at=START)
    small.put(encode(other.event), START)
    assert "desk has inputs and no state" in str(check(small.history))
    del small.history.quiet[:]
    assert "no quiet time" in str(check(small.history))


def test_h3_an_acknowledged_publish_that_is_nowhere(small):
    small.history.acked.append(Acked("spark.balances", KEY, (9, 7), START.timestamp()))
    small.history.acked.append(Acked("spark.balances", "main/binance/main/funding", (9, 1), START.timestamp()))
    assert [one.rule for one in check(small.history)] == ["H3", "H3"]


def test_h3_a_superseded_one_is_fine(small):
    small.history.acked.append(Acked("spark.balances", KEY, (9, 3), START.timestamp()))
    small.history.acked.append(Acked("spark.balances", KEY, (8, 999), START.timestamp()))
    assert check(small.history) == []


@pytest.mark.parametrize("topic", [topics.BALANCES, topics.PORTFOLIO, topics.COLLECTORS])
def test_h3_an_older_record_that_stands_last(small, topic):
    first = small.records_of(topic)[0]
    last = small.records_of(topic)[-1]
    again = replace(first, offset=last.offset + 1, at=last.at + 1)
    small.history.records.append(again)
    found = [one for one in check(small.history) if one.rule == "H3"]
    assert len(found) == 1
    assert "compaction would keep" in found[0].what


def test_h4_an_age_that_is_too_young(small):
    change(small.history, 3, accounts__1__ageSeconds=3.9)
    (finding,) = check(small.history)
    assert finding.rule == "H4"
    assert "main/btcturk/main says it is 3.9 s old" in finding.what
    change(small.history, 3, accounts__1__ageSeconds=4.1)
    assert check(small.history) == []


def test_h4_a_time_of_reading_that_is_too_young(small):
    change(small.history, 2, accounts__0__asOf="2026-11-22T10:00:20.002Z")
    assert rules(small.history) == {"H4"}


def test_h4_fresh_after_its_time(small):
    small.serve(small.state, START + 57 * SECOND)
    change(small.history, -1, accounts__0__wallets__0__staleAt="2026-11-22T10:00:55.000Z")
    assert rules(small.history) == {"H4"}


@pytest.mark.parametrize(
    "what",
    [
        {"totals__totalUsdExact": "1"},
        {"totals__totalUsd": 1.5},
        {"accounts__0__totals__totalUsdExact": "1"},
        {"accounts__0__balances__0__valueUsd": "1"},
        {"accounts__0__balances__0__free": "1.5"},
        {"accounts__0__balances__0__priceUsd": "1.5"},
        {"accounts__0__wallets__0__version": "9-1"},
        {"version": "7-3"},
        {"version": "7-400"},
        {"accounts": []},
        {"totals__byExchange": []},
    ],
)
def test_h5_parts_of_two_states_in_one_answer(small, what):
    change(small.history, 3, **what)
    assert "H5" in rules(small.history)


@pytest.mark.parametrize("place", ["key", "value", "header", "body", "answer header", "log", "escaped"])
def test_h6_a_secret_anywhere(small, place):
    text = CANARY.encode()
    history = small.history
    if place in {"key", "value", "header"}:
        record = history.records[0]
        changed = {"key": {"key": b"x" + text}, "value": {"value": b"{" + text}, "header": {"headers": (("h", text),)}}
        history.records.append(replace(record, topic="spark.deadletter", **changed[place]))
    elif place == "body":
        history.answers.append(replace(history.answers[0], status=500, body=b"oops " + text))
    elif place == "answer header":
        history.answers.append(replace(history.answers[0], status=500, headers=(("x", CANARY),)))
    else:
        history.texts.append(
            Text("the log of api", b"..." + (text.replace(b"/", b"%2F") if place == "escaped" else text))
        )
    found = check(history)
    assert {one.rule for one in found} == {"H6"}
    assert CANARY not in str(found)


def test_h6_says_when_it_could_not_look(small):
    small.history.secrets = ()
    assert rules(small.history) == {"H6"}


def test_the_order_of_the_log_is_that_of_offsets_within_a_partition_whatever_the_clocks_said():
    def record(topic, offset, at):
        return LogRecord(topic, 0, offset, at, b"k", None)

    mixed = [record("b", 0, 5.0), record("a", 1, 1.0), record("a", 0, 9.0), record("a", 2, 2.0)]
    assert [(one.topic, one.offset) for one in in_log_order(mixed)] == [("b", 0), ("a", 0), ("a", 1), ("a", 2)]
