"""Ending a client of the library at once, whatever it waits for: its tasks, then its connections.

Its own ``stop`` waits for the broker, hangs without one, or raises CancelledError out of itself and then never closes
its connections: each outage would leave tasks behind that go on asking. Ours have nothing to be orderly about: no
group, no commits, and what a producer still has under way was waited for by who published it.
"""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

from aiokafka import errors

from bus.kafka_client import client_of
from monitoring.logs import get_logger

CLOSE_SECONDS: Final = 1.0
"""For the tasks of a client to see that they are cancelled: that takes a step or two, or a back-off of 0.1 s."""

_log = get_logger()


async def close(owner: Any, *more: "asyncio.Task[Any]") -> None:
    """End a producer, a consumer or an admin client, and more tasks that use it. Bounded, never raises."""
    owner._closed = True  # noqa: SLF001 - there is no public way for anything here
    tasks = {task for task in (*_tasks(owner), *more) if task is not None and not task.done()}
    accumulator = getattr(owner, "_message_accumulator", None)
    if accumulator is not None:
        accumulator._closed = True  # noqa: SLF001 - as above
    for task in tasks:
        task.cancel()
    _disconnect(client_of(owner))
    _wake(getattr(owner, "_fetcher", None))
    if tasks:
        done, late = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        for task in done:
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.debug("a task of a Kafka client failed at its end", error=type(error).__name__)
        for task in late:
            _log.debug("a task of a Kafka client did not end in time", task=repr(task.get_coro()))
    # Connections that were being made meanwhile.
    _disconnect(client_of(owner))
    if accumulator is not None:
        _give_up(accumulator)
    await asyncio.sleep(0)  # Aborted sockets are closed in the loop's next step.


def _tasks(owner: Any) -> Iterator["asyncio.Task[Any] | None"]:
    yield client_of(owner)._sync_task  # noqa: SLF001 - as above
    yield getattr(getattr(owner, "_sender", None), "sender_task", None)
    yield getattr(getattr(owner, "_coordinator", None), "_reset_committed_task", None)
    fetcher = getattr(owner, "_fetcher", None)
    if fetcher is not None:
        yield fetcher._fetch_task  # noqa: SLF001 - as above
        yield from fetcher._pending_tasks  # noqa: SLF001 - as above


def _disconnect(client: Any) -> None:
    for connection in tuple(client._conns.values()):  # noqa: SLF001 - as above
        writer = connection._writer  # noqa: SLF001 - as above
        connection.close()
        if writer is not None:
            writer.transport.abort()  # An orderly end would wait until what is in its buffer was sent.
    client._conns.clear()  # noqa: SLF001 - as above
    waited_for = client._md_update_fut  # noqa: SLF001 - as above
    if waited_for is not None and not waited_for.done():
        waited_for.set_result(False)


def _wake(fetcher: Any) -> None:
    """Let who waits for records find that there will be none."""
    if fetcher is not None:
        fetcher._closed = True  # noqa: SLF001 - as above
        for waiter in tuple(fetcher._fetch_waiters):  # noqa: SLF001 - as above
            if not waiter.done():
                waiter.set_result(None)


def _give_up(accumulator: Any) -> None:
    """Tell who waits for an acknowledgement that it will never come."""
    for batches in accumulator._batches.values():  # noqa: SLF001 - as above
        for batch in batches:
            batch.failure(errors.ProducerClosed())
            if batch._drain_waiter.done():  # noqa: SLF001 - as above
                batch._drain_waiter.exception()  # noqa: SLF001 - told above: it must not be told again by the loop
    for batch in tuple(accumulator._pending_batches):  # noqa: SLF001 - as above
        batch.failure(errors.ProducerClosed())
