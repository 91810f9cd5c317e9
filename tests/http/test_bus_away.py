"""What the api says while its own reader of the bus is not live: of the bus, never of the collectors."""

import json

import pytest
from pydantic import SecretStr

from api.models import ErrorBody
from api.settings import ApiLimits
from bus.interface import PublishError, ReaderState
from bus.reader import ReaderStatus
from tests.http.support import ADMIN_TOKEN, Api, running_api, until
from tests.http.test_refresh import post
from tests.http.test_stream import next_event
from tests.unit.api.states import sample, status

WHY = "Kafka does not answer: 127.0.0.1:19292 refuses connections: nothing listens there"


def reader(api: Api) -> ReaderStatus:
    """The api's own reader, to be told what a bus that is away tells it."""
    return api.role._reader._status  # type: ignore[attr-defined,no-any-return]


async def get(api: Api, path: str) -> tuple[int, str]:
    async with api.client.get(path) as answer:
        return answer.status, await answer.text()


async def test_all_say_that_the_bus_is_away_and_nobody_blames_a_collector(api: Api) -> None:
    await api.publish(sample(), status(), status("btcturk"))
    reader(api).degraded(WHY)
    api.clock.move(2)
    await get(api, "/api/portfolio")
    api.clock.move(80)
    body = json.loads((await get(api, "/api/portfolio"))[1])
    assert (body["bus"]["state"], body["bus"]["reason"]) == ("degraded", WHY)
    assert {source["error"]["mend"] for source in body["sources"]} == {"Look at Kafka, not at the collector."}


async def test_ready_begins_with_the_state() -> None:
    async with running_api() as api:
        reader(api).degraded(WHY)
        code, text = await get(api, "/ready")
        assert (code, json.loads(text)["reasons"]) == (503, {"api": f"degraded: {WHY}"})
        reader(api).recovered()
        assert (await get(api, "/ready"))[0] == 200
        reader(api).started()
        assert json.loads((await get(api, "/ready"))[1])["reasons"]["api"].startswith("loading: ")
        reader(api).failed("poisoned")
        assert json.loads((await get(api, "/ready"))[1])["reasons"] == {"api": "failed: poisoned"}


async def test_no_304_hides_that_the_bus_is_away(api: Api) -> None:
    await api.publish(sample())
    async with api.client.get("/api/portfolio") as answer:
        known = {"If-None-Match": answer.headers["ETag"]}
    reader(api).degraded(WHY)
    api.clock.move(1)
    async with api.client.get("/api/portfolio", headers=known) as answer:
        assert (answer.status, (await answer.json())["bus"]["state"]) == (200, "degraded")
        known = {"If-None-Match": answer.headers["ETag"]}
    api.clock.move(1)
    async with api.client.get("/api/portfolio", headers=known) as answer:
        assert answer.status == 304


async def test_streams_hear_of_it_at_once_and_of_the_return() -> None:
    async with running_api(limits=ApiLimits(bus_look_seconds=0.01)) as api:
        await api.publish(sample())
        async with api.client.get("/api/portfolio/stream") as answer:
            assert json.loads((await next_event(answer))["data"])["bus"]["state"] == "live"
            reader(api).degraded(WHY)
            assert json.loads((await next_event(answer))["data"])["bus"]["reason"] == WHY
            reader(api).recovered()
            assert json.loads((await next_event(answer))["data"])["bus"]["state"] == "live"


async def test_since_when_is_known_though_nobody_asked() -> None:
    async with running_api(limits=ApiLimits(bus_look_seconds=0.01)) as api:
        await api.publish(sample())
        reader(api).degraded(WHY)
        await until(lambda: api.role._bus._away_since is not None)
        since = api.clock.now()
        api.clock.move(600)
        body = json.loads((await get(api, "/api/portfolio"))[1])
        assert body["bus"]["since"] == since.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def test_a_refresh_names_what_does_not_answer(admin_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    reader(admin_api).degraded(WHY)
    code, text = await post(admin_api)
    error = ErrorBody.model_validate_json(text)
    assert (code, error.error) == (503, "bus_away"), "that no account is known is no collector's fault"
    assert WHY in error.message
    reader(admin_api).recovered()
    await admin_api.publish(status())

    async def publish(*_: object, **__: object) -> None:
        raise PublishError("1 facts were not acknowledged within 3 s", unsent=1)

    monkeypatch.setattr(admin_api.bus, "publish", publish)
    assert "not acknowledged within 3 s" in ErrorBody.model_validate_json((await post(admin_api))[1]).message
    reader(admin_api).degraded(WHY)
    message = ErrorBody.model_validate_json((await post(admin_api))[1]).message
    assert WHY in message
    assert "acknowledged" not in message


async def test_an_answer_that_cannot_be_heard_is_not_the_collectors_silence() -> None:
    async with running_api(admin_token=SecretStr(ADMIN_TOKEN), limits=ApiLimits(refresh_seconds=0.05)) as api:
        await api.publish(status())
        reader(api).degraded(WHY)
        assert api.role._reader.state is ReaderState.DEGRADED
        (account,) = json.loads((await post(api))[1])["accounts"]
        assert not account["refreshed"]
        assert WHY in account["message"]
        assert "collector gave no answer" not in account["message"]
