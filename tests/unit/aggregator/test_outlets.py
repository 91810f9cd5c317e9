"""Whose turn it is: at once for what is urgent; in line, nobody starved and bytes bounded, for what is calm."""

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.outlets import (
    CALM_BYTES_PER_SECOND,
    CALM_SAVED_MS,
    HEARTBEAT_MS,
    PRICE_BYTES_PER_SECOND,
    PRICE_SPACING_MS,
    URGENT_SPACING_MS,
    Outlet,
    Turns,
)


class World:
    """Portfolios of given sizes that are served whenever their turn has come, to the millisecond."""

    def __init__(self, sizes):
        self.turns = Turns()
        self.sizes = sizes
        self.outlets = [Outlet(index) for index in range(len(sizes))]
        self.sent = []
        self.now = 0
        for outlet in self.outlets:
            self.turns.touch(outlet, urgent=True)
        self.serve()

    def serve(self):
        for outlet in self.turns.due(self.now):
            index = outlet.portfolio
            calm = not outlet.urgent
            outlet.urgent = outlet.priced = False
            outlet.sent_at = self.now
            outlet.sent_size = self.sizes[index]
            self.sent.append((self.now, index, calm))
            self.turns.went(outlet, self.now, outlet.sent_size if calm else 0)

    def until(self, moment):
        """Serve at every moment that is named as the next one."""
        for _ in range(100_000):
            soonest = self.turns.next_at(self.now)
            if soonest is None or soonest > moment:
                self.now = max(self.now, moment)
                return
            self.now = max(self.now, soonest)
            self.serve()
        raise AssertionError("its moments never pass")

    def calm_bytes(self):
        return [(at, self.sizes[index]) for at, index, calm in self.sent if calm]


def round_ms(sizes):
    """How long a whole round of calm states takes."""
    return sum(sizes) * 1000 / CALM_BYTES_PER_SECOND


def patience(sizes, index):
    spacing = max(PRICE_SPACING_MS, sizes[index] * 1000 // PRICE_BYTES_PER_SECOND)
    return spacing + round_ms(sizes) + CALM_SAVED_MS + 2


SIZES = st.lists(st.sampled_from([300, 5_000, 150_000, 900_000, 8_000_000]), min_size=1, max_size=12)
STEPS = st.lists(
    st.tuples(st.sampled_from([1, 7, 250, 1_000, 4_000]), st.booleans(), st.sets(st.integers(0, 11))), max_size=40
)


@given(SIZES, STEPS)
@settings(max_examples=300, deadline=None)
def test_nobody_starves_bytes_are_bounded_and_what_is_urgent_does_not_wait(sizes, steps):
    world = World(sizes)
    waiting = {}
    for pause, urgent, indexes in steps:
        world.until(world.now + pause)
        told = {index for index in indexes if index < len(sizes)}
        for index in told:
            world.turns.touch(world.outlets[index], urgent=urgent)
            limit = URGENT_SPACING_MS if urgent else patience(sizes, index)
            waiting.setdefault((index, world.now), world.now + limit)
    longest = max([patience(sizes, index) for index in range(len(sizes))])
    world.until(world.now + int(longest) + 1)
    for (index, told_at), latest in waiting.items():
        assert any(one == index and told_at <= at <= latest for at, one, _ in world.sent), (index, told_at, latest)
    calm = world.calm_bytes()
    for start, (first, _) in enumerate(calm):
        spent = 0
        for at, size in calm[start:]:
            # The last one may begin with a single byte of room.
            assert spent <= CALM_BYTES_PER_SECOND * (at - first + CALM_SAVED_MS) / 1000 + 1
            spent += size


@given(SIZES)
@settings(max_examples=50, deadline=None)
def test_who_changes_all_the_time_is_served_in_turn(sizes):
    """A display rate moves every 100 ms: each portfolio gets its share of the line, whoever else is in it."""
    world = World(sizes)
    for _ in range(600):
        world.until(world.now + 100)
        for outlet in world.outlets:
            world.turns.touch(outlet, urgent=False)
    counts = {}
    for _, index, calm in world.sent:
        counts[index] = counts.get(index, 0) + calm
    for index in range(len(sizes)):
        least = 60_000 / (patience(sizes, index) + 100) - 1
        assert counts.get(index, 0) >= least


def test_a_thousand_portfolios_of_20_kb_follow_prices_every_five_seconds():
    world = World([20_000] * 1_000)
    for _ in range(300):
        world.until(world.now + 100)
        for outlet in world.outlets:
            world.turns.touch(outlet, urgent=False)
    gaps = []
    last = {}
    for at, index, calm in world.sent:
        if calm and index in last:
            gaps.append(at - last[index])
        last[index] = at
    assert 4_900 <= min(gaps[1000:]) <= max(gaps[1000:]) <= 6_200
    # In batches, not one by one each with a wait for its acknowledgement.
    assert len({at for at, _, calm in world.sent if calm}) <= 12 * 30


def test_a_single_portfolio_keeps_its_one_a_second():
    world = World([900_000])
    for _ in range(100):
        world.until(world.now + 100)
        world.turns.touch(world.outlets[0], urgent=False)
    assert [at for at, _, calm in world.sent if calm] == list(range(1_000, 10_001, 1_000))


def test_signs_of_life_share_the_budget():
    world = World([150_000] * 1_000)
    world.until(120_000)
    beats = [at for at, _, calm in world.sent if calm]
    assert min(beats) >= HEARTBEAT_MS
    assert len(beats) <= CALM_BYTES_PER_SECOND * (120 - 15 + 0.2) / 150_000 + 1
    assert len(beats) >= 2_600


def test_who_is_gone_has_no_turn_and_a_clock_that_went_back_blocks_nobody():
    world = World([8_000_000] * 3)
    for outlet in world.outlets:
        world.turns.touch(outlet, urgent=False)
    world.until(8_000)
    world.turns.leave(world.outlets[1])
    world.turns.leave(world.outlets[2])
    count = len(world.sent)
    world.until(20_000)
    assert {index for _, index, _ in world.sent[count:]} <= {0}
    world.now = 0
    world.turns.rewind(0)
    world.outlets[0].sent_at = 0
    world.turns.touch(world.outlets[0], urgent=False)
    count = len(world.sent)
    world.until(8_100)
    assert len(world.sent) == count + 1
