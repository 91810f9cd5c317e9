"""The settings of Apache Kafka: where the brokers are, how to be let in, and what is refused before anything starts.

The brokers' certificates are always checked, and the names in them too: there is no setting that turns it off.
"""

import os
import re
import ssl
import stat
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bus.kafka_settings import KafkaSettings, SaslMechanism, SecurityProtocol
from cli.settings.values import Values, readable_by_others
from monitoring.guards import is_loopback

BOOTSTRAP: Final = "KAFKA_BOOTSTRAP_SERVERS"
PROTOCOL: Final = "KAFKA_SECURITY_PROTOCOL"
USERNAME: Final = "KAFKA_SASL_USERNAME"
PASSWORD: Final = "KAFKA_SASL_PASSWORD"  # noqa: S105 - the setting's name
CAFILE: Final = "KAFKA_SSL_CAFILE"
CERTFILE: Final = "KAFKA_SSL_CERTFILE"
KEYFILE: Final = "KAFKA_SSL_KEYFILE"
KEY_PASSWORD: Final = "KAFKA_SSL_KEY_PASSWORD"  # noqa: S105 - the setting's name

_SERVER: Final = re.compile(r"(?P<host>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(?P<port>[0-9]{1,5})")


class KafkaGiven(BaseModel):
    """What a person may say of Kafka. Names in the environment are the fields in capitals."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kafka_bootstrap_servers: str | None = Field(
        None,
        description="To run the parts as processes of their own, on Apache Kafka 3.9 or newer: host:port, commas "
        "between several. Empty: all in one process, without Kafka.",
    )
    kafka_security_protocol: SecurityProtocol = Field(
        "PLAINTEXT",
        description="How the brokers are reached: PLAINTEXT, SSL, SASL_SSL; SASL_PLAINTEXT on this machine only. The "
        "brokers' certificates and names are always checked.",
    )
    kafka_sasl_mechanism: SaslMechanism = Field(
        "SCRAM-SHA-512", description="How we prove who we are: SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN."
    )
    kafka_sasl_username: str | None = Field(
        None, description="The user of this process, with SASL_SSL or SASL_PLAINTEXT."
    )
    kafka_sasl_password: SecretStr | None = Field(None, description="Its password.")
    kafka_ssl_cafile: Path | None = Field(
        None,
        description="Who signed the brokers' certificates, as PEM; empty: those that this machine trusts already.",
    )
    kafka_ssl_certfile: Path | None = Field(
        None, description="Our own certificate, as PEM, where the brokers ask for one (mTLS)."
    )
    kafka_ssl_keyfile: Path | None = Field(None, description="Its private key, in a file that only you can read.")
    kafka_ssl_key_password: SecretStr | None = Field(None, description="What that key is encrypted with, if it is.")
    topic_prefix: str = Field(
        "",
        description="Stands before the topics' names on a Kafka that is shared with others, with nothing in between: "
        "desk-a. (with its dot) makes desk-a.spark.balances; up --demo puts demo. before it.",
    )

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _check_servers(cls, value: str | None) -> str | None:
        return None if value is None else ",".join(f"{host}:{port}" for host, port in servers(value))

    @field_validator("topic_prefix")
    @classmethod
    def _check_prefix(cls, value: str) -> str:
        if re.fullmatch(r"[A-Za-z0-9._-]{0,64}", value) is None:
            raise ValueError("a prefix holds letters, digits, dot, underscore and minus only, 64 at most")
        return value


def servers(text: str) -> list[tuple[str, int]]:
    """The brokers of a ``host:port,host:port`` list; ValueError says which part is none."""
    found: list[tuple[str, int]] = []
    for part in (part.strip() for part in text.split(",")):
        match = _SERVER.fullmatch(part)
        if match is not None and not 0 < int(match["port"]) <= 65_535:
            raise ValueError(f"{part!r} is no broker: a port is 1 to 65535")
        if match is None:
            raise ValueError(
                f"{part!r} is no broker: write host:port, such as 127.0.0.1:9092, without a scheme or a path, and "
                "commas between several"
            )
        found.append((match["host"], int(match["port"])))
    return found


def check_kafka(given: KafkaGiven, out: Values) -> KafkaSettings | None:
    """The settings that the bus is given, or None for the embedded way; what is wrong is noted in ``out``."""
    if given.kafka_bootstrap_servers is None:
        _name_unused(given, out)
        return None
    _check_way(given, out)
    _check_user(given, out)
    _check_certificates(given, out)
    return KafkaSettings(
        bootstrap_servers=given.kafka_bootstrap_servers,
        topic_prefix=given.topic_prefix,
        security_protocol=given.kafka_security_protocol,
        sasl_mechanism=given.kafka_sasl_mechanism,
        sasl_username=given.kafka_sasl_username,
        sasl_password=_text(given.kafka_sasl_password),
        ssl_cafile=given.kafka_ssl_cafile,
        ssl_certfile=given.kafka_ssl_certfile,
        ssl_keyfile=given.kafka_ssl_keyfile,
        ssl_key_password=_text(given.kafka_ssl_key_password),
    )


def _name_unused(given: KafkaGiven, out: Values) -> None:
    """Whoever sets up access to Kafka and is run without it should hear so; a prefix or a default harms nobody."""
    for name in (USERNAME, PASSWORD, CAFILE, CERTFILE, KEYFILE, KEY_PASSWORD):
        if getattr(given, name.lower()) is not None:
            out.warn(name, f"{name} is set and not used: {BOOTSTRAP} is empty", f"set {BOOTSTRAP}, or delete {name}")


def _check_way(given: KafkaGiven, out: Values) -> None:
    """Whether what we say can be read on the way: passwords never, balances not without a warning."""
    away = [host for host, _ in servers(given.kafka_bootstrap_servers or "") if not is_loopback(host)]
    if not away:
        return
    if given.kafka_security_protocol == "SASL_PLAINTEXT":
        out.error(
            PROTOCOL,
            f"{PROTOCOL} is SASL_PLAINTEXT, and {away[0]} is another machine: the password could be had from the wire",
            f"use SASL_SSL, with {CAFILE} where the brokers' certificates are of your own making",
        )
    elif given.kafka_security_protocol == "PLAINTEXT":
        out.warn(
            PROTOCOL,
            f"{BOOTSTRAP} leads to {away[0]} without encryption: whoever is on the way can read and write balances",
            f"use {PROTOCOL}=SASL_SSL, or SSL with {CERTFILE} and {KEYFILE}",
        )


def _check_user(given: KafkaGiven, out: Values) -> None:
    asked = given.kafka_security_protocol.startswith("SASL")
    for name, other, what in ((USERNAME, PASSWORD, "a user"), (PASSWORD, USERNAME, "a user's password")):
        here, there = (getattr(given, one.lower()) is not None for one in (name, other))
        if here and not asked:
            out.error(
                name,
                f"{name} is set, and {PROTOCOL} is {given.kafka_security_protocol}, which asks for no user",
                f"set {PROTOCOL}=SASL_SSL, or delete {name}",
            )
        elif not here and asked:
            needed = f"the password of the user that {USERNAME} names" if there and name == PASSWORD else what
            out.error(
                name, f"{name} is missing: {PROTOCOL} {given.kafka_security_protocol} needs {needed}", f"set {name}"
            )


def _check_certificates(given: KafkaGiven, out: Values) -> None:
    """All there, readable, ours alone where they are secret, and fitting each other."""
    if not given.kafka_security_protocol.endswith("SSL"):
        for name in (CAFILE, CERTFILE, KEYFILE, KEY_PASSWORD):
            if getattr(given, name.lower()) is not None:
                out.error(
                    name,
                    f"{name} is set, and {PROTOCOL} is {given.kafka_security_protocol}, which uses no certificates",
                    f"set {PROTOCOL}=SSL or SASL_SSL, or delete {name}",
                )
        return
    before = len(out.findings)
    for name, other in ((CERTFILE, KEYFILE), (KEYFILE, CERTFILE)):
        if getattr(given, name.lower()) is None and getattr(given, other.lower()) is not None:
            out.error(name, f"{name} is missing: {other} is set, and the two go together", f"set {name}")
    if given.kafka_ssl_key_password is not None and given.kafka_ssl_keyfile is None:
        out.error(KEY_PASSWORD, f"{KEY_PASSWORD} is set without {KEYFILE}", f"set {KEYFILE}, or delete {KEY_PASSWORD}")
    _check_file(out, CAFILE, given.kafka_ssl_cafile)
    _check_file(out, CERTFILE, given.kafka_ssl_certfile)
    _check_file(out, KEYFILE, given.kafka_ssl_keyfile, private=True)
    if len(out.findings) == before:
        _try_certificates(given, out)


def _check_file(out: Values, name: str, path: Path | None, *, private: bool = False) -> None:
    if path is None:
        return
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            file.read(1)
    except OSError as error:
        out.error(name, f"{name}: {path} cannot be read: {error.strerror}", "correct the path or its permissions")
        return
    if private and readable_by_others(mode):
        out.error(name, f"{name}: {path} can be read by others (mode {stat.S_IMODE(mode):04o})", f"chmod 600 {path}")


def _try_certificates(given: KafkaGiven, out: Values) -> None:
    """Load them as the connection will: better here, with the setting's name, than at the first broker."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if given.kafka_ssl_cafile is not None:
        try:
            context.load_verify_locations(given.kafka_ssl_cafile)
        except (ssl.SSLError, OSError):
            out.error(CAFILE, f"{CAFILE}: {given.kafka_ssl_cafile} holds no certificate", "it must be a PEM file")
    if given.kafka_ssl_certfile is not None:
        password = _text(given.kafka_ssl_key_password) or ""
        try:
            # With a function, else an encrypted key would be asked for on the terminal.
            context.load_cert_chain(given.kafka_ssl_certfile, given.kafka_ssl_keyfile, password=lambda: password)
        except (ssl.SSLError, OSError, ValueError):
            out.error(
                CERTFILE,
                f"{CERTFILE} and {KEYFILE} cannot be used: one is no PEM file, they do not belong together, or "
                f"{KEY_PASSWORD} does not open the key",
                "correct the one that is wrong",
            )


def _text(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
