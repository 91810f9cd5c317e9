"""The four small pictures of the README: ``python -m tests.browser.readme_pictures`` (``make screenshots`` makes all)."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Final, NamedTuple

import structlog
from playwright.async_api import expect

from tests.browser.chromium import Language, Theme, find_chromium, launched, new_window
from tests.browser.stage import Stage
from tests.browser.states import STATES

FOLDER: Final = Path("docs/images")


class Picture(NamedTuple):
    """One picture: its file, the state, and how it is looked at. Half a pixel for each keeps them small."""

    file: str
    state: str
    language: Language
    theme: Theme
    size: tuple[int, int]
    scale: float


PICTURES: Final = (
    Picture("demo-tr-dark.png", "demo", "tr", "dark", (1280, 860), 0.5),
    Picture("demo-en-light.png", "demo", "en", "light", (1280, 860), 0.5),
    Picture("refused-en-light.png", "key_revoked", "en", "light", (1280, 860), 0.5),
    Picture("phone-tr-dark.png", "demo", "tr", "dark", (390, 844), 0.6),
)


async def main() -> int:
    executable = find_chromium()
    if executable is None:
        print("no Chromium (apt-get install chromium, or name one by CHROMIUM)", file=sys.stderr)
        return 2
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    FOLDER.mkdir(exist_ok=True)
    async with launched(executable) as browser:
        for file, state, language, theme, (width, height), scale in PICTURES:
            async with Stage() as stage:
                scene = await STATES[state](stage)
                how = {"language": language, "theme": theme, "width": width, "height": height, "scale": scale}
                window = await new_window(browser, scene.url, **how)
                await expect(window.page.locator("[data-testid=allocation] svg")).to_be_visible()
                await window.page.screenshot(path=FOLDER / file, animations="disabled")
                await window.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
