"""What the unit tests of the collectors share: a clock that is moved, and the stored payloads."""

import datetime as dt
from pathlib import Path

import pytest

from collectors.strict_json import parse_json

DATA = Path(__file__).parents[2] / "data"


class FakeClock:
    """Time stands still until it is moved."""

    def __init__(self) -> None:
        self.at = dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC)
        self.steady = 1000.0

    def now(self) -> dt.datetime:
        return self.at

    def monotonic(self) -> float:
        return self.steady

    def move(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)
        self.steady += seconds

    def set_calendar(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)


@pytest.fixture
def fake_clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def payload():
    def load(name: str) -> object:
        return parse_json((DATA / name).read_bytes(), source="the test")

    return load
