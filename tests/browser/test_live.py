"""The page follows what happens without being loaded again, says when it cannot, and goes on when it can."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.stage import Running, Stage
from tests.browser.states import demo
from tests.browser.test_total import expected
from tests.browser.texts import amount, number
from tests.flow.test_truth import priced

SILENCE_MS = 60_000
"""Longer than the page waits for a sign of life."""


async def hold(system: Running, amount: str) -> None:
    """Have the exchange say so, and the API."""
    system.sim.set_balance("btcturk", "main", "spot", "AVAX", free=amount)
    await system.until(
        lambda said: any(
            row["asset"] == "AVAX" and row["free"] == amount for a in said["accounts"] for row in a["balances"]
        )
    )


async def shows(page: Page, amount: str) -> None:
    await expect(page.get_by_test_id("row-AVAX").locator(".column-free")).to_contain_text(amount)


async def is_live(page: Page) -> None:
    """Live, or live again: after many failed tries the next one is up to 15 seconds away."""
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-status", "live", timeout=30_000)


async def never_loaded_again(page: Page) -> Callable[[], Awaitable[None]]:
    """Mark this very document; what is returned looks whether it is still the same."""
    await page.evaluate("() => { globalThis.sparkMark = true; }")

    async def check() -> None:
        assert await page.evaluate("() => globalThis.sparkMark === true"), "the page was loaded again"

    return check


async def test_a_change_at_the_exchange_shows_by_itself(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url)
    await is_live(page)
    check = await never_loaded_again(page)
    await hold(scene.system, "77.125")
    await shows(page, "77.125")
    document = await scene.system.settled(priced)
    await expect(page.get_by_test_id("total")).to_have_text(amount("en", expected(document, "USD")))
    scene.system.sim.set_price("binance", "BTCUSDT", last="90000.5")
    await expect(page.get_by_test_id("row-BTC").locator(".column-price")).to_contain_text("90,000.5")
    await check()


async def test_it_goes_on_after_the_api_was_started_again(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    document = await scene.system.settled(priced)
    page = await open_page(scene.url, network_may_fail=True)
    await is_live(page)
    check = await never_loaded_again(page)
    before = amount("en", expected(document, "USD"))
    await expect(page.get_by_test_id("total")).to_have_text(before)
    await scene.system.stop()
    await expect(page.get_by_test_id("banner-lost")).to_be_visible()
    await expect(page.get_by_test_id("connection")).not_to_have_attribute("data-status", "live")
    # What was known stays in sight.
    await expect(page.get_by_test_id("total")).to_have_text(before)
    await scene.system.restart()
    await scene.system.until(priced)
    await is_live(page)
    await expect(page.get_by_test_id("banner-lost")).to_be_hidden()
    await hold(scene.system, "88.5")
    await shows(page, "88.5")
    await check()


async def test_what_is_shown_while_nothing_comes_is_marked_old(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url, network_may_fail=True)
    await is_live(page)
    await expect(page.locator("section.total")).to_have_attribute("data-old", "false")
    await scene.system.stop()
    await expect(page.locator("section.total")).to_have_attribute("data-old", "true")


async def test_a_cut_network_is_survived(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    proxy = await stage.proxy(scene.url)
    page = await open_page(proxy.url, network_may_fail=True)
    await is_live(page)
    check = await never_loaded_again(page)
    await proxy.cut()
    await expect(page.get_by_test_id("banner-lost")).to_be_visible()
    await hold(scene.system, "99.5")
    await proxy.mend()
    await is_live(page)
    await shows(page, "99.5")
    await check()


@pytest.mark.parametrize("passing", ["awake", "asleep"])
async def test_a_connection_that_stays_open_and_says_nothing_is_not_live_for_ever(
    stage: Stage, open_window, passing: str
) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    proxy = await stage.proxy(scene.url)
    window = await open_window(proxy.url, network_may_fail=True, visit=False)
    page = window.page
    await page.clock.install()
    await page.goto(f"{proxy.url}/portfolio?lang=en")
    await is_live(page)
    proxy.stall()
    # Awake, every timer goes off in its turn; asleep, none does, and afterwards all are late.
    passes = page.clock.run_for if passing == "awake" else page.clock.fast_forward
    await passes(SILENCE_MS)
    await expect(page.get_by_test_id("connection")).not_to_have_attribute("data-status", "live")
    await passes(SILENCE_MS)
    await expect(page.get_by_test_id("banner-lost")).to_be_visible()
    await expect(page.locator("section.total")).to_have_attribute("data-old", "true")


@pytest.mark.slow
async def test_where_no_stream_gets_through_states_are_asked_for(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    proxy = await stage.proxy(scene.url)
    proxy.refused = {"/api/portfolio/stream"}
    page = await open_page(proxy.url, network_may_fail=True)
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-status", "polling", timeout=30_000)
    await hold(scene.system, "66.5")
    await shows(page, "66.5")


async def test_the_demo_as_people_start_it_ticks(demo: str, open_page) -> None:
    """The installed command, whose prices walk by themselves."""
    page = await open_page(demo)
    await is_live(page)
    await expect(page.get_by_test_id("demo-badge")).to_be_visible()
    total = page.get_by_test_id("total")
    first = await total.inner_text()
    await expect(total).not_to_have_text(first)
    assert abs(number("en", await total.inner_text()) / number("en", first) - 1) < 1
