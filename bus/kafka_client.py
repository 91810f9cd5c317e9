"""What all our Kafka clients need beyond the library: no topics made by accident, true reasons, bounded ends."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiokafka import errors
from aiokafka.client import AIOKafkaClient
from aiokafka.conn import create_conn

from bus.interface import NotAuthorisedError
from bus.kafka_settings import REQUEST_TIMEOUT_MS, KafkaSettings, security_options
from monitoring.logs import get_logger

CLOSE_SECONDS: Final = 1.0
"""For a client to close its connections. One whose broker is away can take for ever, and is left behind."""

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

_log = get_logger()


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

    async def update(cluster_metadata: Any, _topics: Any) -> Any:
        return await original(cluster_metadata, None)

    client._metadata_update = update  # noqa: SLF001 - as above


def is_refusal(error: BaseException) -> bool:
    """Whether the broker knows what is asked and does not permit it, or does not let us in."""
    return isinstance(error, _NOT_AUTHORISED)


def reason_of(error: BaseException) -> str:
    """An error of the library in a few words for people; it never quotes a record."""
    if isinstance(error, TimeoutError):
        return "the broker does not answer in time"
    if isinstance(error, errors.RequestTimedOutError | errors.KafkaTimeoutError):
        return "the broker does not acknowledge in time"
    if isinstance(error, errors.KafkaConnectionError | errors.NodeNotReadyError | ConnectionError):
        return "the broker cannot be reached"
    if isinstance(error, errors.UnknownTopicOrPartitionError):
        return "the topic is not there, or the broker cannot be reached"
    if isinstance(error, errors.MessageSizeTooLargeError):
        return "the broker's limit for records is below ours: see spark-portfolio topics"
    return f"{type(error).__name__}" + (f" ({text})" if (text := _description(error)) else "")


def _description(error: BaseException) -> str:
    return str(getattr(error, "description", "") or "")[:200]


async def probe(settings: KafkaSettings, client_id: str) -> str:
    """Connect to one bootstrap server and leave: empty if that works, else why not, for people.

    The library's own start says only that nothing could be reached. NotAuthorisedError where we are not let in.
    """
    options = security_options(settings)
    reasons = []
    for host, port in settings.servers:
        try:
            connection = await create_conn(
                host, port, client_id=client_id, request_timeout_ms=REQUEST_TIMEOUT_MS, **options
            )
        except (OSError, errors.KafkaError, TimeoutError, ValueError) as error:
            told = refusal_of(settings, f"{host}:{port}", error)
            if told:
                raise NotAuthorisedError(told) from error
            reasons.append(f"{host}:{port} {_connect_reason(error)}")
        else:
            connection.close()
            return ""
    return "; ".join(reasons)


def refusal_of(settings: KafkaSettings, where: str, error: BaseException) -> str:
    """Why we are not let in and what to do, or nothing where it is not that."""
    if isinstance(error, ssl.SSLError):
        detail = getattr(error, "verify_message", "") or error.reason or "TLS failed"
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


def _connect_reason(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return "is no known host name"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections: nothing listens there"
    if isinstance(error, TimeoutError):
        return "does not answer"
    return f"cannot be reached ({reason_of(error)})"


async def close_quietly(close: Callable[[], Awaitable[object]], what: str) -> None:
    """Close a client within CLOSE_SECONDS, whatever it does meanwhile: hang, raise, or raise CancelledError of its own.

    It runs as a task of its own, so that a cancellation that comes out of it is not taken for ours.
    """

    async def closing() -> None:
        await close()

    task = asyncio.create_task(closing(), name=f"close {what}")
    try:
        done, _ = await asyncio.wait({task}, timeout=CLOSE_SECONDS)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if not done:
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=CLOSE_SECONDS / 4)
        _log.debug("a Kafka client did not close in time and is left behind", client=what)
    for ended in done:
        if not ended.cancelled() and (error := ended.exception()) is not None:
            _log.debug("a Kafka client failed while closing", client=what, error=type(error).__name__)
