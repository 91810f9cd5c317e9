"""The sample consumer and the kcat line of docs/consume.md, on a real Kafka, against what was really published."""

import asyncio
import json
import random
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code
from aiokafka.partitioner import murmur2

from schemas.encoding import encode
from schemas.portfolio import PortfolioState
from schemas.topics import PORTFOLIO
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "examples" / "consume_total.py"
GOLDEN = (ROOT / "tests" / "data" / "events" / "v1" / "spark.portfolio.state.json").read_text(encoding="utf-8")
GOLDEN_TOTAL = "41250.05"
WITHIN = 20.0

Record = tuple[str, bytes | None]


def state(version: tuple[int, int], total: str, *, portfolio: str = "main", whole: bool = False) -> Record:
    """The key and the value of a true state of that total, encoded as the product encodes it."""
    content = json.loads(GOLDEN.replace(f'"{GOLDEN_TOTAL}"', f'"{total}"'))
    content |= {"epoch": version[0], "seq": version[1], "portfolio": portfolio}
    if whole:
        content["totals"] |= {"partial": False, "reasons": [], "unpriced": []}
    record = encode(PortfolioState.model_validate_json(json.dumps(content)))
    return record.key, record.value


def partition(portfolio: str) -> int:
    return (murmur2(portfolio.encode()) & 0x7FFFFFFF) % PORTFOLIO.partitions


class Topic:
    """One topic of the test's own, and who publishes to it: plain aiokafka, explicit partitions."""

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.name = f"{prefix}{PORTFOLIO.name}"

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    async def create(self) -> None:
        new = NewTopic(self.name, PORTFOLIO.partitions, 1, topic_configs={"cleanup.policy": "compact"})
        async with asyncio.timeout(WITHIN), self._admin() as admin:
            error: Any = TopicAlreadyExistsError
            while error is TopicAlreadyExistsError:  # A deletion before it is not done at once.
                (answer,) = (await admin.create_topics([new])).topic_errors
                error = for_code(answer[1])
        assert answer[1] == 0, answer

    async def delete(self) -> None:
        async with asyncio.timeout(WITHIN), self._admin() as admin:
            await admin.delete_topics([self.name])

    async def publish(self, *records: Record) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        async with asyncio.timeout(WITHIN), producer:
            for key, value in records:
                await producer.send_and_wait(self.name, value, key=key.encode(), partition=partition(key))


@pytest.fixture
async def topic(kafka: str, topic_prefix: str) -> AsyncIterator[Topic]:
    one = Topic(kafka, topic_prefix)
    await one.create()
    yield one
    await one.delete()


class Sample:
    """A running sample consumer."""

    def __init__(self, process: asyncio.subprocess.Process, errors: Path) -> None:
        self.process = process
        self._errors = errors

    @property
    def errors(self) -> str:
        return self._errors.read_text(encoding="utf-8")

    async def line(self) -> str:
        """The next line of the output; the errors are shown where none comes."""
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), WITHIN)
        except TimeoutError:
            pytest.fail(f"no line within {WITHIN} s; errors: {self.errors[-2000:]}")
        assert line, self.errors
        return line.decode().rstrip("\n")

    async def rest(self) -> tuple[int, str]:
        """The exit code, and what was printed until then."""
        out, _ = await asyncio.wait_for(self.process.communicate(), WITHIN)
        assert self.process.returncode is not None
        return self.process.returncode, out.decode()


Run = Callable[..., Awaitable[Sample]]


@pytest.fixture
async def run(kafka: str, topic_prefix: str, tmp_path: Path) -> AsyncIterator[Run]:
    running: list[Sample] = []

    async def start(*arguments: str, prefix: str = topic_prefix) -> Sample:
        errors = tmp_path / f"errors-{len(running)}"
        with errors.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-I", str(SAMPLE), "--bootstrap", kafka, "--prefix", prefix, *arguments),
                cwd=tmp_path,
                stdout=asyncio.subprocess.PIPE,
                stderr=file,
                stdin=asyncio.subprocess.DEVNULL,
            )
        running.append(Sample(process, errors))
        return running[-1]

    yield start
    for sample in running:
        if sample.process.returncode is None:
            sample.process.kill()
            await sample.process.wait()
        # Close the pipe too: what is unread in it is of no interest.
        await sample.process.communicate()


async def test_it_says_what_is_there_and_then_every_change(topic: Topic, run: Run) -> None:
    await topic.publish(
        state((7, 1), "10.5"),
        state((7, 3), "30"),
        state((7, 2), "20"),
        state((9, 1), "5", portfolio="other"),
    )
    sample = await run()
    assert await sample.line() == "loaded: main 30 USD, partial, 1 unpriced"
    # After each of these that must be silent comes one that must not, so a line too many is seen.
    await topic.publish(
        state((7, 3), "30"),  # Once more.
        state((7, 1), "10.5"),  # Late.
        state((6, 99), "99"),  # Of a writer that was replaced, later still.
        state((9, 2), "6", portfolio="other"),
        state((7, 4), "40", whole=True),
    )
    assert await sample.line() == "main 40 USD"
    exact = "12345678901234567890.123456789012345678"
    await topic.publish(state((8, 1), exact))  # A new writer begins at 1.
    assert await sample.line() == f"main {exact} USD, partial, 1 unpriced"
    await topic.publish(("main", None))
    assert await sample.line() == "main is not there"
    await topic.publish(("main", None), state((8, 1), exact), state((8, 0), "1"), state((8, 2), "2"))
    assert await sample.line() == "main 2 USD, partial, 1 unpriced"
    await topic.publish(("main", b"\xff not JSON"), ("main", b"[]"), ("main", b"{}"), state((8, 3), "3"))
    assert await sample.line() == "main 3 USD, partial, 1 unpriced"
    assert sample.errors.count("is no state") == 3
    sample.process.send_signal(signal.SIGINT)
    assert await sample.rest() == (0, "")


async def test_an_emptied_topic_keeps_the_values_and_forgets_the_versions(topic: Topic, run: Run) -> None:
    await topic.publish(*(state((7, number), str(number)) for number in range(1, 6)))
    sample = await run()
    assert await sample.line() == "loaded: main 5 USD, partial, 1 unpriced"
    await topic.delete()
    await topic.create()
    # A version that is smaller than all before: only who forgot those takes it.
    await topic.publish(state((2, 1), "21"))
    assert await sample.line() == "main 21 USD, partial, 1 unpriced"
    # From here on it is a log like any other.
    await topic.publish(state((1, 9), "19"), state((2, 2), "22"))
    assert await sample.line() == "main 22 USD, partial, 1 unpriced"


async def test_another_major_version_is_refused_with_a_sentence(topic: Topic, run: Run) -> None:
    await topic.publish(state((7, 1), "1"), ("main", b'{"schema_version": 2, "total": 1e9}'))
    sample = await run("--once")
    assert await sample.rest() == (1, "")
    assert f"offset 1 of partition {partition('main')} has schema_version 2 and this program reads 1" in sample.errors
    assert "Traceback" not in sample.errors


async def test_fields_it_does_not_know_change_nothing(topic: Topic, run: Run) -> None:
    key, value = state((7, 1), "1")
    content = json.loads(value or b"")
    content |= {"new": {"total_usd": "9"}}
    content["totals"]["new"] = [1, 2, 3]
    await topic.publish((key, json.dumps(content).encode()))
    assert await (await run("--once")).rest() == (0, "loaded: main 1 USD, partial, 1 unpriced\n")


async def test_an_empty_topic_is_loaded_at_once_and_a_missing_one_is_named(topic: Topic, run: Run) -> None:
    assert await (await run("--once")).rest() == (0, "loaded: main is not there\n")
    missing = await run("--once", prefix=f"{topic.prefix}no.")
    assert await missing.rest() == (1, "")
    assert missing.errors.startswith(f"there is no topic {topic.prefix}no.{PORTFOLIO.name}")


class Truth:
    """What a history of records comes to, kept in the plainest way."""

    def __init__(self) -> None:
        self.totals: dict[str, str] = {}
        self._seen: dict[str, tuple[int, int]] = {}

    def apply(self, portfolio: str, version: tuple[int, int], total: str | None) -> None:
        if total is None:
            self.totals.pop(portfolio, None)
        elif version > self._seen.get(portfolio, (-1, -1)):
            self._seen[portfolio] = version
            self.totals[portfolio] = total


async def history(topic: Topic, names: list[str], seed: int) -> Truth:
    """Publish a history with duplicates, records out of order and tombstones; what it comes to."""
    chance = random.Random(seed)
    truth = Truth()
    records: list[Record] = []
    for step in range(150):
        name = chance.choice(names)
        if chance.random() < 0.1:
            truth.apply(name, (0, 0), None)
            records.append((name, None))
            continue
        # Mostly newer than all before, now and then older by up to two starts of the writer.
        late = chance.randint(0, 60) if chance.random() < 0.4 else 0
        version = divmod(max(step - late, 0), 25)
        # The version decides the content: one version is one fact.
        total = f"{version[0] * 1000 + version[1]}.{version[1]:02}1"
        for _ in range(chance.choice([1, 1, 2])):
            truth.apply(name, version, total)
            records.append(state(version, total, portfolio=name))
    for name in names[1:]:
        for version in ((20, 2), (20, 1)):  # The last record of a key is not its newest.
            truth.apply(name, version, f"{version[1]}.5")
            records.append(state(version, f"{version[1]}.5", portfolio=name))
    records.append((names[0], None))
    truth.apply(names[0], (0, 0), None)
    await topic.publish(*records)
    assert set(truth.totals) == set(names[1:])
    return truth


@pytest.mark.parametrize("where", ["127.0.0.1:{port}", "127.0.0.1", "no-such-host.invalid:9092"])
async def test_without_a_broker_it_ends_with_one_sentence(tmp_path: Path, where: str) -> None:
    where = where.format(port=free_port())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(SAMPLE), "--bootstrap", where),
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        stdin=asyncio.subprocess.DEVNULL,
    )
    out, errors = await asyncio.wait_for(process.communicate(), WITHIN)
    assert process.returncode == 1
    assert (out.decode(), errors.decode()) == (
        "",
        f"no Kafka answers at {where}: start it, or correct --bootstrap (host:port)\n",
    )


async def test_any_history_comes_to_the_truth(topic: Topic, run: Run) -> None:
    names = ["gone", "main", "savings"]
    truth = await history(topic, names, seed=1)
    for name in names:
        total = truth.totals.get(name)
        shown = f"{name} is not there" if total is None else f"{name} {Decimal(total):f} USD, partial, 1 unpriced"
        assert await (await run("--once", "--portfolio", name)).rest() == (0, f"loaded: {shown}\n")


def command_line() -> str:
    """The kcat line, as docs/consume.md shows it."""
    page = (ROOT / "docs" / "consume.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"```sh\n(kcat .*?)```", page, re.DOTALL)
    return str(line)


@pytest.mark.skipif(
    shutil.which("kcat") is None or shutil.which("jq") is None,
    reason="the command line of docs/consume.md was not run: kcat or jq is not installed",
)
async def test_the_kcat_line_comes_to_the_truth_too(topic: Topic) -> None:
    truth = await history(topic, ["gone", "main", "savings"], seed=2)
    line = command_line().replace("127.0.0.1:9092", topic.bootstrap).replace(f"-t {PORTFOLIO.name}", f"-t {topic.name}")
    assert topic.name in line
    process = await asyncio.create_subprocess_exec(
        "bash", "-o", "pipefail", "-c", line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await asyncio.wait_for(process.communicate(), WITHIN)
    assert process.returncode == 0, errors
    shown = [line.split("\t") for line in out.decode().splitlines()]
    assert shown == [[name, truth.totals[name], "partial", "1 unpriced"] for name in sorted(truth.totals)]
