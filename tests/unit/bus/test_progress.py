"""How far a reader has come: nothing is ever held for taken in that was not, and being caught up is told once."""

from collections.abc import Mapping

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bus.progress import Place, Progress

PLACES: list[Place] = [("a", 0), ("a", 1), ("b", 0)]
places = st.sampled_from(PLACES)


class Log:
    """A partition as a broker has it: some offsets hold records, others are holes; it grows, shrinks, starts anew."""

    def __init__(self) -> None:
        self.begin = self.end = 0
        self.holes: set[int] = set()

    def records(self, start: int) -> list[int]:
        return [offset for offset in range(max(start, self.begin), self.end) if offset not in self.holes]


class Reading(RuleBasedStateMachine):
    """A broker's logs, a reader that takes them in, and what goes wrong between them."""

    def __init__(self) -> None:
        super().__init__()
        self.logs = {place: Log() for place in PLACES}
        self.progress = Progress(PLACES, from_beginning=True)
        self.taken: dict[Place, set[int]] = {place: set() for place in PLACES}
        self.consumer: dict[Place, int] | None = None
        self.at_start: dict[Place, set[int]] | None = None
        self.reached = 0

    def ends(self) -> dict[Place, int]:
        return {place: log.end for place, log in self.logs.items()}

    def begins(self) -> dict[Place, int]:
        return {place: log.begin for place, log in self.logs.items()}

    @rule(place=places, count=st.integers(1, 5), holes=st.sets(st.integers(0, 4)))
    def publish(self, place: Place, count: int, holes: set[int]) -> None:
        log = self.logs[place]
        log.holes |= {log.end + hole for hole in holes if hole < count}
        log.end += count

    @rule(place=places, count=st.integers(1, 6))
    def expire(self, place: Place, count: int) -> None:
        log = self.logs[place]
        log.begin = min(log.end, log.begin + count)

    @rule()
    def session_starts(self) -> None:
        positions, emptied = self.progress.begin(self.begins(), self.ends())
        self.consumer = dict(positions)
        for topic in emptied:
            self.forget(topic)
        if self.at_start is None:
            self.at_start = {place: set(log.records(0)) for place, log in self.logs.items()}

    @precondition(lambda self: self.consumer is not None)
    @rule()
    def session_is_lost(self) -> None:
        self.consumer = None
        self.progress.lost()

    @precondition(lambda self: self.consumer is not None)
    @rule(place=places, count=st.integers(1, 4))
    def records_come(self, place: Place, count: int) -> None:
        assert self.consumer is not None
        log = self.logs[place]
        if self.consumer[place] < log.begin:  # Out of range: the reader is told where to go on.
            self.session_starts()
        for offset in log.records(self.consumer[place])[:count]:
            self.taken[place].add(offset)
            self.progress.took(place, offset)
            self.consumer[place] = offset + 1
        if not log.records(self.consumer[place]):
            self.consumer[place] = max(self.consumer[place], log.end)  # Only holes are left, and they were passed.

    @precondition(lambda self: self.consumer is not None)
    @rule()
    def stands(self) -> None:
        assert self.consumer is not None
        self.progress.stand(self.consumer)
        if self.progress.reaches_goal():
            self.reached += 1

    @rule()
    def broker_is_back(self) -> None:
        self.progress.returned(self.ends())

    @rule(topic=st.sampled_from(["a", "b"]), count=st.integers(0, 12))
    def made_anew(self, topic: str, count: int) -> None:
        """Under its old name and with other records, maybe more of them than before; the watch tells by the id."""
        for place, log in self.logs.items():
            if place[0] == topic:
                log.__init__()
                log.end = count
        for place in self.progress.emptied(topic):
            if self.consumer is not None:
                self.consumer[place] = 0
        self.forget(topic)

    @rule(topic=st.sampled_from(["a", "b"]))
    def emptied_on_an_old_broker(self, topic: str) -> None:
        """Without ids nobody tells: the reader finds out at its next session, by the offsets."""
        for place, log in self.logs.items():
            if place[0] == topic:
                log.__init__()
                if self.at_start is not None:
                    self.at_start[place] = set()
        self.session_starts()

    def forget(self, topic: str) -> None:
        for place in PLACES:
            if place[0] == topic:
                self.taken[place] = set()
                if self.at_start is not None:
                    self.at_start[place] = set()

    @invariant()
    def nothing_is_skipped(self) -> None:
        for place, position in self.progress.position.items():
            log = self.logs[place]
            before = {offset for offset in log.records(0) if offset < position}
            assert before <= self.taken[place]
            if self.consumer is not None:
                assert position <= max(self.consumer[place], log.begin)

    @invariant()
    def lag_is_what_is_to_come(self) -> None:
        expected = sum(max(0, log.end - self.progress.position.get(place, log.end)) for place, log in self.logs.items())
        assert self.progress.lag(self.ends()) == expected

    @invariant()
    def caught_up_is_told_once_and_not_too_early(self) -> None:
        assert self.reached == int(self.progress.caught_up)
        if self.progress.caught_up and self.at_start is not None:
            for place, log in self.logs.items():
                assert {offset for offset in self.at_start[place] if offset >= log.begin} <= self.taken[place]

    def teardown(self) -> None:
        """Whatever happened: who reads on to the end is caught up, and back."""
        self.session_starts()
        assert self.consumer is not None
        for place, log in self.logs.items():
            for offset in log.records(self.consumer[place]):
                self.taken[place].add(offset)
                self.progress.took(place, offset)
            self.consumer[place] = max(self.consumer[place], log.end)
        self.stands()
        assert self.progress.caught_up
        self.progress.lost()
        assert not self.progress.is_back()
        self.progress.returned(self.ends())
        assert self.progress.is_back()


TestReading = Reading.TestCase
TestReading.settings = settings(max_examples=300, stateful_step_count=30, deadline=None)


def at(*offsets: int) -> dict[Place, int]:
    return dict(zip(PLACES, offsets, strict=True))


def begun(begins: Mapping[Place, int], ends: Mapping[Place, int], *, from_beginning: bool = True) -> Progress:
    progress = Progress(PLACES, from_beginning=from_beginning)
    progress.begin(begins, ends)
    return progress


def test_commands_are_read_from_the_end_and_after_a_break_from_where_it_was():
    progress = Progress(PLACES, from_beginning=False)
    assert progress.begin(at(0, 0, 0), at(5, 5, 5)) == (at(5, 5, 5), set())
    assert progress.reaches_goal()
    progress.took(("a", 0), 6)
    assert progress.begin(at(0, 0, 0), at(9, 9, 9)) == (at(7, 5, 5), set())


def test_an_empty_partition_is_read_from_the_start_on():
    progress = begun(at(3, 0, 7), at(3, 0, 7))
    assert progress.reaches_goal()
    assert not progress.reaches_goal()


def test_holes_at_the_end_are_passed_by_where_the_consumer_stands():
    progress = begun(at(0, 0, 0), at(10, 0, 0))
    progress.took(("a", 0), 4)
    assert not progress.reaches_goal()
    progress.stand(at(10, 0, 0))
    assert progress.reaches_goal()


def test_expired_records_move_a_position_up_and_are_no_reset():
    progress = begun(at(0, 0, 0), at(10, 0, 0))
    assert progress.begin(at(8, 0, 0), at(10, 0, 0)) == (at(8, 0, 0), set())


def test_an_end_below_a_position_is_a_reset_of_the_whole_topic():
    progress = begun(at(0, 0, 0), at(10, 2, 5))
    progress.took(("a", 0), 9)
    progress.took(("a", 1), 1)
    progress.took(("b", 0), 4)
    assert progress.begin(at(0, 0, 0), at(3, 9, 5)) == (at(0, 0, 5), {"a"})
    assert progress.reaches_goal()


def test_what_was_there_at_the_start_and_is_lost_is_not_waited_for():
    """A broker that lost its last records while the reader was still below them: the goal can never come."""
    progress = begun(at(0, 0, 0), at(10, 0, 0))
    progress.took(("a", 0), 4)
    assert progress.begin(at(0, 0, 0), at(5, 0, 0)) == (at(5, 0, 0), set())
    assert progress.reaches_goal()


def test_it_is_back_when_it_has_what_was_there_at_the_return_not_what_came_since():
    progress = begun(at(0, 0, 0), at(0, 0, 0))
    assert not progress.is_back()
    progress.returned(at(2, 0, 0))
    progress.returned(at(9, 0, 0))
    assert not progress.is_back()
    progress.took(("a", 0), 1)
    assert progress.is_back()
    progress.lost()
    assert not progress.is_back()
