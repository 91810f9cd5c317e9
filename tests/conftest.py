"""Options and fixtures for all tests."""

import logging
from collections.abc import Iterator

import pytest

pytest_plugins = ["tests.kafka_fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the stored examples of events anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(autouse=True)
def warnings_are_not_left_captured() -> Iterator[None]:
    """A program that runs within a test sends warnings to its log; the next test must find them where they belong."""
    yield
    logging.captureWarnings(False)
