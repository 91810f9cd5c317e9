"""Health and readiness: alive means the event loop turns; ready means every part has what it needs."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """What one part says of itself: ready or not, and why, for people.

    A warning is what a part that is ready does in a poorer way, and what to do about it.
    """

    ready: bool
    reason: str = ""
    warning: str = ""


class Readiness:
    """The parts of a process that must be ready before it is."""

    def __init__(self) -> None:
        self._checks: dict[str, Callable[[], Check]] = {}

    def add(self, name: str, check: Callable[[], Check]) -> None:
        """Ask this part too. A name is given once."""
        if name in self._checks:
            raise ValueError(f"{name!r} is asked for its readiness already")
        self._checks[name] = check

    def failing(self) -> dict[str, str]:
        """The parts that are not ready, each with its reason; empty when the process is ready."""
        answers = {name: check() for name, check in self._checks.items()}
        return {name: answer.reason or "not ready" for name, answer in answers.items() if not answer.ready}

    def warnings(self) -> dict[str, str]:
        """What the parts that are ready do in a poorer way."""
        answers = {name: check() for name, check in self._checks.items()}
        return {name: answer.warning for name, answer in answers.items() if answer.ready and answer.warning}
