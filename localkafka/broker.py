"""The broker for asyncio: the same calls as coroutines, which run in threads and belong to no event loop."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from localkafka.blocking import BlockingBroker
from localkafka.listeners import Listener
from localkafka.ports import free_port
from localkafka.proxy import Proxy
from localkafka.security import Acl


class Broker:
    """A real broker on 127.0.0.1, its files in one folder; see `BlockingBroker` for what goes in.

    The calls may be made from several event loops one after the other.
    """

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        advertised: str | None = None,
        properties: Mapping[str, str] | None = None,
        listeners: Sequence[Listener] = (),
        users: Mapping[str, str] | None = None,
    ) -> None:
        self.blocking = BlockingBroker(
            folder, port=port, advertised=advertised, properties=properties, listeners=listeners, users=users
        )
        self._proxies: list[Proxy] = []

    @property
    def bootstrap(self) -> str:
        """The address of the plain listener, as clients take it."""
        return self.blocking.bootstrap

    @property
    def port(self) -> int:
        """The port of the plain listener."""
        return self.blocking.port

    @property
    def log(self) -> Path:
        """What the broker said: its warnings and errors."""
        return self.blocking.log

    @property
    def pid(self) -> int | None:
        """The process id, or None when it does not run."""
        return self.blocking.pid

    def address(self, listener: str) -> str:
        """Where a listener of that name listens; ValueError when there is none."""
        return self.blocking.address(listener)

    def proxied(self) -> Proxy:
        """One more way in, through a proxy of its own; call it before `start`, then start the proxy.

        Clients that begin at `Proxy.bootstrap` stay on it, since that listener advertises the proxy's address. Each
        call makes another one, so that some clients can be cut off while others go on.
        """
        if self.pid is not None:
            raise RuntimeError("the broker runs already: make its proxies before it starts")
        listener_port = free_port()
        proxy = Proxy(listener_port)
        name = f"PROXIED{len(self._proxies) + 1}"
        self.blocking.add_listener(Listener(name=name, port=listener_port, advertised=proxy.bootstrap))
        self._proxies.append(proxy)
        return proxy

    async def start(self) -> None:
        """Run it and return when it serves requests; KafkaUnavailableError or BrokerError when it does not."""
        await asyncio.to_thread(self.blocking.start)

    async def stop(self) -> None:
        """Let it end in order (SIGTERM), in bounded time."""
        await asyncio.to_thread(self.blocking.stop)

    async def kill(self) -> None:
        """End it at once (SIGKILL)."""
        await asyncio.to_thread(self.blocking.kill)

    def pause(self) -> None:
        """Freeze it (SIGSTOP): its connections stay open, and nothing answers."""
        self.blocking.pause()

    def resume(self) -> None:
        """Let it go on (SIGCONT)."""
        self.blocking.resume()

    async def restart(self) -> None:
        """Stop it in order and start it again on its data."""
        await asyncio.to_thread(self.blocking.restart)

    async def wipe(self) -> None:
        """Throw all data away, topics too; the broker must be stopped, and starts empty."""
        await asyncio.to_thread(self.blocking.wipe)

    async def allow(self, *rules: Acl) -> None:
        """Add access rules and return when they are in force."""
        await asyncio.to_thread(self.blocking.allow, *rules)

    async def close(self) -> None:
        """Kill it and stop its proxies: the end of a test."""
        for proxy in self._proxies:
            await proxy.stop()
        await self.kill()
