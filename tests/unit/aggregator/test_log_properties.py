"""What the contract promises of any log: order between keys, repetition, compaction and restarts change nothing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.amounts import total_of
from tests.unit.aggregator.worlds import (
    SECOND,
    START,
    Player,
    amounts,
    content,
    records,
    tombstones,
)

# Seconds where the machine is idle; shared machines are not.
pytestmark = pytest.mark.timeout(300)

relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
LATER = START + 16 * SECOND


def fold(*logs, at=START):
    player = Player()
    for log in logs:
        player.play(log, at)
    return {key: content(state) for key, state in player.settle(LATER).items()}


def one_per_version(log):
    return list({(fact.key, fact.event.version if fact.event else id(fact)): fact for fact in log}.values())


def as_written(log):
    """The log as right writers leave it: the versions of every key grow. Tombstones stay where they are."""
    queues = {}
    for fact in log:
        if fact.event is not None:
            queues.setdefault((fact.topic.name, fact.key), []).append(fact)
    for queue in queues.values():
        queue.sort(key=lambda fact: fact.event.version, reverse=True)
    return [fact if fact.event is None else queues[fact.topic.name, fact.key].pop() for fact in log]


def compacted(log, upto):
    """The log with every record of the prefix gone that a later record of the prefix replaces."""
    newest = {(fact.topic.name, fact.key): number for number, fact in enumerate(log[:upto])}
    kept = [fact for number, fact in enumerate(log[:upto]) if newest[fact.topic.name, fact.key] == number]
    return [*kept, *log[upto:]]


logs = st.lists(records(), max_size=25)
logs_with_tombstones = st.lists(st.one_of(records(), records(), records(), tombstones()), max_size=25)


@given(logs.map(one_per_version), st.randoms(use_true_random=False))
@settings(relaxed, max_examples=200)
def test_order_does_not_matter(log, random):
    shuffled = list(log)
    random.shuffle(shuffled)
    assert fold(log) == fold(shuffled)


@given(logs)
@settings(relaxed, max_examples=100)
def test_repetition_does_not_matter(log):
    player = Player()
    player.play(log)
    player.settle(LATER)
    before = {key: content(state) for key, state in player.states.items()}
    outcomes = player.play(log, LATER)
    assert set(outcomes) <= {"duplicate", "older"}
    assert {key: content(state) for key, state in player.settle(LATER).items()} == before


@given(logs_with_tombstones.map(one_per_version).map(as_written), st.data())
@settings(relaxed, max_examples=200)
def test_compaction_does_not_matter(log, data):
    assert fold(log) == fold(compacted(log, data.draw(st.integers(0, len(log)))))


@given(logs, st.data())
@settings(relaxed, max_examples=100)
def test_a_restart_at_any_point_does_not_matter(log, data):
    prefix = log[: data.draw(st.integers(0, len(log)))]
    first = Player(epoch=5)
    first.play(prefix)
    first.settle(LATER)
    second = Player(epoch=6)
    second.play(log)
    assert fold(prefix, log) == fold(log)
    for key, state in second.settle(LATER).items():
        former = first.states.get(key)
        assert former is None or state.version > former.version


@given(st.lists(records(amount=amounts), min_size=1, max_size=25))
@settings(relaxed, max_examples=150)
def test_a_state_tells_the_truth(log):
    player = Player()
    player.play(log)
    for state in player.settle(LATER).values():
        counted = [row for account in state.accounts for row in account.holdings if row.counted]
        assert total_of(row.value_usd for row in counted if row.value_usd is not None) == state.totals.total_usd
        kinds = {reason.kind for reason in state.totals.reasons}
        for row in counted:
            assert (row.value_usd is None) == (row.price_usd is None)
            assert row.price_usd is None or row.price_usd > 0
            assert row.value_usd is not None or "unpriced" in kinds
            assert not row.price_stale or "price_stale" in kinds
        missing = sum(row.value_usd is None for row in counted)
        assert len(state.totals.unpriced) == missing
        for account in state.accounts:
            listed = {(row.wallet, row.code or row.asset) for row in account.holdings}
            for row in account.holdings:
                mirror = row.mirror_of
                assert row.counted == (mirror is None or (mirror.wallet, mirror.asset) not in listed)
                assert row.total > 0
            for wallet in account.wallets:
                assert wallet.status == "fresh" or f"wallet_{wallet.status}" in kinds
                assert wallet.status != "fresh" or wallet.stale_at >= state.valued_at
