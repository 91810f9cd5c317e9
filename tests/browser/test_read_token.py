"""A portfolio that only those with a token may see."""

from playwright.async_api import expect

from tests.browser.stage import READER, Stage
from tests.browser.states import read_token
from tests.browser.test_refresh import REFUSED, give_token, kept_anywhere


async def test_the_token_opens_the_page_and_is_kept_nowhere(stage: Stage, open_window) -> None:
    scene = await read_token(stage)
    assert scene.system is not None
    window = await open_window(scene.url, statuses=REFUSED)
    page = window.page
    await give_token(page, READER)
    await expect(page.get_by_test_id("total")).to_be_visible()
    await expect(page.get_by_test_id("connection")).to_have_attribute("data-status", "live")
    scene.system.sim.set_balance("btcturk", "main", "spot", "AVAX", free="31.25")
    await expect(page.get_by_test_id("row-AVAX").locator(".column-free")).to_contain_text("31.25")
    assert not await kept_anywhere(window, READER)
    await page.reload()
    await expect(page.get_by_test_id("token-dialog")).to_be_visible()


async def test_a_wrong_one_is_said_to_be_wrong(stage: Stage, open_page) -> None:
    scene = await read_token(stage)
    page = await open_page(scene.url, statuses=REFUSED)
    await give_token(page, "wrong-" + "0" * 40)
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_test_id("total")).to_have_count(0)
    await give_token(page, READER)
    await expect(page.get_by_test_id("total")).to_be_visible()
