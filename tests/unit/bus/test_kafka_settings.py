"""What the clients really got: every option that matters is ours, whatever the libraries' defaults are or become."""

import ssl
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.conn import get_ip_port_afi
from faststream import AckPolicy

from bus import kafka_settings as limits
from bus.interface import RawRecord
from bus.kafka_client import client_of
from bus.kafka_consumer import Consumer, Session
from bus.kafka_settings import KafkaSettings, client_options, consumer_options, producer_options, security_options
from localkafka import Certificates

PLAIN = KafkaSettings("kafka-1.example:9092,kafka-2.example:9093")
NAMES = {"spark.balances": "spark.balances"}
PLACES = [("spark.balances", 0)]


class Nobody:
    """A steering that is never asked."""

    async def take(self, records: list[RawRecord]) -> None:
        raise AssertionError


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
async def made() -> AsyncIterator[list[Any]]:
    clients: list[Any] = []
    yield clients
    for client in clients:
        await (client.close if isinstance(client, AIOKafkaAdminClient) else client.stop)()


def holds_for_every_client(owner: Any, settings: KafkaSettings) -> None:
    client = client_of(owner)
    servers = settings.servers
    assert [get_ip_port_afi(server)[:2] for server in client._bootstrap_servers] == list(servers)
    assert client._client_id == "me"
    assert client._request_timeout_ms == limits.REQUEST_TIMEOUT_MS == 2_000
    assert client._retry_backoff == 0.1
    assert client._metadata_max_age_ms == 60_000
    assert client._connections_max_idle_ms == 540_000
    assert client._security_protocol == settings.security_protocol


async def test_the_producer(made: list[Any]):
    producer = AIOKafkaProducer(**producer_options(PLAIN, "me"))
    made.append(producer)
    holds_for_every_client(producer, PLAIN)
    assert producer._txn_manager is None  # Not idempotent: such a one never gives up, and hangs with its broker.
    assert producer._sender._acks == -1
    accumulator = producer._message_accumulator
    assert accumulator._linger_time == 0
    assert accumulator._batch_size == limits.PRODUCE_BATCH_BYTES
    assert accumulator._batch_ttl == 2.0
    assert accumulator._compression_type == 0
    assert producer._max_request_size == limits.PRODUCE_REQUEST_BYTES_MAX


def holds_for_every_consumer(consumer: AIOKafkaConsumer) -> None:
    assert consumer._group_id is None
    assert consumer._enable_auto_commit is False
    assert consumer._auto_offset_reset == "none"
    assert consumer._isolation_level == "read_uncommitted"
    assert consumer._check_crcs is True
    assert consumer._fetch_min_bytes == 1
    assert consumer._fetch_max_wait_ms == 500 < limits.REQUEST_TIMEOUT_MS
    assert consumer._fetch_max_bytes == 4 * 1024 * 1024
    assert consumer._max_partition_fetch_bytes == 1024 * 1024
    assert consumer._key_deserializer is consumer._value_deserializer is None


async def test_the_consumer(made: list[Any]):
    consumer = Consumer(Nobody(), **consumer_options(PLAIN, "me"))
    made.append(consumer)
    holds_for_every_client(consumer, PLAIN)
    holds_for_every_consumer(consumer)


async def test_the_consumer_that_faststream_makes_is_ours_with_our_options(made: list[Any]):
    session = Session(PLACES, Nobody(), consumer_options(PLAIN, "me"), NAMES)
    await session._broker.connect()
    session._broker.config.broker_config.builder = session._build
    # Of all that FastStream asks for nothing reaches the consumer; what would commit or join a group is refused.
    consumer = session._subscriber.builder(group_id=None, client_id="theirs", fetch_max_wait_ms=1, retry_backoff_ms=9)
    made.append(consumer)
    assert isinstance(consumer, Consumer)
    assert consumer is session.consumer
    holds_for_every_client(consumer, PLAIN)
    holds_for_every_consumer(consumer)
    for asked in ({"group_id": "a group"}, {"enable_auto_commit": True}):
        with pytest.raises(RuntimeError, match="no group and commits nothing"):
            session._subscriber.builder(**asked)


async def test_the_subscriber_answers_to_nobody_makes_no_topic_and_acknowledges_nothing():
    session = Session(PLACES, Nobody(), consumer_options(PLAIN, "me"), NAMES)
    subscriber = session._subscriber
    assert subscriber.ack_policy is AckPolicy.MANUAL
    assert subscriber._no_reply is True
    assert subscriber.topics_to_create == []
    assert subscriber.group_id is None
    await session._broker.connect()
    config = session._broker.config.broker_config
    assert config.allow_auto_create_topics is False
    assert config.consumer_only is True
    assert (
        type(config.logger.logger).__name__ == "EmptyLoggerObject"
    )  # FastStream logs nothing by itself: what it would say is ours to say.


async def test_every_client_asks_for_all_topics_since_a_named_one_could_be_made_by_it(made: list[Any]):
    consumer = Consumer(Nobody(), **consumer_options(PLAIN, "me"))
    made.append(consumer)
    assert client_of(consumer)._metadata_update.__name__ == "update"


@pytest.mark.parametrize("options", [client_options, producer_options, consumer_options])
def test_without_tls_there_is_no_context_and_no_password(options: Any):
    given = options(PLAIN, "me")
    assert given["security_protocol"] == "PLAINTEXT"
    assert given["ssl_context"] is None
    assert not any(name.startswith("sasl") for name in given)


@pytest.mark.parametrize("protocol", ["SSL", "SASL_SSL"])
@pytest.mark.parametrize("own_authority", [True, False])
def test_tls_asks_for_the_brokers_certificate_and_its_name(
    certificates: Certificates, protocol: Any, own_authority: bool
):
    cafile = certificates.ca if own_authority else None
    context = security_options(KafkaSettings("a:1", security_protocol=protocol, ssl_cafile=cafile))["ssl_context"]
    assert isinstance(context, ssl.SSLContext)
    assert context.check_hostname is True
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    if own_authority:
        assert len(context.get_ca_certs()) == 1  # And nobody else is trusted.


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
async def test_a_password_reaches_the_client_and_no_representation(protocol: Any, made: list[Any]):
    settings = KafkaSettings(
        "a:1",
        security_protocol=protocol,
        sasl_username="spark",
        sasl_password="canary-password",
        ssl_key_password="canary-key",
    )
    producer = AIOKafkaProducer(**producer_options(settings, "me"))
    consumer = Consumer(Nobody(), **consumer_options(settings, "me"))
    made += [producer, consumer]
    for owner in made:
        client = client_of(owner)
        assert client._sasl_mechanism == "SCRAM-SHA-512"
        assert (client._sasl_plain_username, client._sasl_plain_password) == ("spark", "canary-password")
        holds_for_every_client(owner, settings)
    for shown in (
        settings,
        *made,
        *map(client_of, made),
        Session(PLACES, Nobody(), consumer_options(settings, "m"), NAMES),
    ):
        assert "canary" not in repr(shown) + str(shown)


def test_a_certificate_of_ours_is_loaded_with_its_key(certificates: Certificates, tmp_path: Path):
    right = KafkaSettings(
        "a:1",
        security_protocol="SSL",
        ssl_cafile=certificates.ca,
        ssl_certfile=certificates.client_cert,
        ssl_keyfile=certificates.client_key,
    )
    assert security_options(right)["ssl_context"] is not None
    other = Certificates.make(tmp_path / "other")
    wrong = KafkaSettings(
        "a:1", security_protocol="SSL", ssl_certfile=certificates.client_cert, ssl_keyfile=other.client_key
    )
    with pytest.raises(ssl.SSLError):
        security_options(wrong)


@pytest.mark.parametrize(
    ("servers", "pairs"),
    [
        ("a:1", (("a", 1),)),
        (" a:1 , b.example:2 ", (("a", 1), ("b.example", 2))),
        ("[::1]:9093,127.0.0.1:1", (("::1", 9093), ("127.0.0.1", 1))),
    ],
)
def test_servers_are_understood_alike_by_us_and_by_the_library(servers: str, pairs: tuple[tuple[str, int], ...]):
    settings = KafkaSettings(servers)
    assert settings.servers == pairs
    given = client_options(settings, "me")["bootstrap_servers"]
    assert tuple(get_ip_port_afi(server)[:2] for server in given) == pairs


async def test_nothing_of_it_is_deprecated(made: list[Any]):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made += [
            AIOKafkaProducer(**producer_options(PLAIN, "me")),
            Consumer(Nobody(), **consumer_options(PLAIN, "me")),
            AIOKafkaAdminClient(**client_options(PLAIN, "me")),
        ]
