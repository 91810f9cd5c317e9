"""`forget` on a real Kafka: not while a collector reports the account, and not without a sentence where none answers."""

import asyncio
import datetime as dt
import time
from pathlib import Path

import pytest

from bus.interface import ReaderState
from bus.kafka_settings import KafkaSettings
from cli.exits import Exit, ExitError
from cli.forget import run_forget
from cli.settings.core import CoreSettings
from cli.settings.load import Settings
from schemas import topics
from schemas.encoding import encode
from tests.contract.bus.tools import Recorder
from tests.kafka.tools import Made, until
from tests.ports import free_port
from tests.unit.api.states import status


def settings_of(kafka: KafkaSettings, tmp_path: Path) -> Settings:
    return Settings(CoreSettings(state_dir=tmp_path), {}, kafka)


async def test_an_account_that_is_still_reported_is_refused_and_a_silent_one_is_forgotten(
    kafka: str, topic_prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = KafkaSettings(kafka, topic_prefix)
    settings = settings_of(where, tmp_path)
    made = Made(where)
    now = dt.datetime.now(dt.UTC)
    await made.bus.start()
    try:
        left = Recorder()
        reader = made.bus.follow_state([topics.COLLECTORS], left, name="left")
        await reader.start()
        await until(lambda: reader.state is ReaderState.LIVE)
        one = status().model_copy(update={"observed_at": now - dt.timedelta(seconds=10)})
        await made.bus.publish([encode(one)])
        with pytest.raises(ExitError, match=r"its collector reported 1\d s ago: stop it or take its key away") as error:
            await run_forget(settings, "binance/main", "main")
        assert error.value.code == Exit.WRONG_USE
        silent = one.model_copy(update={"observed_at": now - dt.timedelta(seconds=46), "seq": one.seq + 1})
        await made.bus.publish([encode(silent)])
        assert await run_forget(settings, "binance/main", "main") == Exit.CLEAN
        assert "binance/main is forgotten: 1 records" in capsys.readouterr().out
        await until(lambda: any(fact.event is None for fact in left.facts))
    finally:
        await made.bus.stop()


@pytest.mark.parametrize("way", ["nobody", "silence"])
async def test_without_a_broker_it_ends_soon_and_says_what_to_do(tmp_path: Path, way: str) -> None:
    async def swallow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    over = asyncio.Event()
    port = free_port()
    server = await asyncio.start_server(swallow, "127.0.0.1", port) if way == "silence" else None
    began = time.monotonic()
    try:
        with pytest.raises(ExitError, match=r"Kafka is away: .*correct KAFKA_BOOTSTRAP_SERVERS") as error:
            await run_forget(settings_of(KafkaSettings(f"127.0.0.1:{port}"), tmp_path), "binance/main", "main")
        assert error.value.code == Exit.ERROR
        assert time.monotonic() - began < 5
    finally:
        over.set()
        if server is not None:
            server.close()
            await server.wait_closed()
