"""Pictures of every state, in both languages and both themes: ``python -m tests.browser.screenshots [state …]``.

Each state is brought about once, for real, and photographed in all variants; what must never stand in a console fails
the run here as it does in the tests.
"""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path
from typing import Final

import structlog
from playwright.async_api import Browser, expect

from tests.browser.chromium import Language, Theme, Window, find_chromium, launched, new_window
from tests.browser.stage import Stage
from tests.browser.states import STATES, Scene
from tests.browser.texts import LANGUAGES

FOLDER: Final = Path("screenshots")
THEMES: Final[tuple[Theme, ...]] = ("light", "dark")
USUAL: Final = (1280, 900)
FURTHER: Final = {360: 780, 768: 1024, 3840: 2160}
IMPORTANT: Final = ("demo", "key_revoked", "first_run", "hostile_names", "api_gone")
"""Seen at every size; the others at the usual one."""

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
    sizes = [USUAL, *(FURTHER.items() if name in IMPORTANT else ())]
    made: list[str] = []
    async with Stage() as stage:
        scene = await STATES[name](stage)
        windows = {
            (size, language): await opened(browser, scene, size, language) for size in sizes for language in LANGUAGES
        }
        if scene.after is not None:
            await scene.after()
            for window in windows.values():
                await expect(window.page.get_by_test_id("banner-lost")).to_be_visible()
        for ((width, _), language), window in windows.items():
            for theme in THEMES:
                await window.page.emulate_media(color_scheme=theme, reduced_motion="reduce")
                file = FOLDER / f"{name}-{language}-{theme}-{width}.png"
                await window.page.screenshot(path=file, full_page=name != "many_assets", animations="disabled")
                made.append(str(file))
            await window.close()
    print("\n".join(made), f"{name}: {len(made)} in {time.monotonic() - begun:.1f} s", sep="\n", flush=True)
    return [f"{name}: {problem}" for window in windows.values() for problem in window.problems]


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
        await expect(window.page.get_by_test_id("connection")).to_have_attribute("data-status", "live")
    await window.page.evaluate("() => document.fonts.ready.then(() => 1)")
    return window


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(asyncio.run(main(sys.argv[1:])))
