"""Pictures of every state, in both languages and both themes: ``python -m tests.browser.screenshots [state …]``.

Each state is brought about once, for real, and photographed in all variants; what must never stand in a console fails
the run here as it does in the tests.
"""

import asyncio
import itertools
import logging
import os
import sys
import time
from pathlib import Path
from typing import Final

import structlog
from playwright.async_api import Browser, expect

from tests.browser.axe import settled
from tests.browser.chromium import Language, Theme, Window, find_chromium, launched, new_window
from tests.browser.stage import Stage
from tests.browser.states import STATES, Scene
from tests.browser.texts import LANGUAGES

FOLDER: Final = Path("screenshots")
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
USUAL: Final = (1280, 900)
PHONE, TABLET, WALL = (360, 780), (768, 1024), (3840, 2160)
FURTHER: Final = {
    "demo": (PHONE, TABLET, WALL),
    "key_revoked": (PHONE, TABLET, WALL),
    "first_run": (PHONE, TABLET, WALL),
    "hostile_names": (PHONE, TABLET),
    "api_gone": (PHONE, TABLET),
}
"""Seen at further sizes; the others at the usual one alone."""

SECONDS: Final = 300.0
READY: Final = "[data-testid=total], [data-testid=token-dialog], main, [role=alert]"


async def main(names: list[str]) -> int:
    executable = find_chromium()
    if executable is None:
        print("no Chromium (apt-get install chromium, or name one by CHROMIUM)", file=sys.stderr)
        return 2
    unknown = [name for name in names if name not in STATES]
    if unknown:
        print(f"no such state: {', '.join(unknown)}; there are {', '.join(STATES)}", file=sys.stderr)
        return 2
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    FOLDER.mkdir(exist_ok=True)
    problems: list[str] = []
    async with asyncio.timeout(SECONDS), launched(executable) as browser:
        for name in names or STATES:
            problems += await photograph(browser, name)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


async def photograph(browser: Browser, name: str) -> list[str]:
    """All pictures of one state; what went wrong on the pages."""
    begun = time.monotonic()
    made: list[str] = []
    problems: list[str] = []
    async with Stage() as stage:
        scene = await STATES[name](stage)
        variants = list(itertools.product([USUAL, *FURTHER.get(name, ())], LANGUAGES))
        # Pages that must see something happen are all open when it does; others one by one, since each costs time.
        for batch in [variants] if scene.after else [[one] for one in variants]:
            windows = [await opened(browser, scene, size, language) for size, language in batch]
            if scene.after is not None:
                await scene.after()
                for window in windows:
                    await expect(window.page.get_by_test_id("banner-lost")).to_be_visible()
            for (size, language), window in zip(batch, windows, strict=True):
                made += await in_both_themes(window, f"{name}-{language}", size, whole=name != "many_assets")
                await window.close()
                problems += [f"{name}: {problem}" for problem in window.problems]
    print("\n".join(made), f"{name}: {len(made)} in {time.monotonic() - begun:.1f} s", sep="\n", flush=True)
    return problems


async def in_both_themes(window: Window, name: str, size: tuple[int, int], *, whole: bool) -> list[str]:
    """The pictures of a page that stands as it should."""
    made = []
    for theme in THEMES:
        await window.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        await settled(window.page)
        file = FOLDER / f"{name}-{theme}-{size[0]}.png"
        await window.page.screenshot(path=file, full_page=whole, animations="disabled")
        made.append(str(file))
    return made


async def opened(browser: Browser, scene: Scene, size: tuple[int, int], language: Language) -> Window:
    """A page of the state, with all of it there: what comes late has come."""
    width, height = size
    window = await new_window(
        browser,
        scene.url,
        language=language,
        width=width,
        height=height,
        query=dict(scene.query),
        network_may_fail=scene.breaks_network,
        statuses=scene.statuses,
    )
    await expect(window.page.locator(READY).first).to_be_visible()
    if scene.understood and scene.document["accounts"]:
        await expect(window.page.get_by_test_id("allocation")).to_be_visible()
        await expect(window.page.get_by_test_id("connection")).to_have_attribute("data-status", scene.status)
    await window.page.evaluate("() => document.fonts.ready.then(() => 1)")
    return window


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(asyncio.run(main(sys.argv[1:])))
