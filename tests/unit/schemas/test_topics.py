"""Keys and topics."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.encoding import EVENTS, KEY_BYTES_MAX
from schemas.topics import TOPICS, join_key, split_key
from tests import strategies as make


@given(st.lists(st.text() | st.text("%2F5/"), min_size=1, max_size=5))
@example(["%2F", "%252F", "%25", "/", ""])
@settings(max_examples=200, **make.UNHURRIED)
def test_a_key_splits_into_its_parts(parts):
    assert split_key(join_key(*parts)) == tuple(parts)


@given(st.lists(st.text("%2Ff5/"), min_size=1, max_size=4), st.lists(st.text("%2Ff5/"), min_size=1, max_size=4))
@settings(max_examples=200, deadline=None)
def test_different_parts_make_different_keys(left, right):
    assert (join_key(*left) == join_key(*right)) == (left == right)


def test_plain_names_stay_readable():
    assert join_key("main", "binance", "main", "spot") == "main/binance/main/spot"


@given(make.events())
@settings(max_examples=60, **make.UNHURRIED)
def test_no_event_has_a_key_over_the_limit(event):
    assert 0 < len(event.key.encode()) <= KEY_BYTES_MAX
    assert split_key(event.key)


def test_every_topic_has_its_event():
    assert set(EVENTS) == set(TOPICS)
    assert all(EVENTS[name].topic is topic for name, topic in TOPICS.items())


@given(make.snapshots() | make.statuses() | make.portfolio_states())
@settings(max_examples=60, **make.UNHURRIED)
def test_topics_split_by_portfolio_have_it_first_in_their_keys(event):
    assert event.topic.by_portfolio
    assert split_key(event.key)[0] == event.portfolio


def test_no_other_topic_is_split_by_portfolio():
    assert {name for name, topic in TOPICS.items() if topic.by_portfolio} == {
        "spark.balances",
        "spark.collectors",
        "spark.portfolio",
    }
