"""How far a reader of a log has come: what it has taken in, what it must reach to be live. Pure."""

from collections.abc import Iterable, Mapping
from typing import Final

Place = tuple[str, int]
"""A topic, by its name on the broker, and a partition of it."""

Offsets = Mapping[Place, int]


class Progress:
    """Positions by partition: the offset that comes next. Everything before it has been taken in."""

    def __init__(self, places: Iterable[Place], *, from_beginning: bool) -> None:
        self._places: Final = tuple(places)
        self._from_beginning = from_beginning
        self.position: dict[Place, int] = {}
        self._goal: dict[Place, int] | None = None
        self._return: dict[Place, int] | None = None
        self.caught_up = False

    def begin(self, begins: Offsets, ends: Offsets) -> tuple[dict[Place, int], set[str]]:
        """A session starts: where to read each partition from, and which topics turn out to have been emptied."""
        emptied = {place[0] for place in self._places if self.position.get(place, 0) > ends[place]}
        for place in self._places:
            first = begins[place] if self._from_beginning else ends[place]
            known = self.position.get(place)
            if known is None:
                self.position[place] = first
            elif place[0] in emptied:
                self.position[place] = begins[place]
            else:
                self.position[place] = max(known, begins[place])
        if self._goal is None:
            self._goal = dict(ends)
        # What a broker lost meanwhile can never be reached: all of an emptied topic, or the last records of another.
        for topic in emptied:
            self._lower_goals(topic)
        for goal in (self._goal, self._return):
            if goal is not None:
                goal.update({place: min(end, ends[place]) for place, end in goal.items()})
        return dict(self.position), emptied

    def took(self, place: Place, offset: int) -> None:
        """The record at this offset was taken in."""
        self.position[place] = offset + 1

    def stand(self, positions: Offsets) -> None:
        """Nothing lies between what was taken in and these positions: compaction leaves holes."""
        self.position.update(positions)

    def reaches_goal(self) -> bool:
        """Whether all that was there at the start has been taken in; True once."""
        if self.caught_up or self._goal is None or not self._is_at(self._goal):
            return False
        self.caught_up = True
        return True

    def lost(self) -> None:
        """The broker is away."""
        self._return = None

    def returned(self, ends: Offsets) -> None:
        """The broker is back, and this far partitions reach."""
        if self._return is None:
            self._return = {place: ends.get(place, 0) for place in self._places}

    @property
    def is_answered(self) -> bool:
        """Whether the broker was heard of since it was away."""
        return self._return is not None

    def is_back(self) -> bool:
        """Whether all that was there when the broker came back has been taken in."""
        return self._return is not None and self._is_at(self._return)

    def emptied(self, topic: str) -> list[Place]:
        """A topic is another one under its old name: it is read from its beginning. Its partitions."""
        places = [place for place in self._places if place[0] == topic]
        for place in places:
            if place in self.position:
                self.position[place] = 0
        self._lower_goals(topic)
        return places

    def lag(self, ends: Offsets) -> int:
        """How many offsets are still to come. Compaction's holes count as one each."""
        return sum(max(0, ends.get(place, 0) - at) for place, at in self.position.items())

    def _is_at(self, goal: Offsets) -> bool:
        return all(self.position.get(place, -1) >= end for place, end in goal.items())

    def _lower_goals(self, topic: str) -> None:
        """What lay in an emptied topic can never be reached."""
        for goal in (self._goal, self._return):
            if goal is not None:
                goal.update({place: 0 for place in goal if place[0] == topic})
