import json

import pytest

from api.models import ErrorBody, ExplainBody, PortfolioBody, PortfoliosBody
from tests.http.support import ASSET, Api, running_api, until
from tests.unit.api.states import account, holding, sample, state, status


async def test_health_is_ok_and_nothing_else(api: Api) -> None:
    async with api.client.get("/health") as answer:
        assert answer.status == 200
        assert await answer.json() == {"ok": True}


async def test_portfolio_has_the_customers_shape(api: Api) -> None:
    await api.publish(sample(), status())
    async with api.client.get("/api/portfolio") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["ETag"] == 'W/"7-1"'
        text = await answer.text()
    PortfolioBody.model_validate_json(text)
    body = json.loads(text)
    assert [a["exchange"] for a in body["accounts"]] == ["binance", "btcturk"]
    first = body["accounts"][0]
    assert first["balances"][0] == {
        "asset": "BTC",
        "code": None,
        "wallet": "spot",
        "free": "0.4",
        "locked": "0.1",
        "total": "0.5",
        "priceUsd": "82500",
        "valueUsd": "41250",
        "value24hAgoUsd": None,
        "pricePath": ["BTC", "USDT", "USD"],
        "priceStale": False,
        "counted": True,
        "mirrorOf": None,
    }
    assert first["totals"] == {"totalUsd": 61875.0, "totalUsdExact": "61875"}
    assert '"totalUsd":61875.00' in text
    unpriced = first["balances"][1]
    assert (unpriced["priceUsd"], unpriced["valueUsd"], unpriced["pricePath"]) == (None, None, None)
    assert body["totals"]["unpriced"] == [
        {"exchange": "binance", "account": "main", "wallet": "spot", "asset": "XYZ", "amount": "12"}
    ]
    assert body["totals"]["partial"] is True
    assert body["updatedAt"] == "2026-11-22T10:00:00.000Z"
    assert body["version"] == "7-1"
    assert body["demo"] is False


async def test_before_the_first_state_nothing_is_known_and_nothing_is_zero(api: Api) -> None:
    async with api.client.get("/api/portfolio") as answer:
        assert answer.status == 200
        assert "ETag" not in answer.headers
        text = await answer.text()
    body = json.loads(text)
    PortfolioBody.model_validate_json(text)
    assert body["accounts"] == []
    assert body["updatedAt"] is None
    assert body["totals"]["totalUsd"] is None
    assert body["totals"]["partial"] is True
    assert {(s["exchange"], s["state"]) for s in body["sources"]} == {("binance", "starting"), ("btcturk", "starting")}


async def test_a_source_that_never_answered_is_in_sources_alone(api: Api) -> None:
    await api.publish(status("btcturk", reads="refused", failed=True))
    async with api.client.get("/api/portfolio") as answer:
        body = await answer.json()
    assert body["accounts"] == []
    refused = next(source for source in body["sources"] if source["exchange"] == "btcturk")
    assert refused["state"] == "refused"
    assert refused["error"]["mend"] == "Check the key."


async def test_the_same_version_is_304_and_a_new_one_is_not(api: Api) -> None:
    await api.publish(sample())
    for condition in ('W/"7-1"', '"7-1"', 'W/"1-1", W/"7-1"', "*"):
        async with api.client.get("/api/portfolio", headers={"If-None-Match": condition}) as answer:
            assert answer.status == 304, condition
            assert await answer.read() == b""
            assert answer.headers["ETag"] == 'W/"7-1"'
    api.clock.move(30)  # Ages change, the version does not.
    async with api.client.get("/api/portfolio", headers={"If-None-Match": 'W/"7-1"'}) as answer:
        assert answer.status == 304
    await api.publish(sample(seq=2))
    async with api.client.get("/api/portfolio", headers={"If-None-Match": 'W/"7-1"'}) as answer:
        assert answer.status == 200
        assert (await answer.json())["version"] == "7-2"


async def test_ages_grow_and_are_rendered_once_a_second(api: Api) -> None:
    await api.publish(sample())

    async def read() -> tuple[bytes, float]:
        async with api.client.get("/api/portfolio") as answer:
            text = await answer.read()
        return text, json.loads(text)["accounts"][0]["ageSeconds"]

    first, age = await read()
    assert age == 0.0
    api.clock.move(0.5)
    assert (await read())[0] is not first
    assert (await read())[0] == first
    api.clock.move(2)
    assert (await read())[1] == 2.5


async def test_a_wallet_grows_stale_even_without_an_aggregator(api: Api) -> None:
    await api.publish(state([account("binance", [holding("BTC", "1", "80000")])]))
    async with api.client.get("/api/portfolio") as answer:
        body = await answer.json()
    assert (body["accounts"][0]["status"], body["totals"]["partial"]) == ("fresh", False)
    api.clock.move(61)
    async with api.client.get("/api/portfolio") as answer:
        body = await answer.json()
    assert body["accounts"][0]["status"] == "stale"
    assert body["accounts"][0]["wallets"][0]["status"] == "stale"
    assert body["totals"]["partial"] is True
    assert body["totals"]["reasons"][0]["kind"] == "wallet_stale"
    assert body["totals"]["totalUsd"] == 80000.0


async def test_an_older_state_is_never_served(api: Api) -> None:
    await api.publish(sample(seq=5))
    await api.publish(sample(seq=4), status())  # The status is a mark: what came before it was taken in.
    async with api.client.get("/api/portfolio") as answer:
        assert (await answer.json())["version"] == "7-5"


async def test_portfolios_are_asked_by_name(api: Api) -> None:
    await api.publish(sample(), state([account("okx", [holding("ETH", "1", "3000")])], portfolio="desk"))
    async with api.client.get("/api/portfolio?portfolio=desk") as answer:
        assert (await answer.json())["accounts"][0]["exchange"] == "okx"
    async with api.client.get("/api/portfolio?portfolio=nobodys") as answer:
        assert answer.status == 404
        error = ErrorBody.model_validate_json(await answer.text())
        assert "desk, main" in error.message
    async with api.client.get("/api/portfolio?portfolio=N%00") as answer:
        assert answer.status == 400


async def test_the_portfolios_are_listed_in_order_with_the_one_that_is_meant_by_none(api: Api) -> None:
    async with api.client.get("/api/portfolios") as answer:
        assert (answer.status, await answer.json()) == (200, {"portfolios": ["main"], "default": "main"})
        assert answer.headers["Cache-Control"] == "private, no-cache"
    desk = state([account("okx", [holding("ETH", "1", "3000")])], portfolio="desk")
    await api.publish(state([account("okx", [holding("ETH", "1", "3000")])], portfolio="zoo"), desk, sample())
    async with api.client.get("/api/portfolios") as answer:
        listed = PortfoliosBody.model_validate_json(await answer.text())
    assert (listed.portfolios, listed.default) == (("desk", "main", "zoo"), "main")
    for name in listed.portfolios:
        async with api.client.get(f"/api/portfolio?portfolio={name}") as answer:
            assert (await answer.json())["portfolio"] == name
    await api.retire(desk)
    await until(lambda: api.role.latest.view("desk") is None)
    async with api.client.get("/api/portfolios") as answer:
        assert (await answer.json())["portfolios"] == ["main", "zoo"]
    async with api.client.get("/api/portfolios?portfolio=main") as answer:
        assert answer.status == 400


async def test_a_retired_portfolio_is_gone(api: Api) -> None:
    desk = state([account("okx", [holding("ETH", "1", "3000")])], portfolio="desk")
    await api.publish(desk)
    await api.retire(desk)
    await api.publish(sample())
    async with api.client.get("/api/portfolio?portfolio=desk") as answer:
        assert answer.status == 404


async def test_explain_lists_what_the_sum_was_made_of(api: Api) -> None:
    await api.publish(sample())
    async with api.client.get("/api/portfolio/explain?asset=BTC") as answer:
        assert answer.status == 200
        text = await answer.text()
    explained = ExplainBody.model_validate_json(text)
    assert [(row.wallet, str(row.total)) for row in explained.balances] == [("spot", "0.5"), ("earn-flexible", "0.25")]
    assert explained.balances[0].version == "5-1"
    assert str(explained.total) == "0.75"
    assert str(explained.value_usd_exact) == "61875"
    assert explained.prices[0].path == ("BTC", "USDT", "USD")
    assert explained.prices[0].legs[0].version == "0-77"
    assert explained.prices[0].legs[1].version is None
    asset = next(one for one in sample().totals.by_asset if one.asset == "BTC")
    assert (explained.total, explained.value_usd_exact) == (asset.total, asset.value_usd)


@pytest.mark.parametrize(
    ("query", "status_code"),
    [
        ("asset=DOGE", 404),
        ("asset=BTC&exchange=btcturk", 404),
        ("asset=TRY&exchange=btcturk", 200),
        ("", 400),
        ("asset=", 400),
        ("asset=%00", 400),
        ("asset=BTC&exchange=%2e%2e", 400),
        ("asset=" + "A" * 65, 400),
    ],
)
async def test_explain_says_clearly_what_it_cannot_explain(api: Api, query: str, status_code: int) -> None:
    await api.publish(sample())
    async with api.client.get(f"/api/portfolio/explain?{query}") as answer:
        assert answer.status == status_code
        if status_code != 200:
            ErrorBody.model_validate_json(await answer.text())


async def test_explain_before_the_first_state(api: Api) -> None:
    async with api.client.get("/api/portfolio/explain?asset=BTC") as answer:
        assert answer.status == 404


async def test_root_leads_to_the_page_and_head_works(api: Api) -> None:
    await api.publish(sample())
    async with api.client.get("/", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/portfolio")
    for path in ("/health", "/api/portfolio", "/portfolio", "/metrics", "/api/openapi.json", ASSET):
        async with api.client.head(path) as answer:
            assert answer.status == 200, path
            assert await answer.read() == b""


async def test_demo_is_marked_everywhere() -> None:
    async with running_api(demo=True) as api:
        await api.publish(sample())
        async with api.client.get("/api/portfolio") as answer:
            assert (await answer.json())["demo"] is True


async def test_ready_follows_the_reader(api: Api) -> None:
    async with api.client.get("/ready") as answer:
        assert (answer.status, await answer.json()) == (200, {"ready": True})
    await api.role._reader.stop()
    async with api.client.get("/ready") as answer:
        assert answer.status == 503
        assert "api" in (await answer.json())["reasons"]


async def test_no_304_hides_that_something_has_grown_old(api: Api) -> None:
    await api.publish(sample())
    async with api.client.get("/api/portfolio") as answer:
        known = {"If-None-Match": answer.headers["ETag"]}
        assert {account["status"] for account in (await answer.json())["accounts"]} == {"fresh"}
    api.clock.move(3600)
    async with api.client.get("/api/portfolio", headers=known) as answer:
        assert answer.status == 200
        assert {account["status"] for account in (await answer.json())["accounts"]} == {"stale"}
        known = {"If-None-Match": answer.headers["ETag"]}
    api.clock.move(3600)
    async with api.client.get("/api/portfolio", headers=known) as answer:
        assert answer.status == 304
