"""Dialogs close as people expect, give the focus back, and keep hidden amounts hidden."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.chromium import Language
from tests.browser.stage import Stage
from tests.browser.states import Scene, demo, settled_demo
from tests.browser.texts import LANGUAGES, said

MASK = "••••••"
AMOUNTS = ("free", "locked", "total", "value")
OUTSIDE = {"x": 5, "y": 5}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def scene(shared_stage: Stage) -> Scene:
    return await settled_demo(shared_stage)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("way", ["escape", "button", "outside"])
async def test_the_reasons_are_put_away_and_the_focus_is_back(
    scene: Scene, open_page, language: Language, way: str
) -> None:
    page = await open_page(scene.url, language=language)
    badge = page.get_by_test_id("total-partial")
    await badge.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_test_id("partial-dialog")
    await expect(dialog.get_by_test_id("reasons")).to_be_visible()
    await expect(page.locator("[role=dialog]:focus, [role=dialog] :focus")).to_have_count(1)
    if way == "escape":
        await page.keyboard.press("Escape")
    elif way == "button":
        close = dialog.get_by_role("button", name=said(language, "app.close"))
        await close.focus()
        await page.keyboard.press("Enter")
    else:
        await page.locator(".overlay").click(position=OUTSIDE)
    await expect(dialog).to_have_count(0)
    await expect(badge).to_be_focused()


async def test_reasons_that_are_gone_do_not_come_back_by_themselves(stage: Stage, open_page) -> None:
    moving = await demo(stage)
    assert moving.system is not None
    proxy = await stage.proxy(moving.url)
    page = await open_page(proxy.url)
    await page.get_by_test_id("total-partial").click()
    dialog = page.get_by_test_id("partial-dialog")
    await expect(dialog).to_be_visible()

    def complete(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "totals": {**document["totals"], "partial": False, "reasons": []}}

    proxy.rewrite = complete
    moving.system.sim.set_price("binance", "BTCUSDT", last="81234.5")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_test_id("total-partial")).to_have_count(0)
    proxy.rewrite = None
    moving.system.sim.set_price("binance", "BTCUSDT", last="70000.1")
    await expect(page.get_by_test_id("total-partial")).to_be_visible()
    await expect(dialog).to_have_count(0)


async def previewed(page: Page) -> list[list[str]]:
    text = await page.get_by_test_id("export-preview").inner_text()
    return [line for line in csv.reader(io.StringIO(text.removeprefix("\ufeff"))) if line]


async def saved(page: Page) -> list[list[str]]:
    async with page.expect_download() as saving:
        await page.get_by_test_id("download").click()
    text = (await (await saving.value).path()).read_text(encoding="utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize("scope", ["shown", "all"])
async def test_hidden_amounts_are_hidden_in_the_preview_and_whole_in_the_file(
    scene: Scene, open_page, axe, scope: str
) -> None:
    page = await open_page(scene.url, storage={"spark.hidden": "yes"})
    await page.get_by_test_id("export").click()
    dialog = page.get_by_test_id("export-dialog")
    await expect(dialog).to_contain_text(said("en", "export.hiddenNote"))
    if scope == "all":
        await dialog.locator("label", has_text="All balances of all accounts").click()
        await expect(page.get_by_test_id("export-preview")).to_contain_text(said("en", "export.column_wallet"))
    head, *lines = await previewed(page)
    places = {head.index(said("en", f"export.column_{name}")) for name in AMOUNTS}
    assert lines
    for line in lines:
        assert {line[at] for at in places} <= {MASK, ""}
        # Public prices and percentages stay.
        assert line[head.index(said("en", "export.column_price"))] != MASK
    await axe(page)
    _, *rows = await saved(page)
    assert not [cell for row in rows for cell in row if MASK in cell]
    total = head.index(said("en", "export.column_total"))
    if scope == "all":
        asset, wallet = (head.index(said("en", f"export.column_{name}")) for name in ("asset", "wallet"))
        exchange = head.index(said("en", "export.column_exchange"))
        found = {(row[exchange], row[wallet], row[asset]): Decimal(row[total]) for row in rows}
        assert found == {
            (one["exchange"], row["wallet"], row["asset"]): Decimal(row["total"])
            for one in scene.document["accounts"]
            for row in one["balances"]
        }
    else:
        by_asset = {one["asset"]: Decimal(one["total"]) for one in scene.document["totals"]["byAsset"]}
        counted = {row[0]: Decimal(row[total]) for row in rows if row[0] in by_asset}
        assert counted == by_asset


async def test_nothing_is_masked_and_no_note_is_there_where_amounts_are_shown(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    await page.get_by_test_id("export").click()
    await expect(page.get_by_test_id("export-preview")).to_contain_text("BTC")
    await expect(page.get_by_test_id("export-dialog")).not_to_contain_text(said("en", "export.hiddenNote"))
    assert not [cell for line in await previewed(page) for cell in line if MASK in cell]


async def test_the_export_is_put_away_and_the_focus_is_back(scene: Scene, open_page) -> None:
    page = await open_page(scene.url)
    export = page.get_by_test_id("export")
    for way in ("Escape", said("en", "app.cancel")):
        await export.focus()
        await page.keyboard.press("Enter")
        dialog = page.get_by_test_id("export-dialog")
        await expect(dialog).to_be_visible()
        if way == "Escape":
            await page.keyboard.press("Escape")
        else:
            await dialog.get_by_role("button", name=way).click()
        await expect(dialog).to_have_count(0)
        await expect(export).to_be_focused()
