import asyncio
import datetime as dt

import pytest
from pydantic import SecretStr

from api.models import ErrorBody, RefreshBody
from api.settings import ApiLimits
from bus.interface import PublishError
from schemas.encoding import encode
from schemas.events import Event, RefreshCommand, RefreshResult
from schemas.topics import COMMANDS
from tests.http.support import ADMIN_TOKEN, Api, running_api, until
from tests.unit.api.states import NOW, sample, status

ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


class FakeCollector:
    """Follows commands as a collector does, and answers in its status when it is told to."""

    def __init__(self, api: Api, exchange: str, *accounts: str, ok: bool = True) -> None:
        self.commands: list[RefreshCommand] = []
        self._api = api
        self._exchange = exchange
        self._accounts = accounts
        self._ok = ok
        self._reader = api.bus.follow_commands(COMMANDS, self, name=f"fake {exchange}")

    async def start(self) -> None:
        await self._reader.start()
        await self._reader.live()
        await self._api.publish(*(status(self._exchange, name=name) for name in self._accounts))

    def command(self, event: Event) -> None:
        assert isinstance(event, RefreshCommand)
        if event.exchange == self._exchange:
            self.commands.append(event)

    async def answer(self) -> None:
        command = self.commands[-1]
        result = RefreshResult(
            command_id=command.id, ok=self._ok, message="" if self._ok else "No: the key was refused.", finished_at=NOW
        )
        for name in self._accounts:
            if command.account in {None, name}:
                seq = self._api.role.latest.statuses[f"main/{self._exchange}/{name}"].seq + 1
                answer = status(self._exchange, name=name, seq=seq, refreshes=[result])
                await self._api.bus.publish([encode(answer)])

    async def stop(self) -> None:
        await self._reader.stop()


async def post(api: Api, body: object = None) -> tuple[int, str]:
    async with api.client.post("/api/portfolio/refresh", headers=ADMIN, json=body or {}) as answer:
        return answer.status, await answer.text()


async def test_every_account_is_read_anew_or_says_why_not(admin_api: Api) -> None:
    good = FakeCollector(admin_api, "binance", "main", "savings")
    bad = FakeCollector(admin_api, "btcturk", "main", ok=False)
    for one in (good, bad):
        await one.start()
    asked = asyncio.create_task(post(admin_api))
    await until(lambda: bool(good.commands and bad.commands))
    await good.answer()
    await bad.answer()
    code, text = await asked
    assert code == 200
    body = RefreshBody.model_validate_json(text)
    assert [(a.exchange, a.account, a.refreshed, a.message) for a in body.accounts] == [
        ("binance", "main", True, ""),
        ("binance", "savings", True, ""),
        ("btcturk", "main", False, "No: the key was refused."),
    ]
    assert {good.commands[0].id, bad.commands[0].id} == {body.id}
    assert good.commands[0].account is None
    assert good.commands[0].expires_at == NOW + dt.timedelta(seconds=10)
    for one in (good, bad):
        await one.stop()


async def test_a_collector_that_does_not_answer_is_named() -> None:
    async with running_api(admin_token=SecretStr(ADMIN_TOKEN), limits=ApiLimits(refresh_seconds=0.1)) as api:
        await api.publish(status())
        code, text = await post(api)
        (account,) = RefreshBody.model_validate_json(text).accounts
        assert (code, account.refreshed) == (200, False)
        assert "no answer within 0.1 seconds" in account.message


async def test_one_account_can_be_asked_for(admin_api: Api) -> None:
    collector = FakeCollector(admin_api, "binance", "main", "savings")
    await collector.start()
    asked = asyncio.create_task(post(admin_api, {"exchange": "binance", "account": "savings"}))
    await until(lambda: bool(collector.commands))
    await collector.answer()
    _, text = await asked
    assert [account.account for account in RefreshBody.model_validate_json(text).accounts] == ["savings"]
    assert collector.commands[0].account == "savings"
    await collector.stop()


async def test_the_same_wish_at_the_same_time_is_one_refresh(admin_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    entered: list[object] = []
    refresher = admin_api.role._refresher
    refresh = refresher.refresh

    async def counted(wish: tuple[str, str | None, str | None]) -> bytes:
        entered.append(wish)
        return await refresh(wish)

    monkeypatch.setattr(refresher, "refresh", counted)
    collector = FakeCollector(admin_api, "binance", "main")
    await collector.start()
    asked = [asyncio.create_task(post(admin_api)) for _ in range(4)]
    await until(lambda: len(entered) == 4 and bool(collector.commands))
    leaver = asked.pop()
    leaver.cancel()  # One of them leaves; the others still get their answer.
    await asyncio.wait([leaver])
    await collector.answer()
    answers = await asyncio.gather(*asked)
    assert len({text for _, text in answers}) == 1
    assert len(collector.commands) == 1
    again = asyncio.create_task(post(admin_api))
    await until(lambda: len(collector.commands) == 2)
    await collector.answer()
    assert (await again)[0] == 200
    await collector.stop()


@pytest.mark.parametrize("body", [{}, {"exchange": "kraken"}, {"portfolio": "nobodys"}, {"account": "nobodys"}])
async def test_nothing_to_refresh_is_said_clearly(admin_api: Api, body: dict[str, str]) -> None:
    if body:
        await admin_api.publish(status())
    code, text = await post(admin_api, body)
    assert code == 404
    ErrorBody.model_validate_json(text)


async def test_a_source_without_keys_is_not_asked(admin_api: Api) -> None:
    await admin_api.publish(status(reads="unconfigured"))
    code, text = await post(admin_api)
    assert code == 404
    assert "no keys" in ErrorBody.model_validate_json(text).message


async def test_an_empty_body_without_a_type_means_everything(admin_api: Api) -> None:
    code, answer = await admin_api.raw(
        "POST /api/portfolio/refresh HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n"
        f"Authorization: Bearer {ADMIN_TOKEN}\r\n\r\n"
    )
    assert code == 404  # Past the guards: there is no account yet.
    assert "no_account" in answer


async def test_a_bus_that_does_not_answer_is_a_503(admin_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await admin_api.publish(status(), sample())

    async def publish(*_: object, **__: object) -> None:
        raise PublishError("the broker is away", unsent=1)

    monkeypatch.setattr(admin_api.bus, "publish", publish)
    code, text = await post(admin_api)
    assert code == 503
    assert ErrorBody.model_validate_json(text).error == "bus_away"
