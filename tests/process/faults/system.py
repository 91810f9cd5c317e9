"""One running system for fault tests: a broker of its own behind a proxy, the simulated exchanges, all four roles.

The roles reach Kafka through the proxy alone; a test looks at the broker directly, whatever became of the proxy.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from localkafka import Broker, Proxy
from tests.history.history import Answer, History
from tests.history.reading import Fact, facts_of
from tests.history.recorder import ApiRecorder, LogRecorder
from tests.process.apart import COLLECTORS, ROLES, Roles, get, whole
from tests.process.conftest import Program
from tests.process.test_restart import simulator_settings

POLLS = {
    "BINANCE_SPOT_POLL_SECONDS": "1",
    "BINANCE_FUNDING_POLL_SECONDS": "2",
    "BINANCE_EARN_POLL_SECONDS": "2",
    "BTCTURK_SPOT_POLL_SECONDS": "1",
}
PACE = 0.03
"""Between two looks."""

SILENCE_SECONDS_MAX = 2.5
"""The api is asked ten times a second; without an answer for so long it does not serve. It is less than the shortest
deadline of anything that it could wrongly wait for, and more than a machine that starts a broker beside it needs."""

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@dataclass(frozen=True)
class Metrics:
    """What a process says of itself at one moment."""

    samples: Samples

    def sum(self, name: str, **labels: str) -> float:
        """All series of that name that have these labels, together."""
        return sum(self.rows(name, **labels).values())

    def rows(self, name: str, **labels: str) -> dict[tuple[tuple[str, str], ...], float]:
        return {
            found: value
            for (called, found), value in self.samples.items()
            if called == name and labels.items() <= dict(found).items()
        }

    @property
    def readers_live(self) -> bool:
        """Every reader is live and has nothing before it."""
        live = self.rows("spark_bus_reader_state", state="live")
        return all(live.values()) and not self.sum("spark_bus_reader_lag_records") and bool(live)


@dataclass(frozen=True)
class Books:
    """How many records lay in each topic, and what the processes said a little later that was acknowledged."""

    sizes: Counter[str]
    metrics: dict[str, Metrics]


class System:
    """See the module. ``start`` starts programs; everything is ended by ``close``."""

    def __init__(self, folder: Path, broker: Broker, proxy: Proxy) -> None:
        self.broker = broker
        self.proxy = proxy
        self.prefix = "f."
        self.history = History()
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        self._folder = folder
        self._programs: list[Program] = []
        self.simulator = self.make()
        self.roles = Roles(self.make, proxy.bootstrap, self.prefix, {})
        self._recorder = ApiRecorder(self.history, self.api.url)

    @property
    def api(self) -> Program:
        return self.roles.api

    def __getitem__(self, role: str) -> Program:
        return self.roles.programs[role]

    def runs(self, role: str) -> bool:
        """Whether that process runs."""
        process = self[role].process
        return process is not None and process.returncode is None

    def make(self) -> Program:
        """One more program, not started."""
        folder = self._folder / f"program-{len(self._programs)}"
        folder.mkdir()
        self._programs.append(Program(folder))
        return self._programs[-1]

    def twin(self) -> Roles:
        """The same roles once more, by mistake."""
        return Roles(self.make, self.proxy.bootstrap, self.prefix, dict(self.roles.simulated))

    async def prepare(self) -> None:
        """The exchanges and their settings; no role yet."""
        await self.simulator.start("simulator", "--port", str(self.simulator.port))
        await self.until("the simulator", lambda: self.asked(self.simulator, "/health"))
        self.roles.simulated |= await simulator_settings(self.simulator) | POLLS

    async def start(self, *roles: str) -> None:
        """Start these roles, and wait until all is there."""
        await self.roles.start(*roles)
        await self.until("a whole portfolio", self.is_whole, within=25)
        await self.until("all ready", self.all_ready)

    async def stop(self, *roles: str) -> dict[str, int]:
        """SIGTERM to these roles; their exit codes."""
        for role in roles:
            self[role].signal(15)
        return {role: await self[role].ended(6) for role in roles}

    async def close(self) -> None:
        await self._recorder.stop()
        for program in self._programs:
            await program.kill()
        await self.http.close()
        await self.proxy.stop()
        await self.broker.kill()

    # Asking

    async def until(self, what: str, holds: Callable[[], Awaitable[Any]], within: float = 10.0) -> float:
        """Look until it holds; the seconds that took."""
        began = time.monotonic()
        while not await holds():
            assert time.monotonic() - began < within, f"{what}: not within {within} s\n{self.last_words()}"
            await asyncio.sleep(PACE)  # The pace of looking.
        return time.monotonic() - began

    async def asked(self, program: Program, path: str) -> tuple[int, Any] | None:
        """What it answers, or None where it does not."""
        try:
            return await get(self.http, program, path)
        except (aiohttp.ClientError, TimeoutError):
            return None

    async def portfolio(self) -> Any:
        status, answer = await get(self.http, self.api, "/api/portfolio")
        assert status == 200
        return answer

    async def is_whole(self) -> bool:
        found = await self.asked(self.api, "/api/portfolio")
        return found is not None and bool(found[1]["accounts"]) and whole(found[1])

    async def all_ready(self, roles: Iterable[str] = ROLES) -> bool:
        """Every process is ready, its readers live with nothing before them."""
        return all([await self.ready(role) for role in roles])

    async def ready(self, role: str) -> bool:
        found = await self.asked(self[role], "/ready")
        return found is not None and found[0] == 200 and (await self.metrics(role)).readers_live

    async def metrics(self, role: str, roles: Roles | None = None) -> Metrics:
        program = (roles or self.roles).programs[role]
        async with self.http.get(program.url + "/metrics") as response:
            text = await response.text()
        samples = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
        return Metrics(samples)

    async def all_metrics(self) -> dict[str, Metrics]:
        return {role: await self.metrics(role) for role in ROLES}

    # The exchanges

    async def control(self, method: str, path: str, body: object = None) -> Any:
        async with self.http.request(method, self.simulator.url + path, json=body) as response:
            assert response.ok, await response.text()
            return await response.json(content_type=None)

    async def walk(self, *, running: bool = True) -> None:
        """Prices move and orders fill, or not."""
        await self.control("POST", "/walk", {"running": running})

    async def hold(self, exchange: str, asset: str, amount: str) -> None:
        """So much of an asset lies in the spot wallet from now on."""
        await self.control("PATCH", f"/balances/{exchange}/main/spot", {asset: {"free": amount}})

    async def shows(self, exchange: str, asset: str, amount: str) -> bool:
        """Whether the api shows so much of it in the spot wallet."""
        return shown(await self.portfolio(), exchange, asset) == amount

    # What was recorded

    @contextlib.asynccontextmanager
    async def watched(self) -> AsyncIterator[list[Answer]]:
        """The api is asked and streamed all the time, and serves well: no error, no empty portfolio, no silence."""
        answers = self.history.answers
        begin, began = len(answers), time.time()
        seen: list[Answer] = []
        yield seen
        seen += [answer for answer in answers[begin:] if answer.source == "poll"]
        ended = time.time()
        assert {answer.status for answer in seen} <= {200, 304}
        assert all(json.loads(answer.body)["accounts"] for answer in seen if answer.status == 200), "never empty"
        moments = [began, *(answer.arrived_at for answer in seen), ended]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert max(gaps) < SILENCE_SECONDS_MAX, "the api serves all the time"

    async def record(self) -> None:
        """Begin to ask the api for the history."""
        await self._recorder.start()

    async def logged(self, *topics: str) -> list[Fact]:
        """All that lies on the broker now, in the order in which it came to be."""
        history = History()
        recorder = LogRecorder(history, self.broker.bootstrap, self.prefix)
        await recorder.start()
        await recorder.stop()
        self.history.records = history.records
        return list(facts_of(history, *topics))

    async def books(self) -> Books:
        """What lies on the broker and what was acknowledged, at this moment."""
        return Books(await self._sizes(), await self.all_metrics())

    async def balance(self, books: Books, metrics: dict[str, Metrics]) -> None:
        """As many records came to each topic as were acknowledged since then; what was sent twice, more."""
        sizes = await self._sizes()
        for topic in sizes:
            acked = sum(
                one.sum("spark_bus_published_total", topic=topic)
                - books.metrics[role].sum("spark_bus_published_total", topic=topic)
                for role, one in metrics.items()
            )
            assert acked <= sizes[topic] - books.sizes[topic], topic

    async def _sizes(self) -> Counter[str]:
        facts = await self.logged("spark.balances", "spark.prices", "spark.collectors", "spark.portfolio")
        return Counter(fact.record.topic for fact in facts)

    def lines(self, role: str, begin: int = 0) -> list[dict[str, Any]]:
        """What a process logged, from that line on."""
        return [json.loads(line) for line in self[role].err.splitlines()[begin:] if line.startswith("{")]

    def last_words(self) -> str:
        return "\n".join(
            f"-- {role}\n{self[role].err[-1500:]}" for role in ROLES if (self[role].folder / "err").exists()
        )


def shown(answer: Any, exchange: str, asset: str) -> str | None:
    """How much of an asset the api shows in an exchange's spot wallet."""
    for account in answer["accounts"]:
        for row in account["balances"]:
            if (account["exchange"], row["wallet"], row["asset"]) == (exchange, "spot", asset):
                return row["total"]
    return None


def grown(before: Metrics, after: Metrics, name: str) -> dict[Any, float]:
    earlier = before.rows(name)
    return {labels: more for labels, value in after.rows(name).items() if (more := value - earlier.get(labels, 0))}


async def healthy(system: System) -> System:
    """All of it running, whatever a test left behind; prices and balances moving."""
    await asyncio.gather(system.broker.start(), system.proxy.restore())
    await system.control("DELETE", "/faults")
    await system.walk()
    await system.start(*(role for role in ROLES if not system.runs(role)))
    return system


def others(role: str) -> list[str]:
    """All roles but this."""
    return [one for one in ROLES if one != role]


ALL_COLLECTORS = tuple(f"collector {name}" for name in COLLECTORS)
