"""What looks like the state of now is the state of now; and who is to blame where it is not."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.stage import READER, Running, Stage
from tests.browser.states import demo, read_token
from tests.browser.test_live import is_live
from tests.browser.test_refresh import REFUSED, give_token
from tests.browser.texts import said

Document = dict[str, Any]

NUMBER = re.compile(r"[0-9]")
UNREAD = {"version": None, "updatedAt": None, "accounts": [], "sources": [], "prices": [], "rates": []}


def changed(system: Running, amount: str) -> None:
    """Something changes at the exchange, so that the API tells its state anew."""
    system.sim.set_balance("btcturk", "main", "spot", "AVAX", free=amount)


def has_status(page: Page, status: str) -> Any:
    return expect(page.get_by_test_id("connection")).to_have_attribute("data-status", status)


async def test_a_server_that_became_newer_is_no_live_one_with_an_old_total(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    proxy = await stage.proxy(scene.url)
    page = await open_page(proxy.url)
    await is_live(page)
    await expect(page).to_have_title(NUMBER)
    proxy.rewrite = lambda document: {**document, "schemaVersion": 2}
    changed(scene.system, "12.5")
    await expect(page.get_by_test_id("unsupported")).to_be_visible()
    await has_status(page, "unsupported")
    await expect(page.get_by_test_id("connection")).to_have_text(said("en", "connection.unsupported"))
    await expect(page).not_to_have_title(NUMBER)
    proxy.rewrite = None
    changed(scene.system, "13.5")
    await is_live(page)
    await expect(page).to_have_title(NUMBER)


async def test_while_the_bus_is_away_the_title_has_no_total(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    proxy = await stage.proxy(scene.url)
    page = await open_page(proxy.url)
    await expect(page).to_have_title(NUMBER)
    bus = {"state": "degraded", "since": scene.document["updatedAt"], "reason": "Kafka does not answer"}
    proxy.rewrite = lambda document: {**document, "bus": bus}
    changed(scene.system, "12.5")
    await expect(page.get_by_test_id("banner-bus")).to_be_visible()
    await expect(page).not_to_have_title(NUMBER)


async def test_an_api_that_has_read_nothing_yet_takes_no_total_away(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    assert scene.system is not None
    proxy = await stage.proxy(scene.url)
    page = await open_page(proxy.url, network_may_fail=True)
    await is_live(page)

    def unread(document: Document) -> Document:
        totals = {**document["totals"], "totalUsd": None, "totalUsdExact": None, "reasons": [], "unpriced": []}
        totals |= {"byExchange": [], "byWallet": [], "byAsset": [], "change24h": None}
        bus = {"state": "loading", "since": None, "reason": None}
        return {**document, **UNREAD, "totals": totals, "bus": bus}

    await proxy.cut()
    proxy.rewrite = unread
    await proxy.mend()
    lost = page.get_by_test_id("banner-lost")
    await expect(lost).to_contain_text(said("en", "connection.why.starting"))
    await expect(page.get_by_test_id("total")).to_contain_text(NUMBER)
    await expect(page.locator("section.total")).to_have_attribute("data-old", "true")
    await has_status(page, "reconnecting")
    await expect(page).not_to_have_title(NUMBER)
    proxy.rewrite = None
    changed(scene.system, "12.5")
    await is_live(page)
    await expect(lost).to_be_hidden()


async def test_while_the_bus_is_away_nothing_looks_live(stage: Stage, open_page) -> None:
    """The connection to the api is well, and yet nothing new can come over it."""
    scene = await demo(stage)
    assert scene.system is not None
    proxy = await stage.proxy(scene.url)
    page = await open_page(proxy.url)
    await is_live(page)
    sources = page.locator("section.sources")
    await expect(sources).to_contain_text(said("en", "sources.summary").split("{")[0])
    since = "2026-03-04T05:06:07.000Z"
    bus = {"state": "degraded", "since": since, "reason": "Kafka does not answer"}
    proxy.rewrite = lambda document: {**document, "bus": bus}
    changed(scene.system, "12.5")
    await has_status(page, "bus_away")
    await expect(page.get_by_test_id("connection")).to_have_text(said("en", "connection.bus_away"))
    await expect(sources).to_contain_text("4 Mar 2026, 08:06:07")
    await expect(sources.locator("h2")).to_have_text(said("en", "sources.title"))
    await expect(page.locator("section.total")).to_have_attribute("data-old", "true")
    await expect(page).not_to_have_title(NUMBER)
    change = page.get_by_test_id("total-change")
    colors = "element => [getComputedStyle(element).color, getComputedStyle(element.parentElement).color]"
    own, around = await change.evaluate(colors)
    assert own == around, "a colour would say that it is so now"
    proxy.rewrite = None
    changed(scene.system, "13.5")
    await is_live(page)
    await expect(page.locator("section.total")).to_have_attribute("data-old", "false")


async def test_a_server_that_answers_wrongly_from_the_start_is_not_said_to_be_gone(stage: Stage, open_page) -> None:
    scene = await demo(stage)
    proxy = await stage.proxy(scene.url, lambda _document: {"schemaVersion": 1})
    page = await open_page(proxy.url)
    lost = page.get_by_test_id("banner-lost")
    await expect(lost).to_contain_text(said("en", "connection.why.broken"))
    await expect(lost).not_to_contain_text(said("en", "connection.lostNever"))
    await expect(lost.locator('[lang="en"]')).to_contain_text("wrong shape")


async def test_the_list_of_portfolios_is_asked_for_again(stage: Stage, open_window) -> None:
    scene = await demo(stage)
    proxy = await stage.proxy(scene.url)
    proxy.refused = {"/api/portfolios"}
    window = await open_window(proxy.url, network_may_fail=True)
    async with window.page.expect_response(lambda answer: "/api/portfolios" in answer.url and answer.ok):
        await is_live(window.page)
        proxy.refused = set()


async def test_a_token_with_spaces_around_it_opens_the_page(stage: Stage, open_page) -> None:
    scene = await read_token(stage)
    page = await open_page(scene.url, statuses=REFUSED)
    await give_token(page, f"  {READER} ")
    await expect(page.get_by_test_id("total")).to_be_visible()


async def test_the_same_token_given_again_is_tried_again(stage: Stage, open_page) -> None:
    scene = await read_token(stage)
    page = await open_page(scene.url, statuses=REFUSED)
    wrong = "wrong-" + "0" * 40
    await give_token(page, wrong)
    await expect(page.get_by_role("alert")).to_be_visible()
    async with page.expect_response(lambda answer: "/api/portfolio/stream" in answer.url and answer.status in REFUSED):
        await give_token(page, wrong)
