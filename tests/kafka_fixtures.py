"""A real Apache Kafka for any test: one broker of the whole run, and brokers of a test's own that it may break.

- `kafka`: the bootstrap address of the broker that the run shares. `KAFKA_BOOTSTRAP_SERVERS` when the user set it,
  else a container where a Docker engine answers, else Apache's jars on this machine's Java. Never break this one.
- `topic_prefix`: names of this test's own on it.
- `broker`: makes brokers that are not started yet; whatever a test left running is killed at its end.
- `proxied_broker`: a started one, with a started proxy in front of it.

Where Kafka cannot be run, the test fails under CI and is skipped elsewhere.
"""

import os
import re
import socket
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pytest

from localkafka import BlockingBroker, Broker, KafkaUnavailableError, Proxy
from localkafka.jars import fetch, java, version
from tests.ports import free_port

MakeBroker = Callable[..., Broker]

GIVEN = "KAFKA_BOOTSTRAP_SERVERS"
IMAGE = f"apache/kafka:{version()}"
DOCKER_SECONDS = 1


class ProxiedBroker(NamedTuple):
    """The test itself talks to `broker.bootstrap`, the program under test to `proxy.bootstrap`."""

    broker: Broker
    proxy: Proxy


def not_run(why: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(f"no Kafka to test with: {why}", pytrace=False)
    pytest.skip(f"not run for want of a Kafka: {why}")


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of the Docker libraries' own code, which would be errors here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def docker_answers() -> bool:
    """Whether a Docker engine answers here; one that does not run is not started."""
    place = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    remote = re.fullmatch(r"tcp://([^\[\]]+):(\d+)/?", place)
    if remote is not None:
        family, address = socket.AF_INET, (remote[1], int(remote[2]))
    else:
        family, address = socket.AF_UNIX, place.removeprefix("unix://")
    with socket.socket(family) as connection:
        connection.settimeout(DOCKER_SECONDS)
        try:
            connection.connect(address)
            connection.sendall(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
            return bool(connection.recv(1))
        except OSError:
            return False


def pull() -> bool:
    """Have the image here; False where the engine cannot get it."""
    import docker

    client = docker.from_env()
    try:
        client.images.get(IMAGE)
    except docker.errors.ImageNotFound:
        try:
            client.images.pull(IMAGE)
        except docker.errors.DockerException:
            return False
    finally:
        client.close()
    return True


@contextmanager
def started_container() -> Iterator[str]:
    # Its cleaning container is one more image to pull; the `with` below cleans up.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    with quiet():
        from testcontainers.core.container import DockerContainer
        from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    port = free_port()  # The broker advertises its port, so it must be known before the start.
    made = DockerContainer(IMAGE).with_envs(
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_LISTENERS="PLAINTEXT://:9092,CONTROLLER://:9093",
        KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://127.0.0.1:{port}",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        KAFKA_LOG_INITIAL_TASK_DELAY_MS="500",
        KAFKA_LOG_CLEANER_BACKOFF_MS="500",
        KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS="1000",
        KAFKA_HEAP_OPTS="-Xms128m -Xmx384m",
    )
    made.waiting_for(LogMessageWaitStrategy("Kafka Server started"))
    made.ports["9092"] = ("127.0.0.1", port)  # with_bind_ports() would publish it on every address.
    try:
        with quiet():
            made.start()
        yield f"127.0.0.1:{port}"
    finally:
        with quiet():
            made.stop()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Have jars or image here before the first test: what a fixture fetches would count against a test's time-out."""
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    with quiet():
        if "kafka" in wanted and not os.environ.get(GIVEN) and docker_answers():
            pull()
        elif wanted & {"kafka", "broker", "breakable"} and not os.environ.get(GIVEN):
            with suppress(KafkaUnavailableError):  # The fixture says it, where a test is to be skipped or to fail.
                fetch()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    given = os.environ.get(GIVEN)
    if given:
        yield given
        return
    with quiet():
        in_container = docker_answers() and pull()
    if in_container:
        with started_container() as address:
            yield address
        return
    one = BlockingBroker(tmp_path_factory.mktemp("kafka"))
    try:
        one.start()
    except KafkaUnavailableError as error:
        not_run(str(error))
    yield one.bootstrap
    one.kill()  # Nobody needs what it holds.
    one.wipe()


@pytest.fixture
def topic_prefix() -> str:
    return f"t{uuid.uuid4().hex[:12]}."


@asynccontextmanager
async def brokers(folder: Path) -> AsyncIterator[MakeBroker]:
    """What makes brokers that are not started yet, their files under a folder; at the end all of them are killed."""
    try:
        java()
        fetch()
    except KafkaUnavailableError as error:
        not_run(str(error))
    async with AsyncExitStack() as stack:
        made: list[Broker] = []

        def make(**options: Any) -> Broker:
            one = Broker(folder / f"kafka-{len(made)}", **options)
            made.append(one)
            stack.push_async_callback(one.close)
            return one

        yield make


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[MakeBroker]:
    async with brokers(tmp_path) as make:
        yield make


@pytest.fixture
async def proxied_broker(broker: MakeBroker) -> ProxiedBroker:
    one = broker()
    proxy = one.proxied()
    await one.start()
    await proxy.start()
    return ProxiedBroker(one, proxy)
