"""Listeners with TLS and passwords, and who may do what: settings and rules for a broker that checks its clients."""

import enum
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from localkafka.certificates import Certificates
from localkafka.listeners import Listener
from localkafka.wire import text

SCRAM = "SCRAM-SHA-512"
LITERAL, PREFIXED = 3, 4
ALLOW = 3
EVERY_HOST = "*"


class Resource(enum.IntEnum):
    """What a rule is about, with Kafka's numbers."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4
    TRANSACTIONAL_ID = 5


class Operation(enum.IntEnum):
    """What a rule allows, with Kafka's numbers."""

    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    CLUSTER_ACTION = 9
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12


@dataclass(frozen=True)
class Acl:
    """One thing that a user may do: `Acl("alice", Operation.READ, Resource.TOPIC, "spark.", prefixed=True)`."""

    user: str
    operation: Operation
    resource: Resource
    name: str = "kafka-cluster"
    prefixed: bool = False

    @property
    def fields(self) -> tuple[int, str, int, str, str, int, int]:
        """In the order of the protocol."""
        pattern = PREFIXED if self.prefixed else LITERAL
        return self.resource, self.name, pattern, f"User:{self.user}", EVERY_HOST, self.operation, ALLOW

    def encoded(self) -> bytes:
        """As an entry of a request."""
        resource, name, pattern, principal, host, operation, permission = self.fields
        named = struct.pack(">b", resource) + text(name) + struct.pack(">b", pattern)
        return named + text(principal) + text(host) + struct.pack(">bb", operation, permission)


def authorizer(*super_users: str) -> dict[str, str]:
    """Broker properties that refuse whatever no rule allows.

    The plain listener stays all-powerful, for the test itself: whoever comes without a name is a super user. So are
    the named `super_users`.
    """
    users = ["User:ANONYMOUS", *(f"User:{name}" for name in super_users)]
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": ";".join(users),
    }


def _tls(certificates: Certificates) -> Mapping[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(certificates.server),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.ca),
    }


def scram_listener(certificates: Certificates, name: str = "SCRAM") -> Listener:
    """A listener with SASL_SSL and SCRAM-SHA-512; the broker is given its users as `Broker(users=...)`."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    more = {"sasl.enabled.mechanisms": SCRAM, f"{SCRAM.lower()}.sasl.jaas.config": module}
    return Listener(name=name, protocol="SASL_SSL", properties={**_tls(certificates), **more})


def mtls_listener(certificates: Certificates, name: str = "MTLS") -> Listener:
    """A listener that knows its clients by certificate; the common name is the user's name."""
    more = {"ssl.client.auth": "required", "ssl.principal.mapping.rules": "RULE:^.*CN=([^,]+).*$/$1/"}
    return Listener(name=name, protocol="SSL", properties={**_tls(certificates), **more})
