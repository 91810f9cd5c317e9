"""Snapshots whose rows were read before are what reading them whole makes of them, whatever is in the bytes."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import topics
from schemas.encoding import DecodeError, decode, encode
from schemas.events import Balance, BalanceSnapshot
from schemas.rows import KnownRows
from tests import strategies as make

PIECES = [
    b"},{", b"} ,{", b"}, {", b'"', b'\\"', b",", b"{", b"}", b"]", b"[{", b"}]}", b" ", b"\xff", b"0",
    b',"balances":[{', b',"balances":[]', b'"free":"1"', b',"borrowed":"1"', b'"},{"', b'{"asset":"A"}',
]  # fmt: skip


def of_bytes(value: bytes) -> BalanceSnapshot | None:
    try:
        return BalanceSnapshot.model_validate_json(value)
    except ValidationError:
        return None


def value_of(snapshot: BalanceSnapshot) -> bytes:
    value = encode(snapshot).value
    assert value is not None
    return value


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A record with some bytes cut out, and others put in, where they hurt most."""
    value = value_of(draw(make.snapshots()))
    for _ in range(draw(st.integers(0, 3))):
        marks = [at for at in range(len(value)) if value[at : at + 1] in b'{}[]",:']
        at = draw(st.sampled_from(marks))
        value = value[:at] + draw(st.sampled_from(PIECES)) + value[at + draw(st.integers(0, 3)) :]
    return value


@given(values=st.lists(broken(), min_size=1, max_size=6))
@settings(max_examples=300, **make.UNHURRIED)
def test_whatever_the_bytes_are_the_outcome_is_that_of_the_whole(values: list[bytes]):
    known = KnownRows(rows_max=8)
    for value in [*values, *values]:
        found = known.snapshot(value)
        if found is not None:
            assert found == of_bytes(value)


@given(snapshots=st.lists(make.snapshots(), min_size=1, max_size=6))
@settings(max_examples=50, **make.UNHURRIED)
def test_what_we_write_is_read_by_rows_unless_a_name_looks_like_two(snapshots: list[BalanceSnapshot]):
    known = KnownRows()
    for snapshot in [*snapshots, *snapshots]:
        found = known.snapshot(value_of(snapshot))
        if snapshot.balances and not any("},{" in balance.asset for balance in snapshot.balances):
            assert found == snapshot
            assert found is not None
            assert encode(found) == encode(snapshot)


def snapshot_of(*rows: Balance) -> BalanceSnapshot:
    return BalanceSnapshot(
        epoch=1,
        seq=1,
        published_at="2026-11-22T10:00:00.000Z",
        portfolio="main",
        exchange="binance",
        account="main",
        wallet="spot",
        observed_at="2026-11-22T10:00:00.000Z",
        requested_at="2026-11-22T10:00:00.000Z",
        cause="poll",
        poll_interval_seconds=10.0,
        balances=rows,
    )


def row(asset: str, total: str = "1") -> Balance:
    return Balance(asset=asset, free=total, locked="0", total=total)


def test_a_row_that_did_not_change_is_not_read_again():
    known = KnownRows()
    first = known.snapshot(value_of(snapshot_of(row("BTC"), row("ETH", "2"))))
    second = known.snapshot(value_of(snapshot_of(row("BTC"), row("ETH", "3"))))
    assert first is not None
    assert second is not None
    assert second.balances[0] is first.balances[0]
    assert [balance.total for balance in second.balances] == [Decimal(1), Decimal(3)]
    assert first.balances[1].total == Decimal(2)


def test_a_name_that_looks_like_the_end_of_a_row_is_a_name():
    """Both halves of such a name would be rows of their own, if a cut were trusted."""
    hostile = snapshot_of(row('A","free":"1","locked":"0","total":"1"},{"asset":"B'))
    rows = [row("A"), row("B")]
    value = value_of(hostile)
    for known in (KnownRows(), KnownRows()):
        known.snapshot(value_of(snapshot_of(*rows)))
        found = known.snapshot(value)
        assert found is None or found == hostile
    assert decode(topics.BALANCES.name, hostile.key.encode(), value).event == hostile


@pytest.mark.parametrize("between", [b"},{", b"} ,{"])
def test_half_a_name_is_remembered_as_nothing(between: bytes):
    """As many pieces as rows, one of each cut in two and one uncut: no piece may be taken for a row by their number."""
    value = value_of(snapshot_of(row("x},{y"), row("B")))
    head, middle, tail = value.rpartition(b"},{")
    known = KnownRows()
    known.snapshot(head + between + tail)
    begin = value.index(b"[{") + 2
    for piece in (head[begin:] + between + tail)[: -len(b"}]}")].split(b"},{"):
        alone = value[:begin] + piece + b"}]}"
        found = known.snapshot(alone)
        assert found is None or found == of_bytes(alone)
    assert middle == b"},{"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("a sum that is wrong", b'{"asset":"BTC","free":"1","locked":"0","total":"2"}'),
        ("an amount below zero", b'{"asset":"BTC","free":"-1","locked":"0","total":"-1"}'),
        ("an asset twice", b'{"asset":"ETH","free":"1","locked":"0","total":"1"}'),
        ("no row at all", b"{}"),
    ],
)
def test_a_wrong_row_is_refused_with_its_reason_and_not_remembered(name: str, wrong: bytes):
    good = value_of(snapshot_of(row("ETH", "5")))
    key = b"main/binance/main/spot"
    bad = good.replace(b"}]}", b"}," + wrong + b"]}")
    for _ in range(2):
        with pytest.raises(DecodeError) as refused:
            decode(topics.BALANCES.name, key, bad)
        assert refused.value.reason == "invalid", name
        assert decode(topics.BALANCES.name, key, good).event is not None


def test_what_is_remembered_is_bounded_and_what_is_used_stays():
    known = KnownRows(rows_max=100)
    steady = row("STEADY")
    first = known.snapshot(value_of(snapshot_of(steady)))
    assert first is not None
    for number in range(1_000):
        found = known.snapshot(value_of(snapshot_of(steady, row(f"A{number}"))))
        assert found is not None
        assert found.balances[0] is first.balances[0]
        assert len(known) <= 101
