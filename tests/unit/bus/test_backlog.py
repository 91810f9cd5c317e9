"""What waits for a follower is bounded, in order, and never lacks the newest."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.backlog import COMMANDS_WAITING_MAX, CommandBacklog, StateBacklog
from tests.unit.bus.tools import raw

STEPS = st.lists(st.one_of(st.sampled_from("abcde"), st.integers(1, 4)), max_size=60)


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_the_newest_of_every_key_is_given_in_order_of_first_dirtiness(steps):
    backlog = StateBacklog()
    model: dict[str, int] = {}
    for offset, step in enumerate(steps):
        if isinstance(step, str):
            assert backlog.push(raw(step, offset=offset)) is (step in model)
            model[step] = offset
        else:
            expected = [(key.encode(), model.pop(key)) for key in list(model)[:step]]
            assert [(record.key, record.offset) for record in backlog.pop(step)] == expected
        assert len(backlog) == len(model) <= 5


def test_records_without_a_key_replace_nothing():
    backlog = StateBacklog()
    assert [backlog.push(raw(key, offset=n)) for n, key in enumerate([None, None, b"", b"", b"a"])] == [False] * 5
    assert [record.offset for record in backlog.pop(10)] == [0, 1, 2, 3, 4]


def test_one_key_on_two_topics_is_two():
    backlog = StateBacklog()
    backlog.push(raw("a"))
    assert not backlog.push(raw("a", topic="spark.prices"))
    backlog.clear()
    assert not backlog.pop(5)


def test_too_many_commands_push_out_the_oldest():
    backlog = CommandBacklog()
    lost = [backlog.push(raw("binance", offset=n)) for n in range(COMMANDS_WAITING_MAX + 3)]
    assert lost == [False] * COMMANDS_WAITING_MAX + [True] * 3
    assert [record.offset for record in backlog.pop(2)] == [3, 4]
    assert len(backlog) == COMMANDS_WAITING_MAX - 2
    backlog.clear()
    assert not backlog.pop(5)
