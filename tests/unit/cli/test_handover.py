"""What a child process is told by its environment is what was meant for it, whole, and nothing else."""

import base64
import os
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from bus.kafka_settings import KafkaSettings
from cli.apart import Order
from cli.demo import demo_base, demo_settings
from cli.handover import core_environment, exchange_environment, foreign, kafka_environment
from cli.settings.core import CoreSettings
from cli.settings.exchanges import AccountCredentials, ExchangeSettings
from cli.settings.load import load_settings
from cli.specs import specs
from collectors.spec import ExchangeSpec
from tests.unit.cli.test_settings import ACME

NOWHERE = Path(os.devnull)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9_]{0,10}[a-z0-9]", fullmatch=True).filter(lambda name: "__" not in name)
TOKENS = st.from_regex(r"[A-Za-z0-9_-]{32,60}", fullmatch=True).filter(lambda text: not text.lower().startswith("your"))
KEYS = st.from_regex(r"key-[A-Za-z0-9=+/]{4,30}", fullmatch=True)
SECONDS = st.floats(1, 3600, allow_nan=False)


@st.composite
def exchanges(draw: st.DrawFn) -> ExchangeSettings:
    labels = draw(st.lists(NAMES, unique=True, max_size=3))
    keys = draw(st.lists(KEYS, unique=True, min_size=4, max_size=4))
    accounts = [
        AccountCredentials(
            label,
            draw(NAMES),
            {
                "API_KEY": SecretStr(key),
                "API_SECRET": SecretStr(base64.b64encode(draw(st.binary(min_size=16, max_size=32))).decode()),
            },
            draw(st.frozensets(st.sampled_from(ACME.flags))),
        )
        for label, key in zip(
            sorted({"main", *labels}, key=lambda name: (name != "main", name.upper())), keys, strict=False
        )
    ]
    urls = {"REST_URL": "https://rest.example:8443", "WS_URL": "wss://ws.example/v4"}
    polls = {wallet: seconds for poll in ACME.polls for seconds in [draw(SECONDS)] for wallet in poll.wallets}
    return ExchangeSettings(ACME, urls, polls, tuple(accounts))


cores = st.builds(
    CoreSettings,
    admin_token=st.none() | TOKENS,
    read_token=TOKENS,
    api_host=st.sampled_from(["127.0.0.1", "192.0.2.1", "::1"]),
    api_port=st.integers(1, 65_535),
    allowed_hosts=st.lists(st.from_regex(r"[a-z]{1,9}\.home", fullmatch=True), max_size=2).map(tuple),
    metrics_host=st.sampled_from(["127.0.0.1", "192.0.2.1"]),
    metrics_port=st.none() | st.integers(1, 65_535),
    state_dir=st.sampled_from([Path("state"), Path("/var/lib/spark")]),
    usd_pegs=st.lists(st.from_regex(r"[A-Z]{3,5}", fullmatch=True), max_size=3).map(tuple),
    log_level=st.sampled_from(["debug", "info", "warning", "error"]),
    log_format=st.sampled_from(["auto", "console", "json"]),
)
kafkas = st.builds(
    KafkaSettings,
    bootstrap_servers=st.sampled_from(["127.0.0.1:9092", "127.0.0.1:9092,127.0.0.2:9093"]),
    topic_prefix=st.from_regex(r"[a-z.]{0,9}", fullmatch=True),
    security_protocol=st.sampled_from(["SASL_SSL", "SASL_PLAINTEXT"]),
    sasl_mechanism=st.sampled_from(["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]),
    sasl_username=KEYS,
    sasl_password=KEYS,
)


@given(cores, kafkas, exchanges())
@settings(max_examples=60, deadline=None)
def test_what_is_written_is_read_again_as_it_was(
    core: CoreSettings, kafka: KafkaSettings, exchange: ExchangeSettings
) -> None:
    written = core_environment(core, api=True) | kafka_environment(kafka) | exchange_environment(exchange)
    loaded = load_settings([ACME], NOWHERE, written)
    assert loaded.settings is not None, loaded.errors
    assert loaded.settings.core == core
    assert loaded.settings.kafka == kafka
    assert loaded.settings.exchanges == {"acme": exchange}


def test_the_token_for_writes_is_the_apis_alone() -> None:
    core = CoreSettings(admin_token=SecretStr("a" * 40), read_token=SecretStr("r" * 40))
    assert "a" * 40 not in str(core_environment(core, api=False))
    assert core_environment(core, api=True)["ADMIN_TOKEN"] == "a" * 40
    assert core_environment(core, api=False)["READ_TOKEN"] == "r" * 40


def test_nothing_of_ours_is_passed_on_by_itself() -> None:
    environment = {
        "ACME_API_KEY": "k",
        "ACME__SAVINGS__API_SECRET_FILE": "/secret",
        "ADMIN_TOKEN": "a",
        "KAFKA_SASL_PASSWORD_FILE": "/password",
        "API_PORT": "1",
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "ACMEISH": "somebody else's",
    }
    assert set(foreign(environment, [ACME])) == {"PATH", "LANG", "ACMEISH"}


def demo(**environment: str):
    base = demo_base(load_settings((), NOWHERE, environment))
    return demo_settings(base, specs(), {spec.name: "http://127.0.0.1:9" for spec in specs()})


def test_a_collector_is_told_its_own_keys_and_no_other() -> None:
    made = demo(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9092")
    for spec in specs():
        written = str(exchange_environment(made.exchanges[spec.name]))
        for other in specs():
            for account in made.exchanges[other.name].accounts:
                for secret in account.credentials.values():
                    assert (secret.get_secret_value() in written) == (other is spec)


def test_a_demo_never_writes_into_real_topics() -> None:
    for given_prefix, used in (("", "demo."), ("desk.", "demo.desk."), ("demo.", "demo."), ("demo.x.", "demo.x.")):
        made = demo(KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:9092", TOPIC_PREFIX=given_prefix)
        assert made.kafka is not None
        assert made.kafka.topic_prefix == used


def test_every_role_has_a_port_of_its_own() -> None:
    orders = [Order("aggregator"), *(Order("collector", spec) for spec in specs())]
    ports = [order.metrics_port for order in orders]
    assert len({*ports, CoreSettings().api_port}) == len(ports) + 1
    assert Order("api").metrics_port is None


def test_a_role_reads_the_settings_of_its_own_exchange_alone() -> None:
    def read(order: Order) -> set[str]:
        # A half key of any exchange is an error for whoever reads that exchange.
        halves = {f"{spec.prefix}_{spec.credentials[0].suffix}": "half" for spec in specs()}
        loaded = load_settings(order.specs, NOWHERE, halves)
        return {name for error in loaded.errors for name in [error.name.split("_")[0]]}

    def prefix(spec: ExchangeSpec) -> str:
        return spec.prefix

    for spec in specs():
        assert read(Order("collector", spec)) == {prefix(spec)}
    assert read(Order("aggregator")) == read(Order("api")) == set()
