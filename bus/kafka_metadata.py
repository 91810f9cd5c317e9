"""Asking a broker about topics by name, with the identity that each has had since it was made.

A topic that was deleted and made anew has its old name and new records; only its id tells (KIP-516; Metadata API
version 10, in every broker since 2.8). aiokafka stops at version 5, so request and answer are written down here,
after Kafka's own ``MetadataRequest.json`` and ``MetadataResponse.json``. Older brokers are asked without ids.
"""

import random
import uuid
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from aiokafka import errors
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.types import (
    Array,
    Boolean,
    CompactArray,
    CompactString,
    Int16,
    Int32,
    Int64,
    Schema,
    String,
    TaggedFields,
)

from bus.interface import NotAuthorisedError
from bus.kafka_client import is_refusal

_NO_ID: Final = uuid.UUID(int=0)


class _Uuid:
    """Sixteen bytes."""

    @classmethod
    def encode(cls, value: uuid.UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> uuid.UUID:
        return uuid.UUID(bytes=data.read(16))

    @classmethod
    def repr(cls, value: uuid.UUID) -> str:
        return str(value)


class _MetadataResponse_v10(Response):  # type: ignore[misc] # noqa: N801 - untyped library, which names versions so
    API_KEY = 3
    API_VERSION = 10
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(
                ("node_id", Int32),
                ("host", CompactString("utf-8")),
                ("port", Int32),
                ("rack", CompactString("utf-8")),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_id", CompactString("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", CompactString("utf-8")),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("isr", CompactArray(Int32)),
                        ("offline_replicas", CompactArray(Int32)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("tags", TaggedFields),
            ),
        ),
        ("cluster_authorized_operations", Int32),
        ("tags", TaggedFields),
    )


class _MetadataRequest_v10(RequestStruct):  # type: ignore[misc] # noqa: N801 - as above
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 10
    RESPONSE_TYPE = _MetadataResponse_v10
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(("topic_id", _Uuid), ("name", CompactString("utf-8")), ("tags", TaggedFields)),
        ),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("tags", TaggedFields),
    )


class _LogDirsResponse_v1(Response):  # type: ignore[misc] # noqa: N801 - as above
    API_KEY = 35
    API_VERSION = 1
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "log_dirs",
            Array(
                ("error_code", Int16),
                ("log_dir", String("utf-8")),
                (
                    "topics",
                    Array(
                        ("name", String("utf-8")),
                        (
                            "partitions",
                            Array(("partition", Int32), ("size", Int64), ("offset_lag", Int64), ("is_future", Boolean)),
                        ),
                    ),
                ),
            ),
        ),
    )


class _LogDirsRequest_v1(RequestStruct):  # type: ignore[misc] # noqa: N801 - as above
    API_KEY = 35
    API_VERSION = 1
    RESPONSE_TYPE = _LogDirsResponse_v1
    SCHEMA = Schema(("topics", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))))


class LogDirsRequest(Request[_LogDirsRequest_v1]):  # type: ignore[misc] # untyped library
    """How large partitions are on a broker's disks (``DescribeLogDirsRequest.json``)."""

    API_KEY = 35

    def __init__(self, topics: list[tuple[str, list[int]]]) -> None:
        self._topics = topics

    def build(self, request_struct_class: Any) -> Any:
        """As the library asks for it."""
        return request_struct_class(self._topics)


class _TopicsRequest(Request[MetadataRequest_v5 | _MetadataRequest_v10]):  # type: ignore[misc] # untyped library
    API_KEY = 3

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def build(self, request_struct_class: Any) -> Any:
        if request_struct_class is _MetadataRequest_v10:
            topics: list[tuple[uuid.UUID, str, dict[int, bytes]]] = [(_NO_ID, name, {}) for name in self._names]
            return _MetadataRequest_v10(topics, False, False, False, {})
        return request_struct_class(self._names, False)


@dataclass(frozen=True, slots=True)
class TopicOnBroker:
    """A topic as the broker knows it. Without an id where the broker is too old to give one."""

    id: uuid.UUID | None
    partitions: int
    ready: bool
    """Whether every partition has a leader."""


async def _ask_any(client: Any, request: _TopicsRequest) -> Any:
    """Ask one broker after the other until one answers: that one of several is away is no outage."""
    failure: errors.KafkaError = errors.NodeNotReadyError("no broker is known")
    nodes = [broker.nodeId for broker in client.cluster.brokers()]
    for node in random.sample(nodes, len(nodes)):
        try:
            return await client.send(node, request)
        except errors.NodeNotReadyError as error:
            failure = error
    raise failure


async def topics_on_broker(client: Any, names: list[str]) -> dict[str, TopicOnBroker]:
    """Those of the named topics that exist. NotAuthorisedError, KafkaError; it never makes one."""
    response = await _ask_any(client, _TopicsRequest(names))
    found = {}
    for topic in response.to_object()["topics"]:
        name = topic.get("name", topic.get("topic"))
        error = errors.for_code(topic["error_code"])
        if error is errors.NoError:
            identity = topic.get("topic_id", _NO_ID)
            partitions = topic["partitions"]
            ready = all(partition["leader"] >= 0 for partition in partitions) and bool(partitions)
            found[name] = TopicOnBroker(None if identity == _NO_ID else identity, len(partitions), ready)
        elif is_refusal(error()):
            raise NotAuthorisedError(
                f"the broker does not let this process see the topic {name!r}: it needs the permission Describe on it "
                "(docs/security.md lists what each role needs)"
            )
        elif error not in {errors.UnknownTopicOrPartitionError, errors.LeaderNotAvailableError}:
            raise error
    return found
