"""The broker of the tests is a real one, and can be put through what a broker goes through."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from localkafka import BlockingBroker, BrokerError, KafkaUnavailableError, jars, wire
from localkafka.blocking import STOP_SECONDS, new_cluster_id
from tests.kafka_fixtures import MakeBroker
from tests.ports import free_port

ROOT = Path(__file__).parents[2]


async def create(bootstrap: str, topic: str, **client) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **client)
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(topic, 1, 1)])
        assert [error[1] for error in answer.topic_errors] == [0], answer
    finally:
        await admin.close()


@asynccontextmanager
async def running(client: Any) -> AsyncIterator[Any]:
    """A client that is stopped even when it could not start, and all of it in bounded time."""
    async with asyncio.timeout(20):
        try:
            await client.start()
            yield client
        finally:
            await client.stop()


async def produce(bootstrap: str, topic: str, *values: bytes, **client) -> None:
    async with running(AIOKafkaProducer(bootstrap_servers=bootstrap, **client)) as producer:
        for value in values:
            await producer.send_and_wait(topic, value, partition=0)


async def consume(bootstrap: str, topic: str, **client) -> list[bytes]:
    """Everything that the topic holds."""
    partition = TopicPartition(topic, 0)
    async with running(AIOKafkaConsumer(bootstrap_servers=bootstrap, **client)) as consumer:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[bytes] = []
        while await consumer.position(partition) < end:
            records = await consumer.getmany(partition, timeout_ms=200)
            found += [record.value for record in records.get(partition, [])]
        return found


async def topics(bootstrap: str) -> list[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return await admin.list_topics()
    finally:
        await admin.close()


async def test_the_shared_broker_keeps_what_is_sent(kafka: str, topic_prefix: str):
    topic = topic_prefix + "a"
    await create(kafka, topic)
    await produce(kafka, topic, b"1", b"2")
    assert await consume(kafka, topic) == [b"1", b"2"]


async def test_a_topic_nobody_made_does_not_appear(kafka: str, topic_prefix: str):
    with pytest.raises(KafkaError):
        await produce(kafka, topic_prefix + "misspelt", b"1", request_timeout_ms=1000)
    assert topic_prefix + "misspelt" not in await topics(kafka)


async def test_data_outlive_a_kill_and_a_restart_but_not_a_wipe(broker: MakeBroker):
    one = broker()
    await one.start()
    await create(one.bootstrap, "a")
    await produce(one.bootstrap, "a", b"1")
    first = one.pid
    await one.kill()
    assert one.pid is None
    assert not wire.answers(one.port)
    await one.start()
    assert one.pid not in {None, first}
    await one.restart()
    assert await consume(one.bootstrap, "a") == [b"1"]
    with pytest.raises(BrokerError, match="stop or kill it first"):
        await one.wipe()
    await one.stop()
    await one.wipe()
    await one.start()
    assert await topics(one.bootstrap) == []


def threads_of(pid: int | None) -> set[str]:
    """How the threads of a process stand, by their letters in /proc."""
    return {stat.read_text().rpartition(")")[2].split()[0] for stat in Path(f"/proc/{pid}/task").glob("*/stat")}


@pytest.mark.skipif(sys.platform != "linux", reason="the state of threads is read from /proc")
async def test_when_pausing_returns_every_thread_stands(broker: MakeBroker):
    one = broker()
    await one.start()
    for _ in range(20):
        one.pause()
        assert threads_of(one.pid) == {"T"}
        one.resume()


async def test_a_paused_broker_is_silent_and_goes_on(broker: MakeBroker):
    one = broker()
    await one.start()
    one.pause()
    assert not await asyncio.to_thread(wire.answers, one.port, timeout_seconds=0.3)
    assert one.pid is not None
    one.resume()
    await create(one.bootstrap, "a")
    one.pause()
    began = time.monotonic()
    await one.stop()
    assert time.monotonic() - began < STOP_SECONDS, "a paused one is to be stopped in order, not killed at last"
    assert one.pid is None


async def test_a_broker_that_cannot_start_says_why(broker: MakeBroker):
    one = broker(properties={"log.cleaner.backoff.ms": "often"})
    with pytest.raises(BrokerError, match=r"log\.cleaner\.backoff\.ms"):
        await one.start()
    assert one.pid is None


def test_a_cluster_id_is_never_taken_for_an_option():
    made = {new_cluster_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(len(one) == 22 and not one.startswith("-") for one in made)


def test_what_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailableError, match="install Java 17"):
        jars.java()
    with pytest.raises(KafkaUnavailableError, match="install Maven"):
        jars.fetch(tmp_path / "cache")
    assert not (tmp_path / "cache" / jars.version()).exists()


def test_a_fetch_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    maven = tmp_path / "mvn"
    half = f'mkdir -p "${{last#*=}}"; touch "${{last#*=}}/kafka_2.13-{jars.version()}.jar"'
    maven.write_text(f"#!/bin/sh\nfor last; do :; done\n{half}\necho 'no route'; exit 1\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(KafkaUnavailableError, match="no route"):
        jars.fetch(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]


def test_two_that_fetch_at_once_fetch_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    maven = tmp_path / "mvn"
    whole = f'mkdir -p "${{last#*=}}"; sleep 0.2; touch "${{last#*=}}/kafka_2.13-{jars.version()}.jar"'
    maven.write_text(f"#!/bin/sh\necho . >>{tmp_path}/calls\nfor last; do :; done\n{whole}\n")
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with ThreadPoolExecutor(2) as pool:
        found = set(pool.map(jars.fetch, [tmp_path / "cache"] * 2))
    assert found == {tmp_path / "cache" / jars.version()}
    assert (tmp_path / "calls").read_text() == ".\n"


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)  # noqa: S603 - ours


def gone(pid: int) -> bool:
    """Whether a process has ended; one that only waits to be collected has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_killed_parent_takes_its_broker_along(tmp_path: Path, broker: MakeBroker):
    program = """
        import pathlib, signal, sys
        from localkafka import BlockingBroker
        one = BlockingBroker(pathlib.Path(sys.argv[1]))
        one.start()
        print(one.pid, flush=True)
        signal.pause()
    """
    command = ["-c", textwrap.dedent(program), str(tmp_path / "orphan")]
    with started(*command) as parent:
        pid = int(parent.stdout.readline())
        os.killpg(parent.pid, signal.SIGKILL)
    ends_at = time.monotonic() + 10
    while not gone(pid):
        if time.monotonic() > ends_at:
            os.kill(pid, signal.SIGKILL)
            pytest.fail("the broker lives on")
        time.sleep(0.02)


def test_the_command_runs_one_until_it_is_told_to_end(tmp_path: Path, broker: MakeBroker):
    port = free_port()
    command = ["-m", "localkafka", "--port", str(port), "--folder", str(tmp_path / "kept")]
    with started(*command) as process:
        assert process.stdout.readline() == f"KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:{port}\n"
        assert wire.answers(port)
        with pytest.raises(BrokerError, match="taken by another broker"):
            BlockingBroker(tmp_path / "second", port=port).start()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert not wire.answers(port)
    assert (tmp_path / "kept" / "data" / "meta.properties").exists()
