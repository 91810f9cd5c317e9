"""Small rules, each alone: permissions, pages, empty wallets, unauthorised calls, own totals."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.errors import RefusedError, UnreadableError
from collectors.exchange import KeyPermissions
from collectors.paging import PAGES_MAX, read_pages
from collectors.payload import read_amount
from collectors.permissions import judge
from collectors.reconcile import gap_ratio, price_in
from collectors.unauthorised import HELD_SECONDS, UnauthorisedGuard
from collectors.wallet import EmptyGuard
from schemas.amounts import AmountError, parse_amount
from schemas.events import Balance, Mirror

NONE = frozenset[str]()


def key(*, reads: bool = True, powers: tuple[str, ...] = (), unknown: tuple[str, ...] = ()) -> KeyPermissions:
    return KeyPermissions(reads, powers, unknown, True)


@pytest.mark.parametrize(
    ("found", "allowed", "first", "state", "named"),
    [
        (key(), NONE, True, "read_only", None),
        (key(reads=False), NONE, True, "refused", "may not read"),
        (key(powers=("enableTrading",)), NONE, True, "refused", "enableTrading"),
        (key(powers=("enableTrading",)), NONE, False, "refused", "enableTrading"),
        (key(powers=("enableTrading",)), frozenset({"enableTrading"}), True, "overridden", None),
        (key(powers=("a", "b")), frozenset({"a"}), True, "refused", "b"),
        (key(unknown=("enableNew",)), NONE, True, "refused", "enableNew"),
        (key(unknown=("enableNew",)), NONE, False, "overridden", None),
        (key(unknown=("enableNew",)), frozenset({"enableNew"}), True, "overridden", None),
        (key(unknown=("a b<script>",)), NONE, True, "refused", "a_b_script_"),
    ],
)
def test_a_key_that_can_do_more_than_read_is_refused(found, allowed, first, state, named) -> None:
    permissions, error = judge(found, allowed, title="X", first=first)
    assert permissions.state == state
    assert (error is not None) == (state == "refused")
    if named is not None:
        assert named in error.message


async def pages_of(pages: list[tuple[list[int], int]], size: int = 3) -> list[int]:
    asked: list[int] = []

    async def page(number: int) -> tuple[list[int], int]:
        asked.append(number)
        return pages[min(len(asked), len(pages)) - 1]

    return await read_pages(page, size=size, identity=lambda row: row, what="the list")


async def test_pages_are_read_until_all_rows_are_there() -> None:
    assert await pages_of([([], 0)]) == []
    assert await pages_of([([1, 2], 2)]) == [1, 2]
    assert await pages_of([([1, 2, 3], 5), ([4, 5], 5)]) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "pages",
    [
        [([1], 2)],
        [([], 2)],
        [([1, 2], 1)],
        [([1, 1], 2)],
        [([1, 2, 3], 5), ([4], 5)],
        [([1, 2, 3], 5), ([], 5)],
        [([1, 2, 3], 4), ([4, 5, 6], 4)],
        [([1, 2, 3], 6), ([3, 4, 5], 6)],
        [([1, 2, 3], 5), ([4, 5], 6), ([1, 2, 3], 5), ([4, 5], 7)],
    ],
)
async def test_pages_that_do_not_add_up_are_unreadable(pages) -> None:
    with pytest.raises(UnreadableError):
        await pages_of(pages)


async def test_a_list_that_moved_once_is_read_again() -> None:
    assert await pages_of([([1, 2, 3], 5), ([4, 5], 4), ([1, 2, 3], 4), ([4], 4)]) == [1, 2, 3, 4]


async def test_pages_without_an_end_are_given_up() -> None:
    count = 0

    async def page(number: int) -> tuple[list[int], int]:
        nonlocal count
        count += 1
        return [number * 3, number * 3 + 1, number * 3 + 2], 10**9

    with pytest.raises(UnreadableError):
        await read_pages(page, size=3, identity=lambda row: row, what="the list")
    assert count == PAGES_MAX


def balance(asset: str, total: str, mirror: str = "") -> Balance:
    amount = Decimal(total)
    return Balance(
        asset=asset,
        free=amount,
        locked=Decimal(0),
        total=amount,
        mirror_of=Mirror(wallet="earn-flexible", asset=mirror) if mirror else None,
    )


SOME = (balance("A", "1"),)


def test_a_read_that_empties_a_wallet_waits_for_a_second_one() -> None:
    guard = EmptyGuard(filled=True, confirm_seconds=5)
    assert guard.holds((), 100.0) == 5
    assert guard.holds((), 102.0) == 3
    assert guard.holds((), 105.0) == 0
    assert guard.holds((), 106.0) == 0


def test_a_wallet_that_is_back_was_never_empty() -> None:
    guard = EmptyGuard(filled=True, confirm_seconds=5)
    assert guard.holds((), 100.0) > 0
    assert guard.holds(SOME, 101.0) == 0
    assert guard.holds((), 200.0) == 5


def test_a_wallet_that_was_always_empty_is_not_held() -> None:
    guard = EmptyGuard(filled=False, confirm_seconds=5)
    assert guard.holds((), 100.0) == 0
    assert guard.holds(SOME, 101.0) == 0
    assert guard.holds((), 102.0) > 0


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=40), st.booleans())
@settings(max_examples=400, deadline=None)
def test_an_empty_wallet_is_never_published_on_one_read(reads: list[tuple[bool, int]], filled: bool) -> None:
    guard = EmptyGuard(filled=filled, confirm_seconds=5)
    now, published, empty_since = 0, filled, None
    for has, gap in reads:
        now += gap
        held = guard.holds(SOME if has else (), now)
        if has:
            empty_since = None
        elif empty_since is None:
            empty_since = now
        if not held:
            if published and not has:
                assert now - empty_since >= 5
            published = has


def test_unproven_keys_are_held_back_after_many_refusals(fake_clock) -> None:
    guard = UnauthorisedGuard(20, fake_clock.monotonic, "X")
    for _ in range(20):
        guard.enter(proven=False)
        guard.refused()
    with pytest.raises(RefusedError, match="held back"):
        guard.enter(proven=False)
    guard.enter(proven=True)
    fake_clock.move(HELD_SECONDS)
    guard.enter(proven=False)
    guard.refused()
    with pytest.raises(RefusedError):
        guard.enter(proven=False)
    guard.accepted()
    guard.enter(proven=False)


def test_where_nobody_blocks_nobody_is_held_back(fake_clock) -> None:
    guard = UnauthorisedGuard(None, fake_clock.monotonic, "X")
    for _ in range(100):
        guard.enter(proven=False)
        guard.refused()


PRICES = {("BTC", "USDT"): Decimal(80_000), ("ETH", "USDT"): Decimal(4000), ("USDT", "TRY"): Decimal(40)}


def test_prices_for_the_comparison() -> None:
    assert price_in("BTC", "BTC", PRICES) == 1
    assert price_in("ETH", "BTC", PRICES) == Decimal("0.05")
    assert price_in("USDT", "BTC", PRICES) == Decimal("0.0000125")
    assert price_in("NOPE", "BTC", PRICES) is None


def test_the_gap_between_two_totals() -> None:
    wallets = {"spot": (balance("BTC", "1"), balance("LDETH", "20", "ETH")), "earn-flexible": (balance("ETH", "20"),)}
    assert gap_ratio(wallets, Decimal(2), "BTC", PRICES) == 0
    assert gap_ratio(wallets, Decimal(4), "BTC", PRICES) == 0.5
    assert gap_ratio(wallets, Decimal(0), "BTC", PRICES) is None
    unlisted = wallets | {"earn-flexible": ()}
    assert gap_ratio(unlisted, Decimal(2), "BTC", PRICES) == 0, "what the other wallet does not list counts here"


@given(st.from_regex(r"[0-9]{1,24}(\.[0-9]{1,22})?", fullmatch=True) | st.text(max_size=12))
@settings(max_examples=600, deadline=None)
def test_the_quick_way_to_an_amount_is_the_contracts_way(text: str) -> None:
    try:
        expected = parse_amount(text)
    except AmountError:
        expected = None
    if expected is None or expected < 0:
        with pytest.raises(AmountError):
            read_amount(text)
    else:
        assert read_amount(text) == expected
        assert str(read_amount(text)) == str(expected)
