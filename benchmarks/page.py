"""The page in Chromium: how soon it shows a total, how heavy it is, how soon a change is seen, what it costs.

The api runs in this process over a local bus; states are published as an aggregator does it, so an update travels all
of the way: bus, stream, network stack, page, frame. The portfolio has two accounts with thirty assets each. With every
update every price of it moves, by up to a fiftieth of a percent, which is more than most real seconds bring; its
wallets are read every ten seconds.

Chromium is headless and draws without a graphics card. What it spends on that is in the processor time of the row, and
shown apart: of the renderer what is not its main thread, and the process for graphics. Beside it stands what a bare
page costs on which one number changes as often: that much of it is not the page's.
"""

import asyncio
import random
import re
import statistics
import time
from collections.abc import Awaitable, Callable
from importlib.resources import files
from pathlib import Path
from typing import Final

import aiohttp
from playwright.async_api import Browser, Page

from benchmarks.page_browser import (
    STAMP,
    TOTAL,
    Processors,
    Wire,
    browser_pid,
    clock_offset,
    metrics,
    new_page,
    settled,
    used_between,
)
from benchmarks.page_large import FLAT, first_totals, flat, many
from benchmarks.page_state import Served, World, serving
from benchmarks.table import ROUNDS, Row, at_most, not_run
from tests.browser.chromium import find_chromium, launched

PERSON: Final = {"binance": 30, "btcturk": 30}

EVENTS: Final = 200
EVENT_SECONDS: Final = (0.08, 0.16)
"""From one event to the next: a random time in between, so that none keeps step with the frames."""

SETTLE_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 30.0
FLOOR_SECONDS: Final = 15.0

LINKED: Final = """
() => [...document.querySelectorAll("link[rel=icon], link[rel=manifest]")].map((link) => new URL(link.href).pathname)
"""

SPENT: Final = {
    "the page's main thread": "TaskDuration",
    "  of it script": "ScriptDuration",
    "  of it style": "RecalcStyleDuration",
    "  of it layout": "LayoutDuration",
}
"""Chromium's names of what it counts, in seconds."""

FIRST: Final = "page: navigation -> total painted, cold cache"
LIGHT: Final = "page: first load without charts, on the wire"
HEAVY: Final = "page: first load with charts, on the wire"
SEEN: Final = "page: state on the bus -> painted"
IDLE: Final = "page: open, one update a second: all of Chromium"

GOALS: Final = {
    FIRST: "<= 1000",
    LIGHT: "<= 220",
    HEAVY: "<= 390",
    f"{SEEN}: p95": "<= 50",
    IDLE: "<= 3",
    FLAT: "flat",
}


async def _first(browser: Browser, served: Served) -> list[Row]:
    taken = await first_totals(browser, served, ROUNDS)
    return [at_most(FIRST, statistics.median(taken), 1000.0, "ms"), Row("  slowest", max(taken), "ms")]


async def _linked(page: Page, url: str, known: dict[str, int]) -> dict[str, int]:
    """What a browser with a window loads too: the icon, the manifest. A headless one has no use for them."""
    found: dict[str, int] = {}
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        for path in await page.evaluate(LINKED):
            if path in known:
                continue
            async with http.get(url + path, headers={"Accept-Encoding": "gzip"}) as response:
                head = sum(len(name) + len(text) + len(": \r\n") for name, text in response.raw_headers)
                found[path] = head + len(await response.read())
    return found


async def _wire(browser: Browser, served: Served) -> list[Row]:
    async with new_page(browser) as page:
        wire = Wire(await page.context.new_cdp_session(page))
        await wire.watch()
        await settled(page, served.url)
        loaded = {path: size for path, size in wire.bytes.items() if not path.startswith("/api/")}
        loaded |= await _linked(page, served.url, loaded)
    charts = sum(size for path, size in loaded.items() if path.startswith("/assets/donut"))
    assert charts, "the chart's chunk has another name now"
    whole = sum(loaded.values())
    return [
        at_most(LIGHT, (whole - charts) / 1e3, 220.0, "KB"),
        at_most(HEAVY, whole / 1e3, 390.0, "KB"),
    ]


async def _seen(browser: Browser, served: Served, world: World) -> list[Row]:
    source, sent = random.Random(3), []
    async with new_page(browser, STAMP) as page:
        await settled(page, served.url)
        await asyncio.sleep(1.0)
        ahead = await clock_offset(page)
        for _ in range(EVENTS):
            state, digits = world.state()
            sent.append((digits, time.time() * 1e3))
            await served.publish(state)
            await asyncio.sleep(source.uniform(*EVENT_SECONDS))
        last = sent[-1][0]
        await page.wait_for_function(f"() => globalThis.__painted.some(([text]) => text === '{last}')")
        ahead = (ahead + await clock_offset(page)) / 2
        painted = await page.evaluate("() => globalThis.__painted")
    latencies = latencies_of(sent, [(digits, at - ahead) for digits, at in painted])
    skipped = EVENTS - len({digits for digits, _ in painted} & {digits for digits, _ in sent})
    cuts = statistics.quantiles(latencies, n=100)
    return [
        at_most(f"{SEEN}: p95", cuts[94], 50.0, "ms"),
        Row("  p50", cuts[49], "ms"),
        Row("  largest", max(latencies), "ms"),
        Row("  overtaken by the next before they were painted", skipped, f"of {EVENTS}"),
    ]


def latencies_of(sent: list[tuple[str, float]], painted: list[tuple[str, float]]) -> list[float]:
    """From each sending to the first painting of it or of something newer; both lists are in their order of time."""
    numbers = {digits: number for number, (digits, _) in enumerate(sent)}
    latencies: list[float] = []
    for digits, at in painted:
        number = numbers.get(digits)
        while number is not None and len(latencies) <= number:
            latencies.append(at - sent[len(latencies)][1])
    return latencies


async def _every_second(seconds: float, act: Callable[[], Awaitable[object]]) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(1, round(seconds) + 1):
        await act()
        await asyncio.sleep(max(0.0, began + number - loop.time()))


async def _used(browser: Browser, seconds: float, act: Callable[[], Awaitable[object]]) -> dict[str, float]:
    """Percent of a core by kind of process, while something is done once a second."""
    processors = Processors(await browser_pid(browser))
    await _every_second(SETTLE_SECONDS, act)
    before, began = processors.seconds(), time.monotonic()
    await _every_second(seconds, act)
    after, passed = processors.seconds(), time.monotonic() - began
    return {kind: used / passed * 100 for kind, used in used_between(before, after).items()}


async def _idle(browser: Browser, served: Served, world: World) -> list[Row]:
    made = [world.state() for _ in range(round(SETTLE_SECONDS + IDLE_SECONDS))]
    states = iter([state for state, _ in made])
    async with new_page(browser) as page:
        await settled(page, served.url)
        cdp = await page.context.new_cdp_session(page)
        before = await metrics(cdp)
        used = await _used(browser, IDLE_SECONDS, lambda: served.publish(next(states)))
        after = await metrics(cdp)
        assert re.sub(r"\D", "", await page.inner_text(TOTAL)) == made[-1][1], "the page did not follow"
    async with new_page(browser) as page:
        await page.set_content("<h1></h1>")
        tick = "() => document.querySelector('h1').textContent = String(performance.now())"
        floor = await _used(browser, FLOOR_SECONDS, lambda: page.evaluate(tick))
    each = {key: (after[key] - before[key]) / (SETTLE_SECONDS + IDLE_SECONDS) * 1e3 for key in SPENT.values()}
    return [
        at_most(IDLE, sum(used.values()), 3.0, "% of a core"),
        *(Row(f"  {kind}", used.get(kind, 0.0), "% of a core") for kind in ("renderer", "gpu-process")),
        *(Row(f"  {name}", each[key], "ms a second") for name, key in SPENT.items()),
        Row("  a bare page with one number, the same way", sum(floor.values()), "% of a core"),
    ]


async def _measure(executable: str, page: Path | None) -> list[Row]:
    world = World(PERSON)
    async with serving(page) as served, launched(executable) as browser:
        await served.publish(world.state()[0])
        return [
            *await _first(browser, served),
            *await _wire(browser, served),
            *await _seen(browser, served, world),
            *await _idle(browser, served, world),
            *await flat(browser, served, world),
            *await many(browser, served),
        ]


def rows(page: Path | None = None) -> list[Row]:
    """The rows of the table; ``page`` is the folder of a built page, by default the one that the api serves."""
    executable = find_chromium()
    if executable is None:
        return not_run(GOALS, "for want of a Chromium: apt-get install chromium, or name one by CHROMIUM")
    if page is None and not files("api").joinpath("static", "index.html").is_file():
        return not_run(GOALS, "for want of a page: make page")
    return asyncio.run(_measure(executable, page))
