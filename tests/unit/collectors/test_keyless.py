"""A process without keys and one with keys, of one exchange on one bus: who reports the status, and when."""

import datetime as dt

import pytest
from structlog.testing import capture_logs

from collectors.keyless import SILENT_SECONDS, KeylessStatus
from collectors.report import Place, Report
from schemas.events import CollectorStatus
from schemas.topics import COLLECTORS
from tests.unit.collectors.events import AT, decoded, status, taken_away

KEY = "main/x/main"


class Clock:
    def __init__(self) -> None:
        self.moment = AT
        self.seconds = 1000.0

    def now(self) -> dt.datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.moment += dt.timedelta(seconds=seconds)
        self.seconds += seconds


class Made:
    def __init__(self) -> None:
        self.clock = Clock()
        self.said: list[CollectorStatus] = []
        self.withdrawn: list[tuple[str, str]] = []
        self.emptied = []
        report = Report(Place("main", "x", "main"), {}, lambda _: None, self.clock.now, configured=False)
        self.keyless = KeylessStatus(
            report,
            offset_ms=lambda: None,
            publish=lambda fact: self.said.append(CollectorStatus.model_validate_json(fact.value)),
            withdraw=lambda *name: self.withdrawn.append(name),
            emptied=self.emptied.append,
            clock=self.clock,
            random_part=lambda: 3,
        )

    def see(self, *events: CollectorStatus) -> None:
        self.keyless.apply([decoded(event) for event in events])

    def start(self, *events: CollectorStatus) -> None:
        self.see(*events)
        self.keyless.caught_up()
        self.keyless.tell()


@pytest.fixture
def made() -> Made:
    return Made()


def test_alone_it_reports_at_once_and_as_a_sign_of_life(made) -> None:
    made.keyless.tell()
    assert made.said == []  # Nobody knows yet who else is there.
    made.start(status(5, state="unconfigured"))
    made.keyless.tell()
    first, second = made.said
    assert (first.state, first.key) == ("unconfigured", KEY)
    assert first.epoch > 5
    assert second.version == (first.epoch, 2)


def test_it_does_not_claim_the_key_of_one_with_keys_before_that_is_silent(made) -> None:
    made.start(status(5, at=AT - dt.timedelta(seconds=SILENT_SECONDS - 10)))
    assert made.said == []
    made.clock.move(9.9)
    made.keyless.tell()
    assert made.said == []
    made.clock.move(0.2)
    made.keyless.tell()
    assert [one.epoch > 5 for one in made.said] == [True]


def test_while_the_other_speaks_it_stays_silent_whatever_the_clocks_say(made) -> None:
    made.start()
    assert len(made.said) == 1
    for _ in range(20):
        made.see(status(2**45, at=AT - dt.timedelta(hours=1)))
        made.clock.move(15)
        made.keyless.tell()
    assert len(made.said) == 1


@pytest.mark.parametrize("epoch", [1, 2**52])
def test_it_yields_to_one_with_keys_says_so_once_and_comes_back(made, epoch) -> None:
    made.start()
    with capture_logs() as logs:
        for seq in range(1, 4):
            made.see(status(epoch, seq))
            made.keyless.tell()
    assert len(made.said) == 1
    assert made.withdrawn == [(COLLECTORS.name, KEY)]
    assert [log["event"] for log in logs] == [
        "another process reports the status of this exchange; only prices are read here"
    ]
    made.clock.move(SILENT_SECONDS)
    with capture_logs() as logs:
        made.keyless.tell()
    assert made.said[-1].epoch > max(epoch, made.said[0].epoch)
    assert len(logs) == 1


def test_of_two_without_keys_the_larger_epoch_reports(made) -> None:
    made.start()
    mine = made.said[0].epoch
    made.see(status(mine - 1, state="unconfigured"))
    made.keyless.tell()
    assert len(made.said) == 2
    made.see(status(mine + 1, state="unconfigured"))
    made.keyless.tell()
    assert len(made.said) == 2
    made.clock.move(SILENT_SECONDS)
    made.keyless.tell()
    assert made.said[-1].epoch > mine + 1


def test_its_own_records_and_those_of_other_keys_are_no_other_writer(made) -> None:
    made.start()
    made.see(made.said[0], status(2**52).model_copy(update={"account": "savings"}))
    made.keyless.apply([taken_away(made.said[0])])
    made.keyless.tell()
    assert len(made.said) == 2


def test_an_emptied_topic_is_told_again(made) -> None:
    made.start()
    made.keyless.topic_reset(COLLECTORS)
    assert len(made.said) == 2
    assert made.emptied == [COLLECTORS]
