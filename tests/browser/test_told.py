"""What is read out: each new trouble once, whichever tab is open."""

import re

import pytest
from playwright.async_api import expect

from simulator import Fault
from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import demo
from tests.browser.states.failing import EARN_PATH
from tests.browser.states.scene import BTCTURK_PATH, priced
from tests.browser.texts import LANGUAGES, said


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_trouble_of_a_tab_that_is_not_open_is_read_out(stage: Stage, open_page, language: Language) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url, language=language)
    await page.get_by_test_id("tab-binance").click()
    scene.system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=500))
    await expect(page.get_by_test_id("announcer")).to_contain_text(said(language, "cause.trouble"))
    await expect(page.get_by_test_id("announcer")).to_contain_text("BTCTurk")
    await expect(page.get_by_test_id("trouble-btcturk-main")).to_have_count(0)
    await expect(page.get_by_test_id("tab-btcturk").locator(".tab-warning")).to_be_visible()


async def test_a_trouble_is_not_read_out_again_when_its_tab_is_opened(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url)
    await page.get_by_test_id("tab-binance").click()
    scene.system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=500))
    announcer = page.get_by_test_id("announcer")
    await expect(announcer).to_contain_text(said("en", "cause.trouble"))
    await announcer.evaluate(
        """(one) => { globalThis.sparkRead = [];
        new MutationObserver(() => sparkRead.push(one.textContent))
          .observe(one, {childList: true, characterData: true, subtree: true}); }"""
    )
    for tab in ("btcturk", "all", "binance", "btcturk"):
        await page.get_by_test_id(f"tab-{tab}").click()
        await expect(page.get_by_test_id("trouble-btcturk-main")).to_have_count(0 if tab == "binance" else 1)
    # A second trouble is read out, and without the first.
    scene.system.sim.inject(Fault("binance", "status", path=EARN_PATH, status=500))
    await expect(announcer).to_contain_text("Binance")
    read = await page.evaluate("() => sparkRead")
    assert len(read) == 1, read
    assert "BTCTurk" not in read[0]


async def test_a_trouble_that_passed_is_read_out_when_it_comes_back(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    page = await open_page(scene.url)
    await page.get_by_test_id("tab-binance").click()
    announcer = page.get_by_test_id("announcer")
    texts = set()
    for _ in range(2):
        before = await announcer.text_content()
        scene.system.sim.inject(Fault("btcturk", "status", path=BTCTURK_PATH, status=500))
        await expect(page.get_by_test_id("tab-btcturk").locator(".tab-warning")).to_be_visible()
        await page.wait_for_function(
            "(before) => document.querySelector('[data-testid=announcer]').textContent !== before", arg=before
        )
        texts.add(await announcer.text_content())
        scene.system.sim.clear_faults("btcturk")
        await expect(page.get_by_test_id("tab-btcturk").locator(".tab-warning")).to_have_count(0)
    assert len(texts) == 2, "the same words twice are a change, which alone is read"


@pytest.mark.parametrize("control", ["total", "row", "breakdown"])
async def test_the_name_of_what_has_the_focus_does_not_tick(stage: Stage, open_page, control: str) -> None:
    """Screen readers read out every new name of the focused control; the number that is seen goes on."""
    scene = await demo(stage)
    assert scene.system is not None
    await scene.system.settled(priced)
    page = await open_page(scene.url)
    row = page.get_by_test_id("row-BTC")
    await row.locator(".expander").click()
    button = {
        "total": page.locator("button.total-value"),
        "row": row.locator("tr:not(.breakdown) > .column-value button"),
        "breakdown": row.locator(".breakdown button.explain").first,
    }[control]
    await button.focus()
    name, text = await button.get_attribute("aria-label"), await button.inner_text()
    assert name is not None
    assert text in name
    scene.system.sim.set_price("binance", "BTCUSDT", last="91234.5")
    await expect(button).not_to_have_text(text)
    assert await button.get_attribute("aria-label") == name
    # Hidden meanwhile, as from another window: what was read out before must not be told any more.
    await page.get_by_test_id("privacy").evaluate("element => element.click()")
    await expect(button).not_to_have_attribute("aria-label", re.compile(r"\d"))
    await page.get_by_test_id("privacy").evaluate("element => element.click()")
    await button.blur()
    await expect(button).to_have_attribute("aria-label", re.compile(re.escape(await button.inner_text())))
