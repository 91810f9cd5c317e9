"""How Kafka is reached: the settings of a person, and every option that our clients are given, none left to a default.

The defaults of the libraries are meant for other programs (a consumer that begins at the end, commits by itself, waits
forty seconds); so each option that matters is named here, and a test looks at what the clients really got.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"]
SaslMechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """Where the brokers are and how to be let in. Secrets are in no representation of it."""

    bootstrap_servers: str
    """``host:port``, commas between several."""
    topic_prefix: str = ""
    security_protocol: SecurityProtocol = "PLAINTEXT"
    sasl_mechanism: SaslMechanism = "SCRAM-SHA-512"
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: Path | None = None
    """Who signed the brokers' certificates; None for those that the machine trusts."""
    ssl_certfile: Path | None = None
    """Our certificate (mTLS), with ``ssl_keyfile``."""
    ssl_keyfile: Path | None = None
    ssl_key_password: str | None = field(default=None, repr=False)

    @property
    def servers(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each bootstrap server."""
        pairs = (server.strip().rpartition(":") for server in self.bootstrap_servers.split(",") if server.strip())
        return tuple((host.strip("[]"), int(port)) for host, _, port in pairs)

    def topic(self, name: str) -> str:
        """The name on the broker of one of our topics."""
        return self.topic_prefix + name


REQUEST_TIMEOUT_MS: Final = 2_000
"""Of one request; a broker that accepts and never answers is left after it. A record of 8 MB needs 4 MB a second."""

RETRY_BACKOFF_MS: Final = 100
METADATA_AGE_MS_MAX: Final = 60_000
CONNECTION_IDLE_MS_MAX: Final = 540_000
"""Below the ten minutes after which a broker closes an idle connection by itself."""

PRODUCE_BATCH_BYTES: Final = 256 * 1024
"""Records of one partition that travel together. The topics' ``max.message.bytes``, which counts batches, allows it."""

PRODUCE_REQUEST_BYTES_MAX: Final = 9 * 1024 * 1024
"""The largest record of any topic (8 MB), its key and the envelope."""

FETCH_WAIT_MS_MAX: Final = 500
"""A broker that has nothing answers after it; one that has, at once."""

FETCH_PARTITION_BYTES: Final = 1024 * 1024
FETCH_BYTES: Final = 4 * 1024 * 1024
"""What one answer carries; a larger record comes alone (brokers give the first batch whole, whatever its size)."""


def address(host: str, port: int) -> str:
    """As clients take it. An IPv6 address has brackets: without them its port would be read as its last part."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def client_options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """What every client is given: where, who, how long."""
    return {
        "bootstrap_servers": [address(host, port) for host, port in settings.servers],
        "client_id": client_id,
        "request_timeout_ms": REQUEST_TIMEOUT_MS,
        "retry_backoff_ms": RETRY_BACKOFF_MS,
        "metadata_max_age_ms": METADATA_AGE_MS_MAX,
        "connections_max_idle_ms": CONNECTION_IDLE_MS_MAX,
        **security_options(settings),
    }


def security_options(settings: KafkaSettings) -> dict[str, Any]:
    """How the client proves who it is, and asks the same of the broker. OSError, ssl.SSLError for unusable files."""
    options: dict[str, Any] = {"security_protocol": settings.security_protocol, "ssl_context": None}
    if settings.security_protocol in {"SSL", "SASL_SSL"}:
        # With host name check and required certificate: the default of this function, for servers, of the library.
        context = ssl.create_default_context(cafile=settings.ssl_cafile)
        if settings.ssl_certfile is not None:
            context.load_cert_chain(settings.ssl_certfile, settings.ssl_keyfile, settings.ssl_key_password)
        options["ssl_context"] = context
    if settings.security_protocol in {"SASL_SSL", "SASL_PLAINTEXT"}:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password,
        }
    return options


def producer_options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Of a producer. Not idempotent: such a one never gives a batch up, and hangs with its broker."""
    return client_options(settings, client_id) | {
        "acks": "all",
        "enable_idempotence": False,
        "linger_ms": 0,
        "max_batch_size": PRODUCE_BATCH_BYTES,
        "max_request_size": PRODUCE_REQUEST_BYTES_MAX,
        "compression_type": None,
    }


def consumer_options(settings: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Of a consumer: no group, no commits, and no moving by itself (where it stands is ours to decide)."""
    return client_options(settings, client_id) | {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_uncommitted",
        "check_crcs": True,
        "fetch_min_bytes": 1,
        "fetch_max_wait_ms": FETCH_WAIT_MS_MAX,
        "fetch_max_bytes": FETCH_BYTES,
        "max_partition_fetch_bytes": FETCH_PARTITION_BYTES,
    }
