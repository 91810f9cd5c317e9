"""`spark-portfolio up` on Apache Kafka: every role as a process of its own, kept running, ended together."""

import asyncio
import errno
import os
import socket
from collections.abc import Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry

from bus.kafka import KafkaBus
from cli.apart import Order
from cli.child import Child
from cli.demo import SEED
from cli.exits import Exit, ExitError
from cli.handover import core_environment, exchange_environment, foreign, kafka_environment
from cli.logs import is_terminal, log_format
from cli.run import STOP_SECONDS, Step, Waits, stop_in_order
from cli.settings.load import Settings
from cli.simulate import exchange_ports
from collectors.spec import ExchangeSpec
from monitoring.clock import SystemClock
from monitoring.logs import get_logger
from monitoring.metrics import BusMetrics

CONTROL_PORT: Final = 4020
"""The simulator's, as the command's own default."""

OTHER_PORTS: Final = 4100
"""Where free ports are looked for when a usual one is taken."""

START_SECONDS: Final = 30.0
"""For a process to listen: two seconds are usual, a loaded machine may need ten times as long."""

LEFT_SECONDS: Final = 0.5
"""A process has STOP_SECONDS for its parts; its interpreter needs a moment more. Then it is killed."""

LOOK_SECONDS: Final = 0.05
_PORTS_TRIED: Final = 200

_log = get_logger()


class Fleet:
    """The processes of all roles (and of the simulated exchanges, in a demo), as one part of this one."""

    def __init__(
        self,
        settings: Settings,
        *,
        environment: Mapping[str, str],
        level: str,
        demo_port: int | None,
        stop: asyncio.Event,
    ) -> None:
        """``level`` is what the processes log at; ``demo_port`` the simulator's, where there is one."""
        kafka = settings.kafka
        if kafka is None:
            raise ExitError(Exit.WRONG_USE, "processes need Kafka to reach each other: set KAFKA_BOOTSTRAP_SERVERS")
        self._settings = settings
        self._stop = stop
        self._ended: asyncio.Future[ExitError] = asyncio.get_running_loop().create_future()
        self._tasks: dict[Child, asyncio.Task[None]] = {}
        self._codes: list[Exit] = []
        self._replaced: set[Child] = set()
        self._demo_port = demo_port
        self._base = foreign(environment, [one.spec for one in settings.exchanges.values()])
        self._base |= kafka_environment(kafka)
        self._logs = {"LOG_LEVEL": level, "LOG_FORMAT": log_format(settings)}
        self._ports = {settings.core.api_port, *(() if demo_port is None else exchange_ports(demo_port).values())}
        self._simulator = None if demo_port is None else self._make_simulator(demo_port)
        self._roles = [self._make_role(order) for order in orders(settings, demo=demo_port is not None)]
        self.bus: KafkaBus | None = None
        if is_terminal():  # For the live display, and for nobody else.
            self.bus = KafkaBus(kafka, BusMetrics(CollectorRegistry()), SystemClock(), client_id="spark-terminal")

    @property
    def url(self) -> str:
        """Where the page and the API are."""
        host = _reachable(self._settings.core.api_host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self._settings.core.api_port}"

    @property
    def roles(self) -> list[Waits]:
        """The part that may end by itself."""
        return [self]

    def _make_simulator(self, port: int) -> Child:
        words = ["simulator", "--port", str(port), "--seed", str(SEED), "--child"]
        return Child("simulator", words, self._base | self._logs)

    def _make_role(self, order: Order) -> Child:
        own = self._base | core_environment(self._settings.core, api=order.role == "api") | self._logs
        if order.spec is not None:
            own |= exchange_environment(self._settings.exchanges[order.spec.name])
        if order.metrics_port is not None:
            port = self._port(order.metrics_port)
            own["METRICS_PORT"] = str(port)
            if port != order.metrics_port:
                _log.warning(
                    "a port is taken; health and metrics of this process are on another one",
                    process=order.name,
                    port=port,
                    usual=order.metrics_port,
                )
        # No env file beside: it would hold what is not meant for this process.
        return Child(order.name, [*order.words, "--env-file", os.devnull, "--child"], own)

    def _port(self, usual: int) -> int:
        """The usual port, or where it is taken the next free one of those that nobody has by default."""
        host = self._settings.core.metrics_host
        candidates: list[int] = [usual, *range(OTHER_PORTS, OTHER_PORTS + _PORTS_TRIED)]
        for port in candidates:
            if port not in self._ports and is_free(host, port):
                self._ports.add(port)
                return port
        raise ExitError(Exit.ERROR, f"no free port for health and metrics from {OTHER_PORTS} on")

    async def start(self) -> None:
        """Start all; returns when the API listens. ExitError where a port is taken or a process cannot run."""
        core = self._settings.core
        if not is_free(core.api_host, core.api_port):
            raise ExitError(
                Exit.WRONG_USE,
                f"port {core.api_port} on {core.api_host} is taken: another program (or another copy of this one) "
                "listens there. Stop it, or choose another port with API_PORT.",
            )
        if self.bus is not None:
            await self.bus.start()
        if self._simulator is not None and self._demo_port is not None:
            self._run(self._simulator)
            await self._listening("127.0.0.1", self._demo_port)
        for child in self._roles:
            self._run(child)
        await self._listening(_reachable(core.api_host), core.api_port)

    def _run(self, child: Child) -> None:
        self._tasks[child] = asyncio.create_task(self._keep(child), name=child.name)

    async def _keep(self, child: Child) -> None:
        try:
            code, why = await child.run(), ""
        except OSError as error:
            code, why = Exit.ERROR, f"it cannot be started: {error.strerror}"
        if code == Exit.REPLACED:
            self._leave(child)
            return
        self._codes.append(code)
        if (why := why or _WHY.get(code, "")) and not self._ended.done():
            self._ended.set_result(ExitError(code, f"{child.name} cannot go on ({why}), so all end"))

    def _leave(self, child: Child) -> None:
        """A role that moved to another machine is no reason to end the others, as long as there are any."""
        self._replaced.add(child)
        if child.ending or self._ended.done():
            return
        _log.warning(f"{child.name} is done by another process now; this one leaves it and goes on with the rest")
        if self._replaced.issuperset(self._roles):
            self._ended.set_result(
                ExitError(Exit.REPLACED, "everything is done by other processes now, so this one ends")
            )

    async def _listening(self, host: str, port: int) -> None:
        """Wait until something listens there, one of the processes cannot go on, or all is to end."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + START_SECONDS
        while not self._stop.is_set():
            if self._ended.done():
                raise self._ended.result()
            if loop.time() > ends_at:
                raise ExitError(Exit.ERROR, f"nothing listens on {host}:{port} after {START_SECONDS:.0f} s")
            try:
                _, writer = await asyncio.open_connection(host, port)
            except OSError:
                await asyncio.sleep(LOOK_SECONDS)
            else:
                writer.close()
                return

    async def wait(self) -> None:
        """Raise ExitError when one ended for a reason that a new start would not mend, or all were replaced."""
        raise await asyncio.shield(self._ended)

    async def stop(self) -> Exit:
        """End all: the roles together, then the simulated exchanges; the worst of their exit codes."""
        steps: list[Step] = [("processes", self._end_all)]
        if self.bus is not None:
            steps.append(("terminal", self.bus.stop))  # It published nothing, so nothing can be left.
        await stop_in_order(steps, seconds=STOP_SECONDS + LEFT_SECONDS)
        for child, task in self._tasks.items():
            if not task.done():
                _log.warning("a process did not end in time and is killed", process=child.name)
                child.kill()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        return max(self._codes, default=Exit.CLEAN)

    async def _end_all(self) -> None:
        for group in (self._roles, [self._simulator] if self._simulator else []):
            for child in group:
                child.end()
            if tasks := [self._tasks[child] for child in group if child in self._tasks]:
                await asyncio.wait(tasks)


_WHY: Final = {
    Exit.WRONG_USE: "its settings or the topics are wrong",
    Exit.NOT_AUTHORISED: "Kafka does not permit what it needs",
}


def orders(settings: Settings, *, demo: bool) -> list[Order]:
    """The roles that make the whole."""
    collectors = [Order("collector", exchange.spec) for exchange in settings.exchanges.values()]
    return [*collectors, Order("aggregator"), Order("api", demo=demo)]


def demo_ports(specs: Sequence[ExchangeSpec]) -> tuple[int, dict[str, str]]:
    """A port for the simulator, and where its exchanges will then be."""
    rows = range(CONTROL_PORT, OTHER_PORTS - len(specs), 1 + len(specs))
    for port in rows:
        ports = exchange_ports(port)
        if all(is_free("127.0.0.1", one) for one in (port, *ports.values())):
            return port, {name: f"http://127.0.0.1:{one}" for name, one in ports.items()}
    raise ExitError(Exit.ERROR, f"no free ports for the simulated exchanges from {CONTROL_PORT} on")


def is_free(host: str, port: int) -> bool:
    """Whether nobody listens there. What else may be wrong with the address, the process says that is given it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        return error.errno != errno.EADDRINUSE
    return True


def _reachable(host: str) -> str:
    """Where a server that listens on this address is reached from here."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - it is translated, not bound
