"""The settings of Kafka: what would leak a password, or could not work, is refused before anything starts."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bus.kafka_settings import KafkaSettings
from cli.settings.kafka import servers
from cli.settings.load import Loaded, load_settings
from localkafka import Certificates

HERE = "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092"
AWAY = "KAFKA_BOOTSTRAP_SERVERS=kafka.example:9093"
USER = "KAFKA_SASL_USERNAME=spark\nKAFKA_SASL_PASSWORD=canary-password"


def load(tmp_path: Path, *lines: str) -> Loaded:
    env_file = tmp_path / ".env"
    env_file.write_text("\n".join(lines) + "\n")
    env_file.chmod(0o600)
    return load_settings([], env_file, {})


def kafka(tmp_path: Path, *lines: str) -> KafkaSettings:
    loaded = load(tmp_path, *lines)
    assert loaded.settings is not None, loaded.errors
    assert loaded.settings.kafka is not None
    return loaded.settings.kafka


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates.make(tmp_path_factory.mktemp("certificates"))


def test_without_servers_it_is_the_embedded_way(tmp_path: Path) -> None:
    loaded = load(tmp_path, "KAFKA_BOOTSTRAP_SERVERS=")
    assert loaded.settings is not None
    assert loaded.settings.kafka is None
    assert not loaded.findings


def test_the_plain_broker_of_this_machine_needs_nothing_else(tmp_path: Path) -> None:
    loaded = load(
        tmp_path, "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092, [::1]:9093 ,localhost:9094", "TOPIC_PREFIX=desk-a."
    )
    assert loaded.settings is not None
    assert not loaded.findings
    assert loaded.settings.kafka == KafkaSettings("127.0.0.1:9092,[::1]:9093,localhost:9094", topic_prefix="desk-a.")


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_a_user_and_a_password(tmp_path: Path, protocol: str) -> None:
    made = kafka(tmp_path, HERE, USER, f"KAFKA_SECURITY_PROTOCOL={protocol}")
    assert (made.sasl_mechanism, made.sasl_username, made.sasl_password) == (
        "SCRAM-SHA-512",
        "spark",
        "canary-password",
    )


def test_a_password_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-a-file\n")
    (tmp_path / "password").chmod(0o600)
    made = kafka(
        tmp_path,
        AWAY,
        "KAFKA_SECURITY_PROTOCOL=SASL_SSL",
        "KAFKA_SASL_USERNAME=spark",
        f"KAFKA_SASL_PASSWORD_FILE={tmp_path / 'password'}",
    )
    assert made.sasl_password == "from-a-file"


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (["KAFKA_BOOTSTRAP_SERVERS=localhost"], "'localhost' is no broker: write host:port"),
        (["KAFKA_BOOTSTRAP_SERVERS=kafka://localhost:9092"], "is no broker"),
        (["KAFKA_BOOTSTRAP_SERVERS=localhost:9092,"], "'' is no broker"),
        (["KAFKA_BOOTSTRAP_SERVERS=localhost:99999"], "'localhost:99999' is no broker: a port is 1 to 65535"),
        (["KAFKA_BOOTSTRAP_SERVERS=localhost:0"], "a port is 1 to 65535"),
        ([HERE, "TOPIC_PREFIX=a/b"], "a prefix holds letters"),
        ([HERE, "KAFKA_SECURITY_PROTOCOL=TLS"], "KAFKA_SECURITY_PROTOCOL (.env:2): Input should be 'PLAINTEXT', 'SSL'"),
        ([HERE, "KAFKA_SECURITY_PROTOCOL=SASL_SSL", USER, "KAFKA_SASL_MECHANISM=GSSAPI"], "KAFKA_SASL_MECHANISM"),
        ([AWAY, "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT", USER], "the password could be had from the wire"),
        (
            ["KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092,10.0.0.7:9092", "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT", USER],
            "10.0.0.7 is another machine",
        ),
        ([HERE, "KAFKA_SASL_USERNAME=a", "KAFKA_SECURITY_PROTOCOL=SASL_SSL"], "needs the password of the user that"),
        ([HERE, "KAFKA_SASL_PASSWORD=a", "KAFKA_SECURITY_PROTOCOL=SASL_SSL"], "KAFKA_SASL_USERNAME is missing"),
        ([HERE, USER], "KAFKA_SASL_USERNAME is set, and KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
        ([HERE, "KAFKA_SSL_CAFILE=ca.pem"], "KAFKA_SSL_CAFILE is set, and KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
        ([HERE, "KAFKA_SSL_KEY_PASSWORD=x"], "KAFKA_SSL_KEY_PASSWORD is set, and KAFKA_SECURITY_PROTOCOL is PLAINTEXT"),
        (
            [HERE, USER, "KAFKA_SECURITY_PROTOCOL=SASL_PLAINTEXT", "KAFKA_SSL_KEY_PASSWORD=x"],
            "KAFKA_SSL_KEY_PASSWORD is set, and KAFKA_SECURITY_PROTOCOL is SASL_PLAINTEXT",
        ),
        ([AWAY, "KAFKA_SECURITY_PROTOCOL=SSL", "KAFKA_SSL_CERTFILE={cert}"], "KAFKA_SSL_KEYFILE is missing"),
        ([AWAY, "KAFKA_SECURITY_PROTOCOL=SSL", "KAFKA_SSL_KEYFILE={key}"], "KAFKA_SSL_CERTFILE is missing"),
        ([AWAY, "KAFKA_SECURITY_PROTOCOL=SSL", "KAFKA_SSL_KEY_PASSWORD=x"], "is set without KAFKA_SSL_KEYFILE"),
        (
            [AWAY, "KAFKA_SECURITY_PROTOCOL=SSL", "KAFKA_SSL_CAFILE=/no/ca.pem"],
            "/no/ca.pem cannot be read: No such file",
        ),
        ([AWAY, "KAFKA_SECURITY_PROTOCOL=SSL", "KAFKA_SSL_CAFILE={key}"], "holds no certificate"),
        (
            [AWAY, "KAFKA_SECURITY_PROTOCOL=SSL", "KAFKA_SSL_CERTFILE={ca}", "KAFKA_SSL_KEYFILE={key}"],
            "they do not belong together",
        ),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_mend(
    tmp_path: Path, certificates: Certificates, lines: list[str], named: str
) -> None:
    paths = {"cert": certificates.client_cert, "key": certificates.client_key, "ca": certificates.ca}
    loaded = load(tmp_path, *(line.format(**paths) for line in lines))
    assert loaded.settings is None
    assert any(named in error.message for error in loaded.errors), loaded.errors
    assert all(error.mend for error in loaded.errors)
    assert "canary" not in str(loaded.findings)


def test_both_halves_of_a_missing_user_are_named(tmp_path: Path) -> None:
    loaded = load(tmp_path, HERE, "KAFKA_SECURITY_PROTOCOL=SASL_SSL")
    assert {error.name for error in loaded.errors} == {"KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"}


@pytest.mark.parametrize("name", ["KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD"])
def test_half_a_user_where_none_is_asked_for_is_not_told_to_add_the_other_half(tmp_path: Path, name: str) -> None:
    (error,) = load(tmp_path, HERE, f"{name}=a").errors
    assert "which asks for no user" in error.message


def test_clear_text_to_another_machine_is_warned_of(tmp_path: Path) -> None:
    loaded = load(tmp_path, AWAY)
    assert loaded.settings is not None
    assert ["kafka.example" in finding.message for finding in loaded.findings] == [True]


def test_access_without_servers_is_named_as_unused(tmp_path: Path) -> None:
    loaded = load(tmp_path, USER)
    assert loaded.settings is not None
    assert all("KAFKA_BOOTSTRAP_SERVERS is empty" in finding.message for finding in loaded.findings)
    assert len(loaded.findings) == 2


def test_mutual_tls(tmp_path: Path, certificates: Certificates) -> None:
    made = kafka(
        tmp_path,
        AWAY,
        "KAFKA_SECURITY_PROTOCOL=SSL",
        f"KAFKA_SSL_CAFILE={certificates.ca}",
        f"KAFKA_SSL_CERTFILE={certificates.client_cert}",
        f"KAFKA_SSL_KEYFILE={certificates.client_key}",
    )
    assert made.ssl_keyfile == certificates.client_key


@pytest.mark.skipif(os.name != "posix", reason="file modes are a POSIX matter")
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, certificates: Certificates) -> None:
    key = tmp_path / "open.key"
    key.write_bytes(certificates.client_key.read_bytes())
    key.chmod(0o640)
    loaded = load(
        tmp_path,
        AWAY,
        "KAFKA_SECURITY_PROTOCOL=SSL",
        f"KAFKA_SSL_CERTFILE={certificates.client_cert}",
        f"KAFKA_SSL_KEYFILE={key}",
    )
    assert [(error.name, error.mend) for error in loaded.errors] == [("KAFKA_SSL_KEYFILE", f"chmod 600 {key}")]
    assert "mode 0640" in loaded.errors[0].message


@pytest.mark.parametrize("password", ["right", "wrong", None])
def test_an_encrypted_key_needs_its_password_and_nobody_is_asked_for_it(
    tmp_path: Path, certificates: Certificates, password: str | None
) -> None:
    key = tmp_path / "encrypted.key"
    encrypt = f"openssl pkey -in {certificates.client_key} -aes256 -passout pass:right -out {key}"
    subprocess.run(encrypt.split(), check=True, capture_output=True)  # noqa: S603 - our own words
    key.chmod(0o600)
    loaded = load(
        tmp_path,
        AWAY,
        "KAFKA_SECURITY_PROTOCOL=SSL",
        f"KAFKA_SSL_CERTFILE={certificates.client_cert}",
        f"KAFKA_SSL_KEYFILE={key}",
        *([f"KAFKA_SSL_KEY_PASSWORD={password}"] if password else []),
    )
    assert (loaded.settings is not None) == (password == "right")


def test_no_secret_is_in_a_representation_and_all_are_redacted(tmp_path: Path) -> None:
    loaded = load(tmp_path, HERE, USER, "KAFKA_SECURITY_PROTOCOL=SASL_SSL")
    assert loaded.settings is not None
    assert "canary-password" not in repr(loaded.settings)
    assert loaded.settings.secrets() == ["canary-password"]


def test_a_metrics_address_beyond_loopback_needs_a_token(tmp_path: Path) -> None:
    loaded = load(tmp_path, "METRICS_HOST=0.0.0.0")
    assert [error.name for error in loaded.errors] == ["READ_TOKEN"]
    assert "METRICS_HOST is 0.0.0.0" in loaded.errors[0].message
    assert load(tmp_path, "METRICS_HOST=0.0.0.0", f"READ_TOKEN={'t' * 40}").settings is not None


hosts = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,20}", fullmatch=True) | st.just("[::1]")
pairs = st.lists(st.tuples(hosts, st.integers(1, 65_535)), min_size=1, max_size=5)


@given(pairs)
@settings(max_examples=100, deadline=None)
def test_a_list_of_servers_is_read_as_it_was_meant(meant: list[tuple[str, int]]) -> None:
    assert servers(" , ".join(f"{host}:{port}" for host, port in meant)) == meant


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_is_servers_or_a_sentence(text: str) -> None:
    with suppress(ValueError):
        assert all(host and 0 < port < 65_536 for host, port in servers(text))
