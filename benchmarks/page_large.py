"""The page under load: ten thousand updates as fast as it takes them, and a portfolio of thousands of assets."""

import asyncio
import statistics
import time
from typing import Final

from playwright.async_api import Browser

from benchmarks.page_browser import COUNT, FRAMES, LONG_TASKS, STAMP, kept, new_page, settled
from benchmarks.page_state import Served, World
from benchmarks.table import Row, at_most

MANY: Final = {"binance": 5_000}

UPDATES: Final = 10_000
UPDATES_BEFORE: Final = 1_000
"""After these everything is there that is there once: compiled code, caches, the chart."""

STATES: Final = 50
"""So many different ones are sent again and again: making ten thousand would take longer than showing them."""

LATE_SECONDS: Final = 10.0
LONG_FRAME_MS: Final = 50.0

FLAT: Final = f"page: heap growth from {UPDATES_BEFORE:,} to {UPDATES:,} updates"


async def first_totals(browser: Browser, served: Served, rounds: int) -> list[float]:
    """Milliseconds of each round, in a profile of its own."""
    taken = []
    for _ in range(rounds):
        async with new_page(browser, STAMP) as page:
            await page.goto(f"{served.url}/portfolio")
            await page.wait_for_function("() => globalThis.__painted.length > 0")
            taken.append(await page.evaluate("() => globalThis.__painted[0][1] - performance.timeOrigin"))
    return taken


async def flat(browser: Browser, served: Served, world: World) -> list[Row]:
    """What the page still holds after many updates, compared to after few."""
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


async def many(browser: Browser, served: Served) -> list[Row]:
    """How it goes with thousands of rows."""
    world = World(MANY, seed=2)
    await served.publish(world.state()[0])
    taken = await first_totals(browser, served, 3)
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
            "Input.synthesizeScrollGesture",
            {"x": 640, "y": 600, "yDistance": -12_000, "speed": 3_000, "repeatCount": 0},
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
