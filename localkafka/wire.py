"""The few requests of Kafka's protocol that a broker's keeper needs, each in an old version with plain encoding."""

import socket
import struct
from collections.abc import Sequence

METADATA = 3
DESCRIBE_ACLS = 29
CREATE_ACLS = 30

RESPONSE_BYTES_MAX = 16 << 20
"""Far above any answer to these requests: a larger size means that something else than Kafka answers."""


class WireError(Exception):
    """What answered is not Kafka, or it refused."""


class Reader:
    """The fields of a response, in order."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, kind: str) -> int:
        """One number; `kind` as `struct` names it."""
        try:
            (value,) = struct.unpack_from(f">{kind}", self._body, self._at)
        except struct.error:
            raise WireError("the answer ends too early") from None
        self._at += struct.calcsize(kind)
        return int(value)

    def text(self) -> str | None:
        """One string, or None."""
        size = self.take("h")
        if size < 0:
            return None
        found = self._body[self._at : self._at + size]
        self._at += size
        return found.decode()


def text(value: str | None) -> bytes:
    """A string, or None, as a field of a request."""
    if value is None:
        return struct.pack(">h", -1)
    data = value.encode()
    return struct.pack(">h", len(data)) + data


def ask(port: int, key: int, version: int, body: bytes = b"", *, timeout_seconds: float = 5.0) -> Reader:
    """Send one request to a plain listener of 127.0.0.1 on a new connection; OSError or WireError when it fails."""
    request = struct.pack(">hhi", key, version, 1) + text("localkafka") + body
    with socket.create_connection(("127.0.0.1", port), timeout_seconds) as connection:
        connection.settimeout(timeout_seconds)
        connection.sendall(struct.pack(">i", len(request)) + request)
        (size,) = struct.unpack(">i", _exactly(connection, 4))
        if not 4 <= size <= RESPONSE_BYTES_MAX:
            raise WireError(f"what answers on port {port} is not Kafka")
        reader = Reader(_exactly(connection, size))
    if reader.take("i") != 1:
        raise WireError(f"what answers on port {port} is not Kafka")
    return reader


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise WireError("the connection was closed before the answer")
        data += more
    return bytes(data)


def answers(port: int, *, timeout_seconds: float = 1.0) -> bool:
    """Whether a broker serves requests there and its controller has let it in.

    An open port does not say so, it is bound long before; nor does an answer: a broker that is still fenced answers,
    and refuses to make a topic. It is not among the brokers of its own metadata then.
    """
    no_topics = struct.pack(">i", 0)
    try:
        return ask(port, METADATA, 1, no_topics, timeout_seconds=timeout_seconds).take("i") > 0
    except (OSError, WireError):
        return False


def create_acls(port: int, entries: Sequence[bytes]) -> None:
    """Add encoded access rules; WireError with the broker's words when one is refused."""
    reader = ask(port, CREATE_ACLS, 1, struct.pack(">i", len(entries)) + b"".join(entries))
    reader.take("i")  # The throttle time.
    for _ in range(reader.take("i")):
        error, message = reader.take("h"), reader.text()
        if error:
            raise WireError(f"the broker refused an access rule (error {error}): {message or 'no reason given'}")


def acls(port: int) -> set[tuple[int, str | None, int, str | None, str | None, int, int]]:
    """Every access rule in force: resource, name, pattern, principal, host, operation, permission."""
    anything = struct.pack(">b", 1)
    filters = anything + text(None) + anything + text(None) + text(None) + anything + anything
    reader = ask(port, DESCRIBE_ACLS, 1, filters)
    reader.take("i")  # The throttle time.
    error, message = reader.take("h"), reader.text()
    if error:
        raise WireError(f"the broker did not list its access rules (error {error}): {message or 'no reason given'}")
    found = set()
    for _ in range(reader.take("i")):
        resource, name, pattern = reader.take("b"), reader.text(), reader.take("b")
        for _ in range(reader.take("i")):
            principal, host, operation, permission = reader.text(), reader.text(), reader.take("b"), reader.take("b")
            found.add((resource, name, pattern, principal, host, operation, permission))
    return found
