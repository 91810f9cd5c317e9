"""Chromium, the systems it looks at, and pages that fail their test when anything at all goes wrong on them.

All of this runs on one event loop for the whole session: starting a browser takes seconds, a page in a fresh profile
a tenth of one.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.browser.axe import told, violations
from tests.browser.chromium import PATIENCE_MS, Window, find_chromium, launched, new_window
from tests.browser.stage import Stage
from tests.flow.test_truth import priced

HERE = Path(__file__).parent
MISSING = "no Chromium (apt-get install chromium, or name one by CHROMIUM): the tests of the page were not run"

expect.set_options(timeout=PATIENCE_MS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium() -> AsyncIterator[Browser]:
    executable = find_chromium()
    if executable is None:
        if os.environ.get("CI"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    async with launched(executable) as browser:
        yield browser


OpenWindow = Callable[..., Awaitable[Window]]
OpenPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(chromium: Browser) -> AsyncIterator[OpenWindow]:
    """Open pages; each fails the test at its end for everything that went wrong on it."""
    windows: list[Window] = []

    async def opened(url: str, **how: Any) -> Window:
        windows.append(await new_window(chromium, url, **how))
        return windows[-1]

    yield opened
    for window in windows:
        await window.close()
    problems = [problem for window in windows for problem in window.problems]
    assert not problems, "\n".join(problems)


@pytest.fixture
def open_page(open_window: OpenWindow) -> OpenPage:
    """The same, for those who need only the page."""

    async def opened(url: str, **how: Any) -> Page:
        return (await open_window(url, **how)).page

    return opened


@pytest.fixture
def axe() -> Callable[[Page], Awaitable[None]]:
    """Ask axe; what it finds fails the test."""

    async def asked(page: Page) -> None:
        found = await violations(page)
        assert not found, told(found)

    return asked


@pytest_asyncio.fixture(loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """Where this test's own systems are started."""
    async with Stage() as one:
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_stage() -> AsyncIterator[Stage]:
    """Where systems are started that a whole file looks at and nobody changes."""
    async with Stage() as one:
        yield one


@pytest_asyncio.fixture(loop_scope="session")
async def demo(stage: Stage) -> str:
    """The address of the demo as a person starts it: the installed command, a process of its own."""
    url = await stage.program("up", "--demo")
    await stage.until(url, priced)
    return url
