"""The page in Chromium: how soon it shows a total, how heavy it is, how quick a change is seen, what it costs to leave open.

The api runs in this process over a local bus; states are published as an aggregator does it, so an update travels all of
the way: bus, stream, network stack, page, frame. The portfolio has two accounts with thirty assets each, and every price
of it changes with every update, which is more than a real second brings.

Chromium is headless and draws in software, for want of a screen: what it spends on that is in the processor time of the
row, and shown apart, beside that of a bare page on which one number changes as often.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import aiohttp
from playwright.async_api import Browser, Page

from benchmarks.page_browser import (
    COUNT,
    FRAMES,
    LONG_TASKS,
    STAMP,
    TOTAL,
    Processors,
    Wire,
    browser_pid,
    clock_offset,
    kept,
    metrics,
    new_page,
    settled,
    used_between,
)
from benchmarks.page_state import Served, World, serving
from benchmarks.table import ROUNDS, Row, at_most, not_run
from tests.browser.chromium import find_chromium, launched

PERSON: Final = {"binance": 30, "btcturk": 30}
MANY: Final = {"binance": 5_000}

EVENTS: Final = 200
EVENT_SECONDS: Final = (0.08, 0.16)
"""From one event to the next: a random time in between, so that none keeps step with the frames."""

SETTLE_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 30.0
FLOOR_SECONDS: Final = 15.0

UPDATES: Final = 10_000
UPDATES_BEFORE: Final = 1_000
"""After these everything is there that is there once: compiled code, caches, the chart."""

STATES: Final = 50
"""So many different ones are sent again and again: making ten thousand would take longer than showing them."""

LATE_SECONDS: Final = 10.0
LONG_FRAME_MS: Final = 50.0

FIRST: Final = "page: navigation -> total painted, cold cache"
LIGHT: Final = "page: first load without charts, on the wire"
HEAVY: Final = "page: first load with charts, on the wire"
SEEN: Final = "page: state on the bus -> painted"
IDLE: Final = "page: open, one update a second: all of Chromium"
FLAT: Final = f"page: heap growth from {UPDATES_BEFORE:,} to {UPDATES:,} updates"

GOALS: Final = {
    FIRST: "<= 1000",
    LIGHT: "<= 220",
    HEAVY: "<= 390",
    f"{SEEN}: p95": "<= 50",
    IDLE: "<= 3",
    FLAT: "flat",
}


async def _first_totals(browser: Browser, served: Served, rounds: int) -> list[float]:
    """Milliseconds of each round, in a profile of its own."""
    taken = []
    for _ in range(rounds):
        async with new_page(browser, STAMP) as page:
            await page.goto(f"{served.url}/portfolio")
            await page.wait_for_function("() => globalThis.__painted.length > 0")
            taken.append(await page.evaluate("() => globalThis.__painted[0][1] - performance.timeOrigin"))
    return taken


async def _first(browser: Browser, served: Served) -> list[Row]:
    taken = await _first_totals(browser, served, ROUNDS)
    return [at_most(FIRST, statistics.median(taken), 1000.0, "ms"), Row("  slowest", max(taken), "ms")]


async def _linked(page: Page, url: str, known: dict[str, int]) -> dict[str, int]:
    """What a browser with a window loads too: the icon, the manifest. A headless one has no use for them."""
    script = "() => [...document.querySelectorAll('link[rel=icon], link[rel=manifest]')].map((link) => new URL(link.href).pathname)"
    found: dict[str, int] = {}
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        for path in await page.evaluate(script):
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
    source, sent, skipped = random.Random(3), [], 0
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
    states = iter([world.state()[0] for _ in range(round(SETTLE_SECONDS + IDLE_SECONDS))])
    async with new_page(browser) as page:
        await settled(page, served.url)
        cdp = await page.context.new_cdp_session(page)
        before = await metrics(cdp)
        used = await _used(browser, IDLE_SECONDS, lambda: served.publish(next(states)))
        after = await metrics(cdp)
    async with new_page(browser) as page:
        await page.set_content("<h1></h1>")
        tick = "() => document.querySelector('h1').textContent = String(performance.now())"
        floor = await _used(browser, FLOOR_SECONDS, lambda: page.evaluate(tick))
    updates = SETTLE_SECONDS + IDLE_SECONDS
    return [
        at_most(IDLE, sum(used.values()), 3.0, "% of a core"),
        *(Row(f"  {kind}", used.get(kind, 0.0), "% of a core") for kind in ("renderer", "gpu-process")),
        Row("  the page's main thread, each update", (after["TaskDuration"] - before["TaskDuration"]) / updates * 1e3, "ms"),
        *(
            Row(f"    of it {name}", (after[key] - before[key]) / updates * 1e3, "ms")
            for name, key in (("script", "ScriptDuration"), ("style", "RecalcStyleDuration"), ("layout", "LayoutDuration"))
        ),
        Row("  a bare page with one number, the same way", sum(floor.values()), "% of a core"),
    ]


async def _flat(browser: Browser, served: Served, world: World) -> list[Row]:
    states = [world.state()[0] for _ in range(STATES)]
    epoch = states[0].epoch + 1
    async with new_page(browser) as page:
        await settled(page, served.url)
        await page.evaluate(COUNT)
        cdp = await page.context.new_cdp_session(page)
        before, began, number = {}, 0.0, 0
        while number < UPDATES:
            sent = served.value("spark_api_stream_events_total")
            number += 1
            await served.publish(states[number % STATES].model_copy(update={"epoch": epoch, "seq": number}))
            async with asyncio.timeout(LATE_SECONDS):
                while served.value("spark_api_stream_events_total") == sent:
                    await asyncio.sleep(0)
            if number == UPDATES_BEFORE:
                before, began = await kept(cdp), time.monotonic()
        seconds = time.monotonic() - began
        after = await kept(cdp)
        painted = await page.evaluate("() => globalThis.__count")
    heap = before["JSHeapUsedSize"] / 1e6
    return [
        at_most(FLAT, after["JSHeapUsedSize"] / 1e6 - heap, heap * 0.05 + 1.0, "MB"),
        Row("  heap after the first of them", heap, "MB"),
        at_most("  growth in nodes", after["Nodes"] - before["Nodes"], 0.0, "nodes"),
        at_most("  growth in listeners", after["JSEventListeners"] - before["JSEventListeners"], 0.0, "listeners"),
        Row("  updates sent", (UPDATES - UPDATES_BEFORE) / seconds, "a second"),
        Row("  painted of them, the newest of each frame", painted, f"of {UPDATES:,}"),
    ]


async def _many(browser: Browser, served: Served) -> list[Row]:
    world = World(MANY, seed=2)
    await served.publish(world.state()[0])
    taken = await _first_totals(browser, served, 3)
    async with new_page(browser, STAMP) as page:
        await settled(page, served.url)
        await page.evaluate(LONG_TASKS)
        for _ in range(3):
            state, digits = world.state()
            await served.publish(state)
            await page.wait_for_function(f"() => globalThis.__painted.some(([text]) => text === '{digits}')")
        await asyncio.sleep(1.0)
        tasks = await page.evaluate("() => globalThis.__tasks")
        cdp = await page.context.new_cdp_session(page)
        await page.evaluate(FRAMES)
        await cdp.send(
            "Input.synthesizeScrollGesture", {"x": 640, "y": 600, "yDistance": -12_000, "speed": 3_000, "repeatCount": 0}
        )
        frames = await page.evaluate("() => globalThis.__frames")
        assert await page.evaluate("() => scrollY > 5000"), "it did not scroll"
    rows = sum(MANY.values())
    return [
        Row(f"page of {rows:,} rows: navigation -> total painted", statistics.median(taken), "ms"),
        Row("  longest task of an update", max(tasks, default=0.0), "ms"),
        Row("  scrolled at 3,000 px/s: longest frame", max(frames), "ms"),
        Row(f"  frames over {LONG_FRAME_MS:g} ms", sum(frame > LONG_FRAME_MS for frame in frames), f"of {len(frames)}"),
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
            *await _flat(browser, served, world),
            *await _many(browser, served),
        ]


def rows(page: Path | None = None) -> list[Row]:
    """The rows of the table; ``page`` is the folder of a built page, by default the one that the api serves."""
    executable = find_chromium()
    if executable is None:
        return not_run(GOALS, "for want of a Chromium: apt-get install chromium, or name one by CHROMIUM")
    if page is None and not Path("api/static/index.html").is_file():
        return not_run(GOALS, "for want of a page: make page")
    return asyncio.run(_measure(executable, page))
