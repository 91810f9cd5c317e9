"""`spark-portfolio up` on a real Kafka: all roles as processes, one display, one end."""

import asyncio
import json
import os
import re
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.ports import free_port
from tests.process.apart import until_gone, whole
from tests.process.conftest import OURS
from tests.process.test_terminal import watch

ROOT = Path(__file__).parents[2]


def children(pid: int) -> dict[str, psutil.Process]:
    """The processes of a fleet by what they run."""
    found = {}
    for process in psutil.Process(pid).children():
        words = process.cmdline()
        role = words[words.index("cli") + 1 :]
        found[" ".join(role[:2] if role[0] == "collector" else role[:1])] = process
    return found


def alive(process: psutil.Process) -> bool:
    """Whether it still runs; one that waits to be buried does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
async def test_the_demo_runs_as_processes_and_ends_with_them(program, until, kafka: str, topic_prefix: str) -> None:
    demo = await program().start("up", "--demo", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=topic_prefix)
    answer = await until(demo, "/api/portfolio", whole)
    assert time.monotonic() - demo.started_at < 20
    assert answer["demo"] is True
    assert demo.url in demo.out
    assert "DEMO: simulated exchanges, no real money: Binance (main), BTCTurk (main)" in demo.out
    running = children(demo.process.pid)
    assert set(running) == {"simulator", "collector binance", "collector btcturk", "aggregator", "api"}
    for process in running.values():
        assert not re.search(r"FAKE", " ".join(process.cmdline())), "no secret is an argument"
    keys = {name: text for name, text in running["collector binance"].environ().items() if "API_SECRET" in name}
    assert list(keys) == ["BINANCE_API_SECRET"]
    assert not [name for name in running["aggregator"].environ() if "API_KEY" in name or name == "ADMIN_TOKEN"]

    killed = running["aggregator"].pid
    os.kill(killed, signal.SIGKILL)
    await until(
        demo,
        "/api/portfolio",
        lambda again: whole(again) and int(again["version"].split("-")[0]) > int(answer["version"].split("-")[0]),
    )
    assert children(demo.process.pid)["aggregator"].pid != killed
    assert "is started again" in demo.err
    assert "killed by signal 9" in demo.err

    running = children(demo.process.pid)
    before = time.monotonic()
    assert await demo.interrupt() == 0
    assert time.monotonic() - before < 6
    assert not [process for process in running.values() if alive(process)]
    lines = [json.loads(line) for line in demo.err.splitlines()]
    assert {line["role"] for line in lines if "role" in line} == {*running} - {"simulator"}
    assert not [line for line in lines if line["level"] in {"error", "critical"}]


@pytest.mark.slow
async def test_a_role_that_moved_elsewhere_leaves_the_others_running(
    program, until, kafka: str, topic_prefix: str
) -> None:
    prefix = f"demo.{topic_prefix}"
    demo = await program().start("up", "--demo", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=prefix)
    await until(demo, "/api/portfolio", whole)
    before = children(demo.process.pid)
    other = program()
    await other.start("aggregator", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=prefix, METRICS_PORT=str(other.port))
    await until_gone(lambda: "aggregator is done by another process now" in demo.err)
    await until(demo, "/api/portfolio", whole)
    after = children(demo.process.pid)
    assert {name: one.pid for name, one in after.items()} == {
        name: one.pid for name, one in before.items() if name != "aggregator"
    }
    assert demo.err.count("is done by another process now") == 1
    assert await other.interrupt() == 0
    looked = await program().start(
        "topics", "--json", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=prefix, API_PORT=str(demo.port)
    )
    assert await looked.ended(20) == 0, looked.err
    assert "api" in {reader["process"] for reader in json.loads(looked.out)["readers"]}
    assert await demo.interrupt() == 0


@pytest.mark.slow
def test_the_demo_on_a_terminal_looks_the_same(tmp_path, kafka: str, topic_prefix: str) -> None:
    total = r"binance/main[\s\S]*btcturk/main[\s\S]*total [\d,]+\.\d\d USD"
    shown, code = watch(tmp_path, total, 25, KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=topic_prefix)
    assert code == 0
    assert "/portfolio" in shown
    assert "simulated" in shown
    assert re.search(r"Admin token of this run: [\w-]{32,}", shown)
    assert re.search(total, shown)
    assert '"event"' not in shown, "no log lines into a person's display"


async def test_a_taken_port_ends_it_before_anything_is_started(program, kafka: str, topic_prefix: str) -> None:
    import socket

    one = program()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", one.port))
        holder.listen()
        await one.start("up", "--demo", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=topic_prefix)
        assert await one.ended(10) == 2
    assert f"port {one.port} on 127.0.0.1 is taken" in one.err
    assert "API_PORT" in one.err
    assert "Traceback" not in one.err


async def test_a_killed_parent_takes_all_with_it(program, until, kafka: str, topic_prefix: str) -> None:
    demo = await program().start("up", "--demo", KAFKA_BOOTSTRAP_SERVERS=kafka, TOPIC_PREFIX=topic_prefix)
    await until(demo, "/health", lambda answer: answer == {"ok": True})
    running = children(demo.process.pid)
    os.kill(demo.process.pid, signal.SIGKILL)
    await demo.process.wait()
    await until_gone(lambda: not [process for process in running.values() if alive(process)])


@pytest.mark.slow
async def test_make_demo_kafka_brings_a_broker_and_ends_it_on_ctrl_c(tmp_path, until, program, broker) -> None:
    glue = program()  # `broker` is asked for because it knows whether there can be one here.
    environment = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
    with (glue.folder / "out").open("ab") as out, (glue.folder / "err").open("ab") as err:
        glue.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "localkafka.demo",
            cwd=ROOT,
            env=environment | {"API_PORT": str(glue.port), "KAFKA_BOOTSTRAP_SERVERS": "not-this-one:1"},
            stdout=out,
            stderr=err,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    answer = await until(glue, "/api/portfolio", whole, within=40)
    assert answer["demo"] is True
    everyone = psutil.Process(glue.process.pid).children(recursive=True)
    (java,) = [process for process in everyone if process.name() == "java"]
    assert os.getpgid(java.pid) != os.getpgid(glue.process.pid), "Ctrl-C must not end the broker before its users"
    os.killpg(glue.process.pid, signal.SIGINT)  # As a terminal does it.
    assert await glue.ended(15) == 0, glue.err[-1000:]
    assert re.search(r"^KAFKA_BOOTSTRAP_SERVERS=127\.0\.0\.1:\d+ TOPIC_PREFIX=demo\.$", glue.out, re.MULTILINE)
    assert "its topics are demo.spark.…" in glue.out
    assert not [process for process in everyone if alive(process)]


async def test_without_a_broker_it_waits_and_ends_when_told(program, until) -> None:
    away = f"127.0.0.1:{free_port()}"
    demo = await program().start("up", "--demo", KAFKA_BOOTSTRAP_SERVERS=away)
    await until(demo, "/ready", lambda answer: "nothing listens there" in answer["reasons"]["bus"])
    before = time.monotonic()
    assert await demo.interrupt() in {0, 3}
    assert time.monotonic() - before < 6
