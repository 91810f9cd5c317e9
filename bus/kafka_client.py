"""What all our Kafka clients need beyond the library: no topics made by accident, true reasons."""

import asyncio
import socket
import ssl
import time
from typing import Any, Final

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn

from bus.interface import BusError, NotAuthorisedError
from bus.kafka_settings import REQUEST_TIMEOUT_MS, KafkaSettings, address, security_options

_NOT_AUTHORISED: Final = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
    errors.SaslAuthenticationFailed,
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
    errors.SecurityDisabled,
)


_PASSING_ALERTS: Final = ("INTERNAL_ERROR", "USER_CANCEL", "CLOSE_NOTIFY")
_OTHER_PROTOCOL: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"}
)

METADATA_SECONDS_MIN: Final = 0.05
"""Between two questions for metadata: where a partition has no leader, the library asks as fast as it is answered."""


def client_of(owner: Any) -> AIOKafkaClient:
    """The connections of a producer, a consumer or an admin client; the library keeps some of them to itself."""
    return owner.client if hasattr(owner, "client") else owner._client  # noqa: SLF001 - the one place for it


def ask_for_all_topics(owner: Any) -> None:
    """Make a producer, consumer or admin client ask about all topics it may see, instead of those it uses.

    aiokafka asks for named topics in a way that lets the broker make the missing ones (with the broker's own settings:
    not compacted, one partition), where the broker allows that, as Kafka does by default. Asked for all, it makes none.
    """
    client = client_of(owner)
    original = client._metadata_update  # noqa: SLF001 - there is no public way
    asked_at = float("-inf")

    async def update(cluster_metadata: Any, _topics: Any) -> Any:
        nonlocal asked_at
        await asyncio.sleep(max(0.0, asked_at + METADATA_SECONDS_MIN - time.monotonic()))
        asked_at = time.monotonic()
        return await original(cluster_metadata, None)

    client._metadata_update = update  # noqa: SLF001 - as above


class _Forgiving(set[Any]):
    """Takes the removal of what is gone already."""

    def remove(self, element: Any) -> None:
        self.discard(element)


def forgive_closing(producer: Any) -> None:
    """Let a producer be closed while it tries a batch again.

    aiokafka takes such a batch off its list twice, and the loop logs the second time as an error that nobody caught.
    """
    accumulator = producer._message_accumulator  # noqa: SLF001 - there is no public way
    accumulator._pending_batches = _Forgiving(accumulator._pending_batches)  # noqa: SLF001 - as above


def is_refusal(error: BaseException) -> bool:
    """Whether the broker knows what is asked and does not permit it, or does not let us in."""
    return isinstance(error, _NOT_AUTHORISED)


_REASONS: Final = (
    (TimeoutError, "the broker does not answer in time"),
    ((errors.RequestTimedOutError, errors.KafkaTimeoutError), "the broker does not acknowledge in time"),
    ((errors.KafkaConnectionError, errors.NodeNotReadyError, ConnectionError), "the broker cannot be reached"),
    (errors.UnknownTopicOrPartitionError, "the topic is not there, or the broker cannot be reached"),
    (
        (errors.NotLeaderForPartitionError, errors.LeaderNotAvailableError),
        "the topic is not there, or has no leader at the moment",
    ),
    (errors.MessageSizeTooLargeError, "the broker's limit for records is below ours: see spark-portfolio topics"),
)


def reason_of(error: BaseException) -> str:
    """An error of the library in a few words for people; it never quotes a record."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return f"{type(error).__name__}" + (f" ({text})" if (text := _description(error)) else "")


def _description(error: BaseException) -> str:
    return str(getattr(error, "description", "") or "")[:200]


async def probe(settings: KafkaSettings, client_id: str) -> str:
    """Connect to the bootstrap servers and leave: the first that answers, as ``host:port``.

    All at once: one that swallows everything must not hide the others. Where none answers, BusError with the reasons
    for people (the library's own start says only that nothing could be reached); NotAuthorisedError where we are not
    let in.
    """
    options = security_options(settings)

    async def attempt(host: str, port: int) -> tuple[str, BaseException | None]:
        where = address(host, port)
        try:
            connection = await create_conn(
                host, port, client_id=client_id, request_timeout_ms=REQUEST_TIMEOUT_MS, **options
            )
        except (OSError, errors.KafkaError, ValueError) as error:
            return where, error
        connection.close()
        return where, None

    attempts = [asyncio.create_task(attempt(host, port)) for host, port in settings.servers]
    failed: list[tuple[str, BaseException]] = []
    try:
        for answer in asyncio.as_completed(attempts):
            where, error = await answer
            if error is None:
                return where
            failed.append((where, error))
    finally:
        for task in attempts:
            task.cancel()
        await asyncio.wait(attempts)
    for where, error in failed:
        if told := refusal_of(settings, where, error):
            raise NotAuthorisedError(told) from error
    raise BusError("; ".join(sorted(f"{where} {_connect_reason(error)}" for where, error in failed)))


def refusal_of(settings: KafkaSettings, where: str, error: BaseException) -> str:
    """Why we are not let in and what to do, or nothing where it is not that."""
    # A broker that does not trust our certificate says so when the library has its connection already.
    distrust = error if isinstance(error, ssl.SSLError) else error.__cause__
    if isinstance(distrust, ssl.SSLError) and _is_distrust(distrust):
        detail = getattr(distrust, "verify_message", "") or distrust.reason or "TLS failed"
        return (
            f"{where} and this process do not trust each other (TLS: {detail}): look at KAFKA_SSL_CAFILE, "
            "KAFKA_SSL_CERTFILE and KAFKA_SECURITY_PROTOCOL"
        )
    if is_refusal(error):
        who = f" as {settings.sasl_username!r}" if settings.sasl_username else ""
        return (
            f"{where} does not let this process in{who} ({type(error).__name__}): look at KAFKA_SASL_USERNAME, "
            "KAFKA_SASL_PASSWORD, KAFKA_SASL_MECHANISM and KAFKA_SECURITY_PROTOCOL"
        )
    return ""


def _is_distrust(error: ssl.SSLError) -> bool:
    """Whether one side does not accept the other. A connection that ended in the middle of it is not that."""
    reason = error.reason or ""
    return isinstance(error, ssl.SSLCertVerificationError) or (
        ("ALERT" in reason and not any(passing in reason for passing in _PASSING_ALERTS)) or reason in _OTHER_PROTOCOL
    )


def _connect_reason(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return "is no known host name"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections: nothing listens there"
    if isinstance(error, TimeoutError):
        return "does not answer"
    if isinstance(error, errors.KafkaConnectionError | ConnectionError | ssl.SSLError):
        return (
            "takes the connection and closes it: it is starting or ending, or a proxy whose broker is away, or wants "
            "another KAFKA_SECURITY_PROTOCOL"
        )
    return f"cannot be reached ({reason_of(error)})"
