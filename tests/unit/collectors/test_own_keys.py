"""What a collector makes of its own keys: the newest is the last of the log, and only another writer makes it leave."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from collectors.own_keys import OwnKeys
from monitoring.metrics import CollectorMetrics
from schemas.encoding import Encoded, encode
from schemas.topics import BALANCES, COLLECTORS, Topic
from tests.unit.collectors.events import decoded, snapshot, status, taken_away


class Made:
    """Own keys, and what they asked for."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.again: list[Encoded] = []
        self.emptied: list[Topic] = []
        self.outbid = 0
        self.keys = OwnKeys(
            "x", [("main", "main")], ["spot"], republish=self.again.append, emptied=self.emptied.append,
            metrics=CollectorMetrics(self.registry),
        )  # fmt: skip

    def begin(self, epoch: int = 10) -> None:
        self.keys.begin(epoch, self._outbid)

    def _outbid(self) -> None:
        self.outbid += 1

    def write(self, event) -> Encoded:
        fact = encode(event)
        self.keys.wrote(event, fact)
        return fact

    def see(self, *events) -> None:
        self.keys.apply([decoded(event) for event in events])

    @property
    def repairs(self) -> float:
        return self.registry.get_sample_value("spark_collector_repairs_total", {"exchange": "x"})


@pytest.fixture
def made() -> Made:
    return Made()


def test_the_largest_epoch_and_the_last_snapshot_are_learnt(made) -> None:
    made.see(snapshot(5, 2), snapshot(4, 9), snapshot(99, 1, "other"), status(7))
    assert made.keys.largest_epoch == 7
    assert {key: one.version for key, one in made.keys.snapshots().items()} == {"main/x/main/spot": (5, 2)}


def test_what_was_taken_away_is_no_last_snapshot(made) -> None:
    made.see(snapshot(5, 2))
    made.keys.apply([taken_away(snapshot(5, 2))])
    made.see(snapshot(5, 1))
    assert made.keys.snapshots() == {}
    made.begin()
    assert made.again == []


def test_a_lower_epoch_after_ours_is_published_over(made) -> None:
    made.begin()
    made.see(snapshot(9, 1))
    assert made.again == []  # Ours was not written yet.
    mine = made.write(snapshot(10, 1))
    made.see(snapshot(10, 1), snapshot(9, 2))
    assert made.again == [mine]
    assert made.repairs == 1
    assert not made.keys.replaced.is_set()


def test_our_own_batch_that_was_given_up_and_arrives_late_is_published_over(made) -> None:
    made.begin()
    made.write(snapshot(10, 1))
    newest = made.write(snapshot(10, 2, total="2"))
    made.see(snapshot(10, 2, total="2"), snapshot(10, 1))
    assert made.again == [newest]
    assert made.repairs == 1


def test_what_is_on_its_way_in_order_is_not_published_again(made) -> None:
    made.begin()
    for seq in range(1, 8):
        made.write(snapshot(10, seq))
    for seq in range(1, 8):
        made.see(snapshot(10, seq), snapshot(10, seq))
    assert made.again == []
    assert made.repairs == 0


def test_the_last_snapshot_of_a_former_run_is_kept_right_until_a_newer_one_is_read(made) -> None:
    made.see(snapshot(5, 2))
    made.begin()
    made.see(snapshot(4, 9))  # The exchange is away: ours will come, but not soon.
    assert made.again == [encode(snapshot(5, 2))]
    made.see(snapshot(5, 2))
    assert len(made.again) == 1


def test_a_wrong_last_record_found_at_the_start_is_published_over(made) -> None:
    made.see(snapshot(5, 2), snapshot(4, 9))
    made.begin()
    assert made.again == [encode(snapshot(5, 2))]


def test_a_larger_epoch_on_our_keys_replaces_us(made) -> None:
    made.begin()
    made.see(snapshot(11, 1, "other"))
    assert not made.keys.replaced.is_set()
    made.see(snapshot(11, 1))
    assert made.keys.replaced.is_set()


def test_another_writer_with_our_very_epoch_replaces_us(made) -> None:
    made.begin()
    made.write(snapshot(10, 1))
    made.see(snapshot(10, 1))
    assert not made.keys.replaced.is_set()
    made.see(snapshot(10, 2))
    assert made.keys.replaced.is_set()


def test_one_without_keys_is_outbid_and_one_with_keys_is_not(made) -> None:
    made.begin()
    made.see(status(9, state="unconfigured"))
    assert made.outbid == 0
    made.see(status(11, state="unconfigured"))
    assert made.outbid == 1
    assert not made.keys.replaced.is_set()
    assert made.keys.largest_epoch == 11
    made.begin(12)
    made.see(status(13))
    assert made.keys.replaced.is_set()


def test_what_somebody_took_away_from_under_us_is_published_again(made) -> None:
    made.begin()
    mine = made.write(snapshot(10, 1))
    made.see(snapshot(10, 1))
    made.keys.apply([taken_away(snapshot(10, 1))])
    assert made.again == [mine]
    made.see(snapshot(10, 1))
    assert len(made.again) == 1


def test_an_emptied_topic_is_filled_again(made) -> None:
    made.see(status(5))
    made.begin()
    mine = made.write(snapshot(10, 1))
    made.see(snapshot(10, 1))
    made.keys.topic_reset(COLLECTORS)
    assert made.again == [encode(status(5))]
    made.keys.topic_reset(BALANCES)
    assert made.again[1:] == [mine]
    made.see(snapshot(10, 1))
    assert len(made.again) == 2
    assert made.emptied == [COLLECTORS, BALANCES]
    assert made.repairs == 0


def test_a_topic_emptied_while_it_was_loaded_is_filled_at_the_beginning(made) -> None:
    made.see(snapshot(5, 1))
    made.keys.topic_reset(BALANCES)
    assert made.again == []
    made.begin()
    assert made.again == [encode(snapshot(5, 1))]


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_order_writes_arrive_in_the_newest_stands_last_in_the_end(data) -> None:
    """Writes that arrive late, twice, or among those of a zombie and of one who forgets; compaction keeps the last."""
    made = Made()
    for event in data.draw(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)).map(lambda v: snapshot(*v)))):
        made.see(event)
    made.begin(10)
    handed = list(made.again)
    written = data.draw(st.integers(1, 6))
    handed += [made.write(snapshot(10, seq)) for seq in range(1, written + 1)]
    log = data.draw(st.permutations(handed + data.draw(st.lists(st.sampled_from(handed)))))
    late = data.draw(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)).map(lambda v: encode(snapshot(*v)))))
    log += late + [Encoded(BALANCES, "main/x/main/spot", None)] * data.draw(st.integers(0, 2))
    log = data.draw(st.permutations(log))
    read = 0
    for _ in range(100):
        made.again.clear()
        for fact in log[read:]:
            made.keys.apply([decoded_of(fact)])
        read = len(log)
        if not made.again:
            break
        log += list(
            {(fact.topic.name, fact.key): fact for fact in made.again}.values()
        )  # The outbox keeps one per key.
    else:
        raise AssertionError("it never rests")
    assert log[-1] == handed[-1]
    assert not made.keys.replaced.is_set()
    repairs = made.repairs
    made.see(snapshot(10, written))  # A quiet log, read once more: nothing is done.
    assert made.repairs == repairs


@given(st.integers(1, 20), st.data())
@settings(max_examples=100, deadline=None)
def test_a_log_in_order_causes_nothing_however_often_each_record_comes(written, data) -> None:
    made = Made()
    made.begin(10)
    read = 0
    for seq in range(1, written + 1):
        made.write(snapshot(10, seq))
        until = data.draw(st.integers(read, seq))
        made.see(*(snapshot(10, one) for one in range(max(read, 1), until + 1)))
        read = until
    assert made.repairs == 0


def decoded_of(fact: Encoded):
    if fact.value is None:
        return taken_away(snapshot(1, 1))
    return decoded(snapshot_of(fact))


def snapshot_of(fact: Encoded):
    return type(snapshot(1, 1)).model_validate_json(fact.value)
