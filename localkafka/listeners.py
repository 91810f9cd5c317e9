"""The addresses at which one broker is reached, and the settings file made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localkafka.ports import free_port

DIRECT = "PLAINTEXT"
CONTROLLER = "CONTROLLER"


@dataclass(frozen=True, kw_only=True)
class Listener:
    """One port of the broker: its protocol, what it tells clients to connect to, and settings of its own.

    `properties` are named without the prefix `listener.name.<name>.`, which the settings file adds.
    """

    name: str
    protocol: str = "PLAINTEXT"
    port: int = field(default_factory=free_port)
    advertised: str | None = None
    properties: Mapping[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """Where it listens, which is not what it advertises when a proxy stands in front."""
        return f"127.0.0.1:{self.port}"


DEFAULTS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": CONTROLLER,
    "inter.broker.listener.name": DIRECT,
    # One broker: one replica of everything, and as few partitions of the inner topics as will do.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "1",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # A misspelt topic must fail, not appear.
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    # The controller refuses a killed broker's successor until this is over: 9 s by default.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "250",
    # Compaction and retention within a test's patience; the first run is 30 s after the start by default.
    "log.initial.task.delay.ms": "500",
    "log.cleaner.backoff.ms": "500",
    "log.retention.check.interval.ms": "1000",
    # A third of the heap by default.
    "log.cleaner.dedupe.buffer.size": str(16 << 20),
    # Records of 8 MB and what is around them.
    "replica.fetch.max.bytes": str(16 << 20),
}


def server_properties(listeners: Sequence[Listener], controller_port: int, data: Path, more: Mapping[str, str]) -> str:
    """The text of `server.properties`; `more` wins over the defaults."""
    properties = {
        **DEFAULTS,
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": ",".join(
            [*(f"{one.name}://{one.address}" for one in listeners), f"{CONTROLLER}://127.0.0.1:{controller_port}"]
        ),
        "advertised.listeners": ",".join(f"{one.name}://{one.advertised or one.address}" for one in listeners),
        "listener.security.protocol.map": ",".join(
            [*(f"{one.name}:{one.protocol}" for one in listeners), f"{CONTROLLER}:PLAINTEXT"]
        ),
        "log.dirs": str(data),
    }
    for one in listeners:
        properties |= {f"listener.name.{one.name.lower()}.{name}": text for name, text in one.properties.items()}
    properties |= more
    # Java reads this as ISO 8859-1 with escapes; a backslash is the only sign of ours that it would take for one.
    return "".join(f"{name}={text}\n".replace("\\", "\\\\") for name, text in properties.items())
