"""A broker that checks its clients takes the right ones and refuses the others."""

import ssl
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError
from aiokafka.helpers import create_ssl_context

from localkafka import Acl, Broker, Certificates, Operation, Resource, authorizer, mtls_listener, scram_listener
from tests.kafka_fixtures import MakeBroker
from tests.localkafka.test_broker import consume, create, produce

PASSWORD = "a long password of alice"


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates.make(tmp_path / "certificates", client="bob")


@pytest.fixture
async def guarded(broker: MakeBroker, certificates: Certificates) -> Broker:
    one = broker(
        listeners=[scram_listener(certificates), mtls_listener(certificates)],
        users={"alice": PASSWORD},
        properties=authorizer("admin"),
    )
    await one.start()
    await create(one.bootstrap, "a")
    await create(one.bootstrap, "b")
    return one


def scram(context: ssl.SSLContext, user: str = "alice", password: str = PASSWORD) -> dict[str, object]:
    return {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
        "ssl_context": context,
    }


async def test_scram_and_mtls_with_an_authorizer(guarded: Broker, certificates: Certificates, tmp_path: Path):
    await guarded.allow(
        Acl("alice", Operation.WRITE, Resource.TOPIC, "a"),
        Acl("bob", Operation.READ, Resource.TOPIC, "a", prefixed=True),
    )
    trusting = create_ssl_context(cafile=str(certificates.ca))
    alice = guarded.address("SCRAM")
    await produce(alice, "a", b"1", **scram(trusting))
    with pytest.raises(TopicAuthorizationFailedError):
        await produce(alice, "b", b"1", **scram(trusting))
    for wrong in (scram(trusting, password="guessed"), scram(trusting, user="mallory")):
        with pytest.raises(KafkaConnectionError):
            await produce(alice, "a", b"2", **wrong)
    other = Certificates.make(tmp_path / "other")
    with pytest.raises(KafkaConnectionError):  # The client refuses a server that its authority did not sign.
        await produce(alice, "a", b"2", **scram(create_ssl_context(cafile=str(other.ca))))

    def known_by(cert: Path, key: Path) -> dict[str, object]:
        context = create_ssl_context(cafile=str(certificates.ca), certfile=str(cert), keyfile=str(key))
        return {"security_protocol": "SSL", "ssl_context": context}

    bob = guarded.address("MTLS")
    identity = known_by(certificates.client_cert, certificates.client_key)
    assert await consume(bob, "a", **identity) == [b"1"]
    with pytest.raises(TopicAuthorizationFailedError):
        await produce(bob, "a", b"2", **identity)
    for stranger in (known_by(other.client_cert, other.client_key), {**identity, "ssl_context": trusting}):
        with pytest.raises(KafkaConnectionError):
            await consume(bob, "a", **stranger)
    assert await consume(guarded.bootstrap, "a") == [b"1"]
