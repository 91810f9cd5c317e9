"""A broker that checks its clients: who is let in, who is not and learns why in one sentence, and what each role needs."""

import asyncio
import dataclasses
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from bus.interface import NotAuthorisedError, PublishError, ReaderState
from bus.kafka_settings import KafkaSettings
from bus.kafka_topics import TopicAdmin
from localkafka import (
    Acl,
    Broker,
    Certificates,
    Listener,
    Operation,
    Resource,
    authorizer,
    mtls_listener,
    scram_listener,
)
from schemas import topics
from schemas.encoding import EVENTS, Encoded
from schemas.topics import TOPICS, Topic
from tests.contract.bus.tools import Recorder
from tests.kafka.tools import Made, until
from tests.kafka_fixtures import MakeBroker

PASSWORD: Final = "canary-of-a-password"
PREFIX: Final = "spark."
STORED_EVENTS: Final = Path(__file__).parents[1] / "data" / "events" / "v1"
REFUSED_SECONDS: Final = 10.0


def fact(topic: Topic) -> Encoded:
    (path, *_) = sorted(STORED_EVENTS.glob(f"{topic.name}.*.json"))
    value = path.read_bytes().strip()
    return Encoded(topic, EVENTS[topic.name].model_validate_json(value).key, value)


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates.make(tmp_path / "certificates", client="bob")


def elsewhere(certificates: Certificates) -> Listener:
    """A listener whose certificate is signed by the right authority, for another host."""
    cert, key = certificates._signed("elsewhere", "elsewhere", "subjectAltName=DNS:elsewhere.example")
    server = certificates.folder / "elsewhere.pem"
    server.write_bytes(key.read_bytes() + cert.read_bytes())
    return scram_listener(dataclasses.replace(certificates, server=server), name="ELSEWHERE")


def scram(
    broker: Broker, certificates: Certificates, user: str, listener: str = "SCRAM", **other: Any
) -> KafkaSettings:
    options = {
        "security_protocol": "SASL_SSL",
        "sasl_username": user,
        "sasl_password": PASSWORD,
        "ssl_cafile": certificates.ca,
    }
    return KafkaSettings(broker.address(listener), **options | other)


def by_certificate(broker: Broker, certificates: Certificates, **other: Any) -> KafkaSettings:
    options = {
        "security_protocol": "SSL",
        "ssl_cafile": certificates.ca,
        "ssl_certfile": certificates.client_cert,
        "ssl_keyfile": certificates.client_key,
    }
    return KafkaSettings(broker.address("MTLS"), **options | other)


async def refused(settings: KafkaSettings) -> str:
    """A bus that is not let in: it ends by itself, says why in one sentence, and takes nothing."""
    made = Made(settings)
    _, reader = await made.follow([topics.WANTED], live=False)
    await made.bus.start()
    try:
        with pytest.raises(NotAuthorisedError) as caught:
            await asyncio.wait_for(made.bus.wait(), REFUSED_SECONDS)
        with pytest.raises(PublishError):
            await made.bus.publish([fact(topics.WANTED)])
        await until(lambda: reader.state is ReaderState.FAILED)
        assert not made.bus.check().ready
        return str(caught.value)
    finally:
        await made.bus.stop()


@asynccontextmanager
async def started_in_vain(settings: KafkaSettings) -> AsyncIterator[Made]:
    made = Made(settings)
    await made.bus.start()
    try:
        yield made
    finally:
        await made.bus.stop()


async def works(settings: KafkaSettings) -> None:
    made = Made(settings)
    await made.bus.start()
    try:
        await made.ready()
        follower, _ = await made.follow([topics.WANTED])
        await made.bus.publish([fact(topics.WANTED)])
        await follower.until(lambda seen: seen.state)
    finally:
        await made.bus.stop()


@pytest.mark.slow
async def test_who_is_let_in_and_who_is_told_what_to_look_at(
    broker: MakeBroker, certificates: Certificates, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    listeners = [scram_listener(certificates), elsewhere(certificates), mtls_listener(certificates)]
    one = broker(listeners=listeners, users={"alice": PASSWORD}, properties=authorizer("alice", "bob"))
    await one.start()
    other = Certificates.make(tmp_path / "other")
    alice, bob = scram(one, certificates, "alice"), by_certificate(one, certificates)
    host = one.address("SCRAM")
    look_at_user = "look at KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, KAFKA_SASL_MECHANISM and KAFKA_SECURITY_PROTOCOL"
    look_at_tls = "look at KAFKA_SSL_CAFILE, KAFKA_SSL_CERTFILE and KAFKA_SECURITY_PROTOCOL"
    cases = {
        "wrong password": (dataclasses.replace(alice, sasl_password=f"{PASSWORD}-wrong"), "as 'alice'", look_at_user),
        "unknown user": (dataclasses.replace(alice, sasl_username="mallory"), "as 'mallory'", look_at_user),
        "wrong mechanism": (
            dataclasses.replace(alice, sasl_mechanism="PLAIN"),
            "UnsupportedSaslMechanismError",
            look_at_user,
        ),
        "untrusted authority": (dataclasses.replace(alice, ssl_cafile=other.ca), "certificate", look_at_tls),
        "another host's certificate": (scram(one, certificates, "alice", "ELSEWHERE"), "mismatch", look_at_tls),
        "no certificate of ours": (
            dataclasses.replace(bob, ssl_certfile=None, ssl_keyfile=None),
            "CERTIFICATE",
            look_at_tls,
        ),
        "a stranger's certificate": (
            dataclasses.replace(bob, ssl_certfile=other.client_cert, ssl_keyfile=other.client_key),
            "ALERT",
            look_at_tls,
        ),
    }
    with caplog.at_level(logging.DEBUG), capture_logs() as logs:
        for case, (settings, said, mend) in cases.items():
            told = await refused(settings)
            assert said in told, (case, told)
            assert mend in told, (case, told)
            assert "\n" not in told
            assert told.startswith(settings.bootstrap_servers), (case, told)
        # With the wrong protocol a broker only closes the connection, as one that starts does: so it is waited for.
        for settings in (KafkaSettings(host), dataclasses.replace(bob, bootstrap_servers=one.bootstrap)):
            async with started_in_vain(settings) as made:
                await until(lambda bus=made.bus: "wants another KAFKA_SECURITY_PROTOCOL" in bus.check().reason)
        await works(alice)
        await works(bob)
        await works(dataclasses.replace(alice, bootstrap_servers=f"localhost:{host.rpartition(':')[2]}"))
    assert PASSWORD not in caplog.text
    assert PASSWORD not in str(logs)


Role = Callable[[Made], Coroutine[Any, Any, None]]


async def reads(made: Made, *followed: Topic, commands: bool = False) -> None:
    await made.follow(followed, live=False, name=f"reader-{len(made.states)}")
    if commands:
        reader = made.bus.follow_commands(topics.COMMANDS, Recorder(), name="commands")
        await reader.start()


async def as_collector(made: Made) -> None:
    await reads(made, topics.BALANCES, topics.COLLECTORS)
    await reads(made, topics.WANTED, commands=True)
    for topic in (topics.BALANCES, topics.PRICES, topics.COLLECTORS, topics.DEADLETTER):
        await made.bus.publish([fact(topic)])


async def as_aggregator(made: Made) -> None:
    await reads(made, topics.BALANCES, topics.PRICES, topics.COLLECTORS)
    await reads(made, topics.PORTFOLIO, topics.WANTED)
    for topic in (topics.PORTFOLIO, topics.WANTED, topics.DEADLETTER):
        await made.bus.publish([fact(topic)])


async def as_api(made: Made) -> None:
    await reads(made, topics.PORTFOLIO, topics.COLLECTORS)
    for topic in (topics.COMMANDS, topics.DEADLETTER):
        await made.bus.publish([fact(topic)])


async def as_forget(made: Made) -> None:
    await reads(made, topics.BALANCES, topics.COLLECTORS)
    for topic in (topics.BALANCES, topics.COLLECTORS, topics.PORTFOLIO):
        await made.bus.publish([fact(topic)])


R, W, D = Operation.READ, Operation.WRITE, Operation.DESCRIBE
NEEDED: Final[dict[str, tuple[Role, dict[str, list[Operation]]]]] = {
    # docs/security.md has this table; without any line of it the role does not work, with these alone it does.
    "collector": (
        as_collector,
        {"balances": [R, W], "prices": [W], "collectors": [R, W], "wanted": [R], "commands": [R], "deadletter": [W]},
    ),
    "aggregator": (
        as_aggregator,
        {"balances": [R], "prices": [R], "collectors": [R], "wanted": [R, W], "portfolio": [R, W], "deadletter": [W]},
    ),
    "api": (as_api, {"portfolio": [R], "collectors": [R], "commands": [W], "deadletter": [W]}),
    "forget": (as_forget, {"balances": [R, W], "collectors": [R, W], "portfolio": [W]}),
}


def rules(user: str, role: str) -> list[Acl]:
    """Describe on all of ours, DescribeConfigs on all of ours, and the role's own."""
    common = [Acl(user, one, Resource.TOPIC, PREFIX, prefixed=True) for one in (D, Operation.DESCRIBE_CONFIGS)]
    own = NEEDED[role][1].items()
    return common + [Acl(user, one, Resource.TOPIC, f"{PREFIX}{topic}") for topic, ops in own for one in ops]


async def outcome(settings: KafkaSettings, work: Role) -> str:
    """What becomes of a role's work: nothing to say, or why the bus ended."""
    made = Made(settings)
    await made.bus.start()
    ended = asyncio.create_task(made.bus.wait())
    try:
        await until(lambda: made.bus.check().ready or ended.done(), REFUSED_SECONDS)
        if not ended.done():
            try:
                await work(made)
            except PublishError:
                await asyncio.wait({ended}, timeout=REFUSED_SECONDS)
            readers = made.bus._readers
            await until(
                lambda: ended.done() or all(reader.state is ReaderState.LIVE for reader in readers), REFUSED_SECONDS
            )
            await asyncio.wait({ended}, timeout=1.0)  # A refusal to read shows at the first question for records.
        return str(ended.exception()) if ended.done() else ""
    finally:
        await made.bus.stop()
        await asyncio.wait({ended})
        ended.exception()


@pytest.mark.slow
@pytest.mark.parametrize("role", NEEDED)
async def test_a_role_needs_exactly_what_the_list_says(broker: MakeBroker, certificates: Certificates, role: str):
    lists = {role: rules(role, role)}
    for rule in lists[role]:
        if rule.operation is not Operation.DESCRIBE_CONFIGS:  # Without that one it warns, and goes on.
            user = f"{role}-without-{rule.operation.name}-{rule.name}".lower()
            lists[user] = [dataclasses.replace(other, user=user) for other in lists[role] if other != rule]
    users = dict.fromkeys([*lists, "operator"], PASSWORD)
    one = broker(listeners=[scram_listener(certificates)], users=users, properties=authorizer("operator"))
    await one.start()
    async with TopicAdmin(scram(one, certificates, "operator"), client_id="test") as admin:
        assert len(await admin.create_missing()) == len(TOPICS)
    await one.allow(*(rule for own in lists.values() for rule in own))
    work = NEEDED[role][0]
    assert await outcome(scram(one, certificates, role), work) == ""
    others = [user for user in lists if user != role]
    limit = asyncio.Semaphore(4)

    async def tried(user: str) -> str:
        async with limit:
            return await outcome(scram(one, certificates, user), work)

    told = dict(zip(others, await asyncio.gather(*(tried(user) for user in others)), strict=True))
    for user, said in told.items():
        operation, _, name = user.removeprefix(f"{role}-without-").partition("-")
        assert f"permission {operation.capitalize()}" in said or f"permit {operation.capitalize()} on" in said, (
            user,
            said,
        )
        assert name in said, (user, said)
        assert "docs/security.md" in said


@pytest.mark.slow
async def test_who_administers_topics_and_what_others_are_told(broker: MakeBroker, certificates: Certificates):
    users = ("operator", "nobody", "describer", "silent")
    one = broker(
        listeners=[scram_listener(certificates)], users=dict.fromkeys(users, PASSWORD), properties=authorizer()
    )
    await one.start()

    def on_all(user: str, *operations: Operation) -> list[Acl]:
        return [Acl(user, operation, Resource.TOPIC, PREFIX, prefixed=True) for operation in operations]

    configs, alter = Operation.DESCRIBE_CONFIGS, Operation.ALTER_CONFIGS
    await one.allow(
        *on_all("operator", Operation.CREATE, D, configs, alter),
        *on_all("describer", D, configs),
        *on_all("silent", D, R, W),
    )
    told = await refused(scram(one, certificates, "describer"))
    assert "is not there and this process may not make it: run spark-portfolio topics with an account that may" in told
    assert "permit Create on it" in told
    told = await refused(scram(one, certificates, "nobody"))
    assert "it needs the permission Describe on it" in told
    async with TopicAdmin(scram(one, certificates, "operator"), client_id="test") as admin:
        assert len(await admin.create_missing()) == len(TOPICS)
        assert await admin.problems() == []
        assert await admin.reconcile() == []
        assert all(report.size_bytes is None for report in await admin.describe())
    await one.allow(Acl("operator", D, Resource.CLUSTER))
    async with TopicAdmin(scram(one, certificates, "operator"), client_id="test") as admin:
        assert all(report.size_bytes is not None for report in await admin.describe())
    told = await refused(scram(one, certificates, "nobody"))
    assert "it needs the permission Describe on it" in told
    # Who may not see the settings works, and says once that they were not verified.
    with capture_logs() as logs:
        await works(scram(one, certificates, "silent"))
    unverified = [line for line in logs if "settings cannot be verified: permit DescribeConfigs" in line["event"]]
    assert {line["topic"] for line in unverified} == set(TOPICS)
    assert len(unverified) == len(TOPICS)
